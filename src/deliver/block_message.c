#include "deliver/block_message.h"

#include "base/varint.h"
#include "proto/wire.h"

/* What a message's pieces lie in. */
struct source {
    struct block *block; /* NULL: all is in `own` */
    struct buf own;
    size_t bytes;
};

static _Atomic size_t bytes_of_all;

size_t block_message_bytes(void)
{
    return atomic_load_explicit(&bytes_of_all, memory_order_relaxed);
}

static void free_source(void *owner)
{
    struct source *s = owner;
    (void)atomic_fetch_sub_explicit(&bytes_of_all, s->bytes, memory_order_relaxed);
    block_unref(s->block);
    buf_done(&s->own);
    free(s);
}

static struct net_msg *message_of(struct source *s, const struct bytes *pieces, size_t count)
{
    struct net_msg *m = net_msg_gather(pieces, count, free_source, s);
    s->bytes = m->len;
    (void)atomic_fetch_add_explicit(&bytes_of_all, s->bytes, memory_order_relaxed);
    return m;
}

static struct net_msg *in_pieces(struct block *b, struct bytes head)
{
    struct bytes_list pieces = { 0 };
    struct source *s = weft_alloc(sizeof(*s));
    s->block = block_ref(b);
    block_encode_pieces(&b->v, head, &s->own, &pieces);
    struct net_msg *m = message_of(s, pieces.at, pieces.count);
    free(pieces.at);
    return m;
}

static struct net_msg *in_one(const struct block *b, struct bytes head)
{
    struct source *s = weft_alloc(sizeof(*s));
    (void)buf_reserve(&s->own, head.len + block_encoded_len(&b->v));
    buf_put(&s->own, head);
    block_encode(&b->v, &s->own);
    struct bytes piece = buf_bytes(&s->own);
    return message_of(s, &piece, 1);
}

struct net_msg *block_message(struct block *b)
{
    uint8_t head[1 + UVARINT_LEN_MAX] = { 2 << 3 | WIRE_LEN };
    struct bytes head_bytes =
        bytes_of(head, 1 + uvarint_encode(block_encoded_len(&b->v), head + 1));
    bool keep = b->owner != NULL && b->v.txs.count <= b->raw.len / BLOCK_PIECE_LEAST;
    return keep ? in_pieces(b, head_bytes) : in_one(b, head_bytes);
}
