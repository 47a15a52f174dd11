/* Private data that comes with a block, or does not, or is not what it should be. */
#include "base/log.h"
#include "kvledger/tx_pvt_rwset.h"
#include "ledger/kv.h"
#include "peer_fixture.h"
#include "proto/block.h"
#include "proto/envelope.h"
#include "proto/wire.h"
#include "weft_test.h"

/* Block 31 writes, a transaction each: a1 and a2 in collBoth, o1 in collOrg1, b1 in collBtl. */
enum {
    BLOCK = 31
};
static const struct {
    const char *coll, *rwset;
    size_t len;
} written[] = {
    { "collBoth", "\x1a\x10\x0a\x02\x61\x31\x1a\x0asecret one", 18 },
    { "collBoth", "\x1a\x10\x0a\x02\x61\x32\x1a\x0asecret two", 18 },
    { "collOrg1", "\x1a\x0f\x0a\x02o1\x1a\x09org1 only", 17 },
    { "collBtl", "\x1a\x11\x0a\x02\x62\x31\x1a\x0bshort lived", 19 },
};

__attribute__((constructor)) static void be_quiet(void)
{
    WEFT_IGNORE(log_set_spec("panic", NULL));
}

static void put(struct buf *out, size_t tx, const char *coll, struct bytes rwset)
{
    WEFT_CLEANUP(tx_pvt_writer_done) struct tx_pvt_writer w = { 0 };
    struct pvt_write_set set = { tx, bytes_of_str("pdc"), bytes_of_str(coll), rwset };
    tx_pvt_writer_add(&w, &set);
    tx_pvt_writer_end(&w, out);
}

static void put_written(struct buf *out, size_t tx)
{
    put(out, tx, written[tx].coll, bytes_of(written[tx].rwset, written[tx].len));
}

struct seen {
    struct buf text;
};

static void see(void *ctx, uint64_t tx, struct bytes write_set)
{
    struct seen *s = ctx;
    WEFT_FREE char *hex = bytes_to_hex(write_set);
    buf_printf(&s->text, "%" PRIu64 ":%s ", tx, hex);
}

static bool sees_nothing(void *ctx, struct bytes ns, struct bytes coll)
{
    (void)ctx, (void)ns, (void)coll;
    return false;
}

/* The block and what came with it, after those before it. */
static void take(struct peer_world *w, const char *dir, const char *mspid,
                 const struct kv_pvt_data *came, size_t count)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(block_unref) struct block *b = peer_fixture_block(BLOCK);
    EXPECT_OK(peer_world_open(w, dir, mspid, "mychannel", &e));
    peer_fixture_take(w, 0, BLOCK);
    EXPECT_OK(peer_world_take(w, b, came, count, &e));
    EXPECT_OK(kv_ledger_sync(w->ledger, &e));
    EXPECT_EQ(kv_ledger_next(w->ledger), BLOCK + 1);
}

static void expect_data(struct peer_world *w, const char *want)
{
    struct weft_err e = { 0 };
    struct seen s = { 0 };
    EXPECT_OK(kv_ledger_pvt_data(w->ledger, BLOCK, NULL, see, &s, &e));
    EXPECT_BYTES(buf_bytes(&s.text), bytes_of_str(want));
    struct kv_pvt_filter nothing = { NULL, sees_nothing };
    buf_clear(&s.text);
    EXPECT_OK(kv_ledger_pvt_data(w->ledger, BLOCK, &nothing, see, &s, &e));
    EXPECT_EQ(s.text.len, 0);
    buf_done(&s.text);
}

/* Keys of one group of a closed ledger's store, and their values. */
static void expect_group(const char *dir, unsigned char group, const char *want)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *path = weft_asprintf("%s/pvtdataStore", dir);
    WEFT_CLEANUP(kv_close) struct kv *kv = NULL;
    WEFT_CLEANUP(buf_done) struct buf got = { 0 };
    WEFT_CLEANUP(buf_done) struct buf prefix = { 0 };
    struct bytes key, value;
    bool found = false;
    buf_put(&prefix, bytes_of("mychannel\0", 10));
    buf_put_u8(&prefix, group);
    EXPECT_OK(kv_open_copy(path, &kv, &e));
    WEFT_CLEANUP(kv_iter_free) struct kv_iter *it = kv_iter_new(kv, buf_bytes(&prefix));
    for (;;) {
        EXPECT_OK(kv_iter_next(it, &found, &key, &value, &e));
        if (!found || !bytes_start_with(key, buf_bytes(&prefix)))
            break;
        WEFT_FREE char *k = bytes_to_hex(bytes_skip(key, prefix.len));
        WEFT_FREE char *v = bytes_to_hex(value);
        buf_printf(&got, "%s=%s\n", k, v);
    }
    kv_iter_free(WEFT_TAKE(it));
    EXPECT_BYTES(buf_bytes(&got), bytes_of_str(want));
}

