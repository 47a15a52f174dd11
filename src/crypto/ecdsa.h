/* ecdsa.h - public and private keys of the curves that Fabric knows, and what
 * an ECDSA signature is made of.
 *
 * A signature is DER, SEQUENCE { INTEGER r, INTEGER s }.  Fabric refuses half
 * of all valid ones: of the two, s and n-s, only the smaller may be used
 * ("low S"), so that nobody can make a second signature out of a first.  That
 * rule is the MSP's; the check itself does not know it:
 *
 *     struct ecdsa_signature sig;
 *     WEFT_TRY(ecdsa_signature_parse(raw, &sig, e));
 *     WEFT_TRY(ecdsa_check_low_s(key, &sig, e));
 *     signature_batch_add(batch, key, digest, raw, &verdict);
 *
 * Signatures are checked by crypto/signature_batch.h and nowhere else;
 * ecdsa_verify_plain() here is its slow path.
 *
 * Go origin   bccsp/utils/ecdsa.go bccsp/sw/ecdsa.go bccsp/sw/keys.go
 * Differs     a public key is validated when it is loaded (on the curve,
 *             uncompressed form, a named curve), so that no check has to
 * Owner       any thread: keys do not change once made
 * Memory      keys are counted; a parsed signature points into its bytes
 * Limits      LIMIT_CERT_BYTES for an encoded key
 */
#ifndef WEFT_CRYPTO_ECDSA_H
#define WEFT_CRYPTO_ECDSA_H

#include "base/bytes.h"
#include "crypto/sha256.h"

#include <stdatomic.h>

enum ec_curve {
    EC_CURVE_P256,
    EC_CURVE_P384,
    EC_CURVE_OTHER, /* P-224 or P-521: Go knows them, nobody uses them */
};

enum {
    ECDSA_SCALAR_MAX = 66,    /* bytes of r or s on the largest curve */
    ECDSA_DIGEST_MAX = 64,    /* no hash in use is longer */
    ECDSA_P256_BYTES = 32,    /* bytes of a coordinate or scalar of P-256 */
    ECDSA_SIGNATURE_MAX = 144 /* bytes of a signature on the largest curve */
};

/* ---- public keys ------------------------------------------------------- */

struct public_key;

/* From a SubjectPublicKeyInfo.  WEFT_INVALID: no EC key, a curve that Go does
 * not know, a point that is compressed or not on the curve. */
enum weft_code public_key_parse(struct bytes spki_der, struct public_key **ret,
                                struct weft_err *e) WEFT_MUST_CHECK;
struct public_key *public_key_ref(struct public_key *key);
void public_key_unref(struct public_key *key);
WEFT_DEFINE_CLEANUP(struct public_key *, public_key_unref)

enum ec_curve public_key_curve(const struct public_key *key);
/* The SubjectPublicKeyInfo it was made from. */
struct bytes public_key_spki(const struct public_key *key);
/* The point as X9.62 writes it: 04, x, y. */
struct bytes public_key_point(const struct public_key *key);
/* Fabric's subject key identifier: SHA-256 of the point. */
struct digest public_key_ski(const struct public_key *key);
/* The same point on the same curve. */
bool public_key_eq(const struct public_key *a, const struct public_key *b);

/* What crypto/key_tables keeps with a key: how often it is seen, and where
 * its table is.  Nobody else looks at it. */
struct key_heat {
    _Atomic uint64_t slot;         /* 0: no table */
    _Atomic uint64_t window_start; /* count of all checks when `seen` began */
    _Atomic uint32_t seen;
};
struct key_heat *public_key_heat(struct public_key *key);

/* ---- signatures -------------------------------------------------------- */

/* Magnitudes, most significant byte first, without leading zeros. */
struct ecdsa_signature {
    struct bytes r, s;
};

/* Reads DER as Go's encoding/asn1 does and as Fabric uses it: lengths and
 * integers in their shortest form, r and s above zero; what follows s in the
 * SEQUENCE, or the SEQUENCE itself, does not count (docs/signatures.md). */
enum weft_code ecdsa_signature_parse(struct bytes der, struct ecdsa_signature *ret,
                                     struct weft_err *e) WEFT_MUST_CHECK;
/* Writes the one DER form of numbers of at most ECDSA_SCALAR_MAX bytes. */
size_t ecdsa_signature_write(const struct ecdsa_signature *sig, uint8_t out[ECDSA_SIGNATURE_MAX]);

bool ecdsa_is_low_s(const struct public_key *key, const struct ecdsa_signature *sig);
/* WEFT_FORBIDDEN with Fabric's words when s is above half the order. */
enum weft_code ecdsa_check_low_s(const struct public_key *key, const struct ecdsa_signature *sig,
                                 struct weft_err *e) WEFT_MUST_CHECK;

/* Replaces a high s by n-s, whose bytes go into `room`. */
void ecdsa_make_low_s(const struct public_key *key, struct ecdsa_signature *sig,
                      uint8_t room[ECDSA_SCALAR_MAX]);

/* One check by OpenSSL's EVP_PKEY_verify. */
bool ecdsa_verify_plain(struct public_key *key, struct bytes digest,
                        const struct ecdsa_signature *sig) WEFT_MUST_CHECK;

/* ---- private keys ------------------------------------------------------ */

struct private_key;

/* From PKCS#8 or SEC1, DER or PEM (the first block), not encrypted. */
enum weft_code private_key_parse(struct bytes der_or_pem, struct private_key **ret,
                                 struct weft_err *e) WEFT_MUST_CHECK;
/* A new key, for tools and tests. */
enum weft_code private_key_generate(enum ec_curve curve, struct private_key **ret,
                                    struct weft_err *e) WEFT_MUST_CHECK;
struct private_key *private_key_ref(struct private_key *key);
void private_key_unref(struct private_key *key);
WEFT_DEFINE_CLEANUP(struct private_key *, private_key_unref)

/* Borrowed. */
struct public_key *private_key_public(const struct private_key *key);
/* PKCS#8 DER. */
enum weft_code private_key_encode(const struct private_key *key, struct buf *out,
                                  struct weft_err *e) WEFT_MUST_CHECK;
/* Appends a low-S DER signature over the digest. */
enum weft_code private_key_sign(const struct private_key *key, struct bytes digest, struct buf *out,
                                struct weft_err *e) WEFT_MUST_CHECK;

#endif
