/* A chain with its ledger and its journal is stopped at operations on the disk, and
 * started on what a crash would have left.  Then
 *
 *   every message that was answered is in exactly one block,
 *   no message is in two, and all are in the order in which they came,
 *   blocks are numbered without a gap, and each has the hash of the one before.
 *
 * Which messages come in which turn, when time passes, and when the process is stopped
 * and started in between, is drawn from a seed.  WEFT_SIM_SEEDS says how many. */
#include "sim/disk_model.h"

#include "base/log.h"
#include "base/number.h"
#include "bundle/bundle.h"
#include "ledger/block_store.h"
#include "net/net_msg.h"
#include "orderer/chain.h"
#include "orderer/journal.h"
#include "os/dirs.h"
#include "proto/envelope.h"
#include "proto/wire.h"
#include "test_channel.h"
#include "weft_test.h"

#define SECOND UINT64_C(1000000000)

enum {
    TURNS = 40,
    MESSAGES = 400,
    FILE_BYTES = 6000,
};

static const struct crash_kind {
    const char *name;
    enum disk_names_model names;
    enum disk_data_model data;
    bool may_refuse; /* a hole before a whole block: the ledger can't tell that nobody
                      * was told of either, and says so (block_store_crash_test) */
} kinds[] = {
    { "a killed process", DISK_NAMES_NOW, DISK_DATA_ALL, false },
    { "only what was synced", DISK_NAMES_STRICT, DISK_DATA_NONE, false },
    { "names of the journal, no data", DISK_NAMES_JOURNAL, DISK_DATA_NONE, false },
    { "all names, torn writes", DISK_NAMES_NOW, DISK_DATA_TORN, false },
    { "all names, zeros for data", DISK_NAMES_NOW, DISK_DATA_ZERO, false },
    { "names of the journal, some pages", DISK_NAMES_JOURNAL, DISK_DATA_PAGES, true },
};

struct world {
    struct test_channel *config;
    struct bundle *bundle;
    struct weft_rand rand;
    uint64_t now, timer_at;
    struct block_stores *stores;
    struct block_store *store;
    struct chain *chain;
    struct order_request requests[MESSAGES];
    size_t sent, answered; /* messages; answered in order */
};

/* ---- what a chain needs ------------------------------------------------------------------- */

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

static enum weft_code dep_append(void *ctx, const struct block_view *v, struct weft_err *e)
{
    return block_store_append(((struct world *)ctx)->store, v, BLOCK_APPEND_LATER, e);
}

static enum weft_code dep_sync(void *ctx, struct weft_err *e)
{
    return block_store_sync(((struct world *)ctx)->store, e);
}

static enum weft_code dep_read(void *ctx, uint64_t number, struct block **ret, struct weft_err *e)
{
    return block_store_read(((struct world *)ctx)->store, number, ret, e);
}

static void dep_status(void *ctx, const struct consenter_status *s)
{
    (void)ctx, (void)s;
    fail_msg("the chain's status changed");
}

static void dep_answer(void *ctx, struct order_request *r)
{
    struct world *w = ctx;
    EXPECT_EQ(r->rc, WEFT_OK);
    EXPECT_EQ((size_t)(r - w->requests), w->answered);
    w->answered++;
    net_msg_unref(r->envelope);
}

static void dep_timer(void *ctx, uint64_t at_ns)
{
    ((struct world *)ctx)->timer_at = at_ns;
}

/* ---- the process -------------------------------------------------------------------------------- */

static enum weft_code put_genesis(struct world *w, struct weft_err *e)
{
    WEFT_CLEANUP(block_view_done)
    struct block_view v = { .has_header = true, .has_data = true, .has_metadata = true };
    bytes_list_add(&v.txs, bytes_of_str("genesis"));
    for (size_t i = 0; i < BLOCK_SLOT_NR; i++)
        bytes_list_add(&v.slots, bytes_of(NULL, 0));
    struct digest d = block_data_hash(&v);
    v.data_hash = digest_bytes(&d);
    return block_store_append(w->store, &v, BLOCK_APPEND_SYNC, e);
}

static enum weft_code start(struct world *w, const char *dir, struct weft_err *e)
{
    WEFT_CLEANUP(block_unref) struct block *first = NULL;
    WEFT_CLEANUP(block_unref) struct block *last = NULL;
    WEFT_CLEANUP(journal_close) struct journal *journal = NULL;
    WEFT_FREE char *path = weft_asprintf("%s/journal-of-ch", dir);
    WEFT_TRY(block_stores_open(dir, LEDGER_ORDERER, &w->stores, e));
    block_stores_set_file_bytes(w->stores, FILE_BYTES);
    WEFT_TRY(block_store_open(w->stores, "ch", &w->store, e));
    if (block_store_height(w->store) == 0)
        WEFT_TRY(put_genesis(w, e));
    WEFT_TRY(block_store_read(w->store, 0, &first, e));
    WEFT_TRY(block_store_read(w->store, UINT64_MAX, &last, e));
    const struct digest hash = block_header_hash(&first->v);
    WEFT_TRY(journal_open(path, &hash, &journal, e));
    const struct chain_deps deps = {
        .ctx = w,
        .writer = { .ctx = w,
                    .creator = bytes_of_str("us"),
                    .nonce = dep_nonce,
                    .sign = dep_sign,
                    .append = dep_append },
        .sync = dep_sync,
        .read_block = dep_read,
        .status = dep_status,
        .answer = dep_answer,
        .set_timer = dep_timer,
    };
    WEFT_TRY(chain_new(
        &(struct chain_config){
            .id = "ch", .bundle = w->bundle, .last = &last->v, .journal = WEFT_TAKE(journal) },
        &deps, &w->chain, e));
    return chain_start(w->chain, w->now, e);
}

