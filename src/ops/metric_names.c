#include "ops/metric_names.h"

/* The Prometheus library's own, and those of the ledger. */
static const double default_buckets[] = { .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10 };
static const double commit_buckets[] = { .005, .01, .015, .05, .1, 1, 10 };

/* clang-format off */
#define LABELS(n, ...)      .labels = { __VA_ARGS__ }, .label_count = (n)
#define DEFAULT_BUCKETS     .buckets = default_buckets, .bucket_count = WEFT_ARRAY_LEN(default_buckets)
#define COMMIT_BUCKETS      .buckets = commit_buckets, .bucket_count = WEFT_ARRAY_LEN(commit_buckets)

const struct metric_def metric_defs[METRIC_NR] = {
    [METRIC_BLOCKCUTTER_BLOCK_FILL_DURATION] = {
        "blockcutter_block_fill_duration",
        "The time from first transaction enqueing to the block being cut in seconds.",
        METRIC_HISTOGRAM, LABELS(1, "channel"), DEFAULT_BUCKETS },
    [METRIC_BROADCAST_ENQUEUE_DURATION] = {
        "broadcast_enqueue_duration",
        "The time to enqueue a transaction in seconds.",
        METRIC_HISTOGRAM, LABELS(3, "channel", "type", "status"), DEFAULT_BUCKETS },
    [METRIC_BROADCAST_PROCESSED_COUNT] = {
        "broadcast_processed_count",
        "The number of transactions processed.",
        METRIC_COUNTER, LABELS(3, "channel", "type", "status") },
    [METRIC_BROADCAST_VALIDATE_DURATION] = {
        "broadcast_validate_duration",
        "The time to validate a transaction in seconds.",
        METRIC_HISTOGRAM, LABELS(3, "channel", "type", "status"), DEFAULT_BUCKETS },
    [METRIC_CHAINCODE_EXECUTE_TIMEOUTS] = {
        "chaincode_execute_timeouts",
        "The number of chaincode executions (Init or Invoke) that have timed out.",
        METRIC_COUNTER, LABELS(1, "chaincode") },
    [METRIC_CHAINCODE_LAUNCH_DURATION] = {
        "chaincode_launch_duration",
        "The time to launch a chaincode.",
        METRIC_HISTOGRAM, LABELS(2, "chaincode", "success"), DEFAULT_BUCKETS },
    [METRIC_CHAINCODE_LAUNCH_FAILURES] = {
        "chaincode_launch_failures",
        "The number of chaincode launches that have failed.",
        METRIC_COUNTER, LABELS(1, "chaincode") },
    [METRIC_CHAINCODE_LAUNCH_TIMEOUTS] = {
        "chaincode_launch_timeouts",
        "The number of chaincode launches that have timed out.",
        METRIC_COUNTER, LABELS(1, "chaincode") },
    [METRIC_CHAINCODE_SHIM_REQUEST_DURATION] = {
        "chaincode_shim_request_duration",
        "The time to complete chaincode shim requests.",
        METRIC_HISTOGRAM, LABELS(4, "type", "channel", "chaincode", "success"), DEFAULT_BUCKETS },
    [METRIC_CHAINCODE_SHIM_REQUESTS_COMPLETED] = {
        "chaincode_shim_requests_completed",
        "The number of chaincode shim requests completed.",
        METRIC_COUNTER, LABELS(4, "type", "channel", "chaincode", "success") },
    [METRIC_CHAINCODE_SHIM_REQUESTS_RECEIVED] = {
        "chaincode_shim_requests_received",
        "The number of chaincode shim requests received.",
        METRIC_COUNTER, LABELS(3, "type", "channel", "chaincode") },
    [METRIC_CLUSTER_COMM_EGRESS_QUEUE_CAPACITY] = {
        "cluster_comm_egress_queue_capacity",
        "Capacity of the egress queue.",
        METRIC_GAUGE, LABELS(3, "host", "msg_type", "channel") },
    [METRIC_CLUSTER_COMM_EGRESS_QUEUE_LENGTH] = {
        "cluster_comm_egress_queue_length",
        "Length of the egress queue.",
        METRIC_GAUGE, LABELS(3, "host", "msg_type", "channel") },
    [METRIC_CLUSTER_COMM_EGRESS_QUEUE_WORKERS] = {
        "cluster_comm_egress_queue_workers",
        "Count of egress queue workers.",
        METRIC_GAUGE, LABELS(1, "channel") },
    [METRIC_CLUSTER_COMM_EGRESS_STREAM_COUNT] = {
        "cluster_comm_egress_stream_count",
        "Count of streams to other nodes.",
        METRIC_GAUGE, LABELS(1, "channel") },
    [METRIC_CLUSTER_COMM_EGRESS_TLS_CONNECTION_COUNT] = {
        "cluster_comm_egress_tls_connection_count",
        "Count of TLS connections to other nodes.",
        METRIC_GAUGE },
    [METRIC_CLUSTER_COMM_INGRESS_STREAM_COUNT] = {
        "cluster_comm_ingress_stream_count",
        "Count of streams from other nodes.",
        METRIC_GAUGE },
    [METRIC_CLUSTER_COMM_MSG_DROPPED_COUNT] = {
        "cluster_comm_msg_dropped_count",
        "Count of messages dropped.",
        METRIC_COUNTER, LABELS(2, "host", "channel") },
    [METRIC_CLUSTER_COMM_MSG_SEND_TIME] = {
        "cluster_comm_msg_send_time",
        "The time it takes to send a message in seconds.",
        METRIC_HISTOGRAM, LABELS(2, "host", "channel"), DEFAULT_BUCKETS },
    [METRIC_CONSENSUS_ETCDRAFT_ACTIVE_NODES] = {
        "consensus_etcdraft_active_nodes",
        "Number of active nodes in this channel.",
        METRIC_GAUGE, LABELS(1, "channel") },
    [METRIC_CONSENSUS_ETCDRAFT_CLUSTER_SIZE] = {
        "consensus_etcdraft_cluster_size",
        "Number of nodes in this channel.",
        METRIC_GAUGE, LABELS(1, "channel") },
    [METRIC_CONSENSUS_ETCDRAFT_COMMITTED_BLOCK_NUMBER] = {
        "consensus_etcdraft_committed_block_number",
        "The block number of the latest block committed.",
        METRIC_GAUGE, LABELS(1, "channel") },
    [METRIC_CONSENSUS_ETCDRAFT_CONFIG_PROPOSALS_RECEIVED] = {
        "consensus_etcdraft_config_proposals_received",
        "The total number of proposals received for config type transactions.",
        METRIC_COUNTER, LABELS(1, "channel") },
    [METRIC_CONSENSUS_ETCDRAFT_DATA_PERSIST_DURATION] = {
        "consensus_etcdraft_data_persist_duration",
        "The time taken for etcd/raft data to be persisted in storage (in seconds).",
        METRIC_HISTOGRAM, LABELS(1, "channel"), DEFAULT_BUCKETS },
    [METRIC_CONSENSUS_ETCDRAFT_IS_LEADER] = {
        "consensus_etcdraft_is_leader",
        "The leadership status of the current node: 1 if it is the leader else 0.",
        METRIC_GAUGE, LABELS(1, "channel") },
    [METRIC_CONSENSUS_ETCDRAFT_LEADER_CHANGES] = {
        "consensus_etcdraft_leader_changes",
        "The number of leader changes since process start.",
        METRIC_COUNTER, LABELS(1, "channel") },
    [METRIC_CONSENSUS_ETCDRAFT_NORMAL_PROPOSALS_RECEIVED] = {
        "consensus_etcdraft_normal_proposals_received",
        "The total number of proposals received for normal type transactions.",
        METRIC_COUNTER, LABELS(1, "channel") },
    [METRIC_CONSENSUS_ETCDRAFT_PROPOSAL_FAILURES] = {
        "consensus_etcdraft_proposal_failures",
        "The number of proposal failures.",
        METRIC_COUNTER, LABELS(1, "channel") },
    [METRIC_CONSENSUS_ETCDRAFT_SNAPSHOT_BLOCK_NUMBER] = {
        "consensus_etcdraft_snapshot_block_number",
        "The block number of the latest snapshot.",
        METRIC_GAUGE, LABELS(1, "channel") },
    [METRIC_DELIVER_BLOCKS_SENT] = {
        "deliver_blocks_sent",
        "The number of blocks sent by the deliver service.",
        METRIC_COUNTER, LABELS(3, "channel", "filtered", "data_type") },
    [METRIC_DELIVER_REQUESTS_COMPLETED] = {
        "deliver_requests_completed",
        "The number of deliver requests that have been completed.",
        METRIC_COUNTER, LABELS(4, "channel", "filtered", "data_type", "success") },
    [METRIC_DELIVER_REQUESTS_RECEIVED] = {
        "deliver_requests_received",
        "The number of deliver requests that have been received.",
        METRIC_COUNTER, LABELS(3, "channel", "filtered", "data_type") },
    [METRIC_DELIVER_STREAMS_CLOSED] = {
        "deliver_streams_closed",
        "The number of GRPC streams that have been closed for the deliver service.",
        METRIC_COUNTER },
    [METRIC_DELIVER_STREAMS_OPENED] = {
        "deliver_streams_opened",
        "The number of GRPC streams that have been opened for the deliver service.",
        METRIC_COUNTER },
    [METRIC_DOCKERCONTROLLER_CHAINCODE_CONTAINER_BUILD_DURATION] = {
        "dockercontroller_chaincode_container_build_duration",
        "The time to build a chaincode image in seconds.",
        METRIC_HISTOGRAM, LABELS(2, "chaincode", "success"), DEFAULT_BUCKETS },
    [METRIC_ENDORSER_CHAINCODE_INSTANTIATION_FAILURES] = {
        "endorser_chaincode_instantiation_failures",
        "The number of chaincode instantiations or upgrade that have failed.",
        METRIC_COUNTER, LABELS(2, "channel", "chaincode") },
    [METRIC_ENDORSER_DUPLICATE_TRANSACTION_FAILURES] = {
        "endorser_duplicate_transaction_failures",
        "The number of failed proposals due to duplicate transaction ID.",
        METRIC_COUNTER, LABELS(2, "channel", "chaincode") },
    [METRIC_ENDORSER_ENDORSEMENT_FAILURES] = {
        "endorser_endorsement_failures",
        "The number of failed endorsements.",
        METRIC_COUNTER, LABELS(3, "channel", "chaincode", "chaincodeerror") },
    [METRIC_ENDORSER_PROPOSAL_ACL_FAILURES] = {
        "endorser_proposal_acl_failures",
        "The number of proposals that failed ACL checks.",
        METRIC_COUNTER, LABELS(2, "channel", "chaincode") },
    [METRIC_ENDORSER_PROPOSAL_DURATION] = {
        "endorser_proposal_duration",
        "The time to complete a proposal.",
        METRIC_HISTOGRAM, LABELS(3, "channel", "chaincode", "success"), DEFAULT_BUCKETS },
    [METRIC_ENDORSER_PROPOSAL_SIMULATION_FAILURES] = {
        "endorser_proposal_simulation_failures",
        "The number of failed proposal simulations",
        METRIC_COUNTER, LABELS(2, "channel", "chaincode") },
    [METRIC_ENDORSER_PROPOSAL_VALIDATION_FAILURES] = {
        "endorser_proposal_validation_failures",
        "The number of proposals that have failed initial validation.",
        METRIC_COUNTER },
    [METRIC_ENDORSER_PROPOSALS_RECEIVED] = {
        "endorser_proposals_received",
        "The number of proposals received.",
        METRIC_COUNTER },
    [METRIC_ENDORSER_SUCCESSFUL_PROPOSALS] = {
        "endorser_successful_proposals",
        "The number of successful proposals.",
        METRIC_COUNTER },
    [METRIC_FABRIC_VERSION] = {
        "fabric_version",
        "The active version of Fabric.",
        METRIC_GAUGE, LABELS(1, "version") },
    [METRIC_GOSSIP_COMM_MESSAGES_RECEIVED] = {
        "gossip_comm_messages_received",
        "Number of messages received",
        METRIC_COUNTER },
    [METRIC_GOSSIP_COMM_MESSAGES_SENT] = {
        "gossip_comm_messages_sent",
        "Number of messages sent",
        METRIC_COUNTER },
    [METRIC_GOSSIP_COMM_OVERFLOW_COUNT] = {
        "gossip_comm_overflow_count",
        "Number of outgoing queue buffer overflows",
        METRIC_COUNTER },
    [METRIC_GOSSIP_LEADER_ELECTION_LEADER] = {
        "gossip_leader_election_leader",
        "Peer is leader (1) or follower (0)",
        METRIC_GAUGE, LABELS(1, "channel") },
    [METRIC_GOSSIP_MEMBERSHIP_TOTAL_PEERS_KNOWN] = {
        "gossip_membership_total_peers_known",
        "Total known peers",
        METRIC_GAUGE, LABELS(1, "channel") },
    [METRIC_GOSSIP_PAYLOAD_BUFFER_SIZE] = {
        "gossip_payload_buffer_size",
        "Size of the payload buffer",
        METRIC_GAUGE, LABELS(1, "channel") },
    [METRIC_GOSSIP_PRIVDATA_COMMIT_BLOCK_DURATION] = {
        "gossip_privdata_commit_block_duration",
        "Time it takes to commit private data and the corresponding block (in seconds)",
        METRIC_HISTOGRAM, LABELS(1, "channel"), DEFAULT_BUCKETS },
    [METRIC_GOSSIP_PRIVDATA_FETCH_DURATION] = {
        "gossip_privdata_fetch_duration",
        "Time it takes to fetch missing private data from peers (in seconds)",
        METRIC_HISTOGRAM, LABELS(1, "channel"), DEFAULT_BUCKETS },
    [METRIC_GOSSIP_PRIVDATA_LIST_MISSING_DURATION] = {
        "gossip_privdata_list_missing_duration",
        "Time it takes to list the missing private data (in seconds)",
        METRIC_HISTOGRAM, LABELS(1, "channel"), DEFAULT_BUCKETS },
    [METRIC_GOSSIP_PRIVDATA_PULL_DURATION] = {
        "gossip_privdata_pull_duration",
        "Time it takes to pull a missing private data element (in seconds)",
        METRIC_HISTOGRAM, LABELS(1, "channel"), DEFAULT_BUCKETS },
    [METRIC_GOSSIP_PRIVDATA_PURGE_DURATION] = {
        "gossip_privdata_purge_duration",
        "Time it takes to purge private data (in seconds)",
        METRIC_HISTOGRAM, LABELS(1, "channel"), DEFAULT_BUCKETS },
    [METRIC_GOSSIP_PRIVDATA_RECONCILIATION_DURATION] = {
        "gossip_privdata_reconciliation_duration",
        "Time it takes for reconciliation to complete (in seconds)",
        METRIC_HISTOGRAM, LABELS(1, "channel"), DEFAULT_BUCKETS },
    [METRIC_GOSSIP_PRIVDATA_RETRIEVE_DURATION] = {
        "gossip_privdata_retrieve_duration",
        "Time it takes to retrieve missing private data elements from the ledger (in seconds)",
        METRIC_HISTOGRAM, LABELS(1, "channel"), DEFAULT_BUCKETS },
    [METRIC_GOSSIP_PRIVDATA_SEND_DURATION] = {
        "gossip_privdata_send_duration",
        "Time it takes to send a missing private data element (in seconds)",
        METRIC_HISTOGRAM, LABELS(1, "channel"), DEFAULT_BUCKETS },
    [METRIC_GOSSIP_PRIVDATA_VALIDATION_DURATION] = {
        "gossip_privdata_validation_duration",
        "Time it takes to validate a block (in seconds)",
        METRIC_HISTOGRAM, LABELS(1, "channel"), DEFAULT_BUCKETS },
    [METRIC_GOSSIP_STATE_COMMIT_DURATION] = {
        "gossip_state_commit_duration",
        "Time it takes to commit a block in seconds",
        METRIC_HISTOGRAM, LABELS(1, "channel"), DEFAULT_BUCKETS },
    [METRIC_GOSSIP_STATE_HEIGHT] = {
        "gossip_state_height",
        "Current ledger height",
        METRIC_GAUGE, LABELS(1, "channel") },
    [METRIC_GRPC_COMM_CONN_CLOSED] = {
        "grpc_comm_conn_closed",
        "gRPC connections closed. Open minus closed is the active number of connections.",
        METRIC_COUNTER },
    [METRIC_GRPC_COMM_CONN_OPENED] = {
        "grpc_comm_conn_opened",
        "gRPC connections opened. Open minus closed is the active number of connections.",
        METRIC_COUNTER },
    [METRIC_GRPC_SERVER_STREAM_MESSAGES_RECEIVED] = {
        "grpc_server_stream_messages_received",
        "The number of stream messages received.",
        METRIC_COUNTER, LABELS(2, "service", "method") },
    [METRIC_GRPC_SERVER_STREAM_MESSAGES_SENT] = {
        "grpc_server_stream_messages_sent",
        "The number of stream messages sent.",
        METRIC_COUNTER, LABELS(2, "service", "method") },
    [METRIC_GRPC_SERVER_STREAM_REQUEST_DURATION] = {
        "grpc_server_stream_request_duration",
        "The time to complete a stream request.",
        METRIC_HISTOGRAM, LABELS(3, "service", "method", "code"), DEFAULT_BUCKETS },
    [METRIC_GRPC_SERVER_STREAM_REQUESTS_COMPLETED] = {
        "grpc_server_stream_requests_completed",
        "The number of stream requests completed.",
        METRIC_COUNTER, LABELS(3, "service", "method", "code") },
    [METRIC_GRPC_SERVER_STREAM_REQUESTS_RECEIVED] = {
        "grpc_server_stream_requests_received",
        "The number of stream requests received.",
        METRIC_COUNTER, LABELS(2, "service", "method") },
    [METRIC_GRPC_SERVER_UNARY_REQUEST_DURATION] = {
        "grpc_server_unary_request_duration",
        "The time to complete a unary request.",
        METRIC_HISTOGRAM, LABELS(3, "service", "method", "code"), DEFAULT_BUCKETS },
    [METRIC_GRPC_SERVER_UNARY_REQUESTS_COMPLETED] = {
        "grpc_server_unary_requests_completed",
        "The number of unary requests completed.",
        METRIC_COUNTER, LABELS(3, "service", "method", "code") },
    [METRIC_GRPC_SERVER_UNARY_REQUESTS_RECEIVED] = {
        "grpc_server_unary_requests_received",
        "The number of unary requests received.",
        METRIC_COUNTER, LABELS(2, "service", "method") },
    [METRIC_LEDGER_BLOCK_PROCESSING_TIME] = {
        "ledger_block_processing_time",
        "Time taken in seconds for ledger block processing.",
        METRIC_HISTOGRAM, LABELS(1, "channel"), COMMIT_BUCKETS },
    [METRIC_LEDGER_BLOCKCHAIN_HEIGHT] = {
        "ledger_blockchain_height",
        "Height of the chain in blocks.",
        METRIC_GAUGE, LABELS(1, "channel") },
    [METRIC_LEDGER_BLOCKSTORAGE_AND_PVTDATA_COMMIT_TIME] = {
        "ledger_blockstorage_and_pvtdata_commit_time",
        "Time taken in seconds for committing the block and private data to storage.",
        METRIC_HISTOGRAM, LABELS(1, "channel"), COMMIT_BUCKETS },
    [METRIC_LEDGER_BLOCKSTORAGE_COMMIT_TIME] = {
        "ledger_blockstorage_commit_time",
        "Time taken in seconds for committing the block to storage.",
        METRIC_HISTOGRAM, LABELS(1, "channel"), COMMIT_BUCKETS },
    [METRIC_LEDGER_STATEDB_COMMIT_TIME] = {
        "ledger_statedb_commit_time",
        "Time taken in seconds for committing block changes to state db.",
        METRIC_HISTOGRAM, LABELS(1, "channel"), COMMIT_BUCKETS },
    [METRIC_LEDGER_TRANSACTION_COUNT] = {
        "ledger_transaction_count",
        "Number of transactions processed.",
        METRIC_COUNTER, LABELS(4, "channel", "transaction_type", "chaincode", "validation_code") },
    [METRIC_LOGGING_ENTRIES_CHECKED] = {
        "logging_entries_checked",
        "Number of log entries checked against the active logging level",
        METRIC_COUNTER, LABELS(1, "level") },
    [METRIC_LOGGING_ENTRIES_WRITTEN] = {
        "logging_entries_written",
        "Number of log entries that are written",
        METRIC_COUNTER, LABELS(1, "level") },
    [METRIC_PROCESS_CPU_SECONDS_TOTAL] = {
        "process_cpu_seconds_total",
        "Total user and system CPU time spent in seconds.",
        METRIC_COUNTER },
    [METRIC_PROCESS_MAX_FDS] = {
        "process_max_fds",
        "Maximum number of open file descriptors.",
        METRIC_GAUGE },
    [METRIC_PROCESS_OPEN_FDS] = {
        "process_open_fds",
        "Number of open file descriptors.",
        METRIC_GAUGE },
    [METRIC_PROCESS_RESIDENT_MEMORY_BYTES] = {
        "process_resident_memory_bytes",
        "Resident memory size in bytes.",
        METRIC_GAUGE },
    [METRIC_PROCESS_START_TIME_SECONDS] = {
        "process_start_time_seconds",
        "Start time of the process since unix epoch in seconds.",
        METRIC_GAUGE },
    [METRIC_PROCESS_VIRTUAL_MEMORY_BYTES] = {
        "process_virtual_memory_bytes",
        "Virtual memory size in bytes.",
        METRIC_GAUGE },
    [METRIC_PROCESS_VIRTUAL_MEMORY_MAX_BYTES] = {
        "process_virtual_memory_max_bytes",
        "Maximum amount of virtual memory available in bytes.",
        METRIC_GAUGE },
};
/* clang-format on */
