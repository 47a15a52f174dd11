/* peer version: which build is this?
 *
 * Go origin   internal/peer/version/version.go
 */
#include "cli/cmds.h"

#include <sys/utsname.h>

static enum weft_code run(struct cli *cli, int argc, char **argv, struct weft_err *e)
{
    struct cli_args args = { .least = 0, .most = 0 };
    struct utsname system;
    WEFT_TRY(cli_parse(NULL, 0, argc, argv, &args, e));
    WEFT_ASSERT(uname(&system) == 0);
    (void)fprintf(
        cli->out,
        "peer:\n Version: " WEFT_VERSION "\n OS/Arch: %s/%s\n Chaincode:\n"
        "  Base Docker Label: org.hyperledger.fabric\n  Docker Namespace: hyperledger\n\n",
        system.sysname, system.machine);
    return WEFT_OK;
}

const struct cli_cmd cmd_peer_version = {
    .name = "version",
    .args = "",
    .summary = "print the version",
    .run = run,
};
