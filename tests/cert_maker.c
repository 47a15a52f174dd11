#include "cert_maker.h"

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

struct made_cert {
    X509 *x;
    EVP_PKEY *key;
    struct buf pem, der;
};

enum {
    FIRST_SERIAL = 1000,
    RSA_BITS = 2048
};
static const int64_t year_2020 = 1577836800, year_2030 = 1893456000;

static EVP_PKEY *make_key(enum cert_key kind)
{
    EVP_PKEY *key = kind == CERT_KEY_RSA       ? EVP_RSA_gen(RSA_BITS)
                    : kind == CERT_KEY_ED25519 ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
                    : kind == CERT_KEY_P384    ? EVP_EC_gen("P-384")
                                               : EVP_EC_gen("P-256");
    WEFT_ASSERT(key != NULL);
    return key;
}

/* ---- signatures -------------------------------------------------------------------------- */

/* s or n-s, whichever is on the side that is wanted. */
static void put_side(EVP_PKEY *key, struct bytes der, bool high_s, struct buf *out)
{
    const uint8_t *at = der.data;
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)der.len);
    BIGNUM *order = NULL, *half = BN_new(), *r, *s;
    WEFT_ASSERT(sig != NULL && EVP_PKEY_get_bn_param(key, "order", &order) == 1);
    WEFT_ASSERT(BN_rshift1(half, order) == 1);
    r = BN_dup(ECDSA_SIG_get0_r(sig));
    s = BN_dup(ECDSA_SIG_get0_s(sig));
    if ((BN_cmp(s, half) > 0) != high_s)
        WEFT_ASSERT(BN_sub(s, order, s) == 1);
    WEFT_ASSERT(ECDSA_SIG_set0(sig, r, s) == 1);
    int len = i2d_ECDSA_SIG(sig, NULL);
    uint8_t *to = buf_reserve(out, (size_t)len);
    (void)i2d_ECDSA_SIG(sig, &to);
    out->len += (size_t)len;
    ECDSA_SIG_free(sig);
    BN_free(order);
    BN_free(half);
}

/* A zero before r where none belongs. */
static void put_long_integer(struct bytes der, struct buf *out)
{
    size_t r_len = der.data[3];
    buf_put_u8(out, 0x30);
    buf_put_u8(out, (uint8_t)(der.data[1] + 1));
    buf_put_u8(out, 0x02);
    buf_put_u8(out, (uint8_t)(r_len + 1));
    buf_put_u8(out, 0x00);
    buf_put(out, bytes_skip(der, 4));
}

/* What Fabric's own reader of signatures passes over, and Go's does not. */
static void put_extra_element(struct bytes der, struct buf *out)
{
    buf_put_u8(out, 0x30);
    buf_put_u8(out, (uint8_t)(der.data[1] + 2));
    buf_put(out, bytes_skip(der, 2));
    buf_put(out, bytes_of("\x05\x00", 2));
}

static void change_signature(X509 *x, EVP_PKEY *issuer, unsigned odd)
{
    const ASN1_BIT_STRING *sig;
    WEFT_CLEANUP(buf_done) struct buf side = { 0 };
    WEFT_CLEANUP(buf_done) struct buf longer = { 0 };
    X509_get0_signature(&sig, NULL, x);
    struct bytes der = bytes_of(ASN1_STRING_get0_data(sig), (size_t)ASN1_STRING_length(sig));
    if (EVP_PKEY_get_base_id(issuer) == EVP_PKEY_EC)
        put_side(issuer, der, (odd & CERT_HIGH_S) != 0, &side);
    else
        buf_put(&side, der);
    if (odd & CERT_BAD_SIGNATURE)
        side.data[side.len - 1] ^= 1;
    if (odd & CERT_LONG_INTEGER)
        put_long_integer(buf_bytes(&side), &longer);
    if (odd & CERT_EXTRA_ELEMENT)
        put_extra_element(buf_bytes(&side), &longer);
    const struct buf *b = longer.len > 0 ? &longer : &side;
    union {
        const ASN1_BIT_STRING *given;
        ASN1_BIT_STRING *ours;
    } it = { sig };
    WEFT_ASSERT(ASN1_STRING_set(it.ours, b->data, (int)b->len) == 1);
}

static void sign(X509 *x, EVP_PKEY *key, unsigned odd)
{
    bool plain = EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pctx = NULL;
    const EVP_MD *md = plain ? NULL : odd & CERT_SHA1 ? EVP_sha1() : EVP_sha256();
    WEFT_ASSERT(EVP_DigestSignInit(ctx, &pctx, md, NULL, key) == 1);
    if (odd & CERT_PSS)
        WEFT_ASSERT(EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1 &&
                    EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST) == 1);
    WEFT_ASSERT(X509_sign_ctx(x, ctx) > 0);
    EVP_MD_CTX_free(ctx);
}

/* ---- certificates ------------------------------------------------------------------------ */

