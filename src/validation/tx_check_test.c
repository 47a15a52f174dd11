#include "validation/tx_check.h"

#include "bundle/capabilities.h"
#include "rwset_maker.h"
#include "tx_maker.h"
#include "weft_test.h"

#include "proto/wire.h"

static const struct tx_rules v20 = {
    .v20 = true, .v1_2 = true, .private_data = true, .key_level = true, .v1_3 = true
};
static const struct tx_rules v14 = {
    .v1_2 = true, .private_data = true, .key_level = true, .v1_3 = true
};
static const struct tx_rules v11 = { .v20 = false };

/* Somebody who sends, and an envelope of his. */
struct sent {
    struct made_cert *ca;
    struct tx_person *client;
    struct weft_rand rand;
    struct buf results, envelope;
    struct arena arena;
    struct tx_check c;
};

static void sent_init(struct sent *s)
{
    *s = (struct sent){ .rand = weft_rand_of(1) };
    s->ca = cert_make(&(struct cert_order){ .name = "ca", .is_ca = true });
    s->client = tx_person_new("Org1MSP", s->ca, "client", "client");
}

static void sent_done(struct sent *s)
{
    tx_person_free(s->client);
    made_cert_free(s->ca);
    buf_done(&s->results);
    buf_done(&s->envelope);
    arena_done(&s->arena);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct sent, sent_done)

static const struct tx_check *check_order(struct sent *s, struct tx_order o,
                                          const struct tx_rules *rules)
{
    o.channel = "ch";
    o.chaincode = "asset";
    o.creator = s->client;
    if (o.results.data == NULL)
        o.results = buf_bytes(&s->results);
    if (o.signers == 0)
        o.signed_by[o.signers++].who = s->client;
    buf_clear(&s->envelope);
    tx_make(&o, &s->rand, &s->envelope);
    tx_check(buf_bytes(&s->envelope), rules, &s->arena, &s->c);
    return &s->c;
}

static const struct tx_check *check_flaw(struct sent *s, enum tx_flaw flaw,
                                         const struct tx_rules *rules)
{
    return check_order(s, (struct tx_order){ .flaw = flaw }, rules);
}

TEST(a_good_transaction_is_laid_open)
{
    WEFT_CLEANUP(sent_done) struct sent s;
    struct rwset_maker m = { 0 };
    sent_init(&s);
    rwset_namespace(&m, "asset");
    rwset_read(&m, bytes_of_str("a"), NULL);
    rwset_namespace(&m, "other");
    rwset_write(&m, bytes_of_str("b"), bytes_of_str("x"));
    rwset_collection(&m, "coll");
    rwset_metadata(&m, bytes_of_str("hash"), "name", bytes_of_str("value"));
    rwset_end(&m, &s.results);
    const struct tx_check *c = check_flaw(&s, FLAW_NONE, &v20);
    EXPECT_EQ(c->code, TX_VALID);
    EXPECT_EQ(c->code_after_creator, TX_VALID);
    EXPECT_EQ(c->code_in_turn, TX_VALID);
    EXPECT_EQ(c->type, HEADER_ENDORSER_TRANSACTION);
    EXPECT_BYTES(c->channel_id, bytes_of_str("ch"));
    EXPECT_BYTES(c->creator, buf_bytes(&s.client->id));
    EXPECT_EQ(c->tx_id.len, TX_ID_LEN);
    EXPECT_BYTES(c->chaincode, bytes_of_str("asset"));
    EXPECT_BYTES(c->version, bytes_of_str("1.0"));
    EXPECT_EQ(c->endorsement_count, 1);
    EXPECT_BYTES(c->endorsements[0].endorser, buf_bytes(&s.client->id));
    EXPECT_EQ(c->namespace_count, 2);
    EXPECT(!c->namespaces[0].is_judged);
    EXPECT(!c->namespaces[0].writes_metadata);
    EXPECT(c->namespaces[1].is_judged);
    EXPECT(c->namespaces[1].writes_metadata);
    EXPECT_BYTES(c->namespaces[1].collections[0].name, bytes_of_str("coll"));
    EXPECT(tx_check_namespace(c, bytes_of_str("other")) == &c->namespaces[1]);
    EXPECT(tx_check_namespace(c, bytes_of_str("nobody")) == NULL);
}

