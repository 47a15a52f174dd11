#include "config/orderer_config.h"

#include "base/log.h"

LOG_DEFINE(config_log, "localconfig");

#define AT(member) offsetof(struct orderer_config, member)
enum {
    OR_ZERO = FIELD_ZERO_UNSET,
    TOLD = FIELD_ZERO_UNSET | FIELD_TOLD
};

/* clang-format off */
static const struct config_field fields[] = {
    { "General.ListenAddress", FIELD_STRING, TOLD, AT(general.listen_address), "127.0.0.1" },
    { "General.ListenPort", FIELD_PORT, TOLD, AT(general.listen_port), "7050" },
    { "General.TLS.Enabled", FIELD_BOOL, 0, AT(general.tls.enabled), NULL },
    { "General.TLS.PrivateKey", FIELD_PATH, 0, AT(general.tls.private_key), NULL },
    { "General.TLS.Certificate", FIELD_PATH, 0, AT(general.tls.certificate), NULL },
    { "General.TLS.RootCAs", FIELD_PATHS, 0, AT(general.tls.root_cas), NULL },
    { "General.TLS.ClientAuthRequired", FIELD_BOOL, 0, AT(general.tls.client_auth_required), NULL },
    { "General.TLS.ClientRootCAs", FIELD_PATHS, 0, AT(general.tls.client_root_cas), NULL },
    { "General.TLS.TLSHandshakeTimeShift", FIELD_SHIFT, 0, AT(general.tls.handshake_time_shift_ns), NULL },
    { "General.Cluster.ListenAddress", FIELD_STRING, 0, AT(cluster.listen_address), NULL },
    { "General.Cluster.ListenPort", FIELD_PORT, 0, AT(cluster.listen_port), NULL },
    { "General.Cluster.ServerCertificate", FIELD_PATH, 0, AT(cluster.server_certificate), NULL },
    { "General.Cluster.ServerPrivateKey", FIELD_PATH, 0, AT(cluster.server_private_key), NULL },
    { "General.Cluster.ClientCertificate", FIELD_PATH, 0, AT(cluster.client_certificate), NULL },
    { "General.Cluster.ClientPrivateKey", FIELD_PATH, 0, AT(cluster.client_private_key), NULL },
    { "General.Cluster.RootCAs", FIELD_PATHS, 0, AT(cluster.root_cas), NULL },
    { "General.Cluster.DialTimeout", FIELD_DURATION, OR_ZERO, AT(cluster.dial_timeout_ns), "5s" },
    { "General.Cluster.RPCTimeout", FIELD_DURATION, OR_ZERO, AT(cluster.rpc_timeout_ns), "7s" },
    { "General.Cluster.ReplicationBufferSize", FIELD_SIZE, OR_ZERO, AT(cluster.replication_buffer_bytes), "20971520" },
    { "General.Cluster.ReplicationPullTimeout", FIELD_DURATION, OR_ZERO, AT(cluster.replication_pull_timeout_ns), "5s" },
    { "General.Cluster.ReplicationRetryTimeout", FIELD_DURATION, OR_ZERO, AT(cluster.replication_retry_timeout_ns), "5s" },
    { "General.Cluster.ReplicationBackgroundRefreshInterval", FIELD_DURATION, OR_ZERO, AT(cluster.replication_background_refresh_ns), "5m" },
    { "General.Cluster.ReplicationMaxRetries", FIELD_COUNT, OR_ZERO, AT(cluster.replication_max_retries), "12" },
    { "General.Cluster.SendBufferSize", FIELD_COUNT, OR_ZERO, AT(cluster.send_buffer_size), "10" },
    { "General.Cluster.CertExpirationWarningThreshold", FIELD_DURATION, OR_ZERO, AT(cluster.cert_expiration_warning_ns), "168h" },
    { "General.Cluster.TLSHandshakeTimeShift", FIELD_SHIFT, 0, AT(cluster.tls_handshake_time_shift_ns), NULL },
    { "General.Keepalive.ServerMinInterval", FIELD_DURATION, OR_ZERO, AT(general.keepalive.min_interval_ns), "60s" },
    { "General.Keepalive.ServerInterval", FIELD_DURATION, OR_ZERO, AT(general.keepalive.interval_ns), "2h" },
    { "General.Keepalive.ServerTimeout", FIELD_DURATION, OR_ZERO, AT(general.keepalive.timeout_ns), "20s" },
    { "General.ConnectionTimeout", FIELD_DURATION, OR_ZERO, AT(general.connection_timeout_ns), "5s" },
    { "General.BootstrapMethod", FIELD_STRING, 0, AT(general.bootstrap_method), NULL },
    { "General.BootstrapFile", FIELD_PATH, 0, AT(general.bootstrap_file), NULL },
    { "General.Profile.Enabled", FIELD_BOOL, 0, AT(general.profile_enabled), NULL },
    { "General.Profile.Address", FIELD_STRING, OR_ZERO, AT(general.profile_address), "0.0.0.0:6060" },
    { "General.LocalMSPDir", FIELD_PATH, TOLD, AT(general.local_msp_dir), "msp" },
    { "General.LocalMSPID", FIELD_STRING, TOLD, AT(general.local_msp_id), "SampleOrg" },
    { "General.BCCSP.Default", FIELD_STRING, OR_ZERO, AT(general.bccsp.provider), "SW" },
    { "General.BCCSP.SW.Hash", FIELD_STRING, OR_ZERO, AT(general.bccsp.hash), "SHA2" },
    { "General.BCCSP.SW.Security", FIELD_COUNT, OR_ZERO, AT(general.bccsp.security), "256" },
    { "General.BCCSP.SW.FileKeyStore.KeyStore", FIELD_PATH, 0, AT(general.bccsp.key_store), NULL },
    { "General.Authentication.TimeWindow", FIELD_DURATION, TOLD, AT(general.time_window_ns), "15m0s" },
    { "General.Authentication.NoExpirationChecks", FIELD_BOOL, 0, AT(general.no_expiration_checks), NULL },
    { "General.MaxRecvMsgSize", FIELD_SIZE, TOLD, AT(general.max_recv_bytes), "104857600" },
    { "General.MaxSendMsgSize", FIELD_SIZE, TOLD, AT(general.max_send_bytes), "104857600" },
    { "FileLedger.Location", FIELD_PATH, 0, AT(ledger_location), NULL },
    { "FileLedger.Prefix", FIELD_STRING, TOLD, AT(ledger_prefix), "hyperledger-fabric-ordererledger" },
    { "Debug.BroadcastTraceDir", FIELD_PATH, 0, AT(broadcast_trace_dir), NULL },
    { "Debug.DeliverTraceDir", FIELD_PATH, 0, AT(deliver_trace_dir), NULL },
    { "Consensus.WALDir", FIELD_STRING, 0, AT(wal_dir), NULL },
    { "Consensus.SnapDir", FIELD_STRING, 0, AT(snap_dir), NULL },
    { "Consensus.EvictionSuspicion", FIELD_DURATION, OR_ZERO, AT(eviction_suspicion_ns), "10m" },
    { "Consensus.TickIntervalOverride", FIELD_DURATION, 0, AT(tick_interval_override_ns), NULL },
    { "Operations.ListenAddress", FIELD_STRING, 0, AT(operations_address), NULL },
    { "Operations.TLS.Enabled", FIELD_BOOL, 0, AT(operations_tls.enabled), NULL },
    { "Operations.TLS.PrivateKey", FIELD_PATH, 0, AT(operations_tls.private_key), NULL },
    { "Operations.TLS.Certificate", FIELD_PATH, 0, AT(operations_tls.certificate), NULL },
    { "Operations.TLS.RootCAs", FIELD_PATHS, 0, AT(operations_tls.root_cas), NULL },
    { "Operations.TLS.ClientAuthRequired", FIELD_BOOL, 0, AT(operations_tls.client_auth_required), NULL },
    { "Operations.TLS.ClientRootCAs", FIELD_PATHS, 0, AT(operations_tls.client_root_cas), NULL },
    { "Operations.TLS.TLSHandshakeTimeShift", FIELD_SHIFT, 0, AT(operations_tls.handshake_time_shift_ns), NULL },
    { "Metrics.Provider", FIELD_STRING, OR_ZERO, AT(metrics.provider), "disabled" },
    { "Metrics.Statsd.Network", FIELD_STRING, 0, AT(metrics.statsd_network), NULL },
    { "Metrics.Statsd.Address", FIELD_STRING, 0, AT(metrics.statsd_address), NULL },
    { "Metrics.Statsd.WriteInterval", FIELD_DURATION, 0, AT(metrics.statsd_write_interval_ns), NULL },
    { "Metrics.Statsd.Prefix", FIELD_STRING, 0, AT(metrics.statsd_prefix), NULL },
    { "ChannelParticipation.Enabled", FIELD_BOOL, 0, AT(channel_participation_enabled), NULL },
    { "ChannelParticipation.RemoveStorage", FIELD_BOOL, 0, AT(channel_participation_remove_storage), NULL },
    { "Weft.Journal.Enabled", FIELD_BOOL, 0, AT(journal_enabled), "true" },
};
/* clang-format on */

