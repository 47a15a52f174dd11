/* collection_rules.h - may a chaincode be defined like this: its name, its version, its collections?
 *
 *     chaincode_rules_check("mycc", "1.0", e)
 *     collection_rules_check(package, msps, e)      each collection, by itself
 *     collection_rules_check_next(package, old, e)  against those of the definition in force:
 *                                                   none may vanish, nor live longer or shorter
 *
 * Go origin   core/chaincode/lifecycle/scc.go validateInput validateCollectionConfigs
 * Differs     what 512 bytes of an error do not hold is cut off
 * Owner       any thread
 * Limits      those of signature_policy.h; LIMIT_COLLECTIONS of a chaincode
 */
#ifndef WEFT_ENDORSER_COLLECTION_RULES_H
#define WEFT_ENDORSER_COLLECTION_RULES_H

#include "msp/msp_manager.h"

enum weft_code chaincode_rules_check(struct bytes name, struct bytes version,
                                     struct weft_err *e) WEFT_MUST_CHECK;
/* Name and version as lscc wants them: in its words. */
enum weft_code chaincode_rules_check_legacy(struct bytes name, struct bytes version,
                                            struct weft_err *e) WEFT_MUST_CHECK;

/* `package`: a CollectionConfigPackage, which was checked to be one. */
enum weft_code collection_rules_check(struct bytes package, const struct msp_manager *msps,
                                      struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code collection_rules_check_next(struct bytes package, struct bytes old,
                                           struct weft_err *e) WEFT_MUST_CHECK;
/* Does the package have collections, and each of a known kind? */
enum weft_code collection_rules_check_kinds(struct bytes package,
                                            struct weft_err *e) WEFT_MUST_CHECK;

#endif
