#include "bundle/bundle.h"
#include "crypto/x509.h"
#include "orderer/etcdraft_metadata.h"
#include "ordering_world.h"
#include "proto/envelope.h"
#include "proto/metadata.h"
#include "proto/wire.h"
#include "weft_test.h"

/* ConsensusType { type, ConfigMetadata { consenters with these certificates, options } } */
static void consensus_type(const struct made_cert *const *certs, size_t n, const char *tick,
                           struct buf *ret)
{
    WEFT_CLEANUP(buf_done) struct buf metadata = { 0 };
    WEFT_CLEANUP(buf_done) struct buf part = { 0 };
    for (size_t i = 0; i < n; i++) {
        buf_clear(&part);
        wire_put_bytes(&part, 1, bytes_of_str("127.0.0.1"));
        wire_put_varint(&part, 2, 7050 + i);
        wire_put_bytes(&part, 3, made_cert_pem(certs[i]));
        wire_put_bytes(&part, 4, made_cert_pem(certs[i]));
        wire_put_bytes(&metadata, 1, buf_bytes(&part));
    }
    buf_clear(&part);
    wire_put_bytes(&part, 1, bytes_of_str(tick));
    wire_put_varint(&part, 2, 10);
    wire_put_varint(&part, 3, 1);
    wire_put_varint(&part, 4, 5);
    wire_put_bytes(&metadata, 2, buf_bytes(&part));
    wire_put_bytes(ret, 1, bytes_of_str("etcdraft"));
    wire_put_bytes(ret, 2, buf_bytes(&metadata));
}

static void set_etcdraft(struct test_channel *c, const struct made_cert *const *certs, size_t n)
{
    WEFT_CLEANUP(buf_done) struct buf type = { 0 };
    consensus_type(certs, n, "500ms", &type);
    test_channel_set(c, "Orderer", "ConsensusType", buf_bytes(&type));
}

static void be(struct world *w, const struct made_cert *cert)
{
    struct weft_err e;
    EXPECT_OK(x509_cert_parse_pem(made_cert_pem(cert), &w->cluster, &e));
}

static void expect_raft(const struct world *w, size_t block, uint64_t raft_index)
{
    struct weft_err e;
    struct bytes own;
    struct etcdraft_block_metadata m;
    EXPECT_OK(block_consenter_metadata(&w->blocks[block]->v, &own, &e));
    EXPECT_OK(etcdraft_block_metadata_parse(own, &m, &e));
    EXPECT_EQ(m.count, 1);
    EXPECT_EQ(m.ids[0], 1);
    EXPECT_EQ(m.next_id, 2);
    EXPECT_EQ(m.raft_index, raft_index);
}

static void restart(struct world *w)
{
    bundle_unref(w->bundle);
    w->bundle = bundle_ref((struct bundle *)chain_bundle(w->chain));
    world_crash(w);
}

TEST(etcdraft_alone_numbers_blocks_as_a_cluster_of_one_does)
{
    struct world w;
    WEFT_CLEANUP(made_cert_free)
    struct made_cert *us = cert_make(&(struct cert_order){ .name = "orderer0" });
    world_init(&w);
    set_etcdraft(w.config, (const struct made_cert *[]){ us }, 1);
    world_make_bundle(&w, 4);
    be(&w, us);
    world_open(&w);
    for (int i = 0; i < 6; i++)
        world_message(&w, "x");
    world_config_message(&w, 2);
    world_end_turn(&w);
    expect_raft(&w, 1, 3);
    expect_raft(&w, 2, 4);
    expect_raft(&w, 3, 5);
    restart(&w); /* elects itself again */
    world_message(&w, "x");
    world_message(&w, "x");
    expect_raft(&w, 4, 7);
    world_done(&w);
}

/* The message that changes the settings of the consenters. */
static void settings_message(struct world *w, const struct made_cert *us, const char *tick)
{
    struct weft_err e;
    WEFT_CLEANUP(test_channel_free) struct test_channel *next = test_channel_copy(w->config);
    WEFT_CLEANUP(buf_done) struct buf type = { 0 };
    WEFT_CLEANUP(buf_done) struct buf update = { 0 };
    WEFT_CLEANUP(buf_done) struct buf config = { 0 };
    WEFT_CLEANUP(buf_done) struct buf envelope = { 0 };
    const struct bundle *now = chain_bundle(w->chain);
    consensus_type((const struct made_cert *[]){ us }, 1, tick, &type);
    test_channel_set(next, "Orderer", "ConsensusType", buf_bytes(&type));
    test_update(w->config, next, "ch", "OrdererMSP", &update);
    EXPECT_OK(bundle_propose(now, buf_bytes(&update), &config, &e));
    world_put_envelope(HEADER_CONFIG, buf_bytes(&config), &envelope);
    world_send(w, ORDER_CONFIG, bundle_sequence(now), buf_bytes(&envelope));
    world_end_turn(w);
}

static void full_block(struct world *w)
{
    for (int i = 0; i < 3; i++)
        world_message(w, "x");
    world_end_turn(w);
}

