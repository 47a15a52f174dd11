/* cmds.h - the commands of weft and peer, one a file: cmd_<name>.c.
 *
 * Go origin   none
 * Owner       the main thread
 */
#ifndef WEFT_CLI_CMDS_H
#define WEFT_CLI_CMDS_H

#include "cli/cli.h"

extern const struct cli_cmd cmd_ledger_show;
extern const struct cli_cmd cmd_ledger_verify;
extern const struct cli_cmd cmd_ledger_export;
extern const struct cli_cmd cmd_ledger_import;
extern const struct cli_cmd cmd_bench_broadcast;
extern const struct cli_cmd cmd_bench_chain;
extern const struct cli_cmd cmd_bench_deliver;
extern const struct cli_cmd cmd_version;

extern const struct cli_cmd cmd_channel_create;
extern const struct cli_cmd cmd_cryptogen_generate;
extern const struct cli_cmd cmd_cryptogen_extend;
extern const struct cli_cmd cmd_cryptogen_showtemplate;
extern const struct cli_cmd cmd_cryptogen_version;

extern const struct cli_cmd cmd_channel_fetch;
extern const struct cli_cmd cmd_channel_getinfo;
extern const struct cli_cmd cmd_channel_join;
extern const struct cli_cmd cmd_channel_list;
extern const struct cli_cmd cmd_channel_signconfigtx;
extern const struct cli_cmd cmd_channel_update;
extern const struct cli_cmd cmd_node_start;
extern const struct cli_cmd cmd_node_pause;
extern const struct cli_cmd cmd_node_rebuild_dbs;
extern const struct cli_cmd cmd_node_reset;
extern const struct cli_cmd cmd_node_resume;
extern const struct cli_cmd cmd_node_rollback;
extern const struct cli_cmd cmd_node_upgrade_dbs;
extern const struct cli_cmd cmd_peer_version;

#endif
