#include "validation/policy_judge.h"

#include "base/limits.h"
#include "bundle/bundle.h"
#include "msp/msp_manager.h"
#include "proto/wire.h"
#include "validation_world.h"
#include "weft_test.h"

/* A judge, and two people whose signatures are good. */
struct court {
    struct vworld w;
    struct policy_judge *judge;
    struct arena arena;
    struct msp_identity *ids[2];
    struct tx_signers one, both, nobody;
};

static struct tx_signers signers_of(struct court *c, size_t first, size_t count)
{
    struct tx_endorser all[2];
    struct tx_signers s;
    for (size_t i = 0; i < count; i++)
        all[i] = (struct tx_endorser){ .id = c->ids[first + i], .verdict = SIGNATURE_GOOD };
    tx_signers_of(all, count, false, &c->arena, &s);
    return s;
}

static void court_init(struct court *c)
{
    *c = (struct court){ 0 };
    vworld_init(&c->w, "V2_0");
    c->judge = policy_judge_new(c->w.bundle);
    const struct tx_person *people[] = { c->w.peer1, c->w.peer2 };
    for (size_t i = 0; i < 2; i++)
        EXPECT_EQ(msp_manager_deserialize(bundle_msps(c->w.bundle), buf_bytes(&people[i]->id),
                                          &c->ids[i], NULL),
                  WEFT_OK);
    c->one = signers_of(c, 0, 1);
    c->both = signers_of(c, 0, 2);
    c->nobody = signers_of(c, 0, 0);
}

static void court_done(struct court *c)
{
    for (size_t i = 0; i < 2; i++)
        msp_identity_unref(c->ids[i]);
    policy_judge_free(c->judge);
    arena_done(&c->arena);
    vworld_done(&c->w);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct court, court_done)

static bool asks(struct court *c, enum policy_form form, struct bytes policy,
                 const struct tx_signers *signers)
{
    return policy_judge_asks(c->judge, (struct policy_text){ form, policy }, signers);
}

TEST(a_signature_policy_is_one_in_each_form)
{
    WEFT_CLEANUP(court_done) struct court c;
    court_init(&c);
    WEFT_CLEANUP(buf_done) struct buf plain = vworld_policy("AND('Org1MSP.peer','Org2MSP.peer')");
    WEFT_CLEANUP(buf_done)
    struct buf inner = vworld_application_policy("AND('Org1MSP.peer','Org2MSP.peer')");
    EXPECT(asks(&c, POLICY_SIGNATURE, buf_bytes(&plain), &c.both));
    EXPECT(!asks(&c, POLICY_SIGNATURE, buf_bytes(&plain), &c.one));
    EXPECT(asks(&c, POLICY_SIGNATURE_ANY, buf_bytes(&plain), &c.both));
    EXPECT(asks(&c, POLICY_APPLICATION, buf_bytes(&inner), &c.both));
    EXPECT(!asks(&c, POLICY_APPLICATION, buf_bytes(&inner), &c.nobody));
    /* Neither is the other. */
    EXPECT(!asks(&c, POLICY_APPLICATION, buf_bytes(&plain), &c.both));
    EXPECT(!asks(&c, POLICY_SIGNATURE, buf_bytes(&inner), &c.both));
}

/* Fabric looks at it where it parses bytes, not where the policy lies in an ApplicationPolicy. */
TEST(a_version_other_than_0_is_refused_only_where_it_is_looked_at)
{
    WEFT_CLEANUP(court_done) struct court c;
    court_init(&c);
    WEFT_CLEANUP(buf_done) struct buf policy = vworld_policy("OR('Org1MSP.peer')");
    WEFT_CLEANUP(buf_done) struct buf inner = { 0 };
    wire_put_varint(&policy, 1, 1);
    wire_put_bytes(&inner, 1, buf_bytes(&policy));
    EXPECT(!asks(&c, POLICY_SIGNATURE, buf_bytes(&policy), &c.one));
    EXPECT(asks(&c, POLICY_SIGNATURE_ANY, buf_bytes(&policy), &c.one));
    EXPECT(asks(&c, POLICY_APPLICATION, buf_bytes(&inner), &c.one));
}

