/* der.h - a cursor over DER, as strict as Go's crypto/x509 is.
 *
 *     struct der_item seq, n;
 *     if (!der_take(&rest, DER_SEQUENCE, &seq)) ...not a SEQUENCE...
 *     der_take(&seq.content, DER_INTEGER, &n)
 *
 * Tags have one byte; lengths are definite and in their shortest form.  What
 * an element holds is not looked at.
 *
 * Go origin   none (golang.org/x/crypto/cryptobyte)
 * Owner       whoever holds it
 * Memory      borrows the bytes
 * Limits      none: the bytes are somebody's who has limited them
 */
#ifndef WEFT_CRYPTO_DER_H
#define WEFT_CRYPTO_DER_H

#include "base/bytes.h"

enum der_tag {
    DER_BOOLEAN = 0x01,
    DER_INTEGER = 0x02,
    DER_BIT_STRING = 0x03,
    DER_OCTET_STRING = 0x04,
    DER_OID = 0x06,
    DER_UTC_TIME = 0x17,
    DER_GENERALIZED_TIME = 0x18,
    DER_SEQUENCE = 0x30,
    DER_SET = 0x31,
    DER_CONTEXT = 0x80,             /* [0] of a simple type */
    DER_CONTEXT_CONSTRUCTED = 0xa0, /* [0] of something with parts */
};

struct der_item {
    uint8_t tag;
    struct bytes content;
    struct bytes whole; /* with tag and length */
};

/* The next element; false at the end and when it is malformed, *rest is then
 * as before. */
bool der_next(struct bytes *rest, struct der_item *ret);
/* The next element if it has this tag. */
bool der_take(struct bytes *rest, uint8_t tag, struct der_item *ret);
bool der_peek(struct bytes rest, uint8_t tag);

/* A BIT STRING of whole bytes: its bytes.  False if bits are unused. */
bool der_take_bits(struct bytes *rest, struct bytes *ret);
/* An INTEGER in its shortest form: its content, sign and all. */
bool der_take_integer(struct bytes *rest, struct bytes *ret);
/* The same where a small number is expected. */
bool der_take_int(struct bytes *rest, int *ret);
/* TRUE is ff, FALSE is 00, nothing else. */
bool der_take_boolean(struct bytes *rest, bool *ret);

/* Tag, length, content. */
void der_put(struct buf *out, uint8_t tag, struct bytes content);

#endif
