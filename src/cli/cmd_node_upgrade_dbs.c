/* peer node upgrade-dbs: databases of a peer before 2.0 get the format of 2.0.
 *
 * Go origin   internal/peer/node/upgrade_dbs.go
 */
#include "cli/cmds.h"
#include "cli/peer_ledgers.h"
#include "kvledger/ledger_admin.h"

static enum weft_code run(struct cli *cli, int argc, char **argv, struct weft_err *e)
{
    WEFT_FREE char *root = NULL;
    struct cli_args args = { .least = 0, .most = CLI_ARGS_MAX }; /* Fabric passes them over */
    (void)cli;
    WEFT_TRY(cli_parse(NULL, 0, argc, argv, &args, e));
    WEFT_TRY(peer_ledgers_root_to_rebuild(&root, e));
    return ledger_admin_upgrade(root, e);
}

const struct cli_cmd cmd_node_upgrade_dbs = {
    .name = "node upgrade-dbs",
    .args = "",
    .summary = "upgrade the databases",
    .help = "Brings the databases to the format of this release: the inventory of channels is\n"
            "changed, the others are dropped.  The peer must be offline; it makes them again\n"
            "when it starts.\n",
    .run = run,
};
