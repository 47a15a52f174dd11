/* tx_pvt_rwset.h - what one transaction wrote into private collections.
 *
 *     TxPvtReadWriteSet { 1 data_model, 2 [ { 1 namespace,
 *                                             2 [ { 1 collection_name, 2 rwset } ] } ] }
 *
 * Taken apart into one write set a collection, and put together again.
 *
 *     struct tx_pvt_writer w = { 0 };
 *     tx_pvt_writer_add(&w, &set)         sets of one namespace one after the other
 *     tx_pvt_writer_end(&w, &out)
 *
 * Go origin   vendor/github.com/hyperledger/fabric-protos-go/ledger/rwset/rwset.pb.go
 *             core/ledger/pvtdatastorage/helper.go txPvtdataAssembler
 * Owner       any thread
 * Memory      what is taken apart borrows; a writer ends with tx_pvt_writer_done
 * Limits      LIMIT_PROTO_BYTES, LIMIT_PROTO_DEPTH
 */
#ifndef WEFT_KVLEDGER_TX_PVT_RWSET_H
#define WEFT_KVLEDGER_TX_PVT_RWSET_H

#include "kvledger/pvtdata_store.h"

/* Calls `each` with every collection's write set; all bytes are looked over before. */
enum weft_code tx_pvt_rwset_each(struct bytes b, uint64_t tx, pvt_write_set_fn each, void *ctx,
                                 struct weft_err *e) WEFT_MUST_CHECK;

struct tx_pvt_writer {
    struct buf ns, colls; /* the namespace that is being written */
    struct buf out;
    bool any;
};
void tx_pvt_writer_add(struct tx_pvt_writer *w, const struct pvt_write_set *set);
/* Appends the message, and begins anew. */
void tx_pvt_writer_end(struct tx_pvt_writer *w, struct buf *out);
void tx_pvt_writer_done(struct tx_pvt_writer *w);
WEFT_DEFINE_CLEANUP_IN_PLACE(struct tx_pvt_writer, tx_pvt_writer_done)

/* CollectionPvtReadWriteSet { 1 collection_name, 2 rwset } */
void collection_pvt_rwset_encode(struct bytes coll, struct bytes rwset, struct buf *out);
enum weft_code collection_pvt_rwset_parse(struct bytes b, struct bytes *ret_rwset,
                                          struct weft_err *e) WEFT_MUST_CHECK;

#endif
