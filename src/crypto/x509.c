#include "crypto/x509.h"

#include "base/limits.h"
#include "crypto/der.h"
#include "crypto/openssl_glue.h"
#include "crypto/pem.h"

/* Where everything lies in a certificate.  It is taken apart here and not by
 * d2i_X509, which spends three signature checks' time on finding out how to
 * decode the public key. */
struct parts {
    struct der_item serial, issuer, subject, spki;
    struct bytes validity;
    struct bytes extensions; /* the list's content; empty when there is none */
};

static struct bytes keep(struct x509_cert *cert, const void *data, size_t len)
{
    void *copy = arena_alloc(&cert->arena, len + 1);
    if (len > 0)
        memcpy(copy, data, len);
    return bytes_of(copy, len);
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

static enum weft_code read_name(struct bytes der, X509_NAME **ret, struct weft_err *e)
{
    const unsigned char *at = der.data;
    WEFT_CLEANUP(X509_NAME_free) X509_NAME *name = d2i_X509_NAME(NULL, &at, (long)der.len);
    if (name == NULL)
        return WEFT_FAIL(e, WEFT_INVALID, "bad name: %s", openssl_reason());
    if (X509_NAME_entry_count(name) > LIMIT_CERT_NAMES)
        return WEFT_FAIL(e, WEFT_LIMIT, "name of more than %d parts", LIMIT_CERT_NAMES);
    *ret = WEFT_TAKE(name);
    return WEFT_OK;
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

static enum weft_code read_serial(struct x509_cert *cert, struct bytes der, struct weft_err *e)
{
    const unsigned char *at = der.data;
    WEFT_CLEANUP(ASN1_INTEGER_free)
    ASN1_INTEGER *serial = d2i_ASN1_INTEGER(NULL, &at, (long)der.len);
    WEFT_CLEANUP(BN_free) BIGNUM *n = serial != NULL ? ASN1_INTEGER_to_BN(serial, NULL) : NULL;
    char *text = n != NULL ? BN_bn2dec(n) : NULL;
    if (text == NULL)
        return WEFT_FAIL(e, WEFT_INVALID, "bad serial number: %s", openssl_reason());
    cert->serial_text = arena_dup_str(&cert->arena, bytes_of_str(text));
    OPENSSL_free(text);
    cert->serial = keep(cert, ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial));
    while (cert->serial.len > 0 && cert->serial.data[0] == 0)
        cert->serial = bytes_skip(cert->serial, 1);
    return WEFT_OK;
}

static enum weft_code read_time(struct bytes *rest, int64_t *ret, struct weft_err *e)
{
    struct der_item item;
    struct tm tm;
    if (!der_next(rest, &item))
        return WEFT_FAIL(e, WEFT_INVALID, "bad time: it is missing");
    const unsigned char *at = item.whole.data;
    WEFT_CLEANUP(ASN1_TIME_free) ASN1_TIME *t = d2i_ASN1_TIME(NULL, &at, (long)item.whole.len);
    if (t == NULL || ASN1_TIME_to_tm(t, &tm) != 1)
        return WEFT_FAIL(e, WEFT_INVALID, "bad time: %s", openssl_reason());
    *ret = timegm(&tm);
    return WEFT_OK;
}

/* ---- extensions -------------------------------------------------------------------------- */

static bool read_constraints(struct x509_cert *cert, struct bytes v)
{
    struct der_item seq;
    int path_len = -1;
    cert->has_basic_constraints = true;
    if (!der_take(&v, DER_SEQUENCE, &seq) ||
        (der_peek(seq.content, DER_BOOLEAN) && !der_take_boolean(&seq.content, &cert->is_ca)) ||
        (der_peek(seq.content, DER_INTEGER) && !der_take_int(&seq.content, &path_len)))
        return false;
    cert->path_len = cert->is_ca ? path_len : -1;
    return true;
}

static bool read_usage(struct x509_cert *cert, struct bytes v)
{
    struct der_item bits;
    if (!der_take(&v, DER_BIT_STRING, &bits) || bits.content.len == 0)
        return false;
    cert->has_key_usage = true;
    for (size_t i = 1; i < bits.content.len && i <= 2; i++)
        cert->key_usage |= (uint32_t)bits.content.data[i] << (8 * (i - 1));
    return true;
}

/* The extensions that we know: of 2.5.29.  The others are none of ours. */
static bool read_extension(struct x509_cert *cert, struct bytes oid, struct bytes v)
{
    enum {
        SUBJECT_KEY = 14,
        KEY_USAGE = 15,
        CONSTRAINTS = 19,
        AUTHORITY_KEY = 35
    };
    struct der_item seq, id;
    if (oid.len != 3 || oid.data[0] != 0x55 || oid.data[1] != 0x1d)
        return true;
    switch (oid.data[2]) {
    case CONSTRAINTS:
        return !cert->has_basic_constraints && read_constraints(cert, v);
    case KEY_USAGE:
        return !cert->has_key_usage && read_usage(cert, v);
    case SUBJECT_KEY:
        if (cert->ski.len > 0 || !der_take(&v, DER_OCTET_STRING, &id))
            return false;
        cert->ski = keep(cert, id.content.data, id.content.len);
        return true;
    case AUTHORITY_KEY:
        if (cert->aki.len > 0 || !der_take(&v, DER_SEQUENCE, &seq))
            return false;
        if (der_peek(seq.content, DER_CONTEXT)) {
            if (!der_take(&seq.content, DER_CONTEXT, &id))
                return false;
            cert->aki = keep(cert, id.content.data, id.content.len);
        }
        return true;
    default:
        return true;
    }
}

static enum weft_code read_extensions(struct x509_cert *cert, struct bytes list, struct weft_err *e)
{
    struct der_item x, oid, value;
    bool critical;
    cert->path_len = -1;
    while (list.len > 0)
        if (!der_take(&list, DER_SEQUENCE, &x) || !der_take(&x.content, DER_OID, &oid) ||
            (der_peek(x.content, DER_BOOLEAN) && !der_take_boolean(&x.content, &critical)) ||
            !der_take(&x.content, DER_OCTET_STRING, &value) ||
            !read_extension(cert, oid.content, value.content))
            return WEFT_FAIL(e, WEFT_INVALID, "bad extension");
    return WEFT_OK;
}

static enum weft_code read_key(struct x509_cert *cert, const struct parts *p, struct weft_err *e)
{
    static const uint8_t ec[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01 };
    struct bytes rest = p->spki.content, bits;
    struct der_item algorithm, oid;
    if (!der_take(&rest, DER_SEQUENCE, &algorithm) ||
        !der_take(&algorithm.content, DER_OID, &oid) || !der_take_bits(&rest, &bits))
        return WEFT_FAIL(e, WEFT_INVALID, "bad public key: malformed");
    if (!bytes_eq(oid.content, bytes_of(ec, sizeof(ec))))
        return WEFT_OK;
    return public_key_parse(p->spki.whole, &cert->key, e);
}

/* ---- the certificate --------------------------------------------------------------------- */

static bool split_tbs(struct bytes tbs, struct parts *p)
{
    struct der_item item, list;
    if (der_peek(tbs, DER_CONTEXT_CONSTRUCTED) && !der_next(&tbs, &item))
        return false;
    if (!der_take(&tbs, DER_INTEGER, &p->serial) ||
        !der_take(&tbs, DER_SEQUENCE, &item)) /* algorithm */
        return false;
    if (!der_take(&tbs, DER_SEQUENCE, &p->issuer) || !der_take(&tbs, DER_SEQUENCE, &item))
        return false;
    p->validity = item.content;
    if (!der_take(&tbs, DER_SEQUENCE, &p->subject) || !der_take(&tbs, DER_SEQUENCE, &p->spki))
        return false;
    while (der_next(&tbs, &item))
        if (item.tag == DER_CONTEXT_CONSTRUCTED + 3) {
            if (!der_take(&item.content, DER_SEQUENCE, &list))
                return false;
            p->extensions = list.content;
        }
    return tbs.len == 0;
}

static enum weft_code split(struct bytes der, struct parts *p, struct weft_err *e)
{
    struct der_item whole, tbs, algorithm;
    struct bytes signature;
    if (!der_take(&der, DER_SEQUENCE, &whole))
        return WEFT_FAIL(e, WEFT_INVALID, "x509: malformed certificate");
    if (der.len > 0)
        return WEFT_FAIL(e, WEFT_INVALID, "x509: trailing data");
    if (!der_take(&whole.content, DER_SEQUENCE, &tbs) ||
        !der_take(&whole.content, DER_SEQUENCE, &algorithm) ||
        !der_take_bits(&whole.content, &signature) || !split_tbs(tbs.content, p))
        return WEFT_FAIL(e, WEFT_INVALID, "x509: malformed certificate");
    return WEFT_OK;
}

static enum weft_code read_all(struct x509_cert *cert, const struct parts *p, struct weft_err *e)
{
    WEFT_CLEANUP(X509_NAME_free) X509_NAME *subject = NULL;
    WEFT_CLEANUP(X509_NAME_free) X509_NAME *issuer = NULL;
    struct bytes validity = p->validity;
    WEFT_TRY(read_name(p->subject.whole, &subject, e));
    WEFT_TRY(read_name(p->issuer.whole, &issuer, e));
    cert->subject_der = p->subject.whole;
    cert->issuer_der = p->issuer.whole;
    WEFT_TRY(name_text(cert, subject, &cert->subject, e));
    WEFT_TRY(name_text(cert, issuer, &cert->issuer, e));
    WEFT_TRY(read_subject(cert, subject, e));
    WEFT_TRY(read_serial(cert, p->serial.whole, e));
    WEFT_TRY(read_time(&validity, &cert->not_before, e));
    WEFT_TRY(read_time(&validity, &cert->not_after, e));
    WEFT_TRY(read_extensions(cert, p->extensions, e));
    return read_key(cert, p, e);
}

enum weft_code x509_cert_parse(struct bytes der, struct x509_cert **ret, struct weft_err *e)
{
    struct parts p = { 0 };
    if (der.len > LIMIT_CERT_BYTES)
        return WEFT_FAIL(e, WEFT_LIMIT, "certificate of %zu bytes is longer than %d", der.len,
                         LIMIT_CERT_BYTES);
    WEFT_CLEANUP(x509_cert_unref) struct x509_cert *cert = weft_alloc(sizeof(*cert));
    atomic_init(&cert->refs, 1);
    cert->der = keep(cert, der.data, der.len);
    WEFT_TRY(split(cert->der, &p, e));
    enum weft_code rc = read_all(cert, &p, e);
    ERR_clear_error();
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
