#include "crypto/x509_link.h"

#include "base/limits.h"
#include "base/utf8.h"
#include "crypto/der.h"
#include "crypto/openssl_glue.h"
#include "crypto/x509_names.h"

#include <time.h>

enum tag_of_text {
    TEXT_UTF8 = 0x0c,
    TEXT_NUMERIC = 0x12,
    TEXT_PRINTABLE = 0x13,
    TEXT_T61 = 0x14,
    TEXT_IA5 = 0x16,
    TEXT_BMP = 0x1e
};

/* ---- names: which texts Go can read ------------------------------------------------------ */

static bool is_printable(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c >= '\'' && c <= ')') || (c >= '+' && c <= '/') ||
           (c != '\0' && strchr(" :=?*&", c) != NULL);
}

static bool all_utf8(struct bytes text)
{
    uint32_t rune;
    size_t n;
    for (; text.len > 0; text = bytes_skip(text, n)) {
        n = utf8_decode(text, &rune);
        if (n == 0)
            return false;
    }
    return true;
}

static bool each_byte(struct bytes text, uint8_t tag)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if ((tag == TEXT_PRINTABLE && !is_printable(c)) || (tag == TEXT_IA5 && c >= 0x80) ||
            (tag == TEXT_NUMERIC && (c < '0' || c > '9') && c != ' '))
            return false;
    }
    return true;
}

static const char *bad_text(const struct der_item *value)
{
    switch (value->tag) {
    case TEXT_T61:
        return NULL;
    case TEXT_UTF8:
        return all_utf8(value->content) ? NULL : "invalid UTF-8 string";
    case TEXT_BMP:
        return value->content.len % 2 == 0 ? NULL : "invalid BMPString";
    case TEXT_PRINTABLE:
        return each_byte(value->content, TEXT_PRINTABLE) ? NULL : "invalid PrintableString";
    case TEXT_IA5:
        return each_byte(value->content, TEXT_IA5) ? NULL : "invalid IA5String";
    case TEXT_NUMERIC:
        return each_byte(value->content, TEXT_NUMERIC) ? NULL : "invalid NumericString";
    default:
        return "unsupported string type";
    }
}

static enum weft_code check_name(struct bytes name, struct weft_err *e)
{
    struct der_item rdns, set, attribute, type, value;
    if (!der_take(&name, DER_SEQUENCE, &rdns))
        return WEFT_FAIL(e, WEFT_INVALID, "x509: invalid RDNSequence");
    while (rdns.content.len > 0) {
        if (!der_take(&rdns.content, DER_SET, &set))
            return WEFT_FAIL(e, WEFT_INVALID, "x509: invalid RDNSequence");
        while (set.content.len > 0) {
            if (!der_take(&set.content, DER_SEQUENCE, &attribute) ||
                !der_take(&attribute.content, DER_OID, &type) ||
                !der_next(&attribute.content, &value))
                return WEFT_FAIL(e, WEFT_INVALID, "x509: invalid RDNSequence: invalid attribute");
            const char *why = bad_text(&value);
            if (why != NULL)
                return WEFT_FAIL(e, WEFT_INVALID,
                                 "x509: invalid RDNSequence: invalid attribute value: %s", why);
        }
    }
    return WEFT_OK;
}

/* ---- extensions -------------------------------------------------------------------------- */

static bool read_basic_constraints(struct x509_link *l, struct bytes v)
{
    struct der_item seq;
    l->has_basic_constraints = true;
    if (!der_take(&v, DER_SEQUENCE, &seq))
        return false;
    if (der_peek(seq.content, DER_BOOLEAN) && !der_take_boolean(&seq.content, &l->is_ca))
        return false;
    return !der_peek(seq.content, DER_INTEGER) || der_take_int(&seq.content, &l->path_len);
}

