#include "ledger/block_index.h"

#include "base/log.h"
#include "base/varint.h"
#include "ledger/order_key.h"
#include "proto/envelope.h"
#include "proto/wire.h"

LOG_DEFINE(logger, "blkstorage");

enum {
    PREFETCH_TXS = 2 /* so far ahead an envelope's headers are fetched: a third of the work here */
};

static const char checkpoint_key[] = "indexCheckpointKey";

const char *block_index_format(enum block_index_kind kind)
{
    return kind == BLOCK_INDEX_PEER ? "2.0" : "";
}

/* ---- values ----------------------------------------------------------------- */

void block_loc_encode(const struct block_loc *loc, struct buf *out)
{
    buf_put_uvarint(out, loc->file);
    buf_put_uvarint(out, loc->offset);
    buf_put_uvarint(out, loc->len);
}

enum weft_code block_loc_parse(struct bytes b, struct block_loc *ret, struct weft_err *e)
{
    uint64_t part[3];
    for (size_t i = 0; i < WEFT_ARRAY_LEN(part); i++) {
        size_t n = uvarint_decode(b, &part[i]);
        if (n == 0)
            return WEFT_FAIL(e, WEFT_CORRUPT, "a place in the block index is no three varints");
        b = bytes_skip(b, n);
    }
    if (b.len > 0)
        return WEFT_FAIL(e, WEFT_CORRUPT, "a place in the block index has %zu bytes too many",
                         b.len);
    *ret = (struct block_loc){ part[0], part[1], part[2] };
    return WEFT_OK;
}

void tx_loc_encode(const struct tx_loc *loc, struct buf *out)
{
    WEFT_CLEANUP(buf_done) struct buf place = { 0 };
    block_loc_encode(&loc->block, &place);
    wire_put_bytes(out, 1, buf_bytes(&place));
    buf_clear(&place);
    block_loc_encode(&loc->tx, &place);
    wire_put_bytes(out, 2, buf_bytes(&place));
    if (loc->validation_code != 0)
        wire_put_varint(out, 3, (uint64_t)(int64_t)loc->validation_code);
}

enum weft_code tx_loc_parse(struct bytes value, struct tx_loc *ret, struct weft_err *e)
{
    struct tx_loc loc = { 0 };
    struct bytes block = { 0 }, tx = { 0 };
    struct wire w = wire_of(value);
    struct wire_field f;
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_LEN))
            block = f.bytes;
        else if (wire_is(&f, 2, WIRE_LEN))
            tx = f.bytes;
        else if (wire_is(&f, 3, WIRE_VARINT))
            loc.validation_code = (int32_t)(uint32_t)f.varint;
    }
    if (w.bad)
        return WEFT_FAIL(e, WEFT_CORRUPT, "a transaction's entry in the block index is damaged");
    WEFT_TRY(block_loc_parse(block, &loc.block, e));
    WEFT_TRY(block_loc_parse(tx, &loc.tx, e));
    *ret = loc;
    return WEFT_OK;
}

bool tx_id_key_parse(struct bytes key, struct bytes *ret_tx_id, uint64_t *ret_block,
                     uint64_t *ret_tx)
{
    uint64_t len = 0;
    if (key.len == 0 || key.data[0] != 't')
        return false;
    key = bytes_skip(key, 1);
    if (!order_key_take(&key, &len) || len > key.len)
        return false;
    *ret_tx_id = bytes_of(key.data, (size_t)len);
    key = bytes_skip(key, (size_t)len);
    return order_key_take(&key, ret_block) && order_key_take(&key, ret_tx) && key.len == 0;
}

/* ---- keys ------------------------------------------------------------------- */

static void start_key(const struct block_index *ix, struct buf *out)
{
    buf_clear(out);
    buf_put_str(out, ix->channel);
    buf_put_u8(out, 0);
}

void block_index_key(const struct block_index *ix, struct bytes key, struct buf *out)
{
    start_key(ix, out);
    buf_put(out, key);
}

static void number_key(const struct block_index *ix, uint64_t number, struct buf *out)
{
    start_key(ix, out);
    buf_put_u8(out, 'n');
    order_key_put(out, number);
}

static void hash_key(const struct block_index *ix, struct bytes hash, struct buf *out)
{
    start_key(ix, out);
    buf_put_u8(out, 'h');
    buf_put(out, hash);
}

static void tx_key(const struct block_index *ix, uint64_t block, uint64_t tx, struct buf *out)
{
    start_key(ix, out);
    buf_put_u8(out, 'a');
    order_key_put(out, block);
    order_key_put(out, tx);
}

/* The part of the key that all occurrences of an id share. */
static void tx_id_prefix(const struct block_index *ix, struct bytes tx_id, struct buf *out)
{
    start_key(ix, out);
    buf_put_u8(out, 't');
    order_key_put(out, tx_id.len);
    buf_put(out, tx_id);
}

/* ---- what a block adds --------------------------------------------------------- */

struct entries {
    const struct block_index *ix;
    const struct block_view *v;
    const struct block_place *place;
    const struct block_index_sink *sink;
    struct buf key, value, block_value;
};

