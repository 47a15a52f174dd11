#include "base/log.h"
#include "crypto/sha256.h"
#include "kvledger/block_pvt.h"
#include "proto/metadata.h"
#include "proto/rwset.h"
#include "state/update_batch.h"

#include <inttypes.h>

LOG_DEFINE(logger, "valimpl");

static struct state_key private_key(const struct pvt_write_set *set, struct bytes key)
{
    return (struct state_key){ STATE_PRIVATE, set->ns, set->coll, key };
}

static void add_writes(const struct pvt_write_set *set, struct repeated writes, uint64_t block,
                       struct update_batch *u)
{
    struct state_version version = { block, set->tx };
    struct bytes item;
    while (repeated_next(&writes, &item)) {
        struct kv_write w = kv_write_of(item);
        struct state_key key = private_key(set, w.key);
        if (kv_write_deletes(&w))
            update_batch_delete(u, &key, version);
        else
            update_batch_put(u, &key, &(struct state_value){ version, w.value, { 0 } });
    }
}

/* The private value as it is with the block; found = false when there is none. */
static enum weft_code find_private(const struct state_key *key, const struct state_reader *before,
                                   struct update_batch *u, struct buf *room, bool *ret_found,
                                   struct state_value *ret, struct weft_err *e)
{
    const struct update *own = update_batch_find(u, key);
    if (own == NULL)
        return state_reader_get(before, key, room, ret_found, ret, e);
    *ret_found = !own->is_delete;
    *ret = own->value;
    return WEFT_OK;
}

/* Metadata of a private key are written in the hashed space alone, which gives the hashed key a
 * new version.  The private one must not stay behind, if it is the value that was hashed. */
static enum weft_code raise_version(const struct pvt_write_set *set, struct bytes key,
                                    const struct state_reader *before, struct update_batch *u,
                                    struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf room = { 0 };
    struct digest key_hash = sha256_of(key);
    struct state_key hashed_key = { STATE_HASHED, set->ns, set->coll, digest_bytes(&key_hash) };
    struct state_key own_key = private_key(set, key);
    struct state_value v;
    bool found = false;
    const struct update *hashed = update_batch_find(u, &hashed_key);
    if (hashed == NULL || hashed->is_delete)
        return WEFT_OK;
    struct state_version version = hashed->value.version;
    struct bytes hash = hashed->value.value;
    WEFT_TRY(find_private(&own_key, before, u, &room, &found, &v, e));
    if (!found || state_version_eq(v.version, version))
        return WEFT_OK;
    struct digest own_hash = sha256_of(v.value);
    if (bytes_eq(digest_bytes(&own_hash), hash))
        update_batch_put(u, &own_key, &(struct state_value){ version, v.value, { 0 } });
    return WEFT_OK;
}

static enum weft_code raise_versions(const struct pvt_write_set *set, struct repeated metadata,
                                     const struct state_reader *before, struct update_batch *u,
                                     struct weft_err *e)
{
    struct bytes item;
    while (repeated_next(&metadata, &item))
        WEFT_TRY(raise_version(set, kv_metadata_write_of(item).key, before, u, e));
    return WEFT_OK;
}

/* The endorsers signed the hash of what does not parse: there is nothing to be had from it. */
static bool parse_set(const struct pvt_write_set *set, uint64_t block, struct kv_rwset_view *ret)
{
    struct weft_err why = { 0 };
    if (kv_rwset_parse(set->rwset, ret, &why) == WEFT_OK)
        return true;
    LOG_WARN(&logger,
             "Private write set of block [%" PRIu64 "] transaction [%" PRIu64
             "] can't be read, ignoring it: %s",
             block, set->tx, why.msg);
    return false;
}

/* The store may name a transaction that the block does not have. */
static bool is_valid(const struct pvt_write_set *set, const uint8_t *codes, size_t count)
{
    return set->tx < count && codes[set->tx] == TX_VALID;
}

/* All writes first: a key's version is raised from what they leave. */
enum weft_code block_pvt_add_updates(const struct block_pvt *p, const uint8_t *codes, size_t count,
                                     const struct state_reader *before, struct update_batch *u,
                                     struct weft_err *e)
{
    const struct pvtdata_block *b = block_pvt_block(p);
    struct kv_rwset_view view;
    for (size_t i = 0; i < b->set_count; i++)
        if (is_valid(&b->sets[i], codes, count) && parse_set(&b->sets[i], b->number, &view))
            add_writes(&b->sets[i], view.writes, b->number, u);
    for (size_t i = 0; i < b->set_count; i++)
        if (is_valid(&b->sets[i], codes, count) &&
            kv_rwset_parse(b->sets[i].rwset, &view, NULL) == WEFT_OK)
            WEFT_TRY(raise_versions(&b->sets[i], view.metadata_writes, before, u, e));
    return WEFT_OK;
}
