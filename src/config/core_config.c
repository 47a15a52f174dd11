#include "config/core_config.h"

#include "base/duration.h"
#include "base/log.h"

#include <strings.h>

LOG_DEFINE(config_log, "peer");

#define AT(member) offsetof(struct core_config, member)
enum {
    OR_ZERO = FIELD_ZERO_UNSET
};

/* clang-format off */
static const struct config_field fields[] = {
    { "peer.id", FIELD_STRING, 0, AT(peer.id), NULL },
    { "peer.networkId", FIELD_STRING, 0, AT(peer.network_id), NULL },
    { "peer.listenAddress", FIELD_STRING, 0, AT(peer.listen_address), NULL },
    { "peer.chaincodeListenAddress", FIELD_STRING, 0, AT(peer.chaincode_listen_address), NULL },
    { "peer.chaincodeAddress", FIELD_STRING, 0, AT(peer.chaincode_address), NULL },
    { "peer.address", FIELD_STRING, 0, AT(peer.address), NULL },
    { "peer.addressAutoDetect", FIELD_BOOL, 0, AT(peer.address_auto_detect), NULL },
    { "peer.keepalive.interval", FIELD_DURATION, 0, AT(peer.keepalive.interval_ns), "2h" },
    { "peer.keepalive.timeout", FIELD_DURATION, 0, AT(peer.keepalive.timeout_ns), "20s" },
    { "peer.keepalive.minInterval", FIELD_DURATION, 0, AT(peer.keepalive.min_interval_ns), "1m" },
    { "peer.keepalive.client.interval", FIELD_DURATION, 0, AT(peer.client_keepalive.interval_ns), "1m" },
    { "peer.keepalive.client.timeout", FIELD_DURATION, 0, AT(peer.client_keepalive.timeout_ns), "20s" },
    { "peer.keepalive.deliveryClient.interval", FIELD_DURATION, 0, AT(peer.deliver_client_keepalive.interval_ns), "1m" },
    { "peer.keepalive.deliveryClient.timeout", FIELD_DURATION, 0, AT(peer.deliver_client_keepalive.timeout_ns), "20s" },
    { "peer.connectiontimeout", FIELD_DURATION, OR_ZERO, AT(peer.connection_timeout_ns), "5s" },
    { "peer.maxRecvMsgSize", FIELD_SIZE, OR_ZERO, AT(peer.max_recv_bytes), "104857600" },
    { "peer.maxSendMsgSize", FIELD_SIZE, OR_ZERO, AT(peer.max_send_bytes), "104857600" },

    { "peer.gossip.bootstrap", FIELD_STRINGS, 0, AT(gossip.bootstrap), NULL },
    { "peer.gossip.useLeaderElection", FIELD_BOOL, 0, AT(gossip.use_leader_election), NULL },
    { "peer.gossip.orgLeader", FIELD_BOOL, 0, AT(gossip.org_leader), NULL },
    { "peer.gossip.membershipTrackerInterval", FIELD_DURATION, OR_ZERO, AT(gossip.membership_tracker_interval_ns), "5s" },
    { "peer.gossip.endpoint", FIELD_STRING, 0, AT(gossip.endpoint), NULL },
    { "peer.gossip.maxBlockCountToStore", FIELD_COUNT, OR_ZERO, AT(gossip.max_block_count_to_store), "10" },
    { "peer.gossip.maxPropagationBurstLatency", FIELD_DURATION, OR_ZERO, AT(gossip.max_propagation_burst_latency_ns), "10ms" },
    { "peer.gossip.maxPropagationBurstSize", FIELD_COUNT, OR_ZERO, AT(gossip.max_propagation_burst_size), "10" },
    { "peer.gossip.propagateIterations", FIELD_COUNT, OR_ZERO, AT(gossip.propagate_iterations), "1" },
    { "peer.gossip.propagatePeerNum", FIELD_COUNT, OR_ZERO, AT(gossip.propagate_peer_num), "3" },
    { "peer.gossip.pullInterval", FIELD_DURATION, OR_ZERO, AT(gossip.pull_interval_ns), "4s" },
    { "peer.gossip.pullPeerNum", FIELD_COUNT, OR_ZERO, AT(gossip.pull_peer_num), "3" },
    { "peer.gossip.requestStateInfoInterval", FIELD_DURATION, OR_ZERO, AT(gossip.request_state_info_interval_ns), "4s" },
    { "peer.gossip.publishStateInfoInterval", FIELD_DURATION, OR_ZERO, AT(gossip.publish_state_info_interval_ns), "4s" },
    { "peer.gossip.publishCertPeriod", FIELD_DURATION, OR_ZERO, AT(gossip.publish_cert_period_ns), "10s" },
    { "peer.gossip.skipBlockVerification", FIELD_BOOL, 0, AT(gossip.skip_block_verification), NULL },
    { "peer.gossip.nonBlockingCommitMode", FIELD_BOOL, 0, AT(gossip.non_blocking_commit_mode), NULL },
    { "peer.gossip.dialTimeout", FIELD_DURATION, OR_ZERO, AT(gossip.dial_timeout_ns), "3s" },
    { "peer.gossip.connTimeout", FIELD_DURATION, OR_ZERO, AT(gossip.conn_timeout_ns), "2s" },
    { "peer.gossip.recvBuffSize", FIELD_COUNT, OR_ZERO, AT(gossip.recv_buff_size), "20" },
    { "peer.gossip.sendBuffSize", FIELD_COUNT, OR_ZERO, AT(gossip.send_buff_size), "20" },
    { "peer.gossip.digestWaitTime", FIELD_DURATION, OR_ZERO, AT(gossip.digest_wait_ns), "1s" },
    { "peer.gossip.requestWaitTime", FIELD_DURATION, OR_ZERO, AT(gossip.request_wait_ns), "1500ms" },
    { "peer.gossip.responseWaitTime", FIELD_DURATION, OR_ZERO, AT(gossip.response_wait_ns), "2s" },
    { "peer.gossip.aliveTimeInterval", FIELD_DURATION, OR_ZERO, AT(gossip.alive_interval_ns), "5s" },
    { "peer.gossip.aliveExpirationTimeout", FIELD_DURATION, 0, AT(gossip.alive_expiration_ns), NULL },
    { "peer.gossip.reconnectInterval", FIELD_DURATION, 0, AT(gossip.reconnect_interval_ns), NULL },
    { "peer.gossip.maxConnectionAttempts", FIELD_COUNT, OR_ZERO, AT(gossip.max_connection_attempts), "120" },
    { "peer.gossip.msgExpirationFactor", FIELD_COUNT, OR_ZERO, AT(gossip.msg_expiration_factor), "20" },
    { "peer.gossip.externalEndpoint", FIELD_STRING, 0, AT(gossip.external_endpoint), NULL },
    { "peer.gossip.election.startupGracePeriod", FIELD_DURATION, OR_ZERO, AT(gossip.election_startup_grace_ns), "15s" },
    { "peer.gossip.election.membershipSampleInterval", FIELD_DURATION, OR_ZERO, AT(gossip.election_membership_sample_ns), "1s" },
    { "peer.gossip.election.leaderAliveThreshold", FIELD_DURATION, OR_ZERO, AT(gossip.election_leader_alive_ns), "10s" },
    { "peer.gossip.election.leaderElectionDuration", FIELD_DURATION, OR_ZERO, AT(gossip.election_duration_ns), "5s" },
    { "peer.gossip.state.enabled", FIELD_BOOL, 0, AT(gossip.state_enabled), NULL },
    { "peer.gossip.state.checkInterval", FIELD_DURATION, 0, AT(gossip.state_check_interval_ns), "10s" },
    { "peer.gossip.state.responseTimeout", FIELD_DURATION, 0, AT(gossip.state_response_timeout_ns), "3s" },
    { "peer.gossip.state.batchSize", FIELD_COUNT, 0, AT(gossip.state_batch_size), "10" },
    { "peer.gossip.state.blockBufferSize", FIELD_COUNT, 0, AT(gossip.state_block_buffer_size), "20" },
    { "peer.gossip.state.maxRetries", FIELD_COUNT, 0, AT(gossip.state_max_retries), "3" },
    { "peer.gossip.state.channelSize", FIELD_COUNT, 0, AT(gossip.state_channel_size), "100" },

    { "peer.gossip.pvtData.pullRetryThreshold", FIELD_DURATION, 0, AT(pvt_data.pull_retry_threshold_ns), NULL },
    { "peer.gossip.pvtData.transientstoreMaxBlockRetention", FIELD_COUNT, OR_ZERO, AT(pvt_data.transient_store_max_block_retention), "1000" },
    { "peer.gossip.pvtData.pushAckTimeout", FIELD_DURATION, 0, AT(pvt_data.push_ack_timeout_ns), NULL },
    { "peer.gossip.pvtData.btlPullMargin", FIELD_COUNT, 0, AT(pvt_data.btl_pull_margin), "10" },
    { "peer.gossip.pvtData.reconcileBatchSize", FIELD_COUNT, OR_ZERO, AT(pvt_data.reconcile_batch_size), "10" },
    { "peer.gossip.pvtData.reconcileSleepInterval", FIELD_DURATION, OR_ZERO, AT(pvt_data.reconcile_sleep_interval_ns), "1m" },
    { "peer.gossip.pvtData.reconciliationEnabled", FIELD_BOOL, 0, AT(pvt_data.reconciliation_enabled), NULL },
    { "peer.gossip.pvtData.skipPullingInvalidTransactionsDuringCommit", FIELD_BOOL, 0, AT(pvt_data.skip_pulling_invalid), NULL },
    { "peer.gossip.pvtData.implicitCollectionDisseminationPolicy.requiredPeerCount", FIELD_COUNT, 0, AT(pvt_data.implicit_required_peer_count), NULL },
    { "peer.gossip.pvtData.implicitCollectionDisseminationPolicy.maxPeerCount", FIELD_COUNT, 0, AT(pvt_data.implicit_max_peer_count), "1" },

    { "peer.tls.enabled", FIELD_BOOL, 0, AT(peer.tls.enabled), NULL },
    { "peer.tls.clientAuthRequired", FIELD_BOOL, 0, AT(peer.tls.client_auth_required), NULL },
    { "peer.tls.cert.file", FIELD_PATH, 0, AT(peer.tls.certificate), NULL },
    { "peer.tls.key.file", FIELD_PATH, 0, AT(peer.tls.private_key), NULL },
    { "peer.tls.rootcert.file", FIELD_PATH, 0, AT(peer.tls_root_cert), NULL },
    { "peer.tls.clientRootCAs.files", FIELD_PATHS, 0, AT(peer.tls.client_root_cas), NULL },
    { "peer.tls.clientKey.file", FIELD_PATH, 0, AT(peer.tls_client_key), NULL },
    { "peer.tls.clientCert.file", FIELD_PATH, 0, AT(peer.tls_client_cert), NULL },
    { "peer.tls.serverhostoverride", FIELD_STRING, 0, AT(peer.tls_server_host_override), NULL },
    { "peer.tls.handshakeTimeShift", FIELD_SHIFT, 0, AT(peer.tls.handshake_time_shift_ns), NULL },
    { "peer.authentication.timewindow", FIELD_DURATION, OR_ZERO, AT(peer.time_window_ns), "15m" },
    { "peer.fileSystemPath", FIELD_PATH, 0, AT(peer.file_system_path), NULL },
    { "peer.BCCSP.Default", FIELD_STRING, OR_ZERO, AT(peer.bccsp.provider), "SW" },
    { "peer.BCCSP.SW.Hash", FIELD_STRING, OR_ZERO, AT(peer.bccsp.hash), "SHA2" },
    { "peer.BCCSP.SW.Security", FIELD_COUNT, OR_ZERO, AT(peer.bccsp.security), "256" },
    { "peer.BCCSP.SW.FileKeyStore.KeyStore", FIELD_PATH, 0, AT(peer.bccsp.key_store), NULL },
    { "peer.mspConfigPath", FIELD_PATH, 0, AT(peer.msp_config_path), NULL },
    { "peer.localMspId", FIELD_STRING, 0, AT(peer.local_msp_id), NULL },
    { "peer.localMspType", FIELD_STRING, OR_ZERO, AT(peer.local_msp_type), "bccsp" },
    { "peer.client.connTimeout", FIELD_DURATION, OR_ZERO, AT(peer.client_conn_timeout_ns), "3s" },
    { "peer.deliveryclient.reconnectTotalTimeThreshold", FIELD_DURATION, OR_ZERO, AT(deliver_client.reconnect_total_ns), "1h" },
    { "peer.deliveryclient.connTimeout", FIELD_DURATION, OR_ZERO, AT(deliver_client.conn_timeout_ns), "3s" },
    { "peer.deliveryclient.reConnectBackoffThreshold", FIELD_DURATION, OR_ZERO, AT(deliver_client.reconnect_backoff_ns), "1h" },
    { "peer.deliveryclient.blockGossipEnabled", FIELD_BOOL, 0, AT(deliver_client.block_gossip_enabled), "true" },
    { "peer.profile.enabled", FIELD_BOOL, 0, AT(peer.profile_enabled), NULL },
    { "peer.profile.listenAddress", FIELD_STRING, 0, AT(peer.profile_address), NULL },
    { "peer.validatorPoolSize", FIELD_COUNT, 0, AT(peer.validator_pool_size), NULL },
    { "peer.discovery.enabled", FIELD_BOOL, 0, AT(peer.discovery_enabled), NULL },
    { "peer.discovery.authCacheEnabled", FIELD_BOOL, 0, AT(peer.discovery_auth_cache_enabled), NULL },
    { "peer.discovery.authCacheMaxSize", FIELD_COUNT, 0, AT(peer.discovery_auth_cache_max_size), NULL },
    { "peer.discovery.authCachePurgeRetentionRatio", FIELD_RATIO, 0, AT(peer.discovery_auth_cache_purge_retention_ratio), NULL },
    { "peer.discovery.orgMembersAllowedAccess", FIELD_BOOL, 0, AT(peer.discovery_org_members_allowed), NULL },
    { "peer.limits.concurrency.endorserService", FIELD_COUNT, 0, AT(peer.endorser_concurrency), NULL },
    { "peer.limits.concurrency.deliverService", FIELD_COUNT, 0, AT(peer.deliver_concurrency), NULL },

    { "vm.endpoint", FIELD_STRING, 0, AT(chaincode.vm_endpoint), NULL },
    { "chaincode.installTimeout", FIELD_DURATION, 0, AT(chaincode.install_timeout_ns), NULL },
    { "chaincode.startuptimeout", FIELD_DURATION, 0, AT(chaincode.startup_timeout_ns), NULL },
    { "chaincode.executetimeout", FIELD_DURATION, 0, AT(chaincode.execute_timeout_ns), NULL },
    { "chaincode.mode", FIELD_STRING, 0, AT(chaincode.mode), NULL },
    { "chaincode.keepalive", FIELD_COUNT, 0, AT(chaincode.keepalive_s), NULL },
    { "chaincode.logging.level", FIELD_STRING, 0, AT(chaincode.log_level), NULL },
    { "chaincode.logging.shim", FIELD_STRING, 0, AT(chaincode.shim_log_level), NULL },
    { "chaincode.logging.format", FIELD_STRING, 0, AT(chaincode.log_format), NULL },
    { "ledger.state.stateDatabase", FIELD_STRING, OR_ZERO, AT(ledger.state_database), "goleveldb" },
    { "ledger.state.totalQueryLimit", FIELD_COUNT, 0, AT(ledger.total_query_limit), "10000" },
    { "ledger.history.enableHistoryDatabase", FIELD_BOOL, 0, AT(ledger.history_enabled), NULL },
    { "ledger.pvtdataStore.collElgProcMaxDbBatchSize", FIELD_COUNT, 0, AT(pvt_data.elig_batch_size), "5000" },
    { "ledger.pvtdataStore.collElgProcDbBatchesInterval", FIELD_COUNT, 0, AT(pvt_data.elig_batches_interval_ms), "1000" },
    { "ledger.pvtdataStore.purgeInterval", FIELD_COUNT, 0, AT(pvt_data.purge_interval), "100" },
    { "ledger.pvtdataStore.deprioritizedDataReconcilerInterval", FIELD_DURATION, 0, AT(pvt_data.deprioritized_reconciler_interval_ns), "60m" },
    { "ledger.snapshots.rootDir", FIELD_STRING, 0, AT(ledger.snapshots_dir), NULL },

    { "operations.listenAddress", FIELD_STRING, 0, AT(operations_address), NULL },
    { "operations.tls.enabled", FIELD_BOOL, 0, AT(operations_tls.enabled), NULL },
    { "operations.tls.cert.file", FIELD_PATH, 0, AT(operations_tls.certificate), NULL },
    { "operations.tls.key.file", FIELD_PATH, 0, AT(operations_tls.private_key), NULL },
    { "operations.tls.clientAuthRequired", FIELD_BOOL, 0, AT(operations_tls.client_auth_required), NULL },
    { "operations.tls.clientRootCAs.files", FIELD_PATHS, 0, AT(operations_tls.client_root_cas), NULL },
    { "metrics.provider", FIELD_STRING, OR_ZERO, AT(metrics.provider), "disabled" },
    { "metrics.statsd.network", FIELD_STRING, 0, AT(metrics.statsd_network), NULL },
    { "metrics.statsd.address", FIELD_STRING, 0, AT(metrics.statsd_address), NULL },
    { "metrics.statsd.writeInterval", FIELD_DURATION, 0, AT(metrics.statsd_write_interval_ns), NULL },
    { "metrics.statsd.prefix", FIELD_STRING, 0, AT(metrics.statsd_prefix), NULL },
    { "weft.health.lostAfter", FIELD_DURATION, OR_ZERO, AT(health_lost_after_ns), "1m" },
    { "logging.level", FIELD_STRING, 0, AT(logging_level), NULL },
};
/* clang-format on */

