#include "base/log.h"
#include "cli/cmds.h"

int main(int argc, char **argv)
{
    static const struct cli_cmd *const cmds[] = {
        &cmd_channel_create,   &cmd_channel_fetch,        &cmd_channel_getinfo, &cmd_channel_join,
        &cmd_channel_list,     &cmd_channel_signconfigtx, &cmd_channel_update,  &cmd_node_pause,
        &cmd_node_rebuild_dbs, &cmd_node_reset,           &cmd_node_resume,     &cmd_node_rollback,
        &cmd_node_start,       &cmd_node_upgrade_dbs,     &cmd_peer_version,
    };
    static const struct cli_program program = {
        .name = "peer",
        .about = "peer is a node of a Fabric network, and asks such nodes.",
        .cmds = cmds,
        .count = WEFT_ARRAY_LEN(cmds),
        .misused = 1,
    };
    struct weft_err e = { 0 };
    if (log_init_from_env(&e) != WEFT_OK) {
        (void)fprintf(stderr, "Error: %s\n", e.msg);
        return 1;
    }
    return cli_main(&program, argc, argv);
}
