#include "signature_cases.h"

#include "weft_test.h"

#include <time.h>

/* The tables of all keys of a world, of the kind that this CPU has (eight
 * lanes, perhaps) and of OpenSSL's; they may be the same. */
struct tabled {
    struct case_world *w;
    struct p256_fast *fast, *one_lane;
    struct p256_table *tables[CASE_KEYS], *one_lane_tables[CASE_KEYS];
};

static void tabled_init(struct tabled *t, uint64_t seed)
{
    t->fast = p256_fast_new(P256_LANES_MOST);
    t->one_lane = p256_fast_new(P256_LANES_ONE);
    if (t->fast == NULL) {
        print_message("skipped: this OpenSSL has no tables\n");
        skip();
    }
    t->w = case_world_new(seed);
    for (unsigned i = 0; i < CASE_KEYS; i++) {
        struct bytes point = public_key_point(t->w->keys[i]);
        t->tables[i] = p256_table_new(t->fast, point);
        t->one_lane_tables[i] = p256_table_new(t->one_lane, point);
        EXPECT(t->tables[i] != NULL && t->one_lane_tables[i] != NULL);
    }
}

static void tabled_done(struct tabled *t)
{
    for (unsigned i = 0; i < CASE_KEYS; i++) {
        p256_table_free(t->tables[i]);
        p256_table_free(t->one_lane_tables[i]);
    }
    p256_fast_free(t->fast);
    p256_fast_free(t->one_lane);
    case_world_free(t->w);
}

static enum p256_outcome one_lane_outcome(struct tabled *t, const struct signature_case *c,
                                          struct p256_table *const tables[CASE_KEYS])
{
    struct p256_check check = case_check(t->w, c, tables);
    p256_fast_check(t->one_lane, &check, 1);
    return check.outcome;
}

/* By table and without, alone and in company, in as many lanes as there are
 * and in one. */
static enum p256_outcome outcome_of(struct tabled *t, const struct signature_case *c)
{
    enum {
        COMPANY = 7 /* nine together: a row, and one alone */
    };
    struct p256_check check = case_check(t->w, c, t->tables);
    for (size_t n = 1; n <= COMPANY + 2; n++) {
        struct p256_check with[COMPANY + 2], without[COMPANY + 2];
        for (size_t i = 0; i < n; i++) {
            with[i] = check;
            without[i] = case_check(t->w, c, NULL);
        }
        p256_fast_check(t->fast, with, n);
        p256_fast_check(t->fast, without, n);
        for (size_t i = 0; i < n; i++) {
            EXPECT_EQ(with[i].outcome, with[0].outcome);
            EXPECT_EQ(without[i].outcome, with[0].outcome);
        }
        check.outcome = with[0].outcome;
    }
    EXPECT_EQ(check.outcome, one_lane_outcome(t, c, t->one_lane_tables));
    EXPECT_EQ(check.outcome, one_lane_outcome(t, c, NULL));
    EXPECT_EQ(p256_outcome_is_good(check.outcome), case_oracle(t->w, c));
    EXPECT_EQ(p256_outcome_is_good(check.outcome), case_plain(t->w, c));
    return check.outcome;
}

/* Cases of this kind, whose outcome must be this one (P256_OUTCOME_NR: good,
 * or the sum is infinity). */
static void expect_outcome(struct tabled *t, enum case_kind kind, enum p256_outcome want)
{
    struct weft_rand rand = weft_rand_of(kind);
    for (int i = 0; i < 20; i++) {
        struct signature_case c;
        case_make(t->w, &rand, kind, &c);
        enum p256_outcome got = outcome_of(t, &c);
        if (want != P256_OUTCOME_NR)
            EXPECT_EQ(got, want);
        else
            EXPECT(p256_outcome_is_good(got) || got == P256_INFINITY);
    }
}

TEST(every_branch_of_the_comparison_has_its_case)
{
    struct tabled t;
    tabled_init(&t, 1);
    expect_outcome(&t, CASE_VALID, P256_GOOD_R);
    expect_outcome(&t, CASE_VALID_OTHER_S, P256_GOOD_R);
    expect_outcome(&t, CASE_DOUBLING, P256_GOOD_R);
    expect_outcome(&t, CASE_VANISHING, P256_INFINITY);
    expect_outcome(&t, CASE_CHOSEN_PARTS, P256_OUTCOME_NR); /* whatever it is */
    expect_outcome(&t, CASE_OTHER_KEY, P256_OTHER_X);
    expect_outcome(&t, CASE_SMALL_R, P256_OTHER_X_TWICE);
    for (unsigned i = 0; i < CASE_POINT_KEYS; i++)
        EXPECT_EQ(outcome_of(&t, &t.w->wanted[i]), t.w->wanted_outcome[i]);
    tabled_done(&t);
}

