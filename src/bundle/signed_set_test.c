#include "bundle/signed_set.h"

#include "base/limits.h"
#include "bundle/bundle.h"
#include "test_channel.h"
#include "weft_test.h"

struct world {
    struct test_channel *channel;
    struct bundle *bundle;
    struct identity_cache *cache;
    struct signed_set *set;
    struct signature_batch *batch;
};

static struct world start(void)
{
    struct weft_err e = { 0 };
    struct world w = { .channel = test_channel_new(), .set = signed_set_new() };
    EXPECT_OK(bundle_new("ch", 0, test_channel_bytes(w.channel), &w.bundle, &e));
    w.cache = identity_cache_new(bundle_msps(w.bundle), IDENTITY_CACHE_DEFAULT);
    w.batch = signature_batch_new(NULL);
    return w;
}

static void stop(struct world *w)
{
    signed_set_free(w->set);
    signature_batch_free(w->batch);
    identity_cache_free(w->cache);
    bundle_unref(w->bundle);
    test_channel_free(w->channel);
}

/* A signature over "message", checked as one over `said`. */
static void sign(struct world *w, const char *mspid, bool admin, bool high_s, const char *said)
{
    const struct test_org *o = test_channel_org(w->channel, mspid);
    WEFT_CLEANUP(buf_done) struct buf signature = { 0 };
    made_cert_sign(admin ? o->admin : o->member, bytes_of_str("message"), high_s, &signature);
    const struct signed_data d = { bytes_of_str(said), test_identity(w->channel, mspid, admin),
                                   buf_bytes(&signature) };
    signed_set_add(w->set, w->cache, &d, w->batch);
}

static struct policy_signers settle(struct world *w)
{
    signature_batch_check(w->batch);
    return signed_set_signers(w->set);
}

TEST(good_signatures_count_in_their_order)
{
    struct world w = start();
    sign(&w, "Org2MSP", false, false, "message");
    sign(&w, "Org1MSP", true, false, "message");
    sign(&w, "Org1MSP", false, false, "message");
    struct policy_signers s = settle(&w);
    EXPECT_EQ(s.count, 3);
    EXPECT_BYTES(msp_identity_mspid(signed_set_signer(w.set, 0)), bytes_of_str("Org2MSP"));
    EXPECT_BYTES(msp_identity_mspid(signed_set_signer(w.set, 1)), bytes_of_str("Org1MSP"));
    EXPECT(signed_set_why(w.set) == NULL);
    stop(&w);
}

TEST(one_identity_counts_once)
{
    struct world w = start();
    sign(&w, "Org1MSP", false, false, "message");
    sign(&w, "Org1MSP", false, false, "message");
    EXPECT_EQ(settle(&w).count, 1);
    EXPECT_STR(signed_set_why(w.set),
               "De-duplicating identity [Org1MSP] at index 1 in signature set");
    stop(&w);
}

/* A bad signature does not keep its signer from giving a good one. */
TEST(a_bad_signature_before_a_good_one_of_the_same_signer_is_passed_over)
{
    struct world w = start();
    sign(&w, "Org1MSP", false, false, "another message");
    sign(&w, "Org1MSP", false, false, "message");
    EXPECT_EQ(settle(&w).count, 1);
    EXPECT_STR(signed_set_why(w.set),
               "signature for identity 0 is invalid: it is not by [Org1MSP]");
    stop(&w);
}

TEST(a_high_s_is_a_bad_signature)
{
    struct world w = start();
    sign(&w, "Org1MSP", false, true, "message");
    EXPECT_EQ(settle(&w).count, 0);
    stop(&w);
}

TEST(nobody_and_strangers_are_passed_over)
{
    struct world w = start();
    signed_set_add(w.set, w.cache, &(struct signed_data){ 0 }, w.batch);
    const struct signed_data rubbish = { bytes_of_str("m"), bytes_of_str("who?"),
                                         bytes_of_str("s") };
    signed_set_add(w.set, w.cache, &rubbish, w.batch);
    sign(&w, "Org1MSP", false, false, "message");
    EXPECT_EQ(settle(&w).count, 1);
    EXPECT(strstr(signed_set_why(w.set), "invalid identity: ") == signed_set_why(w.set));
    stop(&w);
}

TEST(more_signatures_than_a_policy_looks_at_are_left_out)
{
    struct world w = start();
    for (size_t i = 0; i < LIMIT_POLICY_SIGNERS; i++)
        sign(&w, "Org1MSP", false, false, "another message");
    sign(&w, "Org1MSP", false, false, "message");
    EXPECT_EQ(settle(&w).count, 0);
    EXPECT_STR(signed_set_why(w.set), "only 256 signatures are looked at");
    stop(&w);
}