/* Each question is asked in its turn: what comes after a "no" is not looked at. */
TEST(each_flaw_has_the_code_of_the_first_check_that_finds_it)
{
    static const struct {
        enum tx_flaw flaw;
        enum tx_validation_code code, after_creator, in_turn;
    } rows[] = {
        { FLAW_ENVELOPE, TX_INVALID_OTHER_REASON, 0, 0 },
        { FLAW_ENVELOPE_EMPTY, TX_BAD_COMMON_HEADER, 0, 0 },
        { FLAW_PAYLOAD, TX_BAD_PAYLOAD, 0, 0 },
        { FLAW_NO_HEADER, TX_BAD_COMMON_HEADER, 0, 0 },
        { FLAW_CHANNEL_HEADER, TX_BAD_COMMON_HEADER, 0, 0 },
        { FLAW_SIGNATURE_HEADER, TX_BAD_COMMON_HEADER, 0, 0 },
        { FLAW_TYPE_MESSAGE, TX_BAD_COMMON_HEADER, 0, 0 },
        { FLAW_EPOCH, TX_BAD_COMMON_HEADER, 0, 0 },
        { FLAW_NO_NONCE, TX_BAD_COMMON_HEADER, 0, 0 },
        { FLAW_NO_CREATOR, TX_BAD_COMMON_HEADER, 0, 0 },
        { FLAW_TYPE_UPDATE, 0, TX_UNSUPPORTED_TX_PAYLOAD, 0 },
        { FLAW_TX_ID, 0, TX_BAD_PROPOSAL_TXID, 0 },
        { FLAW_TX_ID_UPPER, 0, TX_BAD_PROPOSAL_TXID, 0 },
        { FLAW_NO_TX_ID, 0, TX_BAD_PROPOSAL_TXID, 0 },
        { FLAW_NO_DATA, 0, TX_INVALID_ENDORSER_TRANSACTION, 0 },
        { FLAW_DATA, 0, TX_INVALID_ENDORSER_TRANSACTION, 0 },
        { FLAW_NO_ACTIONS, 0, TX_INVALID_ENDORSER_TRANSACTION, 0 },
        { FLAW_TWO_ACTIONS, 0, TX_INVALID_ENDORSER_TRANSACTION, 0 },
        { FLAW_ACTION_HEADER, 0, TX_INVALID_ENDORSER_TRANSACTION, 0 },
        { FLAW_NO_ACTION_HEADER, 0, TX_INVALID_ENDORSER_TRANSACTION, 0 },
        { FLAW_ACTION_PAYLOAD, 0, TX_INVALID_ENDORSER_TRANSACTION, 0 },
        { FLAW_NO_ACTION, 0, TX_INVALID_ENDORSER_TRANSACTION, 0 },
        { FLAW_RESPONSE, 0, TX_INVALID_ENDORSER_TRANSACTION, 0 },
        { FLAW_PROPOSAL_HASH, 0, TX_INVALID_ENDORSER_TRANSACTION, 0 },
        { FLAW_NO_PROPOSAL_PAYLOAD, 0, TX_INVALID_ENDORSER_TRANSACTION, 0 },
        { FLAW_EXTENSION, 0, 0, TX_BAD_HEADER_EXTENSION },
        { FLAW_NO_EXTENSION, 0, 0, TX_INVALID_OTHER_REASON },
        { FLAW_NO_CHAINCODE_ACTION, 0, 0, TX_BAD_RESPONSE_PAYLOAD },
        { FLAW_CHAINCODE_ACTION, 0, 0, TX_BAD_RESPONSE_PAYLOAD },
        { FLAW_NO_ACTION_ID, 0, 0, TX_INVALID_OTHER_REASON },
        { FLAW_NAMES_DIFFER, 0, 0, TX_INVALID_CHAINCODE },
        { FLAW_NO_NAME, 0, 0, TX_INVALID_CHAINCODE },
        { FLAW_NO_VERSION, 0, 0, TX_INVALID_CHAINCODE },
        { FLAW_EVENT, 0, 0, TX_INVALID_OTHER_REASON },
        { FLAW_EVENT_OTHER, 0, 0, TX_INVALID_OTHER_REASON },
        { FLAW_STATUS_500, 0, 0, 0 },
        { FLAW_EVENT_FINE, 0, 0, 0 },
        { FLAW_UNKNOWN_FIELDS, 0, 0, 0 },
    };
    WEFT_CLEANUP(sent_done) struct sent s;
    sent_init(&s);
    for (size_t i = 0; i < WEFT_ARRAY_LEN(rows); i++) {
        const struct tx_check *c = check_flaw(&s, rows[i].flaw, &v20);
        if (c->code != rows[i].code || c->code_after_creator != rows[i].after_creator ||
            c->code_in_turn != rows[i].in_turn)
            fail_msg("flaw %d: %d %d %d", (int)rows[i].flaw, (int)c->code,
                     (int)c->code_after_creator, (int)c->code_in_turn);
    }
}

