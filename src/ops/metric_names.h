/* metric_names.h - every number that a node counts, under Fabric's names.
 *
 *     METRIC_DELIVER_BLOCKS_SENT
 *         deliver_blocks_sent{channel="mychannel",data_type="block",filtered="false"} 7
 *
 * In the order of their names, which is the order of a scrape; the table in
 * metric_names.c says what each is called, what it means and which labels it
 * has.  docs/metrics.md lists them for operators.
 *
 * Go origin   common/deliver/metrics.go common/flogging/metrics/observer.go
 *             common/grpcmetrics/metrics.go common/ledger/blkstorage/metrics.go
 *             core/ledger/kvledger/metrics.go core/endorser/metrics.go
 *             core/chaincode/metrics.go core/operations/metrics.go
 *             gossip/metrics/metrics.go internal/pkg/comm/metrics.go
 *             orderer/common/blockcutter/metrics.go
 *             orderer/common/broadcast/metrics.go orderer/common/cluster/metrics.go
 *             orderer/consensus/etcdraft/metrics.go
 * Differs     nothing of Kafka, CouchDB and the Go runtime, which we don't have
 * Owner       any thread: constants
 */
#ifndef WEFT_OPS_METRIC_NAMES_H
#define WEFT_OPS_METRIC_NAMES_H

#include "base/weft.h"

enum {
    METRIC_LABELS_MAX = 4
};

enum metric_kind {
    METRIC_COUNTER,
    METRIC_GAUGE,
    METRIC_HISTOGRAM,
};

