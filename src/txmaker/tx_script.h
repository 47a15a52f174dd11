/* tx_script.h - endless transactions from a seed, and what validation has to say to each.
 *
 * The i-th transaction of a script is always the same, whoever makes it and when, but
 * for its signatures; so many threads can make it and a second run can make it again.
 *
 *     TX_INTENT_VALID        reads a new key, which is absent, and writes it; or, as many as
 *                     `overwrites` wants, writes one that an earlier one wrote
 *     TX_INTENT_CONFLICT     reads the key of an earlier valid one and claims that it is
 *                     absent: MVCC_READ_CONFLICT, in the same block and in later ones
 *     TX_INTENT_BAD_POLICY   an endorsement is missing, or none is there, or one is over
 *                     something else: ENDORSEMENT_POLICY_FAILURE
 *
 *     tx 7 of seed 1: key "1.000000000007"
 *
 * All this holds wherever the transactions are cut into blocks, as long as their order
 * stays: no version is ever read.
 *
 * Go origin   none
 * Owner       any thread: does not change once made
 * Memory      borrows what its plan names
 * Limits      TX_SCRIPT_VALUE bytes a value
 */
#ifndef WEFT_TXMAKER_TX_SCRIPT_H
#define WEFT_TXMAKER_TX_SCRIPT_H

#include "txmaker/channel_keys.h"
#include "txmaker/endorsed_tx.h"

enum {
    TX_SCRIPT_VALUE = 64 << 20
};

enum tx_intent {
    TX_INTENT_VALID,
    TX_INTENT_CONFLICT,
    TX_INTENT_BAD_POLICY,
    TX_INTENT_NR,
};

/* "MVCC_READ_CONFLICT" */
const char *tx_intent_code(enum tx_intent intent);

struct tx_script {
    uint64_t seed;
    const char *channel, *chaincode, *version;
    size_t value_bytes;
    unsigned conflicts, bad_policies, overwrites; /* in a hundred */
    int64_t from_ns;                              /* the time of the first; each a ms later */
    const struct channel_keys *keys;              /* clients by turns */
    struct endorser_set endorsers;                /* none can be missed */
};

enum tx_intent tx_script_intent(const struct tx_script *s, uint64_t i);
/* Appends the Envelope. */
enum weft_code tx_script_make(const struct tx_script *s, uint64_t i, struct buf *out,
                              char ret_tx_id[TX_ID_LEN + 1], struct weft_err *e) WEFT_MUST_CHECK;

/* A nonce from the seed, for transactions beside the script: another one for each name
 * and number. */
void tx_script_nonce(uint64_t seed, const char *name, uint64_t i, uint8_t ret[ENDORSED_TX_NONCE]);

#endif
