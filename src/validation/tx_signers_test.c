#include "validation/tx_signers.h"

#include "base/limits.h"
#include "bundle/bundle.h"
#include "msp/msp_manager.h"
#include "validation_world.h"
#include "weft_test.h"

/* Some people who endorse. */
struct people {
    struct vworld w;
    struct arena arena;
    struct tx_endorser a, b, stranger;
};

static struct tx_endorser endorser_of(struct people *p, const struct tx_person *who)
{
    struct tx_endorser e = { .serialized = buf_bytes(&who->id), .verdict = SIGNATURE_GOOD };
    WEFT_IGNORE(msp_manager_deserialize(bundle_msps(p->w.bundle), e.serialized, &e.id, NULL));
    return e;
}

static void people_init(struct people *p)
{
    *p = (struct people){ 0 };
    vworld_init(&p->w, "V2_0");
    p->a = endorser_of(p, p->w.peer1);
    p->b = endorser_of(p, p->w.peer2);
    p->stranger = endorser_of(p, p->w.stranger);
    EXPECT(p->a.id != NULL && p->b.id != NULL && p->stranger.id == NULL);
}

static void people_done(struct people *p)
{
    msp_identity_unref(p->a.id);
    msp_identity_unref(p->b.id);
    arena_done(&p->arena);
    vworld_done(&p->w);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct people, people_done)

static struct tx_signers signers_of(struct people *p, const struct tx_endorser *all, size_t count,
                                    bool by_bytes)
{
    struct tx_signers s;
    tx_signers_of(all, count, by_bytes, &p->arena, &s);
    return s;
}

TEST(each_good_signature_counts_once_in_its_order)
{
    WEFT_CLEANUP(people_done) struct people p;
    people_init(&p);
    struct tx_endorser bad_b = p.b;
    bad_b.verdict = SIGNATURE_BAD;
    struct tx_endorser all[] = { p.a, bad_b, p.stranger, p.a, p.b };
    struct tx_signers s = signers_of(&p, all, 5, false);
    EXPECT_EQ(s.count, 2);
    EXPECT(s.at[0] == p.a.id && s.at[1] == p.b.id);
}

/* A bad first signature spoils a good second one there. */
TEST(up_to_1_2_only_an_endorsers_first_signature_counts)
{
    WEFT_CLEANUP(people_done) struct people p;
    people_init(&p);
    struct tx_endorser bad_b = p.b;
    bad_b.verdict = SIGNATURE_BAD;
    struct tx_endorser all[] = { p.a, bad_b, p.a, p.b };
    struct tx_signers s = signers_of(&p, all, 4, true);
    EXPECT_EQ(s.count, 1);
    EXPECT(s.at[0] == p.a.id);
    EXPECT(!s.is_broken);
}

TEST(up_to_1_2_an_endorser_that_does_not_parse_spoils_all)
{
    WEFT_CLEANUP(people_done) struct people p;
    people_init(&p);
    struct tx_endorser all[] = { p.a, { .serialized = bytes_of_str("\xff") } };
    EXPECT(signers_of(&p, all, 2, true).is_broken);
    EXPECT(!signers_of(&p, all, 2, false).is_broken);
    EXPECT_EQ(signers_of(&p, all, 2, false).count, 1);
}

TEST(the_same_person_in_two_objects_is_one)
{
    WEFT_CLEANUP(people_done) struct people p;
    people_init(&p);
    struct tx_endorser again = endorser_of(&p, p.w.peer1);
    EXPECT(again.id != p.a.id);
    struct tx_endorser all[] = { p.a, again };
    EXPECT_EQ(signers_of(&p, all, 2, false).count, 1);
    msp_identity_unref(again.id);
}

TEST(keys_are_equal_for_equal_signers_only)
{
    WEFT_CLEANUP(people_done) struct people p;
    people_init(&p);
    struct tx_endorser ab[] = { p.a, p.b }, aab[] = { p.a, p.a, p.b }, ba[] = { p.b, p.a };
    EXPECT_BYTES(signers_of(&p, ab, 2, false).key, signers_of(&p, aab, 3, false).key);
    EXPECT(!bytes_eq(signers_of(&p, ab, 2, false).key, signers_of(&p, ba, 2, false).key));
    EXPECT(!bytes_eq(signers_of(&p, ab, 2, false).key, signers_of(&p, ab, 1, false).key));
    EXPECT_EQ(signers_of(&p, ab, 0, false).key.len, 0);
}
