/* channel_keys.h - everybody of a channel whose keys lie in a folder of cryptogen's.
 *
 *     crypto-config/peerOrganizations/org1.example.com/peers/peer0.../msp     peers
 *                                                      users/Admin@.../msp    admin
 *                                                      users/User1@.../msp    client
 *     crypto-config/ordererOrganizations/example.com/orderers/.../msp         orderer
 *
 * The folder does not say which MSP is whose: an organisation is the one of the
 * channel's configuration whose MSP takes its certificates.  Organisations of the folder
 * that the channel does not have are passed over, and so are those of the channel whose
 * keys are not there.
 *
 *     channel_keys_load("crypto-config", bundle, &keys, e)
 *     channel_keys_endorsers(keys, &rule, &few, e)       AND('A.peer', 'B.peer'): two
 *
 * Go origin   none
 * Owner       any thread once loaded: does not change
 * Memory      identities until channel_keys_free
 * Limits      CHANNEL_KEYS_MAX identities of a kind and organisation are read
 */
#ifndef WEFT_TXMAKER_CHANNEL_KEYS_H
#define WEFT_TXMAKER_CHANNEL_KEYS_H

#include "msp/signing_identity.h"

struct bundle;
struct signature_policy;
struct channel_keys;

enum {
    CHANNEL_KEYS_MAX = 64
};

/* WEFT_NOT_FOUND: no such folder, or no organisation of the channel in it. */
enum weft_code channel_keys_load(const char *dir, const struct bundle *b, struct channel_keys **ret,
                                 struct weft_err *e) WEFT_MUST_CHECK;
void channel_keys_free(struct channel_keys *k);
WEFT_DEFINE_CLEANUP(struct channel_keys *, channel_keys_free)

/* An organisation with keys, of the channel's application: it has a peer, and
 * somebody who is a client. */
struct keys_org {
    const char *mspid, *name;                /* its group's */
    struct signing_identity *admin, *client; /* the admin where there is no other, and the
                                                other way round */
    struct signing_identity *peers[CHANNEL_KEYS_MAX];
    size_t peer_count;
};
size_t channel_keys_org_count(const struct channel_keys *k);
const struct keys_org *channel_keys_org(const struct channel_keys *k, size_t i);
/* Who may sign blocks; NULL: nobody's key is there. */
const struct signing_identity *channel_keys_orderer(const struct channel_keys *k);

/* Who has to endorse: a policy, or the path of one in the configuration. */
struct endorsement_rule {
    const struct signature_policy *policy; /* NULL: the path's */
    const char *path;
};

struct endorser_set {
    const struct signing_identity *at[CHANNEL_KEYS_MAX];
    size_t count;
};

/* Peers whose endorsements satisfy the rule, none of whom can be missed: the first ones
 * of the organisations if they do.  WEFT_FORBIDDEN: not even all of them do. */
enum weft_code channel_keys_endorsers(const struct channel_keys *k,
                                      const struct endorsement_rule *rule, struct endorser_set *ret,
                                      struct weft_err *e) WEFT_MUST_CHECK;

#endif
