/* etcdraft with one consenter: a cluster of one elects itself and agrees with
 * itself, so all that is left of Raft is what it writes into the blocks.
 *
 * raft_index is the place in Raft's log that the block would have.  In a new
 * cluster of one, places 1 and 2 are taken by "node 1 is added" and "there is a
 * leader"; each later start elects again, which takes one place:
 *
 *     genesis   blocks 1 2 3      start   blocks 4 5
 *               index  3 4 5        6            7 8
 *
 * A config block that changes ConsensusType takes its place, too, but says what the
 * block before it says: Fabric copies the metadata before it sets the index.  So
 * after a start the places of such blocks are counted, back to one that says its own:
 *
 *     blocks 1 2 3     (2 and 3 change ConsensusType)     start   block 4
 *     says   3 3 3                                                     7
 *     place  3 4 5                                          6          7
 *
 * A start without a block behind it is known from Raft's files (raft_files.h), if it was
 * stopped and not killed; otherwise the next one begins where it did, lower than the
 * original, which keeps its log, but with a place that no block has.
 *
 * Go origin   orderer/consensus/etcdraft/chain.go orderer/consensus/etcdraft/consenter.go
 */
#include "orderer/consenter_local.h"

#include "base/arena.h"
#include "base/log.h"
#include "bundle/bundle.h"
#include "channel/config_group.h"
#include "net/net_msg.h"
#include "orderer/etcdraft_metadata.h"

#include <inttypes.h>

LOG_DEFINE(raft_log, "orderer.consensus.etcdraft");

enum {
    FIRST_LEADER_INDEX = 2, /* after "node 1 is added" */
};

struct etcdraft {
    struct consenter_local local;
    struct etcdraft_block_metadata metadata;
    uint64_t id;         /* ours */
    uint64_t said, says; /* raft_index of the newest block, and of the one in the making */
    struct buf encoded;
    char *config; /* of the channel: ConfigMetadata that `metadata` belongs to */
    size_t config_len;
    char *refuses; /* NULL: we order */
};

static struct etcdraft *etcdraft_of(const struct consenter *c)
{
    return WEFT_CONTAINER_OF((struct consenter *)c, struct etcdraft, local.consenter);
}

static struct bytes config_of(const struct etcdraft *r)
{
    return bytes_of(r->config, r->config_len);
}

static void set_config(struct etcdraft *r, struct bytes config)
{
    char *copy = weft_alloc(config.len + 1);
    memcpy(copy, config.data, config.len);
    free(r->config);
    r->config = copy;
    r->config_len = config.len;
}

/* ---- blocks ------------------------------------------------------------------------------ */

/* Which of the channel's ConsensusTypes it is. */
static uint64_t consensus_type_version(const struct bundle *b)
{
    const struct config_item *orderer =
        config_group_find(bundle_group(b), CONFIG_ITEM_GROUP, bytes_of_str("Orderer"));
    const struct config_item *type =
        config_group_find(orderer, CONFIG_ITEM_VALUE, bytes_of_str("ConsensusType"));
    return type != NULL ? type->version : 0;
}

/* The configuration that a config message would bring numbers the consenters of
 * its own block already. */
static void move_to(const struct etcdraft *r, struct etcdraft_block_metadata *m,
                    const struct bundle *next)
{
    WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
    struct etcdraft_config was, will;
    struct weft_err e = { 0 };
    struct bytes metadata = bundle_orderer(next)->consensus_metadata;
    if (bytes_eq(metadata, config_of(r)) ||
        etcdraft_config_parse(config_of(r), &arena, &was, &e) != WEFT_OK ||
        etcdraft_config_parse(metadata, &arena, &will, &e) != WEFT_OK)
        return;
    if (etcdraft_block_metadata_move(m, &was, &will, &e) != WEFT_OK)
        LOG_ERROR(&raft_log, "illegal configuration change detected: %s" LOG_KV "channel=%s", e.msg,
                  r->local.consenter.support.channel);
}

