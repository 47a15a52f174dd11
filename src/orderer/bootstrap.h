/* bootstrap.h - the block that a new orderer begins with.
 *
 * General.BootstrapMethod file: BootstrapFile holds block 0 of the system channel,
 * which configtxgen made.  An orderer without channels stores it as it is; one that
 * has channels only looks whether the file is well.
 *
 * Go origin   orderer/common/bootstrap/file/bootstrap.go GenesisBlock
 *             orderer/common/onboarding/onboarding.go ValidateBootstrapBlock
 * Owner       main
 * Memory      the block and the bundle are the caller's
 * Limits      LIMIT_BLOCK_BYTES
 */
#ifndef WEFT_ORDERER_BOOTSTRAP_H
#define WEFT_ORDERER_BOOTSTRAP_H

#include "proto/block.h"

struct bundle;

/* "unable to bootstrap orderer. Error reading genesis block file: ..." */
enum weft_code bootstrap_read(const char *path, struct block **ret,
                              struct weft_err *e) WEFT_MUST_CHECK;
/* Is it a system channel's config block?  "Failed validating bootstrap block: ..." */
enum weft_code bootstrap_check(const struct block_view *v, struct bundle **ret,
                               struct weft_err *e) WEFT_MUST_CHECK;

#endif
