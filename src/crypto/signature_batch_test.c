#include "signature_cases.h"

#include "crypto/key_tables.h"
#include "crypto/signature_batch.h"
#include "os/jobs.h"
#include "weft_test.h"

/* A few signers, and signatures of them to choose from. */
enum {
    SIGNERS = 12, /* ten of P-256, one of P-384, one of P-521 */
    SIGNED = 40,
};

struct signed_thing {
    unsigned signer;
    struct digest digest;
    struct buf sig;
};

struct office {
    struct private_key *signers[SIGNERS];
    struct signed_thing things[SIGNED];
};

static void office_init(struct office *o)
{
    struct weft_err e = { 0 };
    *o = (struct office){ 0 };
    for (unsigned i = 0; i < SIGNERS; i++) {
        enum ec_curve curve = i < SIGNERS - 2   ? EC_CURVE_P256
                              : i < SIGNERS - 1 ? EC_CURVE_P384
                                                : EC_CURVE_OTHER;
        EXPECT_OK(private_key_generate(curve, &o->signers[i], &e));
    }
    for (unsigned i = 0; i < SIGNED; i++) {
        struct signed_thing *t = &o->things[i];
        t->signer = i % SIGNERS;
        t->digest = sha256_of(bytes_of(&i, sizeof(i)));
        EXPECT_OK(private_key_sign(o->signers[t->signer], digest_bytes(&t->digest), &t->sig, &e));
    }
}

static void office_done(struct office *o)
{
    for (unsigned i = 0; i < SIGNERS; i++)
        private_key_unref(o->signers[i]);
    for (unsigned i = 0; i < SIGNED; i++)
        buf_done(&o->things[i].sig);
}

static struct public_key *signer_of(const struct office *o, const struct signed_thing *t)
{
    return private_key_public(o->signers[t->signer]);
}

/* Adds a check, of one of four signers from this one on, that must come out
 * as *ret_want. */
static void add_some(struct signature_batch *b, const struct office *o, unsigned from,
                     struct weft_rand *rand, enum signature_verdict *verdict,
                     enum signature_verdict *ret_want)
{
    const struct signed_thing *t = &o->things[(from + weft_rand_below(rand, 4)) % SIGNED];
    struct digest digest = t->digest;
    uint8_t sig[ECDSA_SIGNATURE_MAX + 8] = { 0 };
    size_t len = t->sig.len;
    memcpy(sig, t->sig.data, len);
    *ret_want = SIGNATURE_GOOD;
    switch (weft_rand_below(rand, 6)) {
    case 0:
        digest.b[weft_rand_below(rand, SHA256_BYTES)] ^= 0x10;
        *ret_want = SIGNATURE_BAD;
        break;
    case 1:
        sig[len - 1] ^= 1;
        *ret_want = SIGNATURE_BAD;
        break;
    case 2:
        len -= 1 + (size_t)weft_rand_below(rand, len);
        *ret_want = SIGNATURE_MALFORMED;
        break;
    case 3:
        len += 3; /* stray bytes do not count */
        break;
    default:
        break;
    }
    signature_batch_add(b, signer_of(o, t), digest_bytes(&digest), bytes_of(sig, len), verdict);
}

static struct key_tables *small_tables(struct jobs *pool)
{
    /* Three places for ten keys, and a threshold that makes them come and go. */
    return key_tables_new(
        &(struct key_tables_config){ .budget_bytes = (size_t)3 * p256_table_bytes(P256_LANES_MOST),
                                     .threshold = 4,
                                     .pool = pool,
                                     .unpaid = true });
}