TEST(a_block_that_changes_the_consenters_settings_says_the_index_of_the_one_before_it)
{
    struct world w;
    WEFT_CLEANUP(made_cert_free)
    struct made_cert *us = cert_make(&(struct cert_order){ .name = "orderer0" });
    world_init(&w);
    set_etcdraft(w.config, (const struct made_cert *[]){ us }, 1);
    world_make_bundle(&w, 4);
    be(&w, us);
    world_open(&w);
    full_block(&w);
    settings_message(&w, us, "600ms");
    full_block(&w);
    expect_raft(&w, 1, 3);
    expect_raft(&w, 2, 3); /* its own place is 4 */
    expect_raft(&w, 3, 5);
    world_done(&w);
}

TEST(after_a_start_blocks_that_do_not_say_their_index_count_all_the_same)
{
    for (size_t before = 0; before < 2; before++) {
        struct world w;
        WEFT_CLEANUP(made_cert_free)
        struct made_cert *us = cert_make(&(struct cert_order){ .name = "orderer0" });
        world_init(&w);
        set_etcdraft(w.config, (const struct made_cert *[]){ us }, 1);
        world_make_bundle(&w, 4);
        be(&w, us);
        world_open(&w);
        for (size_t i = 0; i < before; i++)
            full_block(&w);
        settings_message(&w, us, "600ms");
        restart(&w); /* elects itself again */
        full_block(&w);
        expect_raft(&w, before + 1, before == 0 ? 0 : 3); /* its own is 3, or 4 */
        expect_raft(&w, before + 2, before + 5);
        restart(&w);
        full_block(&w);
        expect_raft(&w, before + 3, before + 7);
        world_done(&w);
    }
}

TEST(the_block_that_changes_the_consensus_type_says_nothing_for_the_next_one)
{
    struct weft_err e;
    struct bytes own;
    struct world w;
    WEFT_CLEANUP(made_cert_free)
    struct made_cert *us = cert_make(&(struct cert_order){ .name = "orderer0" });
    world_init(&w);
    set_etcdraft(w.config, (const struct made_cert *[]){ us }, 1);
    world_make_bundle(&w, 4);
    be(&w, us);
    world_open(&w);
    WEFT_CLEANUP(test_channel_free) struct test_channel *next = test_channel_copy(w.config);
    WEFT_CLEANUP(buf_done) struct buf update = { 0 };
    WEFT_CLEANUP(buf_done) struct buf config = { 0 };
    WEFT_CLEANUP(buf_done) struct buf envelope = { 0 };
    test_channel_set_text(next, "Orderer", "ConsensusType", "solo");
    test_update(w.config, next, "ch", "OrdererMSP", &update);
    EXPECT_OK(bundle_propose(w.bundle, buf_bytes(&update), &config, &e));
    world_put_envelope(HEADER_CONFIG, buf_bytes(&config), &envelope);
    world_send(&w, ORDER_CONFIG, 4, buf_bytes(&envelope));
    world_end_turn(&w);
    EXPECT_LOG(&w, "1[config] configured(5) sync 0:ok ");
    EXPECT_OK(block_consenter_metadata(&w.blocks[1]->v, &own, &e));
    EXPECT_EQ(own.len, 0);
    world_done(&w);
}

static void expect_read_only(struct world *w, const char *why)
{
    struct consenter_status s;
    world_open(w);
    chain_status(w->chain, &s);
    EXPECT(s.is_errored);
    EXPECT_STR(s.refuses, why);
    EXPECT_STR(s.status, "inactive");
    world_message(w, "x");
    world_end_turn(w);
    EXPECT_LOG(w, "0:UNAVAILABLE ");
    EXPECT_WORDS(w->requests[0].why, why);
    world_done(w);
}

TEST(a_channel_of_other_consenters_is_served_read_only)
{
    struct world w;
    WEFT_CLEANUP(made_cert_free)
    struct made_cert *us = cert_make(&(struct cert_order){ .name = "orderer0" });
    WEFT_CLEANUP(made_cert_free)
    struct made_cert *them = cert_make(&(struct cert_order){ .name = "orderer1" });
    world_init(&w);
    set_etcdraft(w.config, (const struct made_cert *[]){ them }, 1);
    world_make_bundle(&w, 4);
    be(&w, us);
    expect_read_only(&w, "channel ch is not serviced by me");
    world_init(&w);
    set_etcdraft(w.config, (const struct made_cert *[]){ us, them }, 2);
    world_make_bundle(&w, 4);
    be(&w, us);
    expect_read_only(&w, "channel ch has 2 consenters: this orderer can't take part in their "
                         "consensus");
    world_init(&w);
    test_channel_set_text(w.config, "Orderer", "ConsensusType", "kafka");
    world_make_bundle(&w, 4);
    expect_read_only(&w, "channel ch has consensus type kafka, which this orderer does not take "
                         "part in");
}

TEST(a_renewed_certificate_with_the_same_key_is_us)
{
    struct consenter_status s;
    struct world w;
    WEFT_CLEANUP(made_cert_free)
    struct made_cert *old = cert_make(&(struct cert_order){ .name = "orderer0" });
    WEFT_CLEANUP(made_cert_free)
    struct made_cert *new = cert_make(&(struct cert_order){ .name = "orderer0", .same_key = old });
    world_init(&w);
    set_etcdraft(w.config, (const struct made_cert *[]){ old }, 1);
    world_make_bundle(&w, 4);
    be(&w, new);
    world_open(&w);
    chain_status(w.chain, &s);
    EXPECT(s.refuses == NULL);
    EXPECT_STR(s.relation, "consenter");
    world_done(&w);
}
