/* Blocks of any transactions that a validator let through, one after the other: read, held
 * against the state, made into updates and a commit hash, and laid over the state.
 *
 *     input   items { kind, length (2 bytes, low one first), bytes }
 *             kind 0: the read-write set of a transaction    1: an envelope    2: the block ends
 *
 * What is compared: the commit hash with the one that commit_hash_check makes of the block
 * alone; the state after it with a range query of all that is there. */
#include "kvledger/kv_ledger_channel.h"
#include "ledger/commit_hash_check.h"
#include "proto/block.h"
#include "state/range_check.h"

#include "coll_state.h"

enum {
    TXS_MAX = 8,
    BLOCKS_MAX = 6,
};

struct run {
    struct coll_state state;
    struct update_batch *updates;
    struct mvcc *mvcc;
    struct commit_hash_check *check;
    struct digest hash;
    uint64_t number;
    struct buf envelopes[TXS_MAX];
    size_t count;
};

/* ---- envelopes ------------------------------------------------------------------------------- */

static void wrap(struct buf *b, uint32_t number)
{
    struct buf out = { 0 };
    wire_put_bytes(&out, number, buf_bytes(b));
    buf_done(b);
    *b = out;
}

/* Envelope { Payload { headers, Transaction { action { ... ChaincodeAction { results } } } } } */
static void put_envelope(struct bytes results, struct buf *out)
{
    WEFT_CLEANUP(buf_done) struct buf header = { 0 };
    WEFT_CLEANUP(buf_done) struct buf channel = { 0 };
    struct buf data = { 0 }, payload = { 0 };
    wire_put_varint(&channel, 1, HEADER_ENDORSER_TRANSACTION);
    wire_put_bytes(&channel, 4, bytes_of_str("ch"));
    wire_put_bytes(&header, 1, buf_bytes(&channel));
    wire_put_bytes(&header, 2, bytes_of(NULL, 0));
    wire_put_bytes(&data, 1, results); /* ChaincodeAction */
    wrap(&data, 2);                    /* ProposalResponsePayload.extension */
    wrap(&data, 1);                    /* ChaincodeEndorsedAction.proposal_response_payload */
    wrap(&data, 2);                    /* ChaincodeActionPayload.action */
    wrap(&data, 2);                    /* TransactionAction.payload */
    wrap(&data, 1);                    /* Transaction.actions */
    wire_put_bytes(&payload, 1, buf_bytes(&header));
    wire_put_bytes(&payload, 2, buf_bytes(&data));
    wire_put_bytes(out, 1, buf_bytes(&payload));
    buf_done(&data);
    buf_done(&payload);
}

/* ---- a block ----------------------------------------------------------------------------------- */

/* All public keys of a namespace, read as a chaincode would, are what they are. */
static void check_range(const struct state_reader *state, struct bytes ns)
{
    WEFT_CLEANUP(buf_done) struct buf reads = { 0 };
    WEFT_CLEANUP(state_scan_free) struct state_scan *s = NULL;
    struct range_query q = { .exhausted = true, .kind = RANGE_QUERY_RAW };
    struct bytes empty = bytes_of(NULL, 0), key;
    struct state_value v;
    bool found = false, same = false;
    WEFT_ASSERT(state_reader_scan(state, ns, empty, empty, &s, NULL) == WEFT_OK);
    for (;;) {
        WEFT_CLEANUP(buf_done) struct buf one = { 0 };
        WEFT_CLEANUP(buf_done) struct buf version = { 0 };
        WEFT_ASSERT(state_scan_next(s, &found, &key, &v, NULL) == WEFT_OK);
        if (!found)
            break;
        wire_put_varint(&version, 1, v.version.block);
        wire_put_varint(&version, 2, v.version.tx);
        wire_put_bytes(&one, 1, key);
        wire_put_bytes(&one, 2, buf_bytes(&version));
        wire_put_bytes(&reads, 1, buf_bytes(&one));
    }
    q.raw_reads = repeated_of(buf_bytes(&reads), 1);
    WEFT_ASSERT(range_check(state, ns, &q, &same, NULL) == WEFT_OK);
    WEFT_ASSERT(same);
}

