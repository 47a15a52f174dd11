/* node_flags.h - where a command goes: to an orderer (flags) or a peer (core.yaml).
 *
 * Go origin   internal/peer/common/ordererenv.go internal/peer/common/common.go
 * Owner       the main thread
 * Memory      flags point into argv; a node_target is ended with node_target_done
 */
#ifndef WEFT_CLI_NODE_FLAGS_H
#define WEFT_CLI_NODE_FLAGS_H

#include "cli/cli.h"
#include "net/tls.h"

struct core_config;

struct orderer_flags {
    const char *address, *ca_file, *cert_file, *key_file, *host_override;
    const char *conn_timeout, *time_shift, *logging_level;
    bool tls, client_auth;
};

/* Adds the flags to a table that has room for them. */
void orderer_flags_add(struct orderer_flags *f, struct cli_opt *opts, size_t *count);

/* One node to talk to. */
struct node_target {
    const char *address, *host_override;
    struct tls_context *tls; /* NULL: plain text */
    uint32_t connect_timeout_ms;
};

enum weft_code orderer_flags_target(const struct orderer_flags *f, struct node_target *ret,
                                    struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code peer_target(const struct core_config *config, struct node_target *ret,
                           struct weft_err *e) WEFT_MUST_CHECK;
void node_target_done(struct node_target *t);
WEFT_DEFINE_CLEANUP_IN_PLACE(struct node_target, node_target_done)

#endif
