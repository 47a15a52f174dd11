#include "validation/tx_validator.h"

#include "bundle/bundle.h"
#include "validation_world.h"
#include "weft_test.h"

#include "proto/envelope.h"
#include "proto/metadata.h"

static void start(struct vworld *w, const char *capability)
{
    vworld_init(w, capability);
    vworld_define(w, "asset", "AND('Org1MSP.peer','Org2MSP.peer')", NULL);
    vworld_deploy(w, "asset", "1.0", "AND('Org1MSP.peer','Org2MSP.peer')");
    vworld_define(w, "other", "OR('Org1MSP.peer')", NULL);
    vworld_deploy(w, "other", "1.0", "OR('Org1MSP.peer')");
}

static uint8_t judge(struct vworld *w, struct tx_order o)
{
    WEFT_CLEANUP(buf_done) struct buf results = vworld_write("asset", "k");
    if (o.chaincode == NULL)
        o.chaincode = "asset";
    if (o.results.data == NULL)
        o.results = buf_bytes(&results);
    return vworld_judge(w, &o);
}

/* ---- the creator ------------------------------------------------------------------------------------ */

TEST(whoever_is_a_member_of_the_channel_may_have_made_it)
{
    WEFT_CLEANUP(vworld_done) struct vworld w;
    start(&w, "V2_0");
    EXPECT_EQ(judge(&w, (struct tx_order){ 0 }), TX_VALID);
    EXPECT_EQ(judge(&w, (struct tx_order){ .creator = w.peer2 }), TX_VALID);
    EXPECT_EQ(judge(&w, (struct tx_order){ .creator = w.stranger }), TX_BAD_CREATOR_SIGNATURE);
}

TEST(the_creators_signature_must_be_good)
{
    static const struct {
        enum tx_signed how;
        uint8_t code;
    } rows[] = {
        { SIGNED_WELL, TX_VALID },
        { SIGNED_OTHER, TX_BAD_CREATOR_SIGNATURE },
        { SIGNED_HIGH_S, TX_BAD_CREATOR_SIGNATURE },
        { SIGNED_GARBAGE, TX_BAD_CREATOR_SIGNATURE },
        { SIGNED_EMPTY, TX_BAD_CREATOR_SIGNATURE },
        { SIGNED_TRAILING, TX_VALID },
    };
    WEFT_CLEANUP(vworld_done) struct vworld w;
    start(&w, "V2_0");
    for (size_t i = 0; i < WEFT_ARRAY_LEN(rows); i++)
        EXPECT_EQ(judge(&w, (struct tx_order){ .how = rows[i].how }), rows[i].code);
    EXPECT_EQ(judge(&w, (struct tx_order){ .flaw = FLAW_NO_SIGNATURE }), TX_BAD_CREATOR_SIGNATURE);
}

TEST(a_transaction_of_another_channel_has_a_creator_that_nobody_knows)
{
    WEFT_CLEANUP(vworld_done) struct vworld w;
    start(&w, "V2_0");
    EXPECT_EQ(judge(&w, (struct tx_order){ .channel = "other" }), TX_BAD_CREATOR_SIGNATURE);
    EXPECT_EQ(judge(&w, (struct tx_order){ .channel = "" }), TX_BAD_CREATOR_SIGNATURE);
}

/* A bad creator comes before a bad id, and that before an unknown chaincode. */
TEST(the_first_no_is_the_code)
{
    WEFT_CLEANUP(vworld_done) struct vworld w;
    start(&w, "V2_0");
    struct tx_order o = { .chaincode = "nobody", .how = SIGNED_OTHER, .flaw = FLAW_TX_ID };
    EXPECT_EQ(judge(&w, o), TX_BAD_CREATOR_SIGNATURE);
    o.how = SIGNED_WELL;
    EXPECT_EQ(judge(&w, o), TX_BAD_PROPOSAL_TXID);
    o.flaw = FLAW_NONE;
    EXPECT_EQ(judge(&w, o), TX_INVALID_CHAINCODE);
    o.flaw = FLAW_EVENT;
    EXPECT_EQ(judge(&w, o), TX_INVALID_OTHER_REASON);
}

