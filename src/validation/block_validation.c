#include "validation/block_validation.h"

#include "bundle/bundle.h"
#include "crypto/hash.h"
#include "msp/identity_cache.h"
#include "proto/block.h"
#include "validation/block_tx.h"

enum {
    PART_TXS = 32, /* three signatures each are a batch and a half */
};

struct part {
    struct arena arena;
    struct msp_identity **identities; /* references */
    size_t count, cap;
    size_t bytes;
};

struct block_validation {
    struct block *block;
    struct bundle *bundle;
    struct tx_rules rules;
    struct block_tx *txs;
    struct part *parts;
    size_t part_count;
};

/* ---- lanes ---------------------------------------------------------------------------------- */

struct validation_lane {
    struct key_tables *tables;
    size_t identities;
    struct bundle *bundle; /* whose identities these are; NULL: none yet */
    struct identity_cache *cache;
    struct signature_batch *batch;
};

struct validation_lane *validation_lane_new(struct key_tables *tables, size_t identities)
{
    struct validation_lane *lane = weft_alloc(sizeof(*lane));
    lane->tables = tables;
    lane->identities = identities;
    lane->batch = signature_batch_new(tables);
    return lane;
}

void validation_lane_free(struct validation_lane *lane)
{
    if (lane == NULL)
        return;
    identity_cache_free(lane->cache);
    bundle_unref(lane->bundle);
    signature_batch_free(lane->batch);
    free(lane);
}

static void turn_to_bundle(struct validation_lane *lane, struct bundle *b)
{
    if (lane->bundle == b)
        return;
    identity_cache_free(lane->cache);
    bundle_unref(lane->bundle);
    lane->bundle = bundle_ref(b);
    lane->cache = identity_cache_new(bundle_msps(b), lane->identities);
}

/* ---- the whole -------------------------------------------------------------------------------- */

struct block_validation *block_validation_new(struct block *b, struct bundle *bundle)
{
    struct block_validation *v = weft_alloc(sizeof(*v));
    const struct bundle_application *a = bundle_application(bundle);
    size_t count = b->v.txs.count;
    WEFT_ASSERT(a != NULL);
    v->block = block_ref(b);
    v->bundle = bundle_ref(bundle);
    v->rules = tx_rules_of(&a->capabilities);
    v->part_count = (count + PART_TXS - 1) / PART_TXS;
    v->txs = weft_alloc((count + 1) * sizeof(*v->txs));
    v->parts = weft_alloc((v->part_count + 1) * sizeof(*v->parts));
    return v;
}

void block_validation_free(struct block_validation *v)
{
    if (v == NULL)
        return;
    for (size_t i = 0; i < v->part_count; i++) {
        struct part *p = &v->parts[i];
        for (size_t j = 0; j < p->count; j++)
            msp_identity_unref(p->identities[j]);
        free(p->identities);
        arena_done(&p->arena);
    }
    free(v->parts);
    free(v->txs);
    bundle_unref(v->bundle);
    block_unref(v->block);
    free(v);
}

size_t block_validation_parts(const struct block_validation *v)
{
    return v->part_count;
}

struct block *block_validation_block(const struct block_validation *v)
{
    return v->block;
}

struct bundle *block_validation_bundle(const struct block_validation *v)
{
    return v->bundle;
}

bool block_validation_is_of(const struct block_validation *v, const struct bundle *b)
{
    return v->bundle == b;
}

size_t block_validation_bytes(const struct block_validation *v)
{
    size_t n = v->block->v.txs.count * sizeof(*v->txs);
    for (size_t i = 0; i < v->part_count; i++)
        n += v->parts[i].bytes + v->parts[i].cap * sizeof(struct msp_identity *);
    return n;
}

const struct block_tx *block_validation_signed_tx(const struct block_validation *v, size_t i)
{
    WEFT_ASSERT(i < v->block->v.txs.count);
    return &v->txs[i];
}

const struct tx_check *block_validation_tx(const struct block_validation *v, size_t i)
{
    return &block_validation_signed_tx(v, i)->check;
}

/* ---- a part -------------------------------------------------------------------------------------- */

/* Looks the identity up; NULL when it is nobody.  The reference is the part's; a run of
 * equal ones, as in every block, is kept once. */
static struct msp_identity *look_up(struct part *p, struct validation_lane *lane,
                                    struct bytes serialized)
{
    struct msp_identity *id = NULL;
    if (identity_cache_get(lane->cache, serialized, &id, NULL) != WEFT_OK)
        return NULL;
    for (size_t i = p->count; i > 0 && i + 4 > p->count; i--)
        if (p->identities[i - 1] == id) {
            msp_identity_unref(id);
            return id;
        }
    if (p->count == p->cap) {
        p->cap = p->cap > 0 ? 2 * p->cap : 8;
        p->identities = weft_realloc(p->identities, p->cap * sizeof(*p->identities));
    }
    p->identities[p->count++] = id;
    return id;
}

