/* dispatch.h - which policies must a transaction satisfy?  The rules of 2.0, and those of 1.4.
 *
 * A transaction whose bytes are in order, whose creator is known and whose id is
 * new: the invoked chaincode and every namespace that it writes to is asked.
 *
 *                       2.0                             1.4
 *     definitions       _lifecycle, else lscc           lscc
 *     not defined       INVALID_CHAINCODE               INVALID_OTHER_REASON
 *     version           any                             must be the defined one: EXPIRED_CHAINCODE
 *     system chaincode  as any other: not defined       its own rules; lscc's: lscc_rules.h
 *
 * Go origin   core/committer/txvalidator/v20/plugindispatcher/dispatcher.go
 *             core/committer/txvalidator/v14/vscc_validator.go
 * Owner       one thread (commit:<id>)
 */
#ifndef WEFT_VALIDATION_DISPATCH_H
#define WEFT_VALIDATION_DISPATCH_H

#include "validation/endorsement.h"

/* An error as endorsement_check's. */
enum weft_code dispatch_v20(struct judgement *j, const struct block_tx *tx,
                            enum tx_validation_code *ret, struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code dispatch_v14(struct judgement *j, const struct block_tx *tx,
                            enum tx_validation_code *ret, struct weft_err *e) WEFT_MUST_CHECK;

#endif
