/* peer node pause: a channel is left alone from the next start on.
 *
 * Go origin   internal/peer/node/pause.go
 */
#include "cli/cmds.h"
#include "cli/peer_ledgers.h"
#include "kvledger/ledger_admin.h"

static void options_for(const char **channel, struct cli_opt *ret, size_t *ret_count)
{
    ret[0] = (struct cli_opt){ "--channelID", "ID", "channel to pause", channel, NULL, "-c" };
    *ret_count = 1;
}

static void options(struct cli_opt *ret, size_t *ret_count)
{
    static const char *unused; /* the help wants the table only */
    options_for(&unused, ret, ret_count);
}

static enum weft_code run(struct cli *cli, int argc, char **argv, struct weft_err *e)
{
    WEFT_FREE char *root = NULL;
    const char *channel = NULL;
    struct cli_opt opts[CLI_OPTS_MAX];
    struct cli_args args = { .least = 0, .most = CLI_ARGS_MAX }; /* Fabric passes them over */
    size_t count = 0;
    (void)cli;
    options_for(&channel, opts, &count);
    WEFT_TRY(cli_parse(opts, count, argc, argv, &args, e));
    if (channel == NULL || channel[0] == '\0')
        return WEFT_FAIL(e, WEFT_INVALID, "Must supply channel ID");
    WEFT_TRY(peer_ledgers_root(&root, e));
    return ledger_admin_pause(root, channel, e);
}

const struct cli_cmd cmd_node_pause = {
    .name = "node pause",
    .args = "-c ID",
    .summary = "pause a channel on the peer",
    .help =
        "Pauses a channel on the peer.  The peer must be offline.  When it starts again it leaves\n"
        "the channel alone, until peer node resume.\n",
    .run = run,
    .options = options,
};
