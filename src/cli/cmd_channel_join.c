/* peer channel join: the peer takes part in a channel from now on.
 *
 * Go origin   internal/peer/channel/join.go
 */
#include "base/limits.h"
#include "base/log.h"
#include "cli/catch_up.h"
#include "cli/channel_env.h"
#include "cli/cmds.h"
#include "cli/endorser_client.h"
#include "deliver/deliver_fetch.h"
#include "os/clock.h"
#include "os/file.h"
#include "proto/wire.h"

#include <unistd.h>

LOG_DEFINE(logger, "channelCmd");

enum {
    ASK_MS = 500, /* between two questions for heights */
};

struct args {
    struct orderer_flags orderer; /* needed for --wait only; Fabric takes them, too */
    const char *block;
    bool wait;
};

static void options_for(struct args *a, struct cli_opt *ret, size_t *ret_count)
{
    const struct cli_opt opts[] = {
        { "--blockpath", "FILE", "the channel's first block", &a->block, NULL, "-b" },
        { "--wait", NULL, "until the peer has caught up with the orderer at -o", NULL, &a->wait,
          NULL },
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

/* ---- --wait ------------------------------------------------------------------------------- */

struct waiting {
    struct cli *cli;
    const struct channel_env *env;
    struct endorser_client *peer;
    struct deliver_fetch *peer_blocks; /* NULL: it tells its height if it is asked */
    struct deliver_fetch *orderer;     /* NULL: nobody can say how high the channel is */
    struct catch_up state;
};

static enum weft_code newest_height(struct deliver_fetch *from, uint64_t *ret, struct weft_err *e)
{
    static const struct seek_position newest = { .kind = SEEK_NEWEST };
    WEFT_CLEANUP(block_unref) struct block *b = NULL;
    WEFT_TRY(deliver_fetch_block(from, &newest, &b, e));
    *ret = b->v.number + 1;
    return WEFT_OK;
}

/* BlockchainInfo { 1 height }.  WEFT_FORBIDDEN: the channel does not let us ask that. */
static enum weft_code chain_info_height(const struct waiting *w, uint64_t *ret, struct weft_err *e)
{
    WEFT_CLEANUP(proposal_answer_done) struct proposal_answer answer = { 0 };
    const struct bytes args[] = { bytes_of_str("GetChainInfo"), bytes_of_str(w->state.channel) };
    const struct proposal_plan p = { HEADER_ENDORSER_TRANSACTION, "qscc", args,
                                     WEFT_ARRAY_LEN(args) };
    enum weft_code rc = endorser_client_ask(w->peer, w->env->me, &p, &answer, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "failed sending proposal");
    if (answer.status != 200)
        return WEFT_FAIL(e, WEFT_FORBIDDEN, "%.*s",
                         (int)(answer.message.len < 400 ? answer.message.len : 400),
                         (const char *)answer.message.data);
    struct wire wire = wire_of(answer.payload);
    struct wire_field f;
    while (wire_next(&wire, &f))
        if (wire_is(&f, 1, WIRE_VARINT))
            *ret = f.varint;
    return WEFT_OK;
}

/* Who may not ask for that may read blocks, perhaps. */
static enum weft_code peer_height(struct waiting *w, uint64_t *ret, struct weft_err *e)
{
    if (w->peer_blocks == NULL) {
        enum weft_code rc = chain_info_height(w, ret, e);
        if (rc != WEFT_FORBIDDEN)
            return rc;
        WEFT_TRY(channel_env_deliver_of_peer(w->env, w->state.channel, &w->peer_blocks, e));
    }
    enum weft_code rc = newest_height(w->peer_blocks, ret, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "the channel is joined, but the peer does not tell its height");
    return WEFT_OK;
}

/* On a terminal the line is written over. */
static void show(const struct waiting *w, bool is_over)
{
    WEFT_CLEANUP(buf_done) struct buf line = { 0 };
    bool terminal = isatty(fileno(w->cli->err));
    uint64_t now = clock_monotonic_ms();
    if (is_over)
        catch_up_put_end(&w->state, now, &line);
    else
        catch_up_put_line(&w->state, now, &line);
    (void)fprintf(w->cli->err, "%s%.*s%s", terminal ? "\r\x1b[K" : "", (int)line.len,
                  (const char *)line.data, terminal && !is_over ? "" : "\n");
    (void)fflush(w->cli->err);
}

static enum weft_code wait_for_heights(struct waiting *w, struct weft_err *e)
{
    const struct timespec pause = { .tv_nsec = ASK_MS * 1000000L };
    for (;;) {
        uint64_t height = 0, target = 0;
        if (w->orderer != NULL)
            WEFT_TRY(newest_height(w->orderer, &target, e));
        WEFT_TRY(peer_height(w, &height, e));
        if (catch_up_at(&w->state, height, target, clock_monotonic_ms()))
            break;
        show(w, false);
        (void)nanosleep(&pause, NULL);
    }
    show(w, true);
    return WEFT_OK;
}

/* The channel's name stands in its first block. */
static enum weft_code channel_of(struct bytes wire, char **ret, struct weft_err *e)
{
    WEFT_CLEANUP(block_unref) struct block *b = NULL;
    struct envelope_headers h = { 0 };
    WEFT_TRY(block_parse(wire, &b, e));
    if (b->v.txs.count == 0)
        return WEFT_FAIL(e, WEFT_INVALID, "the block is empty");
    WEFT_TRY(envelope_headers_parse(b->v.txs.at[0], &h, e));
    *ret = bytes_dup_str(h.channel.channel_id);
    return WEFT_OK;
}

static enum weft_code wait_for_blocks(const struct args *a, struct waiting *w, struct bytes block,
                                      struct weft_err *e)
{
    WEFT_FREE char *channel = NULL;
    WEFT_CLEANUP(node_target_done) struct node_target target = { 0 };
    WEFT_TRY(channel_of(block, &channel, e));
    if (a->orderer.address != NULL && a->orderer.address[0] != '\0') {
        WEFT_TRY(channel_env_orderer(&a->orderer, &target, e));
        WEFT_TRY(channel_env_deliver(w->env, &target, channel, &w->orderer, e));
    }
    catch_up_start(&w->state, channel, clock_monotonic_ms());
    enum weft_code rc = wait_for_heights(w, e);
    deliver_fetch_close(WEFT_TAKE(w->orderer));
    deliver_fetch_close(WEFT_TAKE(w->peer_blocks));
    return rc;
}

/* ---- joining ------------------------------------------------------------------------------- */

static enum weft_code ask_to_join(const struct channel_env *env, struct endorser_client *c,
                                  struct bytes block, struct weft_err *e)
{
    WEFT_CLEANUP(proposal_answer_done) struct proposal_answer answer = { 0 };
    const struct bytes args[] = { bytes_of_str("JoinChain"), block };
    const struct proposal_plan p = { HEADER_CONFIG, "cscc", args, WEFT_ARRAY_LEN(args) };
    struct weft_err why = { 0 };
    enum weft_code rc = endorser_client_ask(c, env->me, &p, &answer, &why);
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

static enum weft_code join(struct cli *cli, const struct args *a, struct weft_err *e)
{
    WEFT_CLEANUP(channel_env_done) struct channel_env env = { 0 };
    WEFT_CLEANUP(endorser_client_close) struct endorser_client *c = NULL;
    WEFT_CLEANUP(buf_done) struct buf block = { 0 };
    WEFT_TRY(channel_env_open(&env, e));
    WEFT_TRY(endorser_client_open(env.config, &c, e));
    channel_env_ready();
    WEFT_TRY(read_block(a->block, &block, e));
    WEFT_TRY(ask_to_join(&env, c, buf_bytes(&block), e));
    if (!a->wait)
        return WEFT_OK;
    struct waiting w = { .cli = cli, .env = &env, .peer = c };
    return wait_for_blocks(a, &w, buf_bytes(&block), e);
}

static enum weft_code run(struct cli *cli, int argc, char **argv, struct weft_err *e)
{
    struct args a = { 0 };
    struct cli_opt opts[CLI_OPTS_MAX];
    struct cli_args args = { .least = 0, .most = CLI_ARGS_MAX }; /* Fabric passes them over */
    size_t count = 0;
    options_for(&a, opts, &count);
    WEFT_TRY(cli_parse(opts, count, argc, argv, &args, e));
    if (a.block == NULL || a.block[0] == '\0')
        return WEFT_FAIL(e, WEFT_INVALID, "Must supply genesis block path");
    return join(cli, &a, e);
}

const struct cli_cmd cmd_channel_join = {
    .name = "channel join",
    .args = "-b FILE [--wait [-o ORDERER ...]]",
    .summary = "join the peer to a channel",
    .help = "Asks the peer at CORE_PEER_ADDRESS to join the channel whose first block is FILE\n"
            "(peer channel create, or peer channel fetch oldest).  --wait, which Fabric does not\n"
            "have, shows how the peer catches up, and ends when it has the height that the\n"
            "orderer at -o shows; without -o, when no block has come for three seconds.\n",
    .run = run,
    .options = options,
};
