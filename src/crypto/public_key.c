#include "crypto/ecdsa.h"

#include "base/limits.h"
#include "crypto/der.h"
#include "crypto/openssl_glue.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>

/* Checks reuse one EVP_PKEY_CTX: making it costs a twentieth of a check.  It
 * is taken out while in use; who finds none makes another. */
struct public_key {
    _Atomic uint32_t refs;
    enum ec_curve curve;
    EVP_PKEY *pkey;
    _Atomic(EVP_PKEY_CTX *) idle;
    const struct curve_common *common;
    struct buf spki, point;
    struct key_heat heat;
};

static const struct curve_row {
    const char *oid; /* the OBJECT IDENTIFIER's content */
    size_t oid_len;
    const char *name;
    enum ec_curve curve;
    size_t field_bytes;
} curves[] = {
    { "\x2a\x86\x48\xce\x3d\x03\x01\x07", 8, "P-256", EC_CURVE_P256, 32 },
    { "\x2b\x81\x04\x00\x22", 5, "P-384", EC_CURVE_P384, 48 },
    { "\x2b\x81\x04\x00\x21", 5, "P-224", EC_CURVE_OTHER, 28 },
    { "\x2b\x81\x04\x00\x23", 5, "P-521", EC_CURVE_OTHER, 66 },
};

/* { { ecPublicKey, curve }, point }.  Parameters written out at length are
 * refused, as Go does, whatever curve they describe. */
static const struct curve_row *read_spki(struct bytes spki, struct bytes *ret_point,
                                         struct weft_err *e)
{
    static const uint8_t ec[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01 };
    struct der_item whole, algorithm, oid, curve = { 0 };
    if (!der_take(&spki, DER_SEQUENCE, &whole) ||
        !der_take(&whole.content, DER_SEQUENCE, &algorithm) ||
        !der_take(&algorithm.content, DER_OID, &oid) || !der_take_bits(&whole.content, ret_point) ||
        whole.content.len > 0) {
        (void)WEFT_FAIL(e, WEFT_INVALID, "bad public key: malformed");
        return NULL;
    }
    if (spki.len > 0) {
        (void)WEFT_FAIL(e, WEFT_INVALID, "trailing data after public key");
        return NULL;
    }
    bool is_ec = bytes_eq(oid.content, bytes_of(ec, sizeof(ec))) &&
                 der_take(&algorithm.content, DER_OID, &curve) && algorithm.content.len == 0;
    for (size_t i = 0; is_ec && i < WEFT_ARRAY_LEN(curves); i++)
        if (bytes_eq(curve.content, bytes_of(curves[i].oid, curves[i].oid_len)))
            return &curves[i];
    (void)WEFT_FAIL(e, WEFT_INVALID, "unsupported public key: not ECDSA on a NIST curve");
    return NULL;
}

static enum weft_code read_point(struct bytes point, const struct curve_row *curve,
                                 struct public_key *key, struct weft_err *e)
{
    if (point.len != 1 + 2 * curve->field_bytes || point.data[0] != POINT_CONVERSION_UNCOMPRESSED)
        return WEFT_FAIL(e, WEFT_INVALID, "the point of the public key is not uncompressed");
    buf_put(&key->point, point);
    return WEFT_OK;
}

/* What all keys of a curve have in common.  A key made of another one's parameters
 * costs a tenth of what OpenSSL's decoders take; asking each for its order, a tenth
 * of a check. */
struct curve_common {
    EVP_PKEY *pkey;
    BIGNUM *order, *half_order;
    uint8_t half_bytes[ECDSA_SCALAR_MAX]; /* the same, most significant first */
};

static void curve_common_free(struct curve_common *c)
{
    EVP_PKEY_free(c->pkey);
    BN_free(c->order);
    BN_free(c->half_order);
    free(c);
}