TEST(data_that_does_not_have_the_block_s_hash_counts_as_missing)
{
    struct peer_world w;
    WEFT_FREE char *dir = weft_test_fast_dir();
    WEFT_CLEANUP(buf_done) struct buf other = { 0 };
    WEFT_CLEANUP(buf_done) struct buf good = { 0 };
    WEFT_CLEANUP(buf_done) struct buf no_tx = { 0 };
    WEFT_CLEANUP(buf_done) struct buf no_coll = { 0 };
    put(&other, 0, "collBoth", bytes_of_str("\x1a\x04\x0a\x02\x61\x31"));
    put_written(&good, 1);
    put(&no_coll, 1, "collOrg1", bytes_of(written[1].rwset, written[1].len));
    put_written(&no_tx, 3);
    struct kv_pvt_data came[] = {
        { 0, buf_bytes(&other) },   { 1, buf_bytes(&good) },
        { 1, buf_bytes(&no_coll) }, { 2, bytes_of_str("\x12\x7f broken") },
        { 99, buf_bytes(&no_tx) },
    };
    take(&w, dir, "Org1MSP", came, WEFT_ARRAY_LEN(came));
    WEFT_FREE char *hex = bytes_to_hex(buf_bytes(&good));
    WEFT_FREE char *want = weft_asprintf("1:%s ", hex);
    expect_data(&w, want);
    peer_world_close(&w);
    /* Ours to have: of transactions 0, 3 and 2; what is Org1's in the blocks before, too. */
    expect_group(dir, 4,
                 "07e070646300636f6c6c426f7468=00000000000000010000000000000001\n"
                 "07e070646300636f6c6c42746c=00000000000000040000000000000008\n"
                 "07e070646300636f6c6c4f726731=00000000000000030000000000000004\n"
                 "07f95f6c6966656379636c65005f696d706c696369745f6f72675f4f7267314d5350="
                 "00000000000000010000000000000001\n"
                 "07fc5f6c6966656379636c65005f696d706c696369745f6f72675f4f7267314d5350="
                 "00000000000000010000000000000001\n");
    expect_group(dir, 3, "0126011f=0a140a03706463120d120b0a07636f6c6c42746c1001\n");
}

/* collOrg1's members are Org1's: a peer of Org2 keeps none of its data, whoever sends it. */
TEST(data_of_a_collection_that_is_not_ours_is_not_kept)
{
    struct peer_world w;
    WEFT_FREE char *dir = weft_test_fast_dir();
    WEFT_CLEANUP(buf_done) struct buf ours = { 0 };
    WEFT_CLEANUP(buf_done) struct buf theirs = { 0 };
    put_written(&ours, 0);
    put_written(&theirs, 2);
    struct kv_pvt_data came[] = { { 0, buf_bytes(&ours) }, { 2, buf_bytes(&theirs) } };
    take(&w, dir, "Org2MSP", came, WEFT_ARRAY_LEN(came));
    WEFT_FREE char *hex = bytes_to_hex(buf_bytes(&ours));
    WEFT_FREE char *want = weft_asprintf("0:%s ", hex);
    expect_data(&w, want);
    peer_world_close(&w);
    expect_group(dir, 5,
                 "5f6c6966656379636c65005f696d706c696369745f6f72675f4f7267314d53500007f9="
                 "00000000000000010000000000000001\n"
                 "5f6c6966656379636c65005f696d706c696369745f6f72675f4f7267314d53500007fc="
                 "00000000000000010000000000000001\n"
                 "70646300636f6c6c4f7267310007e0=00000000000000030000000000000004\n");
}

/* ---- what was endorsed here ------------------------------------------------------------------ */

/* The id of the fixtures' transaction in block 31. */
static struct bytes id_of(const struct block *b, size_t tx)
{
    struct envelope_headers h;
    struct weft_err e = { 0 };
    EXPECT_OK(envelope_headers_parse(b->v.txs.at[tx], &h, &e));
    return h.channel.tx_id;
}

