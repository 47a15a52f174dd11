/* block_message.h - a block as it is sent: DeliverResponse { 2 block }.
 *
 * On disk and on the wire are the same envelopes, with other bytes between them:
 *
 *     file    01 20 .. 20 ..  53  91 27 <envelope>  8f 27 <envelope> ..
 *     wire    12 .. 0a 46 ..  12 ..  0a 91 27 <envelope>  0a 8f 27 <envelope> ..
 *
 * A large block that owns its bytes is not rewritten: the message is made of pieces
 * (net_msg.h), its envelopes as they were read and what goes between them.
 *
 * Go origin   none
 * Owner       any thread
 * Memory      the message holds a reference to a block that it was not copied from; all of
 *             them are counted, in one atomic number
 */
#ifndef WEFT_DELIVER_BLOCK_MESSAGE_H
#define WEFT_DELIVER_BLOCK_MESSAGE_H

#include "net/net_msg.h"
#include "proto/block.h"

enum {
    BLOCK_PIECE_LEAST = 256 /* on average; of smaller envelopes a block is copied whole */
};

struct net_msg *block_message(struct block *b);

/* How much memory all of them hold that are there now, in the whole process. */
size_t block_message_bytes(void);

#endif
