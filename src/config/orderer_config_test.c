#include "config/orderer_config.h"

#include "weft_test.h"

#include "base/limits.h"
#include "os/file.h"

#include <unistd.h>

static const char *const no_env[] = { NULL };

static struct orderer_config *read_config(const char *text, const char *const *env)
{
    struct weft_err e;
    struct orderer_config *c = NULL;
    WEFT_CLEANUP(config_source_free) struct config_source *src = NULL;
    EXPECT_OK(config_source_parse(bytes_of_str(text), "/c/orderer.yaml", "ORDERER", env, &src, &e));
    EXPECT_OK(orderer_config_read(src, &c, &e));
    return c;
}

/* What a Fabric 2.2 orderer prints for an empty section each; only the
 * connection timeout is filled in later there. */
TEST(an_empty_file_gives_fabrics_defaults)
{
    WEFT_CLEANUP(orderer_config_free) struct orderer_config *c = read_config("", no_env);
    EXPECT_STR(c->general.listen_address, "127.0.0.1");
    EXPECT_EQ(c->general.listen_port, 7050);
    EXPECT(!c->general.tls.enabled);
    EXPECT_STR(c->general.tls.private_key, "");
    EXPECT_EQ(c->general.keepalive.min_interval_ns, 60000000000);
    EXPECT_EQ(c->general.keepalive.interval_ns, 7200000000000);
    EXPECT_EQ(c->general.connection_timeout_ns, 5000000000);
    EXPECT_EQ(c->general.max_recv_bytes, 104857600);
    EXPECT_STR(c->general.bootstrap_method, "file");
    EXPECT_STR(c->general.bootstrap_file, "/c/genesisblock");
    EXPECT_STR(c->general.local_msp_dir, "/c/msp");
    EXPECT_STR(c->general.local_msp_id, "SampleOrg");
    EXPECT_STR(c->general.bccsp.provider, "SW");
    EXPECT_EQ(c->general.bccsp.security, 256);
    EXPECT_EQ(c->general.time_window_ns, 900000000000);
    EXPECT_EQ(c->cluster.rpc_timeout_ns, 7000000000);
    EXPECT_EQ(c->cluster.replication_buffer_bytes, 20971520);
    EXPECT_EQ(c->cluster.replication_max_retries, 12);
    EXPECT_EQ(c->cluster.send_buffer_size, 10);
    EXPECT_EQ(c->cluster.cert_expiration_warning_ns, 168 * 3600000000000);
    EXPECT_STR(c->ledger_location, "/c");
    EXPECT_STR(c->ledger_prefix, "hyperledger-fabric-ordererledger");
    EXPECT_STR(c->operations_address, "");
    EXPECT_STR(c->metrics.provider, "disabled");
    EXPECT_EQ(c->eviction_suspicion_ns, 600000000000);
    EXPECT_STR(c->file, "/c/orderer.yaml");
    EXPECT_STR(c->dir, "/c");
}

TEST(reads_what_is_set)
{
    const char *const env[] = { "ORDERER_GENERAL_LISTENPORT=7051",
                                "ORDERER_GENERAL_TLS_ROOTCAS=[tls/ca.crt, /d/ca.crt]",
                                "ORDERER_CONSENSUS_WALDIR=wal", "ORDERER_GENERAL_TLS_ENABLED=true",
                                NULL };
    WEFT_CLEANUP(orderer_config_free)
    struct orderer_config *c = read_config("general:\n"
                                           "  LISTENPORT: 1\n"
                                           "  TLS: &tls { Certificate: tls/server.crt }\n"
                                           "  Keepalive: { ServerTimeout: 1m30s }\n"
                                           "  Cluster: { TLSHandshakeTimeShift: -24h }\n"
                                           "  MaxRecvMsgSize: 10 MB\n"
                                           "FileLedger: { Location: data }\n"
                                           "Operations: { TLS: { <<: *tls, Enabled: yes } }\n",
                                           env);
    EXPECT_EQ(c->general.listen_port, 7051);
    EXPECT(c->general.tls.enabled);
    EXPECT_EQ(c->general.tls.root_cas.count, 2);
    EXPECT_STR(c->general.tls.root_cas.items[0], "/c/tls/ca.crt");
    EXPECT_STR(c->general.tls.root_cas.items[1], "/d/ca.crt");
    EXPECT_EQ(c->general.keepalive.timeout_ns, 90000000000);
    EXPECT_EQ(c->cluster.tls_handshake_time_shift_ns, -24 * 3600000000000);
    EXPECT_EQ(c->general.max_recv_bytes, 10 << 20);
    EXPECT_STR(c->ledger_location, "/c/data");
    EXPECT(c->operations_tls.enabled);
    EXPECT_STR(c->operations_tls.certificate, "/c/tls/server.crt");
    EXPECT_STR(c->wal_dir, "wal"); /* starts at the working folder */
}

