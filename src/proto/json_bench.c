/* How fast a block becomes JSON, beside SHA-256 of the same bytes in the same
 * run: a config block, a block of transactions, and only the check that comes
 * before (which every reader of a transaction pays). */
#include "bench.h"

#include "crypto/sha256.h"
#include "proto/block.h"
#include "proto/envelope.h"
#include "proto/json.h"
#include "proto/rwset.h"
#include "proto/transaction.h"

enum {
    TOTAL_BYTES = 32 << 20
};

/* Every layer of every transaction, down to its writes. */
static size_t count_writes(const struct block_view *v)
{
    size_t writes = 0;
    for (size_t i = 0; i < v->txs.count; i++) {
        struct envelope_headers h;
        struct chaincode_action action;
        struct tx_rwset_view set;
        struct kv_rwset_view kv;
        struct bytes item;
        if (envelope_headers_parse(v->txs.at[i], &h, NULL) != WEFT_OK ||
            transaction_chaincode_action(h.payload.data, &action, NULL) != WEFT_OK ||
            tx_rwset_parse(action.results, &set, NULL) != WEFT_OK)
            continue;
        while (repeated_next(&set.namespaces, &item))
            if (kv_rwset_parse(ns_rwset_of(item).rwset, &kv, NULL) == WEFT_OK)
                writes += kv.writes.count;
    }
    return writes;
}

static enum weft_code read_file(const char *path, struct buf *ret, struct weft_err *e)
{
    FILE *f = fopen(path, "rbe");
    if (f == NULL)
        return WEFT_FAIL(e, WEFT_IO, "can't open it");
    size_t n = 0;
    while ((n = fread(buf_reserve(ret, 65536), 1, 65536, f)) > 0)
        ret->len += n;
    (void)fclose(f); /* was only read */
    return ret->len > 0 ? WEFT_OK : WEFT_FAIL(e, WEFT_INVALID, "is empty");
}

static enum weft_code bench_block(const char *name, const char *path, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf wire = { 0 };
    WEFT_CLEANUP(buf_done) struct buf out = { 0 };
    WEFT_CLEANUP(block_view_done) struct block_view v = { 0 };
    WEFT_TRY(read_file(path, &wire, e));
    WEFT_ASSERT(wire.len > 0);
    size_t rounds = TOTAL_BYTES / wire.len + 1, writes = 0, sum = 0;
    double start = bench_cpu();
    for (size_t i = 0; i < rounds; i++)
        sum += sha256_of(buf_bytes(&wire)).b[0];
    double sha256 = bench_cpu() - start;

    start = bench_cpu();
    for (size_t i = 0; i < rounds; i++) {
        buf_clear(&out);
        WEFT_TRY(json_block(buf_bytes(&wire), &out, e));
    }
    double json = bench_cpu() - start;

    start = bench_cpu();
    for (size_t i = 0; i < rounds; i++) {
        WEFT_TRY(block_view_parse(&v, buf_bytes(&wire), e));
        writes += count_writes(&v);
    }
    double views = bench_cpu() - start;
    double mb = (double)(rounds * wire.len) / 1e6;
    char remark[160];
    (void)snprintf(remark, sizeof(remark), "%.1f times the time of SHA-256 (%zu KB to %zu KB)",
                   json / sha256, wire.len / 1000, out.len / 1000);
    bench_print(name, mb / json, "MB/s", remark);
    (void)snprintf(remark, sizeof(remark), "%.2f times the time of SHA-256 (%.0f writes, %zu)",
                   views / sha256, (double)writes / (double)rounds, sum % 10);
    bench_print("  all its layers as views", mb / views, "MB/s", remark);
    return WEFT_OK;
}

int main(void)
{
    static const char *const blocks[][2] = {
        { "JSON of a config block", "ledger-small/blocks/0.block" },
        { "JSON of small transactions", "ledger-small/blocks/12.block" },
        { "JSON of range queries", "ledger-small/blocks/21.block" },
    };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(blocks); i++) {
        struct weft_err e = { 0 };
        const char *path = bench_fixture(blocks[i][1]);
        if (path != NULL && bench_block(blocks[i][0], path, &e) != WEFT_OK) {
            (void)fprintf(stderr, "%s: %s\n", path, e.msg);
            return 1;
        }
    }
    return 0;
}