/* 0, n and what is above; nothing else is out of range. */
TEST(r_and_s_must_be_from_1_to_n_minus_1)
{
    struct tabled t;
    tabled_init(&t, 2);
    struct weft_rand rand = weft_rand_of(2);
    struct signature_case valid;
    case_make(t.w, &rand, CASE_VALID, &valid);
    for (int which = 0; which < 2; which++) {
        struct signature_case c = valid;
        uint8_t *v = which == 0 ? c.r : c.s;
        memset(v, 0, CASE_BYTES);
        EXPECT_EQ(outcome_of(&t, &c), P256_OUT_OF_RANGE);
        v[CASE_BYTES - 1] = 1;
        EXPECT(outcome_of(&t, &c) != P256_OUT_OF_RANGE);
        case_put(t.w->n, v);
        EXPECT_EQ(outcome_of(&t, &c), P256_OUT_OF_RANGE);
        v[CASE_BYTES - 1]++;
        EXPECT_EQ(outcome_of(&t, &c), P256_OUT_OF_RANGE);
        v[CASE_BYTES - 1] -= 2;
        EXPECT(outcome_of(&t, &c) != P256_OUT_OF_RANGE);
        memset(v, 0xff, CASE_BYTES);
        EXPECT_EQ(outcome_of(&t, &c), P256_OUT_OF_RANGE);

        uint8_t longer[CASE_BYTES + 1] = { 1 }; /* r + 2^256 */
        memcpy(longer + 1, which == 0 ? valid.r : valid.s, CASE_BYTES);
        struct p256_check check = case_check(t.w, &valid, t.tables);
        *(which == 0 ? &check.r : &check.s) = bytes_of(longer, sizeof(longer));
        p256_fast_check(t.fast, &check, 1);
        EXPECT_EQ(check.outcome, P256_OUT_OF_RANGE);
    }
    tabled_done(&t);
}

/* Digest 0 makes u1 zero; n does too; 2^256-1 is above n. */
TEST(a_digest_may_be_any_number)
{
    struct tabled t;
    tabled_init(&t, 3);
    struct signature_case c = { .key = 3 };
    case_sign(t.w, &c, 0);
    EXPECT_EQ(outcome_of(&t, &c), P256_GOOD_R);
    case_put(t.w->n, c.digest);
    EXPECT_EQ(outcome_of(&t, &c), P256_GOOD_R);
    memset(c.digest, 0xff, sizeof(c.digest));
    EXPECT_EQ(outcome_of(&t, &c), P256_OTHER_X);
    case_sign(t.w, &c, 1);
    EXPECT_EQ(outcome_of(&t, &c), P256_GOOD_R);

    /* A longer one counts with its first 32 bytes, a shorter one as it is. */
    uint8_t longer[48];
    memset(longer, 0xff, sizeof(longer));
    struct p256_check check = case_check(t.w, &c, t.tables);
    check.digest = bytes_of(longer, sizeof(longer));
    p256_fast_check(t.fast, &check, 1);
    EXPECT_EQ(check.outcome, P256_GOOD_R);
    memset(c.digest, 0, sizeof(c.digest));
    c.digest[CASE_BYTES - 1] = 7;
    case_sign(t.w, &c, 2);
    check = case_check(t.w, &c, t.tables);
    check.digest = bytes_of("\7", 1);
    p256_fast_check(t.fast, &check, 1);
    EXPECT_EQ(check.outcome, P256_GOOD_R);
    tabled_done(&t);
}

TEST(a_table_is_made_of_points_on_the_curve_only)
{
    struct tabled t;
    tabled_init(&t, 4);
    uint8_t point[P256_POINT_BYTES];
    memcpy(point, public_key_point(t.w->keys[3]).data, sizeof(point));
    point[P256_POINT_BYTES - 1] ^= 1;
    EXPECT(p256_table_new(t.fast, bytes_of(point, sizeof(point))) == NULL);
    EXPECT(p256_table_new(t.fast, bytes_of(point, 1)) == NULL);
    uint8_t infinity = 0;
    EXPECT(p256_table_new(t.fast, bytes_of(&infinity, 1)) == NULL);
    tabled_done(&t);
}

/* ---- the long run -------------------------------------------------------- */

struct tally {
    uint64_t inputs, comparisons, early, good;
    uint64_t kinds[CASE_KIND_NR], outcomes[P256_OUTCOME_NR];
};

static void report(const struct tally *n, uint64_t seed)
{
    print_message("seed %" PRIu64 ": %" PRIu64 " comparisons of %" PRIu64 " inputs without a "
                  "difference (%" PRIu64 " good, %" PRIu64 " out of range); outcomes",
                  seed, n->comparisons, n->inputs, n->good, n->early);
    for (size_t i = 0; i < P256_OUTCOME_NR; i++)
        print_message(" %" PRIu64, n->outcomes[i]);
    print_message("\n");
    (void)fflush(stdout);
}

