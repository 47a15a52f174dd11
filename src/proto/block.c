#include "proto/block.h"

#include "base/limits.h"
#include "base/varint.h"
#include "crypto/sha256_many.h"
#include "proto/wire.h"

#include <stdatomic.h>

enum {
    WRITE_SLACK = 2 * UVARINT_LEN_MAX /* a number's room is made before its length is known */
};

void bytes_list_add(struct bytes_list *l, struct bytes b)
{
    if (l->count == l->cap) {
        l->cap = l->cap > 0 ? 2 * l->cap : 8;
        l->at = weft_realloc(l->at, l->cap * sizeof(*l->at));
    }
    l->at[l->count++] = b;
}

void block_view_reset(struct block_view *v)
{
    struct bytes_list txs = v->txs, slots = v->slots;
    txs.count = slots.count = 0;
    *v = (struct block_view){ .txs = txs, .slots = slots };
}

void block_view_done(struct block_view *v)
{
    free(v->txs.at);
    free(v->slots.at);
    *v = (struct block_view){ 0 };
}

struct bytes block_slot(const struct block_view *v, enum block_slot slot)
{
    return slot < v->slots.count ? v->slots.at[slot] : (struct bytes){ 0 };
}

/* ---- reading the wire form ------------------------------------------- */

static bool parse_header(struct block_view *v, struct bytes b)
{
    struct wire w = wire_of(b);
    struct wire_field f;
    v->has_header = true;
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_VARINT))
            v->number = f.varint;
        else if (wire_is(&f, 2, WIRE_LEN))
            v->previous_hash = f.bytes;
        else if (wire_is(&f, 3, WIRE_LEN))
            v->data_hash = f.bytes;
    }
    return !w.bad;
}

/* BlockData and BlockMetadata are both: 1 repeated bytes. */
static enum weft_code parse_list(struct bytes_list *l, struct bytes b, size_t most,
                                 const char *what, struct weft_err *e)
{
    struct wire w = wire_of(b);
    struct wire_field f;
    while (wire_next(&w, &f)) {
        if (!wire_is(&f, 1, WIRE_LEN))
            continue;
        if (l->count >= most)
            return WEFT_FAIL(e, WEFT_LIMIT, "block has more than %zu %s", most, what);
        bytes_list_add(l, f.bytes);
    }
    return w.bad ? WEFT_FAIL(e, WEFT_INVALID, "error unmarshalling block %s", what) : WEFT_OK;
}

enum weft_code block_view_parse(struct block_view *v, struct bytes wire, struct weft_err *e)
{
    block_view_reset(v);
    if (wire.len > LIMIT_BLOCK_BYTES)
        return WEFT_FAIL(e, WEFT_LIMIT, "block of %zu bytes, more than %d", wire.len,
                         (int)LIMIT_BLOCK_BYTES);
    struct wire w = wire_of(wire);
    struct wire_field f;
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_LEN)) {
            if (!parse_header(v, f.bytes))
                return WEFT_FAIL(e, WEFT_INVALID, "error unmarshalling block header");
        } else if (wire_is(&f, 2, WIRE_LEN)) {
            v->has_data = true;
            WEFT_TRY(parse_list(&v->txs, f.bytes, LIMIT_BLOCK_TXS, "transactions", e));
        } else if (wire_is(&f, 3, WIRE_LEN)) {
            v->has_metadata = true;
            WEFT_TRY(
                parse_list(&v->slots, f.bytes, LIMIT_BLOCK_METADATA_SLOTS, "metadata slots", e));
        }
    }
    return w.bad ? WEFT_FAIL(e, WEFT_INVALID, "error unmarshalling block") : WEFT_OK;
}

/* ---- hashes ------------------------------------------------------------ */

static void put_der_length(struct buf *out, size_t len)
{
    if (len < 0x80) {
        buf_put_u8(out, (uint8_t)len);
        return;
    }
    uint8_t be[sizeof(len)];
    size_t n = 0;
    for (size_t rest = len; rest > 0; rest >>= 8)
        be[n++] = (uint8_t)rest;
    buf_put_u8(out, (uint8_t)(0x80 | n));
    while (n > 0)
        buf_put_u8(out, be[--n]);
}

