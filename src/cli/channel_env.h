/* channel_env.h - what every `peer channel` command begins with: core.yaml, who
 * we are, and whom to ask.
 *
 * Go origin   internal/peer/channel/channel.go internal/peer/common/common.go
 * Differs     of the local MSP only our own certificate and key are read
 * Owner       the main thread
 * Memory      ended with channel_env_done
 */
#ifndef WEFT_CLI_CHANNEL_ENV_H
#define WEFT_CLI_CHANNEL_ENV_H

#include "cli/node_flags.h"

struct core_config;
struct deliver_fetch;
struct signing_identity;

struct channel_env {
    struct core_config *config;
    struct signing_identity *me;
};

/* FABRIC_CFG_PATH, CORE_PEER_MSPCONFIGPATH, CORE_PEER_LOCALMSPID. */
enum weft_code channel_env_open(struct channel_env *ret, struct weft_err *e) WEFT_MUST_CHECK;
void channel_env_done(struct channel_env *env);
WEFT_DEFINE_CLEANUP_IN_PLACE(struct channel_env, channel_env_done)

/* The line that Fabric's commands write when their clients are there. */
void channel_env_ready(void);

/* "host:port", or "ordering service endpoint nowhere is not valid or missing". */
enum weft_code channel_env_orderer(const struct orderer_flags *f, struct node_target *ret,
                                   struct weft_err *e) WEFT_MUST_CHECK;

/* Blocks of a channel from there; from the peer that the configuration names. */
enum weft_code channel_env_deliver_of_peer(const struct channel_env *env, const char *channel,
                                           struct deliver_fetch **ret,
                                           struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code channel_env_deliver(const struct channel_env *env, const struct node_target *orderer,
                                   const char *channel, struct deliver_fetch **ret,
                                   struct weft_err *e) WEFT_MUST_CHECK;

#endif
