#include "ledger/id_store.h"

#include "ledger/kv.h"
#include "weft_test.h"

static struct id_store *open_new(char **ret_path)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = weft_test_dir();
    struct id_store *s = NULL;
    *ret_path = weft_asprintf("%s/ledgerProvider", dir);
    EXPECT_OK(id_store_open(*ret_path, &s, &e));
    return s;
}

TEST(a_ledger_is_there_when_it_is_finished_and_not_before)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *path = NULL;
    WEFT_CLEANUP(id_store_close) struct id_store *s = open_new(&path);
    WEFT_CLEANUP(buf_done) struct buf block0 = { 0 };
    enum ledger_status status;

    EXPECT_OK(id_store_begin(s, "ch", &e));
    EXPECT_CODE(id_store_get(s, "ch", &block0, &status, &e), WEFT_NOT_FOUND);
    EXPECT_WORDS(e, "LedgerID does not exist");
    id_store_close(WEFT_TAKE(s)); /* as if it had crashed here */

    EXPECT_OK(id_store_open(path, &s, &e));
    WEFT_FREE char *unfinished = NULL;
    EXPECT_OK(id_store_unfinished(s, &unfinished, &e));
    EXPECT_STR(unfinished, "ch");
    EXPECT_OK(id_store_finish(s, "ch", bytes_of_str("block 0"), &e));
    WEFT_FREE char *none = NULL;
    EXPECT_OK(id_store_unfinished(s, &none, &e));
    EXPECT(none == NULL);
    EXPECT_OK(id_store_get(s, "ch", &block0, &status, &e));
    EXPECT_BYTES(buf_bytes(&block0), bytes_of_str("block 0"));
    EXPECT_EQ(status, LEDGER_ACTIVE);
    EXPECT_CODE(id_store_begin(s, "ch", &e), WEFT_EXISTS);
    EXPECT_WORDS(e, "LedgerID already exists");
}

TEST(lists_active_channels_only)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *path = NULL;
    WEFT_CLEANUP(id_store_close) struct id_store *s = open_new(&path);
    static const char *const names[] = { "b", "a", "c" };
    for (size_t i = 0; i < 3; i++)
        EXPECT_OK(id_store_finish(s, names[i], bytes_of_str("x"), &e));
    EXPECT_OK(id_store_set_status(s, "b", LEDGER_INACTIVE, &e));
    WEFT_CLEANUP(dir_list_done) struct dir_list l = { 0 };
    EXPECT_OK(id_store_list(s, &l, &e));
    EXPECT_EQ(l.count, 2);
    EXPECT_STR(l.names[0], "a");
    EXPECT_STR(l.names[1], "c");
    EXPECT_CODE(id_store_set_status(s, "x", LEDGER_ACTIVE, &e), WEFT_NOT_FOUND);
}

TEST(abandoning_leaves_no_trace)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *path = NULL;
    WEFT_CLEANUP(id_store_close) struct id_store *s = open_new(&path);
    WEFT_FREE char *none = NULL;
    EXPECT_OK(id_store_begin(s, "ch", &e));
    EXPECT_OK(id_store_abandon(s, &e));
    EXPECT_OK(id_store_unfinished(s, &none, &e));
    EXPECT(none == NULL);
}

TEST(another_format_is_refused)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = weft_test_dir();
    struct kv *kv = NULL;
    EXPECT_OK(kv_open(dir, "", &kv, &e));
    WEFT_CLEANUP(kv_batch_free) struct kv_batch *b = kv_batch_new();
    kv_batch_put(b, bytes_of_str("f"), bytes_of_str("1.0"));
    EXPECT_OK(kv_write(kv, b, true, &e));
    kv_close(kv);
    struct id_store *s = NULL;
    EXPECT_CODE(id_store_open(dir, &s, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "data format = [1.0], expected format = [2.0]");
}

/* What a Go peer reads as the format; it takes [2.0] alone. */
static void expect_format(const char *dir, const char *format)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(kv_close) struct kv *kv = NULL;
    WEFT_CLEANUP(buf_done) struct buf value = { 0 };
    bool found = false;
    EXPECT_OK(kv_open_copy(dir, &kv, &e));
    EXPECT_OK(kv_get(kv, bytes_of_str("f"), &found, &value, &e));
    EXPECT_BYTES(buf_bytes(&value), bytes_of_str(format));
}

TEST(a_go_peer_is_kept_off_until_it_is_let_in)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *path = NULL;
    WEFT_CLEANUP(id_store_close) struct id_store *s = open_new(&path);
    bool was = true;
    EXPECT_OK(id_store_keep_off(s, &was, &e));
    EXPECT(!was);
    expect_format(path, "2.0, not closed: start Weft's peer once more and stop it");
    id_store_close(WEFT_TAKE(s)); /* as if it had crashed here */
    EXPECT_OK(id_store_upgrade(path, &e));
    EXPECT_OK(id_store_open(path, &s, &e));
    EXPECT_OK(id_store_keep_off(s, &was, &e));
    EXPECT(was);
    EXPECT_OK(id_store_let_in(s, &e));
    expect_format(path, "2.0");
}

TEST(an_inventory_from_before_2_0_gets_statuses_and_its_mark)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = weft_test_dir();
    WEFT_CLEANUP(id_store_close) struct id_store *s = NULL;
    {
        WEFT_CLEANUP(kv_close) struct kv *kv = NULL;
        WEFT_CLEANUP(kv_batch_free) struct kv_batch *b = kv_batch_new();
        EXPECT_OK(kv_open(dir, "", &kv, &e));
        kv_batch_put(b, bytes_of_str("la"), bytes_of_str("block 0"));
        kv_batch_put(b, bytes_of_str("lb"), bytes_of_str("block 0"));
        EXPECT_OK(kv_write(kv, b, true, &e));
    }
    EXPECT_CODE(id_store_open(dir, &s, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "data format = [], expected format = [2.0]");
    EXPECT_OK(id_store_upgrade(dir, &e));
    EXPECT_OK(id_store_open(dir, &s, &e));
    WEFT_CLEANUP(dir_list_done) struct dir_list l = { 0 };
    EXPECT_OK(id_store_list(s, &l, &e));
    EXPECT_EQ(l.count, 2);
    id_store_close(WEFT_TAKE(s));
    EXPECT_OK(id_store_upgrade(dir, &e)); /* done already */
}

TEST(an_inventory_of_a_later_format_is_not_upgraded)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = weft_test_dir();
    {
        WEFT_CLEANUP(kv_close) struct kv *kv = NULL;
        WEFT_CLEANUP(kv_batch_free) struct kv_batch *b = kv_batch_new();
        EXPECT_OK(kv_open(dir, "", &kv, &e));
        kv_batch_put(b, bytes_of_str("f"), bytes_of_str("3.0"));
        EXPECT_OK(kv_write(kv, b, true, &e));
    }
    EXPECT_CODE(id_store_upgrade(dir, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "data format = [3.0], expected format = []");
}
