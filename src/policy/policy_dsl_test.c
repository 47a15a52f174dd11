#include "policy/policy_dsl.h"

#include "policy/signature_policy.h"
#include "weft_test.h"

static void expect(const char *text, const char *hex)
{
    struct weft_err e = { 0 };
    struct arena arena = { 0 };
    const struct signature_policy *parsed = NULL;
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    EXPECT_OK(policy_dsl_signature(text, &b, &e));
    WEFT_FREE char *got = bytes_to_hex(buf_bytes(&b));
    EXPECT_STR(got, hex);
    EXPECT_OK(signature_policy_parse(buf_bytes(&b), &arena, &parsed, &e));
    arena_done(&arena);
}

/* The bytes are what the original's FromString makes of the same texts. */
TEST(gates_and_principals_become_a_signature_policy)
{
    expect("OR('A.member')", "120812060801120208001a0512030a0141");
    expect("AND('A.peer', \"B.admin\")",
           "120c120a080212020800120208011a0712050a014110031a0712050a01421001");
    expect("OutOf(2, 'A.client','B.orderer', 'A.client')",
           "1210120e0802120208001202080112020802"
           "1a0712050a014110021a0712050a014210041a0712050a01411002");
    expect("  or ( 'A.member' ) ", "120812060801120208001a0512030a0141");
    expect("OutOf(0, 'A.member')", "12061204120208001a0512030a0141");
}

TEST(nested_gates_are_numbered_first)
{
    expect("AND('A.member', OR('B.member', 'C.member'))",
           "12161214080212020802120c120a08011202080012020801"
           "1a0512030a01421a0512030a01431a0512030a0141");
}

TEST(refuses_what_is_no_policy)
{
    static const struct {
        const char *text, *words;
    } rows[] = {
        { "", "invalid policy string ''" },
        { "'A.member'", "invalid policy string" },
        { "OR('A.bogus')", "unrecognized token 'A.bogus' in policy string" },
        { "OR('A')", "unrecognized token 'A' in policy string" },
        { "OR('.member')", "unrecognized token '.member' in policy string" },
        { "OR('A B.member')", "unrecognized token 'A B.member' in policy string" },
        { "OR('A.member'", "invalid policy string" },
        { "OR('A.member') OR", "invalid policy string" },
        { "OR('A.member", "Unclosed string literal" },
        { "NOT('A.member')", "unrecognized token 'NOT' in policy string" },
        { "OR()", "expected at least two arguments to NOutOf" },
        { "OutOf(1)", "expected at least two arguments to NOutOf" },
        { "OutOf(4, 'A.member', 'B.member')", "invalid t-out-of-n predicate, t 4, n 2" },
        { "OutOf(x, 'A.member')", "invalid policy string" },
        { "OutOf('2", "invalid policy string 'OutOf('2', near ''" },
    };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(rows); i++) {
        struct weft_err e = { 0 };
        WEFT_CLEANUP(buf_done) struct buf b = { 0 };
        EXPECT_CODE(policy_dsl_signature(rows[i].text, &b, &e), WEFT_INVALID);
        EXPECT_WORDS(e, rows[i].words);
    }
}

TEST(depth_and_size_are_limited)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(buf_done) struct buf text = { 0 };
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    for (int i = 0; i < 100; i++)
        buf_put_str(&text, "OR(");
    buf_put_u8(&text, 0);
    EXPECT_CODE(policy_dsl_signature((const char *)text.data, &b, &e), WEFT_LIMIT);
    buf_clear(&text);
    buf_put_str(&text, "OR('A.member'");
    for (int i = 0; i < 5000; i++)
        buf_put_str(&text, ",'A.member'");
    buf_put_str(&text, ")");
    buf_put_u8(&text, 0);
    EXPECT_CODE(policy_dsl_signature((const char *)text.data, &b, &e), WEFT_LIMIT);
}

TEST(implicit_meta_policies_are_two_words)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    EXPECT_OK(policy_dsl_implicit_meta("MAJORITY Admins", &b, &e));
    EXPECT_BYTES(buf_bytes(&b), bytes_of("\x0a\x06"
                                         "Admins"
                                         "\x10\x02",
                                         10));
    EXPECT_CODE(policy_dsl_implicit_meta("MAJORITY", &b, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "expected two space separated tokens, but got 1");
    EXPECT_CODE(policy_dsl_implicit_meta("SOME Admins", &b, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "unknown rule type 'SOME', expected ALL, ANY, or MAJORITY");
}
