/* pem.h - the blocks of a PEM text.
 *
 *     struct bytes text = ...;
 *     WEFT_CLEANUP(pem_block_done) struct pem_block b = { 0 };
 *     while ((rc = pem_next(&text, &b, e)) == WEFT_OK)
 *         ... b.type is "CERTIFICATE", b.der its bytes ...
 *     rc is WEFT_NOT_FOUND at the end
 *
 * Reads what Go's pem.Decode reads, since that is what certificates pass on
 * their way into an MSP: anything may stand before and between blocks, a block
 * that is broken is passed over, header lines ("Key: value") are skipped, the
 * last bits of the base64 need not be zero.
 *
 * Go origin   none (encoding/pem)
 * Differs     gives up after LIMIT_PEM_TRIES broken blocks: each costs a look
 *             at all that follows
 * Owner       any thread
 * Memory      a block owns its bytes; its type points into the text
 * Limits      LIMIT_PEM_TEXT, LIMIT_PEM_TRIES
 */
#ifndef WEFT_CRYPTO_PEM_H
#define WEFT_CRYPTO_PEM_H

#include "base/bytes.h"

struct pem_block {
    struct bytes type; /* "CERTIFICATE", "PRIVATE KEY"; points into the text */
    struct buf der;
};

void pem_block_done(struct pem_block *b);
WEFT_DEFINE_CLEANUP_IN_PLACE(struct pem_block, pem_block_done)

/* Reads the next block and moves *text behind it; what the block held before
 * is freed.  WEFT_NOT_FOUND when there is none, WEFT_LIMIT when the text is
 * too long or has too many broken blocks. */
enum weft_code pem_next(struct bytes *text, struct pem_block *ret, struct weft_err *e);

/* The other way: 64 characters a line, as Go and OpenSSL write it. */
void pem_encode(const char *type, struct bytes der, struct buf *out);

#endif
