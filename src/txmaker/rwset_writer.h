/* rwset_writer.h - puts together what a transaction read and wrote.
 *
 *     struct rwset_writer w = { 0 };
 *     rwset_writer_read(&w, "asset", bytes_of_str("a1"), (struct kv_version){ true, 7, 2 });
 *     rwset_writer_write(&w, "asset", bytes_of_str("a1"), bytes_of_str("12"));
 *     rwset_writer_private_write(&w, "asset", "collBoth", key, value);
 *     rwset_writer_encode(&w, &results);           TxReadWriteSet, what is endorsed
 *     rwset_writer_encode_private(&w, &private);   TxPvtReadWriteSet, what is not
 *
 * In order RWSET_AS_SIMULATED the outcome is what a peer's simulation gives:
 * namespaces, collections and keys sorted, the last of two writes of a key, an
 * empty value a delete; private keys are ordered before they are hashed.  In
 * order RWSET_AS_GIVEN nothing is sorted or merged, so that what no peer would
 * make can be made: a key or a namespace twice, wrong order, a delete with a value.
 *
 * Go origin   core/ledger/kvledger/txmgmt/rwsetutil/rwset_builder.go
 *             core/ledger/kvledger/txmgmt/rwsetutil/rwset_proto_util.go
 * Differs     the Merkle summary of a range is the caller's
 * Owner       whoever holds it
 * Memory      copies what it is given, until rwset_writer_done
 * Limits      none: what goes in is ours
 */
#ifndef WEFT_TXMAKER_RWSET_WRITER_H
#define WEFT_TXMAKER_RWSET_WRITER_H

#include "base/arena.h"
#include "proto/rwset.h"

enum rwset_order {
    RWSET_AS_SIMULATED,
    RWSET_AS_GIVEN,
};

struct rwset_writer {
    enum rwset_order order;
    struct arena arena;
    struct rwset_item *items;
    size_t count, cap;
};

void rwset_writer_done(struct rwset_writer *w);
WEFT_DEFINE_CLEANUP_IN_PLACE(struct rwset_writer, rwset_writer_done)

/* ---- public keys ------------------------------------------------------------- */

void rwset_writer_read(struct rwset_writer *w, const char *ns, struct bytes key,
                       struct kv_version version);
void rwset_writer_write(struct rwset_writer *w, const char *ns, struct bytes key,
                        struct bytes value);
void rwset_writer_delete(struct rwset_writer *w, const char *ns, struct bytes key);

struct rwset_entry {
    const char *name; /* "VALIDATION_PARAMETER" */
    struct bytes value;
};
/* count 0: the key's metadata are removed. */
void rwset_writer_metadata(struct rwset_writer *w, const char *ns, struct bytes key,
                           const struct rwset_entry *entries, size_t count);

struct rwset_range_read {
    struct bytes key;
    struct kv_version version;
};
struct rwset_range {
    struct bytes start_key, end_key;
    bool exhausted;
    enum range_query_kind kind;
    const struct rwset_range_read *reads; /* RANGE_QUERY_RAW */
    uint32_t max_degree, max_level;       /* RANGE_QUERY_MERKLE */
    const struct bytes *hashes;
    size_t count; /* of reads or of hashes */
};
void rwset_writer_range(struct rwset_writer *w, const char *ns, const struct rwset_range *r);

/* ---- keys of a collection: hashed in the results -------------------------------- */

void rwset_writer_private_read(struct rwset_writer *w, const char *ns, const char *collection,
                               struct bytes key, struct kv_version version);
void rwset_writer_private_write(struct rwset_writer *w, const char *ns, const char *collection,
                                struct bytes key, struct bytes value);
void rwset_writer_private_delete(struct rwset_writer *w, const char *ns, const char *collection,
                                 struct bytes key);
void rwset_writer_private_metadata(struct rwset_writer *w, const char *ns, const char *collection,
                                   struct bytes key, const struct rwset_entry *entries,
                                   size_t count);

/* ---- the outcome --------------------------------------------------------------- */

/* Both append; the second appends nothing when no private key was written. */
void rwset_writer_encode(struct rwset_writer *w, struct buf *out);
void rwset_writer_encode_private(struct rwset_writer *w, struct buf *out);

#endif
