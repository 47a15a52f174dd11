#include "kvledger/history_db.h"

#include "ledger/kv.h"
#include "ledger/order_key.h"
#include "validation/tx_check.h"

struct history_db {
    struct kv *kv;
    struct kv_batch *batch;
    struct buf key;
    size_t prefix_len; /* "channel" 00 */
};

struct history_db *history_db_new(struct kv *kv, const char *channel)
{
    struct history_db *h = weft_alloc(sizeof(*h));
    h->kv = kv;
    h->batch = kv_batch_new();
    buf_put(&h->key, bytes_of(channel, strlen(channel) + 1));
    h->prefix_len = h->key.len;
    return h;
}

void history_db_free(struct history_db *h)
{
    if (h == NULL)
        return;
    kv_batch_free(h->batch);
    buf_done(&h->key);
    free(h);
}

static struct bytes savepoint_key(struct history_db *h)
{
    h->key.len = h->prefix_len;
    buf_put_u8(&h->key, 's');
    return buf_bytes(&h->key);
}

enum weft_code history_db_savepoint(struct history_db *h, bool *ret_found, uint64_t *ret_block,
                                    struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf value = { 0 };
    bool found = false;
    uint64_t block = 0;
    WEFT_TRY(kv_get(h->kv, savepoint_key(h), &found, &value, e));
    struct bytes rest = buf_bytes(&value);
    if (found && !order_key_take(&rest, &block))
        return WEFT_FAIL(e, WEFT_CORRUPT, "the savepoint of the history database is damaged");
    *ret_found = found;
    if (found)
        *ret_block = block;
    return WEFT_OK;
}

void history_db_add(struct history_db *h, uint64_t block, uint64_t tx, const struct tx_check *c)
{
    for (size_t i = 0; i < c->namespace_count; i++) {
        const struct tx_namespace *ns = &c->namespaces[i];
        struct bytes item;
        for (struct repeated r = ns->kv.writes; repeated_next(&r, &item);) {
            struct bytes key = kv_write_of(item).key;
            h->key.len = h->prefix_len;
            buf_put(&h->key, ns->name);
            buf_put_u8(&h->key, 0);
            order_key_put(&h->key, key.len);
            buf_put(&h->key, key);
            buf_put_u8(&h->key, 0);
            order_key_put(&h->key, block);
            order_key_put(&h->key, tx);
            kv_batch_put(h->batch, buf_bytes(&h->key), bytes_of(NULL, 0));
        }
    }
}

static void put_savepoint(struct history_db *h, uint64_t block, uint64_t tx_count)
{
    WEFT_CLEANUP(buf_done) struct buf savepoint = { 0 };
    order_key_put(&savepoint, block);
    order_key_put(&savepoint, tx_count);
    kv_batch_put(h->batch, savepoint_key(h), buf_bytes(&savepoint));
}

void history_db_swap(struct history_db *h, uint64_t block, uint64_t tx_count,
                     struct kv_batch **batch)
{
    put_savepoint(h, block, tx_count);
    struct kv_batch *full = h->batch;
    h->batch = *batch;
    *batch = full;
}

enum weft_code history_db_write(struct history_db *h, struct kv_batch *batch, bool sync,
                                struct weft_err *e)
{
    WEFT_TRY(kv_write(h->kv, batch, sync, e));
    kv_batch_clear(batch);
    return WEFT_OK;
}

enum weft_code history_db_commit(struct history_db *h, uint64_t block, uint64_t tx_count, bool sync,
                                 struct weft_err *e)
{
    put_savepoint(h, block, tx_count);
    return history_db_write(h, h->batch, sync, e);
}
