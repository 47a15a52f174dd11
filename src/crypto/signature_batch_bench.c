/* How fast signatures are checked, as ratios to `openssl speed ecdsap256` on
 * the same core in the same run.
 *
 *     signature_batch_bench            all but the last; half a minute
 *     signature_batch_bench worst      ten thousand keys in the worst order
 *
 * The speed of a shared core changes from one tenth of a second to the next.
 * So every slice of ours is held against a slice, just before and just after,
 * of the loop that openssl speed runs: EVP_PKEY_verify with one context and
 * one signature.  That loop itself is held against the program, A B A B.
 * Printed are medians.  Time is CPU time; with two cores the clock's. */
#include "bench.h"

#include "crypto/ecdsa.h"
#include "crypto/key_tables.h"
#include "crypto/openssl_glue.h"
#include "crypto/p256_fast.h"
#include "crypto/signature_batch.h"
#include "os/jobs.h"

#include <sched.h>
#include <stdio.h>

enum {
    ROUNDS = 5,
    SLICES = 21,
    SLICE_CHECKS = 300, /* of the loop: 15 ms */
    KEYS = 10000,
    STRANGERS = 2000,
};

static struct signer {
    struct public_key *key;
    struct digest digest;
    struct buf sig;
} signers[KEYS];

static void make_signers(void)
{
    for (unsigned i = 0; i < KEYS; i++) {
        WEFT_CLEANUP(private_key_unref) struct private_key *key = NULL;
        struct signer *s = &signers[i];
        s->digest = sha256_of(bytes_of(&i, sizeof(i)));
        WEFT_ASSERT(private_key_generate(EC_CURVE_P256, &key, NULL) == WEFT_OK);
        WEFT_ASSERT(private_key_sign(key, digest_bytes(&s->digest), &s->sig, NULL) == WEFT_OK);
        s->key = public_key_ref(private_key_public(key));
    }
}

/* Verifications a second that OpenSSL's own benchmark counts; 0 without it. */
static double openssl_speed(void)
{
    FILE *out = popen("openssl speed -seconds 1 ecdsap256 2>/dev/null", "r"); /* NOLINT */
    char line[512];
    double verify = 0;
    while (out != NULL && fgets(line, sizeof(line), out) != NULL) {
        const char *last = strrchr(line, ' ');
        if (strstr(line, "nistp256") != NULL && last != NULL)
            verify = strtod(last, NULL);
    }
    if (out != NULL)
        (void)pclose(out);
    return verify;
}

/* ---- what is measured -------------------------------------------------------- */

struct scene {
    const char *name;
    unsigned keys, batch; /* batch 0: one check at a time, by signature_check */
    size_t budget;
    double goal;   /* 0: none */
    bool one_lane; /* without the eight that the CPU may have */
    struct key_tables *tables;
    unsigned next; /* where the strangers go on */
    double ratio[SLICES];
};