TEST(before_2_0_names_that_differ_are_another_reason)
{
    static const enum tx_flaw flaws[] = { FLAW_NAMES_DIFFER, FLAW_NO_NAME, FLAW_NO_VERSION };
    WEFT_CLEANUP(sent_done) struct sent s;
    sent_init(&s);
    for (size_t i = 0; i < WEFT_ARRAY_LEN(flaws); i++)
        EXPECT_EQ(check_flaw(&s, flaws[i], &v14)->code_in_turn, TX_INVALID_OTHER_REASON);
}

TEST(before_1_2_nobody_looks_at_events)
{
    WEFT_CLEANUP(sent_done) struct sent s;
    sent_init(&s);
    EXPECT_EQ(check_flaw(&s, FLAW_EVENT_OTHER, &v14)->code_in_turn, TX_INVALID_OTHER_REASON);
    EXPECT_EQ(check_flaw(&s, FLAW_EVENT_OTHER, &v11)->code_in_turn, TX_VALID);
    EXPECT_EQ(check_flaw(&s, FLAW_EVENT, &v11)->code_in_turn, TX_VALID);
}

static void put_namespaces(struct sent *s, size_t count, const char *last)
{
    struct rwset_maker m = { 0 };
    for (size_t i = 0; i < count; i++) {
        WEFT_FREE char *name = weft_asprintf("ns%zu", i);
        rwset_namespace(&m, i + 1 == count ? last : name);
        rwset_write(&m, bytes_of_str("k"), bytes_of_str("v"));
    }
    buf_clear(&s->results);
    rwset_end(&m, &s->results);
}

TEST(a_namespace_twice_is_an_illegal_write_set)
{
    static const size_t counts[] = { 2, 16, 17, 300 };
    WEFT_CLEANUP(sent_done) struct sent s;
    sent_init(&s);
    for (size_t i = 0; i < WEFT_ARRAY_LEN(counts); i++) {
        put_namespaces(&s, counts[i], "ns0");
        EXPECT_EQ(check_flaw(&s, FLAW_NONE, &v20)->code_in_turn, TX_ILLEGAL_WRITESET);
        put_namespaces(&s, counts[i], "another");
        EXPECT_EQ(check_flaw(&s, FLAW_NONE, &v20)->code_in_turn, TX_VALID);
    }
}

TEST(a_broken_read_write_set_is_one_however_deep_it_is_broken)
{
    /* of the set; of the namespace's; of a collection's */
    static const char *const hex[] = { "12ff", "120612020a001aff", "12061202ff00",
                                       "120c0a016e1a070a0163120208ff" };
    WEFT_CLEANUP(sent_done) struct sent s;
    sent_init(&s);
    for (size_t i = 0; i < WEFT_ARRAY_LEN(hex); i++) {
        uint8_t room[32];
        EXPECT(bytes_from_hex(bytes_of_str(hex[i]), room));
        struct tx_order o = { .results = bytes_of(room, strlen(hex[i]) / 2) };
        EXPECT_EQ(check_order(&s, o, &v20)->code_in_turn, TX_BAD_RWSET);
    }
}