static enum weft_code give(struct entries *n, struct weft_err *e)
{
    return n->sink->take(n->sink->ctx, buf_bytes(&n->key), buf_bytes(&n->value), e);
}

static enum weft_code give_tx(struct entries *n, uint64_t tx, const struct block_loc *at,
                              struct weft_err *e)
{
    char room[TX_ID_LEN + 1];
    struct bytes id = { 0 };
    struct weft_err why = { 0 };
    if (envelope_tx_id(n->v->txs.at[tx], room, &id, &why) != WEFT_OK)
        LOG_WARN(&logger,
                 "error while extracting txid from tx envelope bytes during deserialization of "
                 "block [%llu] tx [%llu]: %s; ignoring error as it is caused by a malformed "
                 "transaction",
                 (unsigned long long)n->v->number, (unsigned long long)tx, why.msg);

    struct bytes flags = block_slot(n->v, BLOCK_SLOT_FLAGS);
    struct tx_loc loc = {
        .block = { n->place->file, n->place->offset, 0 },
        .tx = *at,
        .validation_code = flags.data[tx],
    };
    tx_id_prefix(n->ix, id, &n->key);
    order_key_put(&n->key, n->v->number);
    order_key_put(&n->key, tx);
    buf_clear(&n->value);
    tx_loc_encode(&loc, &n->value);
    WEFT_TRY(give(n, e));

    tx_key(n->ix, n->v->number, tx, &n->key);
    buf_clear(&n->value);
    block_loc_encode(at, &n->value);
    return give(n, e);
}

static enum weft_code give_all(struct entries *n, size_t txs_at, const struct digest *hash,
                               struct weft_err *e)
{
    struct block_loc here = { n->place->file, n->place->offset, 0 };
    number_key(n->ix, n->v->number, &n->key);
    block_loc_encode(&here, &n->value);
    WEFT_TRY(give(n, e));
    if (n->ix->kind == BLOCK_INDEX_ORDERER)
        return WEFT_OK;

    size_t txs = n->v->txs.count;
    size_t flags = block_slot(n->v, BLOCK_SLOT_FLAGS).len;
    if (flags != txs)
        return WEFT_FAIL(e, WEFT_CORRUPT, "block [%llu] has %zu transactions but %zu flags",
                         (unsigned long long)n->v->number, txs, flags);
    hash_key(n->ix, digest_bytes(hash), &n->key);
    WEFT_TRY(give(n, e));
    uint64_t at = n->place->offset + txs_at;
    for (size_t i = 0; i < txs; i++) {
        struct bytes envelope = n->v->txs.at[i];
        if (i + PREFETCH_TXS < txs)
            bytes_soon(n->v->txs.at[i + PREFETCH_TXS]);
        uint64_t end = at + uvarint_len(envelope.len) + envelope.len;
        struct block_loc loc = { n->place->file, at, end - at };
        WEFT_TRY(give_tx(n, i, &loc, e));
        at = end;
    }
    return WEFT_OK;
}

enum weft_code block_index_entries(const struct block_index *ix, const struct block_view *v,
                                   const struct block_place *place, size_t txs_at,
                                   const struct digest *hash, const struct block_index_sink *sink,
                                   struct weft_err *e)
{
    struct entries n = { .ix = ix, .v = v, .place = place, .sink = sink };
    enum weft_code rc = give_all(&n, txs_at, hash, e);
    buf_done(&n.key);
    buf_done(&n.value);
    return rc;
}

static enum weft_code put_entry(void *ctx, struct bytes key, struct bytes value, struct weft_err *e)
{
    (void)e;
    kv_batch_put(ctx, key, value);
    return WEFT_OK;
}

enum weft_code block_index_add(const struct block_index *ix, struct kv_batch *batch,
                               const struct block_view *v, const struct block_place *place,
                               size_t txs_at, const struct digest *hash, struct weft_err *e)
{
    struct block_index_sink sink = { put_entry, batch };
    return block_index_entries(ix, v, place, txs_at, hash, &sink, e);
}

/* ---- lookups ---------------------------------------------------------------------- */

static enum weft_code not_found(struct weft_err *e)
{
    return WEFT_FAIL(e, WEFT_NOT_FOUND, "Entry not found in index");
}

static enum weft_code get_loc(const struct block_index *ix, const struct buf *key,
                              struct block_loc *ret, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf value = { 0 };
    bool found = false;
    WEFT_TRY(kv_get(ix->kv, buf_bytes(key), &found, &value, e));
    return found ? block_loc_parse(buf_bytes(&value), ret, e) : not_found(e);
}

static enum weft_code must_be_peer(const struct block_index *ix, struct weft_err *e)
{
    return ix->kind == BLOCK_INDEX_PEER ? WEFT_OK
                                        : WEFT_FAIL(e, WEFT_INVALID, "attribute not indexed");
}

enum weft_code block_index_by_number(const struct block_index *ix, uint64_t number,
                                     struct block_loc *ret, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf key = { 0 };
    number_key(ix, number, &key);
    return get_loc(ix, &key, ret, e);
}