static void put_der(struct buf *out, uint8_t tag, struct bytes content)
{
    buf_put_u8(out, tag);
    put_der_length(out, content.len);
    buf_put(out, content);
}

/* The number as a minimal two's complement integer: 128 is 00 80. */
static size_t der_integer(uint64_t n, uint8_t out[9])
{
    uint8_t be[9] = { 0 };
    for (size_t i = 0; i < 8; i++)
        be[8 - i] = (uint8_t)(n >> (8 * i));
    size_t skip = 0;
    while (skip < 8 && be[skip] == 0 && be[skip + 1] < 0x80)
        skip++;
    memcpy(out, be + skip, 9 - skip);
    return 9 - skip;
}

void block_header_der(const struct block_view *v, struct buf *out)
{
    uint8_t integer[9];
    size_t integer_len = der_integer(v->number, integer);
    WEFT_CLEANUP(buf_done) struct buf content = { 0 };
    put_der(&content, 0x02, bytes_of(integer, integer_len));
    put_der(&content, 0x04, v->previous_hash);
    put_der(&content, 0x04, v->data_hash);
    put_der(out, 0x30, buf_bytes(&content));
}

struct digest block_header_hash(const struct block_view *v)
{
    WEFT_CLEANUP(buf_done) struct buf der = { 0 };
    block_header_der(v, &der);
    return sha256_of(buf_bytes(&der));
}

struct digest block_data_hash(const struct block_view *v)
{
    struct sha256 h;
    sha256_init(&h);
    for (size_t i = 0; i < v->txs.count; i++)
        sha256_add(&h, v->txs.at[i]);
    return sha256_end(&h);
}

/* ---- writing the wire form --------------------------------------------- */

static size_t len_field(size_t content)
{
    return 1 + uvarint_len(content) + content;
}

static size_t header_len(const struct block_view *v)
{
    size_t n = v->number != 0 ? 1 + uvarint_len(v->number) : 0;
    n += v->previous_hash.len > 0 ? len_field(v->previous_hash.len) : 0;
    n += v->data_hash.len > 0 ? len_field(v->data_hash.len) : 0;
    return n;
}

static size_t list_len(const struct bytes_list *l)
{
    size_t n = 0;
    for (size_t i = 0; i < l->count; i++)
        n += len_field(l->at[i].len);
    return n;
}

size_t block_encoded_len(const struct block_view *v)
{
    size_t n = 0;
    n += v->has_header ? len_field(header_len(v)) : 0;
    n += v->has_data ? len_field(list_len(&v->txs)) : 0;
    n += v->has_metadata ? len_field(list_len(&v->slots)) : 0;
    return n;
}

static void put_tag_len(struct buf *out, uint8_t number, size_t len)
{
    buf_put_u8(out, (uint8_t)(number << 3 | WIRE_LEN));
    buf_put_uvarint(out, len);
}

static void put_list(struct buf *out, uint8_t number, const struct bytes_list *l)
{
    put_tag_len(out, number, list_len(l));
    for (size_t i = 0; i < l->count; i++)
        wire_put_bytes(out, 1, l->at[i]);
}

static void put_header(struct buf *out, const struct block_view *v)
{
    put_tag_len(out, 1, header_len(v));
    if (v->number != 0)
        wire_put_varint(out, 1, v->number);
    if (v->previous_hash.len > 0)
        wire_put_bytes(out, 2, v->previous_hash);
    if (v->data_hash.len > 0)
        wire_put_bytes(out, 3, v->data_hash);
}

void block_encode(const struct block_view *v, struct buf *out)
{
    (void)buf_reserve(out, block_encoded_len(v));
    if (v->has_header)
        put_header(out, v);
    if (v->has_data)
        put_list(out, 2, &v->txs);
    if (v->has_metadata)
        put_list(out, 3, &v->slots);
}

