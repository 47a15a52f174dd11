#include "crypto/x509.h"

#include "base/limits.h"
#include "crypto/openssl_glue.h"
#include "crypto/pem.h"

#include <openssl/x509v3.h>

static struct bytes keep(struct x509_cert *cert, const void *data, size_t len)
{
    void *copy = arena_alloc(&cert->arena, len + 1);
    if (len > 0)
        memcpy(copy, data, len);
    return bytes_of(copy, len);
}

static struct bytes keep_string(struct x509_cert *cert, const ASN1_STRING *s)
{
    return s == NULL ? bytes_of(NULL, 0)
                     : keep(cert, ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
}

static enum weft_code name_text(struct x509_cert *cert, const X509_NAME *name, const char **ret,
                                struct weft_err *e)
{
    BIO *out = BIO_new(BIO_s_mem());
    WEFT_ASSERT(out != NULL);
    char *text;
    bool written = X509_NAME_print_ex(out, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0;
    long len = BIO_get_mem_data(out, &text);
    if (written)
        *ret = arena_dup_str(&cert->arena, bytes_of(text, (size_t)len));
    (void)BIO_free(out);
    return written ? WEFT_OK : WEFT_FAIL(e, WEFT_INVALID, "bad name: %s", openssl_reason());
}

static enum weft_code keep_name(struct x509_cert *cert, const X509_NAME *name,
                                struct bytes *ret_der, const char **ret_text, struct weft_err *e)
{
    const unsigned char *der;
    size_t len;
    if (X509_NAME_get0_der(name, &der, &len) != 1)
        return WEFT_FAIL(e, WEFT_INVALID, "bad name: %s", openssl_reason());
    if (X509_NAME_entry_count(name) > LIMIT_CERT_NAMES)
        return WEFT_FAIL(e, WEFT_LIMIT, "name of more than %d parts", LIMIT_CERT_NAMES);
    *ret_der = keep(cert, der, len);
    return name_text(cert, name, ret_text, e);
}

/* One value of the subject as UTF-8. */
static enum weft_code entry_text(struct x509_cert *cert, const X509_NAME_ENTRY *entry,
                                 const char **ret, struct weft_err *e)
{
    unsigned char *utf8 = NULL;
    int len = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(entry));
    if (len < 0)
        return WEFT_FAIL(e, WEFT_INVALID, "bad text in a name: %s", openssl_reason());
    *ret = arena_dup_str(&cert->arena, bytes_of(utf8, (size_t)len));
    OPENSSL_free(utf8);
    return WEFT_OK;
}

static enum weft_code read_subject(struct x509_cert *cert, const X509_NAME *name,
                                   struct weft_err *e)
{
    int count = X509_NAME_entry_count(name);
    const char **ous = arena_alloc(&cert->arena, (size_t)count * sizeof(*ous) + 1);
    cert->common_name = "";
    for (int i = 0; i < count; i++) {
        const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);
        int nid = OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry));
        if (nid == NID_organizationalUnitName)
            WEFT_TRY(entry_text(cert, entry, &ous[cert->ou_count++], e));
        else if (nid == NID_commonName)
            WEFT_TRY(entry_text(cert, entry, &cert->common_name, e));
    }
    cert->ous = ous;
    return WEFT_OK;
}

static enum weft_code read_serial(struct x509_cert *cert, const X509 *x, struct weft_err *e)
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(x);
    WEFT_CLEANUP(BN_free) BIGNUM *n = ASN1_INTEGER_to_BN(serial, NULL);
    char *text = n != NULL ? BN_bn2dec(n) : NULL;
    if (text == NULL)
        return WEFT_FAIL(e, WEFT_INVALID, "bad serial number: %s", openssl_reason());
    cert->serial_text = arena_dup_str(&cert->arena, bytes_of_str(text));
    OPENSSL_free(text);
    cert->serial = keep_string(cert, serial);
    while (cert->serial.len > 0 && cert->serial.data[0] == 0)
        cert->serial = bytes_skip(cert->serial, 1);
    return WEFT_OK;
}

static enum weft_code read_time(const ASN1_TIME *t, int64_t *ret, struct weft_err *e)
{
    struct tm tm;
    if (ASN1_TIME_to_tm(t, &tm) != 1)
        return WEFT_FAIL(e, WEFT_INVALID, "bad time: %s", openssl_reason());
    *ret = timegm(&tm);
    return WEFT_OK;
}

/* The extensions that we know; OpenSSL's own reading says whether one of
 * them is broken. */
static enum weft_code read_extensions(struct x509_cert *cert, X509 *x, struct weft_err *e)
{
    uint32_t flags = X509_get_extension_flags(x);
    if (flags & EXFLAG_INVALID)
        return WEFT_FAIL(e, WEFT_INVALID, "bad extension: %s", openssl_reason());
    cert->has_basic_constraints = (flags & EXFLAG_BCONS) != 0;
    cert->is_ca = (flags & EXFLAG_CA) != 0;
    cert->path_len = cert->is_ca ? (int)X509_get_pathlen(x) : -1;
    cert->has_key_usage = (flags & EXFLAG_KUSAGE) != 0;
    cert->key_usage = cert->has_key_usage ? X509_get_key_usage(x) : 0;
    cert->ski = keep_string(cert, X509_get0_subject_key_id(x));
    cert->aki = keep_string(cert, X509_get0_authority_key_id(x));
    return WEFT_OK;
}