static void configure_block(const struct etcdraft *r, struct etcdraft_block_metadata *m,
                            struct net_msg *config)
{
    WEFT_CLEANUP(bundle_unref) struct bundle *next = NULL;
    struct weft_err e = { 0 };
    const struct bundle *now = r->local.consenter.support.bundle(r->local.consenter.support.ctx);
    if (bundle_of_envelope(net_msg_bytes(config), &next, &e) != WEFT_OK ||
        bundle_orderer(next) == NULL ||
        strcmp(bundle_channel_id(next), bundle_channel_id(now)) != 0)
        return; /* write_config says what is wrong with it */
    if (consensus_type_version(next) != consensus_type_version(now))
        m->raft_index = r->said;
    move_to(r, m, next);
}

static struct bytes etcdraft_metadata(struct consenter_local *l, struct net_msg *config)
{
    struct etcdraft *r = etcdraft_of(&l->consenter);
    const struct consenter_support *s = &l->consenter.support;
    struct etcdraft_block_metadata m = r->metadata;
    m.raft_index++;
    LOG_INFO(&raft_log,
             "Writing block [%" PRIu64 "] (Raft index: %" PRIu64 ") to ledger" LOG_KV
             "channel=%s" LOG_KV "node=%" PRIu64,
             s->last_block(s->ctx) + 1, m.raft_index, s->channel, r->id);
    if (config != NULL)
        configure_block(r, &m, config);
    r->says = m.raft_index;
    buf_clear(&r->encoded);
    etcdraft_block_metadata_encode(&m, &r->encoded);
    return buf_bytes(&r->encoded);
}

static void etcdraft_written(struct consenter_local *l)
{
    struct etcdraft *r = etcdraft_of(&l->consenter);
    r->metadata.raft_index++;
    r->said = r->says;
}

/* ---- the configuration -------------------------------------------------------------------- */

static void refuse(struct etcdraft *r, size_t consenters)
{
    free(r->refuses);
    r->refuses = weft_asprintf("channel %s has %zu consenters: this orderer can't take part in "
                               "their consensus",
                               r->local.consenter.support.channel, consenters);
    LOG_WARN(&raft_log, "%s" LOG_KV "channel=%s", r->refuses, r->local.consenter.support.channel);
}

static void etcdraft_configured(struct consenter *c, uint64_t now_ns)
{
    struct etcdraft *r = etcdraft_of(c);
    const struct bundle_orderer *o = bundle_orderer(c->support.bundle(c->support.ctx));
    WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
    struct etcdraft_config was, will;
    struct weft_err e = { 0 };
    (void)now_ns;
    if (strcmp(o->consensus_type, "etcdraft") != 0 || o->consensus_metadata.len == 0 ||
        bytes_eq(o->consensus_metadata, config_of(r)))
        return; /* another type takes effect with the next start */
    if (etcdraft_config_parse(config_of(r), &arena, &was, &e) != WEFT_OK ||
        etcdraft_config_parse(o->consensus_metadata, &arena, &will, &e) != WEFT_OK ||
        etcdraft_block_metadata_move(&r->metadata, &was, &will, &e) != WEFT_OK) {
        LOG_ERROR(&raft_log, "illegal configuration change detected: %s" LOG_KV "channel=%s", e.msg,
                  c->support.channel);
        return;
    }
    set_config(r, o->consensus_metadata);
    if (will.consenter_count != 1)
        refuse(r, will.consenter_count);
}

/* ---- the consenter --------------------------------------------------------------------------- */

static void etcdraft_start(struct consenter *c, uint64_t now_ns)
{
    struct etcdraft *r = etcdraft_of(c);
    (void)now_ns;
    if (r->metadata.raft_index == 0)
        r->metadata.raft_index = FIRST_LEADER_INDEX;
    else
        r->metadata.raft_index++;
    LOG_INFO(&raft_log, "Starting Raft node" LOG_KV "channel=%s" LOG_KV "node=%" PRIu64,
             c->support.channel, r->id);
    LOG_INFO(&raft_log,
             "Raft leader changed: 0 -> %" PRIu64 LOG_KV "channel=%s" LOG_KV "node=%" PRIu64, r->id,
             c->support.channel, r->id);
    LOG_INFO(&raft_log,
             "Start accepting requests as Raft leader at block [%" PRIu64 "]" LOG_KV
             "channel=%s" LOG_KV "node=%" PRIu64,
             c->support.last_block(c->support.ctx), c->support.channel, r->id);
}

