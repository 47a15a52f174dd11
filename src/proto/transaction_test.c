#include "proto/transaction.h"

#include "proto/block.h"
#include "proto/envelope.h"
#include "weft_test.h"

static struct buf field(uint32_t number, struct bytes content)
{
    struct buf b = { 0 };
    wire_put_bytes(&b, number, content);
    return b;
}

/* The message that has `inner` in field `number`; gives up `inner`. */
static struct buf message(uint32_t number, struct buf inner)
{
    struct buf b = field(number, buf_bytes(&inner));
    buf_done(&inner);
    return b;
}

static struct buf text(uint32_t number, const char *s)
{
    return field(number, bytes_of_str(s));
}

static struct buf both(struct buf a, struct buf b)
{
    buf_put(&a, buf_bytes(&b));
    buf_done(&b);
    return a;
}

static struct buf endorsement(const char *endorser)
{
    return message(2, both(text(1, endorser), text(2, "signature")));
}

TEST(goes_over_the_actions_of_a_transaction)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(buf_done)
    struct buf b = both(message(1, both(text(1, "h1"), text(2, "p1"))), message(1, text(2, "p2")));
    struct transaction_view tx;
    struct bytes item = { 0 };
    EXPECT_OK(transaction_parse(buf_bytes(&b), &tx, &e));
    EXPECT_EQ(tx.actions.count, 2);
    EXPECT(repeated_next(&tx.actions, &item));
    EXPECT_BYTES(transaction_action_of(item).header, bytes_of_str("h1"));
    EXPECT_BYTES(transaction_action_of(item).payload, bytes_of_str("p1"));
    EXPECT(repeated_next(&tx.actions, &item));
    EXPECT(transaction_action_of(item).header.data == NULL);
    EXPECT(!repeated_next(&tx.actions, &item));
}

TEST(reads_the_endorsed_action)
{
    struct weft_err e = { 0 };
    struct buf action = both(text(1, "response"), both(endorsement("a"), endorsement("b")));
    WEFT_CLEANUP(buf_done) struct buf b = both(text(1, "proposal"), message(2, action));
    struct chaincode_action_payload p;
    struct bytes item = { 0 };
    EXPECT_OK(chaincode_action_payload_parse(buf_bytes(&b), &p, &e));
    EXPECT_BYTES(p.chaincode_proposal_payload, bytes_of_str("proposal"));
    EXPECT(p.has_action);
    EXPECT_BYTES(p.proposal_response_payload, bytes_of_str("response"));
    EXPECT_EQ(p.endorsements.count, 2);
    EXPECT(repeated_next(&p.endorsements, &item));
    EXPECT_BYTES(endorsement_of(item).endorser, bytes_of_str("a"));
    EXPECT_BYTES(endorsement_of(item).signature, bytes_of_str("signature"));
}

/* To protobuf they are one: a peer that saw only the last would find fewer
 * endorsements than the others do. */
TEST(counts_the_endorsements_of_an_action_that_came_in_parts)
{
    struct weft_err e = { 0 };
    struct buf first = message(2, both(text(1, "response"), endorsement("a")));
    struct buf rest = both(message(2, (struct buf){ 0 }), message(2, endorsement("b")));
    WEFT_CLEANUP(buf_done) struct buf b = both(first, rest);
    struct chaincode_action_payload p;
    struct bytes item = { 0 };
    EXPECT_OK(chaincode_action_payload_parse(buf_bytes(&b), &p, &e));
    EXPECT_BYTES(p.proposal_response_payload, bytes_of_str("response"));
    EXPECT_EQ(p.endorsements.count, 2);
    EXPECT(repeated_next(&p.endorsements, &item) && repeated_next(&p.endorsements, &item));
    EXPECT_BYTES(endorsement_of(item).endorser, bytes_of_str("b"));
    EXPECT(!repeated_next(&p.endorsements, &item));
}

TEST(reads_a_chaincode_action)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(buf_done) struct buf response = { 0 };
    wire_put_varint(&response, 1, 500);
    wire_put_bytes(&response, 2, bytes_of_str("went wrong"));
    wire_put_bytes(&response, 3, bytes_of_str("payload"));
    struct buf id = both(text(2, "asset"), text(3, "1.0"));
    WEFT_CLEANUP(buf_done)
    struct buf b = both(both(text(1, "results"), text(2, "events")),
                        both(field(3, buf_bytes(&response)), message(4, id)));
    struct chaincode_action a;
    EXPECT_OK(chaincode_action_parse(buf_bytes(&b), &a, &e));
    EXPECT_BYTES(a.results, bytes_of_str("results"));
    EXPECT_BYTES(a.events, bytes_of_str("events"));
    EXPECT(a.has_response && a.has_chaincode_id);
    EXPECT_EQ(a.status, 500);
    EXPECT_BYTES(a.message, bytes_of_str("went wrong"));
    EXPECT_BYTES(a.payload, bytes_of_str("payload"));
    EXPECT_BYTES(a.chaincode_id.name, bytes_of_str("asset"));
    EXPECT_BYTES(a.chaincode_id.version, bytes_of_str("1.0"));

    EXPECT_OK(chaincode_action_parse((struct bytes){ 0 }, &a, &e));
    EXPECT(!a.has_response && !a.has_chaincode_id && a.results.data == NULL);
}

