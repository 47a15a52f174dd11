#include "state/commit_hash.h"

#include "proto/wire.h"
#include "state/state_value.h"

static void put_if_any(struct buf *out, uint32_t number, struct bytes b)
{
    if (b.len > 0)
        wire_put_bytes(out, number, b);
}

/* One KVWrite: all before the value, and all after it. */
struct parts {
    struct buf head, tail, field;
};

static void parts_done(struct parts *p)
{
    buf_done(&p->head);
    buf_done(&p->tail);
    buf_done(&p->field);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct parts, parts_done)

enum {
    TAG_UPDATES_KVWRITES = 1 << 3 | WIRE_LEN,
    TAG_KVWRITE_VALUE = 5 << 3 | WIRE_LEN,
    TAG_KVWRITE_VERSION = 6 << 3 | WIRE_LEN,
};

/* The head has namespace and collection already, if they are to be there. */
static void add_update(struct sha256 *h, struct parts *p, const struct update *u)
{
    struct bytes value = u->is_delete ? bytes_of(NULL, 0) : u->value.value;
    put_if_any(&p->head, 3, u->key);
    if (u->is_delete)
        wire_put_varint(&p->head, 4, 1);
    if (value.len > 0) {
        buf_put_u8(&p->head, TAG_KVWRITE_VALUE);
        buf_put_uvarint(&p->head, value.len);
    }
    buf_clear(&p->tail);
    buf_put_u8(&p->tail, TAG_KVWRITE_VERSION);
    buf_put_u8(&p->tail, 0); /* its length */
    state_version_put(&p->tail, u->value.version);
    p->tail.data[1] = (uint8_t)(p->tail.len - 2);
    buf_clear(&p->field);
    buf_put_u8(&p->field, TAG_UPDATES_KVWRITES);
    buf_put_uvarint(&p->field, p->head.len + value.len + p->tail.len);
    sha256_add(h, buf_bytes(&p->field));
    sha256_add(h, buf_bytes(&p->head));
    sha256_add(h, value);
    sha256_add(h, buf_bytes(&p->tail));
    buf_clear(&p->head);
}

static void add_updates(struct sha256 *h, struct update_batch *updates)
{
    WEFT_CLEANUP(parts_done) struct parts p = { 0 };
    struct bytes ns = { 0 };
    update_batch_sort(updates);
    for (size_t i = 0; i < updates->count; i++) {
        const struct update_space *s = updates->spaces[i];
        if (s->ns.len == 0 || s->space == STATE_PRIVATE)
            continue;
        if (!bytes_eq(s->ns, ns))
            put_if_any(&p.head, 1, s->ns);
        put_if_any(&p.head, 2, s->coll);
        for (size_t j = 0; j < s->count; j++)
            add_update(h, &p, s->updates[j]);
        ns = s->ns;
    }
}

struct digest commit_hash_of(struct bytes flags, struct update_batch *updates,
                             const struct digest *previous)
{
    WEFT_CLEANUP(buf_done) struct buf count = { 0 };
    struct sha256 h;
    sha256_init(&h);
    buf_put_uvarint(&count, flags.len);
    sha256_add(&h, buf_bytes(&count));
    sha256_add(&h, flags);
    add_updates(&h, updates);
    if (previous != NULL)
        sha256_add(&h, digest_bytes(previous));
    return sha256_end(&h);
}
