#include "config/core_config.h"

#include "weft_test.h"

#include "base/limits.h"
#include "os/file.h"

static const char *const no_env[] = { NULL };

static enum weft_code try_read(const char *text, const char *const *env, struct core_config **ret,
                               struct weft_err *e)
{
    WEFT_CLEANUP(config_source_free) struct config_source *src = NULL;
    WEFT_TRY(config_source_parse(bytes_of_str(text), "/c/core.yaml", "CORE", env, &src, e));
    return core_config_read(src, ret, e);
}

static struct core_config *read_config(const char *text, const char *const *env)
{
    struct weft_err e;
    struct core_config *c = NULL;
    EXPECT_OK(try_read(text, env, &c, &e));
    return c;
}

static void expect_refused(const char *text, const char *const *env, const char *why)
{
    struct weft_err e;
    struct core_config *c = NULL;
    EXPECT_CODE(try_read(text, env, &c, &e), WEFT_INVALID);
    EXPECT_STR(e.msg, why);
    EXPECT(c == NULL);
}

TEST(an_empty_file_gives_what_fabrics_code_falls_back_to)
{
    WEFT_CLEANUP(core_config_free) struct core_config *c = read_config("", no_env);
    EXPECT_STR(c->peer.address, "");
    EXPECT_STR(c->peer.msp_config_path, "");
    EXPECT_EQ(c->peer.keepalive.interval_ns, 7200000000000);
    EXPECT_EQ(c->peer.connection_timeout_ns, 5000000000);
    EXPECT_EQ(c->peer.max_recv_bytes, 104857600);
    EXPECT_EQ(c->peer.time_window_ns, 900000000000);
    EXPECT_EQ(c->peer.endorser_concurrency, 0);
    EXPECT_STR(c->peer.local_msp_type, "bccsp");
    EXPECT(!c->gossip.org_leader && !c->gossip.use_leader_election && !c->gossip.state_enabled);
    EXPECT_EQ(c->gossip.send_buff_size, 20);
    EXPECT_EQ(c->gossip.alive_expiration_ns, 25000000000);
    EXPECT_EQ(c->gossip.reconnect_interval_ns, 25000000000);
    EXPECT_EQ(c->gossip.request_wait_ns, 1500000000);
    EXPECT_EQ(c->gossip.state_channel_size, 100);
    EXPECT(!c->pvt_data.reconciliation_enabled);
    EXPECT_EQ(c->pvt_data.transient_store_max_block_retention, 1000);
    EXPECT_EQ(c->pvt_data.implicit_max_peer_count, 1);
    EXPECT_EQ(c->deliver_client.reconnect_total_ns, 3600000000000);
    EXPECT(c->deliver_client.block_gossip_enabled);
    EXPECT_EQ(c->deliver_client.override_count, 0);
    EXPECT_EQ(c->auth_filters.count, 0);
    EXPECT_EQ(c->chaincode.execute_timeout_ns, 30000000000);
    EXPECT_EQ(c->chaincode.startup_timeout_ns, 5000000000);
    EXPECT(!c->chaincode.cscc_enabled);
    EXPECT_STR(c->ledger.state_database, "goleveldb");
    EXPECT_EQ(c->ledger.total_query_limit, 10000);
    EXPECT_STR(c->dir, "/c");
}

TEST(one_wait_follows_from_another)
{
    WEFT_CLEANUP(core_config_free)
    struct core_config *c = read_config("peer: { gossip: { aliveTimeInterval: 1s } }", no_env);
    EXPECT_EQ(c->gossip.alive_expiration_ns, 5000000000);
    EXPECT_EQ(c->gossip.reconnect_interval_ns, 5000000000);
    WEFT_CLEANUP(core_config_free)
    struct core_config *d =
        read_config("peer: { gossip: { aliveExpirationTimeout: 2s, aliveTimeInterval: 99999999h "
                    "} }",
                    (const char *const[]){ "CORE_PEER_GOSSIP_ALIVETIMEINTERVAL=2000000h", NULL });
    EXPECT_EQ(d->gossip.alive_expiration_ns, 2000000000);
    EXPECT_EQ(d->gossip.reconnect_interval_ns, 2000000000);
    WEFT_CLEANUP(core_config_free)
    struct core_config *f =
        read_config("peer: { gossip: { aliveTimeInterval: 2000000h } }", no_env);
    EXPECT_EQ(f->gossip.alive_expiration_ns, INT64_MAX);
}

