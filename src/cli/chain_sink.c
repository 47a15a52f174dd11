#include "cli/chain_sink.h"

#include "base/limits.h"
#include "bundle/bundle.h"
#include "os/file.h"
#include "proto/block.h"
#include "proto/envelope.h"

static const int64_t ns_per_s = 1000000000;

void chain_sink_free(struct chain_sink *s)
{
    if (s == NULL)
        return;
    bundle_unref(s->bundle);
    free(s->channel);
    s->ops->free(s);
}

struct bundle *chain_sink_bundle(const struct chain_sink *s)
{
    return s->bundle;
}

int64_t chain_sink_config_ns(const struct chain_sink *s)
{
    return s->config_ns;
}

struct chain_sink_seen chain_sink_seen(const struct chain_sink *s)
{
    return s->seen;
}

enum weft_code chain_sink_begin(struct chain_sink *s, const struct chain_sink_plan *plan,
                                struct weft_err *e)
{
    return s->ops->begin(s, plan, e);
}

enum weft_code chain_sink_put(struct chain_sink *s, struct bytes envelope, struct weft_err *e)
{
    return s->ops->put(s, envelope, e);
}

enum weft_code chain_sink_settle(struct chain_sink *s, const char *tx_id,
                                 struct chain_place *ret_place, struct weft_err *e)
{
    return s->ops->settle(s, tx_id, ret_place, e);
}

enum weft_code chain_sink_configure(struct chain_sink *s, const struct block_view *v,
                                    struct weft_err *e)
{
    struct envelope_headers h;
    WEFT_CLEANUP(bundle_unref) struct bundle *b = NULL;
    if (v->txs.count == 0)
        return WEFT_FAIL(e, WEFT_INVALID, "the block is empty: it is no config block");
    WEFT_TRY(envelope_headers_parse(v->txs.at[0], &h, e));
    enum weft_code rc = bundle_of_block(v, &b, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "no config block of a channel");
    if (strcmp(bundle_channel_id(b), s->channel) != 0)
        return WEFT_FAIL(e, WEFT_INVALID, "the block is of channel [%.*s], not of [%s]",
                         LIMIT_CHANNEL_ID, bundle_channel_id(b), s->channel);
    s->config_ns = h.channel.timestamp_s * ns_per_s + h.channel.timestamp_ns;
    bundle_unref(s->bundle);
    s->bundle = WEFT_TAKE(b);
    return WEFT_OK;
}

enum weft_code chain_sink_read_block(const char *path, struct block **ret, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf wire = { 0 };
    WEFT_TRY(file_read_all(path, LIMIT_BLOCK_BYTES, &wire, e));
    enum weft_code rc = block_parse(buf_bytes(&wire), ret, e);
    return rc == WEFT_OK ? rc : weft_err_wrap(e, rc, "%s", path);
}
