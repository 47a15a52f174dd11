#include "crypto/cert_make.h"

#include "crypto/openssl_glue.h"
#include "crypto/random.h"
#include "crypto/x509.h"

#include <arpa/inet.h>
#include <openssl/x509v3.h>

enum {
    SERIAL_BYTES = 16,
    TAG_SEQUENCE = 0x30,
    TAG_BIT_STRING = 0x03,
};

WEFT_DEFINE_CLEANUP(ASN1_OCTET_STRING *, ASN1_OCTET_STRING_free)
WEFT_DEFINE_CLEANUP(ASN1_BIT_STRING *, ASN1_BIT_STRING_free)
WEFT_DEFINE_CLEANUP(EXTENDED_KEY_USAGE *, EXTENDED_KEY_USAGE_free)
WEFT_DEFINE_CLEANUP(BASIC_CONSTRAINTS *, BASIC_CONSTRAINTS_free)
WEFT_DEFINE_CLEANUP(AUTHORITY_KEYID *, AUTHORITY_KEYID_free)
WEFT_DEFINE_CLEANUP(GENERAL_NAMES *, GENERAL_NAMES_free)

static enum weft_code failed(struct weft_err *e)
{
    return WEFT_FAIL(e, WEFT_INVALID, "can't make a certificate: %s", openssl_reason());
}

/* ---- the subject ------------------------------------------------------------------------------ */

/* What fits PrintableString is one, as in Go. */
static int string_type(const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                     (*c >= '0' && *c <= '9') || strchr(" '()+,-./:=?", *c) != NULL;
        if (!plain)
            return V_ASN1_UTF8STRING;
    }
    return V_ASN1_PRINTABLESTRING;
}

/* set 0: a name of its own; -1: beside the one before. */
static bool add_name(X509_NAME *name, int nid, const char *text, int set)
{
    if (text == NULL || text[0] == '\0')
        return true;
    return X509_NAME_add_entry_by_NID(name, nid, string_type(text), (const unsigned char *)text,
                                      (int)strlen(text), -1, set) == 1;
}

static bool add_units(X509_NAME *name, const struct cert_texts *units)
{
    bool good = true;
    for (size_t i = 0; i < units->count && good; i++)
        good = add_name(name, NID_organizationalUnitName, units->at[i], i == 0 ? 0 : -1);
    return good;
}

static bool set_subject(X509 *x, const struct cert_subject *s)
{
    X509_NAME *name = X509_get_subject_name(x);
    return add_name(name, NID_countryName, s->country, 0) &&
           add_name(name, NID_stateOrProvinceName, s->province, 0) &&
           add_name(name, NID_localityName, s->locality, 0) &&
           add_name(name, NID_streetAddress, s->street, 0) &&
           add_name(name, NID_postalCode, s->postal_code, 0) &&
           add_name(name, NID_organizationName, s->organization, 0) && add_units(name, &s->units) &&
           add_name(name, NID_commonName, s->common_name, 0);
}

/* ---- extensions -------------------------------------------------------------------------------- */

static bool add_usage(X509 *x, unsigned usage)
{
    static const struct {
        enum cert_usage usage;
        int bit;
    } bits[] = { { CERT_DIGITAL_SIGNATURE, 0 },
                 { CERT_KEY_ENCIPHERMENT, 2 },
                 { CERT_SIGN, 5 },
                 { CERT_CRL_SIGN, 6 } };
    WEFT_CLEANUP(ASN1_BIT_STRING_free) ASN1_BIT_STRING *b = ASN1_BIT_STRING_new();
    bool good = b != NULL;
    for (size_t i = 0; i < WEFT_ARRAY_LEN(bits) && good; i++)
        if ((usage & bits[i].usage) != 0)
            good = ASN1_BIT_STRING_set_bit(b, bits[i].bit, 1) == 1;
    return good && (usage == 0 || X509_add1_ext_i2d(x, NID_key_usage, b, 1, 0) == 1);
}

static bool add_extended_usage(X509 *x, const struct cert_plan *p)
{
    WEFT_CLEANUP(EXTENDED_KEY_USAGE_free) EXTENDED_KEY_USAGE *list = EXTENDED_KEY_USAGE_new();
    bool good = list != NULL;
    for (int i = 0; i < 2 && good; i++) {
        bool server = (i == 0) == p->server_first;
        if (server ? p->server_auth : p->client_auth)
            good = sk_ASN1_OBJECT_push(list,
                                       OBJ_nid2obj(server ? NID_server_auth : NID_client_auth)) > 0;
    }
    return good && (sk_ASN1_OBJECT_num(list) == 0 ||
                    X509_add1_ext_i2d(x, NID_ext_key_usage, list, 0, 0) == 1);
}

