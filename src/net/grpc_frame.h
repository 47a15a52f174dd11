/* grpc_frame.h - messages out of a byte stream.
 *
 * Each message has five bytes before it: 00 and its length, big endian.  The
 * stream is cut anywhere by the transport:
 *
 *     00 00 00 | 00 03 'a' | 'b' 'c' 00 00 00 00 01 'x'     ->  "abc", "x"
 *
 * Go origin   none (vendored google.golang.org/grpc/rpc_util.go)
 * Owner       the stream that embeds it
 * Memory      a begun message grows from 1 MB on as its bytes arrive, not with what its
 *             length promises
 * Limits      the caller's most bytes of one message
 */
#ifndef WEFT_NET_GRPC_FRAME_H
#define WEFT_NET_GRPC_FRAME_H

#include "net/net_msg.h"

struct grpc_deframer {
    uint8_t prefix[NET_MSG_PREFIX];
    size_t prefix_have;
    struct net_msg *msg; /* begun; NULL between messages and in a prefix */
    size_t have, room;
};

enum grpc_deframe {
    GRPC_DEFRAME_MORE,       /* all bytes are used, no message is complete */
    GRPC_DEFRAME_MESSAGE,    /* there is one */
    GRPC_DEFRAME_TOO_LARGE,  /* its length is over the limit */
    GRPC_DEFRAME_COMPRESSED, /* flag 1, though no encoding was agreed on */
    GRPC_DEFRAME_BAD_FLAG,   /* neither 0 nor 1 */
};

void grpc_deframer_done(struct grpc_deframer *d);

/* Uses bytes from the front of *data up to the end of one message at most.
 * After one of the last three the deframer is spent.  *ret_msg is the caller's. */
enum grpc_deframe grpc_deframer_step(struct grpc_deframer *d, struct bytes *data, size_t most,
                                     struct net_msg **ret_msg);

/* In the middle of a message: an end of stream here is an error. */
bool grpc_deframer_is_inside(const struct grpc_deframer *d);
/* How long the message says to be that is_inside. */
size_t grpc_deframer_partial(const struct grpc_deframer *d);

#endif
