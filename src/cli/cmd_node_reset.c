/* peer node reset: all channels back to their first block.
 *
 * Go origin   internal/peer/node/reset.go
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
    WEFT_TRY(peer_ledgers_root(&root, e));
    return ledger_admin_reset(root, e);
}

const struct cli_cmd cmd_node_reset = {
    .name = "node reset",
    .args = "",
    .summary = "reset the node",
    .help = "Resets all channels to the genesis block.  The peer must be offline.  When it starts\n"
            "again it gets the blocks from number one on from an orderer, and makes its\n"
            "databases again; private data it has still.\n",
    .run = run,
};
