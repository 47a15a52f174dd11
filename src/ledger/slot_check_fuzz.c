/* Any block's metadata: two blocks in a row, so that the second one's last
 * config is not its own. */
#include "ledger/slot_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    WEFT_CLEANUP(block_view_done) struct block_view v = { 0 };
    if (block_view_parse(&v, bytes_of(data, size), NULL) != WEFT_OK)
        return 0;
    for (int i = 0; i < 2; i++) {
        struct weft_err e = { 0 };
        WEFT_CLEANUP(slot_check_free)
        struct slot_check *c = slot_check_new(i == 0 ? LEDGER_ORDERER : LEDGER_PEER);
        uint64_t number = v.number;
        v.number = 0;
        enum weft_code rc = slot_check_block(c, &v, &e);
        v.number = number;
        if (rc == WEFT_OK)
            rc = slot_check_block(c, &v, &e);
        if (rc == WEFT_OK)
            rc = slot_check_end(c, &e);
        WEFT_ASSERT(rc == WEFT_OK || e.msg[0] != '\0');
    }
    return 0;
}