/* What was put into `own` since the last piece becomes one. */
static void end_own_piece(const struct buf *own, size_t *from, struct bytes_list *pieces)
{
    if (own->len > *from)
        bytes_list_add(pieces, bytes_of(own->data + *from, own->len - *from));
    *from = own->len;
}

void block_encode_pieces(const struct block_view *v, struct bytes head, struct buf *own,
                         struct bytes_list *pieces)
{
    size_t envelopes = 0, from = 0;
    for (size_t i = 0; i < v->txs.count; i++)
        envelopes += v->txs.at[i].len;
    const uint8_t *at = buf_reserve(own, head.len + block_encoded_len(v) + WRITE_SLACK -
                                             (v->has_data ? envelopes : 0));
    buf_put(own, head);
    if (v->has_header)
        put_header(own, v);
    if (v->has_data)
        put_tag_len(own, 2, list_len(&v->txs));
    for (size_t i = 0; v->has_data && i < v->txs.count; i++) {
        put_tag_len(own, 1, v->txs.at[i].len);
        end_own_piece(own, &from, pieces);
        if (v->txs.at[i].len > 0)
            bytes_list_add(pieces, v->txs.at[i]);
    }
    if (v->has_metadata)
        put_list(own, 3, &v->slots);
    end_own_piece(own, &from, pieces);
    WEFT_ASSERT(own->data == at); /* or the pieces would be elsewhere */
}

/* ---- counted blocks ------------------------------------------------------ */

enum weft_code block_parse(struct bytes wire, struct block **ret, struct weft_err *e)
{
    if (wire.len > LIMIT_BLOCK_BYTES)
        return WEFT_FAIL(e, WEFT_LIMIT, "block of %zu bytes, more than %d", wire.len,
                         (int)LIMIT_BLOCK_BYTES);
    struct buf copy = { 0 };
    buf_put(&copy, wire);
    WEFT_CLEANUP(block_unref) struct block *b = block_adopt(&copy);
    WEFT_TRY(block_view_parse(&b->v, b->raw, e));
    *ret = WEFT_TAKE(b);
    return WEFT_OK;
}

static struct block *block_around(struct bytes raw, void *owner, void (*release)(void *owner))
{
    struct block *b = weft_alloc(sizeof(*b));
    b->refs = 1;
    b->raw = raw;
    b->owner = owner;
    b->release = release;
    return b;
}

enum weft_code block_parse_in_place(struct bytes wire, void *owner, void (*release)(void *owner),
                                    struct block **ret, struct weft_err *e)
{
    WEFT_CLEANUP(block_unref) struct block *b = block_around(wire, owner, release);
    WEFT_TRY(block_view_parse(&b->v, b->raw, e));
    *ret = WEFT_TAKE(b);
    return WEFT_OK;
}

struct block *block_adopt(struct buf *raw)
{
    struct block *b = block_around(buf_bytes(raw), raw->data, free);
    *raw = (struct buf){ 0 };
    return b;
}

void blocks_hash_data(struct block *const *blocks, size_t count)
{
    WEFT_FREE struct sha256_job *jobs = weft_alloc((count + 1) * sizeof(*jobs));
    for (size_t i = 0; i < count; i++)
        jobs[i] =
            (struct sha256_job){ .pieces = blocks[i]->v.txs.at, .count = blocks[i]->v.txs.count };
    sha256_of_many(jobs, count);
    for (size_t i = 0; i < count; i++) {
        blocks[i]->data_hash = jobs[i].digest;
        blocks[i]->has_data_hash = true;
    }
}

struct digest block_data_hash_of(const struct block *b)
{
    return b->has_data_hash ? b->data_hash : block_data_hash(&b->v);
}

struct block *block_ref(struct block *b)
{
    (void)atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
    return b;
}

void block_unref(struct block *b)
{
    if (b == NULL || atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) != 1)
        return;
    block_view_done(&b->v);
    if (b->owner != NULL)
        b->release(b->owner);
    free(b);
}
