/* signing_identity.h - who we are: certificate, private key, MSP.
 *
 * An MSP folder holds, among others,
 *
 *     signcerts/cert.pem        our certificate: the first file, by name
 *     keystore/1a2b..._sk       our private key: the one that the certificate is for
 *
 * What goes into messages as "creator" is the SerializedIdentity
 * { mspid, certificate as PEM }; a signature is over the SHA-256 of the
 * message, low S.
 *
 *     signing_identity_load("crypto/.../msp", "Org1MSP", &me, e)
 *     signing_identity_sign(me, payload, &signature, e)
 *
 * Tools and tests that have certificate and key in memory use signing_identity_of.
 *
 * Go origin   msp/configbuilder.go getMspConfig
 *             msp/identities.go Sign
 * Differs     the certificate is not validated against the folder's CAs here
 * Owner       any thread: does not change once loaded
 * Memory      counted by nobody: the owner frees it last
 * Limits      LIMIT_CERT_BYTES a file
 */
#ifndef WEFT_MSP_SIGNING_IDENTITY_H
#define WEFT_MSP_SIGNING_IDENTITY_H

#include "base/bytes.h"

struct signing_identity;

enum weft_code signing_identity_load(const char *msp_dir, const char *msp_id,
                                     struct signing_identity **ret,
                                     struct weft_err *e) WEFT_MUST_CHECK;
/* As a node's configuration has it: the key may lie in a folder of its own
 * (BCCSP.SW.FileKeyStore.KeyStore); "" means the MSP's keystore/. */
enum weft_code signing_identity_load_from(const char *msp_dir, const char *msp_id,
                                          const char *key_store, struct signing_identity **ret,
                                          struct weft_err *e) WEFT_MUST_CHECK;
/* The key as private_key_parse takes it; it has to be the certificate's. */
enum weft_code signing_identity_of(const char *msp_id, struct bytes cert_pem, struct bytes key,
                                   struct signing_identity **ret,
                                   struct weft_err *e) WEFT_MUST_CHECK;
void signing_identity_free(struct signing_identity *id);
WEFT_DEFINE_CLEANUP(struct signing_identity *, signing_identity_free)

/* The SerializedIdentity's bytes. */
struct bytes signing_identity_bytes(const struct signing_identity *id);

/* Appends a DER signature over the message. */
enum weft_code signing_identity_sign(const struct signing_identity *id, struct bytes message,
                                     struct buf *out, struct weft_err *e) WEFT_MUST_CHECK;

#endif
