/* tx_validator.h - decides a block's transactions, in order: each gets its code.
 *
 * What block_validation.h has found out about a block meets the state here:
 *
 *     code, creator, code_after_creator      from tx_check and the signatures
 *     known id                               DUPLICATE_TXID
 *     config                                 applied, through deps
 *     code_in_turn                           from tx_check
 *     chaincode defined, policies            INVALID_CHAINCODE, ENDORSEMENT_POLICY_FAILURE
 *     twice in this block                    DUPLICATE_TXID
 *
 *     tx_validator_decide(tv, v, &state, codes, e)      codes[i]: enum tx_validation_code
 *
 * With V2_0 among the channel's capabilities the rules of 2.0 hold, else those of 1.4 (and,
 * with older capabilities yet, of 1.3, 1.2 and 1.1).  These codes are what the ledger
 * starts from: reads and writes are checked against each other later.
 *
 * An error decides nothing: the block must not be committed.  WEFT_UNAVAILABLE: the work on
 * this channel ends, the process lives ("Aborting chain processing"); any other: the
 * process must end.
 *
 * Go origin   core/committer/txvalidator/v20/validator.go core/committer/txvalidator/v14/validator.go
 *             core/committer/txvalidator/router.go
 *             core/committer/txvalidator/v20/plugindispatcher/dispatcher.go
 *             core/committer/txvalidator/v14/vscc_validator.go
 * Differs     namespaces are asked in one order, the invoked chaincode first (the original: in
 *             a random one), so where one is INVALID_CHAINCODE and another not endorsed the
 *             code is always the same.  Where the original goes down on a
 *             transaction, this goes on (tx_check.h, endorsement.h, lscc_rules.h)
 * Owner       one thread (commit:<id>)
 * Memory      policies and answers (policy_judge.h); a reference of the bundle
 * Limits      LIMIT_JUDGE_BYTES
 */
#ifndef WEFT_VALIDATION_TX_VALIDATOR_H
#define WEFT_VALIDATION_TX_VALIDATOR_H

#include "base/weft.h"

struct block;
struct block_validation;
struct bytes;
struct msp_manager;
struct tx_validator;
struct validation_state;

struct tx_validator_deps {
    void *ctx;
    /* Transaction `tx` of the block is a CONFIG that should be the channel's next
     * configuration: config_apply.h, and whatever wants to know of it. */
    enum weft_code (*apply_config)(void *ctx, const struct block *b, size_t tx, struct weft_err *e);
    /* Whose identities a transaction with another channel's name in its header is created by:
     * that channel's MSPs, or with no name at all the peer's own.  NULL: nobody's.
     * May be NULL itself.  Orderers let no such transaction through. */
    struct msp_manager *(*msps_of)(void *ctx, struct bytes channel_id);
};

struct tx_validator *tx_validator_new(const struct tx_validator_deps *deps);
void tx_validator_free(struct tx_validator *tv);
WEFT_DEFINE_CLEANUP(struct tx_validator *, tx_validator_free)

/* After all of the block's parts have run; `v` must be of the channel's bundle.  Writes one
 * code a transaction, or none of use with an error. */
enum weft_code tx_validator_decide(struct tx_validator *tv, const struct block_validation *v,
                                   const struct validation_state *state, uint8_t *codes,
                                   struct weft_err *e) WEFT_MUST_CHECK;

#endif
