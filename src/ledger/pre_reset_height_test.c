#include "ledger/pre_reset_height.h"

#include "os/file.h"
#include "weft_test.h"

static void expect(const char *dir, bool want_found, uint64_t want)
{
    struct weft_err e = { 0 };
    bool found = !want_found;
    uint64_t height = 0;
    EXPECT_OK(pre_reset_height_load(dir, &found, &height, &e));
    EXPECT_EQ(found, want_found);
    EXPECT_EQ(height, want);
}

TEST(the_greatest_height_is_kept_until_it_is_cleared)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = weft_test_dir();
    WEFT_FREE char *path = weft_asprintf("%s/__preResetHeight", dir);
    expect(dir, false, 0);
    EXPECT_OK(pre_reset_height_record(dir, 79, &e));
    EXPECT_OK(pre_reset_height_record(dir, 12, &e));
    expect(dir, true, 79);
    WEFT_CLEANUP(buf_done) struct buf text = weft_test_read(path);
    EXPECT_BYTES(buf_bytes(&text), bytes_of_str("79"));
    EXPECT_OK(pre_reset_height_record(dir, UINT64_MAX, &e));
    expect(dir, true, UINT64_MAX);
    EXPECT_OK(pre_reset_height_clear(dir, &e));
    EXPECT_OK(pre_reset_height_clear(dir, &e));
    expect(dir, false, 0);
}

TEST(what_is_no_height_is_an_error)
{
    struct weft_err e = { 0 };
    static const char *const texts[] = {
        "", "x", "-1", "7 ", "18446744073709551616", "0000000000000000000000000000000000007"
    };
    WEFT_FREE char *dir = weft_test_dir();
    WEFT_FREE char *path = weft_asprintf("%s/__preResetHeight", dir);
    for (size_t i = 0; i < WEFT_ARRAY_LEN(texts); i++) {
        bool found = false;
        uint64_t height = 0;
        EXPECT_OK(file_write_plain(path, bytes_of_str(texts[i]), 0640, &e));
        EXPECT(pre_reset_height_load(dir, &found, &height, &e) != WEFT_OK);
        EXPECT(!found);
    }
}
