#include "kvledger/transient_store.h"

#include "crypto/random.h"
#include "kvledger/tx_pvt_rwset.h"
#include "ledger/kv.h"
#include "ledger/order_key.h"
#include "proto/proto_check.h"
#include "proto/repeated.h"

#include <transientstore/transientstore.pb-c.h>

enum {
    UUID_BYTES = 16,
    BY_TX = 'T',
    BY_HEIGHT = 'H',
    SET = 'P',
};

struct transient_store {
    struct kv *kv;
    struct buf prefix; /* the channel and its zero */
};

struct transient_store *transient_store_new(struct kv *kv, const char *channel)
{
    struct transient_store *s = weft_alloc(sizeof(*s));
    s->kv = kv;
    buf_put(&s->prefix, bytes_of(channel, strlen(channel) + 1));
    return s;
}

void transient_store_free(struct transient_store *s)
{
    if (s == NULL)
        return;
    buf_done(&s->prefix);
    free(s);
}

/* ---- keys ------------------------------------------------------------------------------------- */

/* What the keys of an entry are made of. */
struct entry {
    struct bytes tx_id, uuid;
    uint64_t height;
};

static void begin_key(const struct transient_store *s, char kind, struct buf *out)
{
    buf_clear(out);
    buf_put(out, buf_bytes(&s->prefix));
    buf_put_u8(out, (uint8_t)kind);
    buf_put_u8(out, 0);
}

static void put_part(struct buf *out, struct bytes part)
{
    buf_put(out, part);
    buf_put_u8(out, 0);
}

/* BY_TX or SET */
static struct bytes tx_key(const struct transient_store *s, char kind, const struct entry *n,
                           struct buf *out)
{
    begin_key(s, kind, out);
    put_part(out, n->tx_id);
    put_part(out, n->uuid);
    order_key_put(out, n->height);
    return buf_bytes(out);
}

static struct bytes height_key(const struct transient_store *s, const struct entry *n,
                               struct buf *out)
{
    begin_key(s, BY_HEIGHT, out);
    order_key_put(out, n->height);
    buf_put_u8(out, 0);
    put_part(out, n->tx_id);
    buf_put(out, n->uuid);
    return buf_bytes(out);
}

/* Up to a zero, which is passed. */
static bool take_part(struct bytes *rest, struct bytes *ret)
{
    const uint8_t *zero = rest->len > 0 ? memchr(rest->data, 0, rest->len) : NULL;
    if (zero == NULL)
        return false;
    *ret = bytes_of(rest->data, (size_t)(zero - rest->data));
    *rest = bytes_skip(*rest, ret->len + 1);
    return true;
}

/* What follows the transaction's id. */
static bool parse_tx_key(struct bytes rest, struct entry *n)
{
    return take_part(&rest, &n->uuid) && order_key_take(&rest, &n->height) && rest.len == 0;
}

/* What follows the kind. */
static bool parse_height_key(struct bytes rest, struct entry *n)
{
    if (!order_key_take(&rest, &n->height) || rest.len == 0 || rest.data[0] != 0)
        return false;
    rest = bytes_skip(rest, 1);
    if (!take_part(&rest, &n->tx_id))
        return false;
    n->uuid = rest;
    return true;
}

/* ---- in ------------------------------------------------------------------------------------------ */

