#include "rwset_maker.h"

#include "crypto/sha256.h"
#include "proto/wire.h"

#include <stdio.h>

static void put_buf(struct buf *out, uint32_t number, struct buf *inner)
{
    wire_put_bytes(out, number, buf_bytes(inner));
    buf_done(inner);
}

void made_private_done(struct made_private *p)
{
    for (size_t i = 0; i < p->count; i++)
        buf_done(&p->at[i].set);
    p->count = 0;
}

/* The hash of what nobody has, where nothing was written privately. */
static struct digest end_private(struct rwset_maker *m)
{
    struct made_private *p = m->private;
    bool any = m->private_kv.len > 0;
    struct digest d = sha256_of(buf_bytes(any ? &m->private_kv : &m->hashed));
    if (any && p != NULL && p->count < MADE_PRIVATE_MAX) {
        memcpy(p->at[p->count].namespace, m->namespace, sizeof(m->namespace));
        memcpy(p->at[p->count].collection, m->collection, sizeof(m->collection));
        p->at[p->count++].set = m->private_kv;
        m->private_kv = (struct buf){ 0 };
    }
    buf_done(&m->private_kv);
    return d;
}

/* CollectionHashedReadWriteSet { 1 name, 2 hashed_rwset, 3 pvt_rwset_hash } */
static void end_collection(struct rwset_maker *m)
{
    struct buf b = { 0 };
    if (!m->in_collection)
        return;
    struct digest d = end_private(m);
    wire_put_bytes(&b, 1, bytes_of_str(m->collection));
    put_buf(&b, 2, &m->hashed);
    wire_put_bytes(&b, 3, digest_bytes(&d));
    put_buf(&m->collections, 3, &b);
    m->in_collection = false;
}

/* NsReadWriteSet { 1 namespace, 2 rwset, 3 collections } */
static void end_namespace(struct rwset_maker *m)
{
    struct buf b = { 0 };
    end_collection(m);
    if (!m->in_namespace)
        return;
    wire_put_bytes(&b, 1, bytes_of_str(m->namespace));
    put_buf(&b, 2, &m->kv);
    buf_put(&b, buf_bytes(&m->collections));
    buf_done(&m->collections);
    put_buf(&m->set, 2, &b);
    m->in_namespace = false;
}

void rwset_namespace(struct rwset_maker *m, const char *name)
{
    end_namespace(m);
    (void)snprintf(m->namespace, sizeof(m->namespace), "%s", name);
    m->in_namespace = true;
}

void rwset_collection(struct rwset_maker *m, const char *name)
{
    end_collection(m);
    (void)snprintf(m->collection, sizeof(m->collection), "%s", name);
    m->in_collection = true;
}

static void put(struct rwset_maker *m, uint32_t in_kv, uint32_t in_hashed, struct buf *inner)
{
    put_buf(m->in_collection ? &m->hashed : &m->kv, m->in_collection ? in_hashed : in_kv, inner);
}

/* KVRead { 1 key, 2 version { 1 block_num, 2 tx_num } } */
static struct buf read_of(struct bytes key, const struct made_version *version)
{
    struct buf b = { 0 }, v = { 0 };
    wire_put_bytes(&b, 1, key);
    if (version != NULL) {
        wire_put_varint(&v, 1, version->block);
        if (version->tx > 0)
            wire_put_varint(&v, 2, version->tx);
        put_buf(&b, 2, &v);
    }
    return b;
}

void rwset_read(struct rwset_maker *m, struct bytes key, const struct made_version *version)
{
    struct buf b = read_of(key, version);
    put(m, 1, 1, &b);
}

void rwset_write(struct rwset_maker *m, struct bytes key, struct bytes value)
{
    struct buf b = { 0 };
    wire_put_bytes(&b, 1, key);
    if (value.len > 0)
        wire_put_bytes(&b, 3, value);
    put(m, 3, 2, &b);
}

void rwset_delete(struct rwset_maker *m, struct bytes key)
{
    struct buf b = { 0 };
    wire_put_bytes(&b, 1, key);
    wire_put_varint(&b, 2, 1);
    put(m, 3, 2, &b);
}

/* KVWrite { 1 key, 2 is_delete, 3 value } */
void rwset_write_private(struct rwset_maker *m, struct bytes key, struct bytes value)
{
    struct digest key_hash = sha256_of(key), value_hash = sha256_of(value);
    struct buf b = { 0 };
    wire_put_bytes(&b, 1, key);
    wire_put_bytes(&b, 3, value);
    put_buf(&m->private_kv, 3, &b);
    rwset_write(m, digest_bytes(&key_hash), digest_bytes(&value_hash));
}