/* The bits that are left over at the end, at most seven, are zero. */
static bool is_bit_string(struct bytes content)
{
    if (content.len == 0 || content.data[0] > 7 || (content.len == 1 && content.data[0] > 0))
        return false;
    return (content.data[content.len - 1] & ((1U << content.data[0]) - 1U)) == 0 ||
           content.len == 1;
}

static bool read_key_usage(struct x509_link *l, struct bytes v)
{
    struct der_item bits;
    if (!der_take(&v, DER_BIT_STRING, &bits) || !is_bit_string(bits.content))
        return false;
    uint8_t first = bits.content.len > 1 ? bits.content.data[1] : 0;
    uint8_t second = bits.content.len > 2 ? bits.content.data[2] : 0;
    l->has_key_usage = first != 0 || (second & 0x80) != 0;
    l->may_sign_certs = (first & X509_USE_CERT_SIGN) != 0;
    return true;
}

static bool read_extended_key_usage(struct x509_link *l, struct bytes v)
{
    static const char any[] = "\x55\x1d\x25\x00", server[] = "\x2b\x06\x01\x05\x05\x07\x03\x01",
                      client[] = "\x2b\x06\x01\x05\x05\x07\x03\x02";
    struct der_item seq, oid;
    if (!der_take(&v, DER_SEQUENCE, &seq))
        return false;
    while (seq.content.len > 0) {
        if (!der_take(&seq.content, DER_OID, &oid))
            return false;
        l->has_eku = true;
        l->eku_any = l->eku_any || bytes_eq(oid.content, bytes_of(any, sizeof(any) - 1));
        l->eku_server_auth =
            l->eku_server_auth || bytes_eq(oid.content, bytes_of(server, sizeof(server) - 1));
        l->eku_client_auth =
            l->eku_client_auth || bytes_eq(oid.content, bytes_of(client, sizeof(client) - 1));
    }
    return true;
}

static bool read_authority_key(struct x509_link *l, struct bytes v)
{
    struct der_item seq, id;
    if (!der_take(&v, DER_SEQUENCE, &seq))
        return false;
    if (!der_peek(seq.content, DER_CONTEXT))
        return true;
    if (!der_take(&seq.content, DER_CONTEXT, &id))
        return false;
    l->aki = id.content;
    return true;
}

static bool read_subject_key(struct x509_link *l, struct bytes v)
{
    struct der_item id;
    if (!der_take(&v, DER_OCTET_STRING, &id))
        return false;
    l->ski = id.content;
    return l->has_ski = true;
}

struct extension {
    struct bytes oid, value;
    bool critical;
};

/* One of 2.5.29.x; false: not one that we know.  *ret_bad says why it is
 * broken, if it is. */
static bool read_known(struct x509_link *l, const struct extension *x, const char **ret_bad)
{
    bool unhandled = false;
    switch (x->oid.data[2]) {
    case 14:
        *ret_bad = read_subject_key(l, x->value) ? NULL : "x509: invalid subject key identifier";
        break;
    case 15:
        *ret_bad = read_key_usage(l, x->value) ? NULL : "x509: invalid key usage";
        break;
    case 17:
        l->has_san = true;
        l->san = x->value;
        *ret_bad = x509_names_check(x->value, &unhandled);
        break;
    case 19:
        *ret_bad = read_basic_constraints(l, x->value) ? NULL : "x509: invalid basic constraints";
        break;
    case 30:
        l->has_name_constraints = true;
        l->name_constraints = x->value;
        *ret_bad = x509_name_constraints_check(x->value, &unhandled);
        break;
    case 31: /* where CRLs are */
    case 32: /* policies */
        break;
    case 35:
        *ret_bad =
            read_authority_key(l, x->value) ? NULL : "x509: invalid authority key identifier";
        break;
    case 37:
        *ret_bad =
            read_extended_key_usage(l, x->value) ? NULL : "x509: invalid extended key usages";
        break;
    default:
        return false;
    }
    return !unhandled;
}

