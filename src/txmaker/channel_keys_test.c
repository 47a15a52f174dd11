#include "txmaker/channel_keys.h"

#include "weft_test.h"

#include "bundle/bundle.h"
#include "os/dirs.h"
#include "policy/policy_dsl.h"
#include "policy/signature_policy.h"
#include "test_channel.h"

struct world {
    struct test_channel *channel;
    struct bundle *bundle;
    char *dir;
    struct channel_keys *keys;
    struct arena arena;
};

static void world_init(struct world *w)
{
    struct weft_err e = { 0 };
    *w = (struct world){ .channel = test_channel_new(), .dir = weft_test_dir() };
    EXPECT_OK(bundle_new("ch", 0, test_channel_bytes(w->channel), &w->bundle, &e));
    test_crypto_dir(w->channel, w->dir);
    EXPECT_OK(channel_keys_load(w->dir, w->bundle, &w->keys, &e));
}

static void world_done(struct world *w)
{
    channel_keys_free(w->keys);
    bundle_unref(w->bundle);
    test_channel_free(w->channel);
    arena_done(&w->arena);
    free(w->dir);
}

static enum weft_code endorsers_of(struct world *w, const char *policy, struct endorser_set *ret,
                                   struct weft_err *e)
{
    struct buf envelope = { 0 };
    struct endorsement_rule rule = { 0 };
    EXPECT(policy_dsl_signature(policy, &envelope, e) == WEFT_OK);
    struct bytes kept = bytes_of(arena_dup_str(&w->arena, buf_bytes(&envelope)), envelope.len);
    buf_done(&envelope);
    EXPECT(signature_policy_parse(kept, &w->arena, &rule.policy, e) == WEFT_OK);
    return channel_keys_endorsers(w->keys, &rule, ret, e);
}

TEST(folders_are_told_apart_by_whose_msp_takes_their_certificates)
{
    struct world w;
    world_init(&w);
    EXPECT_EQ(channel_keys_org_count(w.keys), 2);
    for (size_t i = 0; i < 2; i++) {
        const struct keys_org *o = channel_keys_org(w.keys, i);
        EXPECT_STR(o->mspid, i == 0 ? "Org1MSP" : "Org2MSP");
        EXPECT_EQ(o->peer_count, 1);
        EXPECT_BYTES(signing_identity_bytes(o->admin), test_identity(w.channel, o->mspid, true));
        EXPECT_BYTES(signing_identity_bytes(o->client), test_identity(w.channel, o->mspid, false));
    }
    EXPECT_BYTES(signing_identity_bytes(channel_keys_orderer(w.keys)),
                 test_identity(w.channel, "OrdererMSP", false));
    world_done(&w);
}

TEST(an_organisation_without_keys_is_passed_over)
{
    struct weft_err e = { 0 };
    struct world w;
    world_init(&w);
    WEFT_FREE char *org1 = weft_asprintf("%s/peerOrganizations/org1", w.dir);
    WEFT_FREE char *orderers = weft_asprintf("%s/ordererOrganizations", w.dir);
    EXPECT_OK(dir_remove_tree(org1, &e));
    EXPECT_OK(dir_remove_tree(orderers, &e));
    WEFT_CLEANUP(channel_keys_free) struct channel_keys *fewer = NULL;
    EXPECT_OK(channel_keys_load(w.dir, w.bundle, &fewer, &e));
    EXPECT_EQ(channel_keys_org_count(fewer), 1);
    EXPECT_STR(channel_keys_org(fewer, 0)->mspid, "Org2MSP");
    EXPECT(channel_keys_orderer(fewer) == NULL);
    world_done(&w);
}

/* Its certificate chains, but says neither peer nor anything else. */
TEST(a_node_that_its_msp_finds_invalid_does_not_endorse)
{
    struct weft_err e = { 0 };
    struct world w;
    const struct test_org *org = NULL;
    world_init(&w);
    org = test_channel_org(w.channel, "Org1MSP");
    WEFT_CLEANUP(made_cert_free)
    struct made_cert *odd = cert_make(&(struct cert_order){ .name = "odd", .issuer = org->ca });
    test_crypto_dir_add(w.dir, "peerOrganizations/org1/peers/a-first-one", odd);
    test_crypto_dir_add(w.dir, "peerOrganizations/org1/peers/peer1", org->member);
    WEFT_CLEANUP(channel_keys_free) struct channel_keys *keys = NULL;
    EXPECT_OK(channel_keys_load(w.dir, w.bundle, &keys, &e));
    EXPECT_EQ(channel_keys_org(keys, 0)->peer_count, 2);
    EXPECT_BYTES(signing_identity_bytes(channel_keys_org(keys, 0)->peers[0]),
                 test_identity(w.channel, "Org1MSP", false));
    world_done(&w);
}

TEST(keys_of_another_network_are_of_no_use)
{
    struct weft_err e = { 0 };
    struct world w;
    WEFT_CLEANUP(test_channel_free) struct test_channel *other = test_channel_new();
    WEFT_FREE char *dir = weft_test_dir();
    struct channel_keys *keys = NULL;
    world_init(&w);
    EXPECT_CODE(channel_keys_load(dir, w.bundle, &keys, &e), WEFT_NOT_FOUND);
    EXPECT_WORDS(e, "give the folder that cryptogen made");
    test_crypto_dir(other, dir);
    EXPECT_CODE(channel_keys_load(dir, w.bundle, &keys, &e), WEFT_NOT_FOUND);
    EXPECT_WORDS(e, "has keys of no organisation of channel [ch]");
    world_done(&w);
}

TEST(nobody_endorses_who_is_not_needed)
{
    struct weft_err e = { 0 };
    struct world w;
    struct endorser_set set;
    world_init(&w);
    EXPECT_OK(endorsers_of(&w, "OR('Org1MSP.member', 'Org2MSP.member')", &set, &e));
    EXPECT_EQ(set.count, 1);
    EXPECT_OK(endorsers_of(&w, "AND('Org1MSP.member', 'Org2MSP.member')", &set, &e));
    EXPECT_EQ(set.count, 2);
    EXPECT_OK(endorsers_of(&w, "OR('Org2MSP.member')", &set, &e));
    EXPECT_EQ(set.count, 1);
    EXPECT(set.at[0] == channel_keys_org(w.keys, 1)->peers[0]);
    const struct endorsement_rule majority = { .path = "/Channel/Application/Endorsement" };
    EXPECT_OK(channel_keys_endorsers(w.keys, &majority, &set, &e));
    EXPECT_EQ(set.count, 2);
    world_done(&w);
}

TEST(a_policy_that_the_keys_cannot_satisfy_is_told)
{
    struct weft_err e = { 0 };
    struct world w;
    struct endorser_set set = { 0 };
    const struct endorsement_rule missing = { .path = "/Channel/Application/Nothing" };
    world_init(&w);
    EXPECT_CODE(endorsers_of(&w, "OR('Org3MSP.member')", &set, &e), WEFT_FORBIDDEN);
    EXPECT_WORDS(e, "the keys of 2 peers of 2 organisations do not satisfy the policy");
    EXPECT_CODE(channel_keys_endorsers(w.keys, &missing, &set, &e), WEFT_NOT_FOUND);
    EXPECT_WORDS(e, "has no policy /Channel/Application/Nothing");
    EXPECT_EQ(set.count, 0);
    world_done(&w);
}
