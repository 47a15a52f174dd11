#include "net/grpc_stream.h"

#include "grpc_world.h"

static struct bytes seen_head, seen_tail;
static uint8_t seen[2][16];

static void keep(struct bytes v, unsigned at, struct bytes *ret)
{
    memcpy(seen[at], v.data, v.len);
    *ret = bytes_of(seen[at], v.len);
}

static void on_headers(struct grpc_stream *s)
{
    struct bytes v;
    EXPECT(grpc_meta_get(grpc_stream_metadata(s), "x-head-bin", &v));
    keep(v, 0, &seen_head);
}

static void close_with_trailers(struct grpc_stream *s, enum grpc_code code, const char *message)
{
    struct bytes v;
    EXPECT(grpc_meta_get(grpc_stream_trailers(s), "x-tail", &v));
    keep(v, 1, &seen_tail);
    world_on_close(s, code, message);
}

TEST(metadata_goes_both_ways_and_binary_stays_binary)
{
    static const struct grpc_stream_ops meta_ops = { .on_headers = on_headers,
                                                     .on_message = world_on_message,
                                                     .on_close = close_with_trailers };
    WEFT_CLEANUP(grpc_meta_done) struct grpc_meta md = { 0 };
    grpc_meta_add(&md, bytes_of_str("x-in-bin"), bytes_of("\x00\xff\x01", 3));
    world_start();
    world_connect();
    w.asked.stream = grpc_client_call(w.client, "/t.T/Once", &md, 0, &meta_ops, &w.asked);
    world_send(w.asked.stream, 0, 3);
    grpc_stream_half_close(w.asked.stream);
    WORLD_WAIT(w.asked.closed);
    EXPECT_BYTES(seen_head, bytes_of("\x00\xff\x01", 3));
    EXPECT_BYTES(seen_tail, bytes_of_str("end"));
    world_finish();
}

/* A call whose headers and trailers have a field of these sizes. */
static void call_with_metadata(size_t request, size_t headers, size_t trailers)
{
    static uint8_t text[4000];
    WEFT_CLEANUP(grpc_meta_done) struct grpc_meta md = { 0 };
    memset(text, 'v', sizeof(text));
    grpc_meta_add(&md, bytes_of_str("x-a"), bytes_of(text, request));
    w = (struct grpc_world){ .limits = NET_LIMITS_DEFAULT };
    w.limits.header_bytes = 2000;
    world_begin();
    world_connect();
    w.asked.stream = grpc_client_call(w.client, "/t.T/Stream", &md, 0, &world_ops, &w.asked);
    WORLD_WAIT(w.answered.stream != NULL || w.asked.closed);
    if (w.answered.stream == NULL)
        return;
    grpc_stream_add_header(w.answered.stream, "x-b", bytes_of(text, headers));
    grpc_stream_add_trailer(w.answered.stream, "x-c", bytes_of(text, trailers));
    world_send(w.answered.stream, 0, 10);
    grpc_stream_finish(w.answered.stream, GRPC_OK, NULL);
    WORLD_WAIT(w.asked.closed);
}

TEST(request_headers_and_trailers_have_the_limit_each)
{
    call_with_metadata(1500, 1500, 1500);
    EXPECT_EQ(w.asked.code, GRPC_OK);
    EXPECT_EQ(w.asked.messages, 1);
    world_finish();
}

TEST(metadata_over_the_limit_fails_that_call_and_no_other)
{
    static const size_t sizes[][3] = { { 1, 3000, 1 }, { 1, 1, 3000 }, { 3000, 1, 1 } };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(sizes); i++) {
        struct world_reply r = { 0 };
        call_with_metadata(sizes[i][0], sizes[i][1], sizes[i][2]);
        EXPECT_EQ(w.asked.code, GRPC_INTERNAL);
        if (i < 2)
            EXPECT_STR(w.asked.words, "peer header list size exceeded limit");
        (void)grpc_client_unary(w.client, "/t.T/Once", NULL, 0, net_msg_copy(bytes_of_str("x")),
                                world_on_reply, &r);
        WORLD_WAIT(r.came);
        EXPECT_EQ(r.code, GRPC_OK);
        net_msg_unref(r.m);
        world_finish();
    }
}

