/* backoff.h - how long to wait before asking an orderer again.
 *
 *     failures   1    2    3    4    5   ...  57        58        59
 *     wait, ms   100  120  144  172  207      2717376   3260851   3600000
 *
 * 100 ms times 1.2 for each failure, up to a most.  What all waits of a client
 * add up to has a limit: then one that was elected gives up, and one that is the
 * leader by configuration goes on.
 *
 * Go origin   internal/pkg/peer/blocksprovider/blocksprovider.go DeliverBlocks
 * Owner       whoever asks
 */
#ifndef WEFT_PEER_BACKOFF_H
#define WEFT_PEER_BACKOFF_H

#include <stdint.h>

/* failures is at least 1; both in nanoseconds. */
int64_t backoff_ns(unsigned failures, int64_t most_ns);

#endif
