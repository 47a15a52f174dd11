/* pvtdata_height.h - up to which block a peer's private data store counts.
 *
 * A peer keeps private data beside the blocks, in ledgersData/pvtdataStore,
 * and with it the last block that it has been asked about:
 *
 *     channel 00 01 -> varint, last block
 *
 * A block store that has blocks while this store knows of none is a ledger that
 * a peer does not open ("The store is empty").  Who puts blocks there without a
 * peer says here that no private data came with them.
 *
 * Go origin   core/ledger/pvtdatastorage/store.go
 *             core/ledger/pvtdatastorage/kv_encoding.go
 * Differs     data that is missing is not listed: nobody is asked for it
 * Owner       one thread, while no peer runs
 * Memory      none kept
 */
#ifndef WEFT_LEDGER_PVTDATA_HEIGHT_H
#define WEFT_LEDGER_PVTDATA_HEIGHT_H

#include "base/weft.h"

/* `path` is ledgersData/pvtdataStore, made if it is not there.  A store that
 * counts up to `last_block` or further stays as it is. */
enum weft_code pvtdata_height_raise(const char *path, const char *channel, uint64_t last_block,
                                    struct weft_err *e) WEFT_MUST_CHECK;

#endif
