#include "crypto/pem.h"

#include "base/limits.h"
#include "weft_test.h"

static enum weft_code first(const char *text, struct pem_block *b, struct weft_err *e)
{
    struct bytes t = bytes_of_str(text);
    return pem_next(&t, b, e);
}

/* What the first block holds, in hex; "none" when there is none. */
static void expect_first(const char *text, const char *hex)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(pem_block_done) struct pem_block b = { 0 };
    if (first(text, &b, &e) != WEFT_OK) {
        EXPECT_STR("none", hex);
        return;
    }
    WEFT_FREE char *got = bytes_to_hex(buf_bytes(&b.der));
    EXPECT_STR(got, hex);
}

TEST(reads_one_block_after_the_other)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(pem_block_done) struct pem_block b = { 0 };
    struct bytes text = bytes_of_str("notes\n-----BEGIN A-----\nAQID\n-----END A-----\n"
                                     "between\n-----BEGIN LONG NAME-----\r\nBA\r\n==\r\n"
                                     "-----END LONG NAME-----  \r\nrest");
    EXPECT_OK(pem_next(&text, &b, &e));
    EXPECT_BYTES(b.type, bytes_of_str("A"));
    EXPECT_BYTES(buf_bytes(&b.der), bytes_of("\1\2\3", 3));
    EXPECT_OK(pem_next(&text, &b, &e));
    EXPECT_BYTES(b.type, bytes_of_str("LONG NAME"));
    EXPECT_BYTES(buf_bytes(&b.der), bytes_of("\4", 1));
    EXPECT_BYTES(text, bytes_of_str("rest"));
    EXPECT_CODE(pem_next(&text, &b, &e), WEFT_NOT_FOUND);
    EXPECT_BYTES(buf_bytes(&b.der), bytes_of("\4", 1)); /* untouched on failure */
}

/* Each verdict is encoding/pem's of Go 1.19, asked once. */
TEST(reads_what_go_reads)
{
    expect_first("-----BEGIN A-----\nAQID\n-----END A-----", "010203");
    expect_first(" -----BEGIN A-----\nAQID\n-----END A-----\n", "none");
    expect_first("-----BEGIN A-----\nAQID\n-----END B-----\n", "none");
    expect_first("-----BEGIN A-----\nAQID-----END A-----\n", "none");
    expect_first("-----BEGIN A-----\nAQID\n-----END A----- x\n", "none");
    expect_first("-----BEGIN A-----\n-----END A-----\n", "");
    expect_first("-----BEGIN A-----\nKey: v\n-----END A-----\n", "none");
    expect_first("-----BEGIN A-----\nKey: v\nOther: w\n\nAQID\n-----END A-----\n", "010203");
    expect_first("-----BEGIN A-----\n A Q\tI\nD\n-----END A-----\n", "010203");
    expect_first("-----BEGIN A-----\nAQI\n-----END A-----\n", "none");
    expect_first("-----BEGIN A-----\nAQI=\n-----END A-----\n", "0102");
    expect_first("-----BEGIN A-----\nAQJ=\n-----END A-----\n", "0102");
    expect_first("-----BEGIN A-----\nAQ==\n-----END A-----\n", "01");
    expect_first("-----BEGIN A-----\nAQ=\n-----END A-----\n", "none");
    expect_first("-----BEGIN A-----\nAQ===\n-----END A-----\n", "none");
    expect_first("-----BEGIN A-----\nAQID=\n-----END A-----\n", "none");
    expect_first("-----BEGIN A-----\nAQ==AQID\n-----END A-----\n", "none");
    expect_first("-----BEGIN A-----\nA*ID\n-----END A-----\n", "none");
    expect_first("-----BEGIN A\nAQID\n-----END A-----\n", "none");
    expect_first("-----BEGIN A-----\n!\n-----BEGIN A-----\nAQID\n-----END A-----\n", "010203");
    expect_first(
        "-----BEGIN A-----\n!\n-----END A-----\n-----BEGIN B-----\nAQID\n-----END B-----\n",
        "010203");
}

TEST(what_is_written_is_read_back)
{
    struct weft_err e = { 0 };
    uint8_t bytes[200];
    for (size_t n = 0; n < sizeof(bytes); n++) {
        bytes[n] = (uint8_t)(n * 7);
        WEFT_CLEANUP(buf_done) struct buf text = { 0 };
        WEFT_CLEANUP(pem_block_done) struct pem_block b = { 0 };
        pem_encode("CERTIFICATE", bytes_of(bytes, n), &text);
        struct bytes t = buf_bytes(&text);
        EXPECT_OK(pem_next(&t, &b, &e));
        EXPECT_BYTES(buf_bytes(&b.der), bytes_of(bytes, n));
        EXPECT_EQ(t.len, 0);
    }
}

TEST(gives_up_on_a_text_that_is_too_long_or_too_broken)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(pem_block_done) struct pem_block b = { 0 };
    WEFT_CLEANUP(buf_done) struct buf text = { 0 };
    for (int i = 0; i <= LIMIT_PEM_TRIES; i++)
        buf_put_str(&text, "-----BEGIN A-----\n");
    struct bytes t = buf_bytes(&text);
    EXPECT_CODE(pem_next(&t, &b, &e), WEFT_LIMIT);

    buf_reserve(&text, LIMIT_PEM_TEXT);
    memset(text.data, '\n', LIMIT_PEM_TEXT + 1);
    t = bytes_of(text.data, LIMIT_PEM_TEXT);
    EXPECT_CODE(pem_next(&t, &b, &e), WEFT_NOT_FOUND);
    t.len++;
    EXPECT_CODE(pem_next(&t, &b, &e), WEFT_LIMIT);
}
