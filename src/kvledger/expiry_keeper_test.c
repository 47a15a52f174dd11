#include "kvledger/expiry_keeper.h"

#include "coll_state.h"
#include "crypto/sha256.h"
#include "kvledger/collections.h"
#include "ledger/kv.h"
#include "weft_test.h"

/* pdc's collections: one whose keys live for six blocks, one whose keys stay. */
struct world {
    char *dir;
    struct kv *kv;
    struct expiry_keeper *keeper;
    struct coll_state state;
    struct collections *colls;
    struct update_batch *updates; /* of the block */
};

static void begin(struct world *w)
{
    struct weft_err e = { 0 };
    *w = (struct world){ .dir = weft_test_fast_dir() };
    coll_state_init(&w->state);
    coll_state_define(w->state.updates, "pdc", 1,
                      (struct coll_spec[]){ { "both", "Org1MSP", 0 }, { "btl", "Org1MSP", 6 } }, 2);
    w->colls = collections_new(&w->state.reader, "Org1MSP");
    w->updates = update_batch_new();
    EXPECT_OK(kv_open(w->dir, "", &w->kv, &e));
    w->keeper = expiry_keeper_new(w->kv, "ch");
}

static void end(struct world *w)
{
    expiry_keeper_free(w->keeper);
    kv_close(w->kv);
    update_batch_free(w->updates);
    collections_free(w->colls);
    coll_state_done(&w->state);
    free(w->dir);
}

static struct state_key key_in(enum state_space space, const char *coll, struct bytes key)
{
    return (struct state_key){ space, bytes_of_str("pdc"), bytes_of_str(coll), key };
}

/* A block writes a private key's hash, and the key itself if we have it. */
static void write_key(struct world *w, const char *coll, const char *key, uint64_t block,
                      bool has_data)
{
    struct digest hash = sha256_of(bytes_of_str(key));
    struct state_key hashed = key_in(STATE_HASHED, coll, digest_bytes(&hash));
    struct state_key own = key_in(STATE_PRIVATE, coll, bytes_of_str(key));
    coll_state_put(w->updates, &hashed, bytes_of_str("hash"), (struct state_version){ block, 0 });
    if (has_data)
        coll_state_put(w->updates, &own, bytes_of_str("v"), (struct state_version){ block, 0 });
}

/* The block's way: its keys are tracked, what goes with it goes, and the state has it all. */
static void commit(struct world *w, uint64_t block)
{
    struct weft_err e = { 0 };
    EXPECT_OK(expiry_keeper_track(w->keeper, block, w->updates, w->colls, &e));
    EXPECT_OK(expiry_keeper_expire(w->keeper, block, &w->state.reader, w->updates, &e));
    update_batch_add_all(w->state.updates, w->updates);
    update_batch_clear(w->updates);
}

static bool is_there(const struct world *w, const struct state_key *key)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(buf_done) struct buf room = { 0 };
    struct state_value v;
    bool found = false;
    EXPECT_OK(state_reader_get(&w->state.reader, key, &room, &found, &v, &e));
    return found;
}

static void expect_there(const struct world *w, const char *coll, const char *key, bool hash_is,
                         bool key_is)
{
    struct digest hash = sha256_of(bytes_of_str(key));
    struct state_key hashed = key_in(STATE_HASHED, coll, digest_bytes(&hash));
    struct state_key own = key_in(STATE_PRIVATE, coll, bytes_of_str(key));
    EXPECT_EQ(is_there(w, &hashed), hash_is);
    EXPECT_EQ(is_there(w, &own), key_is);
}

static size_t entries(const struct world *w)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(kv_iter_free) struct kv_iter *it = kv_iter_new(w->kv, bytes_of(NULL, 0));
    struct bytes key, value;
    bool found = true;
    size_t n = 0;
    for (;; n++) {
        EXPECT_OK(kv_iter_next(it, &found, &key, &value, &e));
        if (!found)
            return n;
    }
}

TEST(keys_and_hashes_lie_under_the_block_they_go_with)
{
    struct weft_err e = { 0 };
    struct world w;
    begin(&w);
    write_key(&w, "btl", "b1", 31, true);
    write_key(&w, "btl", "b2", 31, false);
    write_key(&w, "both", "a1", 31, true);
    EXPECT_OK(expiry_keeper_track(w.keeper, 31, w.updates, w.colls, &e));
    WEFT_CLEANUP(buf_done) struct buf value = { 0 };
    bool found = false;
    EXPECT_OK(kv_get(w.kv, bytes_of("ch/0\0001\x01\x26\x01\x1f", 10), &found, &value, &e));
    EXPECT(found);
    WEFT_FREE char *got = bytes_to_hex(buf_bytes(&value));
    EXPECT_STR(
        got, "0a5c0a0370646312550a530a0362746c124c0a260a0262311220"
             "7dc96f776c8423e57a2785489a3f9c43fb6e756876d6ad9a9cac4aa4e72ec193" /* SHA-256("b1") */
             "0a221220"
             "4814d92093ac8a0f4a2163ab87dee509ba306a58f5888be0edcb2fcd0712028b");
    EXPECT_EQ(entries(&w), 1);
    end(&w);
}

