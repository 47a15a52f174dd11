/* event_form_private.h - blocks with the private data that whoever listens may see.
 *
 *     DeliverResponse { 4 BlockAndPrivateData { 1 block, 2 map { transaction -> write set } } }
 *
 * A collection's data are for everybody who may listen, unless the collection says that only
 * members read it (member_only_read): then for those who satisfy its member policy.  What counts
 * are the collections as they were for the block.  An organisation's implicit collection is of
 * the first kind.
 *
 * Go origin   core/peer/deliverevents.go getPrivateData CheckCollectionPolicy
 * Differs     private data come in the order of transactions and names; Go's is random
 * Owner       any thread
 * Memory      one block's data while the message is made
 * Limits      those of signature_policy.h
 */
#ifndef WEFT_ENDORSER_EVENT_FORM_PRIVATE_H
#define WEFT_ENDORSER_EVENT_FORM_PRIVATE_H

#include "bundle/signed_set.h"
#include "deliver/deliver_server.h"
#include "endorser/peer_support.h"

/* What a worker needs to know of a channel. */
struct event_snapshot {
    struct peer_channel_view channel;
    const char *resource; /* that guards the method */
};

/* Who asks: payload, creator and signature of the envelope. */
void event_signed_data(struct bytes envelope, struct signed_data *ret);

/* Its snapshot is a struct event_snapshot. */
extern const struct deliver_form event_form_private;

#endif
