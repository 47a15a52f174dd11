/* peer channel update: an update of a channel's configuration to the orderer.
 *
 * Go origin   internal/peer/channel/update.go
 */
#include "base/log.h"
#include "cli/broadcast_client.h"
#include "cli/channel_env.h"
#include "cli/cmds.h"
#include "cli/config_tx.h"
#include "os/clock.h"

LOG_DEFINE(logger, "channelCmd");

struct args {
    struct orderer_flags orderer;
    const char *channel, *file;
};

static void options_for(struct args *a, struct cli_opt *ret, size_t *ret_count)
{
    const struct cli_opt opts[] = {
        { "--channelID", "CHANNEL", "the channel", &a->channel, NULL, "-c" },
        { "--file", "FILE", "configuration update", &a->file, NULL, "-f" },
    };
    memcpy(ret, opts, sizeof(opts));
    *ret_count = WEFT_ARRAY_LEN(opts);
    orderer_flags_add(&a->orderer, ret, ret_count);
}

static void options(struct cli_opt *ret, size_t *ret_count)
{
    static struct args unused; /* the help wants the table only */
    options_for(&unused, ret, ret_count);
}

static enum weft_code update(const struct args *a, struct weft_err *e)
{
    WEFT_CLEANUP(channel_env_done) struct channel_env env = { 0 };
    WEFT_CLEANUP(node_target_done) struct node_target orderer = { 0 };
    WEFT_CLEANUP(broadcast_client_close) struct broadcast_client *b = NULL;
    WEFT_CLEANUP(buf_done) struct buf tx = { 0 };
    WEFT_CLEANUP(buf_done) struct buf envelope = { 0 };
    WEFT_TRY(channel_env_open(&env, e));
    channel_env_ready();
    WEFT_TRY(config_tx_read(a->file, &tx, e));
    WEFT_TRY(config_tx_sign(env.me, buf_bytes(&tx), a->channel, clock_wall_ns(), &envelope, e));
    enum weft_code rc = channel_env_orderer(&a->orderer, &orderer, e);
    if (rc == WEFT_OK)
        rc = broadcast_client_open(&orderer, &b, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "Error getting broadcast client");
    WEFT_TRY(broadcast_client_send(b, buf_bytes(&envelope), e));
    LOG_INFO(&logger, "Successfully submitted channel update");
    return WEFT_OK;
}

static enum weft_code run(struct cli *cli, int argc, char **argv, struct weft_err *e)
{
    struct args a = { 0 };
    struct cli_opt opts[CLI_OPTS_MAX];
    struct cli_args args = { .least = 0, .most = CLI_ARGS_MAX }; /* Fabric passes them over */
    size_t count = 0;
    (void)cli;
    options_for(&a, opts, &count);
    WEFT_TRY(cli_parse(opts, count, argc, argv, &args, e));
    if (a.channel == NULL || a.channel[0] == '\0')
        return WEFT_FAIL(e, WEFT_INVALID, "Must supply channel ID");
    if (a.file == NULL || a.file[0] == '\0')
        return WEFT_FAIL(e, WEFT_INVALID,
                         "Invalid channel create transaction : No configtx file name supplied");
    return update(&a, e);
}

const struct cli_cmd cmd_channel_update = {
    .name = "channel update",
    .args = "-c CHANNEL -f FILE -o ORDERER [--tls --cafile FILE]",
    .summary = "send a configuration update",
    .help = "Adds our signature to the update in FILE, which may have others' already\n"
            "(peer channel signconfigtx), and gives it to the orderer.\n",
    .run = run,
    .options = options,
};
