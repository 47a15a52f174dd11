/* From accepted messages to a synced ledger, without signatures of clients and
 * without a network: the cutter alone, then a chain with its ledger on disk, as many
 * messages a turn as come while the last turn was synced, with and without journal. */
#include "orderer/chain.h"

#include "base/log.h"
#include "bench.h"
#include "bundle/bundle.h"
#include "crypto/ecdsa.h"
#include "crypto/sha256.h"
#include "ledger/block_store.h"
#include "net/net_msg.h"
#include "orderer/journal.h"
#include "os/dirs.h"
#include "proto/wire.h"
#include "test_channel.h"

#include <stdio.h>

enum {
    MESSAGE_BYTES = 1000,
    CUTTER_MESSAGES = 2000000,
    REQUESTS = 1 << 12,
};

static struct weft_err e;

static void must(enum weft_code rc)
{
    if (rc != WEFT_OK) {
        (void)fprintf(stderr, "%s\n", e.msg);
        exit(1); /* NOLINT(concurrency-mt-unsafe): no other thread */
    }
}

struct bench {
    struct private_key *key;
    struct bundle *bundle;
    struct net_msg *message;
    struct block_stores *stores;
    struct block_store *store;
    struct chain *chain;
    struct order_request requests[REQUESTS];
    uint64_t answered;
};

/* ---- what a chain needs ------------------------------------------------------------------- */

static enum weft_code dep_nonce(void *ctx, uint8_t ret[BLOCK_WRITER_NONCE], struct weft_err *err)
{
    (void)ctx, (void)err;
    memset(ret, 7, BLOCK_WRITER_NONCE);
    return WEFT_OK;
}

static enum weft_code dep_sign(void *ctx, struct bytes message, struct buf *out,
                               struct weft_err *err)
{
    struct digest d = sha256_of(message);
    return private_key_sign(((struct bench *)ctx)->key, digest_bytes(&d), out, err);
}

static enum weft_code dep_append(void *ctx, const struct block_view *v, struct weft_err *err)
{
    return block_store_append(((struct bench *)ctx)->store, v, BLOCK_APPEND_LATER, err);
}

static enum weft_code dep_sync(void *ctx, struct weft_err *err)
{
    return block_store_sync(((struct bench *)ctx)->store, err);
}

static enum weft_code dep_read(void *ctx, uint64_t number, struct block **ret, struct weft_err *err)
{
    return block_store_read(((struct bench *)ctx)->store, number, ret, err);
}

static void dep_status(void *ctx, const struct consenter_status *s)
{
    (void)ctx, (void)s;
}

static void dep_answer(void *ctx, struct order_request *r)
{
    must(r->rc);
    ((struct bench *)ctx)->answered++;
}

static void dep_timer(void *ctx, uint64_t at_ns)
{
    (void)ctx, (void)at_ns;
}

/* ---- a chain on disk ----------------------------------------------------------------------------- */

static void put_genesis(const struct bench *b)
{
    struct block_view v = { .has_header = true, .has_data = true, .has_metadata = true };
    bytes_list_add(&v.txs, bytes_of_str("genesis"));
    for (size_t i = 0; i < BLOCK_SLOT_NR; i++)
        bytes_list_add(&v.slots, bytes_of(NULL, 0));
    struct digest d = block_data_hash(&v);
    v.data_hash = digest_bytes(&d);
    must(block_store_append(b->store, &v, BLOCK_APPEND_SYNC, &e));
    block_view_done(&v);
}

static void open_chain(struct bench *b, const char *dir, bool with_journal)
{
    struct journal *journal = NULL;
    struct block *first = NULL;
    WEFT_FREE char *path = weft_asprintf("%s/journal", dir);
    must(block_stores_open(dir, LEDGER_ORDERER, &b->stores, &e));
    must(block_store_open(b->stores, "ch", &b->store, &e));
    put_genesis(b);
    must(block_store_read(b->store, 0, &first, &e));
    const struct digest hash = block_header_hash(&first->v);
    if (with_journal)
        must(journal_open(path, &hash, &journal, &e));
    const struct chain_deps deps = {
        .ctx = b,
        .writer = { .ctx = b,
                    .creator = bytes_of_str("us"),
                    .nonce = dep_nonce,
                    .sign = dep_sign,
                    .append = dep_append },
        .sync = dep_sync,
        .read_block = dep_read,
        .status = dep_status,
        .answer = dep_answer,
        .set_timer = dep_timer,
    };
    must(chain_new(
        &(struct chain_config){
            .id = "ch", .bundle = b->bundle, .last = &first->v, .journal = journal },
        &deps, &b->chain, &e));
    must(chain_start(b->chain, 1, &e));
    block_unref(first);
}