/* Read below, or nothing for a peer without containers and CouchDB. */
static const char *const sections[] = {
    "peer.BCCSP.PKCS11",
    "peer.gossip.stateInfoRetentionInterval",
    "peer.deliveryclient.addressOverrides",
    "peer.handlers",
    "vm.docker",
    "chaincode.system",
    "chaincode.externalBuilders",
    "chaincode.id",
    "chaincode.builder",
    "chaincode.pull",
    "chaincode.golang",
    "chaincode.java",
    "chaincode.node",
    "ledger.blockchain",
    "ledger.state.couchDBConfig",
    NULL,
};
static const struct config_table table = {
    .fields = fields, .count = WEFT_ARRAY_LEN(fields), .sections = sections, .split_at_blanks = true
};

/* ---- lists of sections ---------------------------------------------- */

#define ROW(type, member) offsetof(struct type, member)

static const struct config_field override_fields[] = {
    { "from", FIELD_STRING, 0, ROW(core_address_override, from), NULL },
    { "to", FIELD_STRING, 0, ROW(core_address_override, to), NULL },
    { "caCertsFile", FIELD_PATH, 0, ROW(core_address_override, ca_certs_file), NULL },
};

static const struct config_field handler_fields[] = {
    { "name", FIELD_STRING, 0, ROW(core_handler, name), NULL },
    { "library", FIELD_PATH, 0, ROW(core_handler, library), NULL },
};

