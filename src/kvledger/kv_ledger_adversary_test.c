#include "kvledger/kv_ledger.h"

#include "adversary_vectors.h"
#include "base/log.h"
#include "ledger/kv.h"
#include "peer_world.h"
#include "proto/metadata.h"
#include "validation/adversary.h"
#include "weft_test.h"

/* tests/vectors/adversary-private: what the original's ledger became with an adversary's blocks
 * and the private data that came with them, or did not. */

enum {
    PURGE_INTERVAL = 10,
    SETS_MAX = 64,
};

/* ---- private data on its way ------------------------------------------------------------------ */

struct sets {
    struct kv_pvt_data at[SETS_MAX];
    struct buf bytes[SETS_MAX];
    size_t count;
};

static void take_set(void *ctx, uint64_t tx, struct bytes write_set)
{
    struct sets *s = ctx;
    EXPECT(s->count < SETS_MAX);
    buf_put(&s->bytes[s->count], write_set);
    s->at[s->count] = (struct kv_pvt_data){ tx, buf_bytes(&s->bytes[s->count]) };
    s->count++;
}

static void sets_done(struct sets *s)
{
    for (size_t i = 0; i < s->count; i++)
        buf_done(&s->bytes[i]);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct sets, sets_done)

/* ---- block by block ------------------------------------------------------------------------------- */

/* The original's codes go to `codes`, ours should be these, and the commit hash. */
static void expect_verdict(struct adversary_vectors *v, const struct peer_world *w,
                           const struct block *b, uint8_t *codes)
{
    char hex[256], hash[65];
    struct metadata_view m = { 0 };
    struct weft_err e;
    EXPECT_EQ(adversary_vectors_number(v), b->v.number);
    EXPECT(fscanf(v->f, "%255s %64s", hex, hash) == 2);
    EXPECT_EQ(strlen(hex), 2 * b->v.txs.count);
    EXPECT(bytes_from_hex(bytes_of_str(hex), codes));
    if (b->v.number == 0)
        return;
    EXPECT_BYTES(bytes_of(w->codes, b->v.txs.count), bytes_of(codes, b->v.txs.count));
    WEFT_CLEANUP(block_unref) struct block *stored = NULL;
    EXPECT_OK(block_store_read(kv_ledger_blocks(w->ledger), b->v.number, &stored, &e));
    EXPECT_OK(block_metadata(&stored->v, BLOCK_SLOT_COMMIT_HASH, &m, &e));
    WEFT_FREE char *got = bytes_to_hex(m.value);
    EXPECT_STR(got, hash);
}

static void take_chain(struct adversary_vectors *v, const char *dir)
{
    WEFT_CLEANUP(adversary_free)
    struct adversary *a = adversary_new(v->seed, (enum adversary_kind)v->kind);
    WEFT_CLEANUP(peer_world_close) struct peer_world w;
    struct weft_err e;
    adversary_go_private(a);
    EXPECT_OK(peer_world_open_purging(&w, dir, "Org1MSP", "ch", PURGE_INTERVAL, &e));
    for (uint64_t n = 0; n < v->blocks; n++) {
        WEFT_CLEANUP(sets_done) struct sets s = { 0 };
        uint8_t codes[256];
        struct block *b = adversary_next(a);
        adversary_private(a, take_set, &s);
        EXPECT_OK(peer_world_take(&w, b, s.at, s.count, &e));
        EXPECT_OK(kv_ledger_sync(w.ledger, &e));
        expect_verdict(v, &w, b, codes);
        adversary_learn(a, codes);
    }
}

/* ---- in the end -------------------------------------------------------------------------------------- */

static void add(struct sha256 *sum, struct bytes b)
{
    WEFT_CLEANUP(buf_done) struct buf len = { 0 };
    buf_put_uvarint(&len, b.len);
    sha256_add(sum, buf_bytes(&len));
    sha256_add(sum, b);
}

/* Every key and value, each behind its length, but for the channel's configuration: that has
 * other certificates each time. */
static void expect_store(struct adversary_vectors *v, const char *dir)
{
    char name[32], want[65];
    struct bytes config = bytes_of("ch\0d\0", 5), key, value;
    struct weft_err e;
    struct sha256 sum;
    uint64_t keys = 0;
    bool found = false;
    EXPECT(fscanf(v->f, " store %31s", name) == 1);
    uint64_t want_keys = adversary_vectors_number(v);
    EXPECT(fscanf(v->f, "%64s", want) == 1);
    WEFT_FREE char *path = weft_asprintf("%s/%s", dir, name);
    WEFT_CLEANUP(kv_close) struct kv *kv = NULL;
    EXPECT_OK(kv_open_copy(path, &kv, &e));
    WEFT_CLEANUP(kv_iter_free) struct kv_iter *it = kv_iter_new(kv, bytes_of(NULL, 0));
    sha256_init(&sum);
    for (;;) {
        EXPECT_OK(kv_iter_next(it, &found, &key, &value, &e));
        if (!found)
            break;
        if (bytes_start_with(key, config))
            continue;
        add(&sum, key);
        add(&sum, value);
        keys++;
    }
    struct digest d = sha256_end(&sum);
    WEFT_FREE char *got = bytes_to_hex(digest_bytes(&d));
    if (keys != want_keys || strcmp(got, want) != 0)
        fail_msg("seed %" PRIu64 " kind %" PRIu64 ": %s is another one, %" PRIu64
                 " keys, the original's has %" PRIu64,
                 v->seed, v->kind, name, keys, want_keys);
}

static void expect_agreement(const char *path)
{
    WEFT_FREE char *dir = weft_test_fast_dir();
    struct adversary_vectors v = adversary_vectors_open(path);
    struct weft_err e;
    EXPECT_OK(log_set_spec("panic", &e));
    take_chain(&v, dir);
    for (int store = 0; store < 5; store++)
        expect_store(&v, dir);
    (void)fclose(v.f);
}

/* By hand: the original's answers to a chain that was just made. */
TEST(a_chain_that_was_just_made_ends_in_the_originals_stores)
{
    const char *answers = getenv("WEFT_ADVERSARY_ANSWERS"); /* NOLINT(concurrency-mt-unsafe) */
    if (answers != NULL)
        expect_agreement(answers);
    else
        print_message("skipped: no WEFT_ADVERSARY_ANSWERS\n");
}

static const char *const names[] = { "v20-1", "v20-2", "v142-1", "v13-1", "v12-1" };

TEST(private_data_of_every_kind_ends_in_the_originals_stores)
{
    for (size_t i = 0; i < WEFT_ARRAY_LEN(names); i++) {
        WEFT_FREE char *path = weft_asprintf("vectors/adversary-private/%s.txt", names[i]);
        expect_agreement(weft_test_file(path));
    }
}
