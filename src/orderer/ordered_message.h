/* ordered_message.h - an envelope as it goes into a block.
 *
 * Go takes a received envelope apart and puts it together again before it is
 * stored: payload first, then signature, then whatever fields it does not know.
 * What nearly everybody sends is that already; the rest is brought into that
 * form here, because a peer refuses a block with an envelope in any other.
 *
 *     12 <sig> 0a <payload>   becomes   0a <payload> 12 <sig>
 *
 * Its size is what the block cutter counts with: payload and signature, without
 * what protobuf puts around them.
 *
 * Go origin   orderer/common/blockcutter/blockcutter.go messageSizeBytes
 *             orderer/common/multichannel/blockwriter.go CreateNextBlock
 * Owner       any thread
 * Memory      see ordered_message_of
 */
#ifndef WEFT_ORDERER_ORDERED_MESSAGE_H
#define WEFT_ORDERER_ORDERED_MESSAGE_H

#include "base/bytes.h"

struct net_msg;

struct ordered_message {
    struct net_msg *envelope;
    uint64_t size;
};

/* A reference of `received` if it has the form, else a new message.  The caller
 * gives it back.  WEFT_INVALID: no envelope. */
enum weft_code ordered_message_of(struct net_msg *received, struct ordered_message *ret,
                                  struct weft_err *e) WEFT_MUST_CHECK;

#endif
