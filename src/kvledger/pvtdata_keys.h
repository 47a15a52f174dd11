/* pvtdata_keys.h - private keys of some collections, as the bookkeeper has them.
 *
 *     PvtdataKeys { 1 map ns -> Collections {
 *                       1 map coll -> KeysAndHashes { 1 [ { 1 key, 2 hash } ] } } }
 *
 * Without a key only the hash is known.  A map's order in the original is chance; here it is that
 * of the names.
 *
 *     pvtdata_keys_put(&all[0].list, "k", hash)
 *     pvtdata_keys_encode(all, count, &value)
 *
 * Go origin   core/ledger/kvledger/txmgmt/pvtstatepurgemgmt/pvtdata_key_helper.go
 * Owner       any thread
 * Memory      borrows names; the lists are their maker's
 * Limits      none of its own
 */
#ifndef WEFT_KVLEDGER_PVTDATA_KEYS_H
#define WEFT_KVLEDGER_PVTDATA_KEYS_H

#include "base/bytes.h"

/* Of one collection, to go together with one block. */
struct pvtdata_keys_of {
    uint64_t expiring;
    struct bytes ns, coll;
    struct buf list; /* KeysAndHashes */
};

void pvtdata_keys_put(struct buf *list, struct bytes key, struct bytes hash);

/* The first ones that go with the same block, sorted by namespace and collection; returns how
 * many they are. */
size_t pvtdata_keys_encode(const struct pvtdata_keys_of *all, size_t count, struct buf *out);

struct pvtdata_key_of {
    struct bytes ns, coll, key, hash;
};
typedef enum weft_code (*pvtdata_key_fn)(void *ctx, const struct pvtdata_key_of *key,
                                         struct weft_err *e);
enum weft_code pvtdata_keys_parse(struct bytes b, pvtdata_key_fn each, void *ctx,
                                  struct weft_err *e) WEFT_MUST_CHECK;

#endif