static bool add_constraints(X509 *x, bool is_ca)
{
    WEFT_CLEANUP(BASIC_CONSTRAINTS_free) BASIC_CONSTRAINTS *b = BASIC_CONSTRAINTS_new();
    if (b == NULL)
        return false;
    b->ca = is_ca ? 0xff : 0;
    return X509_add1_ext_i2d(x, NID_basic_constraints, b, 1, 0) == 1;
}

static bool add_key_ids(X509 *x, const struct cert_plan *p, const struct public_key *key,
                        const struct x509_cert *issuer)
{
    struct digest ski = public_key_ski(key);
    WEFT_CLEANUP(ASN1_OCTET_STRING_free) ASN1_OCTET_STRING *own = ASN1_OCTET_STRING_new();
    WEFT_CLEANUP(AUTHORITY_KEYID_free) AUTHORITY_KEYID *above = AUTHORITY_KEYID_new();
    if (own == NULL || above == NULL)
        return false;
    if (p->is_ca && (ASN1_OCTET_STRING_set(own, ski.b, sizeof(ski.b)) != 1 ||
                     X509_add1_ext_i2d(x, NID_subject_key_identifier, own, 0, 0) != 1))
        return false;
    if (issuer == NULL || issuer->ski.len == 0)
        return true;
    above->keyid = ASN1_OCTET_STRING_new();
    return above->keyid != NULL &&
           ASN1_OCTET_STRING_set(above->keyid, issuer->ski.data, (int)issuer->ski.len) == 1 &&
           X509_add1_ext_i2d(x, NID_authority_key_identifier, above, 0, 0) == 1;
}

/* Its length, 0 if it is none.  ::ffff:10.0.0.1 is 10.0.0.1, as in Go. */
static size_t parse_address(const char *text, uint8_t ret[sizeof(struct in6_addr)])
{
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
    if (inet_pton(AF_INET, text, ret) == 1)
        return sizeof(struct in_addr);
    if (inet_pton(AF_INET6, text, ret) != 1)
        return 0;
    if (memcmp(ret, mapped, sizeof(mapped)) != 0)
        return sizeof(struct in6_addr);
    memmove(ret, ret + sizeof(mapped), sizeof(struct in_addr));
    return sizeof(struct in_addr);
}

static GENERAL_NAME *general_name(const char *text)
{
    uint8_t address[sizeof(struct in6_addr)];
    size_t len = parse_address(text, address);
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_STRING *value = len > 0 ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();
    if (name == NULL || value == NULL)
        abort(); /* out of memory */
    (void)ASN1_STRING_set(value, len > 0 ? (const void *)address : text,
                          (int)(len > 0 ? len : strlen(text)));
    GENERAL_NAME_set0_value(name, len > 0 ? GEN_IPADD : GEN_DNS, value);
    return name;
}

/* A host name is in ASCII. */
static enum weft_code check_names(const struct cert_texts *names, struct weft_err *e)
{
    for (size_t i = 0; i < names->count; i++)
        for (const char *c = names->at[i]; *c != '\0'; c++)
            if ((unsigned char)*c >= 0x80)
                return WEFT_FAIL(e, WEFT_INVALID, "\"%s\" cannot be encoded as an IA5String",
                                 names->at[i]);
    return WEFT_OK;
}

/* Host names, then addresses. */
static bool add_names(X509 *x, const struct cert_texts *names)
{
    WEFT_CLEANUP(GENERAL_NAMES_free) GENERAL_NAMES *list = GENERAL_NAMES_new();
    bool good = list != NULL;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < names->count && good; i++) {
            GENERAL_NAME *one = general_name(names->at[i]);
            if ((one->type == GEN_IPADD) == (pass == 1))
                good = sk_GENERAL_NAME_push(list, one) > 0;
            else
                GENERAL_NAME_free(one);
        }
    return good &&
           (names->count == 0 || X509_add1_ext_i2d(x, NID_subject_alt_name, list, 0, 0) == 1);
}

static bool add_extensions(X509 *x, const struct cert_plan *p, const struct public_key *key,
                           const struct x509_cert *issuer)
{
    return add_usage(x, p->usage) && add_extended_usage(x, p) && add_constraints(x, p->is_ca) &&
           add_key_ids(x, p, key, issuer) && add_names(x, &p->names);
}

/* ---- the whole ----------------------------------------------------------------------------------- */

