#include "kvledger/pvtdata_store.h"

#include "base/arena.h"
#include "coll_state.h"
#include "kv_dump.h"
#include "kvledger/collections.h"
#include "kvledger/kv_ledger.h"
#include "kvledger/pvtdata_key.h"
#include "kvledger/tx_pvt_rwset.h"
#include "ledger/kv.h"
#include "ledger/order_key.h"
#include "weft_test.h"

/* A store, and a state in which pdc has collections of three kinds. */
struct world {
    char *dir;
    struct kv *kv;
    struct pvtdata_store *store;
    struct coll_state state;
    struct collections *colls;
    struct buf got; /* of the last reading: "tx ns coll rwset;" */
};

static void reopen(struct world *w)
{
    struct weft_err e = { 0 };
    pvtdata_store_close(w->store);
    kv_close(w->kv);
    EXPECT_OK(kv_open(w->dir, "", &w->kv, &e));
    EXPECT_OK(pvtdata_store_open(w->kv, "ch", 10, &w->store, &e));
}

static void begin(struct world *w)
{
    *w = (struct world){ .dir = weft_test_fast_dir() };
    coll_state_init(&w->state);
    coll_state_define(w->state.updates, "pdc", 1,
                      (struct coll_spec[]){ { "both", "Org1MSP", 0 },
                                            { "btl", "Org1MSP", 6 },
                                            { "theirs", "Org2MSP", 6 } },
                      3);
    w->colls = collections_new(&w->state.reader, "Org1MSP");
    reopen(w);
}

static void end(struct world *w)
{
    pvtdata_store_close(w->store);
    kv_close(w->kv);
    collections_free(w->colls);
    coll_state_done(&w->state);
    buf_done(&w->got);
    free(w->dir);
}

static struct pvt_write_set set(uint64_t tx, const char *coll, const char *rwset)
{
    return (struct pvt_write_set){ tx, bytes_of_str("pdc"), bytes_of_str(coll),
                                   bytes_of_str(rwset) };
}

static struct pvt_missing missing(uint64_t tx, const char *coll, bool is_eligible)
{
    return (struct pvt_missing){ tx, bytes_of_str("pdc"), bytes_of_str(coll), is_eligible };
}

static void commit_empty(struct world *w, uint64_t from, uint64_t to)
{
    struct weft_err e = { 0 };
    for (uint64_t n = from; n <= to; n++)
        EXPECT_OK(
            pvtdata_store_commit(w->store, &(struct pvtdata_block){ .number = n }, w->colls, &e));
}

static enum weft_code take(void *ctx, const struct pvt_write_set *s, struct weft_err *e)
{
    struct world *w = ctx;
    (void)e;
    buf_printf(&w->got, "%" PRIu64 " %.*s %.*s %.*s;", s->tx, (int)s->ns.len,
               (const char *)s->ns.data, (int)s->coll.len, (const char *)s->coll.data,
               (int)s->rwset.len, (const char *)s->rwset.data);
    return WEFT_OK;
}

static void expect_read(struct world *w, uint64_t block, const struct kv_pvt_filter *filter,
                        const char *want)
{
    struct weft_err e = { 0 };
    buf_clear(&w->got);
    EXPECT_OK(pvtdata_store_read(w->store, block, w->colls, filter, take, w, &e));
    EXPECT_BYTES(buf_bytes(&w->got), bytes_of_str(want));
}

/* Every key behind the channel's, and its value. */
static void expect_on_disk(struct world *w, const char *want)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    WEFT_CLEANUP(kv_iter_free) struct kv_iter *it = kv_iter_new(w->kv, bytes_of(NULL, 0));
    struct bytes key, value;
    bool found = false;
    for (;;) {
        EXPECT_OK(kv_iter_next(it, &found, &key, &value, &e));
        if (!found)
            break;
        WEFT_FREE char *k = bytes_to_hex(bytes_skip(key, 3));
        WEFT_FREE char *v = bytes_to_hex(value);
        buf_printf(&b, "%s=%s\n", k, v);
    }
    EXPECT_BYTES(buf_bytes(&b), bytes_of_str(want));
}

