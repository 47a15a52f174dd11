#include "orderer/etcdraft_metadata.h"

#include "bundle/bundle.h"
#include "crypto/x509.h"
#include "proto/block.h"
#include "proto/metadata.h"
#include "proto/wire.h"
#include "test_channel.h"
#include "weft_test.h"

enum {
    NOW = 1600000000 /* 2020-09-13: inside the test certificates' ten years */
};

/* ---- a configuration to order ----------------------------------------------------------------- */

struct order {
    const struct made_cert *client[3], *server[3];
    const char *tick;
    uint64_t election, heartbeat, inflight;
    bool no_options;
};

static const struct order good = { .tick = "500ms", .election = 10, .heartbeat = 1, .inflight = 5 };

static void put_metadata(const struct order *o, struct buf *out)
{
    WEFT_CLEANUP(buf_done) struct buf part = { 0 };
    for (size_t i = 0; i < 3 && o->client[i] != NULL; i++) {
        buf_clear(&part);
        wire_put_bytes(&part, 1, bytes_of_str("localhost"));
        wire_put_varint(&part, 2, 7050 + i);
        wire_put_bytes(&part, 3, made_cert_pem(o->client[i]));
        wire_put_bytes(&part, 4, made_cert_pem(o->server[i]));
        wire_put_bytes(out, 1, buf_bytes(&part));
    }
    buf_clear(&part);
    wire_put_bytes(&part, 1, bytes_of_str(o->tick));
    wire_put_varint(&part, 2, o->election);
    wire_put_varint(&part, 3, o->heartbeat);
    wire_put_varint(&part, 4, o->inflight);
    if (!o->no_options)
        wire_put_bytes(out, 2, buf_bytes(&part));
}

/* A network whose orderer organisation has a TLS root. */
struct world {
    struct made_cert *root, *other_root;
    struct made_cert *one, *two, *three, *expired, *strange;
    struct test_channel *channel;
};

static struct made_cert *tls(const char *name, const struct made_cert *issuer, int64_t until)
{
    return cert_make(&(struct cert_order){ .name = name, .issuer = issuer, .not_after = until });
}

static void set_tls_root(struct world *w);

static void world_init(struct world *w)
{
    w->root = cert_make(&(struct cert_order){ .name = "tlsca", .is_ca = true });
    w->other_root = cert_make(&(struct cert_order){ .name = "elsewhere", .is_ca = true });
    w->one = tls("orderer1", w->root, 0);
    w->two = tls("orderer2", w->root, 0);
    w->three = tls("orderer3", w->root, 0);
    w->expired = tls("orderer4", w->root, NOW - 1);
    w->strange = tls("stranger", w->other_root, 0);
    w->channel = test_channel_new();
    set_tls_root(w);
}

static void world_done(struct world *w)
{
    struct made_cert *all[] = { w->root,  w->other_root, w->one,    w->two,
                                w->three, w->expired,    w->strange };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(all); i++)
        made_cert_free(all[i]);
    test_channel_free(w->channel);
}

static struct bundle *bundle_with(struct world *w, const struct order *o)
{
    struct weft_err e = { 0 };
    struct bundle *b = NULL;
    WEFT_CLEANUP(buf_done) struct buf metadata = { 0 };
    WEFT_CLEANUP(buf_done) struct buf type = { 0 };
    put_metadata(o, &metadata);
    wire_put_bytes(&type, 1, bytes_of_str("etcdraft"));
    wire_put_bytes(&type, 2, buf_bytes(&metadata));
    test_channel_set(w->channel, "Orderer", "ConsensusType", buf_bytes(&type));
    EXPECT_OK(bundle_new("ch", 0, test_channel_bytes(w->channel), &b, &e));
    return b;
}

/* FabricMSPConfig.tls_root_certs = 9, put behind what is there: the value is
 * MSPConfig { type 1, config 2 }. */
