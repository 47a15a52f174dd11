#include "chain.h"

#include "chain_signer.h"
#include "proto/envelope.h"
#include "proto/wire.h"

void chain_init(struct chain *c, const char *channel, uint64_t seed)
{
    *c = (struct chain){ .channel = channel, .rand = weft_rand_of(seed) };
}

void chain_init_signed(struct chain *c, const char *channel, uint64_t seed, enum chain_form form)
{
    chain_init(c, channel, seed);
    c->form = form;
    c->signer = chain_signer_new();
}

void chain_done(struct chain *c)
{
    chain_signer_free(c->signer);
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
static void make_envelope(struct chain *c, enum header_type type, struct bytes data,
                          struct buf *out)
{
    WEFT_CLEANUP(buf_done) struct buf nonce = { 0 };
    WEFT_CLEANUP(buf_done) struct buf channel = { 0 };
    WEFT_CLEANUP(buf_done) struct buf signer = { 0 };
    WEFT_CLEANUP(buf_done) struct buf header = { 0 };
    WEFT_CLEANUP(buf_done) struct buf payload = { 0 };
    char id[TX_ID_LEN + 1];
    put_random(c, &nonce, 24);
    tx_id_compute(buf_bytes(&nonce), bytes_of_str("creator"), id);
    wire_put_varint(&channel, 1, (uint64_t)type);
    wire_put_bytes(&channel, 4, bytes_of_str(c->channel));
    wire_put_bytes(&channel, 5, bytes_of_str(id));
    wire_put_bytes(&signer, 1, bytes_of_str("creator"));
    wire_put_bytes(&signer, 2, buf_bytes(&nonce));
    wire_put_bytes(&header, 1, buf_bytes(&channel));
    wire_put_bytes(&header, 2, buf_bytes(&signer));
    wire_put_bytes(&payload, 1, buf_bytes(&header));
    wire_put_bytes(&payload, 2, data);
    wire_put_bytes(out, 1, buf_bytes(&payload));
    wire_put_bytes(out, 2, bytes_of_str("signature"));
}

/* ---- what a transaction of a signed chain does --------------------------------- */

static uint8_t flag_of(size_t tx)
{
    return tx % 3 == 2 ? 11 : 0;
}

static void put_nested(struct buf *out, uint32_t number, struct bytes inner)
{
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    wire_put_bytes(&b, number, inner);
    buf_clear(out);
    buf_put(out, buf_bytes(&b));
}

/* Transaction { actions { payload { action { proposal response payload { extension
 * { results }}}}}} */
void chain_put_transaction(struct bytes results, struct buf *out)
{
    static const uint32_t path[] = { 1, 2, 1, 2, 2, 1 }; /* from the inside */
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    buf_put(&b, results);
    for (size_t i = 0; i < WEFT_ARRAY_LEN(path); i++)
        put_nested(&b, path[i], buf_bytes(&b));
    buf_put(out, buf_bytes(&b));
}

/* TxReadWriteSet { ns_rwset { "cc", KVRWSet { writes { key, value } } } } */
static void put_results(struct bytes key, struct bytes value, struct buf *out)
{
    WEFT_CLEANUP(buf_done) struct buf write = { 0 };
    WEFT_CLEANUP(buf_done) struct buf ns = { 0 };
    wire_put_bytes(&write, 1, key);
    wire_put_bytes(&write, 3, value);
    put_nested(&write, 3, buf_bytes(&write));
    wire_put_bytes(&ns, 1, bytes_of_str("cc"));
    wire_put_bytes(&ns, 2, buf_bytes(&write));
    wire_put_bytes(out, 2, buf_bytes(&ns));
}

/* Appends what the write adds to the block's updates, in this very order. */
static void put_update(const struct chain *c, size_t tx, struct bytes key, struct bytes value,
                       struct buf *updates)
{
    WEFT_CLEANUP(buf_done) struct buf one = { 0 };
    uint8_t version[4] = { 1, (uint8_t)c->count, tx > 0, (uint8_t)tx }; /* 0 has no bytes */
    WEFT_ASSERT(c->count < 256 && tx < 256);
    if (updates->len == 0)
        wire_put_bytes(&one, 1, bytes_of_str("cc"));
    wire_put_bytes(&one, 3, key);
    wire_put_bytes(&one, 5, value);
    wire_put_bytes(&one, 6, bytes_of(version, tx > 0 ? 4 : 3));
    wire_put_bytes(updates, 1, buf_bytes(&one));
}

static void put_commit_hash(struct chain *c, struct bytes flags, struct bytes updates,
                            struct buf *out)
{
    WEFT_CLEANUP(buf_done) struct buf what = { 0 };
    if (c->count == 0)
        return;
    buf_put_len_bytes(&what, flags);
    buf_put(&what, updates);
    if (c->count > 1)
        buf_put(&what, digest_bytes(&c->commit));
    c->commit = sha256_of(buf_bytes(&what));
    wire_put_bytes(out, 1, digest_bytes(&c->commit));
}

/* ---- blocks ------------------------------------------------------------------------ */

struct making {
    struct buf *envelopes;
    size_t count;
    struct buf slots[BLOCK_SLOT_NR];
    struct buf updates;
};

static struct making making_of(size_t txs)
{
    return (struct making){ weft_alloc((txs + 1) * sizeof(struct buf)), txs, { { 0 } }, { 0 } };
}

static void making_done(struct making *m)
{
    for (size_t i = 0; i < m->count; i++)
        buf_done(&m->envelopes[i]);
    for (size_t i = 0; i < BLOCK_SLOT_NR; i++)
        buf_done(&m->slots[i]);
    buf_done(&m->updates);
    free(m->envelopes);
}

static void put_slots(struct chain *c, const struct block_view *v, struct making *m)
{
    WEFT_CLEANUP(buf_done) struct buf nonce = { 0 };
    WEFT_CLEANUP(buf_done) struct buf last = { 0 };
    struct buf *flags = &m->slots[BLOCK_SLOT_FLAGS];
    if (c->form == CHAIN_OF_ORDERER)
        buf_clear(flags);
    if (c->form == CHAIN_OF_PEER)
        put_commit_hash(c, buf_bytes(flags), buf_bytes(&m->updates),
                        &m->slots[BLOCK_SLOT_COMMIT_HASH]);
    if (c->signer == NULL || c->count == 0)
        return;
    put_random(c, &nonce, 24);
    chain_signer_put_slot(c->signer, v, c->last_config, buf_bytes(&nonce),
                          &m->slots[BLOCK_SLOT_SIGNATURES]);
    if (c->last_config > 0) {
        wire_put_varint(&last, 1, c->last_config);
        wire_put_bytes(&m->slots[BLOCK_SLOT_LAST_CONFIG], 1, buf_bytes(&last));
    }
}

static struct block *add_block(struct chain *c, struct making *m)
{
    WEFT_CLEANUP(block_view_done)
    struct block_view v = { .has_header = true, .has_data = true, .has_metadata = true };
    for (size_t i = 0; i < m->count; i++)
        bytes_list_add(&v.txs, buf_bytes(&m->envelopes[i]));
    struct digest data = block_data_hash(&v);
    v.number = c->count;
    v.previous_hash = c->count > 0 ? digest_bytes(&c->last) : bytes_of(NULL, 0);
    v.data_hash = digest_bytes(&data);
    put_slots(c, &v, m);
    for (int i = 0; i < BLOCK_SLOT_NR; i++)
        bytes_list_add(&v.slots, buf_bytes(&m->slots[i]));

    WEFT_CLEANUP(buf_done) struct buf wire = { 0 };
    struct block *b = NULL;
    block_encode(&v, &wire);
    WEFT_ASSERT(block_parse(buf_bytes(&wire), &b, NULL) == WEFT_OK);
    c->last = block_header_hash(&v);
    c->blocks = weft_realloc(c->blocks, (c->count + 1) * sizeof(struct block *));
    c->blocks[c->count++] = b;
    return b;
}

/* A transaction of a signed chain, and what it leaves in the commit hash. */
static void make_write(struct chain *c, struct making *m, size_t tx, struct bytes value)
{
    WEFT_CLEANUP(buf_done) struct buf results = { 0 };
    WEFT_CLEANUP(buf_done) struct buf data = { 0 };
    WEFT_FREE char *key = weft_asprintf("k%03zu.%03zu", c->count, tx);
    put_results(bytes_of_str(key), value, &results);
    chain_put_transaction(buf_bytes(&results), &data);
    make_envelope(c, HEADER_ENDORSER_TRANSACTION, buf_bytes(&data), &m->envelopes[tx]);
    if (flag_of(tx) == 0)
        put_update(c, tx, bytes_of_str(key), value, &m->updates);
}

struct block *chain_next(struct chain *c, size_t txs, size_t tx_bytes)
{
    if (c->signer != NULL && c->count == 0)
        return chain_next_config(c, tx_bytes);
    struct making m = making_of(txs);
    for (size_t i = 0; i < txs; i++) {
        WEFT_CLEANUP(buf_done) struct buf data = { 0 };
        put_random(c, &data, tx_bytes);
        if (c->signer != NULL)
            make_write(c, &m, i, buf_bytes(&data));
        else
            make_envelope(c, HEADER_ENDORSER_TRANSACTION, buf_bytes(&data), &m.envelopes[i]);
        buf_put_u8(&m.slots[BLOCK_SLOT_FLAGS], flag_of(i));
    }
    struct block *b = add_block(c, &m);
    making_done(&m);
    return b;
}

struct block *chain_next_config(struct chain *c, size_t bytes)
{
    WEFT_CLEANUP(buf_done) struct buf data = { 0 };
    WEFT_ASSERT(c->signer != NULL);
    struct making m = making_of(1);
    if (c->put_config != NULL) {
        c->put_config(c, &m.envelopes[0]);
    } else {
        put_random(c, &data, bytes);
        make_envelope(c, HEADER_CONFIG, buf_bytes(&data), &m.envelopes[0]);
    }
    buf_put_u8(&m.slots[BLOCK_SLOT_FLAGS], 0);
    c->last_config = c->count;
    struct block *b = add_block(c, &m);
    making_done(&m);
    return b;
}

struct block *chain_next_results(struct chain *c, struct bytes results)
{
    WEFT_CLEANUP(buf_done) struct buf data = { 0 };
    WEFT_ASSERT(c->form == CHAIN_OF_PEER);
    struct making m = making_of(2);
    chain_put_transaction(results, &data);
    make_envelope(c, HEADER_ENDORSER_TRANSACTION, buf_bytes(&data), &m.envelopes[0]);
    make_write(c, &m, 1, bytes_of_str("plain"));
    put_random(c, &m.updates, 8);
    buf_put(&m.slots[BLOCK_SLOT_FLAGS], bytes_of("\0\0", 2));
    struct block *b = add_block(c, &m);
    making_done(&m);
    return b;
}

struct block *chain_next_envelopes(struct chain *c, const struct bytes *envelopes, size_t count)
{
    struct making m = making_of(count);
    for (size_t i = 0; i < count; i++)
        buf_put(&m.envelopes[i], envelopes[i]);
    struct block *b = add_block(c, &m);
    making_done(&m);
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
