/* Fuzz target for crypto/x509 and public keys: DER as it is, or as PEM when it
 * begins with a dash.  Seeds: tests/corpus/x509/. */
#include "crypto/x509.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at(const struct x509_cert *cert)
{
    WEFT_CLEANUP(buf_done) struct buf text = { 0 };
    x509_cert_print(cert, &text);
    for (size_t i = 0; i < cert->ou_count; i++)
        WEFT_ASSERT(cert->ous[i] != NULL);
    if (cert->key == NULL)
        return;
    WEFT_CLEANUP(public_key_unref) struct public_key *again = NULL;
    WEFT_ASSERT(public_key_parse(public_key_spki(cert->key), &again, NULL) == WEFT_OK);
    WEFT_ASSERT(public_key_eq(again, cert->key));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = bytes_of(data, size);
    WEFT_CLEANUP(x509_cert_unref) struct x509_cert *cert = NULL;
    WEFT_CLEANUP(public_key_unref) struct public_key *key = NULL;
    enum weft_code rc = size > 0 && data[0] == '-' ? x509_cert_parse_pem(in, &cert, NULL)
                                                   : x509_cert_parse(in, &cert, NULL);
    if (rc == WEFT_OK)
        look_at(cert);
    if (public_key_parse(in, &key, NULL) == WEFT_OK)
        WEFT_ASSERT(bytes_eq(public_key_spki(key), in));
    return 0;
}
