/* signature_batch.h - the one way in which Weft checks ECDSA signatures.
 *
 * Collect what is to be checked, check all of it, look at the verdicts.  Keys
 * that come often are checked with a table, a batch shares its inversion, and
 * eight checks are done at once where the CPU can: 2 us a check, or 13, against
 * 48 (crypto/key_tables.h, crypto/p256_fast.h, crypto/p256_lanes8.h).
 *
 * Here and now:
 *
 *     WEFT_CLEANUP(signature_batch_free)
 *     struct signature_batch *b = signature_batch_new(tables);
 *     enum signature_verdict orderer, client;
 *     signature_batch_add(b, orderer_key, digest_bytes(&d0), sig0, &orderer);
 *     signature_batch_add(b, client_key, digest_bytes(&d1), sig1, &client);
 *     signature_batch_check(b);
 *
 * By workers, with the verdicts coming back as mail:
 *
 *       owner                      workers
 *         |  submit(b, waiter)       |
 *         |------------------------->|  take 64 checks at a time
 *         |      one mail a batch    |  until none is left
 *         |<-------------------------|
 *     waiter->done(w, b, owner): verdicts are written, b is the owner's again
 *
 * A signature is DER as Fabric takes it: see ecdsa_signature_parse().  Whether
 * s is low is not asked here: that is the MSP's rule, ecdsa_check_low_s().
 * Verdicts depend on key, digest and signature alone: not on tables, workers,
 * or what else is in the batch.
 *
 * Go origin   bccsp/sw/ecdsa.go verifyECDSA
 * Differs     many at once; a verdict, not an error, since a bad signature is
 *             an expected outcome (one of several endorsements, say)
 * Owner       whoever made it; between submit and done the pool
 * Memory      copies digests and signatures, takes a reference of each key
 * Limits      none of its own: a batch is as large as the block it is for
 */
#ifndef WEFT_CRYPTO_SIGNATURE_BATCH_H
#define WEFT_CRYPTO_SIGNATURE_BATCH_H

#include "base/bytes.h"
#include "base/mailbox.h"

struct jobs;
struct key_tables;
struct public_key;
struct signature_batch;

enum signature_verdict {
    SIGNATURE_UNCHECKED, /* in a batch that was not checked yet */
    SIGNATURE_GOOD,
    SIGNATURE_BAD,       /* well formed, but not of this key over this digest */
    SIGNATURE_MALFORMED, /* not the encoding of a signature */
};

/* Tables may be NULL: everything goes the plain way. */
struct signature_batch *signature_batch_new(struct key_tables *tables);
void signature_batch_free(struct signature_batch *b);
WEFT_DEFINE_CLEANUP(struct signature_batch *, signature_batch_free)

/* Adds one check.  *ret_verdict, which must stay where it is until then, is
 * written when the batch has been checked, on the owner's thread. */
void signature_batch_add(struct signature_batch *b, struct public_key *key, struct bytes digest,
                         struct bytes signature, enum signature_verdict *ret_verdict);
size_t signature_batch_count(const struct signature_batch *b);

/* Checks all on this thread, writes the verdicts and empties the batch. */
void signature_batch_check(struct signature_batch *b);

/* Who waits for a batch; embedded in the caller's struct. */
struct signature_waiter {
    struct mailbox *back;
    /* On the thread that drains `back`, as its mail: the verdicts are written,
     * the batch is empty and the callee's. */
    void (*done)(struct signature_waiter *w, struct signature_batch *b, void *owner);
    /* Instead, when `back` is closed: on a worker, at shutdown.  The batch is
     * freed afterwards. */
    void (*drop)(struct signature_waiter *w);
};

/* Hands the batch to the pool.  False when the pool is full: the batch is
 * then still the caller's, nothing was checked.  One mail in `back` a batch. */
bool signature_batch_submit(struct signature_batch *b, struct jobs *pool,
                            struct signature_waiter *waiter) WEFT_MUST_CHECK;

/* A batch of one. */
enum signature_verdict signature_check(struct key_tables *tables, struct public_key *key,
                                       struct bytes digest, struct bytes signature);

#endif
