/* peer node pause, peer node resume: a channel is left alone from the next start on, or
 * no longer.
 *
 * Go origin   internal/peer/node/pause.go internal/peer/node/resume.go
 */
#include "cli/cmds.h"
#include "cli/peer_ledgers.h"
#include "kvledger/ledger_admin.h"

typedef enum weft_code admin_fn(const char *root, const char *channel, struct weft_err *e);

static struct cli_opt channel_opt(const char *help, const char **channel)
{
    return (struct cli_opt){ "--channelID", "ID", help, channel, NULL, "-c" };
}

static enum weft_code run(admin_fn *admin, int argc, char **argv, struct weft_err *e)
{
    WEFT_FREE char *root = NULL;
    const char *channel = NULL;
    struct cli_opt opt = channel_opt("", &channel);
    struct cli_args args = { .least = 0, .most = CLI_ARGS_MAX }; /* Fabric passes them over */
    WEFT_TRY(cli_parse(&opt, 1, argc, argv, &args, e));
    if (channel == NULL || channel[0] == '\0')
        return WEFT_FAIL(e, WEFT_INVALID, "Must supply channel ID");
    WEFT_TRY(peer_ledgers_root(&root, e));
    return admin(root, channel, e);
}

static void help_options(const char *help, struct cli_opt *ret, size_t *ret_count)
{
    static const char *unused; /* the help wants the table only */
    ret[0] = channel_opt(help, &unused);
    *ret_count = 1;
}

static enum weft_code pause_run(struct cli *cli, int argc, char **argv, struct weft_err *e)
{
    (void)cli;
    return run(ledger_admin_pause, argc, argv, e);
}

static void pause_options(struct cli_opt *ret, size_t *ret_count)
{
    help_options("channel to pause", ret, ret_count);
}

const struct cli_cmd cmd_node_pause = {
    .name = "node pause",
    .args = "-c ID",
    .summary = "pause a channel on the peer",
    .help =
        "Pauses a channel on the peer.  The peer must be offline.  When it starts again it leaves\n"
        "the channel alone, until peer node resume.\n",
    .run = pause_run,
    .options = pause_options,
};

static enum weft_code resume_run(struct cli *cli, int argc, char **argv, struct weft_err *e)
{
    (void)cli;
    return run(ledger_admin_resume, argc, argv, e);
}

static void resume_options(struct cli_opt *ret, size_t *ret_count)
{
    help_options("channel to resume", ret, ret_count);
}

const struct cli_cmd cmd_node_resume = {
    .name = "node resume",
    .args = "-c ID",
    .summary = "resume a channel on the peer",
    .help =
        "Resumes a channel on the peer.  The peer must be offline.  When it starts again it gets\n"
        "the channel's blocks.\n",
    .run = resume_run,
    .options = resume_options,
};