struct builder_row {
    struct core_external_builder builder;
    struct config_strings older_environment;
};

static const struct config_field builder_fields[] = {
    { "name", FIELD_STRING, 0, ROW(builder_row, builder.name), NULL },
    { "path", FIELD_STRING, 0, ROW(builder_row, builder.path), NULL },
    { "propagateEnvironment", FIELD_STRINGS, 0, ROW(builder_row, builder.propagate_environment),
      NULL },
    { "environmentWhitelist", FIELD_STRINGS, 0, ROW(builder_row, older_environment), NULL },
};

static enum weft_code read_overrides(const struct config_source *src, struct core_config *c,
                                     struct weft_err *e)
{
    static const struct config_table t = { override_fields, WEFT_ARRAY_LEN(override_fields), NULL,
                                           true };
    WEFT_CLEANUP(config_rows_done) struct config_rows rows = { 0 };
    WEFT_TRY(config_source_rows(src, "peer.deliveryclient.addressOverrides", &rows, e));
    struct core_address_override *items = arena_alloc(&c->arena, (rows.count + 1) * sizeof(*items));
    for (size_t i = 0; i < rows.count; i++)
        WEFT_TRY(config_table_fill(&t, rows.items[i], &items[i], &c->arena, e));
    c->deliver_client.overrides = items;
    c->deliver_client.override_count = rows.count;
    return WEFT_OK;
}