void rwset_delete_private(struct rwset_maker *m, struct bytes key)
{
    struct digest key_hash = sha256_of(key);
    struct buf b = { 0 };
    wire_put_bytes(&b, 1, key);
    wire_put_varint(&b, 2, 1);
    put_buf(&m->private_kv, 3, &b);
    rwset_delete(m, digest_bytes(&key_hash));
}

void rwset_metadata(struct rwset_maker *m, struct bytes key, const char *name, struct bytes value)
{
    struct buf b = { 0 }, entry = { 0 };
    wire_put_bytes(&b, 1, key);
    if (name != NULL) {
        wire_put_bytes(&entry, 1, bytes_of_str(name));
        wire_put_bytes(&entry, 2, value);
        put_buf(&b, 2, &entry);
    }
    put(m, 4, 3, &b);
}

/* ---- range queries ------------------------------------------------------------------------------ */

enum {
    LEVELS_MAX = 16
};

struct merkle {
    uint32_t degree, top;
    struct buf hashes[LEVELS_MAX]; /* 32 bytes each; levels from 1 on */
};

static size_t count_at(const struct merkle *t, uint32_t level)
{
    return t->hashes[level].len / sizeof(struct digest);
}

/* All hashes of a level become one of the next. */
static void lift(struct merkle *t, uint32_t level)
{
    struct digest d = sha256_of(buf_bytes(&t->hashes[level]));
    struct bytes up = count_at(t, level) == 1 ? buf_bytes(&t->hashes[level]) : digest_bytes(&d);
    buf_put(&t->hashes[level + 1], up);
    buf_clear(&t->hashes[level]);
    if (level + 1 > t->top)
        t->top = level + 1;
}

static void add_leaf(struct merkle *t, const struct made_read *reads, size_t count)
{
    struct buf b = { 0 };
    for (size_t i = 0; i < count; i++) {
        struct buf one = read_of(reads[i].key, &reads[i].version);
        put_buf(&b, 1, &one);
    }
    struct digest d = sha256_of(buf_bytes(&b));
    buf_done(&b);
    buf_put(&t->hashes[1], digest_bytes(&d));
    if (t->top < 1)
        t->top = 1;
    for (uint32_t level = 1; count_at(t, level) > t->degree; level++)
        lift(t, level);
}

/* QueryReadsMerkleSummary { 1 max_degree, 2 max_level, 3 max_level_hashes }; nothing when its
 * level is full. */
static struct buf merkle_summary(const struct made_read *reads, size_t count, uint32_t degree)
{
    struct merkle t = { .degree = degree };
    struct buf b = { 0 };
    for (size_t at = 0; at < count; at += degree + 1)
        add_leaf(&t, reads + at, count - at < degree + 1 ? count - at : degree + 1);
    for (uint32_t level = 1; level < t.top; level++)
        if (count_at(&t, level) > 0)
            lift(&t, level);
    if (count_at(&t, t.top) > degree)
        lift(&t, t.top);
    if (count_at(&t, t.top) != degree) {
        wire_put_varint(&b, 1, degree);
        wire_put_varint(&b, 2, t.top);
    }
    for (size_t i = 0; b.len > 0 && i < count_at(&t, t.top); i++)
        wire_put_bytes(&b, 3, bytes_of(t.hashes[t.top].data + 32 * i, 32));
    for (uint32_t level = 0; level < LEVELS_MAX; level++)
        buf_done(&t.hashes[level]);
    return b;
}

void rwset_range(struct rwset_maker *m, struct bytes start, struct bytes end, bool exhausted,
                 const struct made_read *results, size_t count, uint32_t degree)
{
    struct buf b = { 0 }, inner = { 0 };
    wire_put_bytes(&b, 1, start);
    wire_put_bytes(&b, 2, end);
    if (exhausted)
        wire_put_varint(&b, 3, 1);
    struct buf summary =
        degree > 0 && count > degree ? merkle_summary(results, count, degree) : (struct buf){ 0 };
    if (summary.len > 0) {
        put_buf(&b, 5, &summary);
    } else {
        for (size_t i = 0; i < count; i++) {
            struct buf one = read_of(results[i].key, &results[i].version);
            put_buf(&inner, 1, &one);
        }
        put_buf(&b, 4, &inner);
    }
    put_buf(&m->kv, 2, &b);
}

void rwset_end(struct rwset_maker *m, struct buf *out)
{
    end_namespace(m);
    buf_put(out, buf_bytes(&m->set));
    buf_done(&m->set);
}