static void judge(struct run *r, const struct block_txs *txs, uint8_t *codes)
{
    for (size_t i = 0; i < txs->count; i++) {
        enum tx_validation_code code = TX_VALID;
        const struct tx_check *tx = block_txs_at(txs, i);
        if (codes[i] != TX_VALID)
            continue;
        WEFT_ASSERT(mvcc_check(&r->state.reader, r->updates, tx, &code, NULL) == WEFT_OK);
        codes[i] = (uint8_t)code;
        if (code == TX_VALID)
            WEFT_ASSERT(mvcc_apply(r->mvcc, &r->state.reader, r->updates, tx,
                                   (struct state_version){ r->number, i }, NULL) == WEFT_OK);
    }
}

static void check_updates(const struct run *r, size_t txs)
{
    for (size_t i = 0; i < r->updates->count; i++)
        for (size_t j = 0; j < r->updates->spaces[i]->count; j++) {
            const struct update *u = r->updates->spaces[i]->updates[j];
            WEFT_ASSERT(u->value.version.block == r->number && u->value.version.tx < txs);
            WEFT_ASSERT(j == 0 ||
                        bytes_cmp(r->updates->spaces[i]->updates[j - 1]->key, u->key) < 0);
        }
}

/* Slots 2 and 4, as the peer's file has them. */
static void check_hash(struct run *r, struct block_view *v, struct bytes codes)
{
    WEFT_CLEANUP(buf_done) struct buf slot = { 0 };
    struct bytes slots[BLOCK_SLOT_NR] = { 0 };
    r->hash = commit_hash_of(codes, r->updates, r->number > 1 ? &r->hash : NULL);
    wire_put_bytes(&slot, 1, digest_bytes(&r->hash));
    slots[BLOCK_SLOT_FLAGS] = codes;
    slots[BLOCK_SLOT_COMMIT_HASH] = buf_bytes(&slot);
    v->slots = (struct bytes_list){ slots, BLOCK_SLOT_NR, BLOCK_SLOT_NR };
    WEFT_ASSERT(commit_hash_check_block(r->check, v, NULL) == WEFT_OK);
}

static void end_block(struct run *r)
{
    WEFT_CLEANUP(block_txs_done) struct block_txs txs = { 0 };
    WEFT_FREE uint8_t *codes = NULL;
    static const uint8_t all_valid[TXS_MAX];
    struct bytes data[TXS_MAX], slots[BLOCK_SLOT_NR] = { 0 };
    struct block_view v = { .number = r->number, .txs = { data, r->count, TXS_MAX } };
    for (size_t i = 0; i < r->count; i++)
        data[i] = buf_bytes(&r->envelopes[i]);
    slots[BLOCK_SLOT_FLAGS] = bytes_of(all_valid, r->count);
    v.slots = (struct bytes_list){ slots, BLOCK_SLOT_NR, BLOCK_SLOT_NR };
    WEFT_ASSERT(block_txs_read(&txs, &v, &codes, NULL) == WEFT_OK);
    update_batch_clear(r->updates);
    judge(r, &txs, codes);
    check_hash(r, &v, bytes_of(codes, r->count));
    check_updates(r, r->count);
    update_batch_add_all(r->state.updates, r->updates);
    for (size_t i = 0; i < r->updates->count; i++)
        check_range(&r->state.reader, r->updates->spaces[i]->ns);
    for (size_t i = 0; i < r->count; i++)
        buf_done(&r->envelopes[i]);
    memset(r->envelopes, 0, sizeof(r->envelopes));
    r->count = 0;
    r->number++;
}

static bool take_item(struct run *r, struct bytes *in)
{
    if (in->len < 3 || r->number > BLOCKS_MAX)
        return false;
    unsigned kind = in->data[0] % 3;
    size_t len = in->data[1] | (size_t)in->data[2] << 8;
    *in = bytes_skip(*in, 3);
    struct bytes item = bytes_of(in->data, len < in->len ? len : in->len);
    *in = bytes_skip(*in, item.len);
    if (kind == 2 || r->count == TXS_MAX)
        end_block(r);
    if (kind == 0)
        put_envelope(item, &r->envelopes[r->count++]);
    else if (kind == 1)
        buf_put(&r->envelopes[r->count++], item);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = bytes_of(data, size);
    struct run r = { .updates = update_batch_new(),
                     .mvcc = mvcc_new(),
                     .check = commit_hash_check_new(),
                     .number = 1 };
    coll_state_init(&r.state);
    while (take_item(&r, &in))
        continue;
    end_block(&r);
    coll_state_done(&r.state);
    commit_hash_check_free(r.check);
    mvcc_free(r.mvcc);
    update_batch_free(r.updates);
    return 0;
}