static void set_tls_root(struct world *w)
{
    struct config_item *org = test_channel_group(w->channel, "Orderer/OrdererMSP");
    const struct config_item *value =
        config_group_find(org, CONFIG_ITEM_VALUE, bytes_of_str("MSP"));
    WEFT_CLEANUP(buf_done) struct buf config = { 0 };
    WEFT_CLEANUP(buf_done) struct buf whole = { 0 };
    struct wire r = wire_of(value->value);
    struct wire_field f;
    while (wire_next(&r, &f))
        if (wire_is(&f, 2, WIRE_LEN))
            buf_put(&config, f.bytes);
    wire_put_bytes(&config, 9, made_cert_pem(w->root));
    wire_put_bytes(&whole, 2, buf_bytes(&config));
    test_channel_set(w->channel, "Orderer/OrdererMSP", "MSP", buf_bytes(&whole));
}

static enum weft_code update(struct world *w, const struct order *from, const struct order *to,
                             bool new_channel, struct weft_err *e)
{
    WEFT_CLEANUP(bundle_unref) struct bundle *now = bundle_with(w, from);
    WEFT_CLEANUP(bundle_unref) struct bundle *next = bundle_with(w, to);
    return etcdraft_check_update(now, next, new_channel, NOW, e);
}

/* ---- updates -------------------------------------------------------------------------------------- */