static void add_text(X509_NAME *name, const char *field, struct bytes text)
{
    WEFT_ASSERT(X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, text.data, (int)text.len, -1,
                                           0) == 1);
}

static void put_subject(X509 *x, const struct cert_order *o)
{
    X509_NAME *name = X509_get_subject_name(x);
    for (const char *at = o->units; at != NULL && *at != '\0';) {
        size_t len = strcspn(at, ",");
        add_text(name, "OU", bytes_of(at, len));
        at += len + (at[len] == ',' ? 1 : 0);
    }
    add_text(name, "CN", bytes_of_str(o->name));
}

static void add_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    WEFT_ASSERT(ext != NULL && X509_add_ext(x, ext, -1) == 1);
    X509_EXTENSION_free(ext);
}

static void add_octets(X509 *x, const char *oid, bool critical, struct bytes value)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
    WEFT_ASSERT(ASN1_OCTET_STRING_set(octets, value.data, (int)value.len) == 1);
    X509_EXTENSION *ext = X509_EXTENSION_create_by_OBJ(NULL, object, critical, octets);
    WEFT_ASSERT(ext != NULL && X509_add_ext(x, ext, -1) == 1);
    X509_EXTENSION_free(ext);
    ASN1_OCTET_STRING_free(octets);
    ASN1_OBJECT_free(object);
}

static void put_extensions(X509 *x, const struct cert_order *o)
{
    static const char other_aki[] = "\x30\x06\x80\x04none";
    X509 *issuer = o->issuer != NULL ? o->issuer->x : x;
    char constraints[64];
    (void)snprintf(constraints, sizeof(constraints),
                   o->path_len_plus_1 > 0 ? "%s,pathlen:%d" : "%s",
                   o->is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE", o->path_len_plus_1 - 1);
    if (!(o->odd & CERT_NO_CONSTRAINTS))
        add_extension(x, issuer, NID_basic_constraints, constraints);
    bool signs = o->is_ca && !(o->odd & CERT_MAY_NOT_SIGN);
    add_extension(x, issuer, NID_key_usage,
                  signs ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
    if (!(o->odd & CERT_NO_SKI))
        add_extension(x, issuer, NID_subject_key_identifier, "hash");
    if (o->odd & CERT_OTHER_AKI)
        add_octets(x, "2.5.29.35", false, bytes_of(other_aki, sizeof(other_aki) - 1));
    else if (!(o->odd & CERT_NO_AKI) && X509_get0_subject_key_id(issuer) != NULL)
        add_extension(x, issuer, NID_authority_key_identifier, "keyid");
    if (o->eku != NULL)
        add_extension(x, issuer, NID_ext_key_usage, o->eku);
    if (o->san != NULL)
        add_extension(x, issuer, NID_subject_alt_name, o->san);
    if (o->name_constraints != NULL)
        add_extension(x, issuer, NID_name_constraints, o->name_constraints);
    if (o->odd & CERT_UNKNOWN_CRITICAL)
        add_octets(x, "1.2.3.4", true, bytes_of_str("\x05"));
}

static void encode(struct made_cert *c)
{
    uint8_t *der = NULL;
    int len = i2d_X509(c->x, &der);
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    WEFT_ASSERT(len > 0 && PEM_write_bio_X509(bio, c->x) == 1);
    buf_put(&c->der, bytes_of(der, (size_t)len));
    size_t text_len = (size_t)BIO_get_mem_data(bio, &text);
    buf_put(&c->pem, bytes_of(text, text_len));
    OPENSSL_free(der);
    BIO_free(bio);
}

struct made_cert *cert_make(const struct cert_order *o)
{
    static long next_serial = FIRST_SERIAL;
    struct made_cert *c = weft_alloc(sizeof(*c));
    c->key = o->same_key != NULL ? o->same_key->key : make_key(o->key);
    if (o->same_key != NULL)
        WEFT_ASSERT(EVP_PKEY_up_ref(c->key) == 1);
    X509 *x = c->x = X509_new();
    EVP_PKEY *issuer_key = o->issuer != NULL ? o->issuer->key : c->key;
    bool is_v1 = (o->odd & CERT_VERSION_1) != 0;
    WEFT_ASSERT(X509_set_version(x, is_v1 ? X509_VERSION_1 : X509_VERSION_3) == 1);
    long serial = o->serial != 0 ? o->serial : next_serial++;
    WEFT_ASSERT(ASN1_INTEGER_set(X509_get_serialNumber(x), serial) == 1);
    WEFT_ASSERT(ASN1_TIME_set(X509_getm_notBefore(x),
                              o->not_before != 0 ? o->not_before : year_2020) != NULL);
    WEFT_ASSERT(
        ASN1_TIME_set(X509_getm_notAfter(x), o->not_after != 0 ? o->not_after : year_2030) != NULL);
    put_subject(x, o);
    WEFT_ASSERT(
        X509_set_issuer_name(x, X509_get_subject_name(o->issuer != NULL ? o->issuer->x : x)) == 1);
    WEFT_ASSERT(X509_set_pubkey(x, c->key) == 1);
    if (!is_v1)
        put_extensions(x, o);
    sign(x, issuer_key, o->odd);
    change_signature(x, issuer_key, o->odd);
    encode(c);
    return c;
}

void made_cert_free(struct made_cert *c)
{
    if (c == NULL)
        return;
    X509_free(c->x);
    EVP_PKEY_free(c->key);
    buf_done(&c->pem);
    buf_done(&c->der);
    free(c);
}

struct bytes made_cert_pem(const struct made_cert *c)
{
    return buf_bytes(&c->pem);
}

struct bytes made_cert_der(const struct made_cert *c)
{
    return buf_bytes(&c->der);
}

long made_cert_serial(const struct made_cert *c)
{
    return ASN1_INTEGER_get(X509_get0_serialNumber(c->x));
}

void made_cert_key(const struct made_cert *c, struct buf *out)
{
    uint8_t *der = NULL;
    int len = i2d_PrivateKey(c->key, &der);
    WEFT_ASSERT(len > 0);
    buf_put(out, bytes_of(der, (size_t)len));
    OPENSSL_free(der);
}

void made_cert_sign(const struct made_cert *c, struct bytes message, bool high_s, struct buf *out)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t der[512];
    size_t len = sizeof(der);
    WEFT_ASSERT(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, c->key) == 1);
    WEFT_ASSERT(EVP_DigestSign(ctx, der, &len, message.data, message.len) == 1);
    EVP_MD_CTX_free(ctx);
    if (EVP_PKEY_get_base_id(c->key) == EVP_PKEY_EC)
        put_side(c->key, bytes_of(der, len), high_s, out);
    else
        buf_put(out, bytes_of(der, len));
}

