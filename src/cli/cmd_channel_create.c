/* peer channel create: a channel from a creation transaction; its block 0 into a file.
 *
 * Go origin   internal/peer/channel/create.go
 */
#include "base/log.h"
#include "cli/broadcast_client.h"
#include "cli/channel_env.h"
#include "cli/cmds.h"
#include "cli/config_tx.h"
#include "config/config_value.h"
#include "deliver/deliver_fetch.h"
#include "genesis/genesis.h"
#include "os/clock.h"
#include "os/file.h"

#include <time.h>
#include <unistd.h>

enum {
    TIMEOUT_S = 10, /* Fabric's */
    POLL_MS = 200,
};

struct args {
    struct orderer_flags orderer;
    const char *channel, *file, *output, *timeout;
};

static void options_for(struct args *a, struct cli_opt *ret, size_t *ret_count)
{
    const struct cli_opt opts[] = {
        { "--channelID", "CHANNEL", "the channel to create", &a->channel, NULL, "-c" },
        { "--file", "FILE", "its creation, from configtxgen -outputCreateChannelTx", &a->file, NULL,
          "-f" },
        { "--outputBlock", "FILE", "where to put its first block (CHANNEL.block)", &a->output, NULL,
          NULL },
        { "--timeout", "DURATION", "how long to wait for the channel (10s)", &a->timeout, NULL,
          "-t" },
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

/* Without a file: the profile that Fabric's configtx.yaml has for it. */
static enum weft_code default_tx(const char *channel, struct buf *ret, struct weft_err *e)
{
    WEFT_CLEANUP(configtx_free) struct configtx *c = NULL;
    const struct configtx_profile *p = NULL;
    WEFT_TRY(configtx_open(NULL, (const char *const *)environ, &c, e));
    WEFT_TRY(configtx_profile(c, "SampleSingleMSPChannel", &p, e));
    return genesis_channel_tx(p, NULL, channel, clock_wall_ns() / 1000000000, ret, e);
}

static enum weft_code send_update(const struct channel_env *env, const struct args *a,
                                  const struct node_target *orderer, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf tx = { 0 };
    WEFT_CLEANUP(buf_done) struct buf envelope = { 0 };
    WEFT_CLEANUP(broadcast_client_close) struct broadcast_client *b = NULL;
    if (a->file != NULL && a->file[0] != '\0')
        WEFT_TRY(config_tx_read(a->file, &tx, e));
    else
        WEFT_TRY(default_tx(a->channel, &tx, e));
    WEFT_TRY(config_tx_sign(env->me, buf_bytes(&tx), a->channel, clock_wall_ns(), &envelope, e));
    enum weft_code rc = broadcast_client_open(orderer, &b, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "error getting broadcast client");
    return broadcast_client_send(b, buf_bytes(&envelope), e);
}

/* Asks until the channel is there, on a new connection each time. */
static enum weft_code wait_for_block(const struct channel_env *env, const struct args *a,
                                     const struct node_target *orderer, struct deliver_fetch **f,
                                     struct block **ret, int64_t timeout_ns, struct weft_err *e)
{
    static const struct seek_position first = { .kind = SEEK_SPECIFIED, .number = 0 };
    static const struct timespec pause = { .tv_nsec = POLL_MS * 1000000L };
    uint64_t until = clock_monotonic_ns() + (uint64_t)timeout_ns;
    while (deliver_fetch_block(*f, &first, ret, e) != WEFT_OK) {
        deliver_fetch_close(WEFT_TAKE(*f));
        enum weft_code rc = channel_env_deliver(env, orderer, a->channel, f, e);
        if (rc != WEFT_OK)
            return weft_err_wrap(e, rc, "failed connecting");
        channel_env_ready();
        (void)nanosleep(&pause, NULL);
        if (clock_monotonic_ns() >= until)
            return WEFT_FAIL(e, WEFT_UNAVAILABLE, "timeout waiting for channel creation");
    }
    return WEFT_OK;
}

static enum weft_code create(const struct args *a, int64_t timeout_ns, struct weft_err *e)
{
    WEFT_CLEANUP(channel_env_done) struct channel_env env = { 0 };
    WEFT_CLEANUP(node_target_done) struct node_target orderer = { 0 };
    WEFT_CLEANUP(deliver_fetch_close) struct deliver_fetch *f = NULL;
    WEFT_CLEANUP(block_unref) struct block *b = NULL;
    WEFT_CLEANUP(buf_done) struct buf wire = { 0 };
    WEFT_TRY(channel_env_open(&env, e));
    WEFT_TRY(channel_env_orderer(&a->orderer, &orderer, e));
    WEFT_TRY(channel_env_deliver(&env, &orderer, a->channel, &f, e));
    channel_env_ready();
    WEFT_TRY(send_update(&env, a, &orderer, e));
    WEFT_TRY(wait_for_block(&env, a, &orderer, &f, &b, timeout_ns, e));
    WEFT_FREE char *own = weft_asprintf("%s.block", a->channel);
    block_encode(&b->v, &wire);
    return file_write_plain(a->output != NULL ? a->output : own, buf_bytes(&wire), 0644, e);
}

static enum weft_code run(struct cli *cli, int argc, char **argv, struct weft_err *e)
{
    struct args a = { 0 };
    struct cli_opt opts[CLI_OPTS_MAX];
    struct cli_args args = { .least = 0, .most = CLI_ARGS_MAX }; /* Fabric passes them over */
    size_t count = 0;
    int64_t timeout_ns = TIMEOUT_S * INT64_C(1000000000);
    (void)cli;
    options_for(&a, opts, &count);
    WEFT_TRY(cli_parse(opts, count, argc, argv, &args, e));
    if (a.channel == NULL || a.channel[0] == '\0')
        return WEFT_FAIL(e, WEFT_INVALID, "must supply channel ID");
    if (a.timeout != NULL && !config_parse_duration(a.timeout, false, &timeout_ns))
        return WEFT_FAIL(e, WEFT_INVALID, "--timeout takes a duration such as 10s, not %s",
                         a.timeout);
    return create(&a, timeout_ns, e);
}

const struct cli_cmd cmd_channel_create = {
    .name = "channel create",
    .args = "-c CHANNEL [-f FILE] -o ORDERER [--tls --cafile FILE]",
    .summary = "create a channel",
    .help = "Signs the transaction in FILE, gives it to the orderer, waits for the channel and\n"
            "writes its first block to CHANNEL.block, which peers join with.  Without -f the\n"
            "transaction is made from the profile SampleSingleMSPChannel of configtx.yaml.\n"
            "\n"
            "  peer channel create -c mychannel -f mychannel.tx -o orderer.example.com:7050 --tls "
            "--cafile ca.pem\n",
    .run = run,
    .options = options,
};
