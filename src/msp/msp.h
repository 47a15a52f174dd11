/* msp.h - an organisation's MSP: whose certificates are believed, and for what.
 *
 *     struct msp_config config;
 *     msp_config_parse(bytes, &arena, &config, e)
 *     msp_new(&config, &(struct msp_options){ .version = MSP_1_4_3 }, &msp, e)
 *     msp_identity_parse(msp, pem, &id, e)                  (msp_identity.h)
 *
 * Setting up checks everything that can be wrong with a configuration: an MSP
 * that is there is sound.  Its CAs form trees:
 *
 *         root            not an issuer of identities: it has an intermediate below
 *        /    \
 *     interA  interB      these issue identities
 *
 * A certificate is evaluated one second after it became valid: an MSP does not
 * know that time passes, and so a block is judged the same way for ever.  Who
 * must not accept an expired identity asks msp_identity_expires_s().
 *
 * What an MSP can do depends on the channel's capabilities: msp_version.
 *
 * Go origin   msp/mspimpl.go msp/mspimplsetup.go
 * Differs     Idemix is refused; words do not quote certificates byte by byte
 * Owner       any thread: does not change once made
 * Memory      counted; has a copy of all it needs
 * Limits      those of msp_config.h and x509.h
 */
#ifndef WEFT_MSP_MSP_H
#define WEFT_MSP_MSP_H

#include "msp/msp_config.h"

enum msp_version {
    MSP_1_0,   /* without capability */
    MSP_1_1,   /* V1_1: client and peer node OUs */
    MSP_1_3,   /* V1_3: combined and anonymity principals */
    MSP_1_4_3, /* V1_4_3, V2_0: admin and orderer node OUs; a node's own MSP */
};

struct msp_options {
    enum msp_version version;
    int64_t now_s; /* must our own certificate be unexpired?  0: it does not matter */
};

struct msp;

enum weft_code msp_new(const struct msp_config *config, const struct msp_options *options,
                       struct msp **ret, struct weft_err *e) WEFT_MUST_CHECK;
struct msp *msp_ref(struct msp *msp);
void msp_unref(struct msp *msp);
WEFT_DEFINE_CLEANUP(struct msp *, msp_unref)

struct bytes msp_name(const struct msp *msp);
enum msp_version msp_version_of(const struct msp *msp);
/* As PEM, as they stand in the configuration. */
const struct msp_items *msp_tls_roots(const struct msp *msp);
const struct msp_items *msp_tls_intermediates(const struct msp *msp);

#endif
