/* orderer_config.h - orderer.yaml as a struct.
 *
 *     orderer_config_load(environ, &c, &e);
 *     c->general.listen_port          General.ListenPort, ORDERER_GENERAL_LISTENPORT
 *
 * What a member is for, and its key, stand in sampleconfig/orderer.yaml in the
 * same order.  Paths are absolute or "".
 *
 * Go origin   orderer/common/localconfig/config.go orderer/common/server/main.go
 * Differs     unknown keys are passed over, and so is Kafka; all paths but
 *             those of Consensus start at the file's folder (there some start
 *             at the working folder), an empty one stays empty; a variable
 *             sets a key of a section that the file does not have, too
 * Owner       whoever loads it; immutable
 * Memory      one arena, until orderer_config_free
 * Limits      those of config_tree.h
 */
#ifndef WEFT_CONFIG_ORDERER_CONFIG_H
#define WEFT_CONFIG_ORDERER_CONFIG_H

#include "config/config_parts.h"

struct orderer_general_config {
    const char *listen_address;
    uint16_t listen_port;
    struct config_tls tls;
    struct config_keepalive keepalive;
    int64_t connection_timeout_ns;
    uint32_t max_recv_bytes, max_send_bytes;
    const char *bootstrap_method; /* file, none */
    const char *bootstrap_file;
    const char *local_msp_dir, *local_msp_id;
    bool profile_enabled;
    const char *profile_address;
    struct config_bccsp bccsp;
    int64_t time_window_ns;
    bool no_expiration_checks;
};

struct orderer_cluster_config {
    const char *listen_address;
    uint16_t listen_port;
    const char *server_certificate, *server_private_key;
    const char *client_certificate, *client_private_key;
    struct config_strings root_cas;
    int64_t dial_timeout_ns, rpc_timeout_ns;
    uint32_t send_buffer_size;
    uint32_t replication_buffer_bytes, replication_max_retries;
    int64_t replication_pull_timeout_ns, replication_retry_timeout_ns;
    int64_t replication_background_refresh_ns;
    int64_t cert_expiration_warning_ns;
    int64_t tls_handshake_time_shift_ns;
};

struct orderer_config {
    struct orderer_general_config general;
    struct orderer_cluster_config cluster;
    const char *ledger_location, *ledger_prefix;
    const char *broadcast_trace_dir, *deliver_trace_dir;
    const char *operations_address;
    struct config_tls operations_tls;
    struct config_metrics metrics;
    const char *wal_dir, *snap_dir;
    int64_t eviction_suspicion_ns, tick_interval_override_ns; /* 0: the channel's own */
    bool journal_enabled;                                     /* of our own: Weft.Journal.Enabled */
    bool channel_participation_enabled, channel_participation_remove_storage;

    const char *file, *dir; /* the file, and its folder */
    struct arena arena;
};

/* Finds orderer.yaml (config_source.h), reads it with the environment over it. */
enum weft_code orderer_config_load(const char *const *env, struct orderer_config **ret,
                                   struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code orderer_config_read(const struct config_source *src, struct orderer_config **ret,
                                   struct weft_err *e) WEFT_MUST_CHECK;
void orderer_config_free(struct orderer_config *c);
WEFT_DEFINE_CLEANUP(struct orderer_config *, orderer_config_free)

/* A start failed: if over one of our paths, says whose (config_table_blame). */
void orderer_config_blame(const struct orderer_config *c, struct weft_err *e);

/* "Orderer config values:" and a line a key, for the log at start. */
void orderer_config_print(const struct orderer_config *c, struct buf *out);
/* Warns of keys that were set and change nothing in this orderer. */
void orderer_config_tell_idle(const struct orderer_config *c, struct log *log);

#endif
