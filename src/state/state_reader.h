/* state_reader.h - the world state as somebody sees it: the question, not the store.
 *
 * A channel's state is a map from keys to values.  A key lies in the namespace of a
 * chaincode, in one of three spaces:
 *
 *     STATE_PUBLIC   asset / "car1"                       what everybody has
 *     STATE_HASHED   pdc / collBoth / SHA-256("car1")     what everybody has of private data
 *     STATE_PRIVATE  pdc / collBoth / "car1"              what members of the collection have
 *
 * A value carries the version (block, transaction) that wrote it, and metadata: the
 * bytes KVMetadataWrite { 2 entries }, which hold a key's endorsement policy.
 *
 * MVCC and whatever else is decided by the state asks through this table, so that it
 * runs on a LevelDB (state_db.h), on a moment of it, on a block's updates laid over it
 * (state_overlay.h) and on a test's map alike.
 *
 *     struct state_value v;
 *     WEFT_CLEANUP(buf_done) struct buf room = { 0 };
 *     state_reader_get(&r, &(struct state_key){ STATE_PUBLIC, .ns = .., .key = .. },
 *                      &room, &found, &v, e)
 *     v.version = { 7, 3 }, v.value borrows from `room`
 *
 * Go origin   core/ledger/kvledger/txmgmt/statedb/statedb.go VersionedDB
 *             core/ledger/kvledger/txmgmt/privacyenabledstate/db.go
 * Owner       as who implements it says
 * Memory      a value borrows from the caller's buffer, which is written only when found
 */
#ifndef WEFT_STATE_STATE_READER_H
#define WEFT_STATE_STATE_READER_H

#include "base/bytes.h"

enum state_space {
    STATE_PUBLIC,
    STATE_HASHED,
    STATE_PRIVATE,
};

struct state_key {
    enum state_space space;
    struct bytes ns;
    struct bytes coll; /* empty in STATE_PUBLIC */
    struct bytes key;  /* its hash in STATE_HASHED */
};

struct state_version {
    uint64_t block, tx;
};

static inline bool state_version_eq(struct state_version a, struct state_version b)
{
    return a.block == b.block && a.tx == b.tx;
}

struct state_value {
    struct state_version version;
    struct bytes value;
    struct bytes metadata; /* empty: none */
};

/* Keys of one namespace in byte order. */
struct state_scan {
    /* Key and value are good until the next call; found = false at the end. */
    enum weft_code (*next)(struct state_scan *s, bool *ret_found, struct bytes *ret_key,
                           struct state_value *ret, struct weft_err *e);
    void (*free)(struct state_scan *s);
};

struct state_reader {
    void *ctx;
    enum weft_code (*get)(void *ctx, const struct state_key *key, struct buf *room, bool *ret_found,
                          struct state_value *ret, struct weft_err *e);
    /* Public keys from `start` to before `end`; an empty `end` is that of the namespace. */
    enum weft_code (*scan)(void *ctx, struct bytes ns, struct bytes start, struct bytes end,
                           struct state_scan **ret, struct weft_err *e);
    /* False: no key of the namespace, nor of its collections, ever had metadata. */
    bool (*may_have_metadata)(void *ctx, struct bytes ns);
};

static inline enum weft_code state_reader_get(const struct state_reader *r,
                                              const struct state_key *key, struct buf *room,
                                              bool *ret_found, struct state_value *ret,
                                              struct weft_err *e)
{
    return r->get(r->ctx, key, room, ret_found, ret, e);
}

static inline enum weft_code state_reader_scan(const struct state_reader *r, struct bytes ns,
                                               struct bytes start, struct bytes end,
                                               struct state_scan **ret, struct weft_err *e)
{
    return r->scan(r->ctx, ns, start, end, ret, e);
}

static inline enum weft_code state_scan_next(struct state_scan *s, bool *ret_found,
                                             struct bytes *ret_key, struct state_value *ret,
                                             struct weft_err *e)
{
    return s->next(s, ret_found, ret_key, ret, e);
}

static inline void state_scan_free(struct state_scan *s)
{
    if (s != NULL)
        s->free(s);
}
WEFT_DEFINE_CLEANUP(struct state_scan *, state_scan_free)

#endif
