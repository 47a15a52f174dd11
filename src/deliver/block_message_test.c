#include "deliver/block_message.h"

#include "chain.h"
#include "ledger/block_store.h"
#include "proto/wire.h"
#include "weft_test.h"

enum {
    BLOCKS = 12
};

/* Envelopes in block n, and their size: small blocks, large ones, large ones of crumbs. */
static size_t txs_of(size_t n)
{
    static const size_t txs[] = { 1, 20, 3, 2000 };
    return txs[n % 4];
}

static size_t size_of(size_t n)
{
    static const size_t sizes[] = { 100, 5000, 40000, 30 };
    return sizes[n % 4];
}

static struct buf sent(const struct net_msg *m)
{
    struct buf b = { 0 };
    struct net_msg_reader r = { 0 };
    size_t left = NET_MSG_PREFIX + m->len;
    while (left > 0) { /* as it goes into frames */
        size_t some = left < 777 ? left : 777;
        net_msg_read(m, &r, buf_reserve(&b, some), some);
        b.len += some;
        left -= some;
    }
    return b;
}

static void expect_response(struct bytes wire, const struct block *b)
{
    WEFT_CLEANUP(buf_done) struct buf block = { 0 };
    WEFT_CLEANUP(buf_done) struct buf want = { 0 };
    block_encode(&b->v, &block);
    wire_put_bytes(&want, 2, buf_bytes(&block));
    EXPECT_BYTES(bytes_skip(wire, NET_MSG_PREFIX), buf_bytes(&want));
}

/* The messages outlive the iterator and whatever it lent. */
TEST(blocks_of_every_size_are_sent_as_they_are)
{
    struct weft_err e;
    struct chain chain;
    struct net_msg *messages[BLOCKS];
    size_t in_pieces = 0;
    WEFT_FREE char *dir = weft_test_dir();
    WEFT_CLEANUP(block_stores_close) struct block_stores *stores = NULL;
    WEFT_CLEANUP(block_store_close) struct block_store *bs = NULL;
    EXPECT_OK(block_stores_open(dir, LEDGER_ORDERER, &stores, &e));
    EXPECT_OK(block_store_open(stores, "ch", &bs, &e));
    chain_init(&chain, "ch", 1);
    for (size_t i = 0; i < BLOCKS; i++)
        EXPECT_OK(block_store_append(bs, &chain_next(&chain, txs_of(i), size_of(i))->v,
                                     BLOCK_APPEND_LATER, &e));
    EXPECT_OK(block_store_sync(bs, &e));
    chain_done(&chain);

    struct block_iter *it = block_iter_new(bs, 0);
    for (size_t i = 0; i < BLOCKS; i++) {
        struct block *b = NULL;
        EXPECT_OK(block_iter_lend(it, &b, &e));
        messages[i] = block_message(b);
        in_pieces += messages[i]->part_count > 1;
    }
    block_iter_free(it);
    EXPECT(block_message_bytes() >= 3UL * (20UL * 5000 + 3UL * 40000));
    EXPECT_EQ(in_pieces, BLOCKS / 2);
    for (size_t i = 0; i < BLOCKS; i++) {
        WEFT_CLEANUP(block_unref) struct block *b = NULL;
        WEFT_CLEANUP(buf_done) struct buf wire = sent(messages[i]);
        EXPECT_OK(block_store_read(bs, i, &b, &e));
        expect_response(buf_bytes(&wire), b);
        net_msg_unref(messages[i]);
    }
    EXPECT_EQ(block_message_bytes(), 0);
}
