#include "crypto/x509_crl.h"

#include "base/limits.h"
#include "crypto/der.h"
#include "crypto/pem.h"

struct x509_crl {
    struct buf der;
    struct bytes tbs, signature; /* in der or low_s */
    struct buf plain_signature;  /* an ECDSA signature written anew */
    const struct x509_algorithm *algorithm;
    struct bytes *serials; /* sorted */
    size_t count;
    bool has_aki, bad_aki;
    struct bytes aki;
};

static int by_bytes(const void *a, const void *b)
{
    return bytes_cmp(*(const struct bytes *)a, *(const struct bytes *)b);
}

static bool take_time(struct bytes *rest)
{
    struct der_item t;
    return der_take(rest, DER_UTC_TIME, &t) || der_take(rest, DER_GENERALIZED_TIME, &t);
}

/* SEQUENCE OF { serial, time, extensions } */
static bool read_serials(struct x509_crl *crl, struct bytes list)
{
    struct bytes counted = list;
    struct der_item entry;
    size_t n = 0;
    while (der_take(&counted, DER_SEQUENCE, &entry))
        n++;
    if (counted.len > 0)
        return false;
    crl->serials = weft_alloc((n + 1) * sizeof(*crl->serials));
    while (der_take(&list, DER_SEQUENCE, &entry))
        if (!der_take_integer(&entry.content, &crl->serials[crl->count++]) ||
            !take_time(&entry.content))
            return false;
    if (crl->count > 0)
        qsort(crl->serials, crl->count, sizeof(*crl->serials), by_bytes);
    return true;
}

static bool read_aki(struct x509_crl *crl, struct bytes value)
{
    struct der_item seq, id;
    if (!der_take(&value, DER_SEQUENCE, &seq))
        return false;
    if (der_take(&seq.content, DER_CONTEXT, &id))
        crl->aki = id.content;
    return true;
}

static bool read_extensions(struct x509_crl *crl, struct bytes rest)
{
    static const char aki[] = "\x55\x1d\x23";
    struct der_item outer, list, x, oid, value;
    bool critical;
    if (!der_peek(rest, DER_CONTEXT_CONSTRUCTED))
        return true;
    if (!der_take(&rest, DER_CONTEXT_CONSTRUCTED, &outer) ||
        !der_take(&outer.content, DER_SEQUENCE, &list))
        return false;
    while (list.content.len > 0) {
        if (!der_take(&list.content, DER_SEQUENCE, &x) || !der_take(&x.content, DER_OID, &oid) ||
            (der_peek(x.content, DER_BOOLEAN) && !der_take_boolean(&x.content, &critical)) ||
            !der_take(&x.content, DER_OCTET_STRING, &value))
            return false;
        if (!crl->has_aki && bytes_eq(oid.content, bytes_of(aki, sizeof(aki) - 1))) {
            crl->has_aki = true;
            crl->bad_aki = !read_aki(crl, value.content);
        }
    }
    return true;
}

static bool read_list(struct x509_crl *crl, struct bytes tbs)
{
    struct der_item item;
    struct bytes version;
    if (der_peek(tbs, DER_INTEGER) && !der_take_integer(&tbs, &version))
        return false;
    bool has_algorithm = der_take(&tbs, DER_SEQUENCE, &item);
    bool has_issuer = der_take(&tbs, DER_SEQUENCE, &item);
    if (!has_algorithm || !has_issuer || !take_time(&tbs)) /* this update */
        return false;
    (void)take_time(&tbs); /* next update */
    if (der_peek(tbs, DER_SEQUENCE) &&
        (!der_take(&tbs, DER_SEQUENCE, &item) || !read_serials(crl, item.content)))
        return false;
    return read_extensions(crl, tbs);
}