static void endorse(struct peer_world *w, struct bytes id, uint64_t height, struct bytes set)
{
    WEFT_CLEANUP(buf_done) struct buf with_config = { 0 };
    struct weft_err e = { 0 };
    wire_put_varint(&with_config, 1, height);
    wire_put_bytes(&with_config, 2, set);
    EXPECT_OK(kv_ledger_keep_private(w->ledger, id, height, buf_bytes(&with_config), &e));
}

static size_t kept(const char *dir)
{
    WEFT_FREE char *path = weft_asprintf("%s/transientstore", dir);
    struct weft_err e = { 0 };
    WEFT_CLEANUP(kv_close) struct kv *kv = NULL;
    struct bytes key, value;
    size_t n = 0;
    EXPECT_OK(kv_open_copy(path, &kv, &e));
    WEFT_CLEANUP(kv_iter_free) struct kv_iter *it = kv_iter_new(kv, bytes_of(NULL, 0));
    for (bool found = true;; n++) {
        EXPECT_OK(kv_iter_next(it, &found, &key, &value, &e));
        if (!found)
            break;
    }
    kv_iter_free(WEFT_TAKE(it));
    return n;
}

/* Of transaction 0 the set itself, of 1 another one that has not the block's hash and then the
 * right one; 3 comes with the block; what 2 wrote nobody has kept.  Nothing stays behind, but
 * of a transaction that has not come. */
TEST(what_was_endorsed_here_waits_for_its_block)
{
    struct peer_world w;
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = weft_test_fast_dir();
    WEFT_CLEANUP(block_unref) struct block *b = peer_fixture_block(BLOCK);
    struct buf sets[4] = { { 0 }, { 0 }, { 0 }, { 0 } };
    WEFT_CLEANUP(buf_done) struct buf other = { 0 };
    for (size_t i = 0; i < 4; i++)
        put_written(&sets[i], i);
    put(&other, 1, "collBoth", bytes_of_str("\x1a\x04\x0a\x02\x61\x31"));
    struct kv_pvt_data came = { 3, buf_bytes(&sets[3]) };
    EXPECT_OK(peer_world_open(&w, dir, "Org1MSP", "mychannel", &e));
    peer_fixture_take(&w, 0, BLOCK);
    endorse(&w, id_of(b, 0), BLOCK, buf_bytes(&sets[0]));
    endorse(&w, id_of(b, 1), BLOCK, buf_bytes(&other));
    endorse(&w, id_of(b, 1), BLOCK, buf_bytes(&sets[1]));
    endorse(&w, bytes_of_str("never comes"), BLOCK, buf_bytes(&sets[2]));
    EXPECT_OK(peer_world_take(&w, b, &came, 1, &e));
    EXPECT_OK(kv_ledger_sync(w.ledger, &e));
    WEFT_FREE char *hex0 = bytes_to_hex(buf_bytes(&sets[0]));
    WEFT_FREE char *hex1 = bytes_to_hex(buf_bytes(&sets[1]));
    WEFT_FREE char *hex3 = bytes_to_hex(buf_bytes(&sets[3]));
    WEFT_FREE char *want = weft_asprintf("0:%s 1:%s 3:%s ", hex0, hex1, hex3);
    expect_data(&w, want);
    peer_world_close(&w);
    EXPECT_EQ(kept(dir), 3);
    for (size_t i = 0; i < 4; i++)
        buf_done(&sets[i]);
}

/* Blocks of private data of which nothing came take nothing away: it may come yet. */
TEST(what_waits_stays_over_a_restart_until_its_height_is_long_past)
{
    struct peer_world w;
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = weft_test_fast_dir();
    EXPECT_OK(peer_world_open(&w, dir, "Org1MSP", "mychannel", &e));
    peer_fixture_take(&w, 0, 2);
    endorse(&w, bytes_of_str("early"), 2, bytes_of_str(""));
    peer_fixture_take(&w, 2, 4);
    endorse(&w, bytes_of_str("later"), 10, bytes_of_str(""));
    peer_world_close(&w);
    EXPECT_EQ(kept(dir), 6);
    EXPECT_OK(peer_world_open(&w, dir, "Org1MSP", "mychannel", &e));
    peer_fixture_take(&w, 4, 20); /* retention is 10: nothing below 10 from block 20 on */
    peer_world_close(&w);
    EXPECT_EQ(kept(dir), 6);
    EXPECT_OK(peer_world_open(&w, dir, "Org1MSP", "mychannel", &e));
    peer_fixture_take(&w, 20, 21);
    peer_world_close(&w);
    EXPECT_EQ(kept(dir), 3);
}