TEST(a_path_leads_into_the_channels_configuration)
{
    static const struct {
        const char *path;
        bool one, both;
    } rows[] = {
        { "/Channel/Application/Endorsement", false, true }, /* MAJORITY of two */
        { "/Channel/Application/Writers", true, true },
        { "/Channel/Application/Org1MSP/Endorsement", true, true },
        { "/Channel/Application/Org3MSP/Endorsement", false, false },
        { "/Channel/Application/Nope", false, false },
        { "Application/Writers", true, true },
        { "/Channel/", false, false },
        { "/", false, false },
        { "", false, false },
    };
    WEFT_CLEANUP(court_done) struct court c;
    court_init(&c);
    for (size_t i = 0; i < WEFT_ARRAY_LEN(rows); i++) {
        WEFT_CLEANUP(buf_done) struct buf p = vworld_reference(rows[i].path);
        if (asks(&c, POLICY_APPLICATION, buf_bytes(&p), &c.one) != rows[i].one ||
            asks(&c, POLICY_APPLICATION, buf_bytes(&p), &c.both) != rows[i].both)
            fail_msg("%s", rows[i].path);
    }
}

TEST(of_two_members_of_a_oneof_the_last_counts)
{
    WEFT_CLEANUP(court_done) struct court c;
    court_init(&c);
    WEFT_CLEANUP(buf_done) struct buf p = vworld_application_policy("OR('Org2MSP.admin')");
    EXPECT(!asks(&c, POLICY_APPLICATION, buf_bytes(&p), &c.both));
    wire_put_bytes(&p, 2, bytes_of_str("/Channel/Application/Writers"));
    EXPECT(asks(&c, POLICY_APPLICATION, buf_bytes(&p), &c.both));
}

TEST(what_does_not_parse_is_satisfied_by_nobody)
{
    WEFT_CLEANUP(court_done) struct court c;
    court_init(&c);
    static const char *const bad[] = { "", "\xff", "\x0a\xff", "\x12\x02\x80\x80" };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(bad); i++)
        for (int form = POLICY_APPLICATION; form <= POLICY_SIGNATURE_ANY; form++)
            EXPECT(!asks(&c, (enum policy_form)form, bytes_of_str(bad[i]), &c.both));
}

TEST(an_answer_is_worked_out_once_for_the_same_signers)
{
    WEFT_CLEANUP(court_done) struct court c;
    court_init(&c);
    WEFT_CLEANUP(buf_done) struct buf p = vworld_policy("OR('Org1MSP.peer')");
    for (int i = 0; i < 10; i++) {
        EXPECT(asks(&c, POLICY_SIGNATURE, buf_bytes(&p), &c.one));
        EXPECT(!asks(&c, POLICY_SIGNATURE, buf_bytes(&p), &c.nobody));
    }
    EXPECT_EQ(policy_judge_stats(c.judge).asked, 20);
    EXPECT_EQ(policy_judge_stats(c.judge).evaluated, 2);
}

TEST(it_forgets_before_it_grows_too_big_and_answers_the_same)
{
    WEFT_CLEANUP(court_done) struct court c;
    court_init(&c);
    WEFT_FREE uint8_t *filler = weft_alloc(64 << 10);
    for (unsigned i = 0; policy_judge_stats(c.judge).forgotten < 2; i++) {
        WEFT_CLEANUP(buf_done) struct buf p = vworld_application_policy("OR('Org1MSP.peer')");
        memcpy(filler, &i, sizeof(i));
        wire_put_bytes(&p, 99, bytes_of(filler, 64 << 10));
        EXPECT(asks(&c, POLICY_APPLICATION, buf_bytes(&p), &c.one));
        EXPECT(i < 4 * LIMIT_JUDGE_BYTES / (64 << 10));
    }
}

TEST(broken_signers_satisfy_nothing)
{
    WEFT_CLEANUP(court_done) struct court c;
    court_init(&c);
    WEFT_CLEANUP(buf_done) struct buf p = vworld_policy("OR('Org1MSP.peer')");
    struct tx_signers broken = c.one;
    broken.is_broken = true;
    EXPECT(!asks(&c, POLICY_SIGNATURE, buf_bytes(&p), &broken));
}