/* As a ledger does when it is closed. */
static void put_height_on_disk(struct world *w)
{
    struct weft_err e = { 0 };
    EXPECT_OK(pvtdata_store_raise(w->store, pvtdata_store_height(w->store), &e));
}

static void expect_all(struct world *w, const char *want)
{
    put_height_on_disk(w);
    expect_on_disk(w, want);
}

TEST(data_and_what_is_missing_lie_under_fabric_s_keys)
{
    struct weft_err e = { 0 };
    struct world w;
    begin(&w);
    struct pvt_write_set sets[] = { set(0, "both", "a"), set(2, "btl", "b") };
    struct pvt_missing gone[] = { missing(3, "btl", true), missing(1, "btl", true),
                                  missing(0, "theirs", false) };
    EXPECT_OK(
        pvtdata_store_commit(w.store, &(struct pvtdata_block){ 0, sets, 2, gone, 3 }, w.colls, &e));
    EXPECT_EQ(pvtdata_store_height(w.store), 1);
    expect_all(&w, "01=00\n"
                   "02000070646300626f7468=0a04626f7468120161\n"
                   "0200010270646300"
                   "62746c=0a0362746c120162\n"
                   /* pdc { btl: { 2 }; missing: btl, theirs } */
                   "03010700=0a280a0370646312210a0a0a0362746c12030a0102"
                   "12070a0362746c1001120a0a067468656972731001\n"
                   "04087064630062746c=0000000000000004000000000000000a\n"
                   "05706463007468656972730008=00000000000000010000000000000001\n");
    end(&w);
}

TEST(a_block_without_private_data_moves_the_last_block_on)
{
    struct weft_err e = { 0 };
    struct world w;
    begin(&w);
    EXPECT_EQ(pvtdata_store_height(w.store), 0);
    commit_empty(&w, 0, 3);
    EXPECT_EQ(pvtdata_store_height(w.store), 4);
    expect_on_disk(&w, "");
    EXPECT_CODE(pvtdata_store_commit(w.store, &(struct pvtdata_block){ .number = 5 }, w.colls, &e),
                WEFT_INVALID);
    EXPECT_WORDS(e, "Expected block number=4, received block number=5");
    put_height_on_disk(&w);
    expect_on_disk(&w, "01=03\n");
    reopen(&w);
    EXPECT_EQ(pvtdata_store_height(w.store), 4);
    end(&w);
}

TEST(the_last_block_is_raised_and_never_lowered)
{
    struct weft_err e = { 0 };
    struct world w;
    begin(&w);
    EXPECT_OK(pvtdata_store_raise(w.store, 301, &e));
    expect_all(&w, "01=ac02\n");
    EXPECT_OK(pvtdata_store_raise(w.store, 5, &e));
    EXPECT_EQ(pvtdata_store_height(w.store), 301);
    reopen(&w);
    EXPECT_EQ(pvtdata_store_height(w.store), 301);
    end(&w);
}

/* ---- reading ---------------------------------------------------------------------------- */

static bool sees_btl_only(void *ctx, struct bytes ns, struct bytes coll)
{
    (void)ctx;
    return bytes_eq(ns, bytes_of_str("pdc")) && bytes_eq(coll, bytes_of_str("btl"));
}

TEST(a_block_s_data_is_read_by_transaction_and_collection)
{
    struct weft_err e = { 0 };
    struct world w;
    begin(&w);
    struct pvt_write_set sets[] = { set(0, "both", "a"), set(0, "btl", "b"), set(7, "both", "c") };
    struct pvt_write_set next[] = { set(0, "both", "d") };
    struct kv_pvt_filter btl_only = { NULL, sees_btl_only };
    EXPECT_CODE(pvtdata_store_read(w.store, 0, w.colls, NULL, take, &w, &e), WEFT_NOT_FOUND);
    EXPECT_WORDS(e, "The store is empty");
    EXPECT_OK(
        pvtdata_store_commit(w.store, &(struct pvtdata_block){ 0, sets, 3, NULL, 0 }, w.colls, &e));
    EXPECT_OK(
        pvtdata_store_commit(w.store, &(struct pvtdata_block){ 1, next, 1, NULL, 0 }, w.colls, &e));
    expect_read(&w, 0, NULL, "0 pdc both a;0 pdc btl b;7 pdc both c;");
    expect_read(&w, 0, &btl_only, "0 pdc btl b;");
    expect_read(&w, 1, NULL, "0 pdc both d;");
    EXPECT_CODE(pvtdata_store_read(w.store, 2, w.colls, NULL, take, &w, &e), WEFT_NOT_FOUND);
    EXPECT_WORDS(e, "Last committed block=1, block requested=2");
    end(&w);
}