TEST(the_environment_sets_keys_that_are_deep_or_absent)
{
    const char *const env[] = { "CORE_PEER_GOSSIP_USELEADERELECTION=true",
                                "CORE_PEER_TLS_CERT_FILE=x/server.crt",
                                "CORE_PEER_TLS_CLIENTROOTCAS_FILES=/a.pem b.pem",
                                "CORE_PEER_GOSSIP_BOOTSTRAP=p0:1 p1:2",
                                "CORE_PEER_LIMITS_CONCURRENCY_DELIVERSERVICE=7",
                                "CORE_OPERATIONS_TLS_CLIENTROOTCAS_FILES=[c.pem]",
                                NULL };
    WEFT_CLEANUP(core_config_free)
    struct core_config *c = read_config("peer: { tls: { cert: { file: y } } }", env);
    EXPECT(c->gossip.use_leader_election);
    EXPECT_STR(c->peer.tls.certificate, "/c/x/server.crt");
    EXPECT_EQ(c->peer.tls.client_root_cas.count, 2);
    EXPECT_STR(c->peer.tls.client_root_cas.items[0], "/a.pem");
    EXPECT_STR(c->peer.tls.client_root_cas.items[1], "/c/b.pem");
    EXPECT_EQ(c->gossip.bootstrap.count, 2);
    EXPECT_EQ(c->peer.deliver_concurrency, 7);
    EXPECT_STR(c->operations_tls.client_root_cas.items[0], "/c/c.pem");
}

TEST(reads_address_overrides)
{
    WEFT_CLEANUP(core_config_free)
    struct core_config *c = read_config("peer:\n  deliveryclient:\n    addressOverrides:\n"
                                        "    - { from: a:1, to: b:2, caCertsFile: ca.pem }\n"
                                        "    - from: c:3\n      TO: d:4\n",
                                        (const char *const[]){ "CORE_FROM=not:this", NULL });
    EXPECT_EQ(c->deliver_client.override_count, 2);
    EXPECT_STR(c->deliver_client.overrides[0].from, "a:1");
    EXPECT_STR(c->deliver_client.overrides[0].to, "b:2");
    EXPECT_STR(c->deliver_client.overrides[0].ca_certs_file, "/c/ca.pem");
    EXPECT_STR(c->deliver_client.overrides[1].to, "d:4");
    EXPECT_STR(c->deliver_client.overrides[1].ca_certs_file, "");
}

TEST(reads_handlers_by_place_and_by_name)
{
    WEFT_CLEANUP(core_config_free)
    struct core_config *c =
        read_config("peer:\n  handlers:\n    authFilters: [{ name: A }, { name: B }]\n"
                    "    validators: { vscc: { name: V, library: } }\n",
                    no_env);
    EXPECT_EQ(c->auth_filters.count, 2);
    EXPECT_STR(c->auth_filters.items[1].name, "B");
    EXPECT_STR(c->auth_filters.items[1].label, "");
    EXPECT_EQ(c->validators.count, 1);
    EXPECT_STR(c->validators.items[0].label, "vscc");
    EXPECT_STR(c->validators.items[0].name, "V");
    EXPECT_EQ(c->endorsers.count, 0);
}

