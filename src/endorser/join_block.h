/* join_block.h - a block that a peer is to join a channel with, looked through.
 *
 *     join_block_read(bytes, &j, e)
 *     j.channel "mychannel", j.block as it will be stored: every transaction marked VALID
 *
 * The first transaction has to be a configuration with an Application group, and this version has
 * to support what it asks for.  Who made the block, and its number, are not looked at here.
 *
 * Go origin   core/scc/cscc/configure.go validateConfigBlock
 *             common/channelconfig/util.go ValidateCapabilities
 * Differs     all of the configuration is looked through; the original finds out about some of
 *             it only when the ledger is made already
 * Owner       any thread
 * Memory      a copy of the block
 * Limits      those of block.h and bundle.h
 */
#ifndef WEFT_ENDORSER_JOIN_BLOCK_H
#define WEFT_ENDORSER_JOIN_BLOCK_H

#include "base/bytes.h"

struct block;

struct join_block {
    char *channel;
    struct block *block;
};
void join_block_done(struct join_block *j);
WEFT_DEFINE_CLEANUP_IN_PLACE(struct join_block, join_block_done)

/* WEFT_INVALID, with the words that the client is told. */
enum weft_code join_block_read(struct bytes wire, struct join_block *ret,
                               struct weft_err *e) WEFT_MUST_CHECK;

#endif
