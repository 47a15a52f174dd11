/* What is written is what was read; and no configuration, however odd, breaks
 * the set-up of an MSP. */
#include "msp/msp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
    WEFT_CLEANUP(buf_done) struct buf once = { 0 };
    WEFT_CLEANUP(buf_done) struct buf twice = { 0 };
    struct msp_config c, again;
    if (msp_config_parse(bytes_of(data, size), &arena, &c, NULL) != WEFT_OK)
        return 0;
    msp_config_encode(&c, &once);
    WEFT_ASSERT(msp_config_parse(buf_bytes(&once), &arena, &again, NULL) == WEFT_OK);
    msp_config_encode(&again, &twice);
    WEFT_ASSERT(bytes_eq(buf_bytes(&once), buf_bytes(&twice)));
    for (int v = MSP_1_0; v <= MSP_1_4_3; v++) {
        struct msp *msp = NULL;
        struct msp_options o = { .version = (enum msp_version)v, .now_s = 1 };
        if (msp_new(&c, &o, &msp, NULL) == WEFT_OK)
            msp_unref(msp);
    }
    return 0;
}