enum metric_name {
    METRIC_BLOCKCUTTER_BLOCK_FILL_DURATION,    /* channel */
    METRIC_BROADCAST_ENQUEUE_DURATION,         /* channel, type, status */
    METRIC_BROADCAST_PROCESSED_COUNT,          /* channel, type, status */
    METRIC_BROADCAST_VALIDATE_DURATION,        /* channel, type, status */
    METRIC_CHAINCODE_EXECUTE_TIMEOUTS,         /* chaincode */
    METRIC_CHAINCODE_LAUNCH_DURATION,          /* chaincode, success */
    METRIC_CHAINCODE_LAUNCH_FAILURES,          /* chaincode */
    METRIC_CHAINCODE_LAUNCH_TIMEOUTS,          /* chaincode */
    METRIC_CHAINCODE_SHIM_REQUEST_DURATION,    /* type, channel, chaincode, success */
    METRIC_CHAINCODE_SHIM_REQUESTS_COMPLETED,  /* type, channel, chaincode, success */
    METRIC_CHAINCODE_SHIM_REQUESTS_RECEIVED,   /* type, channel, chaincode */
    METRIC_CLUSTER_COMM_EGRESS_QUEUE_CAPACITY, /* host, msg_type, channel */
    METRIC_CLUSTER_COMM_EGRESS_QUEUE_LENGTH,   /* host, msg_type, channel */
    METRIC_CLUSTER_COMM_EGRESS_QUEUE_WORKERS,  /* channel */
    METRIC_CLUSTER_COMM_EGRESS_STREAM_COUNT,   /* channel */
    METRIC_CLUSTER_COMM_EGRESS_TLS_CONNECTION_COUNT,
    METRIC_CLUSTER_COMM_INGRESS_STREAM_COUNT,
    METRIC_CLUSTER_COMM_MSG_DROPPED_COUNT,               /* host, channel */
    METRIC_CLUSTER_COMM_MSG_SEND_TIME,                   /* host, channel */
    METRIC_CONSENSUS_ETCDRAFT_ACTIVE_NODES,              /* channel */
    METRIC_CONSENSUS_ETCDRAFT_CLUSTER_SIZE,              /* channel */
    METRIC_CONSENSUS_ETCDRAFT_COMMITTED_BLOCK_NUMBER,    /* channel */
    METRIC_CONSENSUS_ETCDRAFT_CONFIG_PROPOSALS_RECEIVED, /* channel */
    METRIC_CONSENSUS_ETCDRAFT_DATA_PERSIST_DURATION,     /* channel */
    METRIC_CONSENSUS_ETCDRAFT_IS_LEADER,                 /* channel */
    METRIC_CONSENSUS_ETCDRAFT_LEADER_CHANGES,            /* channel */
    METRIC_CONSENSUS_ETCDRAFT_NORMAL_PROPOSALS_RECEIVED, /* channel */
    METRIC_CONSENSUS_ETCDRAFT_PROPOSAL_FAILURES,         /* channel */
    METRIC_CONSENSUS_ETCDRAFT_SNAPSHOT_BLOCK_NUMBER,     /* channel */
    METRIC_DELIVER_BLOCKS_SENT,                          /* channel, filtered, data_type */
    METRIC_DELIVER_REQUESTS_COMPLETED,                   /* channel, filtered, data_type, success */
    METRIC_DELIVER_REQUESTS_RECEIVED,                    /* channel, filtered, data_type */
    METRIC_DELIVER_STREAMS_CLOSED,
    METRIC_DELIVER_STREAMS_OPENED,
    METRIC_DOCKERCONTROLLER_CHAINCODE_CONTAINER_BUILD_DURATION, /* chaincode, success */
    METRIC_ENDORSER_CHAINCODE_INSTANTIATION_FAILURES,           /* channel, chaincode */
    METRIC_ENDORSER_DUPLICATE_TRANSACTION_FAILURES,             /* channel, chaincode */
    METRIC_ENDORSER_ENDORSEMENT_FAILURES,         /* channel, chaincode, chaincodeerror */
    METRIC_ENDORSER_PROPOSAL_ACL_FAILURES,        /* channel, chaincode */
    METRIC_ENDORSER_PROPOSAL_DURATION,            /* channel, chaincode, success */
    METRIC_ENDORSER_PROPOSAL_SIMULATION_FAILURES, /* channel, chaincode */
    METRIC_ENDORSER_PROPOSAL_VALIDATION_FAILURES,
    METRIC_ENDORSER_PROPOSALS_RECEIVED,
    METRIC_ENDORSER_SUCCESSFUL_PROPOSALS,
    METRIC_FABRIC_VERSION, /* version */
    METRIC_GOSSIP_COMM_MESSAGES_RECEIVED,
    METRIC_GOSSIP_COMM_MESSAGES_SENT,
    METRIC_GOSSIP_COMM_OVERFLOW_COUNT,
    METRIC_GOSSIP_LEADER_ELECTION_LEADER,           /* channel */
    METRIC_GOSSIP_MEMBERSHIP_TOTAL_PEERS_KNOWN,     /* channel */
    METRIC_GOSSIP_PAYLOAD_BUFFER_SIZE,              /* channel */
    METRIC_GOSSIP_PRIVDATA_COMMIT_BLOCK_DURATION,   /* channel */
    METRIC_GOSSIP_PRIVDATA_FETCH_DURATION,          /* channel */
    METRIC_GOSSIP_PRIVDATA_LIST_MISSING_DURATION,   /* channel */
    METRIC_GOSSIP_PRIVDATA_PULL_DURATION,           /* channel */
    METRIC_GOSSIP_PRIVDATA_PURGE_DURATION,          /* channel */
    METRIC_GOSSIP_PRIVDATA_RECONCILIATION_DURATION, /* channel */
    METRIC_GOSSIP_PRIVDATA_RETRIEVE_DURATION,       /* channel */
    METRIC_GOSSIP_PRIVDATA_SEND_DURATION,           /* channel */
    METRIC_GOSSIP_PRIVDATA_VALIDATION_DURATION,     /* channel */
    METRIC_GOSSIP_STATE_COMMIT_DURATION,            /* channel */
    METRIC_GOSSIP_STATE_HEIGHT,                     /* channel */
    METRIC_GRPC_COMM_CONN_CLOSED,
    METRIC_GRPC_COMM_CONN_OPENED,
    METRIC_GRPC_SERVER_STREAM_MESSAGES_RECEIVED,        /* service, method */
    METRIC_GRPC_SERVER_STREAM_MESSAGES_SENT,            /* service, method */
    METRIC_GRPC_SERVER_STREAM_REQUEST_DURATION,         /* service, method, code */
    METRIC_GRPC_SERVER_STREAM_REQUESTS_COMPLETED,       /* service, method, code */
    METRIC_GRPC_SERVER_STREAM_REQUESTS_RECEIVED,        /* service, method */
    METRIC_GRPC_SERVER_UNARY_REQUEST_DURATION,          /* service, method, code */
    METRIC_GRPC_SERVER_UNARY_REQUESTS_COMPLETED,        /* service, method, code */
    METRIC_GRPC_SERVER_UNARY_REQUESTS_RECEIVED,         /* service, method */
    METRIC_LEDGER_BLOCK_PROCESSING_TIME,                /* channel */
    METRIC_LEDGER_BLOCKCHAIN_HEIGHT,                    /* channel */
    METRIC_LEDGER_BLOCKSTORAGE_AND_PVTDATA_COMMIT_TIME, /* channel */
    METRIC_LEDGER_BLOCKSTORAGE_COMMIT_TIME,             /* channel */
    METRIC_LEDGER_STATEDB_COMMIT_TIME,                  /* channel */
    METRIC_LEDGER_TRANSACTION_COUNT, /* channel, transaction_type, chaincode, validation_code */
    METRIC_LOGGING_ENTRIES_CHECKED,  /* level */
    METRIC_LOGGING_ENTRIES_WRITTEN,  /* level */
    METRIC_PROCESS_CPU_SECONDS_TOTAL,
    METRIC_PROCESS_MAX_FDS,
    METRIC_PROCESS_OPEN_FDS,
    METRIC_PROCESS_RESIDENT_MEMORY_BYTES,
    METRIC_PROCESS_START_TIME_SECONDS,
    METRIC_PROCESS_VIRTUAL_MEMORY_BYTES,
    METRIC_PROCESS_VIRTUAL_MEMORY_MAX_BYTES,
    METRIC_NR,
};

struct metric_def {
    const char *name, *help;
    enum metric_kind kind;
    const char *labels[METRIC_LABELS_MAX]; /* in the order in which values are given */
    size_t label_count;
    const double *buckets; /* a histogram's upper bounds, rising */
    size_t bucket_count;
};

extern const struct metric_def metric_defs[METRIC_NR];

#endif
