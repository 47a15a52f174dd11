#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/sha256_many.h"

void sha256_of_many_singly(struct sha256_job *jobs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct sha256 h;
        sha256_init(&h);
        for (size_t k = 0; k < jobs[i].count; k++)
            sha256_add(&h, jobs[i].pieces[k]);
        jobs[i].digest = sha256_end(&h);
    }
}

#ifdef WEFT_IPSEC_MB

#    include "crypto/aes_gcm.h"

#    include <cpuid.h>
#    include <openssl/sha.h>
#    include <stdatomic.h>

enum {
    BLOCK = 64,
    WORDS = 8,
    WIDE_LEAST = 9,         /* sixteen side by side cost as much as eight in pairs */
    BLOCKS_MOST = 1u << 20, /* in one step */
};

/* ipsec-mb's SHA256_ARGS: sixteen states word by word, or two one after the other. */
struct lanes_state {
    _Alignas(64) uint32_t words[WORDS * SHA256_LANES];
    const uint8_t *data[SHA256_LANES];
};

typedef void sha256_blocks_fn(struct lanes_state *s, uint32_t blocks);
extern sha256_blocks_fn call_sha256_x16_avx512_from_c, call_sha256_ni_x2_sse_from_c;

/* One job on its way. */
struct lane {
    struct sha256_job *job;
    size_t piece, at; /* the next byte that is in no run yet */
    uint64_t done;    /* bytes hashed */
    const uint8_t *run;
    size_t run_blocks; /* from there on; 0: less than a block is left, in `edge` */
    size_t edge_len;
    uint8_t edge[BLOCK];
    SHA256_CTX ctx; /* its state, unless that is among sixteen */
};

/* What is not begun. */
struct queue {
    struct sha256_job *jobs;
    size_t count;
};

/* ---- a job's bytes, in whole blocks --------------------------------------------------------- */

/* Of what lies on both sides of a border a block is put together. */
static void fill_edge(struct lane *l)
{
    l->edge_len = 0;
    while (l->edge_len < BLOCK && l->piece < l->job->count) {
        struct bytes rest = bytes_skip(l->job->pieces[l->piece], l->at);
        size_t n = rest.len < BLOCK - l->edge_len ? rest.len : BLOCK - l->edge_len;
        if (n > 0)
            memcpy(l->edge + l->edge_len, rest.data, n);
        l->edge_len += n;
        l->at += n;
        if (n == rest.len) {
            l->piece++;
            l->at = 0;
        }
    }
    l->run = l->edge;
    l->run_blocks = l->edge_len / BLOCK;
}

static void find_run(struct lane *l)
{
    if (l->piece < l->job->count) {
        struct bytes rest = bytes_skip(l->job->pieces[l->piece], l->at);
        size_t blocks = rest.len / BLOCK < BLOCKS_MOST ? rest.len / BLOCK : BLOCKS_MOST;
        if (blocks > 0) {
            l->run = rest.data;
            l->run_blocks = blocks;
            l->at += blocks * BLOCK;
            return;
        }
    }
    fill_edge(l);
}

static void begin_lane(struct lane *l, struct sha256_job *job)
{
    *l = (struct lane){ .job = job };
    WEFT_ASSERT(SHA256_Init(&l->ctx) == 1);
    find_run(l);
}

/* False: less than a block is left. */
static bool go_on(struct lane *l, size_t blocks)
{
    l->done += blocks * BLOCK;
    l->run += blocks * BLOCK;
    l->run_blocks -= blocks;
    if (l->run_blocks == 0)
        find_run(l);
    return l->run_blocks > 0;
}

/* The rest, alone. */
static void end_lane(struct lane *l)
{
    l->ctx.Nl = (SHA_LONG)(l->done << 3);
    l->ctx.Nh = (SHA_LONG)(l->done >> 29);
    while (l->run_blocks > 0) {
        WEFT_ASSERT(SHA256_Update(&l->ctx, l->run, l->run_blocks * BLOCK) == 1);
        (void)go_on(l, l->run_blocks);
    }
    WEFT_ASSERT(SHA256_Update(&l->ctx, l->edge, l->edge_len) == 1);
    WEFT_ASSERT(SHA256_Final(l->job->digest.b, &l->ctx) == 1);
}

/* ---- sixteen side by side --------------------------------------------------------------------- */

static void put_column(struct lanes_state *s, size_t i, const struct lane *l)
{
    for (size_t w = 0; w < WORDS; w++)
        s->words[w * SHA256_LANES + i] = l->ctx.h[w];
}

static void take_column(const struct lanes_state *s, size_t i, struct lane *l)
{
    for (size_t w = 0; w < WORDS; w++)
        l->ctx.h[w] = s->words[w * SHA256_LANES + i];
}