/* A good r (or s) with forty zero bytes more at its end is another number. */
static void expect_long_numbers_refused(struct public_key *key, const struct signed_thing *t)
{
    struct weft_err e = { 0 };
    struct ecdsa_signature sig;
    EXPECT_OK(ecdsa_signature_parse(buf_bytes(&t->sig), &sig, &e));
    for (int which = 0; which < 2; which++) {
        struct bytes r = sig.r, s = sig.s;
        WEFT_CLEANUP(buf_done) struct buf der = { 0 }, body = { 0 };
        for (int i = 0; i < 2; i++) {
            struct bytes v = i == 0 ? r : s;
            uint8_t zeros[40] = { 0 };
            size_t more = i == which ? sizeof(zeros) : 0, sign = v.data[0] >> 7;
            buf_put_u8(&body, 0x02);
            buf_put_u8(&body, (uint8_t)(v.len + sign + more));
            buf_put(&body, bytes_of(zeros, sign));
            buf_put(&body, v);
            buf_put(&body, bytes_of(zeros, more));
        }
        buf_put_u8(&der, 0x30);
        buf_put_u8(&der, (uint8_t)body.len);
        buf_put(&der, buf_bytes(&body));
        EXPECT_OK(ecdsa_signature_parse(buf_bytes(&der), &sig, &e));
        EXPECT_EQ(signature_check(NULL, key, digest_bytes(&t->digest), buf_bytes(&der)),
                  SIGNATURE_BAD);
        sig = (struct ecdsa_signature){ r, s };
    }
}

TEST(tells_good_from_bad_from_malformed)
{
    struct office o;
    office_init(&o);
    struct signed_thing *t = &o.things[0];
    struct bytes digest = digest_bytes(&t->digest), other = digest_bytes(&o.things[1].digest);
    struct public_key *key = signer_of(&o, t);
    EXPECT_EQ(signature_check(NULL, key, digest, buf_bytes(&t->sig)), SIGNATURE_GOOD);
    EXPECT_EQ(signature_check(NULL, key, other, buf_bytes(&t->sig)), SIGNATURE_BAD);
    EXPECT_EQ(signature_check(NULL, signer_of(&o, &o.things[1]), digest, buf_bytes(&t->sig)),
              SIGNATURE_BAD);
    EXPECT_EQ(signature_check(NULL, key, digest, bytes_of(t->sig.data, t->sig.len - 1)),
              SIGNATURE_MALFORMED);
    EXPECT_EQ(signature_check(NULL, key, digest, bytes_of(NULL, 0)), SIGNATURE_MALFORMED);
    EXPECT_EQ(signature_check(NULL, key, bytes_of(NULL, 0), buf_bytes(&t->sig)), SIGNATURE_BAD);

    /* An r of seventy bytes is well formed, and out of range on any curve. */
    uint8_t huge[77] = { 0x30, 75, 0x02, 70, 0x01 };
    huge[74] = 0x02, huge[75] = 1, huge[76] = 1;
    EXPECT_EQ(signature_check(NULL, key, digest, bytes_of(huge, sizeof(huge))), SIGNATURE_BAD);
    expect_long_numbers_refused(key, t);
    office_done(&o);
}

TEST(a_batch_can_be_used_again)
{
    struct office o;
    office_init(&o);
    WEFT_CLEANUP(signature_batch_free) struct signature_batch *b = signature_batch_new(NULL);
    for (int round = 0; round < 3; round++) {
        enum signature_verdict verdicts[SIGNED];
        for (unsigned i = 0; i < SIGNED; i++)
            signature_batch_add(b, signer_of(&o, &o.things[i]), digest_bytes(&o.things[i].digest),
                                buf_bytes(&o.things[i].sig), &verdicts[i]);
        EXPECT_EQ(signature_batch_count(b), SIGNED);
        EXPECT_EQ(verdicts[0], SIGNATURE_UNCHECKED);
        signature_batch_check(b);
        EXPECT_EQ(signature_batch_count(b), 0);
        for (unsigned i = 0; i < SIGNED; i++)
            EXPECT_EQ(verdicts[i], SIGNATURE_GOOD);
    }
    office_done(&o);
}

/* Wherever it stands, by table and plain. */
TEST(of_a_thousand_only_the_bad_one_is_refused)
{
    enum {
        COUNT = 1000
    };
    struct office o;
    office_init(&o);
    WEFT_CLEANUP(key_tables_free)
    struct key_tables *tables = key_tables_new(&(struct key_tables_config){
        .budget_bytes = KEY_TABLES_BUDGET_DEFAULT, .threshold = 1, .unpaid = true });
    for (size_t bad = 0; bad < COUNT; bad += 111) {
        for (int by_table = 0; by_table < 2; by_table++) {
            WEFT_CLEANUP(signature_batch_free)
            struct signature_batch *b = signature_batch_new(by_table ? tables : NULL);
            enum signature_verdict verdicts[COUNT];
            for (size_t i = 0; i < COUNT; i++) {
                const struct signed_thing *t = &o.things[i % 10]; /* signers 0..9: P-256 */
                struct digest d = t->digest;
                d.b[31] ^= i == bad;
                signature_batch_add(b, signer_of(&o, t), digest_bytes(&d), buf_bytes(&t->sig),
                                    &verdicts[i]);
            }
            signature_batch_check(b);
            for (size_t i = 0; i < COUNT; i++)
                EXPECT_EQ(verdicts[i], i == bad ? SIGNATURE_BAD : SIGNATURE_GOOD);
        }
    }
    office_done(&o);
}