/* A key of 1.1 ends behind the numbers, and its value is all that the transaction wrote. */
TEST(data_that_a_1_1_peer_stored_is_read)
{
    struct weft_err e = { 0 };
    struct world w;
    begin(&w);
    WEFT_CLEANUP(tx_pvt_writer_done) struct tx_pvt_writer writer = { 0 };
    WEFT_CLEANUP(buf_done) struct buf whole = { 0 };
    WEFT_CLEANUP(kv_batch_free) struct kv_batch *b = kv_batch_new();
    struct pvt_write_set sets[] = { set(4, "both", "a"), set(4, "btl", "b") };
    struct kv_pvt_filter btl_only = { NULL, sees_btl_only };
    commit_empty(&w, 0, 1);
    tx_pvt_writer_add(&writer, &sets[0]);
    tx_pvt_writer_add(&writer, &sets[1]);
    tx_pvt_writer_end(&writer, &whole);
    kv_batch_put(b, bytes_of("ch\0\x02\x01\x01\x01\x04", 8), buf_bytes(&whole));
    EXPECT_OK(kv_write(w.kv, b, false, &e));
    expect_read(&w, 1, NULL, "4 pdc both a;4 pdc btl b;");
    expect_read(&w, 1, &btl_only, "4 pdc btl b;");
    end(&w);
}

TEST(damage_is_an_error_and_not_a_crash)
{
    struct weft_err e = { 0 };
    struct world w;
    begin(&w);
    WEFT_CLEANUP(kv_batch_free) struct kv_batch *b = kv_batch_new();
    commit_empty(&w, 0, 2);
    kv_batch_put(b, bytes_of("ch\0\x02\x00\x00pdc\0both", 14), bytes_of("\x0a\x7f", 2));
    kv_batch_put(b, bytes_of("ch\0\x02\x01\x01\x00pdc", 10), bytes_of("", 0));
    kv_batch_put(b, bytes_of("ch\0\x03\x01\x05\x00", 7), bytes_of("\x0a\x7f", 2));
    EXPECT_OK(kv_write(w.kv, b, false, &e));
    EXPECT(pvtdata_store_read(w.store, 0, w.colls, NULL, take, &w, &e) != WEFT_OK);
    EXPECT_CODE(pvtdata_store_read(w.store, 1, w.colls, NULL, take, &w, &e), WEFT_CORRUPT);
    commit_empty(&w, 3, 9);
    EXPECT_CODE(pvtdata_store_commit(w.store, &(struct pvtdata_block){ .number = 10 }, w.colls, &e),
                WEFT_CORRUPT);
    kv_batch_clear(b);
    kv_batch_put(b, bytes_of("ch\0\x01", 4), bytes_of("\x80", 1));
    EXPECT_OK(kv_write(w.kv, b, false, &e));
    struct pvtdata_store *other = NULL;
    EXPECT_CODE(pvtdata_store_open(w.kv, "ch", 10, &other, &e), WEFT_CORRUPT);
    end(&w);
}

/* ---- expiry ------------------------------------------------------------------------------- */

TEST(what_is_over_is_not_given_out_and_then_removed)
{
    struct weft_err e = { 0 };
    struct world w;
    begin(&w);
    struct pvt_write_set sets[] = { set(0, "both", "a"), set(0, "btl", "b") };
    struct pvt_missing gone[] = { missing(1, "btl", true), missing(0, "theirs", false) };
    EXPECT_OK(
        pvtdata_store_commit(w.store, &(struct pvtdata_block){ 0, sets, 2, gone, 2 }, w.colls, &e));
    commit_empty(&w, 1, 6);
    expect_read(&w, 0, NULL, "0 pdc both a;0 pdc btl b;");
    commit_empty(&w, 7, 7); /* with which it goes */
    expect_read(&w, 0, NULL, "0 pdc both a;");
    commit_empty(&w, 8, 9);
    commit_empty(&w, 10, 10); /* the purge interval */
    expect_all(&w, "01=0a\n"
                   "02000070646300626f7468=0a04626f7468120161\n");
    end(&w);
}

