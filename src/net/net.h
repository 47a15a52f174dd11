/* net.h - what all connections of one loop share, and who the peer is.
 *
 * One struct net belongs to one loop.  It lends the connections its scratch
 * buffers (an idle one needs none of its own) and knows the limits.
 *
 * Go origin   none
 * Owner       its loop's thread
 * Memory      net_free after all servers and clients of the loop
 * Limits      struct net_limits
 */
#ifndef WEFT_NET_NET_H
#define WEFT_NET_NET_H

#include "base/bytes.h"
#include "crypto/sha256.h"
#include "net/net_limits.h"
#include "net/net_stranger.h"
#include "os/memory_rest.h"

struct loop;
struct mailbox;
struct jobs;

enum {
    NET_IN_BYTES = 128 << 10,
    NET_ADDRESS_MAX = 80,
    NET_STORM = 128 /* so many handshakes or connections at once (memory_rest.h) */
};

struct net {
    struct loop *loop;
    struct net_limits limits;
    struct mailbox *mailbox; /* the loop's: where resolved names come back to */
    struct jobs *resolver;   /* NULL: only numeric addresses */
    struct net_strangers strangers;
    struct memory_rest rest;
    struct memory_storm handshakes, conns;
    struct buf plain, cipher;
    uint8_t in[NET_IN_BYTES], decrypted[NET_IN_BYTES];
};

/* limits NULL: the defaults.  Keeps what it is given. */
struct net *net_new(struct loop *loop, const struct net_limits *limits, struct mailbox *mailbox,
                    struct jobs *resolver);
void net_free(struct net *n);
WEFT_DEFINE_CLEANUP(struct net *, net_free)

/* The other end, as the handlers see it; lives as long as its connection. */
struct net_peer {
    char address[NET_ADDRESS_MAX]; /* "10.1.2.3:7051", "[::1]:7050" */
    struct bytes cert_der;         /* empty: it showed none, or no TLS */
    struct digest cert_hash;       /* SHA-256 of it */
    const struct digest *our_hash; /* of our own certificate; NULL: none */
    bool has_tls;
};

#endif
