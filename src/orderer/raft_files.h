/* raft_files.h - the log and the snapshot that a Go orderer wants to find beside a ledger.
 *
 * A Go orderer keeps its place in Raft's log in files of its own.  Without them it takes a
 * channel that has blocks for one that others order, and waits for those others for ever;
 * with old ones it gives blocks places that were given away, and drops them.  We need no
 * log.  So that it can go on where we stop all the same:
 *
 *     start    what is there is set aside          a Go orderer would wait, and lose nothing
 *     stop     both are written, for this place    a Go orderer elects itself, and goes on
 *
 *     Consensus.WALDir/<channel>/0000000000000000-0000000000000000.wal
 *          checksum 0, no metadata, snapshot 0, hard state { term 1, vote, commit }, snapshot
 *     Consensus.SnapDir/<channel>/0000000000000001-<index>.snap
 *          Snapshot { the newest block, { nodes, index, term 1 } }
 *
 * A start takes a place in Raft's log, too.  Blocks say theirs; so that one that ends in a kill -9
 * before there was a block is not forgotten, its place is noted:
 *
 *     Consensus.SnapDir/<channel>.place      16 hex digits, not synced
 *
 * What a Go orderer left is moved to <channel>.before, and an older one removed: all that
 * it had written into blocks is in the ledger.
 *
 * Go origin   orderer/consensus/etcdraft/storage.go
 *             vendor/go.etcd.io/etcd/wal/encoder.go vendor/go.etcd.io/etcd/wal/wal.go
 *             vendor/go.etcd.io/etcd/etcdserver/api/snap/snapshotter.go
 * Differs     entries of a Go orderer's log that are in no block yet are not read
 * Owner       any thread; blocking
 * Memory      none
 */
#ifndef WEFT_ORDERER_RAFT_FILES_H
#define WEFT_ORDERER_RAFT_FILES_H

#include "base/bytes.h"

struct raft_files {
    const char *wal_dir, *snap_dir; /* of all channels */
    const char *channel;
};

/* Where somebody stands who orders alone. */
struct raft_place {
    uint64_t node;  /* its number; 0: there is no Raft */
    uint64_t index; /* the last one in the log */
};

/* `block` is the newest one, marshalled. */
enum weft_code raft_files_write(const struct raft_files *f, const struct raft_place *p,
                                struct bytes block, struct weft_err *e) WEFT_MUST_CHECK;
/* Notes where we stand, for a start that nothing else will tell of. */
enum weft_code raft_files_note(const struct raft_files *f, uint64_t index,
                               struct weft_err *e) WEFT_MUST_CHECK;
/* The index of the newest snapshot there is, or the one that was noted; 0: there is none. */
uint64_t raft_files_index(const struct raft_files *f);
/* Removes what we wrote and noted, and moves away what others did. */
enum weft_code raft_files_set_aside(const struct raft_files *f, struct weft_err *e) WEFT_MUST_CHECK;

void raft_files_encode_log(const struct raft_place *p, struct buf *out);
void raft_files_encode_snapshot(const struct raft_place *p, struct bytes block, struct buf *out);

#endif