TEST(a_key_goes_with_its_block_and_not_before)
{
    struct world w;
    begin(&w);
    write_key(&w, "btl", "k", 31, true);
    write_key(&w, "btl", "hash alone", 31, false);
    write_key(&w, "both", "k", 31, true);
    commit(&w, 31);
    for (uint64_t n = 32; n < 38; n++)
        commit(&w, n);
    expect_there(&w, "btl", "k", true, true);
    expect_there(&w, "btl", "hash alone", true, false);
    EXPECT(!expiry_keeper_take_due(w.keeper));
    commit(&w, 38);
    EXPECT(expiry_keeper_take_due(w.keeper));
    expect_there(&w, "btl", "k", false, false);
    expect_there(&w, "btl", "hash alone", false, false);
    expect_there(&w, "both", "k", true, true);
    end(&w);
}

TEST(a_key_that_was_written_again_stays)
{
    struct world w;
    begin(&w);
    write_key(&w, "btl", "k", 31, true);
    commit(&w, 31);
    write_key(&w, "btl", "k", 34, true);
    commit(&w, 34);
    commit(&w, 38);
    expect_there(&w, "btl", "k", true, true);
    commit(&w, 41);
    expect_there(&w, "btl", "k", false, false);
    end(&w);
}

TEST(a_key_that_the_same_block_writes_stays)
{
    struct world w;
    begin(&w);
    write_key(&w, "btl", "k", 31, true);
    commit(&w, 31);
    write_key(&w, "btl", "k", 38, true);
    commit(&w, 38);
    expect_there(&w, "btl", "k", true, true);
    end(&w);
}

/* The new value's data is missing: the hash is the new one's and stays, the old value goes. */
TEST(an_old_value_goes_where_the_new_one_is_missing)
{
    struct world w;
    begin(&w);
    write_key(&w, "btl", "k", 31, true);
    commit(&w, 31);
    write_key(&w, "btl", "k", 34, false);
    commit(&w, 34);
    commit(&w, 38);
    expect_there(&w, "btl", "k", true, false);
    end(&w);
}

TEST(a_deleted_key_is_not_tracked)
{
    struct weft_err e = { 0 };
    struct world w;
    begin(&w);
    struct digest hash = sha256_of(bytes_of_str("k"));
    struct state_key hashed = key_in(STATE_HASHED, "btl", digest_bytes(&hash));
    struct state_key own = key_in(STATE_PRIVATE, "btl", bytes_of_str("k"));
    update_batch_delete(w.updates, &hashed, (struct state_version){ 31, 0 });
    update_batch_delete(w.updates, &own, (struct state_version){ 31, 0 });
    EXPECT_OK(expiry_keeper_track(w.keeper, 31, w.updates, w.colls, &e));
    EXPECT_EQ(entries(&w), 0);
    end(&w);
}

TEST(what_went_is_forgotten_when_it_is_told)
{
    struct weft_err e = { 0 };
    struct world w;
    begin(&w);
    write_key(&w, "btl", "a", 31, true);
    commit(&w, 31);
    write_key(&w, "btl", "b", 32, true);
    commit(&w, 32);
    commit(&w, 38);
    EXPECT_EQ(entries(&w), 2);
    EXPECT(expiry_keeper_take_due(w.keeper));
    EXPECT(!expiry_keeper_take_due(w.keeper));
    commit(&w, 39); /* while the state of 38 is being synced */
    EXPECT_OK(expiry_keeper_forget(w.keeper, 38, &e));
    EXPECT_EQ(entries(&w), 1);
    EXPECT_OK(expiry_keeper_forget(w.keeper, 38, &e));
    EXPECT(expiry_keeper_take_due(w.keeper));
    EXPECT_OK(expiry_keeper_forget(w.keeper, 40, &e));
    EXPECT_EQ(entries(&w), 0);
    end(&w);
}

/* The state was not on the disk: the block comes again, and so does what goes with it. */
TEST(what_goes_goes_again_when_the_block_comes_again)
{
    struct world w;
    begin(&w);
    write_key(&w, "btl", "k", 31, true);
    commit(&w, 31);
    struct weft_err e = { 0 };
    EXPECT_OK(expiry_keeper_expire(w.keeper, 38, &w.state.reader, w.updates, &e));
    EXPECT_EQ(w.updates->count, 2);
    update_batch_clear(w.updates);
    expiry_keeper_free(w.keeper);
    w.keeper = expiry_keeper_new(w.kv, "ch");
    commit(&w, 38);
    expect_there(&w, "btl", "k", false, false);
    end(&w);
}

TEST(damage_is_an_error)
{
    struct weft_err e = { 0 };
    struct world w;
    begin(&w);
    WEFT_CLEANUP(kv_batch_free) struct kv_batch *b = kv_batch_new();
    kv_batch_put(b, bytes_of("ch/0\0001\x01\x05\x01\x01", 10), bytes_of("\x0a\x7f", 2));
    EXPECT_OK(kv_write(w.kv, b, false, &e));
    EXPECT_CODE(expiry_keeper_expire(w.keeper, 5, &w.state.reader, w.updates, &e), WEFT_CORRUPT);
    kv_batch_put(b, bytes_of("ch/0\0001\x01\x06\x09", 9), bytes_of("", 0));
    EXPECT_OK(kv_write(w.kv, b, false, &e));
    EXPECT_CODE(expiry_keeper_expire(w.keeper, 6, &w.state.reader, w.updates, &e), WEFT_CORRUPT);
    end(&w);
}