static struct scene scenes[] = {
    { .name = "plain, one key", .keys = 1 },
    { .name = "one hot key, single checks", .keys = 1, .budget = 1, .goal = 2 },
    { .name = "16 hot keys, batches of 1", .keys = 16, .batch = 1, .budget = 1 },
    { .name = "16 hot keys, batches of 2", .keys = 16, .batch = 2, .budget = 1 },
    { .name = "16 hot keys, batches of 4", .keys = 16, .batch = 4, .budget = 1 },
    { .name = "16 hot keys, batches of 8", .keys = 16, .batch = 8, .budget = 1 },
    { .name = "16 hot keys, batches of 100", .keys = 16, .batch = 100, .budget = 1, .goal = 3 },
    { .name = "16 hot keys, batches of 1000", .keys = 16, .batch = 1000, .budget = 1 },
    { .name = "1 key, batches of 100", .keys = 1, .batch = 100, .budget = 1 },
    { .name = "4 keys mixed, batches of 100", .keys = 4, .batch = 100, .budget = 1 },
    { .name = "64 keys mixed, batches of 100", .keys = 64, .batch = 100, .budget = 1 },
    { .name = "1024 keys mixed, batches of 100", .keys = 1024, .batch = 100, .budget = 1 },
    { .name = "keys never seen, single checks", .keys = STRANGERS, .budget = 1, .goal = 0.95 },
    { .name = "keys never seen, batches of 2", .keys = STRANGERS, .batch = 2, .budget = 1 },
    { .name = "keys never seen, batches of 8", .keys = STRANGERS, .batch = 8, .budget = 1 },
    { .name = "keys never seen, batches of 100",
      .keys = STRANGERS,
      .batch = 100,
      .budget = 1,
      .goal = 0.95 },
    { .name = "10000 keys in turn, batches of 100",
      .keys = KEYS,
      .batch = 100,
      .budget = 1,
      .goal = 0.95 },
    { .name = "one lane: one hot key, single checks", .keys = 1, .budget = 1, .one_lane = true },
    { .name = "one lane: 16 hot keys, batches of 100",
      .keys = 16,
      .batch = 100,
      .budget = 1,
      .one_lane = true },
    { .name = "one lane: keys never seen, batches of 100",
      .keys = STRANGERS,
      .batch = 100,
      .budget = 1,
      .one_lane = true },
};

/* The loop of openssl speed, on a key and signature of ours. */
static struct {
    EVP_PKEY *pkey;
    EVP_PKEY_CTX *ctx;
} loop;

static void loop_init(void)
{
    struct bytes spki = public_key_spki(signers[0].key);
    const unsigned char *at = spki.data;
    loop.pkey = d2i_PUBKEY(NULL, &at, (long)spki.len);
    loop.ctx = EVP_PKEY_CTX_new(loop.pkey, NULL);
    WEFT_ASSERT(loop.ctx != NULL && EVP_PKEY_verify_init(loop.ctx) == 1);
}

static double loop_rate(unsigned count)
{
    double from = bench_cpu();
    for (unsigned i = 0; i < count; i++)
        WEFT_ASSERT(EVP_PKEY_verify(loop.ctx, signers[0].sig.data, signers[0].sig.len,
                                    signers[0].digest.b, SHA256_BYTES) == 1);
    return count / (bench_cpu() - from);
}

static const struct signer *next_signer(struct scene *s)
{
    return &signers[s->next++ % s->keys];
}

static void check_some(struct scene *s, unsigned count)
{
    enum signature_verdict verdict[1000];
    WEFT_CLEANUP(signature_batch_free) struct signature_batch *b = signature_batch_new(s->tables);
    for (unsigned i = 0; i < count;) {
        if (s->batch == 0) {
            const struct signer *who = next_signer(s);
            WEFT_ASSERT(signature_check(s->tables, who->key, digest_bytes(&who->digest),
                                        buf_bytes(&who->sig)) == SIGNATURE_GOOD);
            i++;
            continue;
        }
        for (unsigned k = 0; k < s->batch; k++, i++) {
            const struct signer *who = next_signer(s);
            signature_batch_add(b, who->key, digest_bytes(&who->digest), buf_bytes(&who->sig),
                                &verdict[k]);
        }
        signature_batch_check(b);
        for (unsigned k = 0; k < s->batch; k++)
            WEFT_ASSERT(verdict[k] == SIGNATURE_GOOD);
    }
}

/* Unpaid: where each table must be earned, it takes a while until all hot
 * keys have theirs, and that is not what is measured. */
static struct key_tables *tables_new(size_t budgets, bool unpaid, bool one_lane)
{
    return key_tables_new(
        &(struct key_tables_config){ .budget_bytes = budgets * KEY_TABLES_BUDGET_DEFAULT,
                                     .unpaid = unpaid,
                                     .one_lane = one_lane });
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof(values[0]), by_value);
    return values[count / 2];
}

/* Hot keys have their tables before the clock starts: making them is measured
 * by itself.  Strangers are checked less often than would heat them. */
