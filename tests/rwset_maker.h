/* rwset_maker.h - read-write sets made to order.
 *
 *     struct rwset_maker m = { 0 };
 *     rwset_namespace(&m, "asset");
 *     rwset_read(&m, bytes_of_str("car1"), &(struct made_version){ 7, 3 });    NULL: was not there
 *     rwset_write(&m, bytes_of_str("car1"), bytes_of_str("blue"));
 *     rwset_collection(&m, "coll");
 *     rwset_write(&m, hash of a key, hash of a value);       now of the collection
 *     rwset_end(&m, &results)
 *
 * Go origin   none
 * Owner       the test
 */
#ifndef WEFT_TESTS_RWSET_MAKER_H
#define WEFT_TESTS_RWSET_MAKER_H

#include "base/bytes.h"

struct made_version {
    uint64_t block, tx;
};

struct made_read {
    struct bytes key;
    struct made_version version;
};

/* What a transaction wrote into collections: the KVRWSets that the hashes are of. */
enum {
    MADE_PRIVATE_MAX = 16
};
struct made_private {
    struct {
        char namespace[64], collection[64];
        struct buf set;
    } at[MADE_PRIVATE_MAX];
    size_t count;
};
void made_private_done(struct made_private *p);

struct rwset_maker {
    struct buf set, kv, collections, hashed, private_kv;
    struct made_private *private; /* is added to; NULL: nobody wants to know */
    char namespace[64], collection[64];
    bool in_namespace, in_collection;
};

void rwset_namespace(struct rwset_maker *m, const char *name);
void rwset_collection(struct rwset_maker *m, const char *name);
void rwset_read(struct rwset_maker *m, struct bytes key, const struct made_version *version);
void rwset_write(struct rwset_maker *m, struct bytes key, struct bytes value);
void rwset_delete(struct rwset_maker *m, struct bytes key);
/* In a collection, what the two above write as hashes. */
void rwset_write_private(struct rwset_maker *m, struct bytes key, struct bytes value);
void rwset_delete_private(struct rwset_maker *m, struct bytes key);
/* One entry; no name: none, which takes all away. */
void rwset_metadata(struct rwset_maker *m, struct bytes key, const char *name, struct bytes value);
/* Results in order; degree 0: as they are, else as a Merkle summary of that degree, if there
 * are enough of them for one, and fewer hashes than the degree are left: the original dies of a
 * summary that is full, when there are more results by the time it looks. */
void rwset_range(struct rwset_maker *m, struct bytes start, struct bytes end, bool exhausted,
                 const struct made_read *results, size_t count, uint32_t degree);
/* Appends the TxReadWriteSet, and starts afresh. */
void rwset_end(struct rwset_maker *m, struct buf *out);

#endif
