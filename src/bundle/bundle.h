/* bundle.h - a channel's configuration, ready for use: an immutable snapshot.
 *
 *     struct bundle *b;
 *     bundle_of_block(genesis_or_config_block, &b, e)
 *     bundle_orderer(b)->batch_size.max_messages
 *     bundle_evaluate(b, "/Channel/Readers", &signed_data, 1, cache, tables, e)
 *     bundle_unref(b)
 *
 * Made once of a Config; everything that can be wrong with one is found while it
 * is made, with Fabric's words.  The next configuration is another bundle, and
 * bundle_check_next says whether a channel may go from one to the other.
 *
 *     bundle_propose(now, update_envelope, &config_envelope, e)   orderer: an update comes
 *     bundle_validate(now, config_envelope, e)                    a config block is applied
 *
 * Go origin   common/channelconfig/bundle.go common/configtx/validator.go
 * Differs     an identity's deserialisation is cached by who asks (identity_cache), not in here;
 *             a text with a zero byte is refused; no Idemix; a group that may not be there is
 *             named, Go prints its content
 * Owner       any thread: does not change once made
 * Memory      counted; has a copy of the configuration's bytes
 * Limits      those of config_group.h, policy and msp
 */
#ifndef WEFT_BUNDLE_BUNDLE_H
#define WEFT_BUNDLE_BUNDLE_H

#include "bundle/capabilities.h"
#include "bundle/signed_set.h"
#include "msp/msp_manager.h"

struct block_view;
struct bundle;
struct config_item;
struct policy_tree;

struct bundle_strings {
    const char *const *at;
    size_t count;
};

/* An organisation of the Orderer, Application or a consortium's group. */
struct bundle_org {
    const char *name; /* its group's */
    struct msp *msp;  /* the bundle's reference */
    const char *mspid;
    struct bundle_strings endpoints; /* of an orderer organisation: "host:port" */
    const struct bundle_anchor *anchors;
    size_t anchor_count;
};
struct bundle_anchor {
    const char *host;
    int32_t port;
};

enum consensus_state {
    CONSENSUS_NORMAL = 0,
    CONSENSUS_MAINTENANCE = 1,
};

struct bundle_channel {
    struct channel_capabilities capabilities;
    struct bundle_strings orderer_addresses; /* of the whole channel */
    const char *consortium;                  /* "" when none */
};

struct bundle_orderer {
    struct orderer_capabilities capabilities;
    const char *consensus_type;
    struct bytes consensus_metadata;
    enum consensus_state consensus_state;
    struct {
        uint32_t max_messages, absolute_max_bytes, preferred_max_bytes;
    } batch_size;
    int64_t batch_timeout_ns;
    uint64_t max_channels; /* 0: no limit */
    const struct bundle_org *orgs;
    size_t org_count;
};

struct bundle_acl {
    const char *resource, *policy; /* the policy's path; a bare name was completed */
};

struct bundle_application {
    struct application_capabilities capabilities;
    const struct bundle_acl *acls; /* by resource */
    size_t acl_count;
    const struct bundle_org *orgs;
    size_t org_count;
};

struct bundle_consortium {
    const char *name;
    struct bytes creation_policy; /* common.Policy */
    const struct bundle_org *orgs;
    size_t org_count;
};

struct bundle_consortiums {
    const struct bundle_consortium *at;
    size_t count;
};

/* Of a Config's parts: sequence and channel_group's bytes.  WEFT_INVALID with Fabric's words. */
enum weft_code bundle_new(const char *channel_id, uint64_t sequence, struct bytes channel_group,
                          struct bundle **ret, struct weft_err *e) WEFT_MUST_CHECK;
/* Of a config block; the channel's name is the header's. */
enum weft_code bundle_of_block(const struct block_view *v, struct bundle **ret,
                               struct weft_err *e) WEFT_MUST_CHECK;
/* Of a CONFIG envelope. */
enum weft_code bundle_of_envelope(struct bytes envelope, struct bundle **ret,
                                  struct weft_err *e) WEFT_MUST_CHECK;
struct bundle *bundle_ref(struct bundle *b);
void bundle_unref(struct bundle *b);
WEFT_DEFINE_CLEANUP(struct bundle *, bundle_unref)

const char *bundle_channel_id(const struct bundle *b);
uint64_t bundle_sequence(const struct bundle *b);
const struct config_item *bundle_group(const struct bundle *b);
struct bytes bundle_group_bytes(const struct bundle *b); /* ConfigGroup, as received */
struct msp_manager *bundle_msps(const struct bundle *b);
const struct policy_tree *bundle_policies(const struct bundle *b);

const struct bundle_channel *bundle_channel(const struct bundle *b);
/* NULL: the configuration has no such group. */
const struct bundle_orderer *bundle_orderer(const struct bundle *b);
const struct bundle_application *bundle_application(const struct bundle *b);
const struct bundle_consortiums *bundle_consortiums(const struct bundle *b);

/* The policy that guards a resource such as "qscc/GetChainInfo"; NULL: the default one. */
const char *bundle_acl_find(const struct bundle_application *a, const char *resource);

/* Does this version support the capabilities asked for?  WEFT_INVALID:
 * "Application capability V9_9 is required but not supported". */
enum weft_code bundle_check_supported(const struct bundle *b, struct weft_err *e) WEFT_MUST_CHECK;
/* The same without the application's: an orderer does not run them. */
enum weft_code bundle_check_supported_by_orderer(const struct bundle *b,
                                                 struct weft_err *e) WEFT_MUST_CHECK;
/* The same without the orderer's: a peer does not cut blocks. */
enum weft_code bundle_check_supported_by_peer(const struct bundle *b,
                                              struct weft_err *e) WEFT_MUST_CHECK;
/* Warns of policies without which no network works. */
void bundle_log_sanity(const struct bundle *b);
/* May the channel go from one to the other?  (ValidateNew) */
enum weft_code bundle_check_next(const struct bundle *now, const struct bundle *next,
                                 struct weft_err *e) WEFT_MUST_CHECK;

/* Do these signatures satisfy the policy at this absolute path?  Here and now, on
 * this thread.  `cache` is one of this bundle's MSPs, or NULL; `tables` may be
 * NULL.  WEFT_FORBIDDEN or WEFT_NOT_FOUND: no. */
enum weft_code bundle_evaluate(const struct bundle *b, const char *path,
                               const struct signed_data *signed_data, size_t count,
                               struct identity_cache *cache, struct key_tables *tables,
                               struct weft_err *e) WEFT_MUST_CHECK;

/* What an orderer makes of an envelope of type CONFIG_UPDATE: appends the
 * ConfigEnvelope { config { sequence + 1, ... }, last_update = envelope }.
 * WEFT_FORBIDDEN for a policy, WEFT_INVALID otherwise. */
enum weft_code bundle_propose(const struct bundle *now, struct bytes update_envelope,
                              struct buf *ret_config_envelope, struct weft_err *e) WEFT_MUST_CHECK;
/* Is this ConfigEnvelope what its update makes of `now`?  (configtx Validate) */
enum weft_code bundle_validate(const struct bundle *now, struct bytes config_envelope,
                               struct weft_err *e) WEFT_MUST_CHECK;

#endif
