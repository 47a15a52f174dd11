/* Fuzz: a chaincode's collections, which a client sends.  A package goes with itself. */
#include "endorser/collection_rules.h"
#include "endorser/go_words.h"

#include <peer/collection.pb-c.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    WEFT_CLEANUP(msp_manager_unref) struct msp_manager *none = msp_manager_new(NULL, 0);
    struct bytes package = bytes_of(data, size);
    struct weft_err e = { 0 };
    if (go_proto_check(&protos__collection_config_package__descriptor, package, &e) != WEFT_OK ||
        collection_rules_check_kinds(package, &e) != WEFT_OK)
        return 0;
    if (collection_rules_check(package, none, &e) == WEFT_OK)
        WEFT_ASSERT(collection_rules_check_next(package, package, &e) == WEFT_OK);
    return 0;
}
