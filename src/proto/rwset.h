/* rwset.h - what a transaction read and wrote.
 *
 *   TxReadWriteSet { data_model KV, ns_rwset [
 *     { namespace "asset",
 *       rwset = KVRWSet {
 *         reads           [ { key, version { block, tx } or none: was not there } ]
 *         range queries   [ { start, end, exhausted, raw reads or Merkle hashes } ]
 *         writes          [ { key, is_delete, value } ]
 *         metadata writes [ { key, entries [ { name, value } ] } ] },
 *       collections [ { name, hashed_rwset = HashedRWSet, hash of the private one } ] } ] }
 *
 * A HashedRWSet has hashes where a KVRWSet has keys and values, and no range
 * queries; its fields are read into the same structs.  Keys are UTF-8 and may
 * have zero bytes in them (composite keys do).
 *
 *     for (struct repeated r = set.writes; repeated_next(&r, &item);) {
 *         struct kv_write w = kv_write_of(item);
 *
 * Go origin   core/ledger/kvledger/txmgmt/rwsetutil/rwset_proto_util.go
 *             vendor/github.com/hyperledger/fabric-protos-go/ledger/rwset/rwset.pb.go
 *             vendor/github.com/hyperledger/fabric-protos-go/ledger/rwset/kvrwset/kv_rwset.pb.go
 * Owner       whoever holds the view
 * Memory      borrows, allocates nothing
 * Limits      LIMIT_PROTO_BYTES, LIMIT_PROTO_DEPTH
 */
#ifndef WEFT_PROTO_RWSET_H
#define WEFT_PROTO_RWSET_H

#include "proto/repeated.h"

enum {
    RWSET_MODEL_KV = 0
};

struct tx_rwset_view {
    int32_t data_model;
    struct repeated namespaces; /* each an ns_rwset */
};

struct ns_rwset {
    struct bytes name, rwset;
    struct repeated collections; /* each a collection_rwset */
};

struct collection_rwset {
    struct bytes name, hashed_rwset, pvt_rwset_hash;
};

struct kv_rwset_view {
    struct repeated reads, range_queries, writes, metadata_writes;
};

struct kv_version {
    bool is_set; /* false: the key was not there */
    uint64_t block, tx;
};

struct kv_read {
    struct bytes key; /* or its hash */
    struct kv_version version;
};

struct kv_write {
    struct bytes key; /* or its hash */
    bool is_delete;
    struct bytes value; /* or its hash */
};

struct kv_metadata_write {
    struct bytes key;        /* or its hash */
    struct repeated entries; /* each a kv_metadata_entry; none: all are removed */
};

struct kv_metadata_entry {
    struct bytes name, value;
};

enum range_query_kind {
    RANGE_QUERY_NONE,
    RANGE_QUERY_RAW,
    RANGE_QUERY_MERKLE,
};

struct range_query {
    struct bytes start_key, end_key;
    bool exhausted;
    enum range_query_kind kind;
    struct repeated raw_reads; /* each a kv_read */
    uint32_t max_degree, max_level;
    struct repeated hashes; /* each the bytes themselves */
};

enum weft_code tx_rwset_parse(struct bytes b, struct tx_rwset_view *ret,
                              struct weft_err *e) WEFT_MUST_CHECK;
struct ns_rwset ns_rwset_of(struct bytes item);
struct collection_rwset collection_rwset_of(struct bytes item);

enum weft_code kv_rwset_parse(struct bytes b, struct kv_rwset_view *ret,
                              struct weft_err *e) WEFT_MUST_CHECK;
/* The same for a HashedRWSet: no range queries. */
enum weft_code hashed_rwset_parse(struct bytes b, struct kv_rwset_view *ret,
                                  struct weft_err *e) WEFT_MUST_CHECK;

/* Elements of the lists above. */
struct kv_read kv_read_of(struct bytes item);
struct kv_write kv_write_of(struct bytes item);
/* A write of nothing deletes, and so does one of a hash of nothing. */
bool kv_write_deletes(const struct kv_write *w);
bool kv_write_hash_deletes(const struct kv_write *w);
struct kv_metadata_write kv_metadata_write_of(struct bytes item);
struct kv_metadata_entry kv_metadata_entry_of(struct bytes item);
struct range_query range_query_of(struct bytes item);

#endif