TEST(messages_of_both_sides_arrive_whole_and_in_order)
{
    world_start();
    world_connect();
    world_call(0);
    for (size_t i = 0; i < 200; i++) {
        world_send(w.asked.stream, i, i * 100);
        world_send(w.answered.stream, i, 20000 - i * 100);
    }
    grpc_stream_half_close(w.asked.stream);
    WORLD_WAIT(w.answered.half_closed);
    grpc_stream_finish(w.answered.stream, GRPC_OK, NULL);
    WORLD_WAIT(w.asked.closed && w.answered.closed);
    EXPECT(w.asked.in_order && w.answered.in_order);
    EXPECT_EQ(w.asked.messages, 200);
    EXPECT_EQ(w.answered.messages, 200);
    EXPECT_EQ(w.asked.code, GRPC_OK);
    EXPECT_EQ(w.answered.code, GRPC_OK);
    world_finish();
}

TEST(a_server_may_end_a_call_while_the_client_still_sends)
{
    world_start();
    world_connect();
    world_call(0);
    world_send(w.asked.stream, 0, 10);
    WORLD_WAIT(w.answered.messages == 1);
    grpc_stream_finish(w.answered.stream, GRPC_FAILED_PRECONDITION, "enough \xc3\xa9 100%");
    world_send(w.asked.stream, 1, 100000);
    WORLD_WAIT(w.asked.closed && w.answered.closed);
    EXPECT_EQ(w.asked.code, GRPC_FAILED_PRECONDITION);
    EXPECT_STR(w.asked.words, "enough \xc3\xa9 100%");
    EXPECT(grpc_client_is_ready(w.client));
    world_finish();
}

TEST(cancelling_ends_both_ends_once)
{
    world_start();
    world_connect();
    world_call(0);
    grpc_stream_cancel(w.asked.stream);
    grpc_stream_cancel(w.asked.stream);
    WORLD_WAIT(w.asked.closed && w.answered.closed);
    world_turns();
    EXPECT_EQ(w.asked.closed + w.answered.closed, 2);
    EXPECT_EQ(w.asked.code, GRPC_CANCELLED);
    EXPECT_EQ(w.answered.code, GRPC_CANCELLED);
    world_finish();
}

TEST(a_server_that_gives_up_cancels_the_client)
{
    world_start();
    world_connect();
    world_call(0);
    grpc_stream_cancel(w.answered.stream);
    WORLD_WAIT(w.asked.closed && w.answered.closed);
    EXPECT_EQ(w.asked.code, GRPC_CANCELLED);
    world_finish();
}

TEST(deadlines_end_both_ends)
{
    world_start();
    world_connect();
    world_call(50);
    EXPECT(grpc_stream_deadline_ms(w.answered.stream) > 0);
    WORLD_WAIT(w.asked.closed && w.answered.closed);
    EXPECT_EQ(w.asked.code, GRPC_DEADLINE_EXCEEDED);
    EXPECT(w.answered.code == GRPC_DEADLINE_EXCEEDED || w.answered.code == GRPC_CANCELLED);
    world_finish();
}

TEST(messages_over_the_limits_are_refused_on_both_ends)
{
    struct weft_err e;
    uint8_t *to;
    w = (struct grpc_world){ .limits = NET_LIMITS_DEFAULT };
    w.limits.message_send_bytes = 2000;
    w.limits.message_recv_bytes = 1000;
    world_begin();
    world_connect();
    world_call(0);
    EXPECT_CODE(grpc_stream_send(w.asked.stream, net_msg_new(2001, &to), &e), WEFT_LIMIT);
    world_send(w.asked.stream, 0, 1000);
    world_send(w.asked.stream, 1, 1001);
    WORLD_WAIT(w.asked.closed && w.answered.closed);
    EXPECT_EQ(w.answered.messages, 1);
    EXPECT_EQ(w.asked.code, GRPC_RESOURCE_EXHAUSTED);
    world_finish();
}

