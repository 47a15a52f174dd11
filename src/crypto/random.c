#include "crypto/random.h"

#include <limits.h>
#include <openssl/rand.h>

enum weft_code random_bytes(uint8_t *out, size_t n, struct weft_err *e)
{
    WEFT_ASSERT(n <= INT_MAX);
    if (RAND_bytes(out, (int)n) != 1)
        return WEFT_FAIL(e, WEFT_IO, "no random bytes to be had");
    return WEFT_OK;
}
