#include "kvledger/block_pvt.h"

#include "coll_state.h"
#include "crypto/sha256.h"
#include "kvledger/collections.h"
#include "ledger/kv.h"
#include "proto/metadata.h"
#include "proto/wire.h"
#include "weft_test.h"

/* Private writes on their way into a block's updates; they come from a store. */
struct world {
    char *dir;
    struct kv *kv;
    struct pvtdata_store *store;
    struct coll_state before;
    struct collections *colls;
    struct update_batch *updates;
};

static void begin(struct world *w)
{
    struct weft_err e = { 0 };
    *w = (struct world){ .dir = weft_test_fast_dir() };
    coll_state_init(&w->before);
    coll_state_define(w->before.updates, "pdc", 1, (struct coll_spec[]){ { "c", "Org1MSP", 0 } },
                      1);
    w->colls = collections_new(&w->before.reader, "Org1MSP");
    w->updates = update_batch_new();
    EXPECT_OK(kv_open(w->dir, "", &w->kv, &e));
    EXPECT_OK(pvtdata_store_open(w->kv, "ch", 100, &w->store, &e));
}

static void end(struct world *w)
{
    pvtdata_store_close(w->store);
    kv_close(w->kv);
    update_batch_free(w->updates);
    collections_free(w->colls);
    coll_state_done(&w->before);
    free(w->dir);
}

/* KVRWSet { 3 writes { 1 key, 2 is_delete, 3 value }, 4 metadata_writes { 1 key } } */
static void put_write(struct buf *set, const char *key, bool is_delete, const char *value)
{
    WEFT_CLEANUP(buf_done) struct buf w = { 0 };
    wire_put_bytes(&w, 1, bytes_of_str(key));
    if (is_delete)
        wire_put_varint(&w, 2, 1);
    if (value[0] != '\0')
        wire_put_bytes(&w, 3, bytes_of_str(value));
    wire_put_bytes(set, 3, buf_bytes(&w));
}

static void put_metadata_write(struct buf *set, const char *key)
{
    WEFT_CLEANUP(buf_done) struct buf w = { 0 };
    wire_put_bytes(&w, 1, bytes_of_str(key));
    wire_put_bytes(set, 4, buf_bytes(&w));
}

static struct state_key private_key(const char *key)
{
    return (struct state_key){ STATE_PRIVATE, bytes_of_str("pdc"), bytes_of_str("c"),
                               bytes_of_str(key) };
}

/* Block 0 of the store, with a write set a transaction, into the updates. */
static void add(struct world *w, const struct buf *sets, size_t count, const uint8_t *codes)
{
    struct weft_err e = { 0 };
    struct pvt_write_set all[4];
    WEFT_CLEANUP(block_pvt_free) struct block_pvt *p = NULL;
    for (size_t i = 0; i < count; i++)
        all[i] = (struct pvt_write_set){ i, bytes_of_str("pdc"), bytes_of_str("c"),
                                         buf_bytes(&sets[i]) };
    EXPECT_OK(pvtdata_store_commit(w->store, &(struct pvtdata_block){ 0, all, count, NULL, 0 },
                                   w->colls, &e));
    EXPECT_OK(block_pvt_of_store(w->store, 0, w->colls, &p, &e));
    EXPECT_EQ(block_pvt_block(p)->set_count, count);
    EXPECT_OK(block_pvt_add_updates(p, codes, count, &w->before.reader, w->updates, &e));
}

TEST(valid_transactions_private_writes_join_the_updates)
{
    struct world w;
    begin(&w);
    WEFT_CLEANUP(buf_done) struct buf a = { 0 };
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    WEFT_CLEANUP(buf_done) struct buf c = { 0 };
    put_write(&a, "k", false, "1");
    put_write(&a, "gone", true, "");
    put_write(&a, "empty", false, "");
    put_write(&b, "k", false, "invalid");
    put_write(&c, "k", false, "2");
    add(&w, (struct buf[]){ a, b, c }, 3, (uint8_t[]){ TX_VALID, TX_MVCC_READ_CONFLICT, TX_VALID });
    struct state_key k = private_key("k"), gone = private_key("gone"), empty = private_key("empty");
    const struct update *u = update_batch_find(w.updates, &k);
    EXPECT(u != NULL && !u->is_delete);
    EXPECT_BYTES(u->value.value, bytes_of_str("2"));
    EXPECT_EQ(u->value.version.block, 0);
    EXPECT_EQ(u->value.version.tx, 2);
    EXPECT(update_batch_find(w.updates, &gone)->is_delete);
    EXPECT(update_batch_find(w.updates, &empty)->is_delete);
    end(&w);
}

/* A transaction that writes a private key's metadata alone: the hashed space has a new version of
 * the old value. */
static void write_metadata_alone(struct world *w, const char *hashed_value)
{
    WEFT_CLEANUP(buf_done) struct buf set = { 0 };
    struct digest key_hash = sha256_of(bytes_of_str("k"));
    struct digest value_hash = sha256_of(bytes_of_str(hashed_value));
    struct state_key own = private_key("k"), hashed = own;
    hashed.space = STATE_HASHED;
    hashed.key = digest_bytes(&key_hash);
    coll_state_put(w->before.updates, &own, bytes_of_str("v"), (struct state_version){ 0, 0 });
    coll_state_put(w->updates, &hashed, digest_bytes(&value_hash), (struct state_version){ 9, 0 });
    put_metadata_write(&set, "k");
    add(w, &set, 1, (uint8_t[]){ TX_VALID });
}

TEST(a_key_whose_metadata_is_written_gets_the_hashed_key_s_version)
{
    struct world w;
    begin(&w);
    write_metadata_alone(&w, "v");
    struct state_key k = private_key("k");
    const struct update *u = update_batch_find(w.updates, &k);
    EXPECT(u != NULL);
    EXPECT_BYTES(u->value.value, bytes_of_str("v"));
    EXPECT_EQ(u->value.version.block, 9);
    end(&w);
}

TEST(a_stale_private_value_keeps_its_version)
{
    struct world w;
    begin(&w);
    write_metadata_alone(&w, "another value");
    struct state_key k = private_key("k");
    EXPECT(update_batch_find(w.updates, &k) == NULL);
    end(&w);
}

TEST(a_write_set_that_can_t_be_read_leaves_no_updates)
{
    struct world w;
    begin(&w);
    WEFT_CLEANUP(buf_done) struct buf broken = { 0 };
    buf_put_str(&broken, "\x1a\x7f");
    add(&w, &broken, 1, (uint8_t[]){ TX_VALID });
    EXPECT_EQ(w.updates->count, 0);
    end(&w);
}