TEST(a_purge_leaves_what_goes_later)
{
    struct weft_err e = { 0 };
    struct world w;
    begin(&w);
    struct pvt_write_set sets[] = { set(0, "btl", "b") };
    commit_empty(&w, 0, 4);
    EXPECT_OK(
        pvtdata_store_commit(w.store, &(struct pvtdata_block){ 5, sets, 1, NULL, 0 }, w.colls, &e));
    commit_empty(&w, 6, 10);
    expect_read(&w, 5, NULL, "0 pdc btl b;");
    commit_empty(&w, 11, 20);
    expect_all(&w, "01=14\n");
    end(&w);
}

/* ---- what became ours ------------------------------------------------------------------------ */

TEST(what_is_missing_of_a_collection_that_became_ours_is_ours_to_have)
{
    struct weft_err e = { 0 };
    struct world w;
    begin(&w);
    struct pvt_missing gone[] = { missing(1, "theirs", false), missing(0, "btl", true) };
    struct pvt_collection ours = { bytes_of_str("pdc"), bytes_of_str("theirs") };
    commit_empty(&w, 0, 0);
    EXPECT_OK(
        pvtdata_store_commit(w.store, &(struct pvtdata_block){ 1, NULL, 0, gone, 1 }, w.colls, &e));
    EXPECT_OK(pvtdata_store_set_eligible(w.store, 2, &ours, 1, &e));
    EXPECT_OK(
        pvtdata_store_commit(w.store, &(struct pvtdata_block){ 2, NULL, 0, gone, 2 }, w.colls, &e));
    expect_all(&w, "01=02\n"
                   "03010801"
                   "01=0a130a03706463120c120a0a067468656972731001\n"
                   "03010901"
                   "02=0a1c0a037064631215"
                   "12070a0362746c1001"
                   "120a0a067468656972731001\n"
                   /* of block 2, judged by the state before: not ours; of block 1: ours now */
                   "0407fd70646300"
                   "62746c=00000000000000010000000000000001\n"
                   "0407fe70646300746865697273=00000000000000020000000000000002\n"
                   "0570646300746865697273"
                   "0007fd=00000000000000020000000000000002\n");
    end(&w);
}

/* The note is there, as a crash leaves it: the next opening does what it says. */
TEST(a_move_that_was_cut_off_is_ended_by_the_next_opening)
{
    struct weft_err e = { 0 };
    struct world w;
    begin(&w);
    WEFT_CLEANUP(kv_batch_free) struct kv_batch *b = kv_batch_new();
    struct pvt_missing gone[] = { missing(1, "both", false) };
    EXPECT_OK(
        pvtdata_store_commit(w.store, &(struct pvtdata_block){ 0, NULL, 0, gone, 1 }, w.colls, &e));
    kv_batch_put(b, bytes_of("ch\0\x06\x07\xfe", 6),
                 bytes_of("\x0a\x0d\x0a\x03pdc\x12\x06\x0a\x04"
                          "both",
                          15));
    EXPECT_OK(kv_write(w.kv, b, false, &e));
    reopen(&w);
    expect_all(&w, "01=00\n"
                   "040870646300626f7468=00000000000000020000000000000002\n");
    end(&w);
}

/* ---- what 1.4 left ---------------------------------------------------------------------------- */

TEST(the_marks_of_a_1_4_peer_are_understood_and_removed)
{
    struct weft_err e = { 0 };
    struct world w;
    begin(&w);
    WEFT_CLEANUP(kv_batch_free) struct kv_batch *b = kv_batch_new();
    commit_empty(&w, 0, 4);
    put_height_on_disk(&w);
    kv_batch_put(b, bytes_of("ch\0\0", 4), bytes_of("", 0));
    kv_batch_put(b, bytes_of("ch\0\x07", 4), bytes_of("\x01\x02", 2));
    EXPECT_OK(kv_write(w.kv, b, false, &e));
    reopen(&w);
    EXPECT_EQ(pvtdata_store_height(w.store), 6);
    expect_all(&w, "01=05\n");
    end(&w);
}

