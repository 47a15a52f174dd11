/* A checkpoint that is read is written again to one that reads the same. */
#include "ledger/block_checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    WEFT_CLEANUP(buf_done) struct buf out = { 0 };
    struct block_checkpoint c, back;
    struct weft_err e = { 0 };
    if (block_checkpoint_parse(bytes_of(data, size), &c, &e) != WEFT_OK) {
        WEFT_ASSERT(e.code == WEFT_CORRUPT && e.msg[0] != '\0');
        return 0;
    }
    block_checkpoint_encode(&c, &out);
    WEFT_ASSERT(out.len <= size);
    WEFT_ASSERT(block_checkpoint_parse(buf_bytes(&out), &back, NULL) == WEFT_OK);
    WEFT_ASSERT(c.file == back.file && c.size == back.size && c.last_block == back.last_block &&
                c.empty == back.empty);
    return 0;
}
