/* msp_identity.h - somebody with a certificate, as one MSP sees him.
 *
 *     msp_identity_parse(msp, pem, &id, e)       it chains to the MSP's CAs
 *     msp_identity_validate(id, e)               not revoked, the right units
 *     msp_identity_satisfies(id, principal, e)   "an admin of Org1MSP"
 *     msp_identity_verify(id, tables, message, signature, e)
 *
 * Parsing brings an ECDSA-signed certificate into its low-s form and finds its
 * chain on the way; one that does not chain fails there already.  That an
 * identity was found valid is remembered.
 *
 * Two identities are the same when their ids are: the hash of the certificate
 * in that form.
 *
 * Go origin   msp/identities.go msp/mspimplvalidate.go
 * Differs     that an identity is not valid is not remembered
 * Owner       any thread: what can be seen does not change once made
 * Memory      counted; holds a reference of its MSP
 * Limits      those of x509.h
 */
#ifndef WEFT_MSP_MSP_IDENTITY_H
#define WEFT_MSP_MSP_IDENTITY_H

#include "crypto/signature_batch.h"
#include "msp/msp.h"

struct hash_value;
struct key_tables;
struct msp_identity;
struct x509_cert;

/* From a PEM text, SerializedIdentity.id_bytes.  WEFT_INVALID: no certificate;
 * WEFT_FORBIDDEN: not one of this MSP's. */
enum weft_code msp_identity_parse(struct msp *msp, struct bytes pem, struct msp_identity **ret,
                                  struct weft_err *e) WEFT_MUST_CHECK;
/* From a SerializedIdentity, whose MSP must be this one. */
enum weft_code msp_identity_deserialize(struct msp *msp, struct bytes serialized,
                                        struct msp_identity **ret,
                                        struct weft_err *e) WEFT_MUST_CHECK;
struct msp_identity *msp_identity_ref(struct msp_identity *id);
void msp_identity_unref(struct msp_identity *id);
WEFT_DEFINE_CLEANUP(struct msp_identity *, msp_identity_unref)

struct bytes msp_identity_mspid(const struct msp_identity *id);
struct msp *msp_identity_msp(const struct msp_identity *id);
/* Hash of the certificate. */
struct bytes msp_identity_id(const struct msp_identity *id);
const struct x509_cert *msp_identity_cert(const struct msp_identity *id);
/* Seconds since 1970; the MSP itself does not look at it. */
int64_t msp_identity_expires_s(const struct msp_identity *id);
/* Hash of the chain above it; empty when it is not one that may have units. */
struct bytes msp_identity_certifiers(const struct msp_identity *id);

enum weft_code msp_identity_validate(struct msp_identity *id, struct weft_err *e) WEFT_MUST_CHECK;

/* A MSPPrincipal's bytes.  WEFT_FORBIDDEN, or WEFT_INVALID for a principal that
 * is none: a no as well. */
enum weft_code msp_identity_satisfies(struct msp_identity *id, struct bytes principal,
                                      struct weft_err *e) WEFT_MUST_CHECK;
/* The same as a question to one of several: `identities` is an array of pointers.
 * Fits struct policy_signers. */
bool msp_identities_satisfy(void *identities, size_t i, struct bytes principal);
/* Valid, and with the role's unit. */
enum weft_code msp_identity_check_role(struct msp_identity *id, enum msp_role role,
                                       struct weft_err *e) WEFT_MUST_CHECK;
/* The role's unit alone. */
enum weft_code msp_identity_has_role(const struct msp_identity *id, enum msp_role role,
                                     struct weft_err *e) WEFT_MUST_CHECK;

/* Puts the check into a batch, if the signature's form is right: DER, low s. */
enum weft_code msp_identity_add_check(const struct msp_identity *id, struct signature_batch *b,
                                      struct bytes message, struct bytes signature,
                                      enum signature_verdict *ret_verdict,
                                      struct weft_err *e) WEFT_MUST_CHECK;
/* The same for a message that was hashed already, by this function ("SHA256"; NULL:
 * the MSP names none, and no signature is good). */
const char *msp_identity_hash_function(const struct msp_identity *id);
enum weft_code msp_identity_add_digest(const struct msp_identity *id, struct signature_batch *b,
                                       struct bytes digest, struct bytes signature,
                                       enum signature_verdict *ret_verdict,
                                       struct weft_err *e) WEFT_MUST_CHECK;
/* Here and now; tables may be NULL. */
enum weft_code msp_identity_verify(const struct msp_identity *id, struct key_tables *tables,
                                   struct bytes message, struct bytes signature,
                                   struct weft_err *e) WEFT_MUST_CHECK;

/* What gossip asks of a SerializedIdentity before anything else: one PEM block of
 * type CERTIFICATE (or none) and nothing after it, its signature strict DER. */
enum weft_code msp_identity_check_form(struct bytes serialized, struct weft_err *e) WEFT_MUST_CHECK;

#endif
