/* How long a peer's ledger takes to validate and commit the bulk chain, on one thread: what
 * can be done ahead of a block's turn, what has to be decided in order, commit and sync.  In
 * turns with it three bare signature checks a transaction, as OpenSSL does them.
 *
 *     kv_ledger_bench [FOLDER [blocks a sync]]     an orderer's, with chains/bulk below it
 *
 * The bulk chain has blocks of 100 transactions of 4.2 kB, two endorsements each. */
#include "kvledger/kv_ledger.h"

#include "base/log.h"
#include "bench.h"
#include "bundle/bundle.h"
#include "crypto/ecdsa.h"
#include "crypto/key_tables.h"
#include "crypto/sha256.h"
#include "os/dirs.h"
#include "proto/block.h"
#include "validation/block_validation.h"
#include "validation/config_apply.h"
#include "validation/tx_validator.h"

#include <stdio.h>

struct times {
    double ahead, decide, commit, sync, bare;
    uint64_t txs, valid, bare_txs;
};

struct bench {
    struct block_stores *stores;
    struct block_store *source;
    struct kv_ledgers *all;
    struct kv_ledger *ledger;
    struct bundle *bundle;
    struct key_tables *tables;
    struct validation_lane *lane;
    struct tx_validator *validator;
    struct private_key *key; /* for the bare checks */
    struct digest digest;
    struct buf signature;
    struct times t;
};

enum {
    CHECKS_A_TX = 3,
    BARE_EVERY = 8, /* blocks */
    GROUP = 16,     /* blocks a sync */
};

static enum weft_code make_signature(struct bench *w, struct weft_err *e)
{
    w->digest = sha256_of(bytes_of_str("bench"));
    WEFT_TRY(private_key_generate(EC_CURVE_P256, &w->key, e));
    return private_key_sign(w->key, digest_bytes(&w->digest), &w->signature, e);
}

/* Three checks for each transaction of every eighth block. */
static enum weft_code check_bare(struct bench *w, const struct block *b, struct weft_err *e)
{
    struct ecdsa_signature sig;
    if (b->v.number % BARE_EVERY != 0)
        return WEFT_OK;
    WEFT_TRY(ecdsa_signature_parse(buf_bytes(&w->signature), &sig, e));
    double start = bench_cpu();
    for (size_t i = 0; i < CHECKS_A_TX * b->v.txs.count; i++)
        if (!ecdsa_verify_plain(private_key_public(w->key), digest_bytes(&w->digest), &sig))
            return WEFT_FAIL(e, WEFT_INVALID, "a bare check failed");
    w->t.bare += bench_cpu() - start;
    w->t.bare_txs += b->v.txs.count;
    return WEFT_OK;
}

static enum weft_code apply_config(void *ctx, const struct block *b, size_t tx, struct weft_err *e)
{
    struct bench *w = ctx;
    struct bundle *next = NULL;
    WEFT_TRY(config_apply(w->bundle, b->v.txs.at[tx], &next, e));
    bundle_unref(w->bundle);
    w->bundle = next;
    return WEFT_OK;
}

static enum weft_code take_first(struct bench *w, struct block *b, struct weft_err *e)
{
    WEFT_CLEANUP(block_unref) struct block *flagged = NULL;
    WEFT_CLEANUP(buf_done) struct buf wire = { 0 };
    struct bytes slots[BLOCK_SLOT_NR] = { [BLOCK_SLOT_FLAGS] = bytes_of("", 1) };
    struct block_view v = b->v;
    v.slots = (struct bytes_list){ slots, BLOCK_SLOT_NR, BLOCK_SLOT_NR };
    block_encode(&v, &wire);
    WEFT_TRY(block_parse(buf_bytes(&wire), &flagged, e));
    WEFT_TRY(bundle_of_block(&b->v, &w->bundle, e));
    return kv_ledgers_create(w->all, flagged, &w->ledger, e);
}

static enum weft_code take(struct bench *w, struct block *b, uint64_t group, struct weft_err *e)
{
    if (w->ledger == NULL)
        return take_first(w, b, e);
    size_t count = b->v.txs.count;
    double start = bench_cpu();
    WEFT_FREE uint8_t *codes = weft_alloc(count + 1);
    WEFT_CLEANUP(block_validation_free)
    struct block_validation *v = block_validation_new(b, w->bundle);
    block_validation_run_all(v, w->lane);
    double ahead = bench_cpu();
    WEFT_TRY(tx_validator_decide(w->validator, v, kv_ledger_validation_state(w->ledger), codes, e));
    double decided = bench_cpu();
    WEFT_TRY(kv_ledger_commit(w->ledger, v, codes, NULL, 0, e));
    double committed = bench_cpu();
    if (b->v.number % group == 0)
        WEFT_TRY(kv_ledger_sync(w->ledger, e));
    w->t.ahead += ahead - start;
    w->t.decide += decided - ahead;
    w->t.commit += committed - decided;
    w->t.sync += bench_cpu() - committed;
    w->t.txs += count;
    for (size_t i = 0; i < count; i++)
        w->t.valid += codes[i] == 0 ? 1 : 0;
    return WEFT_OK;
}