static struct curve_common *curve_common_new(const struct curve_row *curve)
{
    struct curve_common *c = weft_alloc(sizeof(*c));
    c->pkey = EVP_EC_gen(curve->name);
    c->half_order = BN_new();
    WEFT_ASSERT(c->pkey != NULL && c->half_order != NULL);
    WEFT_ASSERT(EVP_PKEY_get_bn_param(c->pkey, OSSL_PKEY_PARAM_EC_ORDER, &c->order) == 1);
    WEFT_ASSERT(BN_rshift1(c->half_order, c->order) == 1);
    WEFT_ASSERT(BN_bn2binpad(c->half_order, c->half_bytes, sizeof(c->half_bytes)) ==
                sizeof(c->half_bytes));
    return c;
}

/* Made when it is first wanted. */
static const struct curve_common *curve_common(const struct curve_row *curve)
{
    static _Atomic(struct curve_common *) all[WEFT_ARRAY_LEN(curves)];
    _Atomic(struct curve_common *) *at = &all[curve - curves];
    struct curve_common *made = atomic_load_explicit(at, memory_order_acquire), *first = NULL;
    if (made != NULL)
        return made;
    made = curve_common_new(curve);
    if (atomic_compare_exchange_strong(at, &first, made))
        return made;
    curve_common_free(made); /* another thread was first */
    return first;
}

static enum weft_code make_pkey(const struct curve_row *curve, struct public_key *key,
                                struct weft_err *e)
{
    const struct curve_common *common = curve_common(curve);
    key->pkey = EVP_PKEY_new();
    key->common = common;
    WEFT_ASSERT(key->pkey != NULL);
    if (EVP_PKEY_copy_parameters(key->pkey, common->pkey) != 1 ||
        EVP_PKEY_set1_encoded_public_key(key->pkey, key->point.data, key->point.len) != 1)
        return WEFT_FAIL(e, WEFT_INVALID, "bad public key: %s", openssl_reason());
    return WEFT_OK;
}

/* Makes ready what every check needs, and validates: all four curves are of
 * prime order, so that a point on the curve is in the group. */
static enum weft_code prepare(struct public_key *key, struct weft_err *e)
{
    WEFT_CLEANUP(EVP_PKEY_CTX_free)
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
    if (ctx == NULL || EVP_PKEY_public_check_quick(ctx) != 1)
        return WEFT_FAIL(e, WEFT_INVALID, "bad public key: %s", openssl_reason());
    if (EVP_PKEY_verify_init(ctx) != 1)
        return WEFT_FAIL(e, WEFT_INVALID, "key cannot verify: %s", openssl_reason());
    atomic_init(&key->idle, WEFT_TAKE(ctx));
    return WEFT_OK;
}

enum weft_code public_key_parse(struct bytes spki_der, struct public_key **ret, struct weft_err *e)
{
    if (spki_der.len > LIMIT_CERT_BYTES)
        return WEFT_FAIL(e, WEFT_LIMIT, "public key of %zu bytes", spki_der.len);
    struct bytes point;
    const struct curve_row *curve = read_spki(spki_der, &point, e);
    if (curve == NULL)
        return WEFT_INVALID;

    WEFT_CLEANUP(public_key_unref) struct public_key *key = weft_alloc(sizeof(*key));
    atomic_init(&key->refs, 1);
    key->curve = curve->curve;
    WEFT_TRY(read_point(point, curve, key, e));
    WEFT_TRY(make_pkey(curve, key, e));
    WEFT_TRY(prepare(key, e));
    buf_put(&key->spki, spki_der);
    *ret = WEFT_TAKE(key);
    return WEFT_OK;
}

struct public_key *public_key_ref(struct public_key *key)
{
    (void)atomic_fetch_add_explicit(&key->refs, 1, memory_order_relaxed);
    return key;
}

void public_key_unref(struct public_key *key)
{
    if (key == NULL || atomic_fetch_sub_explicit(&key->refs, 1, memory_order_acq_rel) != 1)
        return;
    EVP_PKEY_CTX_free(atomic_load(&key->idle));
    EVP_PKEY_free(key->pkey);
    buf_done(&key->spki);
    buf_done(&key->point);
    free(key);
}