static size_t shortest_run(struct lane *const *l, size_t count)
{
    size_t blocks = l[0]->run_blocks;
    for (size_t i = 1; i < count; i++)
        blocks = l[i]->run_blocks < blocks ? l[i]->run_blocks : blocks;
    return blocks;
}

/* A job that has at least a block; false: there is none any more. */
static bool next_lane(struct lane *l, struct queue *q)
{
    while (q->count > 0) {
        begin_lane(l, q->jobs);
        q->jobs++;
        q->count--;
        if (l->run_blocks > 0)
            return true;
        end_lane(l);
    }
    return false;
}

/* All lanes one step on.  Who ends is followed by the next job, or else by the last lane.
 * Returns how many there are still. */
static size_t step_wide(struct lanes_state *s, struct lane **l, size_t count, struct queue *q)
{
    size_t blocks = shortest_run(l, count);
    for (size_t i = 0; i < SHA256_LANES; i++)
        s->data[i] = l[i < count ? i : 0]->run;
    call_sha256_x16_avx512_from_c(s, (uint32_t)blocks);
    for (size_t i = count; i-- > 0;) {
        if (go_on(l[i], blocks))
            continue;
        take_column(s, i, l[i]);
        end_lane(l[i]);
        if (next_lane(l[i], q)) {
            put_column(s, i, l[i]);
        } else if (i < --count) {
            l[i] = l[count];
            take_column(s, count, l[i]);
            put_column(s, i, l[i]);
        }
    }
    return count;
}

static size_t run_wide(struct lanes_state *s, struct lane **l, size_t count, struct queue *q)
{
    for (size_t i = 0; i < count; i++)
        put_column(s, i, l[i]);
    while (count >= WIDE_LEAST)
        count = step_wide(s, l, count, q);
    __asm__ volatile("vzeroupper"); /* what follows is SSE: slow on some CPUs without this */
    for (size_t i = 0; i < count; i++)
        take_column(s, i, l[i]);
    return count;
}

/* ---- two side by side --------------------------------------------------------------------------- */

/* Until one of them has less than a block. */
static void run_pair(struct lanes_state *s, struct lane *a, struct lane *b)
{
    memcpy(s->words, a->ctx.h, sizeof(a->ctx.h));
    memcpy(s->words + WORDS, b->ctx.h, sizeof(b->ctx.h));
    for (bool both = true; both;) {
        size_t blocks = a->run_blocks < b->run_blocks ? a->run_blocks : b->run_blocks;
        s->data[0] = a->run;
        s->data[1] = b->run;
        call_sha256_ni_x2_sse_from_c(s, (uint32_t)blocks);
        both = go_on(a, blocks);
        both = go_on(b, blocks) && both;
    }
    memcpy(a->ctx.h, s->words, sizeof(a->ctx.h));
    memcpy(b->ctx.h, s->words + WORDS, sizeof(b->ctx.h));
}

/* Whoever is left of a pair goes on with the next. */
static void run_pairs(struct lanes_state *s, struct lane **l, size_t count)
{
    struct lane *left = NULL;
    for (size_t i = 0; i < count; i++) {
        struct lane *other = left;
        left = l[i];
        if (other == NULL)
            continue;
        run_pair(s, other, left);
        if (left->run_blocks == 0) {
            end_lane(left);
            left = other;
        } else {
            end_lane(other);
            continue;
        }
        if (left->run_blocks == 0) {
            end_lane(left);
            left = NULL;
        }
    }
    if (left != NULL)
        end_lane(left);
}

/* ---- the whole ------------------------------------------------------------------------------------ */

static bool ask_cpu(void)
{
    uint32_t a, b, c, d;
    return aes_gcm_is_fast() && /* that is AVX-512 */
           __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & bit_SHA) != 0;
}

/* Once: a virtual machine answers slowly. */
static bool cpu_has_it(void)
{
    enum {
        UNKNOWN,
        NO,
        YES
    };
    static _Atomic int known = UNKNOWN;
    int is = atomic_load_explicit(&known, memory_order_relaxed);
    if (is == UNKNOWN) {
        is = ask_cpu() ? YES : NO;
        atomic_store_explicit(&known, is, memory_order_relaxed);
    }
    return is == YES;
}

void sha256_of_many(struct sha256_job *jobs, size_t count)
{
    struct lanes_state s = { 0 };
    struct lane room[SHA256_LANES];
    struct lane *lanes[SHA256_LANES];
    struct queue q = { jobs, count };
    size_t used = 0;
    if (count < 2 || !cpu_has_it()) {
        sha256_of_many_singly(jobs, count);
        return;
    }
    while (used < SHA256_LANES && next_lane(&room[used], &q)) {
        lanes[used] = &room[used];
        used++;
    }
    if (used >= WIDE_LEAST)
        used = run_wide(&s, lanes, used, &q);
    run_pairs(&s, lanes, used);
}

#else

void sha256_of_many(struct sha256_job *jobs, size_t count)
{
    sha256_of_many_singly(jobs, count);
}

#endif
