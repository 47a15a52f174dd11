/* configtx_keys.h - are there keys in configtx.yaml that mean nothing?
 *
 *     Profiles: { TwoOrgs: { Orderer: { BatchTimout: 5s } } }
 *
 *     configtx.yaml:1: 'Profiles[TwoOrgs].Orderer' has invalid keys: BatchTimout
 *
 * A misspelt key would leave a default in its place without a word, in a
 * configuration that a network then lives with.  The whole file is looked at,
 * not only the profile that is asked for.
 *
 * Go origin   common/viperutil/config_util.go EnhancedExactUnmarshal
 * Differs     names the first section that has such keys, not all of them
 * Owner       any thread
 * Memory      none that stays
 */
#ifndef WEFT_GENESIS_CONFIGTX_KEYS_H
#define WEFT_GENESIS_CONFIGTX_KEYS_H

#include "config/config_source.h"

/* WEFT_INVALID: such keys.  Values are left to who reads them. */
enum weft_code configtx_keys_check(const struct config_source *s,
                                   struct weft_err *e) WEFT_MUST_CHECK;

#endif
