#include "channel/config_envelope.h"

#include "proto/block.h"
#include "proto/wire.h"
#include "weft_test.h"

/* Envelope { 1 payload = Payload { 1 Header { 1 ChannelHeader { 1 type } }, 2 data } } */
static void put_envelope(struct buf *out, uint64_t type, struct bytes data)
{
    WEFT_CLEANUP(buf_done) struct buf channel = { 0 };
    WEFT_CLEANUP(buf_done) struct buf header = { 0 };
    WEFT_CLEANUP(buf_done) struct buf payload = { 0 };
    wire_put_varint(&channel, 1, type);
    wire_put_bytes(&header, 1, buf_bytes(&channel));
    wire_put_bytes(&payload, 1, buf_bytes(&header));
    wire_put_bytes(&payload, 2, data);
    wire_put_bytes(out, 1, buf_bytes(&payload));
}

TEST(a_configuration_and_the_update_that_led_to_it_are_borrowed)
{
    static const char wire[] =
        "\x0a\x08\x08\x05\x12\x04" /* config { 1 sequence, 2 channel_group } */
        "tree\x12\x03\x0a\x01p";   /* last_update, an Envelope */
    struct weft_err e = { 0 };
    struct config_envelope_view v = { 0 };
    EXPECT_OK(config_envelope_parse(bytes_of(wire, sizeof(wire) - 1), &v, &e));
    EXPECT(v.has_config);
    EXPECT_EQ(v.sequence, 5);
    EXPECT_BYTES(v.channel_group, bytes_of_str("tree"));
    EXPECT_EQ(v.last_update.len, 3);
}

TEST(what_is_cut_off_or_comes_twice_is_refused)
{
    static const char wire[] = "\x0a\x08\x08\x05\x12\x04tree";
    struct weft_err e = { 0 };
    struct config_envelope_view v = { 0 };
    WEFT_CLEANUP(buf_done) struct buf twice = { 0 };
    for (size_t n = 1; n < sizeof(wire) - 1; n++)
        EXPECT_CODE(config_envelope_parse(bytes_of(wire, n), &v, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "error unmarshalling ConfigEnvelope");
    buf_put(&twice, bytes_of(wire, sizeof(wire) - 1));
    buf_put(&twice, bytes_of(wire, sizeof(wire) - 1));
    EXPECT_CODE(config_envelope_parse(buf_bytes(&twice), &v, &e), WEFT_INVALID);
    EXPECT(!v.has_config); /* as it was */
}

TEST(an_updates_signatures_come_one_after_the_other)
{
    static const char data[] =
        "\x0a\x01u"                  /* config_update */
        "\x12\x06\x0a\x01h\x12\x01s" /* signatures { 1 header, 2 signature } */
        "\x12\x03\x12\x01t";
    struct weft_err e = { 0 };
    struct config_update_envelope_view v = { 0 };
    struct config_signature_view s = { 0 };
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    put_envelope(&b, 2, bytes_of(data, sizeof(data) - 1));
    EXPECT_OK(config_update_envelope_parse(buf_bytes(&b), &v, &e));
    EXPECT_BYTES(v.config_update, bytes_of_str("u"));
    EXPECT(config_signature_next(&v, &s));
    EXPECT_BYTES(s.header, bytes_of_str("h"));
    EXPECT_BYTES(s.signature, bytes_of_str("s"));
    EXPECT(config_signature_next(&v, &s));
    EXPECT_EQ(s.header.len, 0);
    EXPECT_BYTES(s.signature, bytes_of_str("t"));
    EXPECT(!config_signature_next(&v, &s));
}

TEST(an_envelope_of_another_type_is_no_update)
{
    static const struct {
        uint64_t type;
        const char *words;
    } rows[] = { { 1, "invalid type CONFIG, expected CONFIG_UPDATE" },
                 { 3, "invalid type ENDORSER_TRANSACTION, expected CONFIG_UPDATE" },
                 { 77, "invalid type 77, expected CONFIG_UPDATE" } };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(rows); i++) {
        struct weft_err e = { 0 };
        struct config_update_envelope_view v = { 0 };
        WEFT_CLEANUP(buf_done) struct buf b = { 0 };
        put_envelope(&b, rows[i].type, bytes_of_str(""));
        EXPECT_CODE(config_update_envelope_parse(buf_bytes(&b), &v, &e), WEFT_INVALID);
        EXPECT_STR(e.msg, rows[i].words);
    }
}