static bool set_serial(X509 *x)
{
    uint8_t bytes[SERIAL_BYTES];
    struct weft_err e;
    if (random_bytes(bytes, sizeof(bytes), &e) != WEFT_OK)
        return false;
    WEFT_CLEANUP(BN_free) BIGNUM *n = BN_bin2bn(bytes, sizeof(bytes), NULL);
    return n != NULL && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)) != NULL;
}

static bool set_issuer(X509 *x, const struct x509_cert *issuer)
{
    if (issuer == NULL)
        return X509_set_issuer_name(x, X509_get_subject_name(x)) == 1;
    const unsigned char *at = issuer->subject_der.data;
    WEFT_CLEANUP(X509_NAME_free)
    X509_NAME *name = d2i_X509_NAME(NULL, &at, (long)issuer->subject_der.len);
    return name != NULL && X509_set_issuer_name(x, name) == 1;
}

static bool set_key(X509 *x, const struct public_key *key)
{
    struct bytes spki = public_key_spki(key);
    const unsigned char *at = spki.data;
    WEFT_CLEANUP(EVP_PKEY_free) EVP_PKEY *pkey = d2i_PUBKEY(NULL, &at, (long)spki.len);
    return pkey != NULL && X509_set_pubkey(x, pkey) == 1;
}

static bool set_times(X509 *x, const struct cert_plan *p)
{
    return ASN1_TIME_set(X509_getm_notBefore(x), p->not_before_s) != NULL &&
           ASN1_TIME_set(X509_getm_notAfter(x), p->not_after_s) != NULL;
}

/* The algorithm stands in the signed part too. */
static bool set_algorithm(X509 *x)
{
    X509_ALGOR *inner = (X509_ALGOR *)X509_get0_tbs_sigalg(x);
    return X509_ALGOR_set0(inner, OBJ_nid2obj(NID_ecdsa_with_SHA256), V_ASN1_UNDEF, NULL) == 1;
}

static void put_der(struct buf *out, uint8_t tag, struct bytes content)
{
    buf_put_u8(out, tag);
    if (content.len < 0x80) {
        buf_put_u8(out, (uint8_t)content.len);
    } else if (content.len < 0x100) {
        buf_put_u8(out, 0x81);
        buf_put_u8(out, (uint8_t)content.len);
    } else {
        buf_put_u8(out, 0x82);
        buf_put_u8(out, (uint8_t)(content.len >> 8));
        buf_put_u8(out, (uint8_t)content.len);
    }
    buf_put(out, content);
}

/* Certificate { tbs, ecdsa-with-SHA256, BIT STRING signature } */
static enum weft_code sign(X509 *x, const struct private_key *signer, struct buf *ret_der,
                           struct weft_err *e)
{
    static const uint8_t algorithm[] = { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
                                         0x48, 0xce, 0x3d, 0x04, 0x03, 0x02 };
    WEFT_CLEANUP(buf_done) struct buf signature = { 0 };
    WEFT_CLEANUP(buf_done) struct buf content = { 0 };
    unsigned char *tbs = NULL;
    int len = i2d_re_X509_tbs(x, &tbs);
    if (len <= 0 || len > UINT16_MAX)
        return failed(e);
    buf_put(&content, bytes_of(tbs, (size_t)len));
    OPENSSL_free(tbs);
    struct digest d = sha256_of(buf_bytes(&content));
    buf_put_u8(&signature, 0); /* no unused bits */
    WEFT_TRY(private_key_sign(signer, digest_bytes(&d), &signature, e));
    buf_put(&content, bytes_of(algorithm, sizeof(algorithm)));
    put_der(&content, TAG_BIT_STRING, buf_bytes(&signature));
    put_der(ret_der, TAG_SEQUENCE, buf_bytes(&content));
    return WEFT_OK;
}

enum weft_code cert_make(const struct cert_plan *plan, const struct public_key *key,
                         const struct x509_cert *issuer, const struct private_key *signer,
                         struct buf *ret_der, struct weft_err *e)
{
    WEFT_TRY(check_names(&plan->names, e));
    WEFT_CLEANUP(X509_free) X509 *x = X509_new();
    if (x == NULL || X509_set_version(x, 2) != 1 || !set_serial(x) || !set_algorithm(x) ||
        !set_subject(x, &plan->subject) || !set_issuer(x, issuer) || !set_times(x, plan) ||
        !set_key(x, key) || !add_extensions(x, plan, key, issuer))
        return failed(e);
    return sign(x, signer, ret_der, e);
}