/* Every kind of hard case, as a whole signature through the door. */
TEST(no_verdict_depends_on_the_path)
{
    WEFT_CLEANUP(case_world_free) struct case_world *w = case_world_new(9);
    WEFT_CLEANUP(key_tables_free)
    struct key_tables *tables = key_tables_new(&(struct key_tables_config){
        .budget_bytes = KEY_TABLES_BUDGET_DEFAULT, .threshold = 1, .unpaid = true });
    struct weft_rand rand = weft_rand_of(9);
    for (int i = 0; i < 3000; i++) {
        struct signature_case c;
        case_make(w, &rand, (enum case_kind)(i % CASE_KIND_NR), &c);
        struct ecdsa_signature sig = { case_magnitude(c.r), case_magnitude(c.s) };
        if (sig.r.len == 0 || sig.s.len == 0)
            continue;
        uint8_t der[ECDSA_SIGNATURE_MAX];
        struct bytes raw = bytes_of(der, ecdsa_signature_write(&sig, der));
        struct bytes digest = bytes_of(c.digest, CASE_BYTES);
        enum signature_verdict plain = signature_check(NULL, w->keys[c.key], digest, raw);
        EXPECT_EQ(plain, signature_check(tables, w->keys[c.key], digest, raw));
        EXPECT_EQ(plain, case_oracle(w, &c) ? SIGNATURE_GOOD : SIGNATURE_BAD);
    }
}

/* ---- by workers ------------------------------------------------------------ */

struct desk {
    struct signature_waiter waiter;
    unsigned done, dropped;
};

static void desk_done(struct signature_waiter *w, struct signature_batch *b, void *owner)
{
    struct desk *d = WEFT_CONTAINER_OF(w, struct desk, waiter);
    EXPECT(owner == d);
    d->done++;
    signature_batch_free(b);
}

static void desk_drop(struct signature_waiter *w)
{
    WEFT_CONTAINER_OF(w, struct desk, waiter)->dropped++;
}

static struct desk desk_of(struct mailbox *back)
{
    return (struct desk){ .waiter = { .back = back, .done = desk_done, .drop = desk_drop } };
}

/* 60 batches of every size, at most four of them out at once, with keys that
 * come, get tables and lose them again; the same seed, so the same checks. */
static void work_with(const struct office *o, unsigned workers)
{
    enum {
        BATCHES = 60,
        MOST = 300,
        OUT = 4
    };
    static enum signature_verdict verdicts[BATCHES][MOST], wants[BATCHES][MOST];
    struct weft_rand rand = weft_rand_of(77);
    WEFT_CLEANUP(mailbox_free) struct mailbox *back = mailbox_new("test", BATCHES);
    struct jobs *pool = jobs_new("check", workers, 1000);
    struct key_tables *tables = small_tables(pool);
    struct desk d = desk_of(back);
    memset(wants, 0, sizeof(wants));
    for (unsigned i = 0; i < BATCHES; i++) {
        struct signature_batch *b = signature_batch_new(tables);
        size_t count = (size_t)weft_rand_below(&rand, MOST);
        for (size_t k = 0; k < count; k++)
            add_some(b, o, i / 4, &rand, &verdicts[i][k], &wants[i][k]);
        EXPECT(signature_batch_submit(b, pool, &d.waiter));
        while (d.done + (i < BATCHES - 1 ? OUT : 0) <= i) {
            mailbox_wait(back, -1);
            (void)mailbox_drain(back, &d, BATCHES);
        }
    }
    jobs_free(pool);
    struct key_tables_stats s = key_tables_stats(tables);
    print_message("%u workers: %" PRIu64 " by table, %" PRIu64 " plain, %" PRIu64
                  " tables made, %" PRIu64 " evicted\n",
                  workers, s.by_table, s.plain, s.made, s.evicted);
    if (key_tables_fast(tables) != NULL)
        EXPECT(s.by_table > 0);
    key_tables_free(tables);
    for (unsigned i = 0; i < BATCHES; i++)
        for (unsigned k = 0; k < MOST && wants[i][k] != SIGNATURE_UNCHECKED; k++)
            EXPECT_EQ(verdicts[i][k], wants[i][k]);
}

