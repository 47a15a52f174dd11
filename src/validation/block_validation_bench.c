/* What it costs to find out about a block ahead of its turn, and to decide it: blocks of 100
 * transactions of 4.2 kB with two endorsements each, three signatures in all, in CPU a
 * transaction; in turns with it three bare signature checks, as OpenSSL does them.  The goal is
 * 0.6 of those.  kv_ledger_bench does the same with a real chain, and commits it. */
#include "validation/block_validation.h"

#include "bench.h"
#include "crypto/ecdsa.h"
#include "crypto/key_tables.h"
#include "proto/block.h"
#include "validation/tx_validator.h"
#include "validation_world.h"

#include <stdio.h>

enum {
    TXS = 100,
    VALUE = 1400, /* three of them: 4.2 kB */
    BLOCKS = 20,
    TURNS = 10,
    CHECKS = 3 * TXS,
};

struct bare {
    struct private_key *key;
    struct digest digest;
    struct buf der;
    struct ecdsa_signature signature; /* lies in der */
};

static void bare_init(struct bare *b)
{
    *b = (struct bare){ .digest = sha256_of(bytes_of_str("message")) };
    if (private_key_generate(EC_CURVE_P256, &b->key, NULL) != WEFT_OK ||
        private_key_sign(b->key, digest_bytes(&b->digest), &b->der, NULL) != WEFT_OK ||
        ecdsa_signature_parse(buf_bytes(&b->der), &b->signature, NULL) != WEFT_OK)
        WEFT_ASSERT(false);
}

static double time_bare(const struct bare *b)
{
    double t = bench_cpu();
    for (int i = 0; i < CHECKS; i++)
        if (!ecdsa_verify_plain(private_key_public(b->key), digest_bytes(&b->digest),
                                &b->signature))
            WEFT_ASSERT(false);
    return bench_cpu() - t;
}

static struct block *make_block(struct vworld *w)
{
    WEFT_FREE char *value = weft_alloc(VALUE + 1);
    struct buf *envelopes = weft_alloc(TXS * sizeof(*envelopes));
    struct block_view v = { .has_header = true, .has_data = true, .number = w->next_block++ };
    WEFT_CLEANUP(buf_done) struct buf wire = { 0 };
    struct block *b = NULL;
    memset(value, 'x', VALUE);
    for (size_t i = 0; i < TXS; i++) {
        struct rwset_maker m = { 0 };
        WEFT_CLEANUP(buf_done) struct buf results = { 0 };
        WEFT_FREE char *key = weft_asprintf("key%zu", i);
        rwset_namespace(&m, "asset");
        rwset_read(&m, bytes_of_str(key), NULL);
        rwset_write(&m, bytes_of_str(key), bytes_of_str(value));
        rwset_end(&m, &results);
        tx_make(&(struct tx_order){ .channel = "ch",
                                    .chaincode = "asset",
                                    .creator = w->client,
                                    .results = buf_bytes(&results),
                                    .signed_by = { { w->peer1, SIGNED_WELL },
                                                   { w->peer2, SIGNED_WELL } },
                                    .signers = 2 },
                &w->rand, &envelopes[i]);
        bytes_list_add(&v.txs, buf_bytes(&envelopes[i]));
    }
    block_encode(&v, &wire);
    block_view_done(&v);
    if (block_parse(buf_bytes(&wire), &b, NULL) != WEFT_OK)
        WEFT_ASSERT(false);
    for (size_t i = 0; i < TXS; i++)
        buf_done(&envelopes[i]);
    free(envelopes);
    return b;
}

struct times {
    double ahead, decide, bare;
};

static void time_block(struct vworld *w, struct block *b, struct validation_lane *lane,
                       struct tx_validator *tv, struct times *t)
{
    uint8_t codes[TXS];
    double start = bench_cpu();
    struct block_validation *v = block_validation_new(b, w->bundle);
    block_validation_run_all(v, lane);
    double found = bench_cpu();
    if (tx_validator_decide(tv, v, map_state_view(w->state), codes, NULL) != WEFT_OK)
        WEFT_ASSERT(false);
    block_validation_free(v);
    t->ahead += found - start;
    t->decide += bench_cpu() - found;
    for (size_t i = 0; i < TXS; i++)
        WEFT_ASSERT(codes[i] == 0);
}

static void print_part(const char *name, double seconds, double bare, const char *remark)
{
    WEFT_FREE char *ratio = weft_asprintf("%.2f of three bare checks%s", seconds / bare, remark);
    bench_print(name, seconds / (TURNS * BLOCKS * TXS) * 1e6, "us", ratio);
}

static void measure(struct vworld *w, struct block **blocks, struct key_tables *tables,
                    const struct bare *bare, const char *remark)
{
    WEFT_CLEANUP(validation_lane_free)
    struct validation_lane *lane = validation_lane_new(tables, 100);
    WEFT_CLEANUP(tx_validator_free)
    struct tx_validator *tv = tx_validator_new(&(struct tx_validator_deps){ 0 });
    struct times t = { 0 };
    for (int turn = 0; turn < TURNS; turn++)
        for (int i = 0; i < BLOCKS; i++) {
            time_block(w, blocks[i], lane, tv, &t);
            t.bare += time_bare(bare);
        }
    print_part("a transaction, ahead of its turn", t.ahead, t.bare, remark);
    print_part("a transaction, decided", t.decide, t.bare, remark);
    print_part("both", t.ahead + t.decide, t.bare, remark);
}

int main(void)
{
    struct vworld w;
    struct bare bare;
    struct block *blocks[BLOCKS];
    vworld_init(&w, "V2_0");
    vworld_define(&w, "asset", "AND('Org1MSP.peer','Org2MSP.peer')", NULL);
    for (int i = 0; i < BLOCKS; i++)
        blocks[i] = make_block(&w);
    bare_init(&bare);
    struct key_tables *tables =
        key_tables_new(&(struct key_tables_config){ .budget_bytes = KEY_TABLES_BUDGET_DEFAULT });
    bench_print("a transaction's bytes", (double)blocks[0]->v.txs.at[0].len, "bytes", NULL);
    measure(&w, blocks, NULL, &bare, ", no tables of keys");
    measure(&w, blocks, tables, &bare, "");
    for (int i = 0; i < BLOCKS; i++)
        block_unref(blocks[i]);
    key_tables_free(tables);
    private_key_unref(bare.key);
    buf_done(&bare.der);
    vworld_done(&w);
    return 0;
}
