#include "weft_test.h"

TEST(errors_keep_their_code_and_gain_context)
{
    struct weft_err e = { 0 };
    enum weft_code rc = WEFT_FAIL(&e, WEFT_NOT_FOUND, "no block [%d]", 7);
    rc = weft_err_wrap(&e, rc, "channel [%s]", "ch");
    EXPECT_EQ(rc, WEFT_NOT_FOUND);
    EXPECT_STR(e.msg, "channel [ch]: no block [7]");
    EXPECT_EQ(weft_code_common_status(rc), 404);
    EXPECT_EQ(weft_code_grpc_status(rc), 5);
    EXPECT_EQ(WEFT_FAIL(NULL, WEFT_IO, "nobody listens"), WEFT_IO);
}

TEST(words_that_are_too_long_are_cut_and_still_end)
{
    struct weft_err e = { 0 };
    char text[2000];
    memset(text, 'w', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    EXPECT_CODE(WEFT_FAIL(&e, WEFT_IO, "%s", text), WEFT_IO);
    EXPECT_EQ(strlen(e.msg), sizeof(e.msg) - 1);
    EXPECT_CODE(weft_err_wrap(&e, WEFT_CORRUPT, "block [%d]", 7), WEFT_CORRUPT);
    EXPECT_EQ(strlen(e.msg), sizeof(e.msg) - 1);
    EXPECT_WORDS(e, "block [7]: www");
    EXPECT_EQ(e.code, WEFT_CORRUPT);
}

TEST(every_code_has_a_name_and_a_status_on_both_wires)
{
    for (int code = WEFT_OK; code >= WEFT_EXISTS; code--) {
        EXPECT(weft_code_name((enum weft_code)code)[0] != '\0');
        EXPECT_EQ(weft_code_grpc_status((enum weft_code)code) == 0, code == WEFT_OK);
        EXPECT_EQ(weft_code_common_status((enum weft_code)code) == 200, code == WEFT_OK);
    }
}