static const char *const sections[] = { "Kafka", "General.BCCSP.PKCS11", "General.GenesisMethod",
                                        "General.GenesisFile", NULL };
static const struct config_table table = { .fields = fields,
                                           .count = WEFT_ARRAY_LEN(fields),
                                           .sections = sections };

/* A key's older name; the fallback if neither is set. */
static const char *older_name(const struct config_source *src, const char *key, const char *older,
                              const char *fallback)
{
    struct config_value v;
    if (!config_source_find(src, older, &v) || v.text[0] == '\0')
        return fallback;
    LOG_WARN(&config_log, "%s should be replaced by %s", older, key);
    return v.text;
}

static void fill_bootstrap(const struct config_source *src, struct orderer_config *c)
{
    struct orderer_general_config *g = &c->general;
    if (g->bootstrap_method[0] == '\0')
        g->bootstrap_method =
            arena_dup_str(&c->arena, bytes_of_str(older_name(src, "General.BootstrapMethod",
                                                             "General.GenesisMethod", "file")));
    if (g->bootstrap_file[0] == '\0')
        g->bootstrap_file = config_source_resolve(
            src, older_name(src, "General.BootstrapFile", "General.GenesisFile", "genesisblock"),
            &c->arena);
}

enum weft_code orderer_config_read(const struct config_source *src, struct orderer_config **ret,
                                   struct weft_err *e)
{
    WEFT_CLEANUP(orderer_config_free) struct orderer_config *c = weft_alloc(sizeof(*c));
    WEFT_TRY(config_table_fill(&table, src, c, &c->arena, e));
    fill_bootstrap(src, c);
    c->file = arena_dup_str(&c->arena, bytes_of_str(config_source_path(src)));
    c->dir = arena_dup_str(&c->arena, bytes_of_str(config_source_dir(src)));
    if (c->ledger_location[0] == '\0') /* a path from here on, as the original takes it */
        c->ledger_location = c->dir;
    *ret = WEFT_TAKE(c);
    return WEFT_OK;
}

