#include "txmaker/endorsed_tx.h"

#include "weft_test.h"

#include "crypto/ecdsa.h"
#include "crypto/x509.h"
#include "proto/identity.h"
#include "proto/transaction.h"
#include "test_channel.h"

static bool is_signed(struct bytes identity, struct bytes message, struct bytes signature)
{
    struct weft_err e = { 0 };
    struct serialized_identity id = { 0 };
    struct ecdsa_signature sig;
    WEFT_CLEANUP(x509_cert_unref) struct x509_cert *cert = NULL;
    struct digest d = sha256_of(message);
    EXPECT_OK(serialized_identity_parse(identity, &id, &e));
    EXPECT_OK(x509_cert_parse_pem(id.id_bytes, &cert, &e));
    EXPECT_OK(ecdsa_signature_parse(signature, &sig, &e));
    return ecdsa_verify_plain(cert->key, digest_bytes(&d), &sig);
}

struct world {
    struct test_channel *channel;
    struct signing_identity *client, *peers[2];
    struct endorsed_tx_plan plan;
};

static void world_init(struct world *w)
{
    static const struct bytes args[] = { { (const uint8_t *)"put", 3 } };
    w->channel = test_channel_new();
    w->client = test_signing_identity(w->channel, "Org1MSP", false);
    w->peers[0] = test_signing_identity(w->channel, "Org1MSP", true);
    w->peers[1] = test_signing_identity(w->channel, "Org2MSP", true);
    w->plan = (struct endorsed_tx_plan){
        .channel = "ch",
        .chaincode = "asset",
        .version = "1.0",
        .chaincode_type = CHAINCODE_TYPE_GOLANG,
        .args = args,
        .arg_count = 1,
        .results = bytes_of_str("results"),
        .now_ns = 1700000000000000001,
        .client = w->client,
        .endorsers = (const struct signing_identity *const *)w->peers,
        .endorser_count = 2,
    };
}

static void world_done(struct world *w)
{
    signing_identity_free(w->client);
    signing_identity_free(w->peers[0]);
    signing_identity_free(w->peers[1]);
    test_channel_free(w->channel);
}

/* What validation looks at before it looks at the state. */
TEST(ids_hashes_and_signatures_are_right)
{
    struct weft_err e = { 0 };
    struct world w;
    WEFT_CLEANUP(buf_done) struct buf envelope = { 0 };
    struct envelope_headers h;
    struct transaction_view tx;
    struct chaincode_action_payload p;
    struct proposal_response_payload r;
    struct bytes item = { 0 };
    char tx_id[TX_ID_LEN + 1], computed[TX_ID_LEN + 1];
    world_init(&w);
    EXPECT_OK(endorsed_tx_make(&w.plan, &envelope, tx_id, &e));

    EXPECT_OK(envelope_headers_parse(buf_bytes(&envelope), &h, &e));
    EXPECT(is_signed(h.signature.creator, h.envelope.payload, h.envelope.signature));
    EXPECT_EQ(h.channel.type, HEADER_ENDORSER_TRANSACTION);
    EXPECT_BYTES(h.channel.channel_id, bytes_of_str("ch"));
    EXPECT_EQ(h.channel.timestamp_ns, 1);
    tx_id_compute(h.signature.nonce, h.signature.creator, computed);
    EXPECT_STR(computed, tx_id);
    EXPECT_BYTES(h.channel.tx_id, bytes_of_str(tx_id));

    EXPECT_OK(transaction_parse(h.payload.data, &tx, &e));
    EXPECT(repeated_next(&tx.actions, &item));
    EXPECT_BYTES(transaction_action_of(item).header, h.payload.signature_header);
    EXPECT_OK(chaincode_action_payload_parse(transaction_action_of(item).payload, &p, &e));
    EXPECT_OK(proposal_response_payload_parse(p.proposal_response_payload, &r, &e));
    WEFT_CLEANUP(buf_done) struct buf hashed = { 0 };
    buf_put(&hashed, h.payload.channel_header);
    buf_put(&hashed, h.payload.signature_header);
    buf_put(&hashed, p.chaincode_proposal_payload);
    struct digest hash = sha256_of(buf_bytes(&hashed));
    EXPECT_BYTES(r.proposal_hash, digest_bytes(&hash));

    EXPECT_EQ(p.endorsements.count, 2);
    while (repeated_next(&p.endorsements, &item)) {
        struct endorsement by = endorsement_of(item);
        WEFT_CLEANUP(buf_done) struct buf text = { 0 };
        buf_put(&text, p.proposal_response_payload);
        buf_put(&text, by.endorser);
        EXPECT(is_signed(by.endorser, buf_bytes(&text), by.signature));
    }
    world_done(&w);
}

TEST(a_given_nonce_makes_the_same_transaction_again)
{
    struct weft_err e = { 0 };
    struct world w;
    WEFT_CLEANUP(buf_done) struct buf out = { 0 };
    char first[TX_ID_LEN + 1], second[TX_ID_LEN + 1], other[TX_ID_LEN + 1];
    world_init(&w);
    EXPECT_OK(endorsed_tx_make(&w.plan, &out, other, &e));
    w.plan.nonce = bytes_of_str("a nonce of 24 characters");
    EXPECT_OK(endorsed_tx_make(&w.plan, &out, first, &e));
    EXPECT_OK(endorsed_tx_make(&w.plan, &out, second, &e));
    EXPECT_STR(first, second);
    EXPECT(strcmp(first, other) != 0);
    world_done(&w);
}

TEST(what_is_changed_after_it_was_endorsed_is_not_endorsed)
{
    struct weft_err e = { 0 };
    struct world w;
    WEFT_CLEANUP(endorsed_tx_done) struct endorsed_tx t = { 0 };
    struct bytes item = { 0 };
    world_init(&w);
    EXPECT_OK(endorsed_tx_begin(&t, &w.plan, &e));
    EXPECT_OK(endorsed_tx_endorse(&t, w.peers[0], &e));
    struct repeated r = repeated_of(buf_bytes(&t.endorsements), 2);
    EXPECT(repeated_next(&r, &item));
    struct endorsement by = endorsement_of(item);
    WEFT_CLEANUP(buf_done) struct buf text = { 0 };
    t.response.data[t.response.len - 1] ^= 1;
    buf_put(&text, buf_bytes(&t.response));
    buf_put(&text, by.endorser);
    EXPECT(!is_signed(by.endorser, buf_bytes(&text), by.signature));
    world_done(&w);
}

/* For tools that have identities in memory. */
TEST(a_key_has_to_be_its_certificates)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(test_channel_free) struct test_channel *c = test_channel_new();
    WEFT_CLEANUP(buf_done) struct buf key = { 0 };
    struct signing_identity *id = NULL;
    made_cert_key(test_channel_org(c, "Org2MSP")->admin, &key);
    EXPECT_CODE(signing_identity_of("Org1MSP", made_cert_pem(test_channel_org(c, "Org1MSP")->admin),
                                    buf_bytes(&key), &id, &e),
                WEFT_INVALID);
    EXPECT_WORDS(e, "the private key is not the one of");
    EXPECT(id == NULL);
}
