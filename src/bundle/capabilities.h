/* capabilities.h - what the rules of a channel have been switched to.
 *
 * A Capabilities value lists names; each switches rules on, later ones imply
 * earlier ones' rules.  Names that we do not know are kept, for
 * bundle_check_supported to refuse.
 *
 * Go origin   common/capabilities/channel.go orderer.go application.go
 * Owner       any thread
 */
#ifndef WEFT_BUNDLE_CAPABILITIES_H
#define WEFT_BUNDLE_CAPABILITIES_H

#include "base/arena.h"
#include "msp/msp.h"

struct channel_capabilities {
    const char *unsupported; /* the first by name that we do not know; NULL: none */
    enum msp_version msp_version;
    bool consensus_type_migration, org_specific_orderer_endpoints;
};

struct orderer_capabilities {
    const char *unsupported;
    bool predictable_channel_template, resubmission, expiration_check;
    bool consensus_type_migration, use_channel_creation_policy_as_admins;
};

struct application_capabilities {
    const char *unsupported;
    bool acls, forbid_duplicate_txid_in_block, private_channel_data, collection_upgrade;
    bool v1_1_validation, v1_2_validation, v1_3_validation, v2_0_validation;
    bool store_pvtdata_of_invalid_tx, key_level_endorsement, lifecycle_v20;
};

/* Of the value's bytes (common.Capabilities; empty when the value is missing).
 * Names that stay lie in the arena.  WEFT_INVALID: does not parse. */
enum weft_code channel_capabilities_parse(struct bytes b, struct arena *arena,
                                          struct channel_capabilities *ret,
                                          struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code orderer_capabilities_parse(struct bytes b, struct arena *arena,
                                          struct orderer_capabilities *ret,
                                          struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code application_capabilities_parse(struct bytes b, struct arena *arena,
                                              struct application_capabilities *ret,
                                              struct weft_err *e) WEFT_MUST_CHECK;

#endif