static enum weft_code read_extension(struct x509_link *l, const struct extension *x,
                                     struct weft_err *e)
{
    static const char aia[] = "\x2b\x06\x01\x05\x05\x07\x01\x01";
    const char *bad = NULL;
    bool handled = bytes_eq(x->oid, bytes_of(aia, sizeof(aia) - 1));
    if (x->oid.len == 3 && x->oid.data[0] == 0x55 && x->oid.data[1] == 0x1d)
        handled = read_known(l, x, &bad);
    if (bad != NULL)
        return WEFT_FAIL(e, WEFT_INVALID, "%s", bad);
    l->unknown_critical = l->unknown_critical || (x->critical && !handled);
    return WEFT_OK;
}

static bool take_extension(struct bytes *list, struct extension *ret)
{
    struct der_item seq, oid, value;
    ret->critical = false;
    if (!der_take(list, DER_SEQUENCE, &seq) || !der_take(&seq.content, DER_OID, &oid))
        return false;
    if (der_peek(seq.content, DER_BOOLEAN) && !der_take_boolean(&seq.content, &ret->critical))
        return false;
    if (!der_take(&seq.content, DER_OCTET_STRING, &value))
        return false;
    ret->oid = oid.content;
    ret->value = value.content;
    return true;
}

static enum weft_code read_extensions(struct x509_link *l, struct bytes tbs, struct weft_err *e)
{
    struct der_item outer, list;
    struct extension x[LIMIT_CERT_NAMES];
    size_t count = 0;
    if (!der_peek(tbs, DER_CONTEXT_CONSTRUCTED + 3))
        return WEFT_OK;
    if (!der_take(&tbs, DER_CONTEXT_CONSTRUCTED + 3, &outer) ||
        !der_take(&outer.content, DER_SEQUENCE, &list))
        return WEFT_FAIL(e, WEFT_INVALID, "x509: malformed extensions");
    while (list.content.len > 0) {
        if (count == LIMIT_CERT_NAMES)
            return WEFT_FAIL(e, WEFT_LIMIT, "certificate has more than %d extensions",
                             LIMIT_CERT_NAMES);
        if (!take_extension(&list.content, &x[count]))
            return WEFT_FAIL(e, WEFT_INVALID, "x509: malformed extension");
        for (size_t i = 0; i < count; i++)
            if (bytes_eq(x[i].oid, x[count].oid))
                return WEFT_FAIL(e, WEFT_INVALID,
                                 "x509: certificate contains duplicate extensions");
        count++;
    }
    for (size_t i = 0; i < count; i++)
        WEFT_TRY(read_extension(l, &x[i], e));
    return WEFT_OK;
}

/* ---- the certificate --------------------------------------------------------------------- */

static enum weft_code read_version(struct x509_link *l, struct bytes *tbs, struct weft_err *e)
{
    struct der_item outer;
    int version = 0;
    if (der_peek(*tbs, DER_CONTEXT_CONSTRUCTED) &&
        (!der_take(tbs, DER_CONTEXT_CONSTRUCTED, &outer) ||
         !der_take_int(&outer.content, &version) || version < 0))
        return WEFT_FAIL(e, WEFT_INVALID, "x509: malformed version");
    if (version > 2)
        return WEFT_FAIL(e, WEFT_INVALID, "x509: invalid version");
    l->version = version + 1;
    return WEFT_OK;
}