static enum weft_code read_handlers(const struct config_source *src, const char *key,
                                    struct core_handlers *ret, struct arena *a, struct weft_err *e)
{
    static const struct config_table t = { handler_fields, WEFT_ARRAY_LEN(handler_fields), NULL,
                                           true };
    WEFT_CLEANUP(config_rows_done) struct config_rows rows = { 0 };
    WEFT_TRY(config_source_rows(src, key, &rows, e));
    struct core_handler *items = arena_alloc(a, (rows.count + 1) * sizeof(*items));
    for (size_t i = 0; i < rows.count; i++) {
        WEFT_TRY(config_table_fill(&t, rows.items[i], &items[i], a, e));
        items[i].label = arena_dup_str(a, bytes_of_str(config_source_label(rows.items[i])));
    }
    *ret = (struct core_handlers){ .items = items, .count = rows.count };
    return WEFT_OK;
}

static enum weft_code read_builders(const struct config_source *src, struct core_config *c,
                                    struct weft_err *e)
{
    static const struct config_table t = { builder_fields, WEFT_ARRAY_LEN(builder_fields), NULL,
                                           true };
    WEFT_CLEANUP(config_rows_done) struct config_rows rows = { 0 };
    WEFT_TRY(config_source_rows(src, "chaincode.externalBuilders", &rows, e));
    struct core_external_builder *items = arena_alloc(&c->arena, (rows.count + 1) * sizeof(*items));
    for (size_t i = 0; i < rows.count; i++) {
        struct builder_row row = { 0 };
        WEFT_TRY(config_table_fill(&t, rows.items[i], &row, &c->arena, e));
        if (row.builder.path[0] == '\0')
            return WEFT_FAIL(e, WEFT_INVALID,
                             "%s: invalid external builder configuration, path attribute missing "
                             "in one or more builders",
                             config_source_path(src));
        if (row.builder.name[0] == '\0')
            return WEFT_FAIL(e, WEFT_INVALID,
                             "%s: external builder at path %s has no name attribute",
                             config_source_path(src), row.builder.path);
        if (row.builder.propagate_environment.count == 0)
            row.builder.propagate_environment = row.older_environment;
        items[i] = row.builder;
    }
    c->chaincode.builders = items;
    c->chaincode.builder_count = rows.count;
    return WEFT_OK;
}

