#include "validation/lifecycle_state.h"

#include "validation_world.h"
#include "weft_test.h"

#include "proto/wire.h"

struct asked {
    struct vworld w;
    struct lifecycle_state *l;
};

static void asked_init(struct asked *a)
{
    *a = (struct asked){ 0 };
    vworld_init(&a->w, "V2_0");
}

static void asked_done(struct asked *a)
{
    lifecycle_state_free(a->l);
    vworld_done(&a->w);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct asked, asked_done)

/* The state as it is now: what was looked up before is forgotten. */
static struct lifecycle_state *look(struct asked *a)
{
    lifecycle_state_free(a->l);
    a->l = lifecycle_state_new(a->w.bundle, map_state_view(a->w.state));
    return a->l;
}

static struct validation_info info_of(struct asked *a, const char *name)
{
    struct validation_info info = { 0 };
    struct weft_err e;
    EXPECT_OK(lifecycle_validation_info(look(a), bytes_of_str(name), &info, &e));
    return info;
}

TEST(a_definition_gives_plugin_and_policy)
{
    WEFT_CLEANUP(asked_done) struct asked a;
    asked_init(&a);
    vworld_define(&a.w, "asset", "/Channel/Application/Endorsement", NULL);
    WEFT_CLEANUP(buf_done) struct buf want = vworld_reference("/Channel/Application/Endorsement");
    struct validation_info info = info_of(&a, "asset");
    EXPECT(info.is_found);
    EXPECT_BYTES(info.plugin, bytes_of_str("vscc"));
    EXPECT_EQ(info.policy.form, POLICY_APPLICATION);
    EXPECT_BYTES(info.policy.bytes, buf_bytes(&want));
    EXPECT(!info_of(&a, "nobody").is_found);
}

TEST(lscc_is_asked_when_there_is_no_definition_or_one_without_plugin_and_policy)
{
    WEFT_CLEANUP(asked_done) struct asked a;
    struct bytes none = { 0 };
    asked_init(&a);
    vworld_deploy(&a.w, "old", "1.0", "OR('Org1MSP.peer')");
    EXPECT(info_of(&a, "old").is_found);
    EXPECT_EQ(info_of(&a, "old").policy.form, POLICY_SIGNATURE_ANY);
    vworld_define_with(&a.w, "old", none, none, none);
    EXPECT(info_of(&a, "old").is_found);
    EXPECT_EQ(info_of(&a, "old").policy.form, POLICY_SIGNATURE_ANY);
    /* One of the two is as good as a definition, if not a usable one. */
    vworld_define_with(&a.w, "old", bytes_of_str("vscc"), none, none);
    EXPECT(!info_of(&a, "old").is_found);
    vworld_define_with(&a.w, "old", none, bytes_of_str("policy"), none);
    EXPECT(!info_of(&a, "old").is_found);
}

TEST(lifecycles_own_policy_is_the_channels_or_a_majority)
{
    WEFT_CLEANUP(asked_done) struct asked a;
    asked_init(&a);
    struct validation_info info = info_of(&a, "_lifecycle");
    WEFT_CLEANUP(buf_done)
    struct buf reference = vworld_reference("/Channel/Application/LifecycleEndorsement");
    EXPECT_BYTES(info.policy.bytes, buf_bytes(&reference));
    test_channel_drop(a.w.channel, "Application", CONFIG_ITEM_POLICY, "LifecycleEndorsement");
    vworld_reconfigure(&a.w);
    info = info_of(&a, "_lifecycle");
    EXPECT(info.is_found);
    EXPECT_EQ(info.policy.form, POLICY_SIGNATURE);
    WEFT_CLEANUP(buf_done)
    struct buf both = vworld_policy("OutOf(2,'Org1MSP.member','Org2MSP.member')");
    EXPECT_EQ(info.policy.bytes.len, both.len);
}

TEST(a_state_that_nobody_could_have_written_is_an_error)
{
    static const struct {
        const char *key, *value;
    } rows[] = {
        { "namespaces/metadata/asset", "\x0a\x03"
                                       "abc" },
        { "namespaces/metadata/asset", "\xff" },
        { "namespaces/fields/asset/Sequence", "\x12\x01x" },
        { "namespaces/fields/asset/ValidationInfo", "\x08\x01" },
        { "namespaces/fields/asset/ValidationInfo", "\x12\x01\xff" },
        { "namespaces/fields/asset/Collections", "\x12\x01\xff" },
    };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(rows); i++) {
        WEFT_CLEANUP(asked_done) struct asked a;
        struct validation_info info;
        struct weft_err e = { 0 };
        asked_init(&a);
        vworld_define(&a.w, "asset", "/Channel/Application/Endorsement", NULL);
        map_state_put(a.w.state, "_lifecycle", bytes_of_str(rows[i].key),
                      bytes_of_str(rows[i].value));
        EXPECT(lifecycle_validation_info(look(&a), bytes_of_str("asset"), &info, &e) != WEFT_OK);
        EXPECT_WORDS(e, "could not get chaincode asset");
    }
}

