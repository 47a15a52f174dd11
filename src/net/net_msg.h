/* net_msg.h - one message on the wire, shared by all the streams that send it.
 *
 * gRPC puts five bytes before every message: a flag for compression (always 0
 * here) and the length, big endian.  A net_msg holds these and any number of
 * pieces, so that what lives elsewhere is sent from there:
 *
 *     [00 00 00 10 07][12 82 20 0a 46 ..][0a 91 03][.. an envelope ..][0a 8f 03][.. another ..]
 *      prefix          of the message's maker       of the block as it was read
 *
 * The pieces come together where the bytes are copied anyway, in the buffer that
 * is encrypted next, so that a block takes its wire form on its way out.
 *
 * It is immutable once made: a thousand streams send the same one, each with a
 * net_msg_reader of its own.
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
    size_t len;          /* of the message, without the prefix */
    size_t prefix_len;   /* of what lies in `own`: the prefix and, unless there are pieces, all */
    struct bytes *parts; /* the others; borrowed, but for the array */
    size_t part_count;
    void (*release)(void *owner);
    void *owner;
    uint8_t own[];
};

/* How far somebody has come with a message; zeroed: he is before it. */
struct net_msg_reader {
    size_t part; /* 0 is what lies in `own` */
    size_t offset;
};

/* A message in one piece, `len` bytes to be filled in by the caller. */
struct net_msg *net_msg_new(size_t len, uint8_t **ret_data);
struct net_msg *net_msg_copy(struct bytes what);

/* Of pieces, none of them empty, which are borrowed until release(owner), called by whichever
 * thread drops the last reference; the array is copied. */
struct net_msg *net_msg_gather(const struct bytes *pieces, size_t count,
                               void (*release)(void *owner), void *owner);

struct net_msg *net_msg_ref(struct net_msg *m);
void net_msg_unref(struct net_msg *m);
WEFT_DEFINE_CLEANUP(struct net_msg *, net_msg_unref)

/* The whole message where it was made in one piece: always so for a received one. */
struct bytes net_msg_bytes(const struct net_msg *m);

/* Copies the next n bytes of what goes on the wire, prefix included; there are so many. */
void net_msg_read(const struct net_msg *m, struct net_msg_reader *r, uint8_t *out, size_t n);

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
