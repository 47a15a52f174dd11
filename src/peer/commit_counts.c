#include "peer/commit_counts.h"

#include "kvledger/kv_ledger.h"
#include "ops/metrics.h"
#include "proto/block.h"
#include "validation/block_validation.h"
#include "validation/tx_check.h"

enum {
    LABEL_MAX = 128, /* of a chaincode's name and version: more is cut */
};

/* The cell that was last counted into: transactions of a block are much alike. */
struct last_cell {
    struct metric_cell *cell;
    uint8_t code;
    enum header_type type;
    char chaincode[LABEL_MAX];
};

struct commit_counts {
    struct metrics_owner *owner;
    char *channel_id;
    struct metric_cell *ledger_height, *state_height, *validation, *commit, *processing, *storing,
        *block, *state, *whole, *list_missing, *fetch, *purge;
    struct last_cell last;
};

struct commit_counts *commit_counts_new(struct metrics *metrics, const char *channel_id)
{
    struct commit_counts *c = weft_alloc(sizeof(*c));
    struct metrics_owner *o = c->owner = metrics_owner_new(metrics);
    c->channel_id = weft_strdup(channel_id);
    c->ledger_height = METRIC_OF(o, LEDGER_BLOCKCHAIN_HEIGHT, channel_id);
    c->state_height = METRIC_OF(o, GOSSIP_STATE_HEIGHT, channel_id);
    c->validation = METRIC_OF(o, GOSSIP_PRIVDATA_VALIDATION_DURATION, channel_id);
    c->commit = METRIC_OF(o, GOSSIP_PRIVDATA_COMMIT_BLOCK_DURATION, channel_id);
    c->processing = METRIC_OF(o, LEDGER_BLOCK_PROCESSING_TIME, channel_id);
    c->storing = METRIC_OF(o, LEDGER_BLOCKSTORAGE_AND_PVTDATA_COMMIT_TIME, channel_id);
    c->block = METRIC_OF(o, LEDGER_BLOCKSTORAGE_COMMIT_TIME, channel_id);
    c->state = METRIC_OF(o, LEDGER_STATEDB_COMMIT_TIME, channel_id);
    c->list_missing = METRIC_OF(o, GOSSIP_PRIVDATA_LIST_MISSING_DURATION, channel_id);
    c->fetch = METRIC_OF(o, GOSSIP_PRIVDATA_FETCH_DURATION, channel_id);
    c->purge = METRIC_OF(o, GOSSIP_PRIVDATA_PURGE_DURATION, channel_id);
    c->whole = METRIC_OF(o, GOSSIP_STATE_COMMIT_DURATION, channel_id);
    return c;
}

void commit_counts_free(struct commit_counts *c)
{
    if (c == NULL)
        return;
    free(c->channel_id);
    free(c);
}

void commit_counts_height(struct commit_counts *c, uint64_t height)
{
    metric_set(c->ledger_height, (double)height);
    metric_set(c->state_height, (double)height);
}

void commit_counts_validated(struct commit_counts *c, uint64_t took_ns)
{
    metric_observe_ns(c->validation, took_ns);
}

/* Of what the validator refused nothing is known, as in Fabric. */
static bool was_looked_into(uint8_t code)
{
    return code == TX_VALID || code == TX_MVCC_READ_CONFLICT || code == TX_PHANTOM_READ_CONFLICT ||
           code == TX_INVALID_WRITESET;
}

static void count_tx(struct commit_counts *c, const struct tx_check *tx, uint8_t code)
{
    bool known = was_looked_into(code);
    struct last_cell now = { .code = code, .type = known ? tx->type : HEADER_MESSAGE };
    const char *name = tx_validation_code_name(code);
    (void)snprintf(now.chaincode, sizeof(now.chaincode), "unknown");
    if (known && tx->chaincode.len > 0)
        (void)snprintf(now.chaincode, sizeof(now.chaincode), "%.*s:%.*s", (int)tx->chaincode.len,
                       (const char *)tx->chaincode.data, (int)tx->version.len,
                       (const char *)tx->version.data);
    if (c->last.cell == NULL || c->last.code != code || c->last.type != now.type ||
        strcmp(c->last.chaincode, now.chaincode) != 0) {
        const char *type = !known                                    ? "unknown"
                           : now.type == HEADER_ENDORSER_TRANSACTION ? "ENDORSER_TRANSACTION"
                                                                     : "CONFIG";
        now.cell = METRIC_OF(c->owner, LEDGER_TRANSACTION_COUNT, c->channel_id, type, now.chaincode,
                             name != NULL ? name : "unknown");
        c->last = now;
    }
    metric_add(c->last.cell, 1);
}

static void observe_ledger(struct commit_counts *c, const struct kv_commit_times *times)
{
    metric_observe_ns(c->processing, times->validation_ns + times->storage_ns + times->state_ns);
    metric_observe_ns(c->storing, times->storage_ns);
    metric_observe_ns(c->block, times->block_ns);
    metric_observe_ns(c->state, times->state_ns);
}

void commit_counts_first(struct commit_counts *c, const struct kv_commit_times *times)
{
    if (c->owner != NULL)
        count_tx(c, &(struct tx_check){ .type = HEADER_CONFIG }, TX_VALID);
    observe_ledger(c, times);
}

void commit_counts_committed(struct commit_counts *c, const struct block_validation *v,
                             const uint8_t *codes, uint64_t validated_ns, uint64_t committed_ns)
{
    size_t count = block_validation_block(v)->v.txs.count;
    for (size_t i = 0; i < count && c->owner != NULL; i++)
        count_tx(c, block_validation_tx(v, i), codes[i]);
    metric_observe_ns(c->commit, committed_ns);
    metric_observe_ns(c->whole, validated_ns + committed_ns);
}

void commit_counts_times(void *ctx, const struct kv_commit_times *times)
{
    struct commit_counts *c = ctx;
    observe_ledger(c, times);
    metric_observe_ns(c->list_missing, times->fetch_ns);
    if (times->is_lacking)
        metric_observe_ns(c->fetch, 0); /* there are no other peers to ask, which is soon done */
    metric_observe_ns(c->purge, times->purge_ns);
}