/* ---- what follows from several keys --------------------------------- */

/* enable, true, ... and nothing else. */
static bool system_chaincode_enabled(const struct config_source *src, const char *key)
{
    static const char *const words[] = { "true", "t", "1", "enable", "enabled", "yes" };
    struct config_value v;
    if (!config_source_find(src, key, &v))
        return false;
    for (size_t i = 0; i < WEFT_ARRAY_LEN(words); i++) {
        if (strcasecmp(v.text, words[i]) == 0)
            return true;
    }
    return false;
}

static void fill_chaincode(const struct config_source *src, struct core_chaincode_config *c)
{
    c->lifecycle_enabled = system_chaincode_enabled(src, "chaincode.system._lifecycle");
    c->cscc_enabled = system_chaincode_enabled(src, "chaincode.system.cscc");
    c->lscc_enabled = system_chaincode_enabled(src, "chaincode.system.lscc");
    c->qscc_enabled = system_chaincode_enabled(src, "chaincode.system.qscc");
    if (c->execute_timeout_ns < DURATION_S)
        c->execute_timeout_ns = 30 * DURATION_S;
    if (c->startup_timeout_ns < 5 * DURATION_S)
        c->startup_timeout_ns = 5 * DURATION_S;
}

static enum weft_code settle(const struct config_source *src, struct core_config *c,
                             struct weft_err *e)
{
    struct core_gossip_config *g = &c->gossip;
    if (g->alive_expiration_ns == 0 &&
        __builtin_mul_overflow(g->alive_interval_ns, 5, &g->alive_expiration_ns))
        g->alive_expiration_ns = INT64_MAX;
    if (g->reconnect_interval_ns == 0)
        g->reconnect_interval_ns = g->alive_expiration_ns;