TEST(takes_the_older_names_of_the_bootstrap_keys)
{
    WEFT_CLEANUP(orderer_config_free)
    struct orderer_config *c =
        read_config("General: { GenesisMethod: none, GenesisFile: g.block }", no_env);
    EXPECT_STR(c->general.bootstrap_method, "none");
    EXPECT_STR(c->general.bootstrap_file, "/c/g.block");

    WEFT_CLEANUP(orderer_config_free)
    struct orderer_config *d = read_config(
        "General: { GenesisMethod: none, BootstrapMethod: file, BootstrapFile: b }", no_env);
    EXPECT_STR(d->general.bootstrap_method, "file");
    EXPECT_STR(d->general.bootstrap_file, "/c/b");
}

TEST(passes_over_what_it_does_not_know)
{
    const char *const env[] = { "ORDERER_NOBODY_KNOWS=1", NULL };
    WEFT_CLEANUP(orderer_config_free)
    struct orderer_config *c = read_config("Kafka: { Verbose: true }\nAdmin: { x: [1] }\n"
                                           "General: { Later: 3, BCCSP: { PKCS11: { Pin: 1 } } }\n",
                                           env);
    EXPECT_EQ(c->general.listen_port, 7050);
}

TEST(a_wrong_value_is_one_line)
{
    struct weft_err e;
    struct orderer_config *c = NULL;
    WEFT_CLEANUP(config_source_free) struct config_source *src = NULL;
    EXPECT_OK(config_source_parse(bytes_of_str("General:\n  ListenPort: 70500\n"),
                                  "/c/orderer.yaml", "ORDERER", no_env, &src, &e));
    EXPECT_CODE(orderer_config_read(src, &c, &e), WEFT_INVALID);
    EXPECT_STR(e.msg, "/c/orderer.yaml:2: General.ListenPort is \"70500\": want a port number "
                      "from 0 to 65535");
    EXPECT(c == NULL);
}

/* ---- the sample ----------------------------------------------------- */

static struct config_source *sample(void)
{
    struct weft_err e;
    const char *path = weft_test_file("../sampleconfig/orderer.yaml");
    WEFT_CLEANUP(buf_done) struct buf text = { 0 };
    struct config_source *src = NULL;
    EXPECT_OK(file_read_all(path, LIMIT_YAML_BYTES, &text, &e));
    EXPECT_OK(
        config_source_parse(buf_bytes(&text), "/c/orderer.yaml", "ORDERER", no_env, &src, &e));
    return src;
}

/* A Go orderer would not start with them: docs/decisions/0006. */
static bool is_of_our_own(const char *key)
{
    return strncmp(key, "Weft.", strlen("Weft.")) == 0;
}

TEST(the_sample_has_every_key_of_fabrics_and_none_of_our_own)
{
    struct weft_err e;
    WEFT_CLEANUP(config_source_free) struct config_source *src = sample();
    WEFT_CLEANUP(orderer_config_free) struct orderer_config *c = NULL;
    WEFT_CLEANUP(buf_done) struct buf text = { 0 };
    EXPECT_OK(orderer_config_read(src, &c, &e));
    orderer_config_print(c, &text);
    buf_put_u8(&text, 0);
    size_t keys = 0;
    for (char *line = strstr((char *)text.data, "\n\t"); line != NULL;
         line = strstr(line, "\n\t")) {
        line += 2;
        WEFT_FREE char *key = bytes_dup_str(bytes_of(line, strcspn(line, " ")));
        bool found = config_node_find_path(config_source_root(src), key) != NULL;
        if (found == is_of_our_own(key))
            print_error("sampleconfig/orderer.yaml %s %s\n", found ? "has" : "lacks", key);
        EXPECT(found != is_of_our_own(key));
        keys++;
    }
    EXPECT_EQ(keys, 68);
}

TEST(the_sample_changes_no_default_but_says_some)
{
    struct weft_err e;
    WEFT_CLEANUP(config_source_free) struct config_source *src = sample();
    WEFT_CLEANUP(orderer_config_free) struct orderer_config *c = NULL;
    WEFT_CLEANUP(orderer_config_free) struct orderer_config *d = read_config("", no_env);
    EXPECT_OK(orderer_config_read(src, &c, &e));
    EXPECT_STR(c->general.tls.certificate, "/c/tls/server.crt");
    EXPECT_STR(c->ledger_location, "/var/hyperledger/production/orderer");
    EXPECT_STR(c->operations_address, "127.0.0.1:8443");
    EXPECT_EQ(c->general.keepalive.interval_ns, d->general.keepalive.interval_ns);
    EXPECT_EQ(c->cluster.cert_expiration_warning_ns, d->cluster.cert_expiration_warning_ns);
    EXPECT_EQ(c->general.time_window_ns, d->general.time_window_ns);
    EXPECT_EQ(c->general.max_send_bytes, d->general.max_send_bytes);
    EXPECT_STR(c->general.bootstrap_file, d->general.bootstrap_file);
}
