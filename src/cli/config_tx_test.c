/* Updates are checked in the original's order and signed twice: on the update,
 * and on the envelope around it.  Whether an orderer takes them is asked in
 * tests/system/test_peer_cli.py. */
#include "cli/config_tx.h"

#include "channel/config_envelope.h"
#include "msp/signing_identity.h"
#include "proto/envelope.h"
#include "proto/wire.h"
#include "weft_test.h"

#define NOW_NS INT64_C(1600000000123456789)

static struct signing_identity *admin(void)
{
    struct signing_identity *me = NULL;
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = weft_strdup(weft_test_fixture(
        "crypto/peerOrganizations/org1.example.com/users/Admin@org1.example.com/msp"));
    EXPECT_OK(signing_identity_load(dir, "Org1MSP", &me, &e));
    return me;
}

/* An Envelope with a channel header and some data. */
static struct buf envelope_of(int type, const char *channel, struct bytes content)
{
    WEFT_CLEANUP(buf_done) struct buf channel_header = { 0 };
    WEFT_CLEANUP(buf_done) struct buf header = { 0 };
    WEFT_CLEANUP(buf_done) struct buf payload = { 0 };
    struct buf out = { 0 };
    wire_put_varint(&channel_header, 1, (uint64_t)type);
    wire_put_bytes(&channel_header, 4, bytes_of_str(channel));
    wire_put_bytes(&header, 1, buf_bytes(&channel_header));
    wire_put_bytes(&payload, 1, buf_bytes(&header));
    wire_put_bytes(&payload, 2, content);
    wire_put_bytes(&out, 1, buf_bytes(&payload));
    return out;
}

static size_t signatures_of(struct bytes envelope)
{
    struct config_update_envelope_view u;
    struct config_signature_view s;
    struct weft_err e = { 0 };
    size_t n = 0;
    EXPECT_OK(config_update_envelope_parse(envelope, &u, &e));
    while (config_signature_next(&u, &s))
        n++;
    return n;
}

TEST(each_signer_adds_a_signature_and_the_update_stays)
{
    WEFT_CLEANUP(signing_identity_free) struct signing_identity *me = admin();
    WEFT_CLEANUP(buf_done)
    struct buf tx = weft_test_read(weft_test_fixture("genesis/mychannel.tx"));
    WEFT_CLEANUP(buf_done) struct buf once = { 0 };
    WEFT_CLEANUP(buf_done) struct buf twice = { 0 };
    struct config_update_envelope_view before, after;
    struct envelope_headers h;
    struct weft_err e = { 0 };
    EXPECT_OK(config_tx_sign(me, buf_bytes(&tx), "mychannel", NOW_NS, &once, &e));
    EXPECT_OK(config_tx_sign(me, buf_bytes(&once), NULL, NOW_NS, &twice, &e));
    EXPECT_EQ(signatures_of(buf_bytes(&tx)), 0);
    EXPECT_EQ(signatures_of(buf_bytes(&once)), 1);
    EXPECT_EQ(signatures_of(buf_bytes(&twice)), 2);
    EXPECT_OK(config_update_envelope_parse(buf_bytes(&tx), &before, &e));
    EXPECT_OK(config_update_envelope_parse(buf_bytes(&twice), &after, &e));
    EXPECT_BYTES(after.config_update, before.config_update);
    EXPECT_OK(envelope_headers_parse(buf_bytes(&twice), &h, &e));
    EXPECT_EQ(h.channel.type, HEADER_CONFIG_UPDATE);
    EXPECT_BYTES(h.channel.channel_id, bytes_of_str("mychannel"));
    EXPECT_EQ(h.channel.timestamp_s, 1600000000);
    EXPECT_BYTES(h.signature.creator, signing_identity_bytes(me));
}

static void refuses(struct signing_identity *me, struct bytes tx, const char *channel,
                    const char *words)
{
    WEFT_CLEANUP(buf_done) struct buf out = { 0 };
    struct weft_err e = { 0 };
    EXPECT(config_tx_sign(me, tx, channel, NOW_NS, &out, &e) != WEFT_OK);
    EXPECT_STR(e.msg, words);
    EXPECT_EQ(out.len, 0);
}

TEST(says_what_is_no_update)
{
    WEFT_CLEANUP(signing_identity_free) struct signing_identity *me = admin();
    WEFT_CLEANUP(buf_done) struct buf message = envelope_of(3, "mychannel", bytes_of_str(""));
    WEFT_CLEANUP(buf_done) struct buf nameless = envelope_of(2, "", bytes_of_str(""));
    WEFT_CLEANUP(buf_done) struct buf other = envelope_of(2, "foo", bytes_of_str(""));
    WEFT_CLEANUP(buf_done) struct buf broken = envelope_of(2, "foo", bytes_of_str("\x0a\x05"));
#define INVALID "Invalid channel create transaction : "
    refuses(me, bytes_of_str("\x0a"), "foo", "error unmarshaling Envelope");
    refuses(me, bytes_of_str("\x0a\x01\x0a"), "foo", INVALID "bad payload");
    refuses(me, bytes_of_str(""), "foo", INVALID "bad header");
    refuses(me, buf_bytes(&message), "mychannel", INVALID "bad type");
    refuses(me, buf_bytes(&nameless), "foo", INVALID "empty channel id");
    refuses(me, buf_bytes(&other), "bar", INVALID "mismatched channel ID foo != bar");
    refuses(me, buf_bytes(&broken), "foo", INVALID "Bad config update env");
}

TEST(a_missing_file_is_named)
{
    WEFT_CLEANUP(buf_done) struct buf out = { 0 };
    struct weft_err e = { 0 };
    EXPECT_CODE(config_tx_read("/no/such.tx", &out, &e), WEFT_NOT_FOUND);
    EXPECT_STR(e.msg, "channel create configuration tx file not found open /no/such.tx: no such "
                      "file or directory");
}
