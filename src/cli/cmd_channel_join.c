/* peer channel join: the peer takes part in a channel from now on.
 *
 * Go origin   internal/peer/channel/join.go
 */
#include "base/limits.h"
#include "base/log.h"
#include "cli/channel_env.h"
#include "cli/cmds.h"
#include "cli/endorser_client.h"
#include "os/file.h"

LOG_DEFINE(logger, "channelCmd");

struct args {
    struct orderer_flags orderer; /* taken, as by Fabric, and not needed */
    const char *block;
};

static void options_for(struct args *a, struct cli_opt *ret, size_t *ret_count)
{
    const struct cli_opt opts[] = {
        { "--blockpath", "FILE", "the channel's first block", &a->block, NULL, "-b" },
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

static enum weft_code read_block(const char *path, struct buf *ret, struct weft_err *e)
{
    enum weft_code rc = file_read_all(path, LIMIT_BLOCK_BYTES, ret, e);
    if (rc == WEFT_NOT_FOUND)
        return WEFT_FAIL(e, rc, "genesis block file not found open %s: no such file or directory",
                         path);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "genesis block file not found");
    return WEFT_OK;
}

static enum weft_code join(const char *path, struct weft_err *e)
{
    WEFT_CLEANUP(channel_env_done) struct channel_env env = { 0 };
    WEFT_CLEANUP(endorser_client_close) struct endorser_client *c = NULL;
    WEFT_CLEANUP(proposal_answer_done) struct proposal_answer answer = { 0 };
    WEFT_CLEANUP(buf_done) struct buf block = { 0 };
    WEFT_TRY(channel_env_open(&env, e));
    WEFT_TRY(endorser_client_open(env.config, &c, e));
    channel_env_ready();
    WEFT_TRY(read_block(path, &block, e));
    const struct bytes args[] = { bytes_of_str("JoinChain"), buf_bytes(&block) };
    const struct proposal_plan p = { HEADER_CONFIG, "cscc", args, WEFT_ARRAY_LEN(args) };
    struct weft_err why = { 0 };
    enum weft_code rc = endorser_client_ask(c, env.me, &p, &answer, &why);
    if (rc != WEFT_OK)
        return WEFT_FAIL(e, rc, "proposal failed (err: %s)", why.msg);
    if (answer.status != 0 && answer.status != 200)
        return WEFT_FAIL(e, WEFT_UNAVAILABLE,
                         "proposal failed (err: bad proposal response %d: %.*s)", answer.status,
                         (int)(answer.message.len < 400 ? answer.message.len : 400),
                         (const char *)answer.message.data);
    LOG_INFO(&logger, "Successfully submitted proposal to join channel");
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
    if (a.block == NULL || a.block[0] == '\0')
        return WEFT_FAIL(e, WEFT_INVALID, "Must supply genesis block path");
    return join(a.block, e);
}

const struct cli_cmd cmd_channel_join = {
    .name = "channel join",
    .args = "-b FILE",
    .summary = "join the peer to a channel",
    .help = "Asks the peer at CORE_PEER_ADDRESS to join the channel whose first block is FILE\n"
            "(peer channel create, or peer channel fetch oldest).\n",
    .run = run,
    .options = options,
};