static void warm_up(struct scene *s)
{
    s->tables = s->budget > 0 ? tables_new(s->budget, s->keys < STRANGERS, s->one_lane) : NULL;
    if (s->tables != NULL && s->keys < STRANGERS)
        check_some(s, (unsigned)KEY_TABLES_THRESHOLD_DEFAULT * s->keys);
}

static void bench_scene(struct scene *s, double loop_to_openssl)
{
    unsigned count = s->budget > 0 && s->keys < STRANGERS ? 1000 : SLICE_CHECKS;
    warm_up(s);
    for (int i = 0; i < SLICES; i++) {
        double before = loop_rate(SLICE_CHECKS), from = bench_cpu();
        check_some(s, count);
        double rate = count / (bench_cpu() - from);
        s->ratio[i] = 2 * rate / (before + loop_rate(SLICE_CHECKS));
    }
    double ratio = median(s->ratio, SLICES) * loop_to_openssl;
    struct key_tables_stats stats = { 0 };
    if (s->tables != NULL)
        stats = key_tables_stats(s->tables);
    char remark[128];
    (void)snprintf(remark, sizeof(remark), "(half of them %.2f-%.2f; %zu tables)%s",
                   s->ratio[SLICES / 4] * loop_to_openssl,
                   s->ratio[3 * SLICES / 4] * loop_to_openssl, stats.live,
                   s->goal == 0       ? ""
                   : ratio >= s->goal ? " goal reached"
                                      : " GOAL MISSED");
    bench_print(s->name, ratio, "x openssl", remark);
    key_tables_free(s->tables);
}

/* How the loop compares with the program; 1 where there is no program. */
static double bench_loop(void)
{
    double ratio[ROUNDS], openssl[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        double before = loop_rate(20000);
        openssl[i] = openssl_speed();
        if (openssl[i] == 0) {
            (void)printf("no openssl speed here: ratios are to its loop alone\n");
            return 1;
        }
        ratio[i] = (before + loop_rate(20000)) / 2 / openssl[i];
    }
    bench_print("openssl speed ecdsap256, verify", median(openssl, ROUNDS), "/s", NULL);
    double m = median(ratio, ROUNDS);
    bench_print("its loop in this program", m, "x openssl", NULL);
    return m;
}

static void bench_ratios(void)
{
    double loop_to_openssl = bench_loop();
    for (size_t i = 0; i < WEFT_ARRAY_LEN(scenes); i++)
        bench_scene(&scenes[i], loop_to_openssl);
}

static void bench_table(enum p256_lanes lanes)
{
    enum {
        COUNT = 20
    };
    struct p256_table *tables[COUNT];
    WEFT_CLEANUP(p256_fast_free) struct p256_fast *f = p256_fast_new(lanes);
    if (f == NULL) {
        (void)printf("this OpenSSL has no tables\n");
        return;
    }
    const char *remark = lanes == P256_LANES_ONE ? "one lane" : "as this CPU has them";
    double from = bench_cpu();
    for (int i = 0; i < COUNT; i++)
        tables[i] = p256_table_new(f, public_key_point(signers[i].key));
    bench_print("making a table", (bench_cpu() - from) / COUNT * 1e3, "ms", remark);
    bench_print("a table takes", (double)p256_table_bytes(lanes) / 1024, "KB of the budget",
                remark);
    for (int i = 0; i < COUNT; i++)
        p256_table_free(tables[i]);
}

/* ---- two cores ------------------------------------------------------------------ */

static void count_done(struct signature_waiter *w, struct signature_batch *b, void *owner)
{
    (void)w;
    *(unsigned *)owner += 1;
    signature_batch_free(b);
}

static void never(struct signature_waiter *w)
{
    (void)w;
    WEFT_ASSERT(false);
}

struct rates {
    double wall, cpu; /* checks a second of the clock, and of CPU */
};

