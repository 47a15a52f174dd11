/* grpc_world.h - both ends of calls in one process, on one loop, over loopback sockets.
 *
 *     world_start();  world_connect();  world_call(0);
 *     world_send(w.asked.stream, 0, 1000);
 *     WORLD_WAIT(w.answered.messages == 1);
 *     world_finish();
 *
 * w.asked is the client's end of the call, w.answered the server's.
 *
 * Go origin   none
 * Owner       the test
 */
#ifndef WEFT_TESTS_GRPC_WORLD_H
#define WEFT_TESTS_GRPC_WORLD_H

#include "net/grpc_client.h"
#include "net/grpc_server.h"
#include "os/clock.h"
#include "os/loop.h"
#include "weft_test.h"

enum {
    WORLD_PATIENCE_MS = 20000
};

struct world_side {
    struct grpc_stream *stream;
    size_t messages, bytes, half_closed, closed, writable;
    enum grpc_code code;
    char words[128];
    bool pause_each, in_order;
};

extern struct grpc_world {
    struct {
        unsigned conns[2], calls, messages[2], ends; /* opened, closed; received, sent */
        enum grpc_code code;
        char what[128];
    } seen;
    struct loop *loop;
    struct net *net;
    struct grpc_server *server;
    struct grpc_listener *listener;
    struct grpc_client *client;
    struct world_side asked, answered; /* the client's end of a call, the server's */
    bool ready, down, stopped, free_on_message;
    unsigned goaways, failed_conns;
    struct weft_err why;
    struct net_limits limits;
} w;

/* What both ends do: they count. */
extern const struct grpc_stream_ops world_ops;
void world_on_message(struct grpc_stream *s, struct net_msg *m);
void world_on_close(struct grpc_stream *s, enum grpc_code code, const char *message);

/* A server with /t.T/Stream, and with /t.T/Once, which answers with what it got. */
void world_start(void);
/* With w.limits as they are. */
void world_begin(void);
void world_finish(void);

void world_dial(const char *address, uint32_t timeout_ms);
void world_connect(void);
void world_call(uint64_t timeout_ms);
/* A message of so many bytes n. */
void world_send(struct grpc_stream *s, size_t n, size_t size);
void world_turns(void);

struct world_reply {
    enum grpc_code code;
    struct net_msg *m;
    bool came;
};

void world_on_reply(void *user, enum grpc_code code, const char *message, struct net_msg *m);

#define WORLD_WAIT(cond)                                            \
    do {                                                            \
        uint64_t until_ = clock_monotonic_ms() + WORLD_PATIENCE_MS; \
        while (!(cond) && clock_monotonic_ms() < until_)            \
            loop_turn(w.loop, 10);                                  \
        EXPECT(cond);                                               \
    } while (0)

#endif