/* A random one, of version 4: "9f1c2f4e-0c5e-4b3a-9d57-3d1c8d5f3a10". */
static enum weft_code make_uuid(struct buf *out, struct weft_err *e)
{
    uint8_t b[UUID_BYTES];
    WEFT_TRY(random_bytes(b, sizeof(b), e));
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    for (size_t i = 0; i < sizeof(b); i++)
        buf_printf(out, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", b[i]);
    return WEFT_OK;
}

static bool has_zero(struct bytes b)
{
    return b.len > 0 && memchr(b.data, 0, b.len) != NULL;
}

enum weft_code transient_store_persist(struct transient_store *s, struct bytes tx_id,
                                       uint64_t height, struct bytes set, struct weft_err *e)
{
    WEFT_CLEANUP(kv_batch_free) struct kv_batch *batch = kv_batch_new();
    WEFT_CLEANUP(buf_done) struct buf uuid = { 0 };
    WEFT_CLEANUP(buf_done) struct buf key = { 0 };
    WEFT_CLEANUP(buf_done) struct buf value = { 0 };
    const struct bytes nothing = bytes_of("", 0);
    if (tx_id.len == 0 || has_zero(tx_id))
        return WEFT_FAIL(e, WEFT_INVALID, "no transaction's id");
    WEFT_TRY(make_uuid(&uuid, e));
    const struct entry n = { tx_id, buf_bytes(&uuid), height };
    buf_put_u8(&value, 0);
    buf_put(&value, set);
    kv_batch_put(batch, tx_key(s, SET, &n, &key), buf_bytes(&value));
    kv_batch_put(batch, height_key(s, &n, &key), nothing);
    kv_batch_put(batch, tx_key(s, BY_TX, &n, &key), nothing);
    return kv_write(s->kv, batch, true, e);
}

/* ---- out ----------------------------------------------------------------------------------------- */

/* TxPvtReadWriteSetWithConfigInfo { 2 pvt_rwset } after a zero, or TxPvtReadWriteSet. */
enum weft_code transient_value_each(struct bytes value, uint64_t tx, pvt_write_set_fn each,
                                    void *ctx, struct weft_err *e)
{
    struct bytes set = { 0 };
    if (value.len == 0 || value.data[0] != 0)
        return tx_pvt_rwset_each(value, tx, each, ctx, e);
    value = bytes_skip(value, 1);
    WEFT_TRY(proto_check(&transientstore__tx_pvt_read_write_set_with_config_info__descriptor, value,
                         0, e));
    for (struct repeated r = repeated_of(value, 2); repeated_next(&r, &set);)
        WEFT_TRY(tx_pvt_rwset_each(set, tx, each, ctx, e));
    return WEFT_OK;
}

enum weft_code transient_store_find(struct transient_store *s, struct bytes tx_id, uint64_t tx,
                                    pvt_write_set_fn each, void *ctx, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf start = { 0 };
    struct bytes key, value;
    bool found = false;
    begin_key(s, SET, &start);
    put_part(&start, tx_id);
    WEFT_CLEANUP(kv_iter_free) struct kv_iter *it = kv_iter_new(s->kv, buf_bytes(&start));
    for (;;) {
        WEFT_TRY(kv_iter_next(it, &found, &key, &value, e));
        if (!found || !bytes_start_with(key, buf_bytes(&start)))
            return WEFT_OK;
        WEFT_TRY(transient_value_each(value, tx, each, ctx, e));
    }
}

/* ---- away ---------------------------------------------------------------------------------------- */

static void delete_entry(const struct transient_store *s, struct kv_batch *batch,
                         const struct entry *n)
{
    WEFT_CLEANUP(buf_done) struct buf key = { 0 };
    kv_batch_delete(batch, tx_key(s, SET, n, &key));
    kv_batch_delete(batch, height_key(s, n, &key));
    kv_batch_delete(batch, tx_key(s, BY_TX, n, &key));
}

static enum weft_code damaged(struct weft_err *e)
{
    return WEFT_FAIL(e, WEFT_CORRUPT, "a key of the transient store is damaged");
}

static enum weft_code purge_tx(struct transient_store *s, struct kv_batch *batch,
                               struct bytes tx_id, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf start = { 0 };
    struct bytes key, value;
    bool found = false;
    if (has_zero(tx_id))
        return WEFT_OK; /* of what nobody has endorsed */
    begin_key(s, BY_TX, &start);
    put_part(&start, tx_id);
    WEFT_CLEANUP(kv_iter_free) struct kv_iter *it = kv_iter_new(s->kv, buf_bytes(&start));
    for (;;) {
        struct entry n = { .tx_id = tx_id };
        WEFT_TRY(kv_iter_next(it, &found, &key, &value, e));
        if (!found || !bytes_start_with(key, buf_bytes(&start)))
            return WEFT_OK;
        if (!parse_tx_key(bytes_skip(key, start.len), &n))
            return damaged(e);
        delete_entry(s, batch, &n);
    }
}

enum weft_code transient_store_purge(struct transient_store *s, const struct bytes *tx_ids,
                                     size_t count, struct weft_err *e)
{
    WEFT_CLEANUP(kv_batch_free) struct kv_batch *batch = kv_batch_new();
    for (size_t i = 0; i < count; i++)
        WEFT_TRY(purge_tx(s, batch, tx_ids[i], e));
    return kv_batch_bytes(batch) > 0 ? kv_write(s->kv, batch, true, e) : WEFT_OK;
}

enum weft_code transient_store_purge_below(struct transient_store *s, uint64_t height,
                                           struct weft_err *e)
{
    WEFT_CLEANUP(kv_batch_free) struct kv_batch *batch = kv_batch_new();
    WEFT_CLEANUP(buf_done) struct buf start = { 0 };
    struct bytes key, value;
    bool found = false;
    begin_key(s, BY_HEIGHT, &start);
    WEFT_CLEANUP(kv_iter_free) struct kv_iter *it = kv_iter_new(s->kv, buf_bytes(&start));
    for (;;) {
        struct entry n = { 0 };
        WEFT_TRY(kv_iter_next(it, &found, &key, &value, e));
        if (!found || !bytes_start_with(key, buf_bytes(&start)))
            break;
        if (!parse_height_key(bytes_skip(key, start.len), &n))
            return damaged(e);
        if (n.height >= height)
            break;
        delete_entry(s, batch, &n);
    }
    return kv_batch_bytes(batch) > 0 ? kv_write(s->kv, batch, true, e) : WEFT_OK;
}
