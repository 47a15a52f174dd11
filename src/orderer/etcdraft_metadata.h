/* etcdraft_metadata.h - what etcdraft keeps in a channel's configuration and in its blocks.
 *
 * In the configuration, ConsensusType.metadata = ConfigMetadata: who the
 * consenters are (host, port, TLS certificates) and Raft's settings.  In every
 * block, BlockMetadata: which consenter has which Raft number, and the place of
 * the block in Raft's log.
 *
 *     block 5: consenter_ids [1], next_consenter_id 2, raft_index 8
 *
 * A consenter's number stays its own when its certificate is replaced; a new one
 * gets the next.  A channel that has no BlockMetadata yet numbers its consenters
 * from 1 on.
 *
 * Go origin   orderer/consensus/etcdraft/util.go VerifyConfigMetadata
 *             orderer/consensus/etcdraft/membership.go ComputeMembershipChanges
 *             orderer/consensus/etcdraft/consenter.go ReadBlockMetadata detectSelfID
 *             orderer/consensus/etcdraft/chain.go ValidateConsensusMetadata
 * Differs     an update to more than one consenter is refused, as long as there
 *             is one, since we don't take part in Raft
 * Owner       any thread
 * Memory      what is parsed lies in the caller's arena or is the caller's to end
 * Limits      LIMIT_CONSENTERS
 */
#ifndef WEFT_ORDERER_ETCDRAFT_METADATA_H
#define WEFT_ORDERER_ETCDRAFT_METADATA_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/limits.h"

struct bundle;
struct x509_cert;

/* ---- in the configuration --------------------------------------------------------- */

struct etcdraft_consenter {
    const char *host;
    uint32_t port;
    struct bytes client_cert, server_cert; /* PEM */
};

struct etcdraft_config {
    const struct etcdraft_consenter *consenters;
    size_t consenter_count;
    bool has_options;
    const char *tick_interval;
    uint32_t election_tick, heartbeat_tick, max_inflight_blocks, snapshot_interval_size;
};

enum weft_code etcdraft_config_parse(struct bytes metadata, struct arena *arena,
                                     struct etcdraft_config *ret,
                                     struct weft_err *e) WEFT_MUST_CHECK;

/* The place of the consenter whose server certificate has this one's public key;
 * SIZE_MAX: we are not among them. */
size_t etcdraft_config_find(const struct etcdraft_config *c, const struct x509_cert *server);

/* May a channel's configuration go from `now` to `next`?  Only looks where `next`
 * says etcdraft.  new_channel: `now` is the system channel's, `next` of a channel to be
 * made.  Words as the original's, without "consensus metadata update ... is invalid". */
enum weft_code etcdraft_check_update(const struct bundle *now, const struct bundle *next,
                                     bool new_channel, int64_t now_s,
                                     struct weft_err *e) WEFT_MUST_CHECK;

/* ---- in a block ------------------------------------------------------------------------ */

struct etcdraft_block_metadata {
    uint64_t ids[LIMIT_CONSENTERS]; /* in the order of the configuration */
    size_t count;
    uint64_t next_id, raft_index;
};

enum weft_code etcdraft_block_metadata_parse(struct bytes b, struct etcdraft_block_metadata *ret,
                                             struct weft_err *e) WEFT_MUST_CHECK;
void etcdraft_block_metadata_encode(const struct etcdraft_block_metadata *m, struct buf *out);

/* Of the newest block's consenter metadata, or 1, 2, ... when it has none. */
enum weft_code etcdraft_block_metadata_of(struct bytes consenter_metadata,
                                          const struct etcdraft_config *c,
                                          struct etcdraft_block_metadata *ret,
                                          struct weft_err *e) WEFT_MUST_CHECK;

/* The numbers that the consenters of `next` have, those of `now` having `m`'s.
 * WEFT_INVALID: "update of more than one consenter at a time is not supported, ...". */
enum weft_code etcdraft_block_metadata_move(struct etcdraft_block_metadata *m,
                                            const struct etcdraft_config *now,
                                            const struct etcdraft_config *next,
                                            struct weft_err *e) WEFT_MUST_CHECK;

#endif
