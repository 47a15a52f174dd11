/* Any block's transactions and commit hash.  Whatever is in it: the block is
 * good, skipped or refused, the same way each time. */
#include "ledger/commit_hash_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    WEFT_CLEANUP(block_view_done) struct block_view v = { 0 };
    enum weft_code rc[2];
    if (block_view_parse(&v, bytes_of(data, size), NULL) != WEFT_OK)
        return 0;
    for (int i = 0; i < 2; i++) {
        struct weft_err e = { 0 };
        WEFT_CLEANUP(commit_hash_check_free) struct commit_hash_check *c = commit_hash_check_new();
        rc[i] = commit_hash_check_block(c, &v, &e);
        uint64_t seen = commit_hash_check_matched(c) + commit_hash_check_skipped(c);
        WEFT_ASSERT(rc[i] == WEFT_OK ? seen <= 1 : seen == 0 && e.msg[0] != '\0');
    }
    WEFT_ASSERT(rc[0] == rc[1]);
    return 0;
}
