#include "peer/event_inbox.h"

#include "chain.h"
#include "crypto/sha256_many.h"
#include "net/net_msg.h"
#include "peer/orderer_stream.h"
#include "proto/wire.h"
#include "weft_test.h"

enum {
    EVENTS = SHA256_LANES + 4
};

/* Events of a stream that is not there: they end here. */
struct world {
    struct chain chain;
    struct event_inbox inbox;
    struct orderer_event events[EVENTS];
};

static struct net_msg *response(struct bytes block)
{
    WEFT_CLEANUP(buf_done) struct buf out = { 0 };
    wire_put_bytes(&out, 2, block);
    return net_msg_copy(buf_bytes(&out));
}

static void put_block(struct world *w, size_t i, size_t txs)
{
    WEFT_CLEANUP(buf_done) struct buf wire = { 0 };
    block_encode(&chain_next(&w->chain, txs, 300)->v, &wire);
    w->events[i] =
        (struct orderer_event){ .kind = ORDERER_MESSAGE, .message = response(buf_bytes(&wire)) };
    event_inbox_put(&w->inbox, &w->events[i]);
}

static void begin(struct world *w)
{
    *w = (struct world){ 0 };
    chain_init(&w->chain, "ch", 1);
}

static void end(struct world *w)
{
    for (size_t i = 0; i < EVENTS; i++) {
        block_unref(w->events[i].block);
        net_msg_unref(w->events[i].message);
    }
    chain_done(&w->chain);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct world, end)

TEST(events_leave_in_the_order_in_which_they_came)
{
    WEFT_CLEANUP(end) struct world w;
    begin(&w);
    EXPECT(event_inbox_pop(&w.inbox) == NULL);
    for (size_t i = 0; i < 3; i++)
        put_block(&w, i, 1);
    EXPECT_EQ(w.inbox.count, 3);
    EXPECT(event_inbox_pop(&w.inbox) == &w.events[0]);
    EXPECT(event_inbox_pop(&w.inbox) == &w.events[1]);
    put_block(&w, 3, 1);
    EXPECT(event_inbox_pop(&w.inbox) == &w.events[2]);
    EXPECT(event_inbox_pop(&w.inbox) == &w.events[3]);
    EXPECT(event_inbox_pop(&w.inbox) == NULL);
    EXPECT_EQ(w.inbox.count, 0);
    EXPECT_EQ(w.inbox.bytes, 0);
}

TEST(blocks_that_wait_are_read_together_with_the_hash_of_their_data_and_stay_in_their_messages)
{
    WEFT_CLEANUP(end) struct world w;
    begin(&w);
    for (size_t i = 0; i < EVENTS; i++)
        put_block(&w, i, 1 + i % 3);
    event_inbox_read_ahead(&w.inbox);
    for (size_t i = 0; i < EVENTS; i++) {
        const struct block *b = w.events[i].block;
        struct bytes message = net_msg_bytes(w.events[i].message);
        EXPECT_EQ(b != NULL, i < SHA256_LANES);
        if (b == NULL)
            continue;
        struct digest want = block_data_hash(&b->v), got = block_data_hash_of(b);
        EXPECT(b->has_data_hash);
        EXPECT_BYTES(digest_bytes(&got), digest_bytes(&want));
        EXPECT_EQ(b->v.number, i);
        EXPECT(b->raw.data > message.data &&
               b->raw.data + b->raw.len == message.data + message.len);
    }
}

TEST(a_block_that_was_read_ahead_is_not_read_again_and_outlives_its_message)
{
    WEFT_CLEANUP(end) struct world w;
    struct block *b = NULL, *other = NULL;
    struct weft_err e = { 0 };
    begin(&w);
    put_block(&w, 0, 2);
    event_inbox_read_ahead(&w.inbox);
    struct bytes raw = w.events[0].block->raw;
    EXPECT_OK(orderer_event_block(&w.events[0], raw, &b, &e));
    EXPECT(b == w.events[0].block);
    block_unref(b);
    EXPECT_CODE(orderer_event_block(&w.events[0], bytes_of_str("\xff"), &other, &e), WEFT_INVALID);
    block_unref(WEFT_TAKE(w.events[0].block));
    EXPECT_OK(orderer_event_block(&w.events[0], raw, &b, &e));
    net_msg_unref(WEFT_TAKE(w.events[0].message));
    EXPECT_EQ(b->v.txs.count, 2);
    EXPECT_BYTES(b->raw, raw);
    block_unref(b);
}

TEST(what_is_no_block_is_left_for_its_turn)
{
    WEFT_CLEANUP(end) struct world w;
    const struct bytes bad[] = { bytes_of_str("\xff"), bytes_of_str("\x08\x01"),
                                 bytes_of_str("\x12\x01\xff") };
    begin(&w);
    for (size_t i = 0; i < 3; i++) {
        w.events[i] =
            (struct orderer_event){ .kind = ORDERER_MESSAGE, .message = net_msg_copy(bad[i]) };
        event_inbox_put(&w.inbox, &w.events[i]);
    }
    w.events[3] = (struct orderer_event){ .kind = ORDERER_CLOSED };
    event_inbox_put(&w.inbox, &w.events[3]);
    put_block(&w, 4, 1);
    event_inbox_read_ahead(&w.inbox);
    for (size_t i = 0; i < 5; i++)
        EXPECT_EQ(w.events[i].block != NULL, i == 4);
}

TEST(more_may_come_before_a_block_that_was_not_read_but_not_without_end)
{
    WEFT_CLEANUP(end) struct world w;
    begin(&w);
    EXPECT(!event_inbox_may_grow(&w.inbox));
    for (size_t i = 0; i < SHA256_LANES; i++) {
        put_block(&w, i, 1);
        EXPECT_EQ(event_inbox_may_grow(&w.inbox), i + 1 < SHA256_LANES);
    }
    EXPECT(event_inbox_pop(&w.inbox) == &w.events[0]);
    EXPECT(event_inbox_may_grow(&w.inbox));
    w.inbox.bytes += ORDERER_STREAM_BYTES; /* the stream stops here */
    EXPECT(!event_inbox_may_grow(&w.inbox));
    w.inbox.bytes -= ORDERER_STREAM_BYTES;
    event_inbox_read_ahead(&w.inbox);
    EXPECT(!event_inbox_may_grow(&w.inbox));
}

TEST(nothing_comes_after_the_end_of_the_stream)
{
    WEFT_CLEANUP(end) struct world w;
    begin(&w);
    put_block(&w, 0, 1);
    w.events[1] = (struct orderer_event){ .kind = ORDERER_CLOSED };
    event_inbox_put(&w.inbox, &w.events[1]);
    EXPECT(!event_inbox_may_grow(&w.inbox));
}