TEST(reads_external_builders_from_the_file_and_the_environment)
{
    const char *const env[] = {
        "CORE_CHAINCODE_EXTERNALBUILDERS=[{name: e, path: /e, propagateEnvironment: [X]}]", NULL
    };
    static const char text[] = "chaincode:\n  externalBuilders:\n  - { name: f, path: /f, "
                               "environmentWhitelist: [A, B] }\n";
    WEFT_CLEANUP(core_config_free) struct core_config *c = read_config(text, no_env);
    EXPECT_EQ(c->chaincode.builder_count, 1);
    EXPECT_STR(c->chaincode.builders[0].path, "/f");
    EXPECT_EQ(c->chaincode.builders[0].propagate_environment.count, 2);
    WEFT_CLEANUP(core_config_free) struct core_config *d = read_config(text, env);
    EXPECT_EQ(d->chaincode.builder_count, 1);
    EXPECT_STR(d->chaincode.builders[0].name, "e");
    EXPECT_EQ(d->chaincode.builders[0].propagate_environment.count, 1);
}

TEST(timeouts_of_chaincode_have_least_values)
{
    WEFT_CLEANUP(core_config_free)
    struct core_config *c =
        read_config("chaincode: { executetimeout: 999ms, startuptimeout: 4s }", no_env);
    EXPECT_EQ(c->chaincode.execute_timeout_ns, 30000000000);
    EXPECT_EQ(c->chaincode.startup_timeout_ns, 5000000000);
    WEFT_CLEANUP(core_config_free)
    struct core_config *d =
        read_config("chaincode: { executetimeout: 1s, startuptimeout: 6s }", no_env);
    EXPECT_EQ(d->chaincode.execute_timeout_ns, 1000000000);
    EXPECT_EQ(d->chaincode.startup_timeout_ns, 6000000000);
}

TEST(an_implicit_collection_may_want_as_many_peers_as_it_allows)
{
    WEFT_CLEANUP(core_config_free)
    struct core_config *c =
        read_config("peer: { gossip: { pvtData: { implicitCollectionDisseminationPolicy: { "
                    "requiredPeerCount: 2, maxPeerCount: 2 } } } }",
                    no_env);
    EXPECT_EQ(c->pvt_data.implicit_required_peer_count, 2);
}

TEST(system_chaincodes_are_on_when_the_file_says_so)
{
    WEFT_CLEANUP(core_config_free)
    struct core_config *c =
        read_config("chaincode: { system: { cscc: Enable, qscc: true, lscc: disable } }", no_env);
    EXPECT(c->chaincode.cscc_enabled && c->chaincode.qscc_enabled);
    EXPECT(!c->chaincode.lscc_enabled && !c->chaincode.lifecycle_enabled);
}

TEST(wrong_values_are_one_line_each)
{
    const char *const bad_port[] = { "CORE_PEER_GOSSIP_PULLINTERVAL=4", NULL };
    const char *const bad_yaml[] = { "CORE_CHAINCODE_EXTERNALBUILDERS=[", NULL };
    const char *const bad_row[] = { "CORE_CHAINCODE_EXTERNALBUILDERS=[x]", NULL };
    WEFT_CLEANUP(core_config_free) struct core_config *c = read_config("", bad_port);
    EXPECT_EQ(c->gossip.pull_interval_ns, 4); /* nanoseconds, as in Go: not wrong */
    expect_refused("peer:\n  gossip:\n    pullPeerNum: many\n", no_env,
                   "/c/core.yaml:3: peer.gossip.pullPeerNum is \"many\": want a whole number from "
                   "0 to 2147483647");
    expect_refused("peer:\n  deliveryclient:\n    addressOverrides:\n    - from: [x]\n", no_env,
                   "/c/core.yaml:4: peer.deliveryclient.addressOverrides[0].from is a list: want "
                   "a text");
    expect_refused("peer:\n  handlers:\n    validators: { vscc: x }\n", no_env,
                   "/c/core.yaml:3: peer.handlers.validators is \"x\": want a list of sections");
    expect_refused("chaincode:\n  externalBuilders: [{ name: x }]\n", no_env,
                   "/c/core.yaml: invalid external builder configuration, path attribute missing "
                   "in one or more builders");
    expect_refused("chaincode:\n  externalBuilders: [{ path: x }]\n", no_env,
                   "/c/core.yaml: external builder at path x has no name attribute");
    expect_refused("", bad_yaml,
                   "CORE_CHAINCODE_EXTERNALBUILDERS:2: not YAML: did not find expected node "
                   "content, while parsing a flow node");
    expect_refused("", bad_row,
                   "environment variable CORE_CHAINCODE_EXTERNALBUILDERS is \"[x]\" "
                   "(chaincode.externalBuilders of /c/core.yaml): want a list of sections");
    expect_refused("peer: { gossip: { pvtData: { implicitCollectionDisseminationPolicy: { "
                   "requiredPeerCount: 3 } } } }",
                   no_env,
                   "/c/core.yaml: peer.gossip.pvtData.implicitCollectionDisseminationPolicy."
                   "maxPeerCount (1) cannot be less than requiredPeerCount (3)");
}

