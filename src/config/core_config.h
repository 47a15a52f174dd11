/* core_config.h - core.yaml as a struct.
 *
 *     core_config_load(environ, &c, &e);
 *     c->peer.listen_address          peer.listenAddress, CORE_PEER_LISTENADDRESS
 *     c->gossip.org_leader            peer.gossip.orgLeader
 *
 * What a member is for, and its key, stand in sampleconfig/core.yaml.  Paths
 * are absolute or "".  What is not set has the value that Fabric's code gives
 * it then, which is not always the sample's.
 *
 * Go origin   core/peer/config.go core/config/config.go gossip/gossip/config.go
 *             gossip/service/config.go gossip/state/config.go gossip/privdata/config.go
 *             core/deliverservice/config.go core/handlers/library/config.go
 *             core/chaincode/config.go internal/peer/node/config.go
 * Differs     a value that can't be read is refused there and then (there it
 *             is zero); addressOverrides' files start at the file's folder;
 *             addressOverrides can be set by a variable, as YAML
 * Owner       whoever loads it; immutable
 * Memory      one arena, until core_config_free
 * Limits      those of config_tree.h
 */
#ifndef WEFT_CONFIG_CORE_CONFIG_H
#define WEFT_CONFIG_CORE_CONFIG_H

#include "config/config_parts.h"

/* peer.* */
struct core_peer_config {
    const char *id, *network_id;
    const char *listen_address, *address;
    const char *chaincode_listen_address, *chaincode_address;
    bool address_auto_detect;
    struct config_keepalive keepalive;                /* our server */
    struct config_keepalive client_keepalive;         /* to other peers */
    struct config_keepalive deliver_client_keepalive; /* to orderers */
    int64_t connection_timeout_ns;
    uint32_t max_recv_bytes, max_send_bytes;
    struct config_tls tls;
    const char *tls_root_cert, *tls_client_key, *tls_client_cert, *tls_server_host_override;
    int64_t time_window_ns;
    const char *file_system_path;
    struct config_bccsp bccsp;
    const char *msp_config_path, *local_msp_id, *local_msp_type;
    int64_t client_conn_timeout_ns; /* of the command line */
    uint32_t validator_pool_size;   /* 0: one for each core */
    bool profile_enabled;
    const char *profile_address;
    bool discovery_enabled, discovery_auth_cache_enabled, discovery_org_members_allowed;
    uint32_t discovery_auth_cache_max_size;
    double discovery_auth_cache_purge_retention_ratio;
    uint32_t endorser_concurrency, deliver_concurrency; /* 0: no limit */
};

/* peer.gossip.* */
struct core_gossip_config {
    struct config_strings bootstrap;
    bool use_leader_election, org_leader, skip_block_verification, non_blocking_commit_mode;
    const char *endpoint, *external_endpoint;
    int64_t membership_tracker_interval_ns;
    uint32_t max_block_count_to_store;
    int64_t max_propagation_burst_latency_ns;
    uint32_t max_propagation_burst_size, propagate_iterations, propagate_peer_num;
    int64_t pull_interval_ns;
    uint32_t pull_peer_num;
    int64_t request_state_info_interval_ns, publish_state_info_interval_ns;
    int64_t publish_cert_period_ns;
    int64_t dial_timeout_ns, conn_timeout_ns;
    uint32_t recv_buff_size, send_buff_size; /* messages */
    int64_t digest_wait_ns, request_wait_ns, response_wait_ns;
    int64_t alive_interval_ns, alive_expiration_ns, reconnect_interval_ns;
    uint32_t max_connection_attempts, msg_expiration_factor;
    int64_t election_startup_grace_ns, election_membership_sample_ns;
    int64_t election_leader_alive_ns, election_duration_ns;
    bool state_enabled;
    int64_t state_check_interval_ns, state_response_timeout_ns;
    uint32_t state_batch_size, state_block_buffer_size, state_max_retries, state_channel_size;
};

/* peer.gossip.pvtData.* and ledger.pvtdataStore.* */
struct core_pvt_data_config {
    int64_t pull_retry_threshold_ns, push_ack_timeout_ns;
    uint32_t transient_store_max_block_retention, btl_pull_margin;
    uint32_t reconcile_batch_size;
    int64_t reconcile_sleep_interval_ns;
    bool reconciliation_enabled, skip_pulling_invalid;
    uint32_t implicit_required_peer_count, implicit_max_peer_count;
    uint32_t elig_batch_size, elig_batches_interval_ms, purge_interval;
    int64_t deprioritized_reconciler_interval_ns;
};

/* An address of the channel configuration, and where to go instead. */
struct core_address_override {
    const char *from, *to, *ca_certs_file;
};

/* peer.deliveryclient.* */
struct core_deliver_client_config {
    int64_t reconnect_total_ns, reconnect_backoff_ns, conn_timeout_ns;
    bool block_gossip_enabled;
    const struct core_address_override *overrides;
    size_t override_count;
};

struct core_handler {
    const char *label; /* "escc"; "" in the lists */
    const char *name, *library;
};

struct core_handlers {
    const struct core_handler *items;
    size_t count;
};

struct core_external_builder {
    const char *name, *path;
    struct config_strings propagate_environment;
};

/* chaincode.* and vm.*: only what a peer without containers reads. */
struct core_chaincode_config {
    const char *vm_endpoint;
    uint32_t keepalive_s;
    int64_t execute_timeout_ns, install_timeout_ns, startup_timeout_ns;
    const char *mode; /* net, dev */
    bool lifecycle_enabled, cscc_enabled, lscc_enabled, qscc_enabled;
    const char *log_level, *shim_log_level, *log_format;
    const struct core_external_builder *builders;
    size_t builder_count;
};

struct core_ledger_config {
    const char *state_database; /* goleveldb, CouchDB */
    uint32_t total_query_limit;
    bool history_enabled;
    const char *snapshots_dir; /* never "" */
};

struct core_config {
    struct core_peer_config peer;
    struct core_gossip_config gossip;
    struct core_pvt_data_config pvt_data;
    struct core_deliver_client_config deliver_client;
    struct core_handlers auth_filters, decorators, endorsers, validators;
    struct core_chaincode_config chaincode;
    struct core_ledger_config ledger;
    const char *operations_address;
    struct config_tls operations_tls;
    struct config_metrics metrics;
    int64_t health_lost_after_ns; /* of our own: weft.health.lostAfter */
    const char *logging_level;    /* no longer obeyed; said if it is set */

    const char *file, *dir;
    struct arena arena;
};

enum weft_code core_config_load(const char *const *env, struct core_config **ret,
                                struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code core_config_read(const struct config_source *src, struct core_config **ret,
                                struct weft_err *e) WEFT_MUST_CHECK;
void core_config_free(struct core_config *c);
WEFT_DEFINE_CLEANUP(struct core_config *, core_config_free)

/* A start failed: if over one of our paths, says whose (config_table_blame). */
void core_config_blame(const struct core_config *c, struct weft_err *e);

/* A line a key, without the lists of sections. */
void core_config_print(const struct core_config *c, struct buf *out);
/* Warns of keys that were set and change nothing in this peer, or its command line. */
void core_config_tell_idle(const struct core_config *c, struct log *log);

#endif
