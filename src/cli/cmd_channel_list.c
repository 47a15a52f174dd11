/* peer channel list: which channels has the peer joined?
 *
 * Go origin   internal/peer/channel/list.go
 */
#include "cli/channel_env.h"
#include "cli/cmds.h"
#include "cli/endorser_client.h"
#include "proto/wire.h"

static void options_for(struct orderer_flags *f, struct cli_opt *ret, size_t *ret_count)
{
    *ret_count = 0;
    orderer_flags_add(f, ret, ret_count); /* taken, as by Fabric, and not needed */
}

static void options(struct cli_opt *ret, size_t *ret_count)
{
    static struct orderer_flags unused; /* the help wants the table only */
    options_for(&unused, ret, ret_count);
}

/* ChannelQueryResponse { 1 ChannelInfo { 1 channel_id } ... } */
static enum weft_code print(struct cli *cli, struct bytes payload, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf names = { 0 };
    struct wire w = wire_of(payload);
    struct wire_field f, id;
    while (!w.bad && wire_next(&w, &f)) {
        if (!wire_is(&f, 1, WIRE_LEN))
            continue;
        struct wire info = wire_of(f.bytes);
        struct bytes name = { 0 };
        while (wire_next(&info, &id))
            if (wire_is(&id, 1, WIRE_LEN))
                name = id.bytes;
        w.bad = info.bad;
        buf_put(&names, name);
        buf_put_u8(&names, '\n');
    }
    if (w.bad)
        return WEFT_FAIL(e, WEFT_CORRUPT,
                         "Cannot read channels list response, it is no ChannelQueryResponse");
    (void)fprintf(cli->out, "Channels peers has joined: \n%.*s", (int)names.len,
                  (const char *)names.data);
    return WEFT_OK;
}

static enum weft_code list(struct cli *cli, struct weft_err *e)
{
    WEFT_CLEANUP(channel_env_done) struct channel_env env = { 0 };
    WEFT_CLEANUP(endorser_client_close) struct endorser_client *c = NULL;
    WEFT_CLEANUP(proposal_answer_done) struct proposal_answer answer = { 0 };
    WEFT_TRY(channel_env_open(&env, e));
    WEFT_TRY(endorser_client_open(env.config, &c, e));
    channel_env_ready();
    const struct bytes args[] = { bytes_of_str("GetChannels") };
    const struct proposal_plan p = { HEADER_ENDORSER_TRANSACTION, "cscc", args, 1 };
    struct weft_err why = { 0 };
    enum weft_code rc = endorser_client_ask(c, env.me, &p, &answer, &why);
    if (rc != WEFT_OK)
        return WEFT_FAIL(e, rc, "Failed sending proposal, got %s", why.msg);
    if (answer.status != 200)
        return WEFT_FAIL(e, WEFT_UNAVAILABLE, "Received bad response, status %d: %.*s",
                         answer.status, (int)(answer.message.len < 400 ? answer.message.len : 400),
                         (const char *)answer.message.data);
    return print(cli, answer.payload, e);
}

static enum weft_code run(struct cli *cli, int argc, char **argv, struct weft_err *e)
{
    struct orderer_flags flags = { 0 };
    struct cli_opt opts[CLI_OPTS_MAX];
    struct cli_args args = { .least = 0, .most = CLI_ARGS_MAX };
    size_t count = 0;
    options_for(&flags, opts, &count);
    WEFT_TRY(cli_parse(opts, count, argc, argv, &args, e));
    if (args.count > 0) {
        WEFT_CLEANUP(buf_done) struct buf all = { 0 };
        for (size_t i = 0; i < args.count; i++)
            buf_printf(&all, "%s%s", i > 0 ? " " : "", args.at[i]);
        return WEFT_FAIL(e, WEFT_INVALID, "trailing args detected: [%.*s]", (int)all.len,
                         (const char *)all.data);
    }
    return list(cli, e);
}

const struct cli_cmd cmd_channel_list = {
    .name = "channel list",
    .args = "",
    .summary = "list the channels that the peer has joined",
    .help = "Asks the peer at CORE_PEER_ADDRESS.\n",
    .run = run,
    .options = options,
};