enum weft_code orderer_config_load(const char *const *env, struct orderer_config **ret,
                                   struct weft_err *e)
{
    WEFT_CLEANUP(config_source_free) struct config_source *src = NULL;
    WEFT_TRY(config_source_open("orderer", "ORDERER", env, &src, e));
    return orderer_config_read(src, ret, e);
}

void orderer_config_free(struct orderer_config *c)
{
    if (c == NULL)
        return;
    arena_done(&c->arena);
    free(c);
}

void orderer_config_blame(const struct orderer_config *c, struct weft_err *e)
{
    config_table_blame(&table, c, c->file, e);
}

void orderer_config_print(const struct orderer_config *c, struct buf *out)
{
    buf_put_str(out, "Orderer config values:");
    config_table_print(&table, c, out);
}

/* ---- keys without effect ---------------------------------------------- */

#define ALONE "this orderer talks to no other"

static const struct config_idle idle[] = {
    { "General.Cluster.DialTimeout", NULL, ALONE },
    { "General.Cluster.RPCTimeout", NULL, ALONE },
    { "General.Cluster.ReplicationBufferSize", NULL, ALONE },
    { "General.Cluster.ReplicationPullTimeout", NULL, ALONE },
    { "General.Cluster.ReplicationRetryTimeout", NULL, ALONE },
    { "General.Cluster.ReplicationBackgroundRefreshInterval", NULL, ALONE },
    { "General.Cluster.ReplicationMaxRetries", NULL, ALONE },
    { "General.Cluster.SendBufferSize", NULL, ALONE },
    { "General.Cluster.CertExpirationWarningThreshold", NULL, ALONE },
    { "General.Cluster.TLSHandshakeTimeShift", NULL, ALONE },
    { "General.Profile.Enabled", NULL,
      "there is no Go runtime in this orderer; perf and gdb look into it" },
    { "Consensus.EvictionSuspicion", NULL, ALONE },
    { "Consensus.TickIntervalOverride", NULL, ALONE },
};

void orderer_config_tell_idle(const struct orderer_config *c, struct log *log)
{
    config_table_tell_idle(&table, idle, WEFT_ARRAY_LEN(idle), c, log);
}