/* ---- CRLs -------------------------------------------------------------------------------- */

static void revoke(X509_CRL *crl, long serial)
{
    X509_REVOKED *r = X509_REVOKED_new();
    ASN1_INTEGER *n = ASN1_INTEGER_new();
    ASN1_TIME *when = ASN1_TIME_set(NULL, year_2030); /* only then, but dates do not count */
    WEFT_ASSERT(ASN1_INTEGER_set(n, serial) == 1 && X509_REVOKED_set_serialNumber(r, n) == 1);
    WEFT_ASSERT(X509_REVOKED_set_revocationDate(r, when) == 1 &&
                X509_CRL_add0_revoked(crl, r) == 1);
    ASN1_INTEGER_free(n);
    ASN1_TIME_free(when);
}

static void change_crl_signature(X509_CRL *crl, EVP_PKEY *key, unsigned odd)
{
    const ASN1_BIT_STRING *sig;
    WEFT_CLEANUP(buf_done) struct buf side = { 0 };
    X509_CRL_get0_signature(crl, &sig, NULL);
    put_side(key, bytes_of(ASN1_STRING_get0_data(sig), (size_t)ASN1_STRING_length(sig)),
             (odd & CRL_HIGH_S) != 0, &side);
    union {
        const ASN1_BIT_STRING *given;
        ASN1_BIT_STRING *ours;
    } it = { sig };
    WEFT_ASSERT(ASN1_STRING_set(it.ours, side.data, (int)side.len) == 1);
}

static void put_crl(X509_CRL *crl, unsigned odd, struct buf *out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    WEFT_ASSERT((odd & CRL_DER ? i2d_X509_CRL_bio(bio, crl) : PEM_write_bio_X509_CRL(bio, crl)) ==
                1);
    size_t len = (size_t)BIO_get_mem_data(bio, &text);
    buf_put(out, bytes_of(text, len));
    BIO_free(bio);
}

void crl_make(const struct made_cert *ca, const struct made_cert *signer, const long *serials,
              size_t count, unsigned odd, struct buf *out)
{
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *when = ASN1_TIME_set(NULL, year_2020);
    X509V3_CTX ctx;
    WEFT_ASSERT(X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1);
    WEFT_ASSERT(X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca->x)) == 1);
    WEFT_ASSERT(X509_CRL_set1_lastUpdate(crl, when) == 1 &&
                X509_CRL_set1_nextUpdate(crl, when) == 1);
    for (size_t i = 0; i < count; i++)
        revoke(crl, serials[i]);
    if (!(odd & CRL_NO_AKI)) {
        X509V3_set_ctx(&ctx, ca->x, NULL, NULL, crl, 0);
        X509_EXTENSION *ext =
            X509V3_EXT_conf_nid(NULL, &ctx, NID_authority_key_identifier, "keyid");
        WEFT_ASSERT(ext != NULL && X509_CRL_add_ext(crl, ext, -1) == 1);
        X509_EXTENSION_free(ext);
    }
    WEFT_ASSERT(X509_CRL_sort(crl) == 1 && X509_CRL_sign(crl, signer->key, EVP_sha256()) > 0);
    change_crl_signature(crl, signer->key, odd);
    put_crl(crl, odd, out);
    ASN1_TIME_free(when);
    X509_CRL_free(crl);
}
