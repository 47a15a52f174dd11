/* Fuzz: a block in JoinChain.  What is accepted reads again, with a flag for each transaction. */
#include "endorser/join_block.h"
#include "proto/block.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    WEFT_CLEANUP(join_block_done) struct join_block j = { 0 };
    WEFT_CLEANUP(join_block_done) struct join_block again = { 0 };
    WEFT_CLEANUP(buf_done) struct buf wire = { 0 };
    struct weft_err e;
    if (join_block_read(bytes_of(data, size), &j, &e) != WEFT_OK)
        return 0;
    WEFT_ASSERT(block_slot(&j.block->v, BLOCK_SLOT_FLAGS).len > 0);
    block_encode(&j.block->v, &wire);
    WEFT_ASSERT(join_block_read(buf_bytes(&wire), &again, &e) == WEFT_OK);
    return 0;
}
