/* repeated.h - the elements of a repeated field, one after the other, unpacked
 * nowhere.
 *
 *     struct bytes item;
 *     for (struct repeated r = tx.actions; repeated_next(&r, &item);)
 *         ... item is one TransactionAction ...
 *
 * A repeated field may lie in a message that came in parts: field 2 of a
 * ChaincodeActionPayload is one ChaincodeEndorsedAction, but where two stand
 * in the bytes protobuf takes them for one message, and the endorsements of
 * both count.  `outer` goes from part to part.
 *
 * Go origin   none (a slice)
 * Owner       whoever holds it; a copy is a cursor of its own
 * Memory      borrows; the bytes were checked when it was made
 */
#ifndef WEFT_PROTO_REPEATED_H
#define WEFT_PROTO_REPEATED_H

#include "proto/wire.h"

struct repeated {
    struct bytes rest;
    uint32_t number;
    struct bytes outer; /* what comes after the part that `rest` is of */
    uint32_t outer_number;
    size_t count; /* elements in all */
};

/* Field `number` of a message. */
struct repeated repeated_of(struct bytes message, uint32_t number);
/* Field `number` of the message, or its parts, in field `outer_number`. */
struct repeated repeated_within(struct bytes message, uint32_t outer_number, uint32_t number);

/* The next element; false at the end. */
bool repeated_next(struct repeated *r, struct bytes *ret_item);

#endif
