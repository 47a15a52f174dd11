#include "kvledger/block_pvt.h"

#include "base/arena.h"
#include "base/log.h"
#include "bundle/bundle.h"
#include "crypto/sha256.h"
#include "kvledger/collections.h"
#include "kvledger/transient_store.h"
#include "kvledger/tx_pvt_rwset.h"
#include "proto/block.h"
#include "validation/block_validation.h"
#include "validation/tx_check.h"

#include <inttypes.h>

LOG_DEFINE(logger, "gossip.privdata");

enum {
    LACKING_SAID = 10 /* sets of a block that are named */
};

struct block_pvt {
    struct arena arena;
    struct pvt_write_set *sets;
    struct pvt_missing *missing;
    size_t set_cap, missing_cap;
    struct pvtdata_block block;
};

struct block_pvt *block_pvt_none(uint64_t number)
{
    struct block_pvt *p = weft_alloc(sizeof(*p));
    p->block.number = number;
    return p;
}

void block_pvt_free(struct block_pvt *p)
{
    if (p == NULL)
        return;
    arena_done(&p->arena);
    free(p->sets);
    free(p->missing);
    free(p);
}

bool block_pvt_is_lacking(const struct block_pvt *p)
{
    bool found = false;
    for (size_t i = 0; i < p->block.missing_count && !found; i++)
        found = p->block.missing[i].is_eligible;
    return found;
}

const struct pvtdata_block *block_pvt_block(const struct block_pvt *p)
{
    return &p->block;
}

static void add_set(struct block_pvt *p, const struct pvt_write_set *set)
{
    if (p->block.set_count == p->set_cap) {
        p->set_cap = p->set_cap * 2 + 8;
        p->sets = weft_realloc(p->sets, p->set_cap * sizeof(*p->sets));
    }
    p->sets[p->block.set_count++] = *set;
    p->block.sets = p->sets;
}

static void add_missing(struct block_pvt *p, const struct pvt_missing *m)
{
    if (p->block.missing_count == p->missing_cap) {
        p->missing_cap = p->missing_cap * 2 + 8;
        p->missing = weft_realloc(p->missing, p->missing_cap * sizeof(*p->missing));
    }
    p->missing[p->block.missing_count++] = *m;
    p->block.missing = p->missing;
}

static struct bytes keep(struct arena *arena, struct bytes b)
{
    uint8_t *to = arena_alloc(arena, b.len);
    if (b.len > 0)
        memcpy(to, b.data, b.len);
    return bytes_of(to, b.len);
}

/* ---- what came with the block ------------------------------------------------------------- */

struct came_set {
    struct pvt_write_set set;
    struct digest hash;
};

/* Sorted by transaction, namespace, collection and hash. */
struct came {
    struct came_set *sets;
    size_t count, cap;
    struct arena *arena; /* NULL: what comes stays where it is */
};

static void came_done(struct came *c)
{
    free(c->sets);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct came, came_done)

static int by_place(const void *x, const void *y)
{
    const struct came_set *a = x, *b = y;
    int c = (a->set.tx > b->set.tx) - (a->set.tx < b->set.tx);
    if (c == 0)
        c = bytes_cmp(a->set.ns, b->set.ns);
    if (c == 0)
        c = bytes_cmp(a->set.coll, b->set.coll);
    return c != 0 ? c : bytes_cmp(digest_bytes(&a->hash), digest_bytes(&b->hash));
}

static enum weft_code take_came(void *ctx, const struct pvt_write_set *set, struct weft_err *e)
{
    struct came *c = ctx;
    (void)e;
    if (c->count == c->cap) {
        c->cap = c->cap * 2 + 8;
        c->sets = weft_realloc(c->sets, c->cap * sizeof(*c->sets));
    }
    struct came_set *to = &c->sets[c->count++];
    *to = (struct came_set){ *set, sha256_of(set->rwset) };
    if (c->arena != NULL) {
        to->set.ns = keep(c->arena, set->ns);
        to->set.coll = keep(c->arena, set->coll);
        to->set.rwset = keep(c->arena, set->rwset);
    }
    return WEFT_OK;
}

static void sort_came(struct came *c)
{
    if (c->count > 1)
        qsort(c->sets, c->count, sizeof(*c->sets), by_place);
}

