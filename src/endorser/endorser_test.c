/* What has nothing to do with a ledger: a peer without channels, and who asks it.  What it
 * answers on a ledger is in endorser_answers_test.c. */
#include "endorser/endorser.h"

#include "bundle/bundle.h"
#include "endorser/peer_support.h"
#include "proposal_maker.h"
#include "test_channel.h"
#include "weft_test.h"

#include <time.h>

static struct world {
    struct test_channel *channel;
    struct bundle *bundle;
    struct peer_support support;
    struct endorser endorser;
    bool rebuilding;
} w;

static bool find(void *ctx, struct bytes id, struct peer_channel_view *ret)
{
    (void)ctx, (void)id, (void)ret;
    return false;
}

static void list(void *ctx, void (*each)(void *arg, const char *id), void *arg)
{
    (void)ctx;
    each(arg, "two");
    each(arg, "one");
}

static bool is_rebuilding(void *ctx)
{
    (void)ctx;
    return w.rebuilding;
}

static void start(void)
{
    struct weft_err e;
    w = (struct world){ .channel = test_channel_new() };
    w.support = (struct peer_support){ .find = find, .list = list, .is_rebuilding = is_rebuilding };
    EXPECT_OK(bundle_new("ch", 0, test_channel_bytes(w.channel), &w.bundle, &e));
    endorser_init(&w.endorser,
                  &(struct endorser_config){
                      .support = &w.support,
                      .local_msp = msp_manager_find(bundle_msps(w.bundle), bytes_of_str("Org1MSP")),
                      .mspid = "Org1MSP",
                      .enabled = { true, true, false, true },
                  });
}

static void finish(void)
{
    bundle_unref(w.bundle);
    test_channel_free(w.channel);
}

struct asker {
    const char *mspid;
    bool admin;
};

static void sign(void *ctx, struct bytes message, struct buf *out)
{
    const struct asker *a = ctx;
    const struct test_org *org = test_channel_org(w.channel, a->mspid);
    made_cert_sign(a->admin ? org->admin : org->member, message, false, out);
}

static int64_t now_ns(void)
{
    return (int64_t)time(NULL) * 1000000000;
}

/* Chaincode and one argument, or with NULL none. */
static void ask(const struct asker *who, const char *channel, const char *chaincode,
                const char *arg, int64_t when_ns, struct endorser_answer *ret)
{
    WEFT_CLEANUP(buf_done) struct buf request = { 0 };
    struct asker a = *who;
    const struct bytes args[] = { bytes_of_str(arg != NULL ? arg : "") };
    proposal_make(&(struct proposal_order){ .channel = channel,
                                            .chaincode = chaincode,
                                            .args = args,
                                            .arg_count = arg != NULL ? 1 : 0,
                                            .creator = test_identity(w.channel, a.mspid, a.admin),
                                            .sign = sign,
                                            .ctx = &a },
                  &request);
    endorser_process(&w.endorser, buf_bytes(&request), when_ns, ret);
}

static const struct asker admin = { "Org1MSP", true }, member = { "Org1MSP", false },
                          stranger = { "Org2MSP", true };

static void expect_refused(const struct endorser_answer *a, const char *words)
{
    EXPECT_EQ(a->code, GRPC_UNKNOWN);
    EXPECT_BYTES(buf_bytes(&a->refusal), bytes_of_str(words));
    EXPECT_EQ(a->reply.len, 0);
}

/* The message lies in the reply as it is. */
static bool says(const struct endorser_answer *a, const char *words)
{
    EXPECT_EQ(a->code, GRPC_OK);
    return a->reply.len > 0 && memmem(a->reply.data, a->reply.len, words, strlen(words)) != NULL;
}

TEST(lists_its_channels_without_an_endorsement)
{
    /* ProposalResponse { 4 Response { 1 200, 3 { 1 { 1 "two" }, 1 { 1 "one" } } } } */
    static const uint8_t want[] =
        "\x22\x13\x08\xc8\x01\x1a\x0e\x0a\x05\x0a\x03two\x0a\x05\x0a\x03one";
    WEFT_CLEANUP(endorser_answer_done) struct endorser_answer a = { 0 };
    start();
    ask(&member, "", "cscc", "GetChannels", now_ns(), &a);
    EXPECT_EQ(a.code, GRPC_OK);
    EXPECT_BYTES(buf_bytes(&a.reply), bytes_of(want, sizeof(want) - 1));
    EXPECT(a.facts.success && a.facts.took_part && !a.facts.simulation_failed);
    EXPECT_STR(a.facts.channel, "");
    EXPECT_STR(a.facts.chaincode, "cscc");
    finish();
}

