/* collections.h - private data collections as a state knows them: are we a member, for how long?
 *
 *     pdc / collBtl                   member policy "Org1 or Org2", block_to_live 6
 *     pdc / _implicit_org_Org1MSP     members of Org1; every chaincode of the new lifecycle
 *                                     has one for any organisation, for ever
 *
 *     c = collections_new(&state, "Org1MSP")
 *     collections_find(c, "pdc", "collBtl", &info, e)
 *     info->is_known, info->is_mine, collection_expiring_block(info, 31) == 38
 *
 * What a block writes is judged by the state before it.  A collection is looked up once.
 *
 * Go origin   core/common/privdata/store.go core/common/privdata/util.go
 *             core/ledger/pvtdatapolicy/btlpolicy.go
 *             core/chaincode/lifecycle/deployedcc_infoprovider.go CollectionInfo
 * Differs     block_to_live is that of the state, while the original keeps the first it saw; a
 *             collection that is not there is nobody's (the original stops its channel); who is
 *             named by a certificate is a member by the MSP id alone
 * Owner       one thread
 * Memory      what was looked up, until it is freed
 * Limits      those of proto_check.h
 */
#ifndef WEFT_KVLEDGER_COLLECTIONS_H
#define WEFT_KVLEDGER_COLLECTIONS_H

#include "state/state_reader.h"

struct collections;

/* Borrows the state, and the MSP id. */
struct collections *collections_new(const struct state_reader *state, const char *mspid);
void collections_free(struct collections *c);
WEFT_DEFINE_CLEANUP(struct collections *, collections_free)

struct collection_info {
    bool is_known;
    bool is_mine;           /* its data should be here */
    uint64_t block_to_live; /* 0: for ever */
};
enum weft_code collections_find(struct collections *c, struct bytes ns, struct bytes coll,
                                const struct collection_info **ret,
                                struct weft_err *e) WEFT_MUST_CHECK;

/* A chaincode's explicit collections, a CollectionConfigPackage; empty: none. */
enum weft_code collections_package(struct collections *c, struct bytes ns, struct bytes *ret,
                                   struct weft_err *e) WEFT_MUST_CHECK;

/* With which block is it gone, if it was written in this one?  UINT64_MAX: never. */
uint64_t collection_expiring_block(const struct collection_info *info, uint64_t block);

#endif
