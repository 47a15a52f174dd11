/* Fuzz target for crypto/pem: whatever is read, written and read again is the
 * same, and the text only gets shorter.  Seeds: tests/corpus/pem/. */
#include "crypto/pem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = bytes_of(data, size);
    WEFT_CLEANUP(pem_block_done) struct pem_block b = { 0 };
    for (size_t before = size; pem_next(&text, &b, NULL) == WEFT_OK; before = text.len) {
        WEFT_ASSERT(text.len < before);
        WEFT_CLEANUP(buf_done) struct buf again = { 0 };
        WEFT_CLEANUP(pem_block_done) struct pem_block second = { 0 };
        pem_encode("X", buf_bytes(&b.der), &again);
        struct bytes t = buf_bytes(&again);
        WEFT_ASSERT(pem_next(&t, &second, NULL) == WEFT_OK);
        WEFT_ASSERT(bytes_eq(buf_bytes(&second.der), buf_bytes(&b.der)));
    }
    return 0;
}