/* What does not parse did not come. */
static void look_through(const struct kv_pvt_data *data, size_t count, struct came *ret)
{
    for (size_t i = 0; i < count; i++) {
        struct weft_err why = { 0 };
        if (tx_pvt_rwset_each(data[i].write_set, data[i].tx, take_came, ret, &why) != WEFT_OK)
            LOG_WARN(&logger, "Private data that came for transaction %" PRIu64 " is no good: %s",
                     data[i].tx, why.msg);
    }
    sort_came(ret);
}

static const struct came_set *find_came(const struct came *c, const struct pvt_write_set *want,
                                        struct bytes hash)
{
    struct came_set key = { .set = *want };
    if (hash.len != sizeof(key.hash.b) || c->count == 0)
        return NULL;
    memcpy(key.hash.b, hash.data, hash.len);
    return bsearch(&key, c->sets, c->count, sizeof(*c->sets), by_place);
}

/* ---- what the block should have -------------------------------------------------------------- */

struct needs {
    struct block_pvt *p;
    struct collections *c;
    struct transient_store *transient; /* NULL: none */
    const struct came *came;
    struct came kept; /* of the transaction, in the transient store */
    uint64_t tx;
    struct bytes tx_id; /* one without is not looked for, as in the original */
    bool is_looked_up;
    size_t found_came, found_kept, lacking;
    struct buf lacking_names;
};

/* Both the store and the list are of what only might be missing: damage is. */
static const struct came_set *find_kept(struct needs *n, const struct pvt_write_set *want,
                                        struct bytes hash)
{
    struct weft_err why = { 0 };
    if (n->transient == NULL)
        return NULL;
    if (!n->is_looked_up) {
        n->is_looked_up = true;
        n->kept.count = 0;
        if (transient_store_find(n->transient, n->tx_id, n->tx, take_came, &n->kept, &why) !=
            WEFT_OK)
            LOG_WARN(&logger,
                     "Failed fetching private data from transient store: Failed iterating over "
                     "transient store data: %s",
                     why.msg);
        sort_came(&n->kept);
    }
    return find_came(&n->kept, want, hash);
}

static const struct came_set *find_needed(struct needs *n, const struct pvt_write_set *want,
                                          struct bytes hash)
{
    const struct came_set *found = find_came(n->came, want, hash);
    if (found != NULL) {
        n->found_came++;
        return found;
    }
    found = find_kept(n, want, hash);
    n->found_kept += found != NULL ? 1 : 0;
    return found;
}

static void needs_done(struct needs *n)
{
    free(n->kept.sets);
    buf_done(&n->lacking_names);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct needs, needs_done)

static void name_lacking(struct needs *n, struct bytes ns, const struct tx_collection *coll)
{
    char id[LOG_QUOTE_MAX], space[LOG_QUOTE_MAX], name[LOG_QUOTE_MAX];
    WEFT_FREE char *hash = bytes_to_hex(coll->pvt_rwset_hash);
    if (n->lacking++ < LACKING_SAID)
        buf_printf(&n->lacking_names,
                   "txID: %s, seq: %" PRIu64 ", namespace: %s, collection: %s, hash: %.64s; ",
                   log_name(n->tx_id, id), n->tx, log_name(ns, space), log_name(coll->name, name),
                   hash);
    else if (n->lacking == LACKING_SAID + 1)
        buf_put_str(&n->lacking_names, "...");
}

static enum weft_code need(struct needs *n, struct bytes ns, const struct tx_collection *coll,
                           struct weft_err *e)
{
    const struct collection_info *info;
    if (coll->hashed.writes.count == 0 && coll->hashed.metadata_writes.count == 0)
        return WEFT_OK;
    WEFT_TRY(collections_find(n->c, ns, coll->name, &info, e));
    if (!info->is_known)
        return WEFT_OK;
    struct pvt_write_set set = { .tx = n->tx, .ns = ns, .coll = coll->name };
    const struct came_set *found =
        info->is_mine && n->tx_id.len > 0 ? find_needed(n, &set, coll->pvt_rwset_hash) : NULL;
    if (found == NULL && info->is_mine)
        name_lacking(n, ns, coll);
    if (found != NULL)
        add_set(n->p, &found->set);
    else
        add_missing(n->p,
                    &(struct pvt_missing){
                        .tx = n->tx, .ns = ns, .coll = coll->name, .is_eligible = info->is_mine });
    return WEFT_OK;
}

