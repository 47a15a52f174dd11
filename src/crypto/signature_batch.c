#include "crypto/signature_batch.h"

#include "crypto/ecdsa.h"
#include "crypto/key_tables.h"
#include "crypto/p256_fast.h"
#include "os/jobs.h"

enum {
    GRAIN = 64,       /* checks a worker takes at a time */
    WORKERS_MAX = 64, /* that work on one batch */
};

struct item {
    struct public_key *key;
    enum signature_verdict verdict;
    uint8_t digest_len, r_len, s_len;
    uint8_t digest[ECDSA_DIGEST_MAX], r[ECDSA_SCALAR_MAX], s[ECDSA_SCALAR_MAX];
    enum signature_verdict *ret;
};

struct part {
    struct job job;
    struct signature_batch *batch;
};

struct signature_batch {
    struct key_tables *tables;
    struct item *items;
    size_t count, cap;

    /* While the pool has it. */
    struct mail mail;
    struct signature_waiter *waiter;
    struct part *parts;
    _Atomic size_t next; /* first item that no worker has taken */
    _Atomic size_t parts_out;
};

struct signature_batch *signature_batch_new(struct key_tables *tables)
{
    struct signature_batch *b = weft_alloc(sizeof(*b));
    b->tables = tables;
    return b;
}

static void empty_batch(struct signature_batch *b)
{
    for (size_t i = 0; i < b->count; i++)
        public_key_unref(b->items[i].key);
    b->count = 0;
    free(b->parts);
    b->parts = NULL;
}

void signature_batch_free(struct signature_batch *b)
{
    if (b == NULL)
        return;
    empty_batch(b);
    free(b->items);
    free(b);
}

/* A number longer than any order is no scalar: 0 says so. */
static uint8_t keep_scalar(uint8_t *room, struct bytes v)
{
    if (v.len > ECDSA_SCALAR_MAX)
        return 0;
    memcpy(room, v.data, v.len);
    return (uint8_t)v.len;
}

static void fill(struct item *it, struct public_key *key, struct bytes digest,
                 struct bytes signature)
{
    struct ecdsa_signature sig;
    it->key = key;
    it->verdict = SIGNATURE_UNCHECKED;
    if (ecdsa_signature_parse(signature, &sig, NULL) != WEFT_OK) {
        it->verdict = SIGNATURE_MALFORMED;
        return;
    }
    /* No hash in use is longer than this. */
    it->digest_len = (uint8_t)(digest.len < ECDSA_DIGEST_MAX ? digest.len : ECDSA_DIGEST_MAX);
    if (digest.len > 0)
        memcpy(it->digest, digest.data, it->digest_len);
    it->r_len = keep_scalar(it->r, sig.r);
    it->s_len = keep_scalar(it->s, sig.s);
    if (it->r_len == 0 || it->s_len == 0)
        it->verdict = SIGNATURE_BAD;
}

void signature_batch_add(struct signature_batch *b, struct public_key *key, struct bytes digest,
                         struct bytes signature, enum signature_verdict *ret_verdict)
{
    if (b->count == b->cap) {
        b->cap = b->cap > 0 ? 2 * b->cap : 16;
        b->items = weft_realloc(b->items, b->cap * sizeof(*b->items));
    }
    struct item *it = &b->items[b->count++];
    fill(it, public_key_ref(key), digest, signature);
    it->ret = ret_verdict;
    *ret_verdict = SIGNATURE_UNCHECKED;
}

size_t signature_batch_count(const struct signature_batch *b)
{
    return b->count;
}

static void check_plain(struct item *it)
{
    struct ecdsa_signature sig = { bytes_of(it->r, it->r_len), bytes_of(it->s, it->s_len) };
    bool good = ecdsa_verify_plain(it->key, bytes_of(it->digest, it->digest_len), &sig);
    it->verdict = good ? SIGNATURE_GOOD : SIGNATURE_BAD;
}

/* How many items from here on have the same key, so that its table is
 * borrowed once. */
static unsigned run_length(const struct item *items, size_t count)
{
    unsigned n = 1;
    while (n < count && items[n].key == items[0].key)
        n++;
    return n;
}

