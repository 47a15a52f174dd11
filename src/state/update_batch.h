/* update_batch.h - what a block, or some of them, changes in the state.
 *
 * For every key that is written the last update: a value with its metadata and
 * version, or that it is gone, and since when.
 *
 *     update_batch_put(b, &key, &value)         { value, metadata, version }
 *     update_batch_delete(b, &key, { 7, 3 })    gone since transaction 3 of block 7
 *     update_batch_find(b, &key)                NULL: nobody touched it
 *
 *     update_batch_sort(b)                      by namespace; there public, hashed and
 *     b->spaces[i]->updates[j]                  private; by collection; by key
 *
 * Go origin   core/ledger/kvledger/txmgmt/statedb/statedb.go UpdateBatch
 *             core/ledger/kvledger/txmgmt/privacyenabledstate/types.go UpdateBatch
 * Differs     one batch for the public, hashed and private
 * Owner       whoever holds it.  While nothing is put, and once it is sorted, another thread may
 *             walk through its spaces
 * Memory      copies of keys and values, until it is cleared
 * Limits      none of its own: as much as the blocks have
 */
#ifndef WEFT_STATE_UPDATE_BATCH_H
#define WEFT_STATE_UPDATE_BATCH_H

#include "base/arena.h"
#include "base/byte_map.h"
#include "state/state_reader.h"

struct update {
    struct bytes key;
    bool is_delete;
    struct state_value value; /* of a delete: the version alone */
};

/* The keys of one namespace or collection. */
struct update_space {
    enum state_space space;
    struct bytes ns, coll;
    struct update **updates; /* in the order of their coming, until they are sorted */
    size_t count, cap;
    bool is_sorted, has_metadata; /* some key has any, or had */
    struct byte_map by_key;
};

struct update_batch {
    struct update_space **spaces;
    size_t count, cap;
    bool is_sorted; /* the spaces are */
    struct byte_map by_name;
    struct byte_map with_metadata; /* namespaces in which a key has any */
    size_t bytes;                  /* of keys, values and metadata */
    struct arena arena;
    struct update_space *last; /* that was asked for */
};

struct update_batch *update_batch_new(void);
void update_batch_free(struct update_batch *b);
WEFT_DEFINE_CLEANUP(struct update_batch *, update_batch_free)
void update_batch_clear(struct update_batch *b);

void update_batch_put(struct update_batch *b, const struct state_key *key,
                      const struct state_value *value);
void update_batch_delete(struct update_batch *b, const struct state_key *key,
                         struct state_version version);
/* NULL: it is not in it.  Good until the key is updated again. */
const struct update *update_batch_find(struct update_batch *b, const struct state_key *key);
/* NULL: nothing of that namespace, or collection, is in it. */
struct update_space *update_batch_space(struct update_batch *b, enum state_space space,
                                        struct bytes ns, struct bytes coll);
/* False: no update of the namespace, nor of its collections, has metadata. */
bool update_batch_has_metadata(const struct update_batch *b, struct bytes ns);

/* All of `from`, over what is there. */
void update_batch_add_all(struct update_batch *b, const struct update_batch *from);

void update_space_sort(struct update_space *s);
/* Where the first key that is not before `key` is; sorts it. */
size_t update_space_seek(struct update_space *s, struct bytes key);
/* Changes nothing where all is sorted: others may look things up meanwhile. */
void update_batch_sort(struct update_batch *b);

#endif