TEST(options_that_raft_cannot_run_with_are_refused)
{
    struct world w;
    world_init(&w);
    struct order from = good;
    from.client[0] = from.server[0] = w.one;
    static const struct {
        const char *tick;
        uint64_t election, heartbeat, inflight;
        const char *words;
    } cases[] = {
        { "500ms", 0, 1, 5,
          "none of HeartbeatTick (1), ElectionTick (0) and MaxInflightBlocks (5)" },
        { "500ms", 10, 0, 5, "can be zero" },
        { "500ms", 10, 1, 0, "can be zero" },
        { "500ms", 3, 3, 5, "ElectionTick (3) must be greater than HeartbeatTick (3)" },
        { "soon", 10, 1, 5, "failed to parse TickInterval (soon) to time duration" },
        { "0s", 10, 1, 5, "TickInterval cannot be zero" },
    };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(cases); i++) {
        struct weft_err e = { 0 };
        struct order to = from;
        to.tick = cases[i].tick;
        to.election = cases[i].election;
        to.heartbeat = cases[i].heartbeat;
        to.inflight = cases[i].inflight;
        EXPECT_CODE(update(&w, &from, &to, false, &e), WEFT_INVALID);
        EXPECT_WORDS(e, "invalid new config metadata: ");
        EXPECT_WORDS(e, cases[i].words);
    }
    struct weft_err e = { 0 };
    EXPECT_OK(update(&w, &from, &from, false, &e));
    struct order none = good;
    EXPECT_CODE(update(&w, &from, &none, false, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "empty consenter set");
    none = from;
    none.no_options = true;
    EXPECT_CODE(update(&w, &from, &none, false, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "nil Raft config metadata options");
    world_done(&w);
}

TEST(consenters_certificates_lead_to_an_orderer_organisation)
{
    struct weft_err e = { 0 };
    struct world w;
    world_init(&w);
    struct order from = good, to = good;
    from.client[0] = from.server[0] = w.one;
    to.client[0] = to.server[0] = w.strange;
    EXPECT_CODE(update(&w, &from, &to, false, &e), WEFT_INVALID);
    EXPECT_WORDS(e,
                 "invalid new config metadata: consenter localhost:7050 has invalid certificate: "
                 "verifying tls client cert with serial number");
    EXPECT_WORDS(e, "x509: certificate signed by unknown authority");
    to.client[0] = to.server[0] = w.two;
    EXPECT_OK(update(&w, &from, &to, false, &e)); /* another certificate for the same consenter */
    to.client[0] = to.server[0] = w.expired;
    EXPECT_CODE(update(&w, &from, &to, false, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "consenter localhost:7050 has invalid certificates: verifying tls client cert");
    EXPECT_WORDS(e, "certificate has expired");
    from.client[0] = from.server[0] = w.expired; /* was there before: only news must be fresh */
    EXPECT_OK(update(&w, &from, &to, false, &e));
    world_done(&w);
}

TEST(one_consenter_changes_at_a_time_and_we_stay_alone)
{
    struct weft_err e = { 0 };
    struct world w;
    world_init(&w);
    struct order one = good, two = good, others = good;
    one.client[0] = one.server[0] = w.one;
    two = one;
    two.client[1] = two.server[1] = w.two;
    EXPECT_CODE(update(&w, &one, &two, false, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "a consenter set of 2 is not supported");
    others.client[0] = others.server[0] = w.two;
    others.client[1] = others.server[1] = w.three;
    EXPECT_CODE(update(&w, &one, &others, false, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "update of more than one consenter at a time is not supported, requested "
                    "changes: add 2 node(s), remove 1 node(s)");
    others.client[1] = others.server[1] = w.two;
    EXPECT_CODE(update(&w, &one, &others, false, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "duplicate consenter: server cert: ");
    world_done(&w);
}

TEST(a_new_channel_has_consenters_of_the_system_channel)
{
    struct weft_err e = { 0 };
    struct world w;
    world_init(&w);
    struct order one = good, two = good;
    one.client[0] = one.server[0] = w.one;
    two.client[0] = two.server[0] = w.two;
    EXPECT_OK(update(&w, &one, &one, true, &e));
    EXPECT_CODE(update(&w, &one, &two, true, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "new channel has consenter that is not part of system consenter set");
    world_done(&w);
}

/* ---- in a block ------------------------------------------------------------------------------------ */

TEST(block_metadata_is_written_as_a_go_orderer_writes_it)
{
    for (unsigned n = 1; n < 79; n++) {
        struct weft_err e = { 0 };
        struct bytes own;
        struct etcdraft_block_metadata m;
        WEFT_CLEANUP(block_unref) struct block *b = NULL;
        WEFT_CLEANUP(buf_done) struct buf again = { 0 };
        WEFT_FREE char *path = weft_asprintf("ledger-small/blocks-orderer/%u.block", n);
        WEFT_CLEANUP(buf_done) struct buf wire = weft_test_read(weft_test_fixture(path));
        EXPECT_OK(block_parse(buf_bytes(&wire), &b, &e));
        EXPECT_OK(block_consenter_metadata(&b->v, &own, &e));
        EXPECT_OK(etcdraft_block_metadata_parse(own, &m, &e));
        EXPECT_EQ(m.count, 1);
        etcdraft_block_metadata_encode(&m, &again);
        EXPECT_BYTES(buf_bytes(&again), own);
    }
}

TEST(numbers_stay_with_their_consenters)
{
    struct weft_err e = { 0 };
    const struct etcdraft_consenter a = { .client_cert = bytes_of_str("a") },
                                    b = { .client_cert = bytes_of_str("b") },
                                    c = { .client_cert = bytes_of_str("c") };
    const struct etcdraft_consenter ab[] = { a, b }, ba[] = { b, a }, cb[] = { c, b },
                                    abc[] = { a, b, c };
    const struct etcdraft_config of_ab = { .consenters = ab, .consenter_count = 2 },
                                 of_ba = { .consenters = ba, .consenter_count = 2 },
                                 of_cb = { .consenters = cb, .consenter_count = 2 },
                                 of_abc = { .consenters = abc, .consenter_count = 3 },
                                 of_b = { .consenters = &b, .consenter_count = 1 };
    const struct {
        const struct etcdraft_config *next;
        uint64_t ids[3], next_id;
        size_t count;
    } cases[] = {
        { &of_ab, { 1, 2 }, 3, 2 },     { &of_ba, { 2, 1 }, 3, 2 }, { &of_cb, { 1, 2 }, 3, 2 },
        { &of_abc, { 1, 2, 3 }, 4, 3 }, { &of_b, { 2 }, 3, 1 },
    };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(cases); i++) {
        struct etcdraft_block_metadata m;
        EXPECT_OK(etcdraft_block_metadata_of(bytes_of(NULL, 0), &of_ab, &m, &e));
        EXPECT_OK(etcdraft_block_metadata_move(&m, &of_ab, cases[i].next, &e));
        EXPECT_EQ(m.count, cases[i].count);
        EXPECT_EQ(m.next_id, cases[i].next_id);
        for (size_t k = 0; k < m.count; k++)
            EXPECT_EQ(m.ids[k], cases[i].ids[k]);
    }
}
