/* deliver_fetch.h - asks an orderer or a peer for single blocks.
 *
 * For command lines: each call waits for its answer, on a loop of its own.
 *
 *     deliver_fetch_open(&config, &f, e)          connects, opens the stream
 *     deliver_fetch_block(f, &position, &block, e)      "can't read the block: &{NOT_FOUND}"
 *
 * Go origin   internal/peer/common/deliverclient.go
 * Owner       the thread that opened it
 * Memory      one connection; a block is the caller's
 */
#ifndef WEFT_DELIVER_DELIVER_FETCH_H
#define WEFT_DELIVER_DELIVER_FETCH_H

#include "deliver/seek.h"
#include "proto/block.h"

struct signing_identity;
struct tls_context;
struct deliver_fetch;

struct deliver_fetch_config {
    const char *address;       /* "127.0.0.1:7050" */
    const char *host_override; /* NULL: the address's name */
    const char *method;        /* "/orderer.AtomicBroadcast/Deliver" */
    struct tls_context *tls;   /* NULL: plain text */
    uint32_t connect_timeout_ms;
    const char *channel_id;
    const struct signing_identity *signer;
    bool best_effort;
};

enum weft_code deliver_fetch_open(const struct deliver_fetch_config *config,
                                  struct deliver_fetch **ret, struct weft_err *e) WEFT_MUST_CHECK;
void deliver_fetch_close(struct deliver_fetch *f);
WEFT_DEFINE_CLEANUP(struct deliver_fetch *, deliver_fetch_close)

/* The block at a position; waits for it when it is the next one. */
enum weft_code deliver_fetch_block(struct deliver_fetch *f, const struct seek_position *position,
                                   struct block **ret, struct weft_err *e) WEFT_MUST_CHECK;

/* The name of a common.Status: "NOT_FOUND"; NULL for a number that is none. */
const char *common_status_name(uint64_t status);

#endif
