/* chain_sink.h: to an orderer, by Broadcast; its blocks come back by Deliver. */
#include "bundle/bundle.h"
#include "cli/broadcast_client.h"
#include "cli/chain_sink.h"
#include "cli/node_client.h"
#include "deliver/deliver_fetch.h"
#include "os/clock.h"
#include "proto/envelope.h"
#include "proto/metadata.h"

#include <inttypes.h>
#include <time.h>

enum {
    AGAIN_MS = 200, /* after a busy or an absent orderer */
    LOOK_MS = 20,   /* for a block that is not there yet */
    STATUS_SUCCESS = 200,
    STATUS_UNAVAILABLE = 503,
    WORDS_MAX = 300,
};

struct orderer_sink {
    struct chain_sink base; /* first */
    const struct node_target *target;
    const struct signing_identity *me;
    struct node_client *node;
    struct deliver_fetch *fetch;
    struct buf ring[CHAIN_SINK_WINDOW]; /* sent, not yet acknowledged */
    uint64_t sent, answered;
    uint64_t give_up_ms, moved_ms; /* when something last went forward */
    struct weft_err why;           /* it did not, lately */
};

static struct orderer_sink *sink_of(struct chain_sink *s)
{
    return WEFT_CONTAINER_OF(s, struct orderer_sink, base);
}

static void orderer_free(struct chain_sink *base)
{
    struct orderer_sink *s = sink_of(base);
    node_client_close(s->node);
    deliver_fetch_close(s->fetch);
    for (size_t i = 0; i < CHAIN_SINK_WINDOW; i++)
        buf_done(&s->ring[i]);
    free(s);
}

static void pause_ms(long ms)
{
    const struct timespec t = { .tv_nsec = ms * 1000000L };
    (void)nanosleep(&t, NULL);
}

/* Waits a little before the next try; or it has been too long. */
static enum weft_code wait_for_orderer(struct orderer_sink *s, long ms, struct weft_err *e)
{
    if (clock_monotonic_ms() - s->moved_ms > s->give_up_ms)
        return WEFT_FAIL(e, WEFT_UNAVAILABLE,
                         "nothing went forward for %" PRIu64 " s: %s (is the orderer running? more "
                         "time: --giveUpAfter)",
                         s->give_up_ms / 1000, s->why.msg);
    pause_ms(ms);
    return WEFT_OK;
}

static void went_forward(struct orderer_sink *s)
{
    s->moved_ms = clock_monotonic_ms();
}

/* ---- envelopes ------------------------------------------------------------------------- */

static enum weft_code connect(struct orderer_sink *s)
{
    node_client_close(WEFT_TAKE(s->node));
    WEFT_TRY(node_client_open(s->target, &s->node, &s->why));
    return node_client_call(s->node, "/orderer.AtomicBroadcast/Broadcast", &s->why);
}

/* A new stream, and all that was not acknowledged once more. */
static enum weft_code start_again(struct orderer_sink *s, struct weft_err *e)
{
    for (;;) {
        WEFT_TRY(wait_for_orderer(s, AGAIN_MS, e));
        enum weft_code rc = connect(s);
        for (uint64_t i = s->answered; rc == WEFT_OK && i < s->sent; i++) {
            rc = node_client_send(s->node, buf_bytes(&s->ring[i % CHAIN_SINK_WINDOW]), &s->why);
            s->base.seen.sent_again++;
        }
        if (rc == WEFT_OK)
            return WEFT_OK;
    }
}

static enum weft_code receive(struct orderer_sink *s, struct weft_err *e)
{
    WEFT_CLEANUP(net_msg_unref) struct net_msg *m = NULL;
    uint64_t status = 0;
    struct bytes info = { 0 };
    if (node_client_receive(s->node, &m, &s->why) != WEFT_OK)
        return start_again(s, e);
    WEFT_TRY(broadcast_response_parse(net_msg_bytes(m), &status, &info, e));
    if (status == STATUS_SUCCESS) {
        s->answered++;
        went_forward(s);
        return WEFT_OK;
    }
    const char *name = common_status_name(status);
    WEFT_IGNORE(WEFT_FAIL(&s->why, WEFT_UNAVAILABLE, "status %s: %.*s", name != NULL ? name : "?",
                          (int)(info.len < WORDS_MAX ? info.len : WORDS_MAX),
                          (const char *)info.data));
    if (status == STATUS_UNAVAILABLE)
        return start_again(s, e);
    return WEFT_FAIL(e, WEFT_FORBIDDEN, "the orderer refuses a transaction: %s", s->why.msg);
}

static enum weft_code orderer_put(struct chain_sink *base, struct bytes envelope,
                                  struct weft_err *e)
{
    struct orderer_sink *s = sink_of(base);
    while (s->sent - s->answered == CHAIN_SINK_WINDOW)
        WEFT_TRY(receive(s, e));
    struct buf *kept = &s->ring[s->sent % CHAIN_SINK_WINDOW];
    buf_clear(kept);
    buf_put(kept, envelope);
    s->sent++;
    if (node_client_send(s->node, envelope, &s->why) != WEFT_OK)
        return start_again(s, e);
    return WEFT_OK;
}

/* ---- blocks ----------------------------------------------------------------------------- */

static enum weft_code open_fetch(struct orderer_sink *s, struct weft_err *e)
{
    const struct deliver_fetch_config config = {
        .address = s->target->address,
        .host_override = s->target->host_override,
        .method = "/orderer.AtomicBroadcast/Deliver",
        .tls = s->target->tls,
        .connect_timeout_ms = s->target->connect_timeout_ms,
        .channel_id = s->base.channel,
        .signer = s->me,
    };
    deliver_fetch_close(WEFT_TAKE(s->fetch));
    return deliver_fetch_open(&config, &s->fetch, e);
}

