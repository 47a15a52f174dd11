/* limits.h - how much of anything we take from outside.
 *
 * Every parser checks against one of these before it allocates or recurses;
 * what goes over is WEFT_LIMIT.  docs/limits.md lists them for operators.
 *
 * Go origin   none (Go has grpc.MaxRecvMsgSize of 100 MB and no others here)
 * Owner       any thread
 */
#ifndef WEFT_BASE_LIMITS_H
#define WEFT_BASE_LIMITS_H

enum {
    /* A whole block, as a file record or a message: Fabric's messages end at
     * 100 MB, and a block that a node has stored may be a little larger. */
    LIMIT_BLOCK_BYTES = 128 << 20,
    /* How deep messages may lie in each other. */
    LIMIT_PROTO_DEPTH = 64,
    /* Transactions in a block, metadata slots of a block. */
    LIMIT_BLOCK_TXS = 1 << 20,
    LIMIT_BLOCK_METADATA_SLOTS = 64,
    /* A channel's name: Fabric allows 249 characters. */
    LIMIT_CHANNEL_ID = 249,
    /* FABRIC_LOGGING_SPEC or a body for /logspec, FABRIC_LOGGING_FORMAT. */
    LIMIT_LOG_SPEC = 64 << 10,
    LIMIT_LOG_FORMAT = 4096,
};

#endif
