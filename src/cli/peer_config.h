/* peer_config.h - core.yaml for the commands of `peer`.
 *
 * A configuration that is wrong is no misuse of the command line: it is told in one
 * line, without the command's usage behind it.
 *
 *     Error: Fatal error when initializing core config: /etc/hyperledger/fabric/core.yaml:21: ...
 *
 * Go origin   internal/peer/common/common.go InitConfig
 * Owner       main
 * Memory      the configuration is the caller's
 */
#ifndef WEFT_CLI_PEER_CONFIG_H
#define WEFT_CLI_PEER_CONFIG_H

#include "config/core_config.h"

enum weft_code peer_config_load(struct core_config **ret, struct weft_err *e) WEFT_MUST_CHECK;

#endif
