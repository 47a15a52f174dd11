#include "proto/envelope.h"

#include "proto/wire.h"
#include "weft_test.h"

/* The layers, to be changed one by one. */
struct layers {
    struct buf channel, signer, header, payload, envelope;
};

static void layers_done(struct layers *l)
{
    buf_done(&l->channel);
    buf_done(&l->signer);
    buf_done(&l->header);
    buf_done(&l->payload);
    buf_done(&l->envelope);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct layers, layers_done)

static void wrap(struct layers *l)
{
    buf_clear(&l->header);
    buf_clear(&l->payload);
    buf_clear(&l->envelope);
    wire_put_bytes(&l->header, 1, buf_bytes(&l->channel));
    wire_put_bytes(&l->header, 2, buf_bytes(&l->signer));
    wire_put_bytes(&l->payload, 1, buf_bytes(&l->header));
    wire_put_bytes(&l->payload, 2, bytes_of_str("data"));
    wire_put_bytes(&l->envelope, 1, buf_bytes(&l->payload));
    wire_put_bytes(&l->envelope, 2, bytes_of_str("signature"));
}

static void make(struct layers *l, const char *tx_id)
{
    *l = (struct layers){ 0 };
    struct buf time = { 0 };
    wire_put_varint(&time, 1, 1600000000);
    wire_put_varint(&time, 2, 999999999);
    wire_put_varint(&l->channel, 1, HEADER_ENDORSER_TRANSACTION);
    wire_put_varint(&l->channel, 2, 1);
    wire_put_bytes(&l->channel, 3, buf_bytes(&time));
    wire_put_bytes(&l->channel, 4, bytes_of_str("mychannel"));
    if (tx_id != NULL)
        wire_put_bytes(&l->channel, 5, bytes_of_str(tx_id));
    wire_put_varint(&l->channel, 6, 7);
    wire_put_bytes(&l->channel, 7, bytes_of_str("extension"));
    wire_put_bytes(&l->channel, 8, bytes_of_str("hash"));
    wire_put_bytes(&l->signer, 1, bytes_of_str("creator"));
    wire_put_bytes(&l->signer, 2, bytes_of_str("nonce"));
    buf_done(&time);
    wrap(l);
}

TEST(every_layer_is_read)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(layers_done) struct layers l;
    struct envelope_headers h;
    make(&l, "id");
    EXPECT_OK(envelope_headers_parse(buf_bytes(&l.envelope), &h, &e));
    EXPECT_BYTES(h.envelope.signature, bytes_of_str("signature"));
    EXPECT_BYTES(h.payload.data, bytes_of_str("data"));
    EXPECT_EQ(h.channel.type, HEADER_ENDORSER_TRANSACTION);
    EXPECT_EQ(h.channel.version, 1);
    EXPECT(h.channel.has_timestamp);
    EXPECT_EQ(h.channel.timestamp_s, 1600000000);
    EXPECT_EQ(h.channel.timestamp_ns, 999999999);
    EXPECT_BYTES(h.channel.channel_id, bytes_of_str("mychannel"));
    EXPECT_BYTES(h.channel.tx_id, bytes_of_str("id"));
    EXPECT_EQ(h.channel.epoch, 7);
    EXPECT_BYTES(h.channel.extension, bytes_of_str("extension"));
    EXPECT_BYTES(h.channel.tls_cert_hash, bytes_of_str("hash"));
    EXPECT_BYTES(h.signature.creator, bytes_of_str("creator"));
    EXPECT_BYTES(h.signature.nonce, bytes_of_str("nonce"));
}

/* spec 20, 18.3 */
TEST(an_id_is_the_hash_of_nonce_and_creator)
{
    char id[TX_ID_LEN + 1];
    tx_id_compute(bytes_of_str("nonce"), bytes_of_str("creator"), id);
    EXPECT_STR(id, "709184f9d24f6ade8fcd4d6521a6eef295fef6c2e67216c58b68ac15e8946492");
}

