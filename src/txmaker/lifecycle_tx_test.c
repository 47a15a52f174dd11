/* Against what real peers simulated: the fixtures' blocks 3 to 8 define two chaincodes,
 * 56 to 58 one of them anew. */
#include "txmaker/lifecycle_tx.h"

#include "weft_test.h"

#include "msp/signing_identity.h"
#include "proto/block.h"
#include "proto/transaction.h"
#include "txmaker/endorsed_tx.h"

/* The only transaction of a block, taken apart. */
struct tx {
    struct buf wire;
    struct block_view v;
    struct envelope_headers h;
    struct transaction_action action;
    struct chaincode_action_payload payload;
    struct chaincode_action called;
    struct bytes args[LIFECYCLE_ARGS];
};

static struct bytes only(struct bytes message, uint32_t number)
{
    struct bytes item = { 0 };
    struct repeated r = repeated_of(message, number);
    EXPECT(repeated_next(&r, &item));
    return item;
}

static void open_tx(struct tx *t, uint64_t block)
{
    struct weft_err e = { 0 };
    struct transaction_view tx;
    struct bytes item = { 0 };
    *t = (struct tx){ 0 };
    WEFT_FREE char *name = weft_asprintf("ledger-small/blocks/%" PRIu64 ".block", block);
    t->wire = weft_test_read(weft_test_fixture(name));
    EXPECT_OK(block_view_parse(&t->v, buf_bytes(&t->wire), &e));
    EXPECT_EQ(t->v.txs.count, 1);
    EXPECT_OK(envelope_headers_parse(t->v.txs.at[0], &t->h, &e));
    EXPECT_OK(transaction_parse(t->h.payload.data, &tx, &e));
    EXPECT(repeated_next(&tx.actions, &item));
    t->action = transaction_action_of(item);
    EXPECT_OK(chaincode_action_payload_parse(t->action.payload, &t->payload, &e));
    EXPECT_OK(transaction_chaincode_action(t->h.payload.data, &t->called, &e));
    struct bytes spec = only(only(t->payload.chaincode_proposal_payload, 1), 1);
    struct repeated args = repeated_of(only(spec, 3), 1);
    EXPECT_EQ(args.count, LIFECYCLE_ARGS);
    for (size_t i = 0; i < LIFECYCLE_ARGS; i++)
        EXPECT(repeated_next(&args, &t->args[i]));
}

static void close_tx(struct tx *t)
{
    block_view_done(&t->v);
    buf_done(&t->wire);
}

/* The definition that an approval asks for; its texts are kept in the arena. */
static struct lifecycle_definition definition_of(const struct tx *t, struct arena *arena)
{
    struct lifecycle_definition d = { 0 };
    struct wire w = wire_of(t->args[1]);
    struct wire_field f;
    while (wire_next(&w, &f)) {
        struct bytes kept = bytes_of(NULL, 0);
        if (f.type == WIRE_LEN)
            kept = bytes_of(arena_dup_str(arena, f.bytes), f.bytes.len);
        if (f.number == 1)
            d.sequence = f.varint;
        else if (f.number == 2)
            d.name = (const char *)kept.data;
        else if (f.number == 3)
            d.version = (const char *)kept.data;
        else if (f.number == 6)
            d.policy = kept;
        else if (f.number == 7)
            d.collections = kept;
        else if (f.number == 9)
            d.package_id = arena_dup_str(arena, only(only(kept, 2), 1));
    }
    return d;
}

static void expect_call(const struct tx *t, const struct lifecycle_call *c)
{
    for (size_t i = 0; i < LIFECYCLE_ARGS; i++)
        EXPECT_BYTES(c->args[i], t->args[i]);
    EXPECT_BYTES(buf_bytes(&c->results), t->called.results);
}

static void approve_as_in(struct lifecycle_chaincode *cc, struct lifecycle_definition *d,
                          const char *org, uint64_t block, struct arena *arena)
{
    WEFT_CLEANUP(lifecycle_call_done) struct lifecycle_call call = { 0 };
    struct tx t;
    open_tx(&t, block);
    *d = definition_of(&t, arena);
    lifecycle_tx_approve(cc, d, org, &call);
    expect_call(&t, &call);
    lifecycle_chaincode_approved(cc, org, block, 0);
    close_tx(&t);
}

static void commit_as_in(struct lifecycle_chaincode *cc, const struct lifecycle_definition *d,
                         uint64_t block)
{
    static const char *const orgs[] = { "Org1MSP", "Org2MSP" };
    WEFT_CLEANUP(lifecycle_call_done) struct lifecycle_call call = { 0 };
    struct tx t;
    open_tx(&t, block);
    lifecycle_tx_commit(cc, d, orgs, 2, &call);
    expect_call(&t, &call);
    lifecycle_chaincode_committed(cc, d, block, 0);
    close_tx(&t);
}