static enum weft_code read_key(struct x509_cert *cert, const X509 *x, struct weft_err *e)
{
    unsigned char *spki = NULL;
    X509_PUBKEY *pub = X509_get_X509_PUBKEY(x);
    ASN1_OBJECT *algorithm;
    if (X509_PUBKEY_get0_param(&algorithm, NULL, NULL, NULL, pub) != 1)
        return WEFT_FAIL(e, WEFT_INVALID, "bad public key: %s", openssl_reason());
    if (OBJ_obj2nid(algorithm) != NID_X9_62_id_ecPublicKey)
        return WEFT_OK;
    int len = i2d_X509_PUBKEY(pub, &spki);
    if (len <= 0)
        return WEFT_FAIL(e, WEFT_INVALID, "bad public key: %s", openssl_reason());
    enum weft_code rc = public_key_parse(bytes_of(spki, (size_t)len), &cert->key, e);
    OPENSSL_free(spki);
    return rc;
}

static enum weft_code read_all(struct x509_cert *cert, X509 *x, struct weft_err *e)
{
    X509_NAME *subject = X509_get_subject_name(x), *issuer = X509_get_issuer_name(x);
    WEFT_TRY(keep_name(cert, subject, &cert->subject_der, &cert->subject, e));
    WEFT_TRY(keep_name(cert, issuer, &cert->issuer_der, &cert->issuer, e));
    WEFT_TRY(read_subject(cert, subject, e));
    WEFT_TRY(read_serial(cert, x, e));
    WEFT_TRY(read_time(X509_get0_notBefore(x), &cert->not_before, e));
    WEFT_TRY(read_time(X509_get0_notAfter(x), &cert->not_after, e));
    WEFT_TRY(read_extensions(cert, x, e));
    return read_key(cert, x, e);
}

enum weft_code x509_cert_parse(struct bytes der, struct x509_cert **ret, struct weft_err *e)
{
    if (der.len > LIMIT_CERT_BYTES)
        return WEFT_FAIL(e, WEFT_LIMIT, "certificate of %zu bytes is longer than %d", der.len,
                         LIMIT_CERT_BYTES);
    const unsigned char *at = der.data;
    WEFT_CLEANUP(X509_free) X509 *x = d2i_X509(NULL, &at, (long)der.len);
    if (x == NULL)
        return WEFT_FAIL(e, WEFT_INVALID, "malformed certificate: %s", openssl_reason());
    if (at != der.data + der.len)
        return WEFT_FAIL(e, WEFT_INVALID, "x509: trailing data");

    WEFT_CLEANUP(x509_cert_unref) struct x509_cert *cert = weft_alloc(sizeof(*cert));
    atomic_init(&cert->refs, 1);
    cert->der = keep(cert, der.data, der.len);
    enum weft_code rc = read_all(cert, x, e);
    ERR_clear_error(); /* an absent extension leaves a word there */
    WEFT_TRY(rc);
    *ret = WEFT_TAKE(cert);
    return WEFT_OK;
}

enum weft_code x509_cert_parse_pem(struct bytes text, struct x509_cert **ret, struct weft_err *e)
{
    WEFT_CLEANUP(pem_block_done) struct pem_block block = { 0 };
    enum weft_code rc = pem_next(&text, &block, e);
    if (rc != WEFT_OK)
        return rc == WEFT_NOT_FOUND ? WEFT_FAIL(e, WEFT_INVALID, "could not decode pem bytes") : rc;
    return x509_cert_parse(buf_bytes(&block.der), ret, e);
}

struct x509_cert *x509_cert_ref(struct x509_cert *cert)
{
    (void)atomic_fetch_add_explicit(&cert->refs, 1, memory_order_relaxed);
    return cert;
}

void x509_cert_unref(struct x509_cert *cert)
{
    if (cert == NULL || atomic_fetch_sub_explicit(&cert->refs, 1, memory_order_acq_rel) != 1)
        return;
    public_key_unref(cert->key);
    arena_done(&cert->arena);
    free(cert);
}

bool x509_cert_is_self_issued(const struct x509_cert *cert)
{
    return bytes_eq(cert->subject_der, cert->issuer_der) &&
           (cert->aki.len == 0 || bytes_eq(cert->aki, cert->ski));
}

static void print_time(const char *label, int64_t seconds, struct buf *out)
{
    time_t t = (time_t)seconds;
    struct tm tm;
    char text[64];
    if (gmtime_r(&t, &tm) != NULL && strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &tm) > 0)
        buf_printf(out, "%s%s\n", label, text);
}

static void print_id(const char *label, struct bytes id, struct buf *out)
{
    WEFT_FREE char *hex = bytes_to_hex(id);
    if (id.len > 0)
        buf_printf(out, "%s%s\n", label, hex);
}

void x509_cert_print(const struct x509_cert *cert, struct buf *out)
{
    static const char *const curves[] = { [EC_CURVE_P256] = "ECDSA P-256",
                                          [EC_CURVE_P384] = "ECDSA P-384",
                                          [EC_CURVE_OTHER] = "ECDSA, another curve" };
    buf_printf(out, "subject     %s\n", cert->subject);
    buf_printf(out, "issuer      %s\n", cert->issuer);
    buf_printf(out, "serial      %s\n", cert->serial_text);
    print_time("not before  ", cert->not_before, out);
    print_time("not after   ", cert->not_after, out);
    buf_printf(out, "key         %s\n",
               cert->key != NULL ? curves[public_key_curve(cert->key)] : "not ECDSA");
    print_id("key id      ", cert->ski, out);
    print_id("issuer key  ", cert->aki, out);
    if (cert->is_ca)
        buf_put_str(out, "is a CA\n");
}
