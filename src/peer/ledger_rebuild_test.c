#include "peer/ledger_rebuild.h"

#include "ledger/pre_reset_height.h"
#include "os/dirs.h"
#include "weft_test.h"

struct heights {
    uint64_t foo, bar;
};

static bool height(void *ctx, const char *channel, uint64_t *ret)
{
    const struct heights *h = ctx;
    *ret = strcmp(channel, "foo") == 0 ? h->foo : h->bar;
    return true;
}

static bool has_mark(const char *dir)
{
    WEFT_FREE char *path = weft_asprintf("%s/__preResetHeight", dir);
    return path_exists(path);
}

TEST(a_peer_endorses_again_when_every_channel_is_as_high_as_it_was)
{
    struct weft_err e = { 0 };
    struct heights h = { 10, 1 };
    WEFT_FREE char *root = weft_test_dir();
    WEFT_FREE char *foo = weft_asprintf("%s/foo", root);
    WEFT_FREE char *bar = weft_asprintf("%s/bar", root);
    WEFT_CLEANUP(ledger_rebuild_free) struct ledger_rebuild *r = ledger_rebuild_new();
    EXPECT_OK(dir_make(foo, &e));
    EXPECT_OK(dir_make(bar, &e));
    EXPECT_OK(pre_reset_height_record(foo, 10, &e));
    EXPECT_OK(pre_reset_height_record(bar, 5, &e));
    EXPECT_OK(ledger_rebuild_load(r, root, "foo", &e));
    EXPECT_OK(ledger_rebuild_load(r, root, "bar", &e));
    EXPECT_OK(ledger_rebuild_load(r, root, "never-reset", &e));
    EXPECT(ledger_rebuild_is_on(r));
    ledger_rebuild_check(r, height, &h);
    EXPECT(ledger_rebuild_is_on(r));
    EXPECT(!has_mark(foo) && has_mark(bar));
    h.bar = 5;
    ledger_rebuild_check(r, height, &h);
    EXPECT(!ledger_rebuild_is_on(r));
    EXPECT(!has_mark(bar));
}

TEST(a_peer_that_was_never_reset_is_not_rebuilding)
{
    struct heights h = { 0, 0 };
    WEFT_CLEANUP(ledger_rebuild_free) struct ledger_rebuild *r = ledger_rebuild_new();
    EXPECT(!ledger_rebuild_is_on(r));
    ledger_rebuild_check(r, height, &h);
    EXPECT(!ledger_rebuild_is_on(r));
}