TEST(a_paused_reader_stops_its_sender_and_loses_nothing)
{
    world_start();
    world_connect();
    world_call(0);
    w.answered.pause_each = true;
    size_t sent = 0;
    for (int i = 0; i < 2000; i++) {
        while (grpc_stream_is_writable(w.asked.stream))
            world_send(w.asked.stream, sent++, 5000);
        loop_turn(w.loop, 0);
    }
    EXPECT_EQ(w.answered.messages, 1);
    EXPECT(sent * 5005 < w.limits.stream_window + 2 * w.limits.outbound_low_bytes);
    w.answered.pause_each = false;
    grpc_stream_resume(w.answered.stream);
    grpc_stream_half_close(w.asked.stream);
    WORLD_WAIT(w.answered.half_closed);
    EXPECT_EQ(w.answered.messages, sent);
    EXPECT(w.answered.in_order);
    EXPECT(w.asked.writable > 0);
    world_finish();
}

TEST(who_sends_only_when_all_is_sent_holds_one_message_at_a_time)
{
    world_start();
    world_connect();
    world_call(0);
    size_t sent = 0, told = w.asked.writable;
    while (sent < 100) {
        EXPECT(grpc_stream_is_drained(w.asked.stream));
        world_send(w.asked.stream, sent++, 50000);
        EXPECT(!grpc_stream_is_drained(w.asked.stream)); /* though it would be writable */
        WORLD_WAIT(w.asked.writable > told);
        EXPECT_EQ(grpc_stream_queued(w.asked.stream), 0);
        told = w.asked.writable;
    }
    WORLD_WAIT(w.answered.messages == sent);
    world_finish();
}

TEST(a_paused_stream_does_not_stop_its_neighbours)
{
    struct world_reply r = { 0 };
    world_start();
    world_connect();
    world_call(0);
    w.answered.pause_each = true;
    for (size_t i = 0; i < 500; i++)
        world_send(w.asked.stream, i, 20000);
    world_turns();
    (void)grpc_client_unary(w.client, "/t.T/Once", NULL, 0, net_msg_copy(bytes_of_str("x")),
                            world_on_reply, &r);
    WORLD_WAIT(r.came);
    EXPECT_EQ(r.code, GRPC_OK);
    net_msg_unref(r.m);
    world_finish();
}

TEST(a_paused_client_gets_the_messages_before_the_status)
{
    world_start();
    world_connect();
    world_call(0);
    w.asked.pause_each = true;
    for (size_t i = 0; i < 3; i++)
        world_send(w.answered.stream, i, 100);
    grpc_stream_finish(w.answered.stream, GRPC_ABORTED, "later");
    WORLD_WAIT(w.answered.closed);
    world_turns();
    EXPECT_EQ(w.asked.messages, 1);
    EXPECT_EQ(w.asked.closed, 0);
    grpc_server_stop(w.server, 0); /* the connection may even go */
    WORLD_WAIT(w.down);
    grpc_stream_resume(w.asked.stream);
    WORLD_WAIT(w.asked.messages == 2);
    w.asked.pause_each = false;
    grpc_stream_resume(w.asked.stream);
    WORLD_WAIT(w.asked.closed);
    EXPECT_EQ(w.asked.messages, 3);
    EXPECT_EQ(w.asked.code, GRPC_ABORTED);
    world_finish();
}

TEST(one_message_is_shared_by_all_the_streams_that_send_it)
{
    struct weft_err e;
    world_start();
    world_connect();
    struct net_msg *m = net_msg_copy(bytes_of_str("shared"));
    struct world_side many[20] = { 0 };
    for (size_t i = 0; i < 20; i++) {
        struct grpc_stream *s =
            grpc_client_call(w.client, "/t.T/Once", NULL, 0, &world_ops, &many[i]);
        EXPECT_OK(grpc_stream_send(s, net_msg_ref(m), &e));
        grpc_stream_half_close(s);
    }
    EXPECT_EQ(m->refs, 21);
    for (size_t i = 0; i < 20; i++)
        WORLD_WAIT(many[i].closed && many[i].bytes == 6);
    EXPECT_EQ(m->refs, 1);
    net_msg_unref(m);
    world_finish();
}
