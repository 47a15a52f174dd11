/* orderer_stream.h - one attempt to read a channel's blocks: a connection to an orderer and its stream.
 *
 * It lives on a net loop; what happens to it reaches the channel's thread as mail:
 *
 *     chan:<id>                                  net loop
 *     orderer_stream_open  -------------------->  connects, sends the request
 *         take(CONNECTED)  <--------------------
 *         take(MESSAGE)    <--------------------  a DeliverResponse
 *     orderer_event_done   -------------------->  there is room for more
 *         take(CLOSED)     <--------------------  the stream has ended
 *     orderer_stream_close -------------------->  hangs up
 *
 * Each event carries the number of its attempt, so that one which was on its way when the
 * channel hung up is known by it.  What the channel has not given back counts: with more than
 * ORDERER_STREAM_BYTES or ORDERER_STREAM_EVENTS out the stream is not read, and the orderer
 * waits.
 *
 * Go origin   internal/pkg/peer/blocksprovider/blocksprovider.go connect
 *             internal/pkg/comm/client.go
 * Owner       open, close, done: the channel's thread
 * Memory      counted: the loop and each event hold it
 * Limits      ORDERER_STREAM_BYTES and one message; ORDERER_STREAM_EVENTS
 */
#ifndef WEFT_PEER_ORDERER_STREAM_H
#define WEFT_PEER_ORDERER_STREAM_H

#include "base/bytes.h"
#include "base/mailbox.h"

struct block;
struct net_loop;
struct net_msg;
struct orderer_stream;
struct tls_context;

enum {
    ORDERER_STREAM_BYTES = 8 << 20,
    ORDERER_STREAM_EVENTS = 256,
};

enum orderer_event_kind {
    ORDERER_CONNECTED, /* the request is on its way */
    ORDERER_FAILED,    /* it did not come about: why */
    ORDERER_MESSAGE,
    ORDERER_CLOSED, /* why */
};

struct orderer_event {
    struct mail mail;
    struct orderer_event *next; /* the receiver's, to queue it */
    enum orderer_event_kind kind;
    uint64_t attempt;
    struct net_msg *message;
    struct block *block; /* the receiver's, who reads ahead; ends with the event */
    char *why;
    struct orderer_stream *of;
};

struct orderer_stream_plan {
    struct net_loop *loop;
    struct mailbox *back; /* of the channel's thread */
    /* On that thread; the event is its to end: orderer_event_done. */
    void (*take)(void *ctx, struct orderer_event *ev);
    void *ctx; /* lives until the mailbox is closed */
    uint64_t attempt;
    const char *address;
    struct tls_context *tls; /* NULL: plain text; a reference is taken */
    struct bytes request;    /* a signed SeekInfo */
    uint32_t connect_timeout_ms, keepalive_ms, keepalive_timeout_ms;
};

/* Copies the plan. */
struct orderer_stream *orderer_stream_open(const struct orderer_stream_plan *plan);
void orderer_stream_close(struct orderer_stream *s);
void orderer_event_done(struct orderer_event *ev);

#endif
