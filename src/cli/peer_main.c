#include "base/log.h"
#include "cli/cmds.h"

int main(int argc, char **argv)
{
    static const struct cli_cmd *const cmds[] = { &cmd_channel_fetch, &cmd_peer_version };
    static const struct cli_program program = {
        .name = "peer",
        .about = "peer asks a Fabric network; of Fabric's peer it has these commands so far.",
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
