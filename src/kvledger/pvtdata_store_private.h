/* pvtdata_store_private.h - what the files of the private data store share.
 *
 * pvtdata_store.c commits and reads; pvtdata_purge.c removes what is over, and moves what is
 * missing of collections that became ours.
 *
 * Go origin   none
 * Owner       see pvtdata_store.h
 */
#ifndef WEFT_KVLEDGER_PVTDATA_STORE_PRIVATE_H
#define WEFT_KVLEDGER_PVTDATA_STORE_PRIVATE_H

#include "kvledger/pvtdata_key.h"
#include "kvledger/pvtdata_store.h"

#include <inttypes.h>
#include <stdatomic.h>

struct kv_batch;

struct pvtdata_store {
    struct kv *kv;
    char *channel;
    size_t prefix_len; /* of the channel and its zero */
    uint64_t purge_interval;
    _Atomic uint64_t height;
    uint64_t lasting_height; /* the owner's: that is on the disk */

    /* The owner's. */
    struct kv_batch *batch;
    struct buf key; /* that is being made */
};

/* Begins a key; what follows the group is put behind it.  Good until the next one. */
struct bytes pvtdata_store_key(struct pvtdata_store *s, enum pvtdata_group group);
/* Writes the batch, syncs it and empties it: whatever a crash spoils, it is at the end of the log
 * (kv_open_mending). */
enum weft_code pvtdata_store_write(struct pvtdata_store *s, struct weft_err *e) WEFT_MUST_CHECK;

/* Removes what goes with this block and those before it. */
enum weft_code pvtdata_store_purge(struct pvtdata_store *s, uint64_t block,
                                   struct weft_err *e) WEFT_MUST_CHECK;
/* Ends what pvtdata_store_set_eligible has noted down. */
enum weft_code pvtdata_store_convert_eligible(struct pvtdata_store *s,
                                              struct weft_err *e) WEFT_MUST_CHECK;

#endif
