#include "kvledger/store_compare.h"

#include "ledger/kv.h"
#include "ledger/order_key.h"
#include "state/state_value.h"

#include <inttypes.h>

enum {
    NOTES_MAX = 20,
    SHOWN_MAX = 120, /* of a key's bytes */
};

/* One of the two, at a key. */
struct side {
    struct kv_iter *it;
    struct bytes prefix, key, value;
    bool found;
};

static enum weft_code advance(struct side *s, struct weft_err *e)
{
    struct bytes key;
    WEFT_TRY(kv_iter_next(s->it, &s->found, &key, &s->value, e));
    s->found = s->found && bytes_start_with(key, s->prefix);
    s->key = s->found ? bytes_skip(key, s->prefix.len) : (struct bytes){ 0 };
    return WEFT_OK;
}

static void side_done(struct side *s)
{
    kv_iter_free(s->it);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct side, side_done)

/* ---- words ------------------------------------------------------------------------------------------ */

static void put_text(struct buf *out, struct bytes text)
{
    for (size_t i = 0; i < text.len && i < SHOWN_MAX; i++)
        if (text.data[i] > 0x20 && text.data[i] < 0x7f && text.data[i] != '\\')
            buf_put_u8(out, text.data[i]);
        else
            buf_printf(out, "\\x%02x", text.data[i]);
    if (text.len > SHOWN_MAX)
        buf_put_str(out, "...");
}

static const uint8_t *find(struct bytes in, const char *what)
{
    return in.len == 0 ? NULL : memmem(in.data, in.len, what, strlen(what));
}

static struct bytes up_to(struct bytes b, const uint8_t *end)
{
    return bytes_of(b.data, (size_t)(end - b.data));
}

/* 'd' ns [$$h coll | $$p coll] 00 key: "asset/car1", "pdc/coll/hash 2c26...", "pdc/coll/private k" */
static void put_state_place(struct buf *out, struct bytes key)
{
    struct bytes rest = bytes_skip(key, 1);
    const uint8_t *zero = memchr(rest.data, 0, rest.len);
    if (key.data[0] != 'd' || zero == NULL) {
        put_text(out, key);
        return;
    }
    struct bytes ns = up_to(rest, zero), name = bytes_skip(rest, ns.len + 1);
    const uint8_t *hashed = find(ns, "$$h"), *private = find(ns, "$$p");
    const uint8_t *coll = hashed != NULL ? hashed : private;
    put_text(out, coll != NULL ? up_to(ns, coll) : ns);
    buf_put_u8(out, '/');
    if (coll != NULL) {
        put_text(out, bytes_skip(ns, (size_t)(coll - ns.data) + 3));
        buf_put_str(out, hashed != NULL ? "/hash " : "/private ");
    }
    if (hashed == NULL) {
        put_text(out, name);
        return;
    }
    WEFT_FREE char *hex = bytes_to_hex(name);
    buf_put_str(out, hex);
}

/* ns 00 order(length) key 00 order(block) order(tx): "asset/car1 in block [31] transaction [2]" */
static void put_history_place(struct buf *out, struct bytes key)
{
    const uint8_t *zero = key.len > 0 ? memchr(key.data, 0, key.len) : NULL;
    uint64_t len = 0, block = 0, tx = 0;
    if (zero != NULL) {
        struct bytes ns = up_to(key, zero), rest = bytes_skip(key, ns.len + 1);
        if (order_key_take(&rest, &len) && len < rest.len) {
            struct bytes name = bytes_of(rest.data, (size_t)len),
                         at = bytes_skip(rest, name.len + 1);
            if (order_key_take(&at, &block) && order_key_take(&at, &tx) && at.len == 0) {
                put_text(out, ns);
                buf_put_u8(out, '/');
                put_text(out, name);
                buf_printf(out, " in block [%" PRIu64 "] transaction [%" PRIu64 "]", block, tx);
                return;
            }
        }
    }
    put_text(out, key);
}

static const char collections_prefix[] = "slscc", collections_suffix[] = "~collection";

/* 's' "lscc" 00 name "~collection" be64(2^64 - 1 - block) */
static bool take_collections(struct bytes key, struct bytes *ret_name, uint64_t *ret_block)
{
    size_t before = sizeof(collections_prefix), after = strlen(collections_suffix) + 8;
    if (key.len < before + after || memcmp(key.data, collections_prefix, before) != 0)
        return false;
    *ret_name = bytes_of(key.data + before, key.len - before - after);
    *ret_block = 0;
    for (size_t i = key.len - 8; i < key.len; i++)
        *ret_block = *ret_block << 8 | (uint8_t)~key.data[i];
    return memcmp(key.data + before + ret_name->len, collections_suffix,
                  strlen(collections_suffix)) == 0;
}

static void put_collections_place(struct buf *out, struct bytes key)
{
    struct bytes name;
    uint64_t block;
    if (!take_collections(key, &name, &block)) {
        put_text(out, key);
        return;
    }
    put_text(out, name);
    buf_printf(out, " as of block [%" PRIu64 "]", block);
}

static const char *other_value(struct bytes recorded, struct bytes wanted)
{
    (void)recorded;
    (void)wanted;
    return "another value";
}

