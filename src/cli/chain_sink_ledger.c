/* chain_sink.h: into an orderer's ledger on disk. */
#include "bundle/bundle.h"
#include "cli/chain_sink.h"
#include "ledger/block_store.h"
#include "msp/signing_identity.h"
#include "net/net_msg.h"
#include "orderer/block_cutter.h"
#include "orderer/block_writer.h"
#include "orderer/etcdraft_metadata.h"
#include "orderer/ordered_message.h"
#include "os/dirs.h"
#include "proto/metadata.h"
#include "txmaker/tx_script.h"

#include <inttypes.h>

enum {
    GROUP_BYTES = 16 << 20 /* blocks that share a sync */
};

struct ledger_sink {
    struct chain_sink base; /* first */
    struct block_stores *stores;
    struct block_store *bs;
    struct block_cutter cutter;
    struct block_writer writer;
    struct chain_sink_plan plan;
    bool is_etcdraft;
    struct etcdraft_block_metadata raft;
    uint64_t pending; /* bytes that are not synced */
    struct chain_place last;
};

static struct ledger_sink *sink_of(struct chain_sink *s)
{
    return WEFT_CONTAINER_OF(s, struct ledger_sink, base);
}

static void ledger_free(struct chain_sink *base)
{
    struct ledger_sink *s = sink_of(base);
    block_cutter_done(&s->cutter);
    block_writer_done(&s->writer);
    block_store_close(s->bs);
    block_stores_close(s->stores);
    free(s);
}

/* ---- what a block writer wants -------------------------------------------------------- */

static enum weft_code make_nonce(void *ctx, uint8_t ret[BLOCK_WRITER_NONCE], struct weft_err *e)
{
    const struct ledger_sink *s = ctx;
    (void)e;
    tx_script_nonce(s->plan.seed, "block", s->writer.number + 1, ret);
    return WEFT_OK;
}

static enum weft_code sign(void *ctx, struct bytes message, struct buf *out, struct weft_err *e)
{
    return signing_identity_sign(((struct ledger_sink *)ctx)->plan.orderer, message, out, e);
}

static enum weft_code append(void *ctx, const struct block_view *v, struct weft_err *e)
{
    struct ledger_sink *s = ctx;
    WEFT_TRY(block_store_append(s->bs, v, BLOCK_APPEND_LATER, e));
    for (size_t i = 0; i < v->txs.count; i++)
        s->pending += v->txs.at[i].len;
    if (s->pending < GROUP_BYTES)
        return WEFT_OK;
    s->pending = 0;
    return block_store_sync(s->bs, e);
}

static enum weft_code write_batch(struct ledger_sink *s, const struct batch *batch,
                                  struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf consenter = { 0 };
    struct etcdraft_block_metadata next = s->raft;
    next.raft_index++;
    if (s->is_etcdraft)
        etcdraft_block_metadata_encode(&next, &consenter);
    WEFT_TRY(block_writer_write(&s->writer, batch, buf_bytes(&consenter),
                                bundle_sequence(s->base.bundle), e));
    s->raft = next;
    s->last = (struct chain_place){ s->writer.number, batch->count - 1 };
    s->base.seen.blocks++;
    s->base.seen.height = s->writer.number + 1;
    memcpy(s->base.seen.hash, s->writer.hash.b, SHA256_BYTES);
    return WEFT_OK;
}

static enum weft_code ledger_put(struct chain_sink *base, struct bytes envelope, struct weft_err *e)
{
    struct ledger_sink *s = sink_of(base);
    struct batch batches[BLOCK_CUTTER_BATCHES] = { 0 };
    struct net_msg *m = net_msg_copy(envelope);
    struct ordered_message message = { 0 };
    enum weft_code rc = ordered_message_of(m, &message, e);
    net_msg_unref(m);
    WEFT_TRY(rc);
    size_t cut = block_cutter_add(&s->cutter, message, 0, batches);
    for (size_t i = 0; i < cut; i++) {
        if (rc == WEFT_OK)
            rc = write_batch(s, &batches[i], e);
        batch_done(&batches[i]);
    }
    return rc;
}

static enum weft_code ledger_settle(struct chain_sink *base, const char *tx_id,
                                    struct chain_place *ret_place, struct weft_err *e)
{
    struct ledger_sink *s = sink_of(base);
    (void)tx_id;
    if (block_cutter_pending(&s->cutter) > 0) {
        WEFT_CLEANUP(batch_done) struct batch batch = block_cutter_cut(&s->cutter, 0);
        WEFT_TRY(write_batch(s, &batch, e));
    }
    WEFT_TRY(block_store_sync(s->bs, e));
    *ret_place = s->last;
    return WEFT_OK;
}

/* ---- the beginning ---------------------------------------------------------------------- */

