#include "kvledger/transient_store.h"

#include "kvledger/tx_pvt_rwset.h"
#include "ledger/kv.h"
#include "ledger/order_key.h"
#include "proto/wire.h"
#include "weft_test.h"

struct world {
    char *dir;
    struct kv *kv;
    struct transient_store *store;
    struct buf seen; /* "tx ns/coll=rwset " of each */
};

static void begin(struct world *w)
{
    struct weft_err e = { 0 };
    *w = (struct world){ .dir = weft_test_fast_dir() };
    EXPECT_OK(kv_open(w->dir, "", &w->kv, &e));
    w->store = transient_store_new(w->kv, "ch");
}

static void end(struct world *w)
{
    transient_store_free(w->store);
    kv_close(w->kv);
    buf_done(&w->seen);
    free(w->dir);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct world, end)

/* TxPvtReadWriteSet of one collection */
static void put_set(struct buf *out, const char *coll, const char *rwset)
{
    WEFT_CLEANUP(tx_pvt_writer_done) struct tx_pvt_writer t = { 0 };
    struct pvt_write_set set = { 0, bytes_of_str("ns"), bytes_of_str(coll), bytes_of_str(rwset) };
    tx_pvt_writer_add(&t, &set);
    tx_pvt_writer_end(&t, out);
}

/* TxPvtReadWriteSetWithConfigInfo { 1 endorsed_at, 2 pvt_rwset } */
static void persist(struct world *w, const char *tx, uint64_t height, const char *rwset)
{
    WEFT_CLEANUP(buf_done) struct buf set = { 0 };
    WEFT_CLEANUP(buf_done) struct buf with_config = { 0 };
    struct weft_err e = { 0 };
    put_set(&set, "c", rwset);
    wire_put_varint(&with_config, 1, height);
    wire_put_bytes(&with_config, 2, buf_bytes(&set));
    EXPECT_OK(
        transient_store_persist(w->store, bytes_of_str(tx), height, buf_bytes(&with_config), &e));
}

static enum weft_code see(void *ctx, const struct pvt_write_set *set, struct weft_err *e)
{
    struct world *w = ctx;
    (void)e;
    buf_printf(&w->seen, "%d %.*s/%.*s=%.*s ", (int)set->tx, (int)set->ns.len,
               (const char *)set->ns.data, (int)set->coll.len, (const char *)set->coll.data,
               (int)set->rwset.len, (const char *)set->rwset.data);
    return WEFT_OK;
}

static void expect_found(struct world *w, const char *tx, const char *want)
{
    struct weft_err e = { 0 };
    buf_clear(&w->seen);
    EXPECT_OK(transient_store_find(w->store, bytes_of_str(tx), 7, see, w, &e));
    EXPECT_BYTES(buf_bytes(&w->seen), bytes_of_str(want));
}

static size_t keys(struct world *w)
{
    WEFT_CLEANUP(kv_iter_free) struct kv_iter *it = kv_iter_new(w->kv, bytes_of(NULL, 0));
    struct weft_err e = { 0 };
    struct bytes key, value;
    size_t n = 0;
    for (bool found = true;; n++) {
        EXPECT_OK(kv_iter_next(it, &found, &key, &value, &e));
        if (!found)
            return n;
    }
}

TEST(what_is_kept_is_found_by_its_transaction_alone)
{
    WEFT_CLEANUP(end) struct world w;
    struct weft_err e = { 0 };
    begin(&w);
    persist(&w, "abcd", 5, "one");
    persist(&w, "abc", 5, "two");
    WEFT_CLEANUP(transient_store_free)
    struct transient_store *other = transient_store_new(w.kv, "ch2");
    expect_found(&w, "abcd", "7 ns/c=one ");
    expect_found(&w, "abc", "7 ns/c=two ");
    expect_found(&w, "ab", "");
    expect_found(&w, "", "");
    buf_clear(&w.seen);
    EXPECT_OK(transient_store_find(other, bytes_of_str("abc"), 7, see, &w, &e));
    EXPECT_EQ(w.seen.len, 0);
}