TEST(reads_the_chaincode_in_a_header_extension)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(buf_done) struct buf b = message(2, text(2, "asset"));
    struct chaincode_header_extension x;
    EXPECT_OK(chaincode_header_extension_parse(buf_bytes(&b), &x, &e));
    EXPECT(x.has_chaincode_id);
    EXPECT_BYTES(x.chaincode_id.name, bytes_of_str("asset"));
    EXPECT_OK(chaincode_header_extension_parse((struct bytes){ 0 }, &x, &e));
    EXPECT(!x.has_chaincode_id);
}

TEST(reads_a_chaincode_event)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(buf_done)
    struct buf b = both(both(text(1, "asset"), text(2, "id")), both(text(3, "ev"), text(4, "p")));
    struct chaincode_event v;
    EXPECT_OK(chaincode_event_parse(buf_bytes(&b), &v, &e));
    EXPECT_BYTES(v.chaincode_id, bytes_of_str("asset"));
    EXPECT_BYTES(v.tx_id, bytes_of_str("id"));
    EXPECT_BYTES(v.event_name, bytes_of_str("ev"));
    EXPECT_BYTES(v.payload, bytes_of_str("p"));
}

TEST(refuses_each_layer_when_it_is_broken)
{
    struct weft_err e = { 0 };
    struct bytes cut = bytes_of_str("\x0a\x7f");
    struct bytes cut_inside = bytes_of_str("\x12\x02\x0a\x7f");
    struct transaction_view tx;
    struct chaincode_action_payload payload;
    struct proposal_response_payload response;
    struct chaincode_action action;
    struct chaincode_event event;
    EXPECT_CODE(transaction_parse(cut, &tx, &e), WEFT_INVALID);
    EXPECT_CODE(chaincode_action_payload_parse(cut_inside, &payload, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "protos.ChaincodeEndorsedAction");
    EXPECT_CODE(proposal_response_payload_parse(cut, &response, &e), WEFT_INVALID);
    EXPECT_CODE(chaincode_action_parse(cut, &action, &e), WEFT_INVALID);
    EXPECT_CODE(chaincode_event_parse(bytes_of_str("\x0a\x01\xff"), &event, &e), WEFT_INVALID);
}

/* ---- all the way down -------------------------------------------------------- */

static void expect_refused(struct buf tx, const char *why)
{
    struct weft_err e = { 0 };
    struct chaincode_action a;
    EXPECT_CODE(transaction_chaincode_action(buf_bytes(&tx), &a, &e), WEFT_INVALID);
    EXPECT_WORDS(e, why);
    buf_done(&tx);
}

/* A transaction with this content of the action's payload. */
static struct buf tx_with(struct buf payload)
{
    return message(1, message(2, payload));
}

TEST(finds_the_chaincode_action_of_a_transaction)
{
    struct weft_err e = { 0 };
    struct chaincode_action a;
    WEFT_CLEANUP(buf_done)
    struct buf b = tx_with(message(2, message(1, message(2, text(2, "events")))));
    EXPECT_OK(transaction_chaincode_action(buf_bytes(&b), &a, &e));
    EXPECT_BYTES(a.events, bytes_of_str("events"));
}

TEST(says_what_a_transaction_lacks)
{
    expect_refused((struct buf){ 0 }, "at least one TransactionAction required");
    expect_refused(message(1, (struct buf){ 0 }), "no payload in ChaincodeActionPayload");
    expect_refused(tx_with(message(2, text(2, ""))), "no payload in ChaincodeActionPayload");
    expect_refused(tx_with(message(2, text(1, ""))), "response payload is missing extension");
}

TEST(reads_the_transactions_of_a_real_block)
{
    struct weft_err e = { 0 };
    struct buf wire = weft_test_read(weft_test_fixture("ledger-small/blocks/12.block"));
    WEFT_CLEANUP(block_view_done) struct block_view v = { 0 };
    EXPECT_OK(block_view_parse(&v, buf_bytes(&wire), &e));
    EXPECT(v.txs.count > 0);
    for (size_t i = 0; i < v.txs.count; i++) {
        struct envelope_headers h;
        struct chaincode_action a;
        EXPECT_OK(envelope_headers_parse(v.txs.at[i], &h, &e));
        EXPECT_OK(transaction_chaincode_action(h.payload.data, &a, &e));
        EXPECT_EQ(a.status, 200);
        EXPECT_BYTES(a.chaincode_id.name, bytes_of_str("asset"));
    }
    buf_done(&wire);
}