static enum weft_code begin_etcdraft(struct ledger_sink *s, const struct block_view *newest,
                                     struct weft_err *e)
{
    WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
    const struct bundle_orderer *o = bundle_orderer(s->base.bundle);
    struct etcdraft_config config;
    struct bytes consenter = { 0 };
    s->is_etcdraft = strcmp(o->consensus_type, "etcdraft") == 0;
    if (!s->is_etcdraft)
        return WEFT_OK;
    WEFT_TRY(etcdraft_config_parse(o->consensus_metadata, &arena, &config, e));
    if (newest->number > 0)
        WEFT_TRY(block_consenter_metadata(newest, &consenter, e));
    return etcdraft_block_metadata_of(consenter, &config, &s->raft, e);
}

static enum weft_code ledger_begin(struct chain_sink *base, const struct chain_sink_plan *plan,
                                   struct weft_err *e)
{
    struct ledger_sink *s = sink_of(base);
    const struct bundle_orderer *o = bundle_orderer(base->bundle);
    WEFT_CLEANUP(block_unref) struct block *newest = NULL;
    const struct block_writer_deps deps = {
        .ctx = s,
        .creator =
            plan->orderer != NULL ? signing_identity_bytes(plan->orderer) : bytes_of(NULL, 0),
        .nonce = make_nonce,
        .sign = sign,
        .append = append,
    };
    if (plan->orderer == NULL || o == NULL)
        return WEFT_FAIL(e, WEFT_NOT_FOUND,
                         "blocks are signed by an orderer of the channel, whose key is not "
                         "there: --crypto needs ordererOrganizations, too");
    WEFT_TRY(block_store_read(s->bs, UINT64_MAX, &newest, e));
    WEFT_TRY(begin_etcdraft(s, &newest->v, e));
    s->plan = *plan;
    block_cutter_init(&s->cutter);
    block_cutter_configure(&s->cutter,
                           plan->block_txs > 0 ? plan->block_txs : o->batch_size.max_messages,
                           o->batch_size.preferred_max_bytes);
    return block_writer_init(&s->writer, &deps, &newest->v, bundle_sequence(base->bundle), e);
}

static const struct chain_sink_ops ledger_ops = {
    .begin = ledger_begin, .put = ledger_put, .settle = ledger_settle, .free = ledger_free
};

/* The configuration in force at the newest block. */
static enum weft_code find_configuration(struct ledger_sink *s, struct weft_err *e)
{
    WEFT_CLEANUP(block_unref) struct block *newest = NULL;
    WEFT_CLEANUP(block_unref) struct block *config = NULL;
    uint64_t number = 0;
    WEFT_TRY(block_store_read(s->bs, UINT64_MAX, &newest, e));
    if (newest->v.number > 0)
        WEFT_TRY(block_last_config(&newest->v, &number, e));
    WEFT_TRY(block_store_read(s->bs, number, &config, e));
    s->base.seen.height = newest->v.number + 1;
    return chain_sink_configure(&s->base, &config->v, e);
}

static enum weft_code open_stores(struct ledger_sink *s, const char *dir, struct weft_err *e)
{
    enum weft_code rc = block_stores_open(dir, LEDGER_ORDERER, &s->stores, e);
    if (rc != WEFT_OK)
        return rc;
    return block_store_open(s->stores, s->base.channel, &s->bs, e);
}

enum weft_code chain_sink_to_ledger(const char *dir, const char *channel, const char *genesis,
                                    struct chain_sink **ret, struct weft_err *e)
{
    WEFT_CLEANUP(block_unref) struct block *first = NULL;
    struct ledger_sink *s = weft_alloc(sizeof(*s));
    s->base = (struct chain_sink){ .ops = &ledger_ops, .channel = weft_strdup(channel) };
    WEFT_CLEANUP(chain_sink_free) struct chain_sink *mine = &s->base;
    WEFT_FREE char *chain = weft_asprintf("%s/chains/%s", dir, channel);
    bool is_there = path_is_dir(chain);
    if (!is_there && genesis == NULL)
        return WEFT_FAIL(e, WEFT_NOT_FOUND,
                         "channel [%s] is not in %s: give its first block with --genesis", channel,
                         dir);
    if (genesis != NULL) {
        WEFT_TRY(chain_sink_read_block(genesis, &first, e));
        enum weft_code rc = chain_sink_configure(&s->base, &first->v, e);
        if (rc != WEFT_OK)
            return weft_err_wrap(e, rc, "%s", genesis);
    }
    WEFT_TRY(open_stores(s, dir, e));
    if (block_store_height(s->bs) == 0 && first != NULL)
        WEFT_TRY(block_store_append(s->bs, &first->v, BLOCK_APPEND_SYNC, e));
    WEFT_TRY(find_configuration(s, e));
    *ret = WEFT_TAKE(mine);
    return WEFT_OK;
}
