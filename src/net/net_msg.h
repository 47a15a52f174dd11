/* net_msg.h - one message on the wire, shared by all the streams that send it.
 *
 * gRPC puts five bytes before every message: a flag for compression (always 0
 * here) and the length, big endian.  A net_msg holds these and up to three
 * parts, so that a large body that lives elsewhere is sent without a copy:
 *
 *     [00 00 00 10 07][0a 85 20] [....... a block of 4101 bytes ......]
 *      prefix          head, copied        body, borrowed until `release`
 *
 * It is immutable once made: a thousand streams send the same one.
 *
 * Go origin   none
 * Owner       any thread; the count is atomic
 * Memory      net_msg_ref and _unref; the last one frees it and calls release
 * Limits      a message is shorter than 4 GB; net_limits says less
 */
#ifndef WEFT_NET_NET_MSG_H
#define WEFT_NET_NET_MSG_H

#include "base/bytes.h"

#include <stdatomic.h>

enum {
    NET_MSG_PREFIX = 5
};

struct net_msg {
    _Atomic uint32_t refs;
    size_t len;            /* of the message, without the prefix */
    struct bytes parts[3]; /* prefix and head; body; tail */
    void (*release)(void *owner);
    void *owner;
    uint8_t own[];
};

/* A message in one piece, `len` bytes to be filled in by the caller. */
struct net_msg *net_msg_new(size_t len, uint8_t **ret_data);
struct net_msg *net_msg_copy(struct bytes what);

/* Head and tail (either may be empty) are copied; the body is borrowed until
 * release(owner), called by whichever thread drops the last reference. */
struct net_msg *net_msg_wrap(struct bytes head, struct bytes body, struct bytes tail,
                             void (*release)(void *owner), void *owner);

struct net_msg *net_msg_ref(struct net_msg *m);
void net_msg_unref(struct net_msg *m);
WEFT_DEFINE_CLEANUP(struct net_msg *, net_msg_unref)

/* The whole message where it lies in one piece: always so for a received one. */
struct bytes net_msg_bytes(const struct net_msg *m);

/* Copies n bytes from `offset` of what goes on the wire, prefix included. */
void net_msg_read(const struct net_msg *m, size_t offset, uint8_t *out, size_t n);

/* ---- for the deframer: a message that fills up as bytes arrive ---------- */

/* A message of `len` with room for `room` bytes of it by now. */
struct net_msg *net_msg_begin(size_t len, size_t room);
/* More room; the message may move. */
struct net_msg *net_msg_grow(struct net_msg *m, size_t room);
static inline uint8_t *net_msg_data(struct net_msg *m)
{
    return m->own + NET_MSG_PREFIX;
}

#endif
