/* consenter_local.h - ordering by whoever is alone: messages in the order they come.
 *
 * What solo and etcdraft with a single consenter have in common.  The batch
 * timer runs from the first pending message on, and is left alone when a block
 * is cut and a message stays:
 *
 *     timer off, message pending      on, at now + BatchTimeout
 *     timer on,  nothing pending      off
 *     otherwise                       as it is
 *
 * Go origin   orderer/consensus/solo/consensus.go main
 *             orderer/consensus/etcdraft/chain.go ordered
 * Owner       chain:<id>
 * Memory      embedded in a consenter
 */
#ifndef WEFT_ORDERER_CONSENTER_LOCAL_H
#define WEFT_ORDERER_CONSENTER_LOCAL_H

#include "orderer/consenter.h"

struct log;

struct consenter_local {
    struct consenter consenter; /* first */
    struct log *logger;
    bool timer_runs;
    /* The block's metadata, for the next block; borrowed until the next call. */
    struct bytes (*metadata)(struct consenter_local *l, struct net_msg *config);
    /* The block is on its way. */
    void (*written)(struct consenter_local *l);
};

void consenter_local_order(struct consenter *c, struct order_item *item, uint64_t now_ns);
void consenter_local_timer(struct consenter *c, uint64_t now_ns);
void consenter_local_flush(struct consenter *c, uint64_t now_ns);

#endif