    uint32_t required = c->pvt_data.implicit_required_peer_count;
    uint32_t most = c->pvt_data.implicit_max_peer_count;
    if (most < required)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "%s: peer.gossip.pvtData.implicitCollectionDisseminationPolicy."
                         "maxPeerCount (%u) cannot be less than requiredPeerCount (%u)",
                         config_source_path(src), most, required);
    if (c->ledger.snapshots_dir[0] == '\0') {
        WEFT_FREE char *dir = weft_asprintf("%s/ledgersData/snapshots", c->peer.file_system_path);
        c->ledger.snapshots_dir = arena_dup_str(&c->arena, bytes_of_str(dir));
    }
    if (c->logging_level[0] != '\0')
        LOG_WARN(&config_log, "CORE_LOGGING_LEVEL is no longer supported, please use the "
                              "FABRIC_LOGGING_SPEC environment variable");
    fill_chaincode(src, &c->chaincode);
    return WEFT_OK;
}

enum weft_code core_config_read(const struct config_source *src, struct core_config **ret,
                                struct weft_err *e)
{
    WEFT_CLEANUP(core_config_free) struct core_config *c = weft_alloc(sizeof(*c));
    struct arena *a = &c->arena;
    WEFT_TRY(config_table_fill(&table, src, c, a, e));
    WEFT_TRY(settle(src, c, e));
    WEFT_TRY(read_overrides(src, c, e));
    WEFT_TRY(read_builders(src, c, e));
    WEFT_TRY(read_handlers(src, "peer.handlers.authFilters", &c->auth_filters, a, e));
    WEFT_TRY(read_handlers(src, "peer.handlers.decorators", &c->decorators, a, e));
    WEFT_TRY(read_handlers(src, "peer.handlers.endorsers", &c->endorsers, a, e));
    WEFT_TRY(read_handlers(src, "peer.handlers.validators", &c->validators, a, e));
    c->file = arena_dup_str(a, bytes_of_str(config_source_path(src)));
    c->dir = arena_dup_str(a, bytes_of_str(config_source_dir(src)));
    *ret = WEFT_TAKE(c);
    return WEFT_OK;
}