/* ---- ids ----------------------------------------------------------------------------------------------- */

static void id_of(const struct vworld *w, struct bytes nonce, char id[TX_ID_LEN + 1])
{
    tx_id_compute(nonce, buf_bytes(&w->client->id), id);
}

TEST(an_id_that_the_ledger_knows_is_a_duplicate_before_anything_else_is_asked)
{
    WEFT_CLEANUP(vworld_done) struct vworld w;
    char id[TX_ID_LEN + 1];
    struct bytes nonce = bytes_of_str("a nonce");
    start(&w, "V2_0");
    id_of(&w, nonce, id);
    map_state_put_id(w.state, bytes_of_str(id));
    EXPECT_EQ(judge(&w, (struct tx_order){ .nonce = nonce }), TX_DUPLICATE_TXID);
    EXPECT_EQ(judge(&w, (struct tx_order){ .nonce = nonce, .flaw = FLAW_EXTENSION }),
              TX_DUPLICATE_TXID);
    EXPECT_EQ(judge(&w, (struct tx_order){ .nonce = nonce, .flaw = FLAW_DATA }),
              TX_INVALID_ENDORSER_TRANSACTION);
    EXPECT_EQ(judge(&w, (struct tx_order){ .nonce = bytes_of_str("other") }), TX_VALID);
}

/* Twice the same: a bad one, a good one, the good one again. */
static void decide_twins(const char *capability, uint8_t codes[VWORLD_TXS])
{
    WEFT_CLEANUP(vworld_done) struct vworld w;
    WEFT_CLEANUP(buf_done) struct buf results = vworld_write("asset", "k");
    struct weft_err e;
    start(&w, capability);
    struct tx_order o = { .chaincode = "asset",
                          .results = buf_bytes(&results),
                          .nonce = bytes_of_str("one nonce"),
                          .signed_by = { { w.client, SIGNED_WELL } },
                          .signers = 1 };
    vworld_add(&w, &o);
    o.signers = 0;
    vworld_add(&w, &o);
    vworld_add(&w, &o);
    EXPECT_OK(vworld_decide(&w, codes, &e));
}

TEST(of_the_same_id_twice_in_a_block_the_first_valid_one_counts)
{
    static const char *const capabilities[] = { "V2_0", "V1_4_2", "V1_1" };
    uint8_t codes[VWORLD_TXS];
    for (size_t i = 0; i < WEFT_ARRAY_LEN(capabilities); i++) {
        decide_twins(capabilities[i], codes);
        EXPECT_EQ(codes[0], TX_ENDORSEMENT_POLICY_FAILURE);
        EXPECT_EQ(codes[1], TX_VALID);
        EXPECT_EQ(codes[2], TX_DUPLICATE_TXID);
    }
    decide_twins(NULL, codes); /* no capability: nobody looks */
    EXPECT_EQ(codes[2], TX_VALID);
}

/* ---- chaincodes ------------------------------------------------------------------------------------------ */

TEST(every_namespace_that_is_written_is_asked)
{
    WEFT_CLEANUP(vworld_done) struct vworld w;
    struct rwset_maker m = { 0 };
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    start(&w, "V2_0");
    struct tx_order o = { .chaincode = "other",
                          .signed_by = { { w.peer1, SIGNED_WELL } },
                          .signers = 1 };
    rwset_namespace(&m, "asset");
    rwset_read(&m, bytes_of_str("k"), NULL);
    rwset_end(&m, &b);
    o.results = buf_bytes(&b);
    EXPECT_EQ(judge(&w, o), TX_VALID);
    WEFT_CLEANUP(buf_done) struct buf write = vworld_write("asset", "k");
    o.results = buf_bytes(&write);
    EXPECT_EQ(judge(&w, o), TX_ENDORSEMENT_POLICY_FAILURE);
    WEFT_CLEANUP(buf_done) struct buf nowhere = vworld_write("nowhere", "k");
    o.results = buf_bytes(&nowhere);
    EXPECT_EQ(judge(&w, o), TX_INVALID_CHAINCODE);
    WEFT_CLEANUP(buf_done) struct buf lscc = vworld_write("lscc", "k");
    o.results = buf_bytes(&lscc);
    EXPECT_EQ(judge(&w, o), TX_INVALID_CHAINCODE);
}

