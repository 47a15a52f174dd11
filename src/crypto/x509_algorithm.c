#include "crypto/der.h"
#include "crypto/openssl_glue.h"
#include "crypto/x509_link.h"

#include <openssl/rsa.h>

struct x509_algorithm {
    const char *name;
    const char *oid; /* the OBJECT IDENTIFIER's content */
    size_t oid_len;
    enum x509_key_kind key;
    const char *digest; /* NULL: none, or one that is not to be had */
    bool insecure, sha1, pss;
};

#define OID(s) s, sizeof(s) - 1

static const struct x509_algorithm algorithms[] = {
    { "ECDSA-SHA256", OID("\x2a\x86\x48\xce\x3d\x04\x03\x02"), X509_KEY_EC, "SHA256", false, false,
      false },
    { "ECDSA-SHA384", OID("\x2a\x86\x48\xce\x3d\x04\x03\x03"), X509_KEY_EC, "SHA384", false, false,
      false },
    { "ECDSA-SHA512", OID("\x2a\x86\x48\xce\x3d\x04\x03\x04"), X509_KEY_EC, "SHA512", false, false,
      false },
    { "ECDSA-SHA1", OID("\x2a\x86\x48\xce\x3d\x04\x01"), X509_KEY_EC, "SHA1", false, true, false },
    { "SHA256-RSA", OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b"), X509_KEY_RSA, "SHA256", false,
      false, false },
    { "SHA384-RSA", OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c"), X509_KEY_RSA, "SHA384", false,
      false, false },
    { "SHA512-RSA", OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d"), X509_KEY_RSA, "SHA512", false,
      false, false },
    { "SHA1-RSA", OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05"), X509_KEY_RSA, "SHA1", false, true,
      false },
    { "SHA1-RSA", OID("\x2b\x0e\x03\x02\x1d"), X509_KEY_RSA, "SHA1", false, true, false },
    { "MD5-RSA", OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x04"), X509_KEY_RSA, "MD5", true, false,
      false },
    { "Ed25519", OID("\x2b\x65\x70"), X509_KEY_ED25519, NULL, false, false, false },
    { "SHA256-RSAPSS", OID("\x60\x86\x48\x01\x65\x03\x04\x02\x01"), X509_KEY_RSA, "SHA256", false,
      false, true },
    { "SHA384-RSAPSS", OID("\x60\x86\x48\x01\x65\x03\x04\x02\x02"), X509_KEY_RSA, "SHA384", false,
      false, true },
    { "SHA512-RSAPSS", OID("\x60\x86\x48\x01\x65\x03\x04\x02\x03"), X509_KEY_RSA, "SHA512", false,
      false, true },
};

/* An AlgorithmIdentifier whose parameters are NULL or missing: its OID. */
static bool take_plain_algorithm(struct bytes *rest, struct bytes *ret_oid)
{
    struct der_item seq, oid;
    if (!der_take(rest, DER_SEQUENCE, &seq) || !der_take(&seq.content, DER_OID, &oid))
        return false;
    *ret_oid = oid.content;
    return seq.content.len == 0 || bytes_eq(seq.content, bytes_of("\x05\x00", 2));
}

/* RSASSA-PSS-params as Go takes them: the two hashes are one, the salt is as
 * long as it.  The row's OID is the hash's. */
static const struct x509_algorithm *find_pss(struct bytes parameters)
{
    static const char mgf1[] = "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08";
    struct der_item seq, hash, mgf, salt, function, oid;
    struct bytes hash_oid, mgf_hash_oid;
    int salt_len, trailer = 1;
    if (!der_take(&parameters, DER_SEQUENCE, &seq) ||
        !der_take(&seq.content, DER_CONTEXT_CONSTRUCTED, &hash) ||
        !der_take(&seq.content, DER_CONTEXT_CONSTRUCTED + 1, &mgf) ||
        !der_take(&seq.content, DER_CONTEXT_CONSTRUCTED + 2, &salt) ||
        !take_plain_algorithm(&hash.content, &hash_oid) ||
        !der_take(&mgf.content, DER_SEQUENCE, &function) ||
        !der_take(&function.content, DER_OID, &oid) ||
        !bytes_eq(oid.content, bytes_of(mgf1, sizeof(mgf1) - 1)) ||
        !take_plain_algorithm(&function.content, &mgf_hash_oid) ||
        !bytes_eq(hash_oid, mgf_hash_oid) || !der_take_int(&salt.content, &salt_len))
        return NULL;
    if (der_take(&seq.content, DER_CONTEXT_CONSTRUCTED + 3, &salt) &&
        (!der_take_int(&salt.content, &trailer) || trailer != 1))
        return NULL;
    for (size_t i = 0; i < WEFT_ARRAY_LEN(algorithms); i++) {
        const struct x509_algorithm *a = &algorithms[i];
        int wanted = hash_oid.len == 0 ? 0 : 16 + 16 * hash_oid.data[hash_oid.len - 1];
        if (a->pss && bytes_eq(hash_oid, bytes_of(a->oid, a->oid_len)) && salt_len == wanted)
            return a;
    }
    return NULL;
}