/* What came out for one input; the outcome where our own code decided.  In
 * eight lanes, if the CPU has them: `batch` among others, `alone` over all
 * lanes, `no_table` by the ladder. */
struct verdicts {
    enum p256_outcome batch, alone, no_table, one_lane;
    bool plain, oracle;
};

/* All pairs but (batch, alone), which are the same way in one lane. */
enum {
    PAIRS = 14
};

static void compare(const struct verdicts *v)
{
    bool batch = p256_outcome_is_good(v->batch), alone = p256_outcome_is_good(v->alone);
    bool no_table = p256_outcome_is_good(v->no_table);
    bool one_lane = p256_outcome_is_good(v->one_lane);
    EXPECT_EQ(batch, v->oracle);
    EXPECT_EQ(batch, v->plain);
    EXPECT_EQ(batch, no_table);
    EXPECT_EQ(batch, one_lane);
    EXPECT_EQ(alone, v->oracle);
    EXPECT_EQ(alone, v->plain);
    EXPECT_EQ(alone, no_table);
    EXPECT_EQ(alone, one_lane);
    EXPECT_EQ(no_table, v->oracle);
    EXPECT_EQ(no_table, v->plain);
    EXPECT_EQ(no_table, one_lane);
    EXPECT_EQ(one_lane, v->oracle);
    EXPECT_EQ(one_lane, v->plain);
    EXPECT_EQ(v->plain, v->oracle);
    EXPECT(v->batch != P256_FAILED);
    EXPECT_EQ(v->batch, v->alone);
    EXPECT_EQ(v->batch, v->no_table);
    EXPECT_EQ(v->batch, v->one_lane);
}

/* A batch of 1 to 64 with tables, the same without, the same with OpenSSL's
 * tables; then each input alone with its table (and an inversion of its own),
 * plain, and by ECDSA_do_verify. */
static void compare_batch(struct tabled *t, struct weft_rand *rand, struct tally *tally)
{
    enum {
        BATCH = 64
    };
    struct signature_case cases[BATCH];
    struct p256_check batch[BATCH], no_table[BATCH], one_lane[BATCH];
    enum case_kind kinds[BATCH];
    size_t n = (size_t)weft_rand_below(rand, BATCH) + 1;
    for (size_t i = 0; i < n; i++) {
        kinds[i] = (enum case_kind)weft_rand_below(rand, CASE_KIND_NR);
        case_make(t->w, rand, kinds[i], &cases[i]);
        batch[i] = case_check(t->w, &cases[i], t->tables);
        no_table[i] = case_check(t->w, &cases[i], NULL);
        one_lane[i] = case_check(t->w, &cases[i], t->one_lane_tables);
    }
    p256_fast_check(t->fast, batch, n);
    p256_fast_check(t->fast, no_table, n);
    p256_fast_check(t->one_lane, one_lane, n);
    for (size_t i = 0; i < n; i++) {
        struct p256_check alone = case_check(t->w, &cases[i], t->tables);
        p256_fast_check(t->fast, &alone, 1);
        struct verdicts v = { .batch = batch[i].outcome,
                              .alone = alone.outcome,
                              .no_table = no_table[i].outcome,
                              .one_lane = one_lane[i].outcome,
                              .plain = case_plain(t->w, &cases[i]),
                              .oracle = case_oracle(t->w, &cases[i]) };
        compare(&v);
        tally->comparisons += PAIRS;
        tally->inputs++;
        tally->good += v.oracle;
        tally->early += v.batch == P256_OUT_OF_RANGE;
        tally->kinds[kinds[i]]++;
        tally->outcomes[v.batch]++;
    }
}

static uint64_t number_from(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name); /* NOLINT(concurrency-mt-unsafe): one thread */
    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

/* Some thousand comparisons here, as many as wanted by
 *     WEFT_COMPARISONS=100000000 [WEFT_SEED=1] [WEFT_SECONDS=...] p256_fast_test every_way
 */
TEST(every_way_of_checking_comes_to_the_same_verdict)
{
    uint64_t wanted = number_from("WEFT_COMPARISONS", 15000);
    uint64_t seed = number_from("WEFT_SEED", 1), seconds = number_from("WEFT_SECONDS", 0);
    struct tabled t;
    tabled_init(&t, seed);
    struct weft_rand rand = weft_rand_of(seed);
    struct tally tally = { 0 };
    time_t until = seconds > 0 ? time(NULL) + (time_t)seconds : 0;
    for (uint64_t next = 1000000; tally.comparisons < wanted;) {
        compare_batch(&t, &rand, &tally);
        if (tally.comparisons >= next) {
            report(&tally, seed);
            next += 1000000;
            if (until != 0 && time(NULL) > until)
                break;
        }
    }
    report(&tally, seed);
    for (size_t i = 0; i < CASE_KIND_NR; i++)
        EXPECT(tally.kinds[i] > 0);
    tabled_done(&t);
}
