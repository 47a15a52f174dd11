/* peer node rebuild-dbs: what is made of blocks and private data is made again.
 *
 * Go origin   internal/peer/node/rebuild_dbs.go
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
    return ledger_admin_rebuild(root, e);
}

const struct cli_cmd cmd_node_rebuild_dbs = {
    .name = "node rebuild-dbs",
    .args = "",
    .summary = "rebuild the databases",
    .help = "Drops the databases of all channels: state, history, block index and what belongs to\n"
            "them.  The peer must be offline; it makes them again when it starts.\n",
    .run = run,
};
