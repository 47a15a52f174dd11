#include "ledger/block_record.h"

#include "base/limits.h"
#include "base/varint.h"

/* Reads on, one item after the other; at is where we are. */
struct reader {
    struct bytes body;
    size_t at;
};

static enum weft_code take_number(struct reader *r, const char *what, uint64_t *ret,
                                  struct weft_err *e)
{
    size_t n = uvarint_decode(bytes_skip(r->body, r->at), ret);
    if (n == 0 || n != uvarint_len(*ret)) /* nobody writes a longer form than is needed */
        return WEFT_FAIL(e, WEFT_CORRUPT, "error decoding %s at byte %zu of the record", what,
                         r->at);
    r->at += n;
    return WEFT_OK;
}

static enum weft_code take_bytes(struct reader *r, const char *what, struct bytes *ret,
                                 struct weft_err *e)
{
    uint64_t len = 0;
    size_t before = r->at;
    WEFT_TRY(take_number(r, what, &len, e));
    if (len > r->body.len - r->at)
        return WEFT_FAIL(e, WEFT_CORRUPT,
                         "error decoding %s at byte %zu of the record: %llu bytes wanted, %zu left",
                         what, before, (unsigned long long)len, r->body.len - r->at);
    *ret = bytes_of(r->body.data + r->at, (size_t)len);
    r->at += (size_t)len;
    return WEFT_OK;
}

static enum weft_code take_list(struct reader *r, const char *what, size_t most,
                                struct bytes_list *l, size_t *ret_first_at, struct weft_err *e)
{
    uint64_t count = 0;
    WEFT_TRY(take_number(r, what, &count, e));
    *ret_first_at = r->at;
    if (count > r->body.len - r->at) /* each takes a byte at least */
        return WEFT_FAIL(e, WEFT_CORRUPT, "record counts %llu %s in %zu bytes",
                         (unsigned long long)count, what, r->body.len - r->at);
    if (count > most)
        return WEFT_FAIL(e, WEFT_LIMIT, "record has %llu %s, more than %zu",
                         (unsigned long long)count, what, most);
    for (uint64_t i = 0; i < count; i++) {
        struct bytes item;
        WEFT_TRY(take_bytes(r, what, &item, e));
        bytes_list_add(l, item);
    }
    return WEFT_OK;
}

enum weft_code block_record_parse(struct bytes body, struct block_view *v, size_t *ret_txs_at,
                                  struct weft_err *e)
{
    struct reader r = { .body = body };
    size_t txs_at = 0, slots_at = 0;
    block_view_reset(v);
    v->has_header = v->has_data = v->has_metadata = true;
    WEFT_TRY(take_number(&r, "the block number", &v->number, e));
    WEFT_TRY(take_bytes(&r, "the data hash", &v->data_hash, e));
    WEFT_TRY(take_bytes(&r, "the previous hash", &v->previous_hash, e));
    WEFT_TRY(take_list(&r, "transactions", LIMIT_BLOCK_TXS, &v->txs, &txs_at, e));
    WEFT_TRY(take_list(&r, "metadata slots", LIMIT_BLOCK_METADATA_SLOTS, &v->slots, &slots_at, e));
    if (r.at != body.len)
        return WEFT_FAIL(e, WEFT_CORRUPT, "record has %zu bytes after the metadata",
                         body.len - r.at);
    *ret_txs_at = txs_at;
    return WEFT_OK;
}

static size_t len_bytes_len(size_t len)
{
    return uvarint_len(len) + len;
}

static size_t list_len(const struct bytes_list *l)
{
    size_t n = uvarint_len(l->count);
    for (size_t i = 0; i < l->count; i++)
        n += len_bytes_len(l->at[i].len);
    return n;
}

static size_t body_len(const struct block_view *v)
{
    return uvarint_len(v->number) + len_bytes_len(v->data_hash.len) +
           len_bytes_len(v->previous_hash.len) + list_len(&v->txs) + list_len(&v->slots);
}

size_t block_record_len(const struct block_view *v)
{
    size_t body = body_len(v);
    return uvarint_len(body) + body;
}

static void put_list(struct buf *out, const struct bytes_list *l)
{
    for (size_t i = 0; i < l->count; i++)
        buf_put_len_bytes(out, l->at[i]);
}

/* All before the envelopes. */
static void put_head(struct buf *out, const struct block_view *v)
{
    buf_put_uvarint(out, body_len(v));
    buf_put_uvarint(out, v->number);
    buf_put_len_bytes(out, v->data_hash);
    buf_put_len_bytes(out, v->previous_hash);
    buf_put_uvarint(out, v->txs.count);
}

void block_record_encode(const struct block_view *v, struct buf *out, size_t *ret_txs_at)
{
    size_t start = out->len;
    (void)buf_reserve(out, block_record_len(v));
    put_head(out, v);
    *ret_txs_at = out->len - start;
    put_list(out, &v->txs);
    buf_put_uvarint(out, v->slots.count);
    put_list(out, &v->slots);
}

/* What was put into `own` since the last piece becomes one. */
static void end_own_piece(const struct buf *own, size_t *from, struct bytes_list *pieces)
{
    bytes_list_add(pieces, bytes_of(own->data + *from, own->len - *from));
    *from = own->len;
}

void block_record_pieces(const struct block_view *v, struct buf *own, struct bytes_list *pieces,
                         size_t *ret_txs_at)
{
    size_t from = 0, envelopes = 0;
    for (size_t i = 0; i < v->txs.count; i++)
        envelopes += v->txs.at[i].len;
    /* a number's room is made before its length is known */
    const uint8_t *at = buf_reserve(own, block_record_len(v) - envelopes + UVARINT_LEN_MAX);
    put_head(own, v);
    *ret_txs_at = own->len;
    for (size_t i = 0; i < v->txs.count; i++) {
        buf_put_uvarint(own, v->txs.at[i].len);
        end_own_piece(own, &from, pieces);
        if (v->txs.at[i].len > 0)
            bytes_list_add(pieces, v->txs.at[i]);
    }
    buf_put_uvarint(own, v->slots.count);
    put_list(own, &v->slots);
    end_own_piece(own, &from, pieces);
    WEFT_ASSERT(own->data == at); /* or the pieces would be elsewhere */
}
