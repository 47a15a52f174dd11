/* Fuzz target for private keys from files: what is read can be
 * written and read again.  Seeds: tests/corpus/private_key/. */
#include "crypto/ecdsa.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    WEFT_CLEANUP(private_key_unref) struct private_key *key = NULL;
    if (private_key_parse(bytes_of(data, size), &key, NULL) != WEFT_OK)
        return 0;
    WEFT_CLEANUP(buf_done) struct buf der = { 0 };
    WEFT_CLEANUP(private_key_unref) struct private_key *again = NULL;
    WEFT_ASSERT(private_key_encode(key, &der, NULL) == WEFT_OK);
    WEFT_ASSERT(private_key_parse(buf_bytes(&der), &again, NULL) == WEFT_OK);
    WEFT_ASSERT(public_key_eq(private_key_public(key), private_key_public(again)));
    return 0;
}