/* Those of P-256 together, the others one by one. */
static void check_grain(struct key_tables *tables, struct item *items, size_t count)
{
    struct p256_check checks[GRAIN];
    struct item *checked[GRAIN];
    struct key_lease leases[GRAIN];
    size_t n = 0, lease_count = 0;
    WEFT_ASSERT(count <= GRAIN);

    for (size_t i = 0; i < count;) {
        unsigned run = run_length(items + i, count - i);
        bool fast =
            key_tables_fast(tables) != NULL && public_key_curve(items[i].key) == EC_CURVE_P256;
        struct key_lease lease = key_tables_borrow(tables, items[i].key, run);
        if (lease.table != NULL)
            leases[lease_count++] = lease;
        for (unsigned j = 0; j < run; j++, i++) {
            struct item *it = &items[i];
            if (it->verdict != SIGNATURE_UNCHECKED)
                continue;
            if (!fast) {
                check_plain(it);
                continue;
            }
            checked[n] = it;
            checks[n++] = (struct p256_check){ .table = lease.table,
                                               .point = public_key_point(it->key),
                                               .digest = bytes_of(it->digest, it->digest_len),
                                               .r = bytes_of(it->r, it->r_len),
                                               .s = bytes_of(it->s, it->s_len) };
        }
    }
    if (n > 0)
        p256_fast_check(key_tables_fast(tables), checks, n);
    for (size_t i = 0; i < n; i++) {
        if (checks[i].outcome == P256_FAILED)
            check_plain(checked[i]);
        else
            checked[i]->verdict =
                p256_outcome_is_good(checks[i].outcome) ? SIGNATURE_GOOD : SIGNATURE_BAD;
    }
    for (size_t i = 0; i < lease_count; i++)
        key_tables_return(tables, leases[i]);
}

/* Takes grains until there is none left; several threads may do so at once. */
static void work(struct signature_batch *b)
{
    for (;;) {
        size_t from = atomic_fetch_add(&b->next, GRAIN);
        if (from >= b->count)
            return;
        size_t n = b->count - from < GRAIN ? b->count - from : GRAIN;
        check_grain(b->tables, b->items + from, n);
    }
}

static void give_verdicts(struct signature_batch *b)
{
    for (size_t i = 0; i < b->count; i++)
        *b->items[i].ret = b->items[i].verdict;
    empty_batch(b);
}

void signature_batch_check(struct signature_batch *b)
{
    atomic_store(&b->next, 0);
    work(b);
    give_verdicts(b);
}

static void handle_done(struct mail *m, void *owner)
{
    struct signature_batch *b = WEFT_CONTAINER_OF(m, struct signature_batch, mail);
    give_verdicts(b);
    b->waiter->done(b->waiter, b, owner);
}

static void drop_done(struct mail *m)
{
    struct signature_batch *b = WEFT_CONTAINER_OF(m, struct signature_batch, mail);
    b->waiter->drop(b->waiter);
    signature_batch_free(b);
}

/* The last to finish sends the batch home. */
static void finish_part(struct signature_batch *b)
{
    if (atomic_fetch_sub(&b->parts_out, 1) == 1 && !mailbox_put(b->waiter->back, &b->mail))
        drop_done(&b->mail);
}

static void run_part(struct job *j)
{
    struct part *part = WEFT_CONTAINER_OF(j, struct part, job);
    struct signature_batch *b = part->batch;
    work(b);
    finish_part(b);
}

bool signature_batch_submit(struct signature_batch *b, struct jobs *pool,
                            struct signature_waiter *waiter)
{
    size_t wanted = (b->count + GRAIN - 1) / GRAIN;
    wanted = wanted < jobs_threads(pool) ? wanted : jobs_threads(pool);
    wanted = wanted < WORKERS_MAX ? wanted : WORKERS_MAX;
    wanted = wanted > 0 ? wanted : 1;
    b->mail = (struct mail){ .handle = handle_done, .drop = drop_done };
    b->waiter = waiter;
    b->parts = weft_alloc(wanted * sizeof(*b->parts));
    atomic_store(&b->next, 0);
    atomic_store(&b->parts_out, 1); /* this call's own, until it has asked all */

    size_t taken = 0;
    for (; taken < wanted; taken++) {
        struct part *part = &b->parts[taken];
        *part = (struct part){ .job = { .run = run_part }, .batch = b };
        (void)atomic_fetch_add(&b->parts_out, 1);
        if (!jobs_submit(pool, &part->job)) {
            (void)atomic_fetch_sub(&b->parts_out, 1);
            break;
        }
    }
    if (taken == 0) {
        free(b->parts);
        b->parts = NULL;
        return false;
    }
    finish_part(b);
    return true;
}

enum signature_verdict signature_check(struct key_tables *tables, struct public_key *key,
                                       struct bytes digest, struct bytes signature)
{
    struct item it;
    it.digest_len = 0;
    fill(&it, key, digest, signature);
    check_grain(tables, &it, 1);
    return it.verdict;
}