/* The key's kind; RSA and Ed25519 keys are OpenSSL's, EC keys are cert->key. */
static enum weft_code read_key(struct x509_link *l, struct weft_err *e)
{
    static const char rsa[] = "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", ed25519[] = "\x2b\x65\x70";
    struct bytes rest = l->spki;
    struct der_item seq, algorithm, oid;
    const unsigned char *at = l->spki.data;
    if (l->cert->key != NULL) {
        l->key_kind = X509_KEY_EC;
        return WEFT_OK;
    }
    if (!der_take(&rest, DER_SEQUENCE, &seq) || !der_take(&seq.content, DER_SEQUENCE, &algorithm) ||
        !der_take(&algorithm.content, DER_OID, &oid))
        return WEFT_FAIL(e, WEFT_INVALID, "x509: malformed public key algorithm identifier");
    if (bytes_eq(oid.content, bytes_of(rsa, sizeof(rsa) - 1)))
        l->key_kind = X509_KEY_RSA;
    else if (bytes_eq(oid.content, bytes_of(ed25519, sizeof(ed25519) - 1)))
        l->key_kind = X509_KEY_ED25519;
    else
        return WEFT_OK;
    if (l->key_kind == X509_KEY_RSA && !bytes_eq(algorithm.content, bytes_of("\x05\x00", 2)))
        return WEFT_FAIL(e, WEFT_INVALID, "x509: RSA key missing NULL parameters");
    l->pkey = d2i_PUBKEY(NULL, &at, (long)l->spki.len);
    if (l->pkey == NULL)
        return WEFT_FAIL(e, WEFT_INVALID, "x509: bad public key: %s", openssl_reason());
    return WEFT_OK;
}

static enum weft_code read_tbs(struct x509_link *l, struct bytes tbs, struct bytes outer_algorithm,
                               struct weft_err *e)
{
    struct der_item algorithm, issuer, validity, subject, spki, unique;
    WEFT_TRY(read_version(l, &tbs, e));
    if (!der_take_integer(&tbs, &l->serial))
        return WEFT_FAIL(e, WEFT_INVALID, "x509: malformed serial number");
    if (!der_take(&tbs, DER_SEQUENCE, &algorithm))
        return WEFT_FAIL(e, WEFT_INVALID, "x509: malformed signature algorithm identifier");
    if (!bytes_eq(algorithm.content, outer_algorithm))
        return WEFT_FAIL(e, WEFT_INVALID,
                         "x509: inner and outer signature algorithm identifiers don't match");
    l->algorithm = x509_algorithm_find(algorithm.content);
    if (!der_take(&tbs, DER_SEQUENCE, &issuer))
        return WEFT_FAIL(e, WEFT_INVALID, "x509: malformed issuer");
    WEFT_TRY(check_name(issuer.whole, e));
    if (!der_take(&tbs, DER_SEQUENCE, &validity))
        return WEFT_FAIL(e, WEFT_INVALID, "x509: malformed validity");
    if (!der_take(&tbs, DER_SEQUENCE, &subject))
        return WEFT_FAIL(e, WEFT_INVALID, "x509: malformed issuer");
    WEFT_TRY(check_name(subject.whole, e));
    if (!der_take(&tbs, DER_SEQUENCE, &spki))
        return WEFT_FAIL(e, WEFT_INVALID, "x509: malformed spki");
    l->spki = spki.whole;
    WEFT_TRY(read_key(l, e));
    for (unsigned n = 1; n <= 2; n++)
        if (l->version > 1 && der_peek(tbs, (uint8_t)(DER_CONTEXT + n)) && !der_next(&tbs, &unique))
            return WEFT_FAIL(e, WEFT_INVALID, "x509: malformed issuerUniqueID");
    return l->version == 3 ? read_extensions(l, tbs, e) : WEFT_OK;
}

static enum weft_code read_all(struct x509_link *l, struct weft_err *e)
{
    struct bytes rest = l->cert->der;
    struct der_item whole, tbs, algorithm;
    if (!der_take(&rest, DER_SEQUENCE, &whole))
        return WEFT_FAIL(e, WEFT_INVALID, "x509: malformed certificate");
    if (!der_take(&whole.content, DER_SEQUENCE, &tbs))
        return WEFT_FAIL(e, WEFT_INVALID, "x509: malformed tbs certificate");
    if (!der_take(&whole.content, DER_SEQUENCE, &algorithm))
        return WEFT_FAIL(e, WEFT_INVALID, "x509: malformed algorithm identifier");
    l->tbs = tbs.whole;
    l->algorithm_der = algorithm.whole;
    WEFT_TRY(read_tbs(l, tbs.content, algorithm.content, e));
    if (!der_take_bits(&whole.content, &l->signature))
        return WEFT_FAIL(e, WEFT_INVALID, "x509: malformed signature");
    return WEFT_OK;
}