/* 200 batches of 500 over 16 keys, eight out at once. */
static struct rates pool_rates(unsigned workers)
{
    enum {
        BATCHES = 200,
        EACH = 500,
        OUT = 8
    };
    static enum signature_verdict verdicts[OUT][EACH];
    WEFT_CLEANUP(mailbox_free) struct mailbox *back = mailbox_new("bench", OUT);
    struct jobs *pool = jobs_new("check", workers, 1000);
    struct key_tables *tables = tables_new(1, true, false);
    struct signature_waiter waiter = { .back = back, .done = count_done, .drop = never };
    check_some(&(struct scene){ .keys = 16, .batch = 1, .tables = tables }, 16 * 65);
    double from = bench_now(), cpu_from = bench_cpu();
    unsigned done = 0;
    for (unsigned i = 0; i < BATCHES || done < BATCHES;) {
        if (i < BATCHES && i - done < OUT) {
            struct signature_batch *b = signature_batch_new(tables);
            for (unsigned k = 0; k < EACH; k++)
                signature_batch_add(b, signers[k % 16].key, digest_bytes(&signers[k % 16].digest),
                                    buf_bytes(&signers[k % 16].sig), &verdicts[i % OUT][k]);
            WEFT_ASSERT(signature_batch_submit(b, pool, &waiter));
            i++;
            continue;
        }
        mailbox_wait(back, -1);
        (void)mailbox_drain(back, &done, OUT);
    }
    struct rates rates = { BATCHES * EACH / (bench_now() - from),
                           BATCHES * EACH / (bench_cpu() - cpu_from) };
    jobs_free(pool);
    key_tables_free(tables);
    return rates;
}

/* On a machine that has other things to do, the second core is not all ours:
 * what a second of CPU brings shows whether the workers hinder each other. */
static void bench_cores(void)
{
    enum {
        TIMES = 3
    };
    double wall[TIMES], cpu[TIMES];
    struct rates one = { 0 };
    for (int i = 0; i < TIMES; i++) {
        one = pool_rates(1);
        struct rates two = pool_rates(2);
        wall[i] = two.wall / one.wall;
        cpu[i] = two.cpu / one.cpu;
    }
    bench_print("one worker, 16 hot keys", one.wall, "/s", "by the clock");
    bench_print("two workers", median(wall, TIMES), "x one", "by the clock");
    bench_print("two workers", median(cpu, TIMES), "x one", "a second of CPU");
}

/* Each key comes just often enough to want a table, and never again. */
static void bench_worst(void)
{
    double cpu[2] = { 0, 0 };
    struct key_tables *tables = tables_new(1, false, false);
    for (unsigned i = 0; i < KEYS; i++) {
        struct signer *who = &signers[i];
        for (int with = 0; with < 2; with++) {
            double from = bench_cpu();
            for (int k = 0; k < KEY_TABLES_THRESHOLD_DEFAULT + 1; k++)
                WEFT_ASSERT(signature_check(with ? tables : NULL, who->key,
                                            digest_bytes(&who->digest),
                                            buf_bytes(&who->sig)) == SIGNATURE_GOOD);
            cpu[with] += bench_cpu() - from;
        }
    }
    char remark[64];
    (void)snprintf(remark, sizeof(remark), "%llu tables made",
                   (unsigned long long)key_tables_stats(tables).made);
    bench_print("10000 keys, 65 times each and never again", cpu[0] / cpu[1], "x plain", remark);
    key_tables_free(tables);
}

static void pin_to_one_core(bool one)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    for (size_t i = 0; i < (one ? 1 : CPU_SETSIZE); i++)
        CPU_SET(i, &set);
    (void)sched_setaffinity(0, sizeof(set), &set); /* a figure less good if not */
}

int main(int argc, char **argv)
{
    make_signers();
    loop_init();
    pin_to_one_core(true);
    if (argc > 1 && strcmp(argv[1], "worst") == 0) {
        bench_worst();
    } else {
        bench_ratios();
        bench_table(P256_LANES_MOST);
        bench_table(P256_LANES_ONE);
        pin_to_one_core(false);
        bench_cores();
    }
    for (unsigned i = 0; i < KEYS; i++) {
        public_key_unref(signers[i].key);
        buf_done(&signers[i].sig);
    }
    EVP_PKEY_CTX_free(loop.ctx);
    EVP_PKEY_free(loop.pkey);
    return 0;
}