/* An ECDSA signature may be in a lax encoding here: Fabric writes it anew. */
static enum weft_code take_signature(struct x509_crl *crl, struct bytes bits, struct weft_err *e)
{
    struct ecdsa_signature s;
    uint8_t der[ECDSA_SIGNATURE_MAX];
    crl->signature = bits;
    if (!x509_algorithm_is_ecdsa(crl->algorithm))
        return WEFT_OK;
    WEFT_TRY(ecdsa_signature_parse(bits, &s, e));
    if (s.r.len > ECDSA_SCALAR_MAX || s.s.len > ECDSA_SCALAR_MAX)
        return WEFT_OK; /* fits no curve, and will be found bad */
    buf_put(&crl->plain_signature, bytes_of(der, ecdsa_signature_write(&s, der)));
    crl->signature = buf_bytes(&crl->plain_signature);
    return WEFT_OK;
}

static enum weft_code read_all(struct x509_crl *crl, struct weft_err *e)
{
    static const char words[] = "could not parse RevocationList: asn1: structure error";
    struct bytes rest = buf_bytes(&crl->der), bits;
    struct der_item whole, tbs, algorithm;
    if (!der_take(&rest, DER_SEQUENCE, &whole) || !der_take(&whole.content, DER_SEQUENCE, &tbs) ||
        !der_take(&whole.content, DER_SEQUENCE, &algorithm) ||
        !der_take_bits(&whole.content, &bits) || !read_list(crl, tbs.content))
        return WEFT_FAIL(e, WEFT_INVALID, "%s", words);
    if (rest.len > 0)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "could not parse RevocationList: x509: trailing data after CRL");
    crl->tbs = tbs.whole;
    crl->algorithm = x509_algorithm_find(algorithm.content);
    return take_signature(crl, bits, e);
}

enum weft_code x509_crl_parse(struct bytes pem_or_der, struct x509_crl **ret, struct weft_err *e)
{
    WEFT_CLEANUP(x509_crl_free) struct x509_crl *crl = weft_alloc(sizeof(*crl));
    WEFT_CLEANUP(pem_block_done) struct pem_block block = { 0 };
    struct bytes text = pem_or_der;
    if (bytes_start_with(text, bytes_of_str("-----BEGIN X509 CRL")) &&
        pem_next(&text, &block, NULL) == WEFT_OK && bytes_eq(block.type, bytes_of_str("X509 CRL")))
        pem_or_der = buf_bytes(&block.der);
    if (pem_or_der.len > LIMIT_CRL_BYTES)
        return WEFT_FAIL(e, WEFT_LIMIT, "CRL of %zu bytes is longer than %d", pem_or_der.len,
                         LIMIT_CRL_BYTES);
    buf_put(&crl->der, pem_or_der);
    WEFT_TRY(read_all(crl, e));
    *ret = WEFT_TAKE(crl);
    return WEFT_OK;
}

void x509_crl_free(struct x509_crl *crl)
{
    if (crl == NULL)
        return;
    buf_done(&crl->der);
    buf_done(&crl->plain_signature);
    free(crl->serials);
    free(crl);
}

enum weft_code x509_crl_issuer_key(const struct x509_crl *crl, struct bytes *ret,
                                   struct weft_err *e)
{
    if (!crl->has_aki)
        return WEFT_FAIL(e, WEFT_INVALID, "authorityKeyIdentifier not found in certificate");
    if (crl->bad_aki)
        return WEFT_FAIL(e, WEFT_INVALID, "failed to unmarshal AKI");
    *ret = crl->aki;
    return WEFT_OK;
}

bool x509_crl_lists(const struct x509_crl *crl, const struct x509_link *cert)
{
    return crl->count > 0 && bsearch(&cert->serial, crl->serials, crl->count, sizeof(*crl->serials),
                                     by_bytes) != NULL;
}

enum weft_code x509_crl_check_signature(const struct x509_crl *crl, const struct x509_link *issuer,
                                        struct weft_err *e)
{
    return x509_algorithm_check(crl->algorithm, crl->tbs, crl->signature, issuer, true, e);
}
