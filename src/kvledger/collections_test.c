#include "kvledger/collections.h"

#include "coll_state.h"
#include "weft_test.h"

static struct collection_info find(struct collections *c, const char *ns, const char *coll)
{
    struct weft_err e = { 0 };
    const struct collection_info *info = NULL;
    EXPECT_OK(collections_find(c, bytes_of_str(ns), bytes_of_str(coll), &info, &e));
    return *info;
}

static void expect(struct collection_info got, bool is_known, bool is_mine, uint64_t block_to_live)
{
    EXPECT_EQ(got.is_known, is_known);
    EXPECT_EQ(got.is_mine, is_mine);
    EXPECT_EQ(got.block_to_live, block_to_live);
}

TEST(a_collection_is_ours_when_its_members_name_our_msp)
{
    WEFT_CLEANUP(coll_state_done) struct coll_state s;
    coll_state_init(&s);
    coll_state_define(s.updates, "pdc", 1,
                      (struct coll_spec[]){ { "ours", "Org1MSP", 6 },
                                            { "theirs", "Org2MSP", 0 },
                                            { "anybodys", NULL, 0 } },
                      3);
    coll_state_define_legacy(s.updates, "old", (struct coll_spec[]){ { "ours", "Org1MSP", 3 } }, 1);
    WEFT_CLEANUP(collections_free) struct collections *c = collections_new(&s.reader, "Org1MSP");
    for (int again = 0; again < 2; again++) {
        expect(find(c, "pdc", "ours"), true, true, 6);
        expect(find(c, "pdc", "theirs"), true, false, 0);
        expect(find(c, "pdc", "anybodys"), true, true, 0);
        expect(find(c, "old", "ours"), true, true, 3);
    }
}

TEST(what_no_state_knows_is_nobody_s)
{
    WEFT_CLEANUP(coll_state_done) struct coll_state s;
    coll_state_init(&s);
    coll_state_define(s.updates, "pdc", 1, NULL, 0);
    coll_state_define_legacy(s.updates, "old", NULL, 0);
    WEFT_CLEANUP(collections_free) struct collections *c = collections_new(&s.reader, "Org1MSP");
    expect(find(c, "pdc", "x"), false, false, 0);
    expect(find(c, "old", "x"), false, false, 0);
    expect(find(c, "nothing", "x"), false, false, 0);
    expect(find(c, "", ""), false, false, 0);
}

TEST(each_organisation_has_an_implicit_collection_in_the_new_lifecycle)
{
    WEFT_CLEANUP(coll_state_done) struct coll_state s;
    coll_state_init(&s);
    coll_state_define(s.updates, "pdc", 1, NULL, 0);
    coll_state_define_legacy(s.updates, "old", NULL, 0);
    WEFT_CLEANUP(collections_free) struct collections *c = collections_new(&s.reader, "Org1MSP");
    expect(find(c, "pdc", "_implicit_org_Org1MSP"), true, true, 0);
    expect(find(c, "pdc", "_implicit_org_Org2MSP"), true, false, 0);
    expect(find(c, "pdc", "_implicit_org_"), false, false, 0);
    expect(find(c, "_lifecycle", "_implicit_org_Org1MSP"), true, true, 0);
    expect(find(c, "old", "_implicit_org_Org1MSP"), false, false, 0);
}

TEST(data_expires_one_block_after_it_has_lived)
{
    struct collection_info info = { .is_known = true, .block_to_live = 6 };
    EXPECT_EQ(collection_expiring_block(&info, 31), 38);
    EXPECT_EQ(collection_expiring_block(&info, UINT64_MAX - 7), UINT64_MAX);
    EXPECT_EQ(collection_expiring_block(&info, UINT64_MAX - 3), UINT64_MAX);
    EXPECT_EQ(collection_expiring_block(&info, UINT64_MAX), UINT64_MAX);
    info.block_to_live = UINT64_MAX;
    EXPECT_EQ(collection_expiring_block(&info, 0), UINT64_MAX);
    info.block_to_live = 0;
    EXPECT_EQ(collection_expiring_block(&info, 31), UINT64_MAX);
    info = (struct collection_info){ .block_to_live = 6 };
    EXPECT_EQ(collection_expiring_block(&info, 31), UINT64_MAX);
}