static void define_as_in(struct lifecycle_chaincode *cc, uint64_t block)
{
    WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
    struct lifecycle_definition d;
    approve_as_in(cc, &d, "Org1MSP", block, &arena);
    approve_as_in(cc, &d, "Org2MSP", block + 1, &arena);
    commit_as_in(cc, &d, block + 2);
}

TEST(a_definition_and_its_next_sequence_are_what_a_peer_simulated)
{
    WEFT_CLEANUP(lifecycle_chaincode_done) struct lifecycle_chaincode cc;
    lifecycle_chaincode_init(&cc, "asset");
    define_as_in(&cc, 3);
    define_as_in(&cc, 56);
    EXPECT_EQ(cc.sequence, 2);
    EXPECT_EQ(cc.metadata_version.block, 5); /* what did not change was not written */
    EXPECT_EQ(cc.versions[0].block, 58);
    EXPECT_EQ(cc.versions[3].block, 5);
}

TEST(a_definition_with_collections_and_the_default_policy_is_what_a_peer_simulated)
{
    WEFT_CLEANUP(lifecycle_chaincode_done) struct lifecycle_chaincode cc;
    lifecycle_chaincode_init(&cc, "pdc");
    define_as_in(&cc, 6);
}

TEST(an_organisation_that_has_not_approved_is_read_as_absent)
{
    static const char *const orgs[] = { "Org1MSP", "Org2MSP" };
    WEFT_CLEANUP(lifecycle_chaincode_done) struct lifecycle_chaincode cc;
    WEFT_CLEANUP(lifecycle_call_done) struct lifecycle_call call = { 0 };
    const struct lifecycle_definition d = { .name = "a", .version = "1", .sequence = 1 };
    struct weft_err e = { 0 };
    struct tx_rwset_view v;
    struct bytes item = { 0 };
    lifecycle_chaincode_init(&cc, "a");
    lifecycle_chaincode_approved(&cc, "Org1MSP", 7, 3);
    lifecycle_tx_commit(&cc, &d, orgs, 2, &call);
    EXPECT_OK(tx_rwset_parse(buf_bytes(&call.results), &v, &e));
    EXPECT(repeated_next(&v.namespaces, &item));
    struct repeated collections = ns_rwset_of(item).collections;
    EXPECT_EQ(collections.count, 2);
    for (int i = 0; i < 2; i++) {
        struct kv_rwset_view set;
        EXPECT(repeated_next(&collections, &item));
        EXPECT_OK(hashed_rwset_parse(collection_rwset_of(item).hashed_rwset, &set, &e));
        EXPECT_EQ(set.reads.count, 4);
        while (repeated_next(&set.reads, &item))
            EXPECT_EQ(kv_read_of(item).version.is_set, i == 0);
    }
}

/* Everything but the signatures, which are never the same twice. */
TEST(a_transaction_around_the_same_results_is_the_same)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(signing_identity_free) struct signing_identity *admin = NULL;
    WEFT_CLEANUP(endorsed_tx_done) struct endorsed_tx made = { 0 };
    WEFT_FREE char *msp = weft_strdup(weft_test_fixture(
        "crypto/peerOrganizations/org1.example.com/users/Admin@org1.example.com/msp"));
    struct tx t;
    open_tx(&t, 5);
    EXPECT_OK(signing_identity_load(msp, "Org1MSP", &admin, &e));
    const struct endorsed_tx_plan plan = {
        .channel = "mychannel",
        .chaincode = LIFECYCLE_CHAINCODE,
        .version = LIFECYCLE_VERSION,
        .args = t.args,
        .arg_count = LIFECYCLE_ARGS,
        .results = t.called.results,
        .now_ns = t.h.channel.timestamp_s * 1000000000 + t.h.channel.timestamp_ns,
        .nonce = t.h.signature.nonce,
        .client = admin,
    };
    EXPECT_OK(endorsed_tx_begin(&made, &plan, &e));
    EXPECT_BYTES(bytes_of_str(made.tx_id), t.h.channel.tx_id);
    EXPECT_BYTES(buf_bytes(&made.channel_header), t.h.payload.channel_header);
    EXPECT_BYTES(buf_bytes(&made.signature_header), t.h.payload.signature_header);
    EXPECT_BYTES(buf_bytes(&made.proposal), t.payload.chaincode_proposal_payload);
    EXPECT_BYTES(buf_bytes(&made.response), t.payload.proposal_response_payload);

    WEFT_CLEANUP(buf_done) struct buf whole = { 0 };
    struct bytes item = { 0 };
    while (repeated_next(&t.payload.endorsements, &item)) {
        struct endorsement by = endorsement_of(item);
        endorsed_tx_put_endorsement(&made, by.endorser, by.signature);
    }
    endorsed_tx_transaction(&made, &whole);
    EXPECT_BYTES(buf_bytes(&whole), t.h.payload.data);
    close_tx(&t);
}