TEST(a_state_that_cannot_be_read_is_an_error)
{
    WEFT_CLEANUP(asked_done) struct asked a;
    struct validation_info info;
    struct weft_err e = { 0 };
    asked_init(&a);
    map_state_break(a.w.state, "_lifecycle", WEFT_IO);
    EXPECT_CODE(lifecycle_validation_info(look(&a), bytes_of_str("asset"), &info, &e), WEFT_IO);
    map_state_break(a.w.state, "lscc", WEFT_IO);
    EXPECT_CODE(lifecycle_validation_info(look(&a), bytes_of_str("asset"), &info, &e), WEFT_IO);
}

/* ---- collections ---------------------------------------------------------------------------------- */

static enum collection_policy kind_of(struct asked *a, const char *name, const char *collection,
                                      struct policy_text *ret)
{
    enum collection_policy kind = COLLECTION_POLICY_NONE;
    struct weft_err e;
    EXPECT_OK(lifecycle_collection_policy(look(a), bytes_of_str(name), bytes_of_str(collection),
                                          &kind, ret, &e));
    return kind;
}

static bool has(struct asked *a, const char *name, const char *collection)
{
    bool there = false;
    struct weft_err e;
    EXPECT_OK(lifecycle_has_collection(look(a), bytes_of_str(name), bytes_of_str(collection),
                                       &there, &e));
    return there;
}

TEST(a_collection_has_its_own_policy_or_the_chaincodes)
{
    WEFT_CLEANUP(asked_done) struct asked a;
    WEFT_CLEANUP(buf_done) struct buf package = { 0 };
    WEFT_CLEANUP(buf_done) struct buf own = vworld_application_policy("OR('Org2MSP.peer')");
    WEFT_CLEANUP(buf_done) struct buf whole = vworld_reference("/Channel/Application/Endorsement");
    struct policy_text policy;
    asked_init(&a);
    vworld_collection(&package, "c1", NULL);
    vworld_collection(&package, "c2", &own);
    vworld_collection(&package, "c1", &own); /* the first of a name counts */
    vworld_define(&a.w, "pdc", "/Channel/Application/Endorsement", &package);
    EXPECT_EQ(kind_of(&a, "pdc", "c1", &policy), COLLECTION_POLICY_OWN);
    EXPECT_BYTES(policy.bytes, buf_bytes(&whole));
    EXPECT_EQ(kind_of(&a, "pdc", "c2", &policy), COLLECTION_POLICY_OWN);
    EXPECT_BYTES(policy.bytes, buf_bytes(&own));
    EXPECT_EQ(kind_of(&a, "pdc", "c3", &policy), COLLECTION_POLICY_REFUSED);
    EXPECT(has(&a, "pdc", "c1"));
    EXPECT(!has(&a, "pdc", "c3"));
}

TEST(an_organisation_has_an_implicit_collection_in_every_definition)
{
    WEFT_CLEANUP(asked_done) struct asked a;
    WEFT_CLEANUP(buf_done)
    struct buf reference = vworld_reference("/Channel/Application/Org1MSP/Endorsement");
    struct policy_text policy;
    asked_init(&a);
    vworld_define(&a.w, "asset", "/Channel/Application/Endorsement", NULL);
    EXPECT_EQ(kind_of(&a, "asset", "_implicit_org_Org1MSP", &policy), COLLECTION_POLICY_OWN);
    EXPECT_BYTES(policy.bytes, buf_bytes(&reference));
    EXPECT_EQ(kind_of(&a, "asset", "_implicit_org_Org9MSP", &policy), COLLECTION_POLICY_REFUSED);
    EXPECT_EQ(kind_of(&a, "asset", "_implicit_org_", &policy), COLLECTION_POLICY_REFUSED);
    EXPECT_EQ(kind_of(&a, "_lifecycle", "_implicit_org_Org2MSP", &policy), COLLECTION_POLICY_OWN);
    EXPECT(has(&a, "asset", "_implicit_org_Org1MSP"));
    EXPECT(has(&a, "_lifecycle", "_implicit_org_Org2MSP"));
    EXPECT(!has(&a, "asset", "_implicit_org_Org9MSP"));
    /* Without a policy of that name: any of its members. */
    test_channel_drop(a.w.channel, "Application/Org1MSP", CONFIG_ITEM_POLICY, "Endorsement");
    vworld_reconfigure(&a.w);
    EXPECT_EQ(kind_of(&a, "asset", "_implicit_org_Org1MSP", &policy), COLLECTION_POLICY_OWN);
    EXPECT_EQ(policy.form, POLICY_SIGNATURE);
}

TEST(a_chaincode_of_lscc_has_the_collections_that_lscc_has)
{
    WEFT_CLEANUP(asked_done) struct asked a;
    WEFT_CLEANUP(buf_done) struct buf package = { 0 };
    struct policy_text policy;
    asked_init(&a);
    vworld_deploy(&a.w, "old", "1.0", "OR('Org1MSP.peer')");
    vworld_collection(&package, "c1", NULL);
    EXPECT(!has(&a, "old", "c1"));
    map_state_put(a.w.state, "lscc", bytes_of_str("old~collection"), buf_bytes(&package));
    EXPECT(has(&a, "old", "c1"));
    EXPECT(!has(&a, "old", "_implicit_org_Org1MSP"));
    EXPECT(!has(&a, "nobody", "c1")); /* the original dies of this one */
    EXPECT_EQ(kind_of(&a, "old", "c1", &policy), COLLECTION_POLICY_NONE);
}