/* The block, or the newest one; opens the stream again when it has ended. */
static enum weft_code fetch(struct orderer_sink *s, const struct seek_position *position,
                            struct block **ret, struct weft_err *e)
{
    for (;;) {
        enum weft_code rc = s->fetch != NULL ? WEFT_OK : open_fetch(s, &s->why);
        if (rc == WEFT_OK)
            rc = deliver_fetch_block(s->fetch, position, ret, &s->why);
        if (rc == WEFT_OK)
            return WEFT_OK;
        deliver_fetch_close(WEFT_TAKE(s->fetch));
        WEFT_TRY(wait_for_orderer(s, AGAIN_MS, e));
    }
}

static bool find_tx(const struct block_view *v, const char *tx_id, uint64_t *ret_tx)
{
    for (size_t i = 0; i < v->txs.count; i++) {
        char room[TX_ID_LEN + 1];
        struct bytes id = { 0 };
        if (envelope_tx_id(v->txs.at[i], room, &id, NULL) == WEFT_OK &&
            bytes_eq(id, bytes_of_str(tx_id))) {
            *ret_tx = i;
            return true;
        }
    }
    return false;
}

static void see_block(struct orderer_sink *s, const struct block_view *v)
{
    struct digest hash = block_header_hash(v);
    s->base.seen.height = v->number + 1;
    s->base.seen.blocks++;
    memcpy(s->base.seen.hash, hash.b, sizeof(hash.b));
    went_forward(s);
}

/* An orderer acknowledges what is in no block yet. */
static enum weft_code orderer_settle(struct chain_sink *base, const char *tx_id,
                                     struct chain_place *ret_place, struct weft_err *e)
{
    static const struct seek_position newest = { .kind = SEEK_NEWEST };
    struct orderer_sink *s = sink_of(base);
    while (s->answered < s->sent)
        WEFT_TRY(receive(s, e));
    WEFT_IGNORE(WEFT_FAIL(&s->why, WEFT_UNAVAILABLE,
                          "transaction %s was acknowledged, but is in no block", tx_id));
    for (;;) {
        WEFT_CLEANUP(block_unref) struct block *top = NULL;
        WEFT_TRY(fetch(s, &newest, &top, e));
        while (s->base.seen.height <= top->v.number) {
            const struct seek_position next = { SEEK_SPECIFIED, s->base.seen.height };
            WEFT_CLEANUP(block_unref) struct block *b = NULL;
            uint64_t tx = 0;
            WEFT_TRY(fetch(s, &next, &b, e));
            see_block(s, &b->v);
            if (find_tx(&b->v, tx_id, &tx)) {
                *ret_place = (struct chain_place){ b->v.number, tx };
                return WEFT_OK;
            }
        }
        WEFT_TRY(wait_for_orderer(s, LOOK_MS, e));
    }
}

/* ---- the beginning ------------------------------------------------------------------------- */

static enum weft_code orderer_begin(struct chain_sink *base, const struct chain_sink_plan *plan,
                                    struct weft_err *e)
{
    static const struct seek_position newest = { .kind = SEEK_NEWEST };
    struct orderer_sink *s = sink_of(base);
    WEFT_CLEANUP(block_unref) struct block *b = NULL;
    if (s->me == NULL)
        s->me = plan->client;
    s->give_up_ms = plan->give_up_s * 1000;
    went_forward(s);
    if (s->fetch == NULL)
        WEFT_TRY(open_fetch(s, e));
    WEFT_TRY(deliver_fetch_block(s->fetch, &newest, &b, e));
    base->seen.height = b->v.number + 1;
    if (connect(s) != WEFT_OK)
        return WEFT_FAIL(e, WEFT_UNAVAILABLE, "%s", s->why.msg);
    return WEFT_OK;
}

static const struct chain_sink_ops orderer_ops = {
    .begin = orderer_begin, .put = orderer_put, .settle = orderer_settle, .free = orderer_free
};

/* The newest block says where the configuration is. */
static enum weft_code fetch_configuration(struct orderer_sink *s, struct weft_err *e)
{
    static const struct seek_position newest = { .kind = SEEK_NEWEST };
    WEFT_CLEANUP(block_unref) struct block *top = NULL;
    WEFT_CLEANUP(block_unref) struct block *config = NULL;
    struct seek_position at = { .kind = SEEK_SPECIFIED };
    WEFT_TRY(open_fetch(s, e));
    WEFT_TRY(deliver_fetch_block(s->fetch, &newest, &top, e));
    if (top->v.number > 0)
        WEFT_TRY(block_last_config(&top->v, &at.number, e));
    WEFT_TRY(deliver_fetch_block(s->fetch, &at, &config, e));
    return chain_sink_configure(&s->base, &config->v, e);
}

enum weft_code chain_sink_to_orderer(const struct node_target *orderer, const char *channel,
                                     const char *genesis, const struct signing_identity *me,
                                     struct chain_sink **ret, struct weft_err *e)
{
    struct orderer_sink *s = weft_alloc(sizeof(*s));
    s->base = (struct chain_sink){ .ops = &orderer_ops, .channel = weft_strdup(channel) };
    WEFT_CLEANUP(chain_sink_free) struct chain_sink *mine = &s->base;
    WEFT_CLEANUP(block_unref) struct block *first = NULL;
    s->target = orderer;
    s->me = me;
    if (genesis == NULL) {
        WEFT_TRY(fetch_configuration(s, e));
    } else {
        WEFT_TRY(chain_sink_read_block(genesis, &first, e));
        WEFT_TRY(chain_sink_configure(&s->base, &first->v, e));
    }
    *ret = WEFT_TAKE(mine);
    return WEFT_OK;
}