const struct x509_algorithm *x509_algorithm_find(struct bytes identifier)
{
    static const char pss[] = "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a";
    struct der_item oid;
    if (!der_take(&identifier, DER_OID, &oid))
        return NULL;
    if (bytes_eq(oid.content, bytes_of(pss, sizeof(pss) - 1)))
        return find_pss(identifier);
    for (size_t i = 0; i < WEFT_ARRAY_LEN(algorithms); i++) {
        const struct x509_algorithm *a = &algorithms[i];
        if (a->pss || !bytes_eq(oid.content, bytes_of(a->oid, a->oid_len)))
            continue;
        return a->key == X509_KEY_ED25519 && identifier.len > 0 ? NULL : a;
    }
    return NULL;
}

bool x509_algorithm_is_ecdsa(const struct x509_algorithm *a)
{
    return a != NULL && a->key == X509_KEY_EC;
}

static enum weft_code check_ecdsa(struct public_key *key, struct bytes digest,
                                  struct bytes signature, struct weft_err *e)
{
    struct ecdsa_signature s;
    uint8_t der[ECDSA_SIGNATURE_MAX];
    bool good = ecdsa_signature_parse(signature, &s, NULL) == WEFT_OK &&
                s.r.len <= ECDSA_SCALAR_MAX && s.s.len <= ECDSA_SCALAR_MAX &&
                bytes_eq(bytes_of(der, ecdsa_signature_write(&s, der)), signature) &&
                ecdsa_verify_plain(key, digest, &s);
    return good ? WEFT_OK : WEFT_FAIL(e, WEFT_FORBIDDEN, "x509: ECDSA verification failure");
}

static enum weft_code check_rsa(const struct x509_algorithm *a, EVP_PKEY *key, struct bytes digest,
                                struct bytes signature, struct weft_err *e)
{
    WEFT_CLEANUP(EVP_PKEY_CTX_free) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    int padding = a->pss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING;
    const EVP_MD *md = EVP_get_digestbyname(a->digest);
    bool good = ctx != NULL && md != NULL && EVP_PKEY_verify_init(ctx) == 1 &&
                EVP_PKEY_CTX_set_rsa_padding(ctx, padding) == 1 &&
                EVP_PKEY_CTX_set_signature_md(ctx, md) == 1 &&
                (!a->pss || EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1) &&
                EVP_PKEY_verify(ctx, signature.data, signature.len, digest.data, digest.len) == 1;
    ERR_clear_error();
    return good ? WEFT_OK : WEFT_FAIL(e, WEFT_FORBIDDEN, "crypto/rsa: verification error");
}

static enum weft_code check_ed25519(EVP_PKEY *key, struct bytes what, struct bytes signature,
                                    struct weft_err *e)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1 &&
                EVP_DigestVerify(ctx, signature.data, signature.len, what.data, what.len) == 1;
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return good ? WEFT_OK : WEFT_FAIL(e, WEFT_FORBIDDEN, "x509: Ed25519 verification failure");
}

enum weft_code x509_algorithm_check(const struct x509_algorithm *a, struct bytes what,
                                    struct bytes signature, const struct x509_link *parent,
                                    bool allow_sha1, struct weft_err *e)
{
    static const char *const keys[] = {
        [X509_KEY_OTHER] = "of another kind",
        [X509_KEY_EC] = "ECDSA",
        [X509_KEY_RSA] = "RSA",
        [X509_KEY_ED25519] = "Ed25519",
    };
    uint8_t room[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (a == NULL || parent->key_kind == X509_KEY_OTHER)
        return WEFT_FAIL(e, WEFT_FORBIDDEN,
                         "x509: cannot verify signature: algorithm unimplemented");
    if (a->insecure || (a->sha1 && !allow_sha1))
        return WEFT_FAIL(e, WEFT_FORBIDDEN, "x509: cannot verify signature: insecure algorithm %s",
                         a->name);
    if (a->key != parent->key_kind)
        return WEFT_FAIL(e, WEFT_FORBIDDEN,
                         "x509: signature algorithm specifies an %s public key, but have public "
                         "key %s",
                         keys[a->key], keys[parent->key_kind]);
    if (a->key == X509_KEY_ED25519)
        return check_ed25519(parent->pkey, what, signature, e);
    if (EVP_Digest(what.data, what.len, room, &len, EVP_get_digestbyname(a->digest), NULL) != 1)
        return WEFT_FAIL(e, WEFT_FORBIDDEN, "no %s: %s", a->digest, openssl_reason());
    return a->key == X509_KEY_EC ? check_ecdsa(parent->cert->key, bytes_of(room, len), signature, e)
                                 : check_rsa(a, parent->pkey, bytes_of(room, len), signature, e);
}
