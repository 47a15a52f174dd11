/* Fuzz target for the DER of signatures, against OpenSSL's reader and our own
 * writer.  Seeds: tests/corpus/ecdsa_signature/.
 *
 * What we take may have bytes behind s that OpenSSL does not allow; put into
 * its one form, OpenSSL reads the same numbers.  What OpenSSL takes whole and
 * what is in its shortest form and above zero, we take too. */
#include "crypto/ecdsa.h"

#include <openssl/ecdsa.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_number(const BIGNUM *n, struct bytes magnitude)
{
    uint8_t raw[ECDSA_SCALAR_MAX];
    return BN_num_bytes(n) == (int)magnitude.len && BN_bn2bin(n, raw) == (int)magnitude.len &&
           bytes_eq(bytes_of(raw, magnitude.len), magnitude);
}

static void check_ours(const struct ecdsa_signature *sig)
{
    if (sig->r.len > ECDSA_SCALAR_MAX || sig->s.len > ECDSA_SCALAR_MAX)
        return;
    uint8_t der[ECDSA_SIGNATURE_MAX];
    size_t len = ecdsa_signature_write(sig, der);
    const unsigned char *at = der;
    ECDSA_SIG *theirs = d2i_ECDSA_SIG(NULL, &at, (long)len);
    WEFT_ASSERT(theirs != NULL && at == der + len);
    WEFT_ASSERT(is_number(ECDSA_SIG_get0_r(theirs), sig->r));
    WEFT_ASSERT(is_number(ECDSA_SIG_get0_s(theirs), sig->s));
    ECDSA_SIG_free(theirs);
}

static void check_theirs(struct bytes in)
{
    const unsigned char *at = in.data;
    ECDSA_SIG *theirs = d2i_ECDSA_SIG(NULL, &at, (long)in.len);
    if (theirs == NULL)
        return;
    size_t used = (size_t)(at - in.data);
    unsigned char *again = NULL;
    int len = i2d_ECDSA_SIG(theirs, &again);
    bool one_form = len > 0 && bytes_eq(bytes_of(again, (size_t)len), bytes_of(in.data, used));
    bool positive =
        !BN_is_zero(ECDSA_SIG_get0_r(theirs)) && !BN_is_negative(ECDSA_SIG_get0_r(theirs)) &&
        !BN_is_zero(ECDSA_SIG_get0_s(theirs)) && !BN_is_negative(ECDSA_SIG_get0_s(theirs));
    struct ecdsa_signature sig;
    if (one_form && positive)
        WEFT_ASSERT(ecdsa_signature_parse(in, &sig, NULL) == WEFT_OK);
    OPENSSL_free(again);
    ECDSA_SIG_free(theirs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ecdsa_signature sig;
    if (ecdsa_signature_parse(bytes_of(data, size), &sig, NULL) == WEFT_OK) {
        WEFT_ASSERT(sig.r.len > 0 && sig.r.data[0] != 0);
        WEFT_ASSERT(sig.s.len > 0 && sig.s.data[0] != 0);
        check_ours(&sig);
    }
    if (size > 0)
        check_theirs(bytes_of(data, size));
    return 0;
}
