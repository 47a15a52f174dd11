/* config_encoder.h - a profile of configtx.yaml as a channel's configuration.
 *
 * Every element has version 0 and mod_policy "Admins", but what concerns the
 * consortiums and the orderers' addresses, which is the orderers' admins' to
 * change.
 *
 * Go origin   internal/configtxgen/encoder/encoder.go
 * Owner       any thread; reads MSP folders and consenters' certificates
 * Memory      the tree lies in the arena
 */
#ifndef WEFT_GENESIS_CONFIG_ENCODER_H
#define WEFT_GENESIS_CONFIG_ENCODER_H

#include "channel/config_group.h"
#include "genesis/configtx_profile.h"

/* Channel: all sections that the profile has. */
enum weft_code config_encode_channel(const struct configtx_profile *p, struct arena *arena,
                                     struct config_item **ret, struct weft_err *e) WEFT_MUST_CHECK;
/* An organisation as it stands under Orderer. */
enum weft_code config_encode_orderer_org(const struct configtx_org *org, struct arena *arena,
                                         struct config_item **ret,
                                         struct weft_err *e) WEFT_MUST_CHECK;

/* A group's member is set, in its place; `value` is copied.  The group must be
 * one that these functions made. */
void config_encode_put(struct config_item *group, struct config_item *member, struct arena *arena);
void config_encode_remove(struct config_item *group, enum config_item_kind kind, const char *name,
                          struct arena *arena);
struct config_item *config_encode_value(const char *name, struct bytes value,
                                        const char *mod_policy, struct arena *arena);

#endif
