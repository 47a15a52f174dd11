#include "net/grpc_server.h"

#include "grpc_world.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

/* What a daemon counts and logs. */
TEST(the_server_tells_of_connections_calls_and_messages)
{
    struct world_reply r = { 0 };
    world_start();
    world_connect();
    WORLD_WAIT(w.seen.conns[0] == 1);
    world_call(5000);
    world_send(w.asked.stream, 1, 10);
    world_send(w.asked.stream, 2, 10);
    WORLD_WAIT(w.seen.messages[0] == 2);
    world_send(w.answered.stream, 1, 10);
    EXPECT_EQ(w.seen.messages[1], 1);
    EXPECT_EQ(w.seen.ends, 0);
    grpc_stream_finish(w.answered.stream, GRPC_NOT_FOUND, "gone");
    WORLD_WAIT(w.seen.ends == 1);
    EXPECT_EQ(w.seen.code, GRPC_NOT_FOUND);
    EXPECT_STR(w.seen.what, "/t.T/Stream /t.T/Stream gone");

    EXPECT(grpc_client_unary(w.client, "/t.T/No", NULL, 5000, net_msg_copy(bytes_of_str("a")),
                             world_on_reply, &r) != NULL);
    WORLD_WAIT(r.came);
    EXPECT_EQ(w.seen.calls, 1); /* nobody counts what is no method of ours */
    EXPECT_EQ(w.seen.ends, 1);
    EXPECT_EQ(w.seen.conns[1], 0);
    grpc_client_free(WEFT_TAKE(w.client));
    WORLD_WAIT(w.seen.conns[1] == 1);
    world_finish();
}

TEST(unknown_methods_are_unimplemented)
{
    world_start();
    world_connect();
    w.asked.stream = grpc_client_call(w.client, "/t.T/None", NULL, 0, &world_ops, &w.asked);
    WORLD_WAIT(w.asked.closed);
    EXPECT_EQ(w.asked.code, GRPC_UNIMPLEMENTED);
    EXPECT_STR(w.asked.words, "unknown method None for service t.T");
    world_finish();
}

TEST(stopping_lets_calls_end_until_the_deadline)
{
    world_start();
    world_connect();
    world_call(0);
    grpc_server_stop(w.server, 300);
    WORLD_WAIT(w.goaways > 0);
    EXPECT(grpc_client_call(w.client, "/t.T/Once", NULL, 0, &world_ops, NULL) == NULL);
    EXPECT(!w.stopped && w.asked.closed == 0);
    world_send(w.answered.stream, 0, 10);
    WORLD_WAIT(w.asked.messages == 1);
    WORLD_WAIT(w.stopped);
    EXPECT_EQ(grpc_server_connections(w.server), 0);
    WORLD_WAIT(w.asked.closed);
    world_finish();
}

static int connect_raw(void)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const char *colon = strrchr(grpc_listener_address(w.listener), ':');
    unsigned long port = strtoul(colon + 1, NULL, 10);
    a.sin_port = htons((uint16_t)port);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    EXPECT(fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0);
    return fd;
}

TEST(connections_that_say_nothing_are_closed)
{
    w = (struct grpc_world){ .limits = NET_LIMITS_DEFAULT };
    w.limits.handshake_ms = 50;
    world_begin();
    int fd = connect_raw();
    WORLD_WAIT(grpc_server_connections(w.server) == 1);
    WORLD_WAIT(grpc_server_connections(w.server) == 0);
    EXPECT_EQ(w.failed_conns, 1);
    (void)close(fd);
    world_finish();
}

TEST(there_are_never_more_connections_than_allowed)
{
    w = (struct grpc_world){ .limits = NET_LIMITS_DEFAULT };
    w.limits.connections = 2;
    world_begin();
    int fds[4];
    for (size_t i = 0; i < 4; i++)
        fds[i] = connect_raw();
    world_turns();
    EXPECT_EQ(grpc_server_connections(w.server), 2);
    for (size_t i = 0; i < 4; i++)
        (void)close(fds[i]);
    WORLD_WAIT(grpc_server_connections(w.server) == 0);
    world_finish();
}
