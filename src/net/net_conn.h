/* net_conn.h - one connection: a socket, maybe TLS, and whoever uses its bytes.
 *
 *      socket --recv--> [TLS] --on_bytes--> user
 *      socket <--send-- [TLS] <--on_pull--- user       after net_conn_wake
 *
 * Nothing is queued here but what the kernel did not take; as long as that is
 * so, the user is not asked for more and the peer waits.
 *
 *   CONNECTING -> HANDSHAKE -> OPEN -> LINGER -> (on_down, freed)
 *        any failure ---------------------------^
 *
 * Go origin   none
 * Owner       its loop's thread
 * Memory      frees itself after on_down, which is its last call
 * Limits      handshake_ms, linger_ms; 96 KB a write, 240 to a peer that keeps up
 */
#ifndef WEFT_NET_NET_CONN_H
#define WEFT_NET_NET_CONN_H

#include "net/net.h"
#include "net/tls.h"
#include "os/loop.h"

#include <sys/socket.h>

struct net_conn;

struct net_conn_ops {
    /* Connected and, with TLS, shaken hands. */
    void (*on_open)(void *user, struct net_conn *c);
    /* Bytes have come.  An error closes, after what on_pull still gives. */
    enum weft_code (*on_bytes)(void *user, struct bytes data, struct weft_err *e);
    /* Append of what is to be sent, until it is `enough` or a frame more. */
    enum weft_code (*on_pull)(void *user, struct buf *out, size_t enough, struct weft_err *e);
    /* All is sent: is there no more to come, ever? */
    bool (*is_over)(void *user);
    /* The end.  why->code is WEFT_OK after a regular one. */
    void (*on_down)(void *user, const struct net_peer *peer, const struct weft_err *why);
};

/* An accepted socket; takes fd.  tls may be NULL; takes no reference beyond
 * the connection's own.  The handshake must end within handshake_ms, and so
 * must the user's first steps, until net_conn_settled. */
struct net_conn *net_conn_accepted(struct net *net, int fd, struct tls_context *tls,
                                   const struct net_conn_ops *ops, void *user);
struct net_dial {
    const char *address;     /* for people */
    struct tls_context *tls; /* NULL: plain */
    const char *host;        /* the name in the server's certificate */
    uint32_t timeout_ms;     /* until net_conn_settled */
};

/* A socket on which connect(2) is under way; takes fd. */
struct net_conn *net_conn_connecting(struct net *net, int fd, const struct net_dial *dial,
                                     const struct net_conn_ops *ops, void *user);

/* There is something to pull. */
void net_conn_wake(struct net_conn *c);
/* The peer speaks our protocol: the handshake's time does not count any more. */
void net_conn_settled(struct net_conn *c);
/* We have sent it something: it is no stranger any more (net_stranger.h). */
void net_conn_known(struct net_conn *c);
/* Ends it at the end of this turn, unsent bytes are lost; on_down follows. */
void net_conn_kill(struct net_conn *c, enum weft_code code, const char *why);
/* Ends it now, from outside of its callbacks, without on_down. */
void net_conn_free(struct net_conn *c);

const struct net_peer *net_conn_peer(const struct net_conn *c);
/* When bytes came last. */
uint64_t net_conn_heard_ms(const struct net_conn *c);

#endif
