#include "ledger/kv_batch.h"

struct op {
    size_t at; /* key, then value */
    size_t key_len, value_len;
    bool deletes;
};

struct kv_batch {
    struct buf text;
    struct op *ops;
    size_t count, cap;
};

struct kv_batch *kv_batch_new(void)
{
    return weft_alloc(sizeof(struct kv_batch));
}

void kv_batch_free(struct kv_batch *b)
{
    if (b == NULL)
        return;
    buf_done(&b->text);
    free(b->ops);
    free(b);
}

static void add(struct kv_batch *b, struct bytes key, struct bytes value, bool deletes)
{
    if (b->count == b->cap) {
        b->cap = b->cap > 0 ? 2 * b->cap : 8;
        b->ops = weft_realloc(b->ops, b->cap * sizeof(*b->ops));
    }
    b->ops[b->count++] = (struct op){ b->text.len, key.len, value.len, deletes };
    buf_put(&b->text, key);
    buf_put(&b->text, value);
}

void kv_batch_put(struct kv_batch *b, struct bytes key, struct bytes value)
{
    add(b, key, value, false);
}

void kv_batch_delete(struct kv_batch *b, struct bytes key)
{
    add(b, key, bytes_of(NULL, 0), true);
}

size_t kv_batch_bytes(const struct kv_batch *b)
{
    return b->text.len;
}

void kv_batch_clear(struct kv_batch *b)
{
    buf_clear(&b->text);
    b->count = 0;
}

/* ---- in order --------------------------------------------------------------------------------- */

struct item {
    uint64_t head; /* eight bytes of the key, from where keys begin to differ */
    struct bytes key;
    const struct op *op;
};

static bool is_behind(const struct item *a, const struct item *b)
{
    return a->head != b->head ? a->head > b->head : bytes_cmp(a->key, b->key) > 0;
}

static size_t shared_len(struct bytes a, struct bytes b)
{
    size_t n = 0;
    while (n < a.len && n < b.len && a.data[n] == b.data[n])
        n++;
    return n;
}

static uint64_t head_of(struct bytes key, size_t from)
{
    uint64_t head = 0;
    for (size_t i = from; i < from + 8; i++)
        head = head << 8 | (i < key.len ? key.data[i] : 0);
    return head;
}

static void find_heads(struct item *items, size_t count)
{
    struct bytes shared = count > 0 ? items[0].key : bytes_of(NULL, 0);
    for (size_t i = 1; i < count; i++)
        shared.len = shared_len(shared, items[i].key);
    for (size_t i = 0; i < count; i++)
        items[i].head = head_of(items[i].key, shared.len);
}

static bool is_in_order(const struct item *items, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (is_behind(&items[i - 1], &items[i]))
            return false;
    return true;
}

/* Two runs next to each other become one. */
static void merge(const struct item *a, size_t a_count, const struct item *b, size_t b_count,
                  struct item *out)
{
    const struct item *a_end = a + a_count, *b_end = b + b_count;
    while (a < a_end && b < b_end)
        *out++ = is_behind(a, b) ? *b++ : *a++;
    while (a < a_end)
        *out++ = *a++;
    while (b < b_end)
        *out++ = *b++;
}

static size_t lesser(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* By merging, which leaves equals as they are; `room` is as large.  Returns where they are. */
static struct item *sort(struct item *items, struct item *room, size_t count)
{
    for (size_t run = 1; run < count; run *= 2) {
        for (size_t at = 0; at < count; at += 2 * run) {
            size_t a = lesser(run, count - at), b = lesser(run, count - at - a);
            merge(items + at, a, items + at + a, b, room + at);
        }
        struct item *sorted = room;
        room = items;
        items = sorted;
    }
    return items;
}

leveldb_writebatch_t *kv_batch_in_order(const struct kv_batch *b)
{
    leveldb_writebatch_t *out = leveldb_writebatch_create();
    struct item *all = weft_alloc((2 * b->count + 1) * sizeof(*all)), *items = all;
    for (size_t i = 0; i < b->count; i++)
        items[i] = (struct item){ .key = bytes_of(b->text.data + b->ops[i].at, b->ops[i].key_len),
                                  .op = &b->ops[i] };
    find_heads(items, b->count);
    if (!is_in_order(items, b->count))
        items = sort(items, items + b->count, b->count);
    for (size_t i = 0; i < b->count; i++) {
        const char *key = (const char *)items[i].key.data;
        size_t key_len = items[i].key.len;
        if (items[i].op->deletes)
            leveldb_writebatch_delete(out, key, key_len);
        else
            leveldb_writebatch_put(out, key, key_len, key + key_len, items[i].op->value_len);
    }
    free(all);
    return out;
}