static const char *state_difference(struct bytes recorded, struct bytes wanted)
{
    struct state_value a, b;
    if (state_value_parse(recorded, &a, NULL) != WEFT_OK)
        return "can't be read";
    if (state_value_parse(wanted, &b, NULL) != WEFT_OK || !bytes_eq(a.value, b.value))
        return "another value";
    if (!state_version_eq(a.version, b.version))
        return "another version";
    return bytes_eq(a.metadata, b.metadata) ? "written in another way" : "other metadata";
}

/* ---- comparing -------------------------------------------------------------------------------------- */

static const struct words {
    const char *store;
    void (*put_place)(struct buf *out, struct bytes key);
    const char *(*difference)(struct bytes recorded, struct bytes wanted);
} words_of[] = {
    [STORE_STATE] = { "state", put_state_place, state_difference },
    [STORE_HISTORY] = { "history", put_history_place, other_value },
    [STORE_COLLECTIONS] = { "collections", put_collections_place, other_value },
};

struct comparison {
    enum store_kind kind;
    const char *channel;
    uint64_t blocks;
    const struct store_compare_deps *deps;
    uint64_t differences;
    struct weft_err *e;
};

static void tell(struct comparison *c, struct bytes key, const char *what)
{
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    buf_printf(&b, "the %s of channel [%s]: ", words_of[c->kind].store, c->channel);
    words_of[c->kind].put_place(&b, key);
    buf_printf(&b, ": %s", what);
    buf_put_u8(&b, 0);
    if (c->differences++ == 0)
        WEFT_IGNORE(WEFT_FAIL(c->e, WEFT_CORRUPT, "%s", (const char *)b.data));
    else if (c->deps->note != NULL && c->differences <= NOTES_MAX)
        c->deps->note(c->deps->ctx, (const char *)b.data);
}

static struct side side_of(struct kv *kv, struct bytes prefix)
{
    return (struct side){ .it = kv_iter_new(kv, prefix), .prefix = prefix };
}

/* Collections of a block that is still to come: a crash was between the two. */
static bool is_early(const struct comparison *c, struct bytes key)
{
    struct bytes name;
    uint64_t block;
    return c->kind == STORE_COLLECTIONS && take_collections(key, &name, &block) &&
           block == c->blocks;
}

/* The lower of both keys, or what both have; steps on. */
static enum weft_code step(struct comparison *c, struct side *recorded, struct side *wanted,
                           uint64_t *keys)
{
    int order = !recorded->found ? 1 : !wanted->found ? -1 : bytes_cmp(recorded->key, wanted->key);
    if (order < 0) {
        if (!is_early(c, recorded->key))
            tell(c, recorded->key, "should not be there");
    } else if (order > 0)
        tell(c, wanted->key, "is not there");
    else if (!bytes_eq(recorded->value, wanted->value))
        tell(c, recorded->key, words_of[c->kind].difference(recorded->value, wanted->value));
    ++*keys;
    if (order <= 0)
        WEFT_TRY(advance(recorded, c->e));
    return order >= 0 ? advance(wanted, c->e) : WEFT_OK;
}

enum weft_code store_compare(const struct store_pair *pair, const char *channel, uint64_t blocks,
                             const struct store_compare_deps *deps, uint64_t *ret_keys,
                             struct weft_err *e)
{
    struct bytes prefix = bytes_of(channel, strlen(channel) + 1);
    WEFT_CLEANUP(side_done) struct side a = side_of(pair->recorded, prefix);
    WEFT_CLEANUP(side_done) struct side b = side_of(pair->wanted, prefix);
    struct weft_err first = { 0 };
    struct comparison c = {
        .kind = pair->kind, .channel = channel, .blocks = blocks, .deps = deps, .e = &first
    };
    uint64_t keys = 0;
    enum weft_code rc = advance(&a, &first);
    if (rc == WEFT_OK)
        rc = advance(&b, &first);
    while (rc == WEFT_OK && (a.found || b.found))
        rc = step(&c, &a, &b, &keys);
    if (rc != WEFT_OK)
        return WEFT_FAIL(e, rc, "%s", first.msg);
    if (c.differences == 1)
        return WEFT_FAIL(e, WEFT_CORRUPT, "%s", first.msg);
    if (c.differences > 1)
        return WEFT_FAIL(e, WEFT_CORRUPT, "%s (and %" PRIu64 " more)", first.msg,
                         c.differences - 1);
    *ret_keys = keys;
    return WEFT_OK;
}

enum weft_code store_compare_savepoint(enum store_kind kind, struct kv *kv, const char *channel,
                                       bool *ret_found, uint64_t *ret_block, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf key = { 0 };
    WEFT_CLEANUP(buf_done) struct buf value = { 0 };
    buf_put(&key, bytes_of(channel, strlen(channel) + 1));
    buf_put_u8(&key, 's');
    WEFT_TRY(kv_get(kv, buf_bytes(&key), ret_found, &value, e));
    struct bytes rest = buf_bytes(&value);
    if (*ret_found && !order_key_take(&rest, ret_block))
        return WEFT_FAIL(e, WEFT_CORRUPT, "the savepoint of channel [%s]'s %s is damaged", channel,
                         words_of[kind].store);
    return WEFT_OK;
}
