/* chain_definition.h - defines the chaincode of a chain that is made: approved by every
 * organisation whose keys are there, then committed.
 *
 *     const struct chain_definition d = { .chaincode = "bench", .version = "1.0",
 *                                         .keys = keys, .sink = sink };
 *     chain_definition_make(&d, e)       a transaction an organisation, and one
 *
 * Each of them lies in a block before the next is made, since the next reads where it
 * came to lie.
 *
 * Go origin   internal/peer/lifecycle/chaincode/approveformyorg.go
 *             internal/peer/lifecycle/chaincode/commit.go
 * Owner       the main thread
 * Memory      none that stays
 */
#ifndef WEFT_CLI_CHAIN_DEFINITION_H
#define WEFT_CLI_CHAIN_DEFINITION_H

#include "txmaker/channel_keys.h"
#include "txmaker/lifecycle_tx.h"

struct chain_sink;

struct chain_definition {
    const char *chaincode, *version;
    struct bytes policy; /* ApplicationPolicy; empty: the channel's */
    uint64_t seed;
    const struct channel_keys *keys;
    struct chain_sink *sink;
    void *ctx;
    void (*made)(void *ctx, const char *tx_id); /* one more, which is VALID */
};

/* WEFT_INVALID: a channel of before Fabric 2.0.  WEFT_FORBIDDEN: too few keys for /Channel/Application/LifecycleEndorsement. */
enum weft_code chain_definition_make(const struct chain_definition *d,
                                     struct weft_err *e) WEFT_MUST_CHECK;

/* Fabric's rules for names and versions. */
enum weft_code chain_definition_check_name(const char *chaincode, const char *version,
                                           struct weft_err *e) WEFT_MUST_CHECK;

#endif