/* ---- the sample ----------------------------------------------------- */

static struct config_source *sample(void)
{
    struct weft_err e;
    const char *path = weft_test_file("../sampleconfig/core.yaml");
    WEFT_CLEANUP(buf_done) struct buf text = { 0 };
    struct config_source *src = NULL;
    EXPECT_OK(file_read_all(path, LIMIT_YAML_BYTES, &text, &e));
    EXPECT_OK(config_source_parse(buf_bytes(&text), "/c/core.yaml", "CORE", no_env, &src, &e));
    return src;
}

TEST(the_sample_has_every_key)
{
    struct weft_err e;
    WEFT_CLEANUP(config_source_free) struct config_source *src = sample();
    WEFT_CLEANUP(core_config_free) struct core_config *c = NULL;
    WEFT_CLEANUP(buf_done) struct buf text = { 0 };
    EXPECT_OK(core_config_read(src, &c, &e));
    core_config_print(c, &text);
    buf_put_u8(&text, 0);
    size_t lacking = 0;
    for (char *line = strstr((char *)text.data, "\n\t"); line != NULL;
         line = strstr(line, "\n\t")) {
        line += 2;
        WEFT_FREE char *key = bytes_dup_str(bytes_of(line, strcspn(line, " ")));
        if (strcmp(key, "logging.level") != 0 && strncmp(key, "weft.", strlen("weft.")) != 0 &&
            config_node_find_path(config_source_root(src), key) == NULL) {
            print_error("sampleconfig/core.yaml lacks %s\n", key);
            lacking++;
        }
    }
    EXPECT_EQ(lacking, 0);
}

TEST(the_sample_says_what_it_says)
{
    struct weft_err e;
    WEFT_CLEANUP(config_source_free) struct config_source *src = sample();
    WEFT_CLEANUP(core_config_free) struct core_config *c = NULL;
    EXPECT_OK(core_config_read(src, &c, &e));
    EXPECT_STR(c->peer.address, "0.0.0.0:7051");
    EXPECT_STR(c->peer.tls.certificate, "/c/tls/server.crt");
    EXPECT_EQ(c->gossip.bootstrap.count, 1);
    EXPECT(c->gossip.org_leader);
    EXPECT_EQ(c->gossip.send_buff_size, 200);
    EXPECT(c->pvt_data.reconciliation_enabled);
    EXPECT(c->peer.discovery_auth_cache_purge_retention_ratio == 0.75);
    EXPECT_EQ(c->peer.endorser_concurrency, 2500);
    EXPECT_EQ(c->auth_filters.count, 2);
    EXPECT_STR(c->validators.items[0].name, "DefaultValidation");
    EXPECT(c->chaincode.lifecycle_enabled && c->chaincode.qscc_enabled);
    EXPECT_EQ(c->ledger.total_query_limit, 100000);
    EXPECT_STR(c->ledger.snapshots_dir, "/var/hyperledger/production/ledgersData/snapshots");
    EXPECT(c->ledger.history_enabled);
}
