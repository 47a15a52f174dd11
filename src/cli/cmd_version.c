/* weft version: which build is this? */
#include "cli/cli.h"
#include "cli/cmds.h"

static enum weft_code run(struct cli *cli, int argc, char **argv, struct weft_err *e)
{
    struct cli_args args = { .least = 0, .most = 0 };
    WEFT_TRY(cli_parse(NULL, 0, argc, argv, &args, e));
    (void)fprintf(cli->out, "weft " WEFT_VERSION ", for the files and wires of Fabric 2.2\n");
    return WEFT_OK;
}

const struct cli_cmd cmd_version = {
    .name = "version",
    .args = "",
    .summary = "which version this is",
    .run = run,
};
