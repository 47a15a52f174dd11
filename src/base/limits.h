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
    /* A message that is unpacked: its bytes, its fields and those of all the
     * messages in it (each costs memory, a zero-length one too). */
    LIMIT_PROTO_BYTES = 128 << 20,
    LIMIT_PROTO_FIELDS = 1 << 18,
    /* JSON of a block; a few bytes of protobuf can become many of JSON. */
    LIMIT_JSON_BYTES = 512 << 20,
    LIMIT_JSON_MAP = 1 << 16,
    /* Transactions in a block, metadata slots of a block. */
    LIMIT_BLOCK_TXS = 1 << 20,
    LIMIT_BLOCK_METADATA_SLOTS = 64,
    /* Groups of a channel configuration in each other; all its elements. */
    LIMIT_CONFIG_DEPTH = 16,
    LIMIT_CONFIG_ITEMS = 1 << 17,
    /* Parts that one message of a configuration comes in. */
    LIMIT_CONFIG_PARTS = 16,
    /* A channel's access control list. */
    LIMIT_ACLS = 4096,
    /* Gates of a signature policy in each other; all its rules; whoever signed. */
    LIMIT_POLICY_DEPTH = 32,
    LIMIT_POLICY_RULES = 4096,
    LIMIT_POLICY_SIGNERS = 256,
    /* Policies and answers that a validator remembers. */
    LIMIT_JUDGE_BYTES = 32 << 20,
    /* Arguments of a proposal. */
    LIMIT_PROPOSAL_ARGS = 1 << 16,
    /* Collections of a chaincode that is to be defined. */
    LIMIT_COLLECTIONS = 1024,
    /* Consenters of an etcdraft channel; channels of an orderer or a peer. */
    LIMIT_CONSENTERS = 256,
    LIMIT_CHANNELS = 4096,
    /* A channel's name: Fabric allows 249 characters. */
    LIMIT_CHANNEL_ID = 249,
    /* Different label values (and names) that one thread counts. */
    LIMIT_METRIC_CELLS = 1 << 16,
    /* Connections to the operations endpoint; the headers of a request to it. */
    LIMIT_HTTP_CONNECTIONS = 128,
    LIMIT_HTTP_HEADER_BYTES = 32 << 10,
    /* The form that brings an orderer the block of a channel to join. */
    LIMIT_JOIN_BYTES = 16 << 20,
    /* Arrays and objects of a JSON request in each other. */
    LIMIT_JSON_DEPTH = 64,
    /* FABRIC_LOGGING_SPEC or a body for /logspec, FABRIC_LOGGING_FORMAT. */
    LIMIT_LOG_SPEC = 64 << 10,
    LIMIT_LOG_FORMAT = 4096,
    /* What the templates and counts of a crypto-config.yaml become. */
    LIMIT_CRYPTO_SPEC = 64 << 20,
    /* A YAML file; its levels, values (each as often as aliases repeat it),
     * keys in one map, anchors, maps behind one <<. */
    LIMIT_YAML_BYTES = 8 << 20,
    LIMIT_YAML_DEPTH = 64,
    LIMIT_YAML_NODES = 1 << 18,
    LIMIT_YAML_KEYS = 1024,
    LIMIT_YAML_ANCHORS = 1024,
    LIMIT_YAML_MERGE = 64,
    /* A PEM text (a bundle of certificates); broken blocks in it. */
    LIMIT_PEM_TEXT = 1 << 20,
    LIMIT_PEM_TRIES = 100,
    /* One certificate or key, as DER or PEM; names and values in a subject. */
    LIMIT_CERT_BYTES = 256 << 10,
    LIMIT_CERT_NAMES = 256,
    /* Signatures checked to find a certificate's chains, names compared with a
     * CA's constraints: Go's numbers. */
    LIMIT_CHAIN_SIGNATURES = 100,
    LIMIT_NAME_COMPARISONS = 250000,
    /* A list of revoked certificates. */
    LIMIT_CRL_BYTES = 16 << 20,
    /* An MSP's configuration, and the certificates, CRLs and units in one list of it. */
    LIMIT_MSP_BYTES = 16 << 20,
    LIMIT_MSP_ITEMS = 1024,
    /* Principals in each other and in all, of one combined principal. */
    LIMIT_PRINCIPAL_DEPTH = 16,
    LIMIT_PRINCIPALS = 256,
};

#endif