enum weft_code x509_link_parse(struct bytes der, struct x509_link **ret, struct weft_err *e)
{
    WEFT_CLEANUP(x509_link_unref) struct x509_link *l = weft_alloc(sizeof(*l));
    struct bytes rest = der;
    struct der_item whole;
    atomic_init(&l->refs, 1);
    l->path_len = -1;
    if (!der_take(&rest, DER_SEQUENCE, &whole))
        return WEFT_FAIL(e, WEFT_INVALID, "x509: malformed certificate");
    WEFT_TRY(x509_cert_parse(der, &l->cert, e));
    WEFT_TRY(read_all(l, e));
    *ret = WEFT_TAKE(l);
    return WEFT_OK;
}

struct x509_link *x509_link_ref(struct x509_link *link)
{
    (void)atomic_fetch_add_explicit(&link->refs, 1, memory_order_relaxed);
    return link;
}

void x509_link_unref(struct x509_link *link)
{
    if (link == NULL || atomic_fetch_sub_explicit(&link->refs, 1, memory_order_acq_rel) != 1)
        return;
    EVP_PKEY_free(link->pkey);
    x509_cert_unref(link->cert);
    free(link);
}

bool x509_link_is_ecdsa_signed(const struct x509_link *link)
{
    return x509_algorithm_is_ecdsa(link->algorithm);
}

enum weft_code x509_link_check_signature(const struct x509_link *child,
                                         const struct x509_link *parent, struct weft_err *e)
{
    if ((parent->version == 3 && !parent->has_basic_constraints) ||
        (parent->has_basic_constraints && !parent->is_ca) ||
        (parent->has_key_usage && !parent->may_sign_certs))
        return WEFT_FAIL(e, WEFT_FORBIDDEN,
                         "x509: invalid signature: parent certificate cannot sign this kind of "
                         "certificate");
    return x509_algorithm_check(child->algorithm, child->tbs, child->signature, parent, false, e);
}

enum weft_code x509_link_low_s(struct x509_link *child, const struct x509_link *parent,
                               struct x509_link **ret, struct weft_err *e)
{
    struct ecdsa_signature s;
    uint8_t room[ECDSA_SCALAR_MAX], der[ECDSA_SIGNATURE_MAX];
    WEFT_TRY(ecdsa_signature_parse(child->signature, &s, e));
    if (parent->cert->key == NULL || s.r.len > ECDSA_SCALAR_MAX || s.s.len > ECDSA_SCALAR_MAX)
        return WEFT_FAIL(e, WEFT_INVALID, "x509: ECDSA verification failure");
    if (ecdsa_is_low_s(parent->cert->key, &s)) {
        *ret = x509_link_ref(child);
        return WEFT_OK;
    }
    ecdsa_make_low_s(parent->cert->key, &s, room);
    WEFT_CLEANUP(buf_done) struct buf content = { 0 };
    WEFT_CLEANUP(buf_done) struct buf bits = { 0 };
    WEFT_CLEANUP(buf_done) struct buf whole = { 0 };
    buf_put_u8(&bits, 0);
    buf_put(&bits, bytes_of(der, ecdsa_signature_write(&s, der)));
    buf_put(&content, child->tbs);
    buf_put(&content, child->algorithm_der);
    der_put(&content, DER_BIT_STRING, buf_bytes(&bits));
    der_put(&whole, DER_SEQUENCE, buf_bytes(&content));
    return x509_link_parse(buf_bytes(&whole), ret, e);
}

char *x509_time_text(int64_t seconds)
{
    time_t t = (time_t)seconds;
    struct tm tm = { 0 };
    char text[64] = "";
    if (gmtime_r(&t, &tm) != NULL)
        (void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
    return weft_strdup(text);
}