enum weft_code core_config_load(const char *const *env, struct core_config **ret,
                                struct weft_err *e)
{
    WEFT_CLEANUP(config_source_free) struct config_source *src = NULL;
    WEFT_TRY(config_source_open("core", "CORE", env, &src, e));
    return core_config_read(src, ret, e);
}

void core_config_free(struct core_config *c)
{
    if (c == NULL)
        return;
    arena_done(&c->arena);
    free(c);
}

void core_config_blame(const struct core_config *c, struct weft_err *e)
{
    config_table_blame(&table, c, c->file, e);
}

void core_config_print(const struct core_config *c, struct buf *out)
{
    config_table_print(&table, c, out);
}

/* ---- keys without effect ---------------------------------------------- */

#define NO_GOSSIP    "this peer does not gossip"
#define NO_CHAINCODE "no chaincode of users runs on this peer"
#define NO_FETCHING  "private data is not fetched from other peers"
#define NO_DISCOVERY "this peer does not serve discovery"

/* clang-format off */
static const struct config_idle idle[] = {
    { "peer.chaincodeListenAddress", NULL, NO_CHAINCODE },
    { "peer.chaincodeAddress", NULL, NO_CHAINCODE },
    { "peer.gossip.bootstrap", "127.0.0.1:7051", NO_GOSSIP },
    { "peer.gossip.endpoint", NULL, NO_GOSSIP },
    { "peer.gossip.membershipTrackerInterval", NULL, NO_GOSSIP },
    { "peer.gossip.maxBlockCountToStore", NULL, NO_GOSSIP },
    { "peer.gossip.maxPropagationBurstLatency", NULL, NO_GOSSIP },
    { "peer.gossip.maxPropagationBurstSize", NULL, NO_GOSSIP },
    { "peer.gossip.propagateIterations", NULL, NO_GOSSIP },
    { "peer.gossip.propagatePeerNum", NULL, NO_GOSSIP },
    { "peer.gossip.pullInterval", NULL, NO_GOSSIP },
    { "peer.gossip.pullPeerNum", NULL, NO_GOSSIP },
    { "peer.gossip.requestStateInfoInterval", NULL, NO_GOSSIP },
    { "peer.gossip.publishStateInfoInterval", NULL, NO_GOSSIP },
    { "peer.gossip.publishCertPeriod", NULL, NO_GOSSIP },
    { "peer.gossip.dialTimeout", NULL, NO_GOSSIP },
    { "peer.gossip.recvBuffSize", NULL, NO_GOSSIP },
    { "peer.gossip.sendBuffSize", "200", NO_GOSSIP },
    { "peer.gossip.digestWaitTime", NULL, NO_GOSSIP },
    { "peer.gossip.requestWaitTime", NULL, NO_GOSSIP },
    { "peer.gossip.responseWaitTime", NULL, NO_GOSSIP },
    { "peer.gossip.aliveTimeInterval", NULL, NO_GOSSIP },
    { "peer.gossip.aliveExpirationTimeout", "25s", NO_GOSSIP },
    { "peer.gossip.reconnectInterval", "25s", NO_GOSSIP },
    { "peer.gossip.maxConnectionAttempts", NULL, NO_GOSSIP },
    { "peer.gossip.msgExpirationFactor", NULL, NO_GOSSIP },
    { "peer.gossip.state.enabled", NULL, NO_GOSSIP },
    { "peer.gossip.state.checkInterval", NULL, NO_GOSSIP },
    { "peer.gossip.state.responseTimeout", NULL, NO_GOSSIP },
    { "peer.gossip.state.batchSize", NULL, NO_GOSSIP },
    { "peer.gossip.state.blockBufferSize", NULL, NO_GOSSIP },
    { "peer.gossip.state.maxRetries", NULL, NO_GOSSIP },
    { "peer.gossip.state.channelSize", NULL, NO_GOSSIP },
    { "peer.gossip.skipBlockVerification", NULL, "blocks are always verified" },
    { "peer.gossip.nonBlockingCommitMode", NULL, "blocks from orderers wait for room" },
    { "peer.gossip.pvtData.pullRetryThreshold", "60s", NO_FETCHING },
    { "peer.gossip.pvtData.pushAckTimeout", "3s", NO_FETCHING },
    { "peer.gossip.pvtData.btlPullMargin", NULL, NO_FETCHING },
    { "peer.gossip.pvtData.reconcileBatchSize", NULL, NO_FETCHING },
    { "peer.gossip.pvtData.reconcileSleepInterval", NULL, NO_FETCHING },
    { "peer.gossip.pvtData.reconciliationEnabled", "true", NO_FETCHING },
    { "peer.gossip.pvtData.skipPullingInvalidTransactionsDuringCommit", NULL, NO_FETCHING },
    { "peer.discovery.enabled", "true", NO_DISCOVERY },
    { "peer.discovery.authCacheEnabled", "true", NO_DISCOVERY },
    { "peer.discovery.authCacheMaxSize", "1000", NO_DISCOVERY },
    { "peer.discovery.authCachePurgeRetentionRatio", "0.75", NO_DISCOVERY },
    { "peer.discovery.orgMembersAllowedAccess", NULL, NO_DISCOVERY },
    { "chaincode.keepalive", NULL, NO_CHAINCODE },
    { "chaincode.installTimeout", "300s", NO_CHAINCODE },
    { "chaincode.startuptimeout", "300s", NO_CHAINCODE },
    { "chaincode.executetimeout", "30s", NO_CHAINCODE },
    { "chaincode.logging.level", "info", NO_CHAINCODE },
    { "chaincode.logging.shim", "warning", NO_CHAINCODE },
    { "ledger.state.totalQueryLimit", "100000", NO_CHAINCODE },
    { "ledger.pvtdataStore.collElgProcMaxDbBatchSize", NULL, NO_FETCHING },
    { "ledger.pvtdataStore.collElgProcDbBatchesInterval", NULL, NO_FETCHING },
    { "ledger.pvtdataStore.deprioritizedDataReconcilerInterval", NULL, NO_FETCHING },
};
/* clang-format on */

void core_config_tell_idle(const struct core_config *c, struct log *log)
{
    config_table_tell_idle(&table, idle, WEFT_ARRAY_LEN(idle), c, log);
}