static void stop(struct world *w)
{
    chain_free(WEFT_TAKE(w->chain));
    block_store_close(WEFT_TAKE(w->store));
    block_stores_close(WEFT_TAKE(w->stores));
    w->timer_at = 0;
}

/* ---- the story -------------------------------------------------------------------------------------- */

static void put_message(size_t n, size_t len, struct buf *out)
{
    WEFT_FREE char *text = weft_asprintf("message %zu", n);
    WEFT_CLEANUP(buf_done) struct buf payload = { 0 };
    WEFT_CLEANUP(buf_done) struct buf content = { 0 };
    buf_put_str(&content, text);
    for (size_t i = 0; i < len; i++)
        buf_put_u8(&content, ' ');
    wire_put_bytes(&payload, 1, bytes_of(NULL, 0));
    wire_put_bytes(&payload, 2, buf_bytes(&content));
    wire_put_bytes(out, 1, buf_bytes(&payload));
    wire_put_bytes(out, 2, bytes_of_str("s"));
}

/* The number in it; SIZE_MAX: it is none of ours. */
static size_t number_of(struct bytes envelope)
{
    struct envelope_view v;
    struct payload_view p;
    uint64_t n = 0;
    if (envelope_parse(envelope, &v, NULL) != WEFT_OK ||
        payload_parse(v.payload, &p, NULL) != WEFT_OK)
        return SIZE_MAX;
    WEFT_FREE char *text = bytes_dup_str(p.data);
    text[strcspn(text, " ") + 1 + strcspn(strchr(text, ' ') + 1, " ")] = '\0';
    return number_parse_u64(text + strlen("message "), &n) ? (size_t)n : SIZE_MAX;
}

static void send_one(struct world *w)
{
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    size_t len =
        (size_t)weft_rand_below(&w->rand, 10) == 0 ? 600 : (size_t)weft_rand_below(&w->rand, 90);
    if (w->sent == MESSAGES)
        return;
    put_message(w->sent, len, &b);
    struct order_request *r = &w->requests[w->sent++];
    *r = (struct order_request){ .kind = ORDER_NORMAL, .envelope = net_msg_copy(buf_bytes(&b)) };
    chain_order(w->chain, r, w->now);
}

static void pass_time(struct world *w)
{
    w->now += SECOND * weft_rand_below(&w->rand, 2);
    if (w->timer_at == 0 || w->timer_at > w->now)
        return;
    w->timer_at = 0;
    chain_timer(w->chain, w->now);
}

static enum weft_code play(struct world *w, const char *dir, struct weft_err *e)
{
    WEFT_TRY(start(w, dir, e));
    for (size_t turn = 0; turn < TURNS; turn++) {
        for (uint64_t n = weft_rand_below(&w->rand, 6); n > 0; n--)
            send_one(w);
        pass_time(w);
        WEFT_TRY(chain_end_turn(w->chain, w->now, e));
        disk_mark(w->answered);
        if (weft_rand_below(&w->rand, 12) > 0)
            continue;
        if (weft_rand_below(&w->rand, 2) == 0)
            WEFT_TRY(chain_stop(w->chain, w->now, e));
        stop(w);
        WEFT_TRY(start(w, dir, e));
    }
    stop(w);
    return WEFT_OK;
}

/* ---- what must be true -------------------------------------------------------------------------------- */

static enum weft_code check_block(const struct block_view *v, bool seen[MESSAGES], size_t *next,
                                  struct weft_err *e)
{
    for (size_t i = 0; i < v->txs.count; i++) {
        size_t n = number_of(v->txs.at[i]);
        if (n >= MESSAGES)
            return WEFT_FAIL(e, WEFT_INVALID, "block %u: nobody sent this", (unsigned)v->number);
        if (seen[n])
            return WEFT_FAIL(e, WEFT_INVALID, "message %zu is twice there", n);
        if (n < *next)
            return WEFT_FAIL(e, WEFT_INVALID, "message %zu comes after %zu", n, *next - 1);
        seen[n] = true;
        *next = n + 1;
    }
    return WEFT_OK;
}