static enum weft_code run(struct bench *w, const char *from, const char *to, uint64_t group,
                          struct weft_err *e)
{
    struct kv_ledgers_config config = { .mspid = "Org1MSP", .history = true };
    WEFT_TRY(make_signature(w, e));
    WEFT_TRY(block_stores_open(from, LEDGER_ORDERER, &w->stores, e));
    WEFT_TRY(block_store_open(w->stores, "bulk", &w->source, e));
    WEFT_TRY(kv_ledgers_open(to, &config, &w->all, e));
    w->tables =
        key_tables_new(&(struct key_tables_config){ .budget_bytes = KEY_TABLES_BUDGET_DEFAULT });
    w->lane = validation_lane_new(w->tables, 64);
    w->validator = tx_validator_new(&(struct tx_validator_deps){ w, apply_config, NULL });
    WEFT_CLEANUP(block_iter_free) struct block_iter *it = block_iter_new(w->source, 0);
    for (;;) {
        WEFT_CLEANUP(block_unref) struct block *b = NULL;
        WEFT_TRY(block_iter_next(it, &b, e));
        if (b == NULL)
            return w->ledger != NULL ? kv_ledger_sync(w->ledger, e) : WEFT_OK;
        WEFT_TRY(take(w, b, group, e));
        WEFT_TRY(check_bare(w, b, e));
    }
}

static void finish(struct bench *w)
{
    kv_ledger_close(w->ledger);
    kv_ledgers_close(w->all);
    tx_validator_free(w->validator);
    validation_lane_free(w->lane);
    key_tables_free(w->tables);
    bundle_unref(w->bundle);
    private_key_unref(w->key);
    buf_done(&w->signature);
    block_store_close(w->source);
    block_stores_close(w->stores);
}

static void print(const struct times *t)
{
    double txs = (double)t->txs;
    double in_order = t->decide + t->commit + t->sync, all = in_order + t->ahead;
    double bare = t->bare / (double)t->bare_txs;
    WEFT_FREE char *remark = weft_asprintf("goal 0.6; three checks take %.1f us", bare * 1e6);
    bench_print("ahead (structure, hashes, signatures)", t->ahead / txs * 1e6, "us CPU/tx", NULL);
    bench_print("decided in order", t->decide / txs * 1e6, "us CPU/tx", NULL);
    bench_print("committed", t->commit / txs * 1e6, "us CPU/tx", NULL);
    bench_print("synced", t->sync / txs * 1e6, "us CPU/tx", NULL);
    bench_print("all of it / three bare checks", all / txs / bare, "x", remark);
    bench_print("of it in order", 100 * in_order / all, "%", NULL);
    bench_print("on one thread", txs / all, "tx/s", "of CPU");
    bench_print("memory, at most", bench_rss_peak_mb(), "MB", "goal 128");
    bench_print("transactions found valid", (double)t->valid, "", NULL);
}

static enum weft_code bench(const char *from, uint64_t group, struct weft_err *e)
{
    struct bench w = { 0 };
    WEFT_FREE char *to = NULL;
    WEFT_TRY(dir_make_temporary("weft-bench", &to, e));
    enum weft_code rc = run(&w, from, to, group, e);
    finish(&w);
    WEFT_IGNORE(dir_remove_tree(to, NULL));
    if (rc == WEFT_OK)
        print(&w.t);
    return rc;
}

static enum weft_code bench_packed(const char *packed, struct weft_err *e)
{
    WEFT_FREE char *dir = NULL;
    WEFT_TRY(dir_make_temporary("weft-bench", &dir, e));
    WEFT_FREE char *from = weft_asprintf("%s/orderer/data", dir);
    enum weft_code rc = bench_unpack(packed, dir)
                            ? bench(from, GROUP, e)
                            : WEFT_FAIL(e, WEFT_IO, "can't unpack the bulk chain");
    WEFT_IGNORE(dir_remove_tree(dir, NULL));
    return rc;
}

int main(int argc, char **argv)
{
    struct weft_err e = { 0 };
    enum weft_code rc = WEFT_OK;
    WEFT_IGNORE(log_set_spec("error", NULL));
    if (argc > 1) {
        unsigned long group = argc > 2 ? strtoul(argv[2], NULL, 10) : GROUP;
        rc = bench(argv[1], group > 0 ? group : 1, &e);
    } else {
        const char *packed = bench_fixture("bulk/bulk.tar.zst");
        rc = packed != NULL ? bench_packed(packed, &e) : WEFT_OK;
    }
    if (rc != WEFT_OK)
        (void)fprintf(stderr, "%s\n", e.msg);
    return rc == WEFT_OK ? 0 : 1;
}