static double messages_a_second(struct bench *b, size_t a_turn, bool with_journal)
{
    char *dir = NULL;
    must(dir_make_temporary("weft-chain-bench", &dir, &e));
    open_chain(b, dir, with_journal);
    uint64_t now = 1, before = b->answered;
    double began = bench_now();
    while (bench_now() - began < 1.5) {
        for (size_t i = 0; i < a_turn; i++) {
            b->requests[i] = (struct order_request){ .envelope = b->message };
            chain_order(b->chain, &b->requests[i], now);
        }
        must(chain_end_turn(b->chain, ++now, &e));
    }
    double took = bench_now() - began;
    chain_free(b->chain);
    block_store_close(b->store);
    block_stores_close(b->stores);
    must(dir_remove_tree(dir, &e));
    free(dir);
    return (double)(b->answered - before) / took;
}

static void set_batch(struct bench *b, struct test_channel *c, uint64_t messages)
{
    WEFT_CLEANUP(buf_done) struct buf size = { 0 };
    wire_put_varint(&size, 1, messages);
    wire_put_varint(&size, 2, 10 << 20);
    wire_put_varint(&size, 3, 2 << 20);
    test_channel_set(c, "Orderer", "BatchSize", buf_bytes(&size));
    bundle_unref(b->bundle);
    b->bundle = NULL;
    must(bundle_new("ch", 0, test_channel_bytes(c), &b->bundle, &e));
}

/* ---- the cutter ------------------------------------------------------------------------------------ */

static void bench_cutter(struct net_msg *message)
{
    struct block_cutter c;
    block_cutter_init(&c);
    block_cutter_configure(&c, 500, 2 << 20);
    double began = bench_now();
    for (uint64_t i = 0; i < CUTTER_MESSAGES; i++) {
        struct ordered_message m;
        struct batch cut[BLOCK_CUTTER_BATCHES];
        must(ordered_message_of(message, &m, &e));
        size_t n = block_cutter_add(&c, m, i, cut);
        for (size_t k = 0; k < n; k++)
            batch_done(&cut[k]);
    }
    bench_print("cutter, 500 a block", CUTTER_MESSAGES / (bench_now() - began) / 1e6,
                "M messages/s", NULL);
    block_cutter_done(&c);
}

static struct net_msg *make_message(void)
{
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    WEFT_FREE uint8_t *payload = weft_alloc(MESSAGE_BYTES);
    wire_put_bytes(&b, 1, bytes_of(payload, MESSAGE_BYTES - 80));
    wire_put_bytes(&b, 2, bytes_of(payload, 72));
    return net_msg_copy(buf_bytes(&b));
}

int main(void)
{
    static const size_t turns[] = { 1, 16, 256 };
    struct bench *b = weft_alloc(sizeof(*b));
    struct test_channel *c = test_channel_new();
    must(log_set_spec("panic", &e));
    must(private_key_generate(EC_CURVE_P256, &b->key, &e));
    b->message = make_message();
    bench_cutter(b->message);
    for (int size = 0; size < 2; size++) {
        set_batch(b, c, size == 0 ? 500 : 10);
        for (size_t i = 0; i < WEFT_ARRAY_LEN(turns); i++) {
            double with = messages_a_second(b, turns[i], true);
            double without = messages_a_second(b, turns[i], false);
            WEFT_FREE char *name = weft_asprintf("1 KB messages, %d a block, %zu a turn",
                                                 size == 0 ? 500 : 10, turns[i]);
            WEFT_FREE char *remark =
                weft_asprintf("%.0f without journal: %.2f of it", without, with / without);
            bench_print(name, with, "messages/s", remark);
        }
    }
    net_msg_unref(b->message);
    bundle_unref(b->bundle);
    test_channel_free(c);
    private_key_unref(b->key);
    free(b);
    return 0;
}