TEST(by_the_rules_of_1_4_codes_are_others)
{
    WEFT_CLEANUP(vworld_done) struct vworld w;
    static const char *const closed[] = { "lscc", "vscc", "escc", "cscc" };
    start(&w, "V1_4_2");
    EXPECT_EQ(judge(&w, (struct tx_order){ 0 }), TX_VALID);
    EXPECT_EQ(judge(&w, (struct tx_order){ .version = "2.0" }), TX_EXPIRED_CHAINCODE);
    EXPECT_EQ(judge(&w, (struct tx_order){ .chaincode = "nobody" }), TX_INVALID_OTHER_REASON);
    EXPECT_EQ(judge(&w, (struct tx_order){ .chaincode = "vscc" }), TX_ILLEGAL_WRITESET);
    for (size_t i = 0; i < WEFT_ARRAY_LEN(closed); i++) {
        WEFT_CLEANUP(buf_done) struct buf b = vworld_write(closed[i], "k");
        EXPECT_EQ(judge(&w, (struct tx_order){ .results = buf_bytes(&b) }), TX_ILLEGAL_WRITESET);
    }
    /* Nobody would write to qscc, but who does so needs no more than a signature. */
    WEFT_CLEANUP(buf_done) struct buf qscc = vworld_write("qscc", "k");
    EXPECT_EQ(judge(&w, (struct tx_order){ .results = buf_bytes(&qscc) }), TX_VALID);
    /* qscc and cscc may be called: one signature of any member will do. */
    EXPECT_EQ(judge(&w, (struct tx_order){ .chaincode = "qscc",
                                           .signed_by = { { w.client, SIGNED_WELL } },
                                           .signers = 1 }),
              TX_VALID);
}

TEST(another_plugin_ends_the_work_on_the_channel)
{
    WEFT_CLEANUP(vworld_done) struct vworld w;
    uint8_t codes[VWORLD_TXS];
    struct weft_err e = { 0 };
    start(&w, "V2_0");
    vworld_define_with(&w, "odd", bytes_of_str("my-plugin"), bytes_of_str("policy"),
                       (struct bytes){ 0 });
    vworld_add(&w, &(struct tx_order){ .chaincode = "odd" });
    EXPECT_CODE(vworld_decide(&w, codes, &e), WEFT_UNAVAILABLE);
    EXPECT_WORDS(e, "plugin with name my-plugin couldn't be used: plugin with name my-plugin "
                    "wasn't found");
}

TEST(a_state_or_an_index_that_cannot_be_read_is_no_transactions_fault)
{
    WEFT_CLEANUP(vworld_done) struct vworld w;
    WEFT_CLEANUP(buf_done) struct buf b = vworld_write("asset", "k");
    uint8_t codes[VWORLD_TXS];
    struct weft_err e = { 0 };
    start(&w, "V2_0");
    map_state_break(w.state, "", WEFT_IO);
    vworld_add(&w, &(struct tx_order){ .chaincode = "asset", .results = buf_bytes(&b) });
    EXPECT_CODE(vworld_decide(&w, codes, &e), WEFT_IO);
    EXPECT_WORDS(e, "transaction 0 in block");
    map_state_break(w.state, "_lifecycle", WEFT_IO);
    vworld_add(&w, &(struct tx_order){ .chaincode = "asset", .results = buf_bytes(&b) });
    EXPECT_CODE(vworld_decide(&w, codes, &e), WEFT_IO);
    map_state_put_policy(w.state, "asset", "", bytes_of_str("any"), bytes_of_str(""));
    map_state_break(w.state, "asset", WEFT_IO); /* a key's metadata: the work on the channel ends */
    vworld_add(&w, &(struct tx_order){ .chaincode = "asset", .results = buf_bytes(&b) });
    EXPECT_CODE(vworld_decide(&w, codes, &e), WEFT_UNAVAILABLE);
}