TEST(a_transaction_may_be_there_from_many_endorsers)
{
    WEFT_CLEANUP(end) struct world w;
    begin(&w);
    persist(&w, "abc", 5, "same");
    persist(&w, "abc", 5, "same");
    expect_found(&w, "abc", "7 ns/c=same 7 ns/c=same ");
    EXPECT_EQ(keys(&w), 6);
}

TEST(nothing_is_left_of_what_is_purged)
{
    WEFT_CLEANUP(end) struct world w;
    struct weft_err e = { 0 };
    struct bytes ids[] = { bytes_of_str("abc"), bytes_of_str("absent"), bytes_of_str(""),
                           bytes_of("ab\0d", 4) };
    begin(&w);
    persist(&w, "abc", 5, "one");
    persist(&w, "abc", 300, "two"); /* heights with zeros in their keys, too */
    persist(&w, "abc", 256, "three");
    persist(&w, "abd", 256, "stays");
    EXPECT_OK(transient_store_purge(w.store, ids, WEFT_ARRAY_LEN(ids), &e));
    expect_found(&w, "abc", "");
    expect_found(&w, "abd", "7 ns/c=stays ");
    EXPECT_EQ(keys(&w), 3);
}

TEST(what_was_endorsed_below_a_height_goes_with_it)
{
    WEFT_CLEANUP(end) struct world w;
    struct weft_err e = { 0 };
    begin(&w);
    persist(&w, "a", 0, "at 0");
    persist(&w, "b", 255, "at 255");
    persist(&w, "c", 256, "at 256");
    persist(&w, "d", 65536, "at 65536");
    EXPECT_OK(transient_store_purge_below(w.store, 256, &e));
    expect_found(&w, "a", "");
    expect_found(&w, "b", "");
    expect_found(&w, "c", "7 ns/c=at 256 ");
    expect_found(&w, "d", "7 ns/c=at 65536 ");
    EXPECT_EQ(keys(&w), 6);
}

TEST(what_a_1_1_peer_kept_is_read)
{
    WEFT_CLEANUP(end) struct world w;
    WEFT_CLEANUP(buf_done) struct buf set = { 0 };
    struct weft_err e = { 0 };
    begin(&w);
    put_set(&set, "c", "old");
    EXPECT_OK(transient_value_each(buf_bytes(&set), 3, see, &w, &e));
    EXPECT_BYTES(buf_bytes(&w.seen), bytes_of_str("3 ns/c=old "));
}

TEST(an_id_that_is_none_is_refused)
{
    WEFT_CLEANUP(end) struct world w;
    struct weft_err e = { 0 };
    struct bytes set = bytes_of_str("");
    begin(&w);
    EXPECT_CODE(transient_store_persist(w.store, bytes_of_str(""), 1, set, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "no transaction's id");
    EXPECT_CODE(transient_store_persist(w.store, bytes_of("a\0b", 3), 1, set, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "no transaction's id");
    EXPECT_EQ(keys(&w), 0);
}

TEST(damage_is_told)
{
    WEFT_CLEANUP(end) struct world w;
    WEFT_CLEANUP(kv_batch_free) struct kv_batch *b = kv_batch_new();
    struct bytes id = bytes_of_str("abc");
    struct weft_err e = { 0 };
    begin(&w);
    kv_batch_put(b, bytes_of("ch\0T\0abc\0uuid", 13), bytes_of_str(""));
    kv_batch_put(b, bytes_of("ch\0H\0\1\5abc", 10), bytes_of_str(""));
    EXPECT_OK(kv_write(w.kv, b, false, &e));
    EXPECT_CODE(transient_store_purge(w.store, &id, 1, &e), WEFT_CORRUPT);
    EXPECT_WORDS(e, "a key of the transient store is damaged");
    EXPECT_CODE(transient_store_purge_below(w.store, 9, &e), WEFT_CORRUPT);
    EXPECT_WORDS(e, "a key of the transient store is damaged");
}
