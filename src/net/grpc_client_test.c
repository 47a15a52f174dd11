#include "net/grpc_client.h"

#include "grpc_world.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

TEST(a_unary_call_brings_back_one_message)
{
    struct world_reply r = { 0 };
    world_start();
    world_connect();
    EXPECT(grpc_client_unary(w.client, "/t.T/Once", NULL, 5000, net_msg_copy(bytes_of_str("hello")),
                             world_on_reply, &r) != NULL);
    WORLD_WAIT(r.came);
    EXPECT_EQ(r.code, GRPC_OK);
    EXPECT_BYTES(net_msg_bytes(r.m), bytes_of_str("hello"));
    net_msg_unref(r.m);
    world_finish();
}

TEST(calls_fail_when_the_server_goes)
{
    world_start();
    world_connect();
    world_call(0);
    grpc_server_free(w.server);
    w.server = NULL;
    WORLD_WAIT(w.down);
    EXPECT_EQ(w.asked.closed, 1);
    EXPECT_EQ(w.asked.code, GRPC_UNAVAILABLE);
    EXPECT(grpc_client_call(w.client, "/t.T/Once", NULL, 0, &world_ops, &w.asked) == NULL);
    world_finish();
}

TEST(a_refused_connection_is_reported_with_its_reason)
{
    world_start();
    world_dial("127.0.0.1:1", 1000);
    w.asked.stream = grpc_client_call(w.client, "/t.T/Stream", NULL, 0, &world_ops, &w.asked);
    WORLD_WAIT(w.down);
    EXPECT_WORDS(w.why, "connect: connection refused");
    EXPECT_EQ(w.asked.code, GRPC_UNAVAILABLE);
    world_finish();
}

TEST(bad_addresses_are_refused)
{
    static const char *const bad[] = { "nowhere", "a:b:1", "host:port", "x:70000" };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(bad); i++) {
        world_start();
        world_dial(bad[i], 1000);
        WORLD_WAIT(w.down);
        EXPECT(w.why.code == WEFT_INVALID);
        world_finish();
    }
}

TEST(a_client_may_be_freed_inside_of_its_callbacks)
{
    world_start();
    world_connect();
    world_call(0);
    w.free_on_message = true;
    world_send(w.answered.stream, 0, 10);
    world_send(w.answered.stream, 1, 10);
    WORLD_WAIT(w.asked.closed);
    EXPECT(!w.down);
    world_finish();
}

TEST(closing_waits_for_the_open_calls)
{
    world_start();
    world_connect();
    world_call(0);
    grpc_client_close(w.client);
    world_turns();
    EXPECT(!w.down);
    grpc_stream_finish(w.answered.stream, GRPC_OK, NULL);
    WORLD_WAIT(w.down && w.asked.closed);
    EXPECT_EQ(w.why.code, WEFT_OK);
    EXPECT_EQ(w.asked.code, GRPC_OK);
    world_finish();
}

/* A server that greets and then does not move any more. */
static int start_mute(char address[64])
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    EXPECT(bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0 && listen(fd, 1) == 0);
    EXPECT_EQ(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    (void)snprintf(address, 64, "127.0.0.1:%u", (unsigned)ntohs(a.sin_port));
    return fd;
}

TEST(a_server_that_says_nothing_runs_into_the_connect_timeout)
{
    char address[64];
    world_start();
    int fd = start_mute(address);
    world_dial(address, 100);
    WORLD_WAIT(w.down);
    EXPECT_WORDS(w.why, "deadline exceeded");
    (void)close(fd);
    world_finish();
}

TEST(a_client_leaves_a_server_that_says_goodbye)
{
    static const uint8_t greeting[] = { 0, 0, 0, 4, 0, 0, 0, 0, 0, /* SETTINGS */
                                        0, 0, 8, 7, 0, 0, 0, 0, 0, /* GOAWAY: stream 0, no error */
                                        0, 0, 0, 0, 0, 0, 0, 0 };
    char address[64];
    world_start();
    int fd = start_mute(address);
    world_dial(address, 5000);
    loop_turn(w.loop, 10);
    int peer = accept(fd, NULL, NULL);
    EXPECT(peer >= 0 && write(peer, greeting, sizeof(greeting)) == (ssize_t)sizeof(greeting));
    WORLD_WAIT(w.down);
    EXPECT_EQ(w.goaways, 1);
    EXPECT_EQ(w.why.code, WEFT_OK);
    (void)close(peer);
    (void)close(fd);
    world_finish();
}

TEST(a_call_is_over_when_its_server_has_ended_it)
{
    static const uint8_t settings[] = { 0, 0, 0, 4, 0, 0, 0, 0, 0 };
    /* HEADERS with the status, END_STREAM, and no RST_STREAM behind it */
    static const char answer[] = "\0\0\x2f\1\5\0\0\0\1\x88\0\x0c"
                                 "content-type\x10"
                                 "application/grpc\0\x0b"
                                 "grpc-status\1"
                                 "5";
    char address[64];
    world_start();
    int fd = start_mute(address);
    world_dial(address, 5000);
    loop_turn(w.loop, 10);
    int peer = accept(fd, NULL, NULL);
    EXPECT(peer >= 0 && write(peer, settings, sizeof(settings)) == (ssize_t)sizeof(settings));
    WORLD_WAIT(w.ready);
    w.asked.stream = grpc_client_call(w.client, "/t.T/Stream", NULL, 0, &world_ops, &w.asked);
    world_turns();
    EXPECT(write(peer, answer, sizeof(answer) - 1) == (ssize_t)sizeof(answer) - 1);
    WORLD_WAIT(w.asked.closed);
    EXPECT_EQ(w.asked.code, GRPC_NOT_FOUND);
    (void)close(peer);
    (void)close(fd);
    world_finish();
}

TEST(keepalive_finds_a_dead_server)
{
    static const uint8_t settings[] = { 0, 0, 0, 4, 0, 0, 0, 0, 0 };
    char address[64];
    w = (struct grpc_world){ .limits = NET_LIMITS_DEFAULT };
    w.limits.keepalive_ms = 100;
    world_begin();
    int fd = start_mute(address);
    world_dial(address, 5000);
    loop_turn(w.loop, 10);
    int peer = accept(fd, NULL, NULL);
    EXPECT(peer >= 0 && write(peer, settings, sizeof(settings)) == (ssize_t)sizeof(settings));
    WORLD_WAIT(w.ready);
    WORLD_WAIT(w.down);
    EXPECT_WORDS(w.why, "keepalive");
    (void)close(peer);
    (void)close(fd);
    world_finish();
}

TEST(keepalive_leaves_a_living_server_alone)
{
    w = (struct grpc_world){ .limits = NET_LIMITS_DEFAULT };
    w.limits.keepalive_ms = 30;
    w.limits.ping_min_interval_ms = 1;
    world_begin();
    world_connect();
    uint64_t until = clock_monotonic_ms() + 500;
    while (clock_monotonic_ms() < until)
        loop_turn(w.loop, 10);
    EXPECT(!w.down && grpc_client_is_ready(w.client));
    world_finish();
}
