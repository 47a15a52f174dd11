/* chaincode_definition.h - what a channel agrees on about a chaincode.
 *
 *     sequence 2, version "2.0", who must endorse it, its collections
 *
 * Everything but the sequence are the parameters: an organisation approves parameters for a
 * sequence, under the name "mycc#2" in its own collection.
 *
 * Go origin   core/chaincode/lifecycle/lifecycle.go ChaincodeDefinition ChaincodeParameters
 * Differs     a collection package is kept as it came, and equal when its bytes are
 * Owner       whoever holds it
 * Memory      borrows
 */
#ifndef WEFT_ENDORSER_CHAINCODE_DEFINITION_H
#define WEFT_ENDORSER_CHAINCODE_DEFINITION_H

#include "endorser/lifecycle_store.h"

struct bundle;

struct chaincode_definition {
    int64_t sequence;
    struct bytes version, endorsement_plugin;
    bool init_required;
    struct bytes validation_plugin, validation_parameter;
    struct bytes collections; /* CollectionConfigPackage */
};

#define CHAINCODE_DEFINITION "ChaincodeDefinition"
#define CHAINCODE_PARAMETERS "ChaincodeParameters"
#define CHAINCODE_PACKAGE    "ChaincodeLocalPackage"

/* As structs of the store. */
void chaincode_definition_struct(const struct chaincode_definition *d, struct state_struct *ret);
void chaincode_parameters_struct(const struct chaincode_definition *d, struct state_struct *ret);

/* Reads one whose metadata were read: of type CHAINCODE_DEFINITION or CHAINCODE_PARAMETERS. */
enum weft_code chaincode_definition_read(const struct lifecycle_store *s, struct bytes name,
                                         const char *type, const struct state_metadata *m,
                                         struct chaincode_definition *ret,
                                         struct weft_err *e) WEFT_MUST_CHECK;

/* "expected Version '1' does not match passed Version '2'" */
enum weft_code chaincode_parameters_check_equal(const struct chaincode_definition *a,
                                                const struct chaincode_definition *b,
                                                struct weft_err *e) WEFT_MUST_CHECK;

/* Puts the channel's defaults where nothing is given. */
enum weft_code chaincode_definition_set_defaults(struct chaincode_definition *d,
                                                 const struct bundle *b,
                                                 struct weft_err *e) WEFT_MUST_CHECK;

#endif