/* ---- what the original does not survive -------------------------------------------------------------- */

/* Each is followed by a good one, which a peer of 2.2 does not live to see, or waits for. */
TEST(traps_end_in_a_code_and_the_next_transaction_is_judged)
{
    static const struct {
        enum tx_flaw flaw;
        uint8_t code;
    } rows[] = {
        { FLAW_NO_ACTION, TX_INVALID_ENDORSER_TRANSACTION },
        { FLAW_NO_ACTIONS, TX_INVALID_ENDORSER_TRANSACTION },
        { FLAW_NO_DATA, TX_INVALID_ENDORSER_TRANSACTION },
        { FLAW_NO_HEADER, TX_BAD_COMMON_HEADER },
        { FLAW_ENVELOPE_EMPTY, TX_BAD_COMMON_HEADER },
        { FLAW_ENVELOPE, TX_INVALID_OTHER_REASON },
        { FLAW_PAYLOAD, TX_BAD_PAYLOAD },
        { FLAW_DATA, TX_INVALID_ENDORSER_TRANSACTION },
        { FLAW_CHAINCODE_ACTION, TX_BAD_RESPONSE_PAYLOAD },
    };
    WEFT_CLEANUP(vworld_done) struct vworld w;
    WEFT_CLEANUP(buf_done) struct buf b = vworld_write("asset", "k");
    uint8_t codes[VWORLD_TXS];
    struct weft_err e;
    start(&w, "V2_0");
    for (size_t i = 0; i < WEFT_ARRAY_LEN(rows); i++) {
        vworld_add(&w, &(struct tx_order){
                           .chaincode = "asset", .results = buf_bytes(&b), .flaw = rows[i].flaw });
        vworld_add(&w, &(struct tx_order){ .chaincode = "asset", .results = buf_bytes(&b) });
    }
    EXPECT_OK(vworld_decide(&w, codes, &e));
    for (size_t i = 0; i < WEFT_ARRAY_LEN(rows); i++) {
        EXPECT_EQ(codes[2 * i], rows[i].code);
        EXPECT_EQ(codes[2 * i + 1], TX_VALID);
    }
}

/* ---- configurations ---------------------------------------------------------------------------------------- */

TEST(a_config_is_applied_and_what_refuses_it_is_fatal)
{
    WEFT_CLEANUP(vworld_done) struct vworld w;
    WEFT_CLEANUP(buf_done) struct buf config = { 0 };
    uint8_t codes[VWORLD_TXS];
    struct weft_err e = { 0 };
    start(&w, "V2_0");
    test_envelope(w.channel, "OrdererMSP", false, HEADER_CONFIG, "ch", bytes_of_str("config"),
                  &config);
    vworld_add_bytes(&w, buf_bytes(&config));
    EXPECT_OK(vworld_decide(&w, codes, &e));
    EXPECT_EQ(codes[0], TX_VALID);
    EXPECT_EQ(w.configs, 1);
    w.config_is = WEFT_INVALID;
    vworld_add_bytes(&w, buf_bytes(&config));
    EXPECT_CODE(vworld_decide(&w, codes, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "error validating config which passed initial validity checks");
}

TEST(a_block_of_nothing_is_decided)
{
    WEFT_CLEANUP(vworld_done) struct vworld w;
    uint8_t codes[VWORLD_TXS];
    struct weft_err e;
    start(&w, "V2_0");
    EXPECT_OK(vworld_decide(&w, codes, &e));
}
