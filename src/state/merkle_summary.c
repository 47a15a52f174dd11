#include "state/merkle_summary.h"

#include "proto/wire.h"

void merkle_summary_init(struct merkle_summary *m, uint32_t max_degree)
{
    WEFT_ASSERT(max_degree >= MERKLE_DEGREE_MIN);
    *m = (struct merkle_summary){ .max_degree = max_degree, .max_level = 1 };
    sha256_init(&m->leaf);
}

void merkle_summary_done(struct merkle_summary *m)
{
    for (size_t i = 0; i <= MERKLE_LEVELS_MAX; i++)
        buf_done(&m->levels[i]);
    buf_done(&m->read);
}

struct bytes merkle_summary_hashes(const struct merkle_summary *m)
{
    return buf_bytes(&m->levels[m->max_level]);
}

/* All hashes of a level become one of the next. */
static void move_up(struct merkle_summary *m, uint32_t level)
{
    struct buf *from = &m->levels[level];
    struct digest d = sha256_of(buf_bytes(from));
    WEFT_ASSERT(level < MERKLE_LEVELS_MAX);
    buf_put(&m->levels[level + 1], digest_bytes(&d));
    buf_clear(from);
    if (level + 1 > m->max_level)
        m->max_level = level + 1;
}

static bool is_over_full(const struct merkle_summary *m, uint32_t level)
{
    return m->levels[level].len / SHA256_BYTES > m->max_degree;
}

static void end_leaf(struct merkle_summary *m)
{
    struct digest d = sha256_end(&m->leaf);
    sha256_init(&m->leaf);
    m->pending = 0;
    buf_put(&m->levels[1], digest_bytes(&d));
    for (uint32_t level = 1; is_over_full(m, level); level++)
        move_up(m, level);
}

/* QueryReads { 1 KVRead { 1 key, 2 Version { 1 block, 2 transaction } } } */
void merkle_summary_add(struct merkle_summary *m, struct bytes key, struct state_version version)
{
    WEFT_CLEANUP(buf_done) struct buf field = { 0 };
    WEFT_CLEANUP(buf_done) struct buf v = { 0 };
    if (version.block != 0)
        wire_put_varint(&v, 1, version.block);
    if (version.tx != 0)
        wire_put_varint(&v, 2, version.tx);
    buf_clear(&m->read);
    if (key.len > 0)
        wire_put_bytes(&m->read, 1, key);
    wire_put_bytes(&m->read, 2, buf_bytes(&v));
    wire_put_bytes(&field, 1, buf_bytes(&m->read));
    sha256_add(&m->leaf, buf_bytes(&field));
    if (++m->pending > m->max_degree)
        end_leaf(m);
}

void merkle_summary_end(struct merkle_summary *m)
{
    if (m->max_level == 1 && m->levels[1].len == 0)
        return;
    if (m->pending > 0)
        end_leaf(m);
    for (uint32_t level = 1; level < m->max_level; level++) {
        struct buf *b = &m->levels[level];
        if (b->len == SHA256_BYTES) { /* alone: it moves up as it is */
            buf_put(&m->levels[level + 1], buf_bytes(b));
            buf_clear(b);
        } else if (b->len > 0) {
            move_up(m, level);
        }
    }
    if (is_over_full(m, m->max_level))
        move_up(m, m->max_level);
}