static enum weft_code check_chain(const struct world *w, size_t answered, struct weft_err *e)
{
    bool seen[MESSAGES] = { false };
    struct digest hash;
    size_t next = 0;
    for (uint64_t n = 0; n < block_store_height(w->store); n++) {
        WEFT_CLEANUP(block_unref) struct block *b = NULL;
        WEFT_TRY(block_store_read(w->store, n, &b, e));
        if (n > 0 && !bytes_eq(b->v.previous_hash, digest_bytes(&hash)))
            return WEFT_FAIL(e, WEFT_INVALID, "block %u does not follow", (unsigned)n);
        hash = block_header_hash(&b->v);
        if (n > 0)
            WEFT_TRY(check_block(&b->v, seen, &next, e));
    }
    for (size_t i = 0; i < answered; i++)
        if (!seen[i])
            return WEFT_FAIL(e, WEFT_INVALID, "message %zu of %zu was answered and is gone", i,
                             answered);
    return WEFT_OK;
}

/* Starts, stops in good order, and looks. */
static enum weft_code start_and_check(const struct world *played, const char *dir, size_t answered,
                                      struct weft_err *e)
{
    struct world *w = weft_alloc(sizeof(*w));
    *w = (struct world){ .bundle = played->bundle, .now = SECOND };
    enum weft_code rc = start(w, dir, e);
    if (rc == WEFT_OK)
        rc = chain_stop(w->chain, w->now, e);
    if (rc == WEFT_OK)
        rc = check_chain(w, answered, e);
    stop(w);
    free(w);
    return rc;
}

/* ---- crashes ----------------------------------------------------------------------------------------------- */

/* False: it refused to start, as it may. */
static bool crash_at(const struct world *w, struct disk_model *m, size_t point, size_t kind,
                     size_t answered, struct weft_rand *rand)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(disk_left_done) struct disk_left left = { 0 };
    WEFT_FREE char *dir = disk_new_dir();
    disk_model_crash(m, kinds[kind].names, kinds[kind].data, rand, &left);
    disk_left_write(&left, dir);
    disk_watch(dir);
    enum weft_code rc = start_and_check(w, dir, answered, &e);
    if (rc == WEFT_OK) /* and what that start has left */
        rc = start_and_check(w, dir, answered, &e);
    disk_watch(NULL);
    bool refused = rc == WEFT_CORRUPT && kinds[kind].may_refuse &&
                   strstr(e.msg, "is damaged at offset") != NULL;
    if (rc != WEFT_OK && !refused)
        fail_msg("%s at operation %zu, %zu answered: %s", kinds[kind].name, point, answered, e.msg);
    EXPECT_OK(dir_remove_tree(dir, &e));
    return !refused;
}

static void play_and_crash(uint64_t seed, size_t stride)
{
    struct weft_err e = { 0 };
    struct disk_trace trace = { 0 };
    struct disk_model model;
    struct weft_rand rand = weft_rand_of(seed * 1000 + 1);
    struct world *w = weft_alloc(sizeof(*w));
    size_t answered = 0, crashes = 0, refused = 0;
    *w = (struct world){ .config = test_channel_new(), .rand = weft_rand_of(seed), .now = SECOND };
    WEFT_CLEANUP(buf_done) struct buf size = { 0 };
    wire_put_varint(&size, 1, 3 + weft_rand_below(&w->rand, 4));
    wire_put_varint(&size, 2, 1 << 20);
    wire_put_varint(&size, 3, 300 + weft_rand_below(&w->rand, 300));
    test_channel_set(w->config, "Orderer", "BatchSize", buf_bytes(&size));
    EXPECT_OK(bundle_new("ch", 0, test_channel_bytes(w->config), &w->bundle, &e));

    WEFT_FREE char *dir = disk_new_dir();
    disk_watch(dir);
    disk_record_start(&trace);
    EXPECT_OK(play(w, dir, &e));
    disk_record_stop();
    disk_watch(NULL);
    EXPECT_OK(dir_remove_tree(dir, &e));

    disk_model_init(&model);
    for (size_t point = 0; point <= trace.count; point++) {
        for (size_t kind = 0; kind < WEFT_ARRAY_LEN(kinds); kind++)
            if ((point + kind) % stride == seed % stride) {
                crashes++;
                if (!crash_at(w, &model, point, kind, answered, &rand))
                    refused++;
            }
        if (point == trace.count)
            break;
        disk_model_apply(&model, &trace.ops[point]);
        if (trace.ops[point].kind == DISK_MARK)
            answered = (size_t)trace.ops[point].number;
    }
    print_message("seed %" PRIu64
                  ": %zu messages answered, %zu operations, %zu crashes, %zu refused\n",
                  seed, answered, trace.count, crashes, refused);
    EXPECT(refused * 50 < crashes);
    disk_model_done(&model);
    disk_trace_done(&trace);
    bundle_unref(w->bundle);
    test_channel_free(w->config);
    free(w);
}

TEST(what_was_answered_is_in_one_block_wherever_it_crashes)
{
    struct weft_err e;
    uint64_t seeds = 4;
    const char *text = getenv("WEFT_SIM_SEEDS"); /* NOLINT(concurrency-mt-unsafe) */
    if (text != NULL)
        EXPECT(number_parse_u64(text, &seeds));
    EXPECT_OK(log_set_spec("panic", &e));
    for (uint64_t seed = 1; seed <= seeds; seed++)
        play_and_crash(seed, 7);
}
