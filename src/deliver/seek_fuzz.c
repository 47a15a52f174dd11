/* Fuzz target for deliver/seek: what is read is written and read again alike. */
#include "deliver/seek.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seek_info s, again;
    struct seek_range r;
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    if (seek_info_parse(bytes_of(data, size), &s, NULL) != WEFT_OK)
        return 0;
    seek_info_encode(&s, &b);
    WEFT_ASSERT(seek_info_parse(buf_bytes(&b), &again, NULL) == WEFT_OK);
    WEFT_ASSERT(again.start.kind == s.start.kind && again.start.number == s.start.number);
    WEFT_ASSERT(again.stop.kind == s.stop.kind && again.stop.number == s.stop.number);
    for (uint64_t height = 0; height < 3; height++)
        (void)seek_resolve(&s, height, &r);
    return 0;
}