enum ec_curve public_key_curve(const struct public_key *key)
{
    return key->curve;
}

struct bytes public_key_spki(const struct public_key *key)
{
    return buf_bytes(&key->spki);
}

struct bytes public_key_point(const struct public_key *key)
{
    return buf_bytes(&key->point);
}

struct digest public_key_ski(const struct public_key *key)
{
    return sha256_of(buf_bytes(&key->point));
}

bool public_key_eq(const struct public_key *a, const struct public_key *b)
{
    /* Each of the four curves has points of its own length. */
    return bytes_eq(buf_bytes(&a->point), buf_bytes(&b->point));
}

struct key_heat *public_key_heat(struct public_key *key)
{
    return &key->heat;
}

bool ecdsa_is_low_s(const struct public_key *key, const struct ecdsa_signature *sig)
{
    uint8_t s[ECDSA_SCALAR_MAX] = { 0 };
    if (sig->s.len > sizeof(s))
        return false;
    if (sig->s.len > 0)
        memcpy(s + sizeof(s) - sig->s.len, sig->s.data, sig->s.len);
    return memcmp(s, key->common->half_bytes, sizeof(s)) <= 0;
}

enum weft_code ecdsa_check_low_s(const struct public_key *key, const struct ecdsa_signature *sig,
                                 struct weft_err *e)
{
    if (ecdsa_is_low_s(key, sig))
        return WEFT_OK;
    /* No more of an absurd s than anybody wants to read. */
    size_t len = sig->s.len < ECDSA_SCALAR_MAX ? sig->s.len : ECDSA_SCALAR_MAX;
    WEFT_CLEANUP(BN_free) BIGNUM *s = BN_bin2bn(sig->s.data, (int)len, NULL);
    char *s_text = BN_bn2dec(s), *half_text = BN_bn2dec(key->common->half_order);
    enum weft_code rc =
        WEFT_FAIL(e, WEFT_FORBIDDEN, "Invalid S. Must be smaller than half the order [%s%s][%s].",
                  s_text, len < sig->s.len ? "..." : "", half_text);
    OPENSSL_free(s_text);
    OPENSSL_free(half_text);
    return rc;
}

void ecdsa_make_low_s(const struct public_key *key, struct ecdsa_signature *sig,
                      uint8_t room[ECDSA_SCALAR_MAX])
{
    if (ecdsa_is_low_s(key, sig))
        return;
    WEFT_ASSERT(sig->s.len <= ECDSA_SCALAR_MAX);
    WEFT_CLEANUP(BN_free) BIGNUM *s = BN_bin2bn(sig->s.data, (int)sig->s.len, NULL);
    WEFT_ASSERT(s != NULL && BN_cmp(s, key->common->order) < 0 &&
                BN_sub(s, key->common->order, s) == 1);
    sig->s = bytes_of(room, (size_t)BN_bn2bin(s, room));
}

static EVP_PKEY_CTX *ctx_take(struct public_key *key)
{
    EVP_PKEY_CTX *ctx = atomic_exchange(&key->idle, NULL);
    if (ctx != NULL)
        return ctx;
    ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
    WEFT_ASSERT(ctx != NULL && EVP_PKEY_verify_init(ctx) == 1);
    return ctx;
}

bool ecdsa_verify_plain(struct public_key *key, struct bytes digest,
                        const struct ecdsa_signature *sig)
{
    if (sig->r.len > ECDSA_SCALAR_MAX || sig->s.len > ECDSA_SCALAR_MAX)
        return false;
    /* OpenSSL takes the one encoding that DER allows and no byte more. */
    uint8_t der[ECDSA_SIGNATURE_MAX];
    size_t len = ecdsa_signature_write(sig, der);
    EVP_PKEY_CTX *ctx = ctx_take(key);
    int said = EVP_PKEY_verify(ctx, der, len, digest.data, digest.len);
    EVP_PKEY_CTX_free(atomic_exchange(&key->idle, ctx));
    if (said != 1)
        ERR_clear_error();
    return said == 1;
}
