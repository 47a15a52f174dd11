#include "net/grpc_meta.h"

#include "weft_test.h"

TEST(keeps_what_was_added_in_order)
{
    WEFT_CLEANUP(grpc_meta_done) struct grpc_meta m = { 0 };
    struct bytes v;
    grpc_meta_add(&m, bytes_of_str("a"), bytes_of_str("1"));
    grpc_meta_add(&m, bytes_of_str("b"), bytes_of_str(""));
    grpc_meta_add(&m, bytes_of_str("a"), bytes_of_str("2"));
    char all[16] = "";
    for (struct grpc_meta_item i = { 0 }; grpc_meta_next(&m, &i);) {
        strncat(all, (const char *)i.name.data, i.name.len);
        strncat(all, (const char *)i.value.data, i.value.len);
    }
    EXPECT_STR(all, "a1ba2");
    EXPECT(grpc_meta_get(&m, "a", &v));
    EXPECT_BYTES(v, bytes_of_str("1"));
    EXPECT(!grpc_meta_get(&m, "c", &v));
}

TEST(binary_values_are_base64_on_the_wire_and_raw_here)
{
    uint8_t raw[40];
    for (size_t i = 0; i < sizeof(raw); i++)
        raw[i] = (uint8_t)(i * 37);
    for (size_t n = 0; n <= sizeof(raw); n++) {
        WEFT_CLEANUP(grpc_meta_done) struct grpc_meta m = { 0 };
        WEFT_CLEANUP(buf_done) struct buf wire = { 0 };
        struct bytes back;
        grpc_meta_encode_value(bytes_of_str("x-bin"), bytes_of(raw, n), &wire);
        EXPECT(grpc_meta_add_wire(&m, bytes_of_str("x-bin"), buf_bytes(&wire)));
        EXPECT(grpc_meta_get(&m, "x-bin", &back));
        EXPECT_BYTES(back, bytes_of(raw, n));
    }
}

TEST(takes_base64_with_padding_and_refuses_what_is_none)
{
    WEFT_CLEANUP(grpc_meta_done) struct grpc_meta m = { 0 };
    struct bytes name = bytes_of_str("x-bin"), v;
    EXPECT(grpc_meta_add_wire(&m, name, bytes_of_str("AAH/")));
    EXPECT(grpc_meta_add_wire(&m, name, bytes_of_str("AA==")));
    EXPECT(!grpc_meta_add_wire(&m, name, bytes_of_str("A")));
    EXPECT(!grpc_meta_add_wire(&m, name, bytes_of_str("A===")));
    EXPECT(!grpc_meta_add_wire(&m, name, bytes_of_str("AA*=")));
    EXPECT(grpc_meta_get(&m, "x-bin", &v));
    EXPECT_BYTES(v, bytes_of("\x00\x01\xff", 3));
    EXPECT_EQ(m.count, 2);
}

TEST(knows_which_names_a_caller_may_use)
{
    EXPECT(grpc_meta_name_is_valid(bytes_of_str("x-trace.id_0-bin")));
    EXPECT(!grpc_meta_name_is_valid(bytes_of_str("")));
    EXPECT(!grpc_meta_name_is_valid(bytes_of_str("X-Upper")));
    EXPECT(!grpc_meta_name_is_valid(bytes_of_str("a b")));
    EXPECT(!grpc_meta_name_is_valid(bytes_of_str(":path")));
    EXPECT(!grpc_meta_name_is_valid(bytes_of_str("grpc-status")));
    EXPECT(!grpc_meta_name_is_valid(bytes_of_str("te")));
}

static void expect_message(const char *text, const char *wire)
{
    WEFT_CLEANUP(buf_done) struct buf out = { 0 };
    WEFT_CLEANUP(buf_done) struct buf back = { 0 };
    grpc_message_encode(text, &out);
    EXPECT_BYTES(buf_bytes(&out), bytes_of_str(wire));
    grpc_message_decode(buf_bytes(&out), &back);
    EXPECT_BYTES(buf_bytes(&back), bytes_of_str(text));
}

TEST(percent_codes_status_messages)
{
    expect_message("plain text, {json: 1}", "plain text, {json: 1}");
    expect_message("100 %\n\xc3\xa9", "100 %25%0A%C3%A9");
    expect_message("", "");
}

TEST(takes_broken_percent_codes_as_they_stand)
{
    WEFT_CLEANUP(buf_done) struct buf out = { 0 };
    grpc_message_decode(bytes_of_str("a%zz%4%41%"), &out);
    EXPECT_BYTES(buf_bytes(&out), bytes_of_str("a%zz%4A%"));
}

TEST(reads_time_outs_in_every_unit_and_rounds_up)
{
    static const struct {
        const char *text;
        uint64_t ms;
    } good[] = { { "2H", 7200000 }, { "3M", 180000 }, { "4S", 4000 },
                 { "5m", 5 },       { "6u", 1 },      { "99999999n", 100 } };
    static const char *const bad[] = { "", "S", "1", "-1S", "1s", "123456789S", "1 S" };
    uint64_t ms = 0;
    for (size_t i = 0; i < WEFT_ARRAY_LEN(good); i++) {
        EXPECT(grpc_timeout_parse(bytes_of_str(good[i].text), &ms));
        EXPECT_EQ(ms, good[i].ms);
    }
    for (size_t i = 0; i < WEFT_ARRAY_LEN(bad); i++)
        EXPECT(!grpc_timeout_parse(bytes_of_str(bad[i]), &ms));
}

TEST(writes_time_outs_that_it_reads)
{
    static const uint64_t some[] = { 0, 1, 99999999, 100000000, 99999999000 };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(some); i++) {
        char text[16];
        uint64_t back = 1;
        grpc_timeout_print(some[i], text);
        EXPECT(grpc_timeout_parse(bytes_of_str(text), &back));
        EXPECT_EQ(back, some[i]);
    }
}