/* The data that lies under a block's keys, also what is over, and what it misses. */
static void copy_block(struct kv *from, uint64_t n, struct pvtdata_store *to, struct collections *c)
{
    struct weft_err e = { 0 };
    struct pvt_write_set sets[8];
    struct pvtdata_block b = { .number = n, .sets = sets };
    struct pvt_missing gone = { 0, bytes_of_str("_lifecycle"),
                                bytes_of_str("_implicit_org_Org2MSP"), false };
    WEFT_CLEANUP(buf_done) struct buf start = { 0 };
    WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
    struct bytes key, value;
    bool found = false;
    buf_put(&start, bytes_of("mychannel\0\x02", 11));
    order_key_put(&start, n);
    WEFT_CLEANUP(kv_iter_free) struct kv_iter *it = kv_iter_new(from, buf_bytes(&start));
    for (;;) {
        struct pvtdata_set_key k;
        EXPECT_OK(kv_iter_next(it, &found, &key, &value, &e));
        if (!found || !bytes_start_with(key, buf_bytes(&start)))
            break;
        char *kept = arena_dup_str(&arena, key), *set = arena_dup_str(&arena, value);
        EXPECT(pvtdata_set_key_parse(bytes_of(kept + 11, key.len - 11), &k));
        struct pvt_write_set *to_set = &sets[b.set_count++];
        *to_set = (struct pvt_write_set){ k.tx, k.ns, k.coll, { 0 } };
        EXPECT_OK(collection_pvt_rwset_parse(bytes_of(set, value.len), &to_set->rwset, &e));
    }
    if (n == 4 || n == 7 || n == 57) {
        b.missing = &gone;
        b.missing_count = 1;
    }
    EXPECT_OK(pvtdata_store_commit(to, &b, c, &e));
}

/* ---- a real peer's ------------------------------------------------------------------------------ */

/* Block by block what a real peer has, put in by our commit, gives its database. */
TEST(a_real_peer_s_store_comes_out_the_same)
{
    struct weft_err e = { 0 };
    static const char heading[] = "# peer ledgersData/pvtdataStore";
    WEFT_FREE char *list = weft_strdup(weft_test_fixture("ledger-small/otherdb-dump.txt"));
    WEFT_FREE char *dir = weft_test_fast_dir();
    WEFT_CLEANUP(kv_close) struct kv *theirs = NULL;
    WEFT_CLEANUP(kv_close) struct kv *ours = NULL;
    WEFT_CLEANUP(pvtdata_store_close) struct pvtdata_store *from = NULL;
    WEFT_CLEANUP(pvtdata_store_close) struct pvtdata_store *to = NULL;
    WEFT_CLEANUP(coll_state_done) struct coll_state state;
    coll_state_init(&state);
    coll_state_define(state.updates, "pdc", 1,
                      (struct coll_spec[]){ { "collBoth", "Org1MSP", 0 },
                                            { "collOrg1", "Org1MSP", 0 },
                                            { "collBtl", "Org1MSP", 6 } },
                      3);
    WEFT_CLEANUP(collections_free)
    struct collections *c = collections_new(&state.reader, "Org1MSP");
    EXPECT_OK(kv_open_copy(
        weft_test_fixture("ledger-small/peer0.org1.example.com/ledgersData/pvtdataStore"), &theirs,
        &e));
    EXPECT_OK(kv_open(dir, "", &ours, &e));
    EXPECT_OK(pvtdata_store_open(theirs, "mychannel", 100, &from, &e));
    EXPECT_OK(pvtdata_store_open(ours, "mychannel", 100, &to, &e));
    EXPECT_EQ(pvtdata_store_height(from), 79);
    for (uint64_t n = 0; n < 79; n++)
        copy_block(theirs, n, to, c);
    EXPECT_OK(pvtdata_store_raise(to, 79, &e));
    EXPECT(kv_dump_expect(ours, list, heading) > 25);
}
