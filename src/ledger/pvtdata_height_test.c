#include "ledger/pvtdata_height.h"

#include "ledger/kv.h"
#include "weft_test.h"

static void expect_stored(const char *dir, struct bytes value)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(kv_close) struct kv *kv = NULL;
    WEFT_CLEANUP(buf_done) struct buf got = { 0 };
    bool found = false;
    EXPECT_OK(kv_open(dir, "", &kv, &e));
    EXPECT_OK(kv_get(kv, bytes_of("ch\0\x01", 4), &found, &got, &e));
    EXPECT(found);
    EXPECT_BYTES(buf_bytes(&got), value);
}

TEST(a_new_store_counts_up_to_the_block)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = weft_test_dir();
    EXPECT_OK(pvtdata_height_raise(dir, "ch", 300, &e));
    expect_stored(dir, bytes_of("\xac\x02", 2));
}

TEST(a_store_is_raised_and_never_lowered)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = weft_test_dir();
    EXPECT_OK(pvtdata_height_raise(dir, "ch", 7, &e));
    EXPECT_OK(pvtdata_height_raise(dir, "ch", 9, &e));
    expect_stored(dir, bytes_of("\x09", 1));
    EXPECT_OK(pvtdata_height_raise(dir, "ch", 8, &e));
    expect_stored(dir, bytes_of("\x09", 1));
    EXPECT_OK(pvtdata_height_raise(dir, "other", 20, &e));
    expect_stored(dir, bytes_of("\x09", 1));
}
