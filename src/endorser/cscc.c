/* cscc: which channels is this peer on, and how is it brought onto one?
 *
 * Go origin   core/scc/cscc/configure.go
 */
#include "base/log.h"
#include "endorser/join_block.h"
#include "endorser/peer_support.h"
#include "endorser/scc.h"
#include "kvledger/kv_ledger.h"
#include "proto/metadata.h"
#include "proto/wire.h"

LOG_DEFINE(logger, "cscc");

static enum weft_code join(const struct scc_call *c, struct weft_err *e)
{
    WEFT_CLEANUP(join_block_done) struct join_block j = { 0 };
    struct weft_err why = { 0 };
    WEFT_TRY(join_block_read(c->proposal->args[1], &j, e));
    enum weft_code rc = acl_check(c->acl, "cscc/JoinChain", bytes_of(NULL, 0), &c->by, &why);
    if (rc != WEFT_OK)
        return WEFT_FAIL(e, rc, "access denied for [JoinChain][%.100s]: [%.380s]", j.channel,
                         why.msg);
    return c->support->join(c->support->ctx, j.channel, j.block, e);
}

static void join_channel(const struct scc_call *c, struct scc_reply *ret)
{
    struct weft_err e = { 0 };
    if (join(c, &e) != WEFT_OK)
        scc_error(ret, "%s", e.msg);
}

/* ---- questions ------------------------------------------------------------------------------ */

static enum weft_code newest_config(struct block_store *bs, struct block **ret, struct weft_err *e)
{
    WEFT_CLEANUP(block_unref) struct block *last = NULL;
    uint64_t number = 0;
    WEFT_TRY(block_store_read(bs, UINT64_MAX, &last, e));
    WEFT_TRY(block_last_config(&last->v, &number, e));
    return block_store_read(bs, number, ret, e);
}

static void config_block(const struct scc_call *c, struct scc_reply *ret)
{
    struct bytes id = c->proposal->args[1];
    WEFT_CLEANUP(peer_channel_view_done) struct peer_channel_view ch = { 0 };
    WEFT_CLEANUP(block_unref) struct block *b = NULL;
    struct weft_err e = { 0 };
    if (acl_check(c->acl, "cscc/GetConfigBlock", id, &c->by, &e) != WEFT_OK)
        scc_error(ret, "access denied for [GetConfigBlock][%.*s]: %s", (int)id.len,
                  (const char *)id.data, e.msg);
    else if (!c->support->find(c->support->ctx, id, &ch))
        scc_error(ret, "Unknown channel ID, %.*s", (int)id.len, (const char *)id.data);
    else if (newest_config(kv_ledger_blocks(ch.ledger), &b, &e) != WEFT_OK)
        scc_error(ret, "%s", e.msg);
    else
        block_encode(&b->v, &ret->payload);
}

/* ChannelQueryResponse { 1 ChannelInfo { 1 channel_id } ... } */
static void put_channel(void *arg, const char *id)
{
    WEFT_CLEANUP(buf_done) struct buf info = { 0 };
    wire_put_bytes(&info, 1, bytes_of_str(id));
    wire_put_bytes(arg, 1, buf_bytes(&info));
}

static void channels(const struct scc_call *c, struct scc_reply *ret)
{
    struct weft_err e = { 0 };
    if (acl_check(c->acl, "cscc/GetChannels", bytes_of(NULL, 0), &c->by, &e) != WEFT_OK)
        scc_error(ret, "access denied for [GetChannels]: %s", e.msg);
    else
        c->support->list(c->support->ctx, put_channel, &ret->payload);
}

void cscc_invoke(const struct scc_call *c, struct scc_reply *ret)
{
    const struct proposal *p = c->proposal;
    struct bytes f = p->arg_count > 0 ? p->args[0] : bytes_of(NULL, 0);
    bool is_channels = p->arg_count > 0 && bytes_eq(f, bytes_of_str("GetChannels"));
    if (p->arg_count < 1 || (!is_channels && p->arg_count < 2)) {
        scc_error(ret, "Incorrect number of arguments, %zu", p->arg_count);
        return;
    }
    LOG_DEBUG(&logger, "Invoke function: %.*s", (int)(f.len < 100 ? f.len : 100),
              (const char *)f.data);
    if (is_channels)
        channels(c, ret);
    else if (bytes_eq(f, bytes_of_str("JoinChain")))
        join_channel(c, ret);
    else if (bytes_eq(f, bytes_of_str("GetConfigBlock")))
        config_block(c, ret);
    else
        scc_error(ret, "Requested function %.*s not found.", (int)f.len, (const char *)f.data);
}
