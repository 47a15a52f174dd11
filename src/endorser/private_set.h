/* private_set.h - what a transaction wrote privately, with what its collections are.
 *
 * Whoever keeps it until its block comes, and whoever it is handed on to, has to know by then
 * who its members are; so the collections' definitions come with it:
 *
 *     TxPvtReadWriteSetWithConfigInfo { 1 endorsed_at, 2 TxPvtReadWriteSet,
 *                                       3 { "_lifecycle": { _implicit_org_Org1MSP: Org1's } } }
 *
 * The one collection that a peer without chaincodes of users writes into is that of its own
 * organisation, where an approved chaincode definition lies.
 *
 * Go origin   core/endorser/pvtrwset_assembler.go
 *             core/chaincode/lifecycle/deployedcc_infoprovider.go GenerateImplicitCollectionForOrg
 * Owner       any thread
 * Memory      borrows
 * Limits      those of proto_check.h
 */
#ifndef WEFT_ENDORSER_PRIVATE_SET_H
#define WEFT_ENDORSER_PRIVATE_SET_H

#include "base/bytes.h"

/* To how many other members a set is to be handed on: at least, at most. */
struct dissemination {
    uint32_t required, most;
};

struct private_set {
    struct bytes tx_id;
    uint64_t height;    /* at which it was endorsed */
    struct bytes bytes; /* TxPvtReadWriteSet; then TxPvtReadWriteSetWithConfigInfo */
};

/* Adds the configuration; the set's bytes are then those of `room`.  WEFT_INVALID: "no collection
 * config for chaincode \"foo\"". */
enum weft_code private_set_add_config(struct private_set *set, const char *mspid,
                                      const struct dissemination *implicit, struct buf *room,
                                      struct weft_err *e) WEFT_MUST_CHECK;

#endif