enum weft_code block_index_reaches(const struct block_index *ix, uint64_t number, bool *ret,
                                   struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf from = { 0 };
    number_key(ix, number, &from);
    WEFT_CLEANUP(kv_iter_free) struct kv_iter *it = kv_iter_new(ix->kv, buf_bytes(&from));
    struct bytes key, value;
    bool found = false;
    WEFT_TRY(kv_iter_next(it, &found, &key, &value, e));
    buf_clear(&from);
    start_key(ix, &from);
    buf_put_u8(&from, 'n');
    *ret = found && bytes_start_with(key, buf_bytes(&from));
    return WEFT_OK;
}

enum weft_code block_index_by_hash(const struct block_index *ix, struct bytes hash,
                                   struct block_loc *ret, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf key = { 0 };
    WEFT_TRY(must_be_peer(ix, e));
    hash_key(ix, hash, &key);
    return get_loc(ix, &key, ret, e);
}

enum weft_code block_index_by_tx(const struct block_index *ix, uint64_t block, uint64_t tx,
                                 struct block_loc *ret, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf key = { 0 };
    WEFT_TRY(must_be_peer(ix, e));
    tx_key(ix, block, tx, &key);
    return get_loc(ix, &key, ret, e);
}

enum weft_code block_index_by_tx_id(const struct block_index *ix, struct bytes tx_id,
                                    struct tx_loc *ret, struct weft_err *e)
{
    WEFT_TRY(must_be_peer(ix, e));
    WEFT_CLEANUP(buf_done) struct buf prefix = { 0 };
    tx_id_prefix(ix, tx_id, &prefix);
    WEFT_CLEANUP(kv_iter_free) struct kv_iter *it = kv_iter_new(ix->kv, buf_bytes(&prefix));
    struct bytes key, value;
    bool found = false;
    WEFT_TRY(kv_iter_next(it, &found, &key, &value, e));
    if (!found || !bytes_start_with(key, buf_bytes(&prefix)))
        return not_found(e);
    if (value.len == 0)
        return WEFT_FAIL(e, WEFT_NOT_FOUND,
                         "details for the TXID not available. Ledger bootstrapped from a snapshot");
    return tx_loc_parse(value, ret, e);
}

enum weft_code block_index_tx_ids(const struct block_index *ix, struct buf *at, size_t most,
                                  void (*take)(void *ctx, struct bytes tx_id), void *ctx,
                                  bool *ret_end, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf all = { 0 };
    WEFT_TRY(must_be_peer(ix, e));
    block_index_key(ix, bytes_of_str("t"), &all);
    if (at->len == 0)
        buf_put(at, buf_bytes(&all));
    WEFT_CLEANUP(kv_iter_free) struct kv_iter *it = kv_iter_new(ix->kv, buf_bytes(at));
    size_t channel = all.len - 1;
    for (size_t n = 0;; n++) {
        struct bytes key, value, tx_id;
        uint64_t block = 0, tx = 0;
        bool found = false;
        WEFT_TRY(kv_iter_next(it, &found, &key, &value, e));
        *ret_end = !found || !bytes_start_with(key, buf_bytes(&all));
        if (*ret_end)
            return WEFT_OK;
        if (n == most) {
            buf_clear(at);
            buf_put(at, key);
            return WEFT_OK;
        }
        if (!tx_id_key_parse(bytes_skip(key, channel), &tx_id, &block, &tx))
            return WEFT_FAIL(e, WEFT_CORRUPT,
                             "a transaction's key in the block index of channel [%s] is damaged",
                             ix->channel);
        take(ctx, tx_id);
    }
}

/* ---- checkpoint ------------------------------------------------------------------- */

enum weft_code block_index_checkpoint(const struct block_index *ix, bool *ret_found,
                                      uint64_t *ret_block, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf key = { 0 };
    WEFT_CLEANUP(buf_done) struct buf value = { 0 };
    block_index_key(ix, bytes_of_str(checkpoint_key), &key);
    WEFT_TRY(kv_get(ix->kv, buf_bytes(&key), ret_found, &value, e));
    if (*ret_found && uvarint_decode(buf_bytes(&value), ret_block) != value.len)
        return WEFT_FAIL(e, WEFT_CORRUPT, "the index checkpoint of channel [%s] is damaged",
                         ix->channel);
    return WEFT_OK;
}

void block_index_put_checkpoint(const struct block_index *ix, struct kv_batch *batch,
                                uint64_t block)
{
    WEFT_CLEANUP(buf_done) struct buf key = { 0 };
    WEFT_CLEANUP(buf_done) struct buf value = { 0 };
    block_index_key(ix, bytes_of_str(checkpoint_key), &key);
    buf_put_uvarint(&value, block);
    kv_batch_put(batch, buf_bytes(&key), buf_bytes(&value));
}

void block_index_drop_checkpoint(const struct block_index *ix, struct kv_batch *batch)
{
    WEFT_CLEANUP(buf_done) struct buf key = { 0 };
    block_index_key(ix, bytes_of_str(checkpoint_key), &key);
    kv_batch_delete(batch, buf_bytes(&key));
}