static enum weft_code need_all(struct needs *n, const struct tx_check *c, struct weft_err *e)
{
    for (size_t i = 0; i < c->namespace_count; i++) {
        const struct tx_namespace *ns = &c->namespaces[i];
        for (size_t j = 0; j < ns->collection_count; j++)
            WEFT_TRY(need(n, ns->name, &ns->collections[j], e));
    }
    return WEFT_OK;
}

static void say_what_was_found(struct needs *n, const char *channel)
{
    const struct pvtdata_block *b = &n->p->block;
    size_t missing = n->lacking;
    buf_put_u8(&n->lacking_names, 0);
    if (missing > 0)
        LOG_WARN(&logger,
                 "Could not fetch all %zu eligible collection private write sets for block "
                 "[%" PRIu64 "] (%zu from local cache, %zu from transient store, 0 from other "
                 "peers). Will commit block with missing private write sets:[%s]" LOG_KV
                 "channel=%s",
                 missing + b->set_count, b->number, n->found_came, n->found_kept,
                 (const char *)n->lacking_names.data, channel);
    else if (b->set_count > 0)
        LOG_INFO(&logger,
                 "Successfully fetched all %zu eligible collection private write sets for block "
                 "[%" PRIu64 "] (%zu from local cache, %zu from transient store, 0 from other "
                 "peers)" LOG_KV "channel=%s",
                 b->set_count, b->number, n->found_came, n->found_kept, channel);
}

/* A transaction whose structure is good is read already; of the others, as much as can be. */
enum weft_code block_pvt_new(const struct block_validation *v, const uint8_t *codes,
                             struct collections *c, const struct pvt_sources *from,
                             struct block_pvt **ret, struct weft_err *e)
{
    const struct block_view *b = &block_validation_block(v)->v;
    const struct bundle_application *a = bundle_application(block_validation_bundle(v));
    bool also_invalid = a != NULL && a->capabilities.store_pvtdata_of_invalid_tx;
    WEFT_CLEANUP(block_pvt_free) struct block_pvt *p = block_pvt_none(b->number);
    WEFT_CLEANUP(came_done) struct came sets = { 0 };
    WEFT_CLEANUP(needs_done)
    struct needs n = {
        .p = p, .c = c, .transient = from->transient, .came = &sets, .kept = { .arena = &p->arena }
    };
    look_through(from->came, from->count, &sets);
    for (size_t i = 0; i < b->txs.count; i++) {
        struct tx_check unjudged;
        const struct tx_check *tx = block_validation_tx(v, i);
        if (codes[i] != TX_VALID && !also_invalid)
            continue;
        if (codes[i] != TX_VALID) {
            if (!tx_check_rwset(b->txs.at[i], &p->arena, &unjudged))
                continue;
            tx = &unjudged;
        }
        n.tx = i;
        n.tx_id = tx->tx_id;
        n.is_looked_up = false;
        WEFT_TRY(need_all(&n, tx, e));
    }
    say_what_was_found(&n, bundle_channel_id(block_validation_bundle(v)));
    *ret = WEFT_TAKE(p);
    return WEFT_OK;
}

/* ---- what the store has ------------------------------------------------------------------------ */

static enum weft_code take_stored(void *ctx, const struct pvt_write_set *set, struct weft_err *e)
{
    struct block_pvt *p = ctx;
    (void)e;
    add_set(p, &(struct pvt_write_set){ .tx = set->tx,
                                        .ns = keep(&p->arena, set->ns),
                                        .coll = keep(&p->arena, set->coll),
                                        .rwset = keep(&p->arena, set->rwset) });
    return WEFT_OK;
}

enum weft_code block_pvt_of_store(struct pvtdata_store *s, uint64_t number, struct collections *c,
                                  struct block_pvt **ret, struct weft_err *e)
{
    WEFT_CLEANUP(block_pvt_free) struct block_pvt *p = block_pvt_none(number);
    WEFT_TRY(pvtdata_store_read(s, number, c, NULL, take_stored, p, e));
    *ret = WEFT_TAKE(p);
    return WEFT_OK;
}