/* A message's digest where all parts but the last have been hashed already. */
struct prefix {
    struct bytes bytes;
    struct sha256 state;
};

static void add_check(struct tx_endorser *who, struct bytes signature, const struct prefix *prefix,
                      struct bytes rest, struct signature_batch *batch)
{
    const char *function = msp_identity_hash_function(who->id);
    enum weft_code rc = WEFT_INVALID;
    if (function != NULL && strcmp(function, "SHA256") == 0) {
        struct sha256 sum = prefix->state;
        sha256_add(&sum, rest);
        struct digest d = sha256_end(&sum);
        rc = msp_identity_add_digest(who->id, batch, digest_bytes(&d), signature, &who->verdict,
                                     NULL);
    } else if (function != NULL) {
        struct hash_value h;
        struct bytes both[] = { prefix->bytes, rest };
        rc = hash_of(function, both, 2, &h, NULL);
        if (rc == WEFT_OK)
            rc = msp_identity_add_digest(who->id, batch, hash_bytes(&h), signature, &who->verdict,
                                         NULL);
    }
    if (rc != WEFT_OK)
        who->verdict = SIGNATURE_MALFORMED;
}

static void prepare_creator(struct block_validation *v, struct part *p, struct block_tx *tx,
                            struct validation_lane *lane)
{
    struct prefix nothing = { 0 };
    tx->is_foreign = !bytes_eq(tx->check.channel_id, bytes_of_str(bundle_channel_id(v->bundle)));
    if (tx->is_foreign || tx->check.signature.data == NULL)
        return;
    tx->creator.serialized = tx->check.creator;
    tx->creator.id = look_up(p, lane, tx->check.creator);
    if (tx->creator.id == NULL || msp_identity_validate(tx->creator.id, NULL) != WEFT_OK)
        return;
    sha256_init(&nothing.state);
    add_check(&tx->creator, tx->check.signature, &nothing, tx->check.payload, lane->batch);
}

/* Each signs the response and his own identity. */
static void prepare_endorsers(struct part *p, struct block_tx *tx, struct validation_lane *lane)
{
    const struct tx_check *c = &tx->check;
    struct prefix response = { .bytes = c->response_payload };
    tx->endorsers = arena_alloc(&p->arena, c->endorsement_count * sizeof(*tx->endorsers));
    sha256_init(&response.state);
    sha256_add(&response.state, c->response_payload);
    for (size_t i = 0; i < c->endorsement_count; i++) {
        struct tx_endorser *who = &tx->endorsers[i];
        who->serialized = c->endorsements[i].endorser;
        who->id = look_up(p, lane, who->serialized);
        if (who->id != NULL)
            add_check(who, c->endorsements[i].signature, &response, who->serialized, lane->batch);
    }
    p->bytes += c->endorsement_count * (sizeof(*tx->endorsers) + sizeof(struct endorsement));
}

static void conclude(struct block_validation *v, struct part *p, struct block_tx *tx)
{
    tx->creator_is_good = tx->creator.verdict == SIGNATURE_GOOD;
    tx_signers_of(tx->endorsers, tx->check.endorsement_count, !v->rules.v1_3, &p->arena,
                  &tx->signers);
    p->bytes += tx->signers.key.len + 64;
}

void block_validation_run(struct block_validation *v, size_t part, struct validation_lane *lane)
{
    WEFT_ASSERT(part < v->part_count);
    struct part *p = &v->parts[part];
    size_t first = part * PART_TXS, count = v->block->v.txs.count;
    size_t end = first + PART_TXS < count ? first + PART_TXS : count;
    turn_to_bundle(lane, v->bundle);
    for (size_t i = first; i < end; i++) {
        struct block_tx *tx = &v->txs[i];
        tx_check(v->block->v.txs.at[i], &v->rules, &p->arena, &tx->check);
        p->bytes += tx->check.namespace_count * sizeof(struct tx_namespace);
        if (tx->check.code != TX_VALID)
            continue;
        prepare_creator(v, p, tx, lane);
        prepare_endorsers(p, tx, lane);
    }
    signature_batch_check(lane->batch);
    for (size_t i = first; i < end; i++)
        if (v->txs[i].check.code == TX_VALID)
            conclude(v, p, &v->txs[i]);
}

void block_validation_run_all(struct block_validation *v, struct validation_lane *lane)
{
    for (size_t i = 0; i < v->part_count; i++)
        block_validation_run(v, i, lane);
}