static void etcdraft_order(struct consenter *c, struct order_item *item, uint64_t now_ns)
{
    const struct etcdraft *r = etcdraft_of(c);
    struct weft_err why = { 0 };
    if (r->refuses == NULL) {
        consenter_local_order(c, item, now_ns);
        return;
    }
    enum weft_code rc = WEFT_FAIL(&why, WEFT_UNAVAILABLE, "%s", r->refuses);
    c->support.refused(c->support.ctx, item, rc, &why);
}

static void etcdraft_status(const struct consenter *c, struct consenter_status *ret)
{
    const struct etcdraft *r = etcdraft_of(c);
    *ret = (struct consenter_status){ .relation = "consenter",
                                      .status = "active",
                                      .is_errored = r->refuses != NULL,
                                      .refuses = r->refuses,
                                      .raft = { r->id, r->metadata.raft_index } };
}

static void etcdraft_free(struct consenter *c)
{
    struct etcdraft *r = etcdraft_of(c);
    buf_done(&r->encoded);
    free(r->config);
    free(r->refuses);
    free(r);
}

/* The place in the log that the newest block has, which says `said`. */
static enum weft_code find_place(const struct consenter_support *s, uint64_t said, uint64_t *ret,
                                 struct weft_err *e)
{
    *ret = said;
    for (uint64_t n = s->last_block(s->ctx); n > 0; (*ret)++) {
        WEFT_CLEANUP(buf_done) struct buf own = { 0 };
        struct etcdraft_block_metadata before;
        WEFT_TRY(s->metadata(s->ctx, --n, &own, e));
        WEFT_TRY(etcdraft_block_metadata_parse(buf_bytes(&own), &before, e));
        if (own.len == 0 && said == 0)
            *ret += FIRST_LEADER_INDEX + 1; /* the cluster began behind it */
        if (own.len == 0 || before.raft_index != said)
            break;
    }
    return WEFT_OK;
}

static const struct consenter_ops etcdraft_ops = {
    .start = etcdraft_start,
    .order = etcdraft_order,
    .timer = consenter_local_timer,
    .configured = etcdraft_configured,
    .flush = consenter_local_flush,
    .status = etcdraft_status,
    .free = etcdraft_free,
};

enum weft_code consenter_etcdraft_new(const struct consenter_support *support,
                                      const struct consenter_config *config, struct consenter **ret,
                                      struct weft_err *e)
{
    WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
    struct etcdraft_config c;
    struct etcdraft_block_metadata m;
    struct bytes metadata = bundle_orderer(support->bundle(support->ctx))->consensus_metadata;
    enum weft_code rc = etcdraft_config_parse(metadata, &arena, &c, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "failed to unmarshal consensus metadata");
    if (!c.has_options)
        return WEFT_FAIL(e, WEFT_INVALID, "etcdraft options have not been provided");
    WEFT_TRY(etcdraft_block_metadata_of(config->last_metadata, &c, &m, e));
    if (m.count != c.consenter_count)
        return WEFT_FAIL(e, WEFT_CORRUPT, "the newest block numbers %zu consenters, there are %zu",
                         m.count, c.consenter_count);
    size_t self = config->cluster == NULL ? SIZE_MAX : etcdraft_config_find(&c, config->cluster);
    if (self == SIZE_MAX || c.consenter_count != 1) {
        WEFT_FREE char *why =
            self == SIZE_MAX
                ? weft_asprintf("channel %s is not serviced by me", support->channel)
                : weft_asprintf("channel %s has %zu consenters: this orderer can't take part in "
                                "their consensus",
                                support->channel, c.consenter_count);
        LOG_WARN(&raft_log, "%s" LOG_KV "channel=%s", why, support->channel);
        *ret = consenter_inactive_new(support, why);
        return WEFT_OK;
    }
    uint64_t place = 0;
    if (config->last_metadata.len > 0)
        WEFT_TRY(find_place(support, m.raft_index, &place, e));
    struct etcdraft *r = weft_alloc(sizeof(*r));
    r->local = (struct consenter_local){ .consenter = { .ops = &etcdraft_ops, .support = *support },
                                         .logger = &raft_log,
                                         .metadata = etcdraft_metadata,
                                         .written = etcdraft_written };
    r->metadata = m;
    r->metadata.raft_index = place > config->raft_index ? place : config->raft_index;
    r->said = m.raft_index;
    r->id = m.ids[self];
    set_config(r, metadata);
    *ret = &r->local.consenter;
    return WEFT_OK;
}