TEST(one_two_and_eight_workers_come_to_the_same_verdicts)
{
    struct office o;
    office_init(&o);
    work_with(&o, 1);
    work_with(&o, 2);
    work_with(&o, 8);
    office_done(&o);
}

TEST(an_empty_batch_comes_back_too)
{
    WEFT_CLEANUP(mailbox_free) struct mailbox *back = mailbox_new("test", 1);
    WEFT_CLEANUP(jobs_free) struct jobs *pool = jobs_new("check", 2, 10);
    struct desk d = desk_of(back);
    EXPECT(signature_batch_submit(signature_batch_new(NULL), pool, &d.waiter));
    mailbox_wait(back, -1);
    EXPECT_EQ(mailbox_drain(back, &d, 1), 1);
    EXPECT_EQ(d.done, 1);
}

/* A worker that waits, so that the pool's one place can be filled. */
struct plug {
    struct job job;
    struct mailbox *until;
};

static void plug_run(struct job *j)
{
    mailbox_wait(WEFT_CONTAINER_OF(j, struct plug, job)->until, -1);
}

static void nothing(struct mail *m)
{
    (void)m;
}

TEST(a_full_pool_leaves_the_batch_with_its_owner)
{
    struct office o;
    office_init(&o);
    WEFT_CLEANUP(mailbox_free) struct mailbox *until = mailbox_new("test", 1);
    WEFT_CLEANUP(mailbox_free) struct mailbox *back = mailbox_new("test", 1);
    struct jobs *pool = jobs_new("check", 1, 1);
    struct plug plugs[2] = { { .job = { .run = plug_run }, .until = until },
                             { .job = { .run = plug_run }, .until = until } };
    while (!jobs_submit(pool, &plugs[0].job))
        ;
    while (!jobs_submit(pool, &plugs[1].job)) /* when the worker has taken the first */
        ;
    struct desk d = desk_of(back);
    WEFT_CLEANUP(signature_batch_free) struct signature_batch *b = signature_batch_new(NULL);
    enum signature_verdict verdict;
    signature_batch_add(b, signer_of(&o, &o.things[0]), digest_bytes(&o.things[0].digest),
                        buf_bytes(&o.things[0].sig), &verdict);
    EXPECT(!signature_batch_submit(b, pool, &d.waiter));
    EXPECT_EQ(verdict, SIGNATURE_UNCHECKED);
    signature_batch_check(b);
    EXPECT_EQ(verdict, SIGNATURE_GOOD);

    struct mail go = { .drop = nothing };
    EXPECT(mailbox_put(until, &go));
    jobs_free(pool);
    office_done(&o);
}

TEST(a_batch_that_nobody_waits_for_any_more_is_dropped)
{
    struct office o;
    office_init(&o);
    WEFT_CLEANUP(mailbox_free) struct mailbox *back = mailbox_new("test", 10);
    mailbox_close(back);
    struct jobs *pool = jobs_new("check", 2, 100);
    struct desk d[5];
    enum signature_verdict verdict;
    for (int i = 0; i < 5; i++) {
        d[i] = desk_of(back);
        struct signature_batch *b = signature_batch_new(NULL);
        signature_batch_add(b, signer_of(&o, &o.things[i]), digest_bytes(&o.things[i].digest),
                            buf_bytes(&o.things[i].sig), &verdict);
        EXPECT(signature_batch_submit(b, pool, &d[i].waiter));
    }
    jobs_free(pool); /* LeakSanitizer is the rest of the assertion */
    for (int i = 0; i < 5; i++)
        EXPECT_EQ(d[i].dropped, 1);
    EXPECT_EQ(verdict, SIGNATURE_UNCHECKED);
    office_done(&o);
}