TEST(whoever_is_no_member_is_sent_away)
{
    WEFT_CLEANUP(endorser_answer_done) struct endorser_answer a = { 0 };
    start();
    ask(&stranger, "", "cscc", "GetChannels", now_ns(), &a);
    expect_refused(&a, "error validating proposal: access denied: channel [] creator org "
                       "[Org2MSP]");
    EXPECT(a.facts.validation_failed && !a.facts.took_part && !a.facts.success);
    finish();
}

TEST(an_expired_certificate_asks_for_nothing)
{
    const int64_t year_ns = INT64_C(365) * 86400 * 1000000000;
    WEFT_CLEANUP(endorser_answer_done) struct endorser_answer a = { 0 };
    start();
    ask(&member, "", "cscc", "GetChannels", now_ns() + 20 * year_ns, &a);
    expect_refused(&a, "proposal client identity expired");
    EXPECT(!a.facts.validation_failed); /* a filter's word, before the endorser counts */
    finish();
}

TEST(without_the_filter_age_does_not_matter)
{
    const int64_t year_ns = INT64_C(365) * 86400 * 1000000000;
    WEFT_CLEANUP(endorser_answer_done) struct endorser_answer a = { 0 };
    start();
    w.endorser.config.any_age = true;
    ask(&member, "", "cscc", "GetChannels", now_ns() + 20 * year_ns, &a);
    EXPECT_EQ(a.code, GRPC_OK);
    EXPECT(a.facts.success);
    finish();
}

TEST(nothing_is_endorsed_while_ledgers_are_rebuilt)
{
    WEFT_CLEANUP(endorser_answer_done) struct endorser_answer a = { 0 };
    WEFT_CLEANUP(endorser_answer_done) struct endorser_answer again = { 0 };
    start();
    w.rebuilding = true;
    ask(&admin, "", "cscc", "GetChannels", now_ns(), &a);
    expect_refused(&a, "endorse requests are blocked while ledgers are being rebuilt");
    w.rebuilding = false;
    ask(&admin, "", "cscc", "GetChannels", now_ns(), &again);
    EXPECT_EQ(again.code, GRPC_OK);
    finish();
}

TEST(a_system_chaincode_that_is_not_enabled_does_not_run)
{
    WEFT_CLEANUP(endorser_answer_done) struct endorser_answer a = { 0 };
    start();
    ask(&admin, "", "qscc", "GetChainInfo", now_ns(), &a);
    EXPECT(says(&a, "could not launch chaincode qscc.syscc: it is not enabled"));
    EXPECT(a.facts.simulation_failed && a.facts.took_part && !a.facts.success);
    finish();
}

TEST(a_channel_that_is_not_joined_is_not_found)
{
    WEFT_CLEANUP(endorser_answer_done) struct endorser_answer a = { 0 };
    start();
    ask(&admin, "ch", "qscc", "GetChainInfo", now_ns(), &a);
    EXPECT(says(&a, "channel 'ch' not found"));
    EXPECT(!a.facts.took_part && !a.facts.validation_failed);
    finish();
}

/* Who asks, what, and the words of the answer, whose status is 500. */
TEST(refuses_in_fabrics_words)
{
    static const struct {
        const struct asker *who;
        const char *chaincode, *arg, *words;
    } cases[] = {
        { &member, "cscc", NULL, "Incorrect number of arguments, 0" },
        { &member, "cscc", "JoinChain", "Incorrect number of arguments, 1" },
        { &member, "lscc", NULL, "invalid number of arguments to lscc: 0" },
        { &member, "lscc", "Nonsense", "invalid function to lscc: Nonsense" },
        { &admin, "lscc", "install", "invalid number of arguments to lscc: 1" },
        { &member, "lscc", "GetInstalledChaincodes",
          "access denied for [GetInstalledChaincodes]: Failed verifying that proposal's creator "
          "satisfies local MSP principal during channelless check policy with policy [Admins]: "
          "[The "
          "identity is not an admin under this MSP [Org1MSP]: The identity does not contain OU "
          "[ADMIN], MSP: [Org1MSP]]" },
        { &admin, "_lifecycle", NULL, "lifecycle scc must be invoked with arguments" },
        { &admin, "_lifecycle", "QueryInstalledChaincodes",
          "lifecycle scc operations require exactly two arguments but received 1" },
        { &admin, "mycc", "get",
          "make sure the chaincode mycc has been successfully defined on channel  and try again: "
          "could not get channel config for channel ''" },
    };
    start();
    for (size_t i = 0; i < WEFT_ARRAY_LEN(cases); i++) {
        WEFT_CLEANUP(endorser_answer_done) struct endorser_answer a = { 0 };
        ask(cases[i].who, "", cases[i].chaincode, cases[i].arg, now_ns(), &a);
        EXPECT(says(&a, cases[i].words));
    }
    finish();
}
