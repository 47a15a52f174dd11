/* peer channel signconfigtx: our signature on an update, for the next
 * administrator to sign or send.
 *
 * Go origin   internal/peer/channel/signconfigtx.go
 */
#include "cli/channel_env.h"
#include "cli/cmds.h"
#include "cli/config_tx.h"
#include "os/clock.h"
#include "os/file.h"

struct args {
    struct orderer_flags orderer; /* taken, as by Fabric, and not needed */
    const char *file;
};

static void options_for(struct args *a, struct cli_opt *ret, size_t *ret_count)
{
    const struct cli_opt opts[] = {
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

static enum weft_code sign(const char *file, struct weft_err *e)
{
    WEFT_CLEANUP(channel_env_done) struct channel_env env = { 0 };
    WEFT_CLEANUP(buf_done) struct buf tx = { 0 };
    WEFT_CLEANUP(buf_done) struct buf envelope = { 0 };
    WEFT_TRY(channel_env_open(&env, e));
    channel_env_ready();
    WEFT_TRY(config_tx_read(file, &tx, e));
    WEFT_TRY(config_tx_sign(env.me, buf_bytes(&tx), NULL, clock_wall_ns(), &envelope, e));
    return file_write_plain(file, buf_bytes(&envelope), 0660, e);
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
    if (a.file == NULL || a.file[0] == '\0')
        return WEFT_FAIL(e, WEFT_INVALID,
                         "Invalid channel create transaction : No configtx file name supplied");
    return sign(a.file, e);
}

const struct cli_cmd cmd_channel_signconfigtx = {
    .name = "channel signconfigtx",
    .args = "-f FILE",
    .summary = "sign a configuration update",
    .help = "Adds our signature to the update in FILE, in place.\n",
    .run = run,
    .options = options,
};