/* What counts as a write, which capability makes it count. */
TEST(writes_count_with_their_capabilities)
{
    static const struct tx_rules none = { .v1_2 = true };
    static const struct tx_rules data = { .v1_2 = true, .private_data = true };
    static const struct {
        bool collection, metadata, with_none, with_data, with_all;
    } rows[] = {
        { false, false, true, true, true },
        { false, true, false, false, true },
        { true, false, false, true, true },
        { true, true, false, false, true },
    };
    WEFT_CLEANUP(sent_done) struct sent s;
    sent_init(&s);
    for (size_t i = 0; i < WEFT_ARRAY_LEN(rows); i++) {
        struct rwset_maker m = { 0 };
        rwset_namespace(&m, "asset");
        if (rows[i].collection)
            rwset_collection(&m, "coll");
        if (rows[i].metadata)
            rwset_metadata(&m, bytes_of_str("k"), "n", bytes_of_str("v"));
        else
            rwset_write(&m, bytes_of_str("k"), bytes_of_str("v"));
        buf_clear(&s.results);
        rwset_end(&m, &s.results);
        EXPECT_EQ(check_flaw(&s, FLAW_NONE, &none)->namespaces[0].is_judged, rows[i].with_none);
        EXPECT_EQ(check_flaw(&s, FLAW_NONE, &data)->namespaces[0].is_judged, rows[i].with_data);
        EXPECT_EQ(check_flaw(&s, FLAW_NONE, &v20)->namespaces[0].is_judged, rows[i].with_all);
        EXPECT_EQ(s.c.namespaces[0].writes_metadata, rows[i].metadata);
    }
}

/* Payload { header { ChannelHeader { type CONFIG }, signature header }, data } */
static void config_envelope(bool has_data, struct buf *out)
{
    struct buf channel = { 0 }, signer = { 0 }, header = { 0 }, payload = { 0 };
    wire_put_varint(&channel, 1, HEADER_CONFIG);
    wire_put_bytes(&signer, 1, bytes_of_str("somebody"));
    wire_put_bytes(&signer, 2, bytes_of_str("nonce"));
    wire_put_bytes(&header, 1, buf_bytes(&channel));
    wire_put_bytes(&header, 2, buf_bytes(&signer));
    wire_put_bytes(&payload, 1, buf_bytes(&header));
    if (has_data)
        wire_put_bytes(&payload, 2, bytes_of_str(""));
    wire_put_bytes(out, 1, buf_bytes(&payload));
    buf_done(&channel);
    buf_done(&signer);
    buf_done(&header);
    buf_done(&payload);
}

TEST(a_config_needs_data_if_only_of_no_bytes)
{
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
    struct tx_check c;
    config_envelope(true, &b);
    tx_check(buf_bytes(&b), &v20, &arena, &c);
    EXPECT_EQ(c.code, TX_VALID);
    EXPECT_EQ(c.code_after_creator, TX_VALID);
    EXPECT_EQ(c.tx_id.len, 0);
    buf_clear(&b);
    config_envelope(false, &b);
    tx_check(buf_bytes(&b), &v20, &arena, &c);
    EXPECT_EQ(c.code_after_creator, TX_INVALID_CONFIG_TRANSACTION);
}

TEST(rules_follow_from_capabilities)
{
    struct application_capabilities c = { .v2_0_validation = true };
    EXPECT(tx_rules_of(&c).v20);
    EXPECT(tx_rules_of(&c).v1_3);
    c = (struct application_capabilities){ .v1_3_validation = true, .key_level_endorsement = true };
    EXPECT(!tx_rules_of(&c).v20);
    EXPECT(tx_rules_of(&c).v1_3);
    EXPECT(tx_rules_of(&c).key_level);
    c = (struct application_capabilities){ .v1_2_validation = true, .private_channel_data = true };
    EXPECT(tx_rules_of(&c).v1_2);
    EXPECT(tx_rules_of(&c).private_data);
    EXPECT(!tx_rules_of(&c).v1_3);
}
