/* peer node rebuild-dbs: what is made of blocks and private data is made again.
 * peer node upgrade-dbs: the same for a peer before 2.0, in the format of 2.0.
 *
 * Go origin   internal/peer/node/rebuild_dbs.go internal/peer/node/upgrade_dbs.go
 */
#include "cli/cmds.h"
#include "cli/peer_ledgers.h"
#include "kvledger/ledger_admin.h"

typedef enum weft_code admin_fn(const char *root, struct weft_err *e);

static enum weft_code run(admin_fn *admin, int argc, char **argv, struct weft_err *e)
{
    WEFT_FREE char *root = NULL;
    struct cli_args args = { .least = 0, .most = CLI_ARGS_MAX }; /* Fabric passes them over */
    WEFT_TRY(cli_parse(NULL, 0, argc, argv, &args, e));
    WEFT_TRY(peer_ledgers_root_to_rebuild(&root, e));
    return admin(root, e);
}

static enum weft_code rebuild(struct cli *cli, int argc, char **argv, struct weft_err *e)
{
    (void)cli;
    return run(ledger_admin_rebuild, argc, argv, e);
}

const struct cli_cmd cmd_node_rebuild_dbs = {
    .name = "node rebuild-dbs",
    .args = "",
    .summary = "rebuild the databases",
    .help = "Drops the databases of all channels: state, history, block index and what belongs to\n"
            "them.  The peer must be offline; it makes them again when it starts.\n",
    .run = rebuild,
};

static enum weft_code upgrade(struct cli *cli, int argc, char **argv, struct weft_err *e)
{
    (void)cli;
    return run(ledger_admin_upgrade, argc, argv, e);
}

const struct cli_cmd cmd_node_upgrade_dbs = {
    .name = "node upgrade-dbs",
    .args = "",
    .summary = "upgrade the databases",
    .help = "Brings the databases to the format of this release: the inventory of channels is\n"
            "changed, the others are dropped.  The peer must be offline; it makes them again\n"
            "when it starts.\n",
    .run = upgrade,
};