TEST(an_envelopes_id_is_the_headers_or_else_the_computed_one)
{
    struct weft_err e = { 0 };
    char room[TX_ID_LEN + 1];
    struct bytes id;
    WEFT_CLEANUP(layers_done) struct layers with;
    WEFT_CLEANUP(layers_done) struct layers without;
    make(&with, "anything");
    EXPECT_OK(envelope_tx_id(buf_bytes(&with.envelope), room, &id, &e));
    EXPECT_BYTES(id, bytes_of_str("anything"));
    make(&without, NULL);
    EXPECT_OK(envelope_tx_id(buf_bytes(&without.envelope), room, &id, &e));
    EXPECT_BYTES(id,
                 bytes_of_str("709184f9d24f6ade8fcd4d6521a6eef295fef6c2e67216c58b68ac15e8946492"));
    /* a header that is there and a signature header that is not */
    buf_clear(&without.signer);
    wrap(&without);
    EXPECT_OK(envelope_tx_id(buf_bytes(&without.envelope), room, &id, &e));
    EXPECT_BYTES(id,
                 bytes_of_str("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
}

TEST(what_go_cannot_unmarshal_is_refused_layer_by_layer)
{
    struct weft_err e = { 0 };
    char room[TX_ID_LEN + 1];
    struct bytes id, bad = bytes_of("\x0a\x05x", 3);
    struct envelope_headers h;
    WEFT_CLEANUP(layers_done) struct layers l;
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    EXPECT_CODE(envelope_headers_parse(bad, &h, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "error unmarshalling Envelope");
    wire_put_bytes(&b, 1, bad);
    EXPECT_CODE(envelope_headers_parse(buf_bytes(&b), &h, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "error unmarshalling Payload");

    make(&l, "id");
    buf_put(&l.channel, bytes_of("\x2a\x02\xff\xfe", 4)); /* tx_id again, no UTF-8 */
    wrap(&l);
    EXPECT_CODE(envelope_headers_parse(buf_bytes(&l.envelope), &h, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "error unmarshalling ChannelHeader");
    EXPECT_CODE(envelope_tx_id(buf_bytes(&l.envelope), room, &id, &e), WEFT_INVALID);
    l.channel.len -= 4;
    buf_put(&l.signer, bad);
    wrap(&l);
    EXPECT_CODE(envelope_headers_parse(buf_bytes(&l.envelope), &h, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "error unmarshalling SignatureHeader");
    /* the id needs no signature header when the channel header has one */
    EXPECT_OK(envelope_tx_id(buf_bytes(&l.envelope), room, &id, &e));
}

TEST(a_timestamp_that_is_none_spoils_the_header)
{
    struct weft_err e = { 0 };
    struct channel_header_view v = { .type = 99 };
    EXPECT_CODE(channel_header_parse(bytes_of("\x1a\x01\x08", 3), &v, &e), WEFT_INVALID);
    EXPECT_EQ(v.type, 99); /* untouched */
    EXPECT_OK(channel_header_parse(bytes_of("\x1a\0", 2), &v, &e));
    EXPECT(v.has_timestamp);
    EXPECT_EQ(v.timestamp_s, 0);
}

TEST(a_payload_without_header_has_no_id)
{
    struct weft_err e = { 0 };
    char room[TX_ID_LEN + 1];
    struct bytes id;
    struct envelope_headers h;
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    EXPECT_CODE(envelope_tx_id(bytes_of(NULL, 0), room, &id, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "error extracting header from the payload");
    wire_put_bytes(&b, 1,
                   bytes_of("\x12\x01"
                            "d",
                            3));
    EXPECT_CODE(envelope_headers_parse(buf_bytes(&b), &h, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "no header in the payload");
}

/* Numbers that do not fit, unknown fields, a header in two parts: as Go. */
TEST(odd_but_legal_forms_are_read_as_go_reads_them)
{
    struct weft_err e = { 0 };
    struct channel_header_view v;
    struct payload_view p;
    /* type = 2^32 + 3, an unknown field, the type as bytes (unknown then) */
    EXPECT_OK(channel_header_parse(bytes_of("\x08\x83\x80\x80\x80\x10\x78\x01\x0a\0", 10), &v, &e));
    EXPECT_EQ(v.type, 3);
    /* type = -1 in ten bytes */
    EXPECT_OK(
        channel_header_parse(bytes_of("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11), &v, &e));
    EXPECT(v.type == -1);
    EXPECT_OK(payload_parse(bytes_of("\x0a\x03\x0a\x01"
                                     "c\x0a\x03\x12\x01"
                                     "s",
                                     10),
                            &p, &e));
    EXPECT_BYTES(p.channel_header, bytes_of_str("c"));
    EXPECT_BYTES(p.signature_header, bytes_of_str("s"));
}
