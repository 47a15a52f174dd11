/* A chain with a ledger in memory, a journal on disk, and a clock of ours. */
#include "orderer/chain.h"

#include "bundle/bundle.h"
#include "crypto/x509.h"
#include "net/net_msg.h"
#include "orderer/etcdraft_metadata.h"
#include "orderer/journal.h"
#include "os/dirs.h"
#include "proto/envelope.h"
#include "proto/metadata.h"
#include "proto/wire.h"
#include "test_channel.h"
#include "weft_test.h"

#define SECOND UINT64_C(1000000000)

enum {
    BLOCKS_MAX = 64
};

struct world {
    struct test_channel *config;
    struct bundle *bundle;
    struct chain *chain;
    struct x509_cert *cluster;
    char *journal_path; /* NULL: no journal */
    bool journal_ends;
    struct block *blocks[BLOCKS_MAX]; /* [0] is there from the start */
    size_t appended, synced;
    size_t syncs;
    uint64_t now, timer_at;
    char log[4096]; /* what happened, in order */
    enum weft_code append_says, create_says, reprocess_says;
    bool refuses;
    struct order_request requests[BLOCKS_MAX];
    size_t request_count;
};

static void note(struct world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void note(struct world *w, const char *fmt, ...)
{
    va_list args;
    size_t at = strlen(w->log);
    va_start(args, fmt);
    (void)vsnprintf(w->log + at, sizeof(w->log) - at, fmt, args);
    va_end(args);
}

/* What happened since the last time. */
#define EXPECT_LOG(w, want)         \
    do {                            \
        EXPECT_STR((w)->log, want); \
        (w)->log[0] = '\0';         \
    } while (0)

/* ---- what a chain needs --------------------------------------------------------------------- */

static enum weft_code dep_nonce(void *ctx, uint8_t ret[BLOCK_WRITER_NONCE], struct weft_err *e)
{
    (void)ctx, (void)e;
    memset(ret, 7, BLOCK_WRITER_NONCE);
    return WEFT_OK;
}

static enum weft_code dep_sign(void *ctx, struct bytes message, struct buf *out, struct weft_err *e)
{
    (void)ctx, (void)message, (void)e;
    buf_put_str(out, "signature");
    return WEFT_OK;
}

static void note_block(struct world *w, const struct block_view *v)
{
    note(w, "%u[", (unsigned)v->number);
    for (size_t i = 0; i < v->txs.count; i++) {
        struct envelope_headers h;
        WEFT_IGNORE(envelope_headers_parse(v->txs.at[i], &h, NULL));
        if (h.channel.type == HEADER_CONFIG || h.channel.type == HEADER_ORDERER_TRANSACTION)
            note(w, "config");
        else
            note(w, "%.*s", (int)h.payload.data.len, (const char *)h.payload.data.data);
    }
    note(w, "] ");
}

static enum weft_code dep_append(void *ctx, const struct block_view *v, struct weft_err *e)
{
    struct world *w = ctx;
    WEFT_CLEANUP(buf_done) struct buf wire = { 0 };
    if (w->append_says != WEFT_OK)
        return WEFT_FAIL(e, w->append_says, "no space left on device");
    EXPECT_EQ(v->number, w->appended);
    struct digest last = block_header_hash(&w->blocks[w->appended - 1]->v);
    EXPECT_BYTES(v->previous_hash, digest_bytes(&last));
    block_encode(v, &wire);
    EXPECT(block_parse(buf_bytes(&wire), &w->blocks[w->appended++], e) == WEFT_OK);
    note_block(w, v);
    return WEFT_OK;
}

static enum weft_code dep_sync(void *ctx, struct weft_err *e)
{
    struct world *w = ctx;
    (void)e;
    w->synced = w->appended;
    w->syncs++;
    note(w, "sync ");
    return WEFT_OK;
}

static enum weft_code dep_read(void *ctx, uint64_t number, struct block **ret, struct weft_err *e)
{
    struct world *w = ctx;
    (void)e;
    EXPECT(number < w->synced);
    *ret = block_ref(w->blocks[number]);
    return WEFT_OK;
}

static enum weft_code dep_create(void *ctx, struct bytes config_envelope, struct weft_err *e)
{
    struct world *w = ctx;
    if (w->create_says != WEFT_OK)
        return WEFT_FAIL(e, w->create_says, "no new channels today");
    note(w, "create(%.*s) ", (int)config_envelope.len, (const char *)config_envelope.data);
    return WEFT_OK;
}

static void dep_configured(void *ctx, struct bundle *b)
{
    struct world *w = ctx;
    EXPECT(w->synced < w->appended); /* nobody has seen the block yet */
    note(w, "configured(%u) ", (unsigned)bundle_sequence(b));
}

static void dep_status(void *ctx, const struct consenter_status *s)
{
    struct world *w = ctx;
    w->refuses = s->refuses != NULL;
    note(w, "%s ", s->refuses != NULL ? s->refuses : "open");
}

static enum weft_code dep_reprocess(void *ctx, const struct bundle *b, enum order_kind kind,
                                    struct bytes envelope, struct net_msg **ret, struct weft_err *e)
{
    struct world *w = ctx;
    (void)b, (void)kind, (void)envelope, (void)ret;
    note(w, "again ");
    return w->reprocess_says == WEFT_OK ? WEFT_OK : WEFT_FAIL(e, w->reprocess_says, "not any more");
}

static void dep_answer(void *ctx, struct order_request *r)
{
    struct world *w = ctx;
    note(w, "%zu:%s ", (size_t)(r - w->requests), r->rc == WEFT_OK ? "ok" : weft_code_name(r->rc));
}

static void dep_timer(void *ctx, uint64_t at_ns)
{
    ((struct world *)ctx)->timer_at = at_ns;
}

/* ---- the world -------------------------------------------------------------------------------- */

static void open_chain(struct world *w)
{
    struct weft_err e;
    WEFT_CLEANUP(journal_close) struct journal *journal = NULL;
    const struct digest first = block_header_hash(&w->blocks[0]->v);
    if (w->journal_path != NULL)
        EXPECT_OK(journal_open(w->journal_path, &first, &journal, &e));
    const struct chain_deps deps = {
        .ctx = w,
        .writer = { .ctx = w,
                    .creator = bytes_of_str("us"),
                    .nonce = dep_nonce,
                    .sign = dep_sign,
                    .append = dep_append },
        .sync = dep_sync,
        .read_block = dep_read,
        .create_channel = dep_create,
        .configured = dep_configured,
        .status = dep_status,
        .reprocess = dep_reprocess,
        .answer = dep_answer,
        .set_timer = dep_timer,
    };
    EXPECT_OK(chain_new(&(struct chain_config){ .id = "ch",
                                                .bundle = w->bundle,
                                                .last = &w->blocks[w->synced - 1]->v,
                                                .journal = WEFT_TAKE(journal),
                                                .journal_ends = w->journal_ends,
                                                .cluster = w->cluster },
                        &deps, &w->chain, &e));
    EXPECT_OK(chain_start(w->chain, w->now, &e));
}

static void set_batch(struct test_channel *c, uint64_t messages, uint64_t preferred)
{
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    wire_put_varint(&b, 1, messages);
    wire_put_varint(&b, 2, 1 << 20);
    wire_put_varint(&b, 3, preferred);
    test_channel_set(c, "Orderer", "BatchSize", buf_bytes(&b));
}

static void genesis(struct world *w)
{
    struct weft_err e;
    struct block_view v = { .has_header = true, .has_data = true, .has_metadata = true };
    WEFT_CLEANUP(buf_done) struct buf wire = { 0 };
    bytes_list_add(&v.txs, bytes_of_str("genesis"));
    for (size_t i = 0; i < BLOCK_SLOT_NR; i++)
        bytes_list_add(&v.slots, bytes_of(NULL, 0));
    struct digest d = block_data_hash(&v);
    v.data_hash = digest_bytes(&d);
    block_encode(&v, &wire);
    EXPECT_OK(block_parse(buf_bytes(&wire), &w->blocks[0], &e));
    block_view_done(&v);
    w->appended = w->synced = 1;
}

static void make_bundle(struct world *w, uint64_t sequence)
{
    struct weft_err e;
    bundle_unref(w->bundle);
    EXPECT_OK(bundle_new("ch", sequence, test_channel_bytes(w->config), &w->bundle, &e));
}

/* Three messages a block, at most 1000 bytes, two seconds. */
static void world_init(struct world *w)
{
    *w = (struct world){ .config = test_channel_new(), .now = 100 * SECOND };
    set_batch(w->config, 3, 1000);
    make_bundle(w, 4);
    genesis(w);
}

static void world_done(struct world *w)
{
    chain_free(w->chain);
    for (size_t i = 0; i < w->appended; i++)
        block_unref(w->blocks[i]);
    for (size_t i = 0; i < w->request_count; i++)
        net_msg_unref(w->requests[i].envelope);
    bundle_unref(w->bundle);
    test_channel_free(w->config);
    x509_cert_unref(w->cluster);
    free(w->journal_path);
}

static void keep_a_journal(struct world *w)
{
    WEFT_FREE char *dir = weft_test_fast_dir();
    w->journal_path = weft_asprintf("%s/ch", dir);
}

static void put_envelope(int type, struct bytes data, struct buf *out)
{
    WEFT_CLEANUP(buf_done) struct buf channel = { 0 };
    WEFT_CLEANUP(buf_done) struct buf header = { 0 };
    WEFT_CLEANUP(buf_done) struct buf payload = { 0 };
    if (type != 0)
        wire_put_varint(&channel, 1, (uint64_t)type);
    wire_put_bytes(&channel, 4, bytes_of_str("ch"));
    wire_put_bytes(&header, 1, buf_bytes(&channel));
    wire_put_bytes(&payload, 1, buf_bytes(&header));
    wire_put_bytes(&payload, 2, data);
    wire_put_bytes(out, 1, buf_bytes(&payload));
    wire_put_bytes(out, 2, bytes_of_str("sig"));
}

static void send(struct world *w, enum order_kind kind, uint64_t sequence, struct bytes envelope)
{
    struct order_request *r = &w->requests[w->request_count++];
    *r = (struct order_request){ .kind = kind,
                                 .config_sequence = sequence,
                                 .envelope = net_msg_copy(envelope) };
    chain_order(w->chain, r, w->now);
}

static void message(struct world *w, const char *text)
{
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    put_envelope(HEADER_ENDORSER_TRANSACTION, bytes_of_str(text), &b);
    send(w, ORDER_NORMAL, bundle_sequence(chain_bundle(w->chain)), buf_bytes(&b));
}

static void message_of(struct world *w, const char *text, uint64_t sequence)
{
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    put_envelope(HEADER_ENDORSER_TRANSACTION, bytes_of_str(text), &b);
    send(w, ORDER_NORMAL, sequence, buf_bytes(&b));
}

/* The message that brings so many messages a block. */
static void config_message(struct world *w, uint64_t max_messages)
{
    struct weft_err e;
    WEFT_CLEANUP(test_channel_free) struct test_channel *next = test_channel_copy(w->config);
    WEFT_CLEANUP(buf_done) struct buf update = { 0 };
    WEFT_CLEANUP(buf_done) struct buf config = { 0 };
    WEFT_CLEANUP(buf_done) struct buf envelope = { 0 };
    set_batch(next, max_messages, 1000);
    test_update(w->config, next, "ch", "OrdererMSP", &update);
    EXPECT_OK(bundle_propose(chain_bundle(w->chain), buf_bytes(&update), &config, &e));
    put_envelope(HEADER_CONFIG, buf_bytes(&config), &envelope);
    send(w, ORDER_CONFIG, bundle_sequence(chain_bundle(w->chain)), buf_bytes(&envelope));
}

static void end_turn(struct world *w)
{
    struct weft_err e;
    EXPECT_OK(chain_end_turn(w->chain, w->now, &e));
}

/* Time goes on; the timer fires if it is due. */
static void pass(struct world *w, uint64_t ns)
{
    w->now += ns;
    if (w->timer_at == 0 || w->timer_at > w->now)
        return;
    w->timer_at = 0;
    chain_timer(w->chain, w->now);
    end_turn(w);
}

/* The process is killed: what was not synced is gone. */
static void crash(struct world *w)
{
    chain_free(WEFT_TAKE(w->chain));
    while (w->appended > w->synced)
        block_unref(w->blocks[--w->appended]);
    w->log[0] = '\0';
    w->timer_at = 0;
    open_chain(w);
}

static uint64_t last_config(const struct world *w)
{
    struct weft_err e;
    uint64_t n = 0;
    EXPECT_OK(block_last_config(&w->blocks[w->appended - 1]->v, &n, &e));
    return n;
}

/* ---- blocks and answers ------------------------------------------------------------------------- */

TEST(messages_are_answered_once_their_block_is_synced)
{
    struct world w;
    world_init(&w);
    open_chain(&w);
    message(&w, "a");
    message(&w, "b");
    message(&w, "c");
    EXPECT_LOG(&w, "1[abc] ");
    end_turn(&w);
    EXPECT_LOG(&w, "sync 0:ok 1:ok 2:ok ");
    EXPECT_EQ(w.timer_at, 0);
    world_done(&w);
}

TEST(many_blocks_of_a_turn_share_a_sync)
{
    struct world w;
    world_init(&w);
    open_chain(&w);
    for (int i = 0; i < 7; i++)
        message(&w, "x");
    end_turn(&w);
    EXPECT_LOG(&w, "1[xxx] 2[xxx] sync 0:ok 1:ok 2:ok 3:ok 4:ok 5:ok 6:ok ");
    EXPECT_EQ(w.syncs, 1);
    world_done(&w);
}

TEST(what_is_no_envelope_is_refused_at_once)
{
    struct world w;
    world_init(&w);
    open_chain(&w);
    send(&w, ORDER_NORMAL, 4, bytes_of("\x0a\x7f", 2));
    EXPECT_LOG(&w, "0:INVALID ");
    world_done(&w);
}

/* ---- the batch timer --------------------------------------------------------------------------------- */

TEST(a_batch_waits_for_its_timeout)
{
    struct world w;
    world_init(&w);
    open_chain(&w);
    message(&w, "a");
    end_turn(&w);
    EXPECT_LOG(&w, "0:ok ");
    pass(&w, 2 * SECOND - 1);
    EXPECT_LOG(&w, "");
    pass(&w, 1);
    EXPECT_LOG(&w, "1[a] sync ");
    EXPECT_EQ(w.timer_at, 0);
    world_done(&w);
}

TEST(the_timer_runs_from_the_first_message_and_a_cut_with_a_rest_leaves_it_alone)
{
    struct world w;
    world_init(&w);
    open_chain(&w);
    message(&w, "a");
    uint64_t at = w.timer_at;
    EXPECT_EQ(at, w.now + 2 * SECOND);
    pass(&w, SECOND);
    WEFT_FREE char *large = weft_alloc(980);
    memset(large, 'L', 970);
    message(&w, large); /* does not fit beside a: a goes, it stays */
    EXPECT_EQ(w.appended, 2);
    EXPECT_EQ(chain_pending(w.chain), 1);
    EXPECT_EQ(w.timer_at, at);
    world_done(&w);
}

TEST(the_timer_stops_when_nothing_is_pending)
{
    struct world w;
    world_init(&w);
    open_chain(&w);
    message(&w, "a");
    message(&w, "b");
    EXPECT(w.timer_at != 0);
    message(&w, "c");
    EXPECT_EQ(w.timer_at, 0);
    message(&w, "d");
    EXPECT_EQ(w.timer_at, w.now + 2 * SECOND);
    world_done(&w);
}

/* ---- the configuration ------------------------------------------------------------------------------- */

TEST(a_config_message_is_alone_and_everybody_knows_before_its_block_is_announced)
{
    struct world w;
    world_init(&w);
    open_chain(&w);
    message(&w, "a");
    config_message(&w, 2);
    EXPECT_EQ(w.timer_at, 0);
    message(&w, "b"); /* under the new one */
    message(&w, "c");
    end_turn(&w);
    EXPECT_LOG(&w, "1[a] 2[config] configured(5) 3[bc] sync 0:ok 1:ok 2:ok 3:ok ");
    EXPECT_EQ(last_config(&w), 2);
    world_done(&w);
}

TEST(a_config_block_points_at_itself_and_those_before_it_at_the_old_one)
{
    struct weft_err e;
    struct world w;
    uint64_t n = 9;
    world_init(&w);
    open_chain(&w);
    message(&w, "a");
    config_message(&w, 2);
    EXPECT_OK(block_last_config(&w.blocks[1]->v, &n, &e));
    EXPECT_EQ(n, 0);
    EXPECT_OK(block_last_config(&w.blocks[2]->v, &n, &e));
    EXPECT_EQ(n, 2);
    world_done(&w);
}

TEST(a_message_of_an_older_configuration_is_filtered_again)
{
    struct world w;
    world_init(&w);
    open_chain(&w);
    message_of(&w, "a", 3);
    EXPECT_LOG(&w, "again ");
    w.reprocess_says = WEFT_FORBIDDEN;
    message_of(&w, "b", 3);
    message_of(&w, "c", 4);
    end_turn(&w);
    EXPECT_LOG(&w, "again 1:FORBIDDEN 0:ok 2:ok ");
    pass(&w, 2 * SECOND);
    EXPECT_LOG(&w, "1[ac] sync ");
    world_done(&w);
}

TEST(a_config_message_that_does_not_follow_is_refused_and_no_block)
{
    struct world w;
    world_init(&w);
    open_chain(&w);
    message(&w, "a");
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    put_envelope(HEADER_CONFIG, bytes_of_str(""), &b);
    send(&w, ORDER_CONFIG, 4, buf_bytes(&b));
    end_turn(&w);
    EXPECT_LOG(&w, "1[a] 1:INVALID sync 0:ok ");
    world_done(&w);
}

TEST(a_channel_is_made_before_the_block_that_says_so)
{
    struct world w;
    world_init(&w);
    open_chain(&w);
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    put_envelope(HEADER_ORDERER_TRANSACTION, bytes_of_str("new one"), &b);
    send(&w, ORDER_CONFIG, 4, buf_bytes(&b));
    end_turn(&w);
    EXPECT_LOG(&w, "create(new one) 1[config] sync 0:ok ");
    EXPECT_EQ(last_config(&w), 0); /* not this channel's */
    w.create_says = WEFT_UNAVAILABLE;
    send(&w, ORDER_CONFIG, 4, buf_bytes(&b));
    end_turn(&w);
    EXPECT_LOG(&w, "1:UNAVAILABLE ");
    world_done(&w);
}

/* ---- the journal ------------------------------------------------------------------------------------------ */

TEST(what_was_answered_and_is_in_no_block_is_ordered_after_a_crash)
{
    struct world w;
    world_init(&w);
    keep_a_journal(&w);
    open_chain(&w);
    message(&w, "a");
    message(&w, "b");
    end_turn(&w);
    EXPECT_LOG(&w, "0:ok 1:ok ");
    crash(&w);
    EXPECT_EQ(chain_pending(w.chain), 2);
    crash(&w); /* again, with nothing in between */
    pass(&w, 2 * SECOND);
    EXPECT_LOG(&w, "1[ab] sync ");
    crash(&w);
    EXPECT_EQ(chain_pending(w.chain), 0);
    world_done(&w);
}

TEST(nothing_is_ordered_twice)
{
    struct world w;
    world_init(&w);
    keep_a_journal(&w);
    open_chain(&w);
    message(&w, "a");
    message(&w, "a"); /* two that are equal are two */
    end_turn(&w);
    message(&w, "c");
    end_turn(&w);
    message(&w, "d");
    end_turn(&w);
    EXPECT_LOG(&w, "0:ok 1:ok 1[aac] sync 2:ok 3:ok ");
    crash(&w);
    EXPECT_EQ(chain_pending(w.chain), 1);
    pass(&w, 2 * SECOND);
    EXPECT_LOG(&w, "2[d] sync ");
    world_done(&w);
}

TEST(what_stays_after_a_cut_is_kept_although_as_many_were_kept_before)
{
    struct world w;
    world_init(&w);
    keep_a_journal(&w);
    open_chain(&w);
    message(&w, "a");
    end_turn(&w);
    message(&w, "b");
    message(&w, "c");
    message(&w, "d");
    end_turn(&w);
    EXPECT_LOG(&w, "0:ok 1[abc] sync 1:ok 2:ok 3:ok ");
    crash(&w);
    EXPECT_EQ(chain_pending(w.chain), 1);
    world_done(&w);
}

/* The block was synced, then the process ended before it wrote anything else. */
TEST(a_journal_of_a_block_that_was_written_is_old)
{
    struct world w;
    world_init(&w);
    keep_a_journal(&w);
    open_chain(&w);
    message(&w, "a");
    end_turn(&w);
    pass(&w, 2 * SECOND);
    crash(&w);
    EXPECT_EQ(chain_pending(w.chain), 0);
    EXPECT_EQ(w.synced, 2);
    world_done(&w);
}

/* A block that was cut and not synced: its messages were not answered, but the
 * pending ones before it were. */
TEST(a_block_that_was_lost_gives_its_answered_messages_back)
{
    struct world w;
    world_init(&w);
    keep_a_journal(&w);
    open_chain(&w);
    message(&w, "a");
    message(&w, "b");
    end_turn(&w);
    message(&w, "c");
    EXPECT_LOG(&w, "0:ok 1:ok 1[abc] ");
    crash(&w);
    pass(&w, 2 * SECOND);
    EXPECT_LOG(&w, "1[ab] sync ");
    world_done(&w);
}

/* Another orderer, which knows nothing of the journal, has written a block. */
TEST(messages_keep_their_turn_behind_a_block_of_somebody_else)
{
    struct world w;
    world_init(&w);
    keep_a_journal(&w);
    open_chain(&w);
    message(&w, "a");
    end_turn(&w);
    chain_free(WEFT_TAKE(w.chain));
    char *kept = WEFT_TAKE(w.journal_path);
    open_chain(&w);
    message(&w, "o");
    message(&w, "t");
    message(&w, "h");
    end_turn(&w);
    w.journal_path = kept;
    crash(&w);
    crash(&w); /* the journal has been written anew */
    pass(&w, 2 * SECOND);
    EXPECT_LOG(&w, "2[a] sync ");
    crash(&w);
    EXPECT_EQ(chain_pending(w.chain), 0);
    world_done(&w);
}

TEST(a_replayed_message_of_an_older_configuration_is_filtered_again)
{
    struct world w;
    world_init(&w);
    keep_a_journal(&w);
    open_chain(&w);
    message(&w, "a");
    end_turn(&w);
    make_bundle(&w, 5);
    w.reprocess_says = WEFT_FORBIDDEN;
    crash(&w);
    EXPECT_LOG(&w, "again ");
    EXPECT_EQ(chain_pending(w.chain), 0);
    w.reprocess_says = WEFT_OK;
    crash(&w);
    EXPECT_LOG(&w, "");
    world_done(&w);
}

TEST(a_journal_that_is_switched_off_is_emptied_first)
{
    struct world w;
    world_init(&w);
    keep_a_journal(&w);
    open_chain(&w);
    message(&w, "a");
    end_turn(&w);
    w.journal_ends = true;
    crash(&w);
    EXPECT_LOG(&w, "1[a] sync ");
    message(&w, "b");
    end_turn(&w);
    crash(&w);
    EXPECT_EQ(chain_pending(w.chain), 0); /* as in Fabric */
    world_done(&w);
}

/* ---- a full disk ------------------------------------------------------------------------------------------- */

TEST(while_blocks_cannot_be_written_nothing_is_taken_and_nothing_lost)
{
    struct world w;
    world_init(&w);
    keep_a_journal(&w);
    open_chain(&w);
    message(&w, "a");
    end_turn(&w);
    w.append_says = WEFT_IO;
    message(&w, "b");
    message(&w, "c"); /* cuts a block that nobody takes */
    end_turn(&w);
    EXPECT_LOG(&w, "0:ok channel ch can't write blocks: no space left on device ");
    message(&w, "d");
    EXPECT_LOG(&w, "3:UNAVAILABLE ");
    pass(&w, SECOND);
    EXPECT_LOG(&w, "");
    w.append_says = WEFT_OK;
    pass(&w, SECOND);
    EXPECT_LOG(&w, "1[abc] open sync 1:ok 2:ok ");
    message(&w, "e");
    end_turn(&w);
    EXPECT_LOG(&w, "4:ok ");
    pass(&w, 2 * SECOND);
    EXPECT_LOG(&w, "2[e] sync ");
    world_done(&w);
}

TEST(a_configuration_takes_effect_once_its_block_could_be_written)
{
    struct world w;
    world_init(&w);
    open_chain(&w);
    message(&w, "a");
    w.append_says = WEFT_IO;
    config_message(&w, 1);
    end_turn(&w);
    EXPECT_EQ(bundle_sequence(chain_bundle(w.chain)), 4);
    w.append_says = WEFT_OK;
    w.log[0] = '\0';
    pass(&w, SECOND);
    EXPECT_LOG(&w, "1[a] 2[config] configured(5) open sync 0:ok 1:ok ");
    message(&w, "b");
    EXPECT_LOG(&w, "3[b] ");
    world_done(&w);
}

TEST(who_waits_for_a_full_disk_is_told_no_at_the_end)
{
    struct weft_err e;
    struct world w;
    world_init(&w);
    open_chain(&w);
    w.append_says = WEFT_IO;
    for (int i = 0; i < 3; i++)
        message(&w, "x");
    end_turn(&w);
    w.log[0] = '\0';
    EXPECT_OK(chain_stop(w.chain, w.now, &e));
    EXPECT_LOG(&w, "0:UNAVAILABLE 1:UNAVAILABLE 2:UNAVAILABLE ");
    EXPECT_WORDS(w.requests[0].why, "channel ch can't write blocks: no space left on device");
    world_done(&w);
}

/* ---- the end -------------------------------------------------------------------------------------------------- */

TEST(what_is_pending_at_the_end_becomes_a_block)
{
    struct weft_err e;
    struct world w;
    world_init(&w);
    open_chain(&w);
    message(&w, "a");
    EXPECT_OK(chain_stop(w.chain, w.now, &e));
    EXPECT_LOG(&w, "1[a] sync 0:ok ");
    EXPECT_EQ(w.timer_at, 0);
    world_done(&w);
}

/* ---- consenters ------------------------------------------------------------------------------------------------- */

/* ConsensusType { type, ConfigMetadata { consenters with these certificates, options } } */
static void consensus_type(const struct made_cert *const *certs, size_t n, const char *tick,
                           struct buf *ret)
{
    WEFT_CLEANUP(buf_done) struct buf metadata = { 0 };
    WEFT_CLEANUP(buf_done) struct buf part = { 0 };
    for (size_t i = 0; i < n; i++) {
        buf_clear(&part);
        wire_put_bytes(&part, 1, bytes_of_str("127.0.0.1"));
        wire_put_varint(&part, 2, 7050 + i);
        wire_put_bytes(&part, 3, made_cert_pem(certs[i]));
        wire_put_bytes(&part, 4, made_cert_pem(certs[i]));
        wire_put_bytes(&metadata, 1, buf_bytes(&part));
    }
    buf_clear(&part);
    wire_put_bytes(&part, 1, bytes_of_str(tick));
    wire_put_varint(&part, 2, 10);
    wire_put_varint(&part, 3, 1);
    wire_put_varint(&part, 4, 5);
    wire_put_bytes(&metadata, 2, buf_bytes(&part));
    wire_put_bytes(ret, 1, bytes_of_str("etcdraft"));
    wire_put_bytes(ret, 2, buf_bytes(&metadata));
}

static void set_etcdraft(struct test_channel *c, const struct made_cert *const *certs, size_t n)
{
    WEFT_CLEANUP(buf_done) struct buf type = { 0 };
    consensus_type(certs, n, "500ms", &type);
    test_channel_set(c, "Orderer", "ConsensusType", buf_bytes(&type));
}

static void be(struct world *w, const struct made_cert *cert)
{
    struct weft_err e;
    EXPECT_OK(x509_cert_parse_pem(made_cert_pem(cert), &w->cluster, &e));
}

static void expect_raft(const struct world *w, size_t block, uint64_t raft_index)
{
    struct weft_err e;
    struct bytes own;
    struct etcdraft_block_metadata m;
    EXPECT_OK(block_consenter_metadata(&w->blocks[block]->v, &own, &e));
    EXPECT_OK(etcdraft_block_metadata_parse(own, &m, &e));
    EXPECT_EQ(m.count, 1);
    EXPECT_EQ(m.ids[0], 1);
    EXPECT_EQ(m.next_id, 2);
    EXPECT_EQ(m.raft_index, raft_index);
}

TEST(etcdraft_alone_numbers_blocks_as_a_cluster_of_one_does)
{
    struct world w;
    WEFT_CLEANUP(made_cert_free)
    struct made_cert *us = cert_make(&(struct cert_order){ .name = "orderer0" });
    world_init(&w);
    set_etcdraft(w.config, (const struct made_cert *[]){ us }, 1);
    make_bundle(&w, 4);
    be(&w, us);
    open_chain(&w);
    for (int i = 0; i < 6; i++)
        message(&w, "x");
    config_message(&w, 2);
    end_turn(&w);
    expect_raft(&w, 1, 3);
    expect_raft(&w, 2, 4);
    expect_raft(&w, 3, 5);
    bundle_unref(w.bundle);
    w.bundle = bundle_ref((struct bundle *)chain_bundle(w.chain));
    crash(&w); /* elects itself again */
    message(&w, "x");
    message(&w, "x");
    expect_raft(&w, 4, 7);
    world_done(&w);
}

TEST(a_block_that_changes_the_consenters_settings_says_the_index_of_the_one_before_it)
{
    struct weft_err e;
    struct world w;
    WEFT_CLEANUP(made_cert_free)
    struct made_cert *us = cert_make(&(struct cert_order){ .name = "orderer0" });
    world_init(&w);
    set_etcdraft(w.config, (const struct made_cert *[]){ us }, 1);
    make_bundle(&w, 4);
    be(&w, us);
    open_chain(&w);
    WEFT_CLEANUP(test_channel_free) struct test_channel *next = test_channel_copy(w.config);
    WEFT_CLEANUP(buf_done) struct buf type = { 0 };
    WEFT_CLEANUP(buf_done) struct buf update = { 0 };
    WEFT_CLEANUP(buf_done) struct buf config = { 0 };
    WEFT_CLEANUP(buf_done) struct buf envelope = { 0 };
    consensus_type((const struct made_cert *[]){ us }, 1, "600ms", &type);
    test_channel_set(next, "Orderer", "ConsensusType", buf_bytes(&type));
    test_update(w.config, next, "ch", "OrdererMSP", &update);
    EXPECT_OK(bundle_propose(w.bundle, buf_bytes(&update), &config, &e));
    put_envelope(HEADER_CONFIG, buf_bytes(&config), &envelope);
    for (int i = 0; i < 3; i++)
        message(&w, "x");
    send(&w, ORDER_CONFIG, 4, buf_bytes(&envelope));
    for (int i = 0; i < 3; i++)
        message(&w, "x");
    end_turn(&w);
    expect_raft(&w, 1, 3);
    expect_raft(&w, 2, 3); /* its own place is 4 */
    expect_raft(&w, 3, 5);
    world_done(&w);
}

TEST(the_block_that_changes_the_consensus_type_says_nothing_for_the_next_one)
{
    struct weft_err e;
    struct bytes own;
    struct world w;
    WEFT_CLEANUP(made_cert_free)
    struct made_cert *us = cert_make(&(struct cert_order){ .name = "orderer0" });
    world_init(&w);
    set_etcdraft(w.config, (const struct made_cert *[]){ us }, 1);
    make_bundle(&w, 4);
    be(&w, us);
    open_chain(&w);
    WEFT_CLEANUP(test_channel_free) struct test_channel *next = test_channel_copy(w.config);
    WEFT_CLEANUP(buf_done) struct buf update = { 0 };
    WEFT_CLEANUP(buf_done) struct buf config = { 0 };
    WEFT_CLEANUP(buf_done) struct buf envelope = { 0 };
    test_channel_set_text(next, "Orderer", "ConsensusType", "solo");
    test_update(w.config, next, "ch", "OrdererMSP", &update);
    EXPECT_OK(bundle_propose(w.bundle, buf_bytes(&update), &config, &e));
    put_envelope(HEADER_CONFIG, buf_bytes(&config), &envelope);
    send(&w, ORDER_CONFIG, 4, buf_bytes(&envelope));
    end_turn(&w);
    EXPECT_LOG(&w, "1[config] configured(5) sync 0:ok ");
    EXPECT_OK(block_consenter_metadata(&w.blocks[1]->v, &own, &e));
    EXPECT_EQ(own.len, 0);
    world_done(&w);
}

static void expect_read_only(struct world *w, const char *why)
{
    struct consenter_status s;
    open_chain(w);
    chain_status(w->chain, &s);
    EXPECT(s.is_errored);
    EXPECT_STR(s.refuses, why);
    EXPECT_STR(s.status, "inactive");
    message(w, "x");
    end_turn(w);
    EXPECT_LOG(w, "0:UNAVAILABLE ");
    EXPECT_WORDS(w->requests[0].why, why);
    world_done(w);
}

TEST(a_channel_of_other_consenters_is_served_read_only)
{
    struct world w;
    WEFT_CLEANUP(made_cert_free)
    struct made_cert *us = cert_make(&(struct cert_order){ .name = "orderer0" });
    WEFT_CLEANUP(made_cert_free)
    struct made_cert *them = cert_make(&(struct cert_order){ .name = "orderer1" });
    world_init(&w);
    set_etcdraft(w.config, (const struct made_cert *[]){ them }, 1);
    make_bundle(&w, 4);
    be(&w, us);
    expect_read_only(&w, "channel ch is not serviced by me");
    world_init(&w);
    set_etcdraft(w.config, (const struct made_cert *[]){ us, them }, 2);
    make_bundle(&w, 4);
    be(&w, us);
    expect_read_only(&w, "channel ch has 2 consenters: this orderer can't take part in their "
                         "consensus");
    world_init(&w);
    test_channel_set_text(w.config, "Orderer", "ConsensusType", "kafka");
    make_bundle(&w, 4);
    expect_read_only(&w, "channel ch has consensus type kafka, which this orderer does not take "
                         "part in");
}

TEST(a_renewed_certificate_with_the_same_key_is_us)
{
    struct consenter_status s;
    struct world w;
    WEFT_CLEANUP(made_cert_free)
    struct made_cert *old = cert_make(&(struct cert_order){ .name = "orderer0" });
    WEFT_CLEANUP(made_cert_free)
    struct made_cert *new = cert_make(&(struct cert_order){ .name = "orderer0", .same_key = old });
    world_init(&w);
    set_etcdraft(w.config, (const struct made_cert *[]){ old }, 1);
    make_bundle(&w, 4);
    be(&w, new);
    open_chain(&w);
    chain_status(w.chain, &s);
    EXPECT(s.refuses == NULL);
    EXPECT_STR(s.relation, "consenter");
    world_done(&w);
}

TEST(a_read_only_channel_keeps_its_journal)
{
    struct world w;
    world_init(&w);
    keep_a_journal(&w);
    open_chain(&w);
    message(&w, "a");
    end_turn(&w);
    test_channel_set_text(w.config, "Orderer", "ConsensusType", "kafka");
    make_bundle(&w, 4);
    crash(&w);
    EXPECT_EQ(chain_pending(w.chain), 0);
    test_channel_set_text(w.config, "Orderer", "ConsensusType", "solo");
    make_bundle(&w, 4);
    crash(&w);
    EXPECT_EQ(chain_pending(w.chain), 1);
    world_done(&w);
}
