#include "chain.h"

#include "proto/envelope.h"
#include "proto/wire.h"

void chain_init(struct chain *c, const char *channel, uint64_t seed)
{
    *c = (struct chain){ .channel = channel, .rand = weft_rand_of(seed) };
}

void chain_done(struct chain *c)
{
    for (size_t i = 0; i < c->count; i++)
        block_unref(c->blocks[i]);
    free(c->blocks);
    *c = (struct chain){ 0 };
}

static void put_random(struct chain *c, struct buf *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_put_u8(out, (uint8_t)weft_rand_next(&c->rand));
}

/* Envelope { Payload { Header { channel header, signature header }, data }, signature } */
static void make_envelope(struct chain *c, size_t bytes, struct buf *out)
{
    WEFT_CLEANUP(buf_done) struct buf nonce = { 0 };
    WEFT_CLEANUP(buf_done) struct buf channel = { 0 };
    WEFT_CLEANUP(buf_done) struct buf signer = { 0 };
    WEFT_CLEANUP(buf_done) struct buf header = { 0 };
    WEFT_CLEANUP(buf_done) struct buf payload = { 0 };
    WEFT_CLEANUP(buf_done) struct buf data = { 0 };
    char id[TX_ID_LEN + 1];
    put_random(c, &nonce, 24);
    tx_id_compute(buf_bytes(&nonce), bytes_of_str("creator"), id);
    wire_put_varint(&channel, 1, HEADER_ENDORSER_TRANSACTION);
    wire_put_bytes(&channel, 4, bytes_of_str(c->channel));
    wire_put_bytes(&channel, 5, bytes_of_str(id));
    wire_put_bytes(&signer, 1, bytes_of_str("creator"));
    wire_put_bytes(&signer, 2, buf_bytes(&nonce));
    wire_put_bytes(&header, 1, buf_bytes(&channel));
    wire_put_bytes(&header, 2, buf_bytes(&signer));
    put_random(c, &data, bytes);
    wire_put_bytes(&payload, 1, buf_bytes(&header));
    wire_put_bytes(&payload, 2, buf_bytes(&data));
    wire_put_bytes(out, 1, buf_bytes(&payload));
    wire_put_bytes(out, 2, bytes_of_str("signature"));
}

struct block *chain_next(struct chain *c, size_t txs, size_t tx_bytes)
{
    WEFT_CLEANUP(block_view_done)
    struct block_view v = { .has_header = true, .has_data = true, .has_metadata = true };
    WEFT_CLEANUP(buf_done) struct buf flags = { 0 };
    struct buf *envelopes = weft_alloc((txs + 1) * sizeof(*envelopes));
    for (size_t i = 0; i < txs; i++) {
        make_envelope(c, tx_bytes, &envelopes[i]);
        bytes_list_add(&v.txs, buf_bytes(&envelopes[i]));
        buf_put_u8(&flags, i % 3 == 2 ? 11 : 0);
    }
    for (int i = 0; i < BLOCK_SLOT_NR; i++)
        bytes_list_add(&v.slots, i == BLOCK_SLOT_FLAGS ? buf_bytes(&flags) : bytes_of(NULL, 0));
    struct digest data = block_data_hash(&v);
    v.number = c->count;
    v.previous_hash = c->count > 0 ? digest_bytes(&c->last) : bytes_of(NULL, 0);
    v.data_hash = digest_bytes(&data);

    WEFT_CLEANUP(buf_done) struct buf wire = { 0 };
    struct block *b = NULL;
    block_encode(&v, &wire);
    WEFT_ASSERT(block_parse(buf_bytes(&wire), &b, NULL) == WEFT_OK);
    c->last = block_header_hash(&v);
    c->blocks = weft_realloc(c->blocks, (c->count + 1) * sizeof(struct block *));
    c->blocks[c->count++] = b;
    for (size_t i = 0; i < txs; i++)
        buf_done(&envelopes[i]);
    free(envelopes);
    return b;
}

void chain_tx_id(const struct chain *c, uint64_t block, size_t tx, char out[65])
{
    char room[TX_ID_LEN + 1];
    struct bytes id;
    WEFT_ASSERT(block < c->count && tx < c->blocks[block]->v.txs.count);
    WEFT_ASSERT(envelope_tx_id(c->blocks[block]->v.txs.at[tx], room, &id, NULL) == WEFT_OK);
    WEFT_ASSERT(id.len == TX_ID_LEN);
    memcpy(out, id.data, id.len);
    out[id.len] = '\0';
}

static bool same_list(const struct bytes_list *a, const struct bytes_list *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!bytes_eq(a->at[i], b->at[i]))
            return false;
    return true;
}

void chain_expect(const struct chain *c, uint64_t n, const struct block_view *v)
{
    WEFT_ASSERT(n < c->count);
    const struct block_view *want = &c->blocks[n]->v;
    WEFT_ASSERT(v->number == want->number);
    WEFT_ASSERT(bytes_eq(v->previous_hash, want->previous_hash));
    WEFT_ASSERT(bytes_eq(v->data_hash, want->data_hash));
    WEFT_ASSERT(same_list(&v->txs, &want->txs));
    WEFT_ASSERT(same_list(&v->slots, &want->slots));
}
