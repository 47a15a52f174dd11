/* block_tx.h - a transaction as block_validation leaves it for tx_validator.
 *
 * Go origin   none
 * Owner       written by whoever runs its part, then read by the one who decides
 * Memory      lies in its part's arena; identities are the part's references
 */
#ifndef WEFT_VALIDATION_BLOCK_TX_H
#define WEFT_VALIDATION_BLOCK_TX_H

#include "validation/tx_check.h"
#include "validation/tx_signers.h"

struct block_tx {
    struct tx_check check;
    bool is_foreign; /* of another channel: its creator was not looked at */
    struct tx_endorser creator;
    bool creator_is_good; /* known, valid, and the signature is his */
    struct tx_endorser *endorsers;
    struct tx_signers signers;
};

#endif
