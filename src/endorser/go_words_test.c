#include "endorser/go_words.h"

#include "weft_test.h"

#include <common/common.pb-c.h>
#include <peer/proposal.pb-c.h>

static void expect_quoted(struct bytes text, const char *want)
{
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    go_quote(text, &b);
    EXPECT_BYTES(buf_bytes(&b), bytes_of_str(want));
}

TEST(quotes_as_strconv_does)
{
    expect_quoted(bytes_of_str("one"), "\"one\"");
    expect_quoted(bytes_of_str("a\"b\\c\n\t\x01\x7f"), "\"a\\\"b\\\\c\\n\\t\\x01\\x7f\"");
    expect_quoted(bytes_of("\0", 1), "\"\\x00\"");
    expect_quoted(bytes_of_str("\xc3\xa9\xff"), "\"\xc3\xa9\\xff\"");
}

TEST(reads_numbers_as_strconv_does)
{
    static const struct {
        const char *text, *words;
    } bad[] = {
        { "", "strconv.ParseUint: parsing \"\": invalid syntax" },
        { "-1", "strconv.ParseUint: parsing \"-1\": invalid syntax" },
        { "+1", "strconv.ParseUint: parsing \"+1\": invalid syntax" },
        { "1_0", "strconv.ParseUint: parsing \"1_0\": invalid syntax" },
        { "18446744073709551616",
          "strconv.ParseUint: parsing \"18446744073709551616\": value out of range" },
        { "99999999999999999999x",
          "strconv.ParseUint: parsing \"99999999999999999999x\": invalid syntax" },
    };
    struct weft_err e;
    uint64_t n = 0;
    EXPECT_OK(go_parse_uint(bytes_of_str("00012"), &n, &e));
    EXPECT_EQ(n, 12);
    EXPECT_OK(go_parse_uint(bytes_of_str("18446744073709551615"), &n, &e));
    EXPECT_EQ(n, UINT64_MAX);
    for (size_t i = 0; i < WEFT_ARRAY_LEN(bad); i++) {
        EXPECT_CODE(go_parse_uint(bytes_of_str(bad[i].text), &n, &e), WEFT_INVALID);
        EXPECT_STR(e.msg, bad[i].words);
    }
}

TEST(says_why_a_message_does_not_parse)
{
    static const uint8_t cut[] = { 0x0a, 0x50, 1 };
    static const uint8_t no_text[] = { 0x12, 4, 0x12, 2, 0xff, 0xfe };
    struct weft_err e;
    EXPECT_CODE(
        go_unmarshal("Proposal", &protos__proposal__descriptor, bytes_of(cut, sizeof(cut)), &e),
        WEFT_INVALID);
    EXPECT_STR(e.msg, "error unmarshaling Proposal: unexpected EOF");
    EXPECT_CODE(go_unmarshal("ChaincodeHeaderExtension",
                             &protos__chaincode_header_extension__descriptor,
                             bytes_of(no_text, sizeof(no_text)), &e),
                WEFT_INVALID);
    EXPECT_STR(e.msg, "error unmarshaling ChaincodeHeaderExtension: proto: field "
                      "\"protos.ChaincodeID.name\" contains invalid UTF-8");
}
