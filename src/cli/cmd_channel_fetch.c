/* peer channel fetch: a block, from an orderer or a peer, into a file.
 *
 * Go origin   internal/peer/channel/fetch.go
 */
#include "base/log.h"
#include "base/number.h"
#include "cli/channel_env.h"
#include "cli/cmds.h"
#include "config/core_config.h"
#include "deliver/deliver_fetch.h"
#include "os/file.h"
#include "proto/metadata.h"

#include <inttypes.h>

LOG_DEFINE(logger, "channelCmd");

struct args {
    struct orderer_flags orderer;
    const char *channel;
    bool best_effort;
};

static void options_for(struct args *a, struct cli_opt *ret, size_t *ret_count)
{
    const struct cli_opt opts[] = {
        { "--channelID", "CHANNEL", "the channel", &a->channel, NULL, "-c" },
        { "--bestEffort", NULL, "also from an orderer that has lost its consensus", NULL,
          &a->best_effort, NULL },
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

/* Where "config" leads: the newest block says which one it is. */
static enum weft_code fetch_config(struct deliver_fetch *f, struct block **ret, struct weft_err *e)
{
    static const struct seek_position newest = { .kind = SEEK_NEWEST };
    WEFT_CLEANUP(block_unref) struct block *b = NULL;
    uint64_t number = 0;
    WEFT_TRY(deliver_fetch_block(f, &newest, &b, e));
    WEFT_TRY(block_last_config(&b->v, &number, e));
    LOG_INFO(&logger, "Retrieving last config block: %" PRIu64, number);
    return deliver_fetch_block(f, &(struct seek_position){ SEEK_SPECIFIED, number }, ret, e);
}

static enum weft_code fetch(struct deliver_fetch *f, const char *what, struct block **ret,
                            struct weft_err *e)
{
    struct seek_position p = { .kind = SEEK_SPECIFIED };
    if (strcmp(what, "config") == 0)
        return fetch_config(f, ret, e);
    if (strcmp(what, "oldest") == 0)
        p.kind = SEEK_OLDEST;
    else if (strcmp(what, "newest") == 0)
        p.kind = SEEK_NEWEST;
    else if (!number_parse_u64(what, &p.number))
        return WEFT_FAIL(e, WEFT_INVALID, "fetch target illegal: %s", what);
    return deliver_fetch_block(f, &p, ret, e);
}

/* An address names the orderer; without one the peer is asked. */
static enum weft_code find_target(const struct args *a, const struct core_config *config,
                                  struct deliver_fetch_config *ret, struct node_target *ret_target,
                                  struct weft_err *e)
{
    bool orderer = a->orderer.address != NULL && strchr(a->orderer.address, ':') != NULL;
    if (orderer)
        WEFT_TRY(orderer_flags_target(&a->orderer, ret_target, e));
    else
        WEFT_TRY(peer_target(config, ret_target, e));
    *ret = (struct deliver_fetch_config){
        .address = ret_target->address,
        .host_override = ret_target->host_override,
        .method = orderer ? "/orderer.AtomicBroadcast/Deliver" : "/protos.Deliver/Deliver",
        .tls = ret_target->tls,
        .connect_timeout_ms = ret_target->connect_timeout_ms,
        .channel_id = a->channel,
        .best_effort = a->best_effort,
    };
    return WEFT_OK;
}

static enum weft_code write_block(const struct block_view *v, const char *path, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf wire = { 0 };
    block_encode(v, &wire);
    return file_write_plain(path, buf_bytes(&wire), 0644, e);
}

static enum weft_code fetch_to_file(const struct args *a, const char *what, const char *path,
                                    struct weft_err *e)
{
    WEFT_CLEANUP(channel_env_done) struct channel_env env = { 0 };
    WEFT_CLEANUP(node_target_done) struct node_target target = { 0 };
    WEFT_CLEANUP(deliver_fetch_close) struct deliver_fetch *f = NULL;
    WEFT_CLEANUP(block_unref) struct block *b = NULL;
    struct deliver_fetch_config plan = { 0 };
    WEFT_TRY(channel_env_open(&env, e));
    WEFT_TRY(find_target(a, env.config, &plan, &target, e));
    plan.signer = env.me;
    enum weft_code rc = deliver_fetch_open(&plan, &f, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "failed to create deliver client for %s",
                             plan.method[1] == 'o' ? "orderer" : "peer");
    channel_env_ready();
    WEFT_TRY(fetch(f, what, &b, e));
    return write_block(&b->v, path, e);
}

static enum weft_code run(struct cli *cli, int argc, char **argv, struct weft_err *e)
{
    struct args a = { 0 };
    struct cli_opt opts[CLI_OPTS_MAX];
    struct cli_args args = { .least = 0, .most = CLI_ARGS_MAX };
    size_t count = 0;
    (void)cli;
    options_for(&a, opts, &count);
    WEFT_TRY(cli_parse(opts, count, argc, argv, &args, e));
    if (args.count == 0)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "fetch target required, oldest, newest, config, or a number");
    if (args.count > 2)
        return WEFT_FAIL(e, WEFT_INVALID, "trailing args detected");
    if (a.channel == NULL)
        return WEFT_FAIL(e, WEFT_INVALID, "must supply channel ID");
    WEFT_FREE char *own = weft_asprintf("%s_%s.block", a.channel, args.at[0]);
    return fetch_to_file(&a, args.at[0], args.count > 1 ? args.at[1] : own, e);
}

const struct cli_cmd cmd_channel_fetch = {
    .name = "channel fetch",
    .args = "<newest|oldest|config|NUMBER> [FILE] -c CHANNEL [-o ORDERER [--tls --cafile FILE]]",
    .summary = "fetch a block, writing it to a file",
    .help =
        "Asks the orderer at -o, or without -o the peer at CORE_PEER_ADDRESS, as the identity in\n"
        "CORE_PEER_MSPCONFIGPATH.  core.yaml is read from FABRIC_CFG_PATH.\n"
        "\n"
        "  peer channel fetch newest -c mychannel -o orderer.example.com:7050 --tls --cafile "
        "ca.pem\n",
    .run = run,
    .options = options,
};
