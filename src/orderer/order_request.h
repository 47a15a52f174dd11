/* order_request.h - an envelope on its way from a Broadcast stream to a chain.
 *
 *     net loop                                     chain:<id>
 *     filters passed, signature good
 *     order_request_send(r, chain mailbox) ------> into the cutter, journal or block synced
 *     r->done(r, owner)  <------------------------ rc OK: it will be in exactly one block
 *
 * The chain keeps its own reference of the message: the request is the loop's
 * again with `done`, the message may live on in a batch.
 *
 * Go origin   orderer/consensus/consensus.go Chain Order Configure
 * Differs     answered once it is durable, not once it is queued
 * Owner       the loop, then the chain, then the loop again
 * Memory      embedded in the stream's record of the envelope
 * Limits      the chain's mailbox: full is WEFT_UNAVAILABLE, at once
 */
#ifndef WEFT_ORDERER_ORDER_REQUEST_H
#define WEFT_ORDERER_ORDER_REQUEST_H

#include "base/mailbox.h"

struct net_msg;

enum order_kind {
    ORDER_NORMAL, /* Order */
    ORDER_CONFIG, /* Configure: a CONFIG or ORDERER_TRANSACTION envelope made by the processor */
};

struct order_request {
    struct mail mail;
    struct mailbox *back;
    void (*done)(struct order_request *r, void *owner); /* on the thread that drains back */
    void (*drop)(struct order_request *r);              /* back is closed: shutdown */
    enum order_kind kind;
    struct net_msg *envelope; /* the request's reference */
    uint64_t config_sequence; /* under which the filters were run */
    enum weft_code rc;        /* WEFT_UNAVAILABLE: SERVICE_UNAVAILABLE, why->msg says it; others:
                                 what the filters said, run again under a newer configuration */
    struct weft_err why;
};

/* Gives it to the chain.  False: it is full, or stopped; the request is still the
 * caller's.  r->kind, envelope, config_sequence, back, done and drop are set. */
bool order_request_send(struct order_request *r, struct mailbox *chain) WEFT_MUST_CHECK;

#endif
