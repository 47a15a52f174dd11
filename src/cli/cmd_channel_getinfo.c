/* peer channel getinfo: how high is the channel on this peer?
 *
 * Go origin   internal/peer/channel/getinfo.go
 */
#include "cli/channel_env.h"
#include "cli/cmds.h"
#include "cli/endorser_client.h"
#include "proto/json_writer.h"
#include "proto/wire.h"

#include <inttypes.h>

enum {
    ANSWER_MAX = 4096
};

struct args {
    struct orderer_flags orderer; /* taken, as by Fabric, and not needed */
    const char *channel;
};

static void options_for(struct args *a, struct cli_opt *ret, size_t *ret_count)
{
    const struct cli_opt opts[] = {
        { "--channelID", "CHANNEL", "the channel", &a->channel, NULL, "-c" },
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

static void put_hash(struct buf *out, const char *name, struct bytes hash)
{
    struct json_writer w = { .out = out, .most = ANSWER_MAX };
    if (hash.len == 0)
        return;
    buf_printf(out, "%s\"%s\":", out->len > 1 ? "," : "", name);
    json_put_base64(&w, hash);
}

/* BlockchainInfo { 1 height, 2 currentBlockHash, 3 previousBlockHash } as Go's
 * encoding/json writes it: what is 0 or empty is left out. */
static enum weft_code print(struct cli *cli, struct bytes payload, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf out = { 0 };
    struct wire w = wire_of(payload);
    struct wire_field f;
    uint64_t height = 0;
    struct bytes current = { 0 }, previous = { 0 };
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_VARINT))
            height = f.varint;
        else if (wire_is(&f, 2, WIRE_LEN))
            current = f.bytes;
        else if (wire_is(&f, 3, WIRE_LEN))
            previous = f.bytes;
    }
    if (w.bad || current.len > 256 || previous.len > 256)
        return WEFT_FAIL(e, WEFT_CORRUPT, "cannot read qscc response: it is no BlockchainInfo");
    buf_put_str(&out, "{");
    if (height > 0)
        buf_printf(&out, "\"height\":%" PRIu64, height);
    put_hash(&out, "currentBlockHash", current);
    put_hash(&out, "previousBlockHash", previous);
    (void)fprintf(cli->out, "Blockchain info: %.*s}\n", (int)out.len, (const char *)out.data);
    return WEFT_OK;
}

static enum weft_code getinfo(struct cli *cli, const char *channel, struct weft_err *e)
{
    WEFT_CLEANUP(channel_env_done) struct channel_env env = { 0 };
    WEFT_CLEANUP(endorser_client_close) struct endorser_client *c = NULL;
    WEFT_CLEANUP(proposal_answer_done) struct proposal_answer answer = { 0 };
    WEFT_TRY(channel_env_open(&env, e));
    WEFT_TRY(endorser_client_open(env.config, &c, e));
    channel_env_ready();
    const struct bytes args[] = { bytes_of_str("GetChainInfo"), bytes_of_str(channel) };
    const struct proposal_plan p = { HEADER_ENDORSER_TRANSACTION, "qscc", args,
                                     WEFT_ARRAY_LEN(args) };
    enum weft_code rc = endorser_client_ask(c, env.me, &p, &answer, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "failed sending proposal");
    if (answer.status != 200)
        return WEFT_FAIL(e, WEFT_UNAVAILABLE, "received bad response, status %d: %.*s",
                         answer.status, (int)(answer.message.len < 400 ? answer.message.len : 400),
                         (const char *)answer.message.data);
    return print(cli, answer.payload, e);
}

static enum weft_code run(struct cli *cli, int argc, char **argv, struct weft_err *e)
{
    struct args a = { 0 };
    struct cli_opt opts[CLI_OPTS_MAX];
    struct cli_args args = { .least = 0, .most = CLI_ARGS_MAX }; /* Fabric passes them over */
    size_t count = 0;
    options_for(&a, opts, &count);
    WEFT_TRY(cli_parse(opts, count, argc, argv, &args, e));
    if (a.channel == NULL || a.channel[0] == '\0')
        return WEFT_FAIL(e, WEFT_INVALID, "Must supply channel ID");
    return getinfo(cli, a.channel, e);
}

const struct cli_cmd cmd_channel_getinfo = {
    .name = "channel getinfo",
    .args = "-c CHANNEL",
    .summary = "get blockchain information of a channel",
    .help = "Asks the peer at CORE_PEER_ADDRESS for height and hashes.\n",
    .run = run,
    .options = options,
};
