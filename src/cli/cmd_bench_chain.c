/* weft bench chain: a valid chain of any size, for any network whose keys are there.
 *
 * Go origin   none
 */
#include "base/number.h"
#include "bundle/bundle.h"
#include "cli/bench_run.h"
#include "cli/chain_definition.h"
#include "cli/chain_sink.h"
#include "cli/channel_env.h"
#include "cli/cmds.h"
#include "msp/signing_identity.h"
#include "os/clock.h"
#include "os/process_stat.h"
#include "policy/policy_dsl.h"
#include "txmaker/tx_stream.h"

#include <inttypes.h>
#include <unistd.h>

enum {
    COUNT = 10000,
    COUNT_MOST = 1000000000,
    VALUE = 1024,
    BLOCK_TXS_MOST = 1000000,
    HUNDRED = 100,
    GIVE_UP_S = 60,
    THREADS_MOST = 256,
};

struct args {
    struct orderer_flags node;
    const char *channel, *crypto, *ledger, *genesis, *chaincode, *version, *policy, *expect;
    const char *count, *size, *conflicts, *bad_policies, *overwrites, *block_txs, *seed, *threads;
    const char *give_up, *msp_dir, *msp_id;
    bool is_defined;
};

struct chain_bench {
    const struct args *args;
    struct node_target target;
    struct signing_identity *me;
    struct chain_sink *sink;
    struct channel_keys *keys;
    struct arena arena;
    struct endorsement_rule rule;
    struct buf policy; /* ApplicationPolicy of --policy */
    struct tx_script script;
    uint64_t count, threads, block_txs, give_up_s;
    uint64_t intended[TX_INTENT_NR], defining, bytes;
    FILE *expect;
};

static void bench_done(struct chain_bench *b)
{
    channel_keys_free(b->keys);
    chain_sink_free(b->sink);
    signing_identity_free(b->me);
    node_target_done(&b->target);
    arena_done(&b->arena);
    buf_done(&b->policy);
    if (b->expect != NULL)
        (void)fclose(b->expect);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct chain_bench, bench_done)

/* ---- the command line -------------------------------------------------------------------- */

static void options_for(struct args *a, struct cli_opt *ret, size_t *ret_count)
{
    const struct cli_opt opts[] = {
        { "--channelID", "CHANNEL", "the channel", &a->channel, NULL, "-c" },
        { "--crypto", "DIR", "keys, as cryptogen lays them out", &a->crypto, NULL, NULL },
        { "--ledger", "DIR", "an orderer's ledger to write into", &a->ledger, NULL, NULL },
        { "--genesis", "FILE", "the channel's first block", &a->genesis, NULL, NULL },
        { "--count", "N", "transactions (10000)", &a->count, NULL, NULL },
        { "--size", "BYTES", "a value's (1024)", &a->size, NULL, NULL },
        { "--conflicts", "PERCENT", "MVCC read conflicts (0)", &a->conflicts, NULL, NULL },
        { "--badPolicies", "PERCENT", "too few endorsements (0)", &a->bad_policies, NULL, NULL },
        { "--overwrites", "PERCENT", "of the valid: keys that are there (0)", &a->overwrites, NULL,
          NULL },
        { "--txsPerBlock", "N", "in a ledger (as configured)", &a->block_txs, NULL, NULL },
        { "--seed", "N", "which chain (1)", &a->seed, NULL, NULL },
        { "--chaincode", "NAME", "chaincode (bench)", &a->chaincode, NULL, "-n" },
        { "--chaincodeVersion", "TEXT", "its version (1.0)", &a->version, NULL, NULL },
        { "--policy", "POLICY", "who endorses (the channel's Endorsement)", &a->policy, NULL,
          NULL },
        { "--defined", NULL, "the chaincode is defined already, like this", NULL, &a->is_defined,
          NULL },
        { "--expect", "FILE", "each transaction's id and code, to FILE", &a->expect, NULL, NULL },
        { "--threads", "N", "that sign (one a core)", &a->threads, NULL, NULL },
        { "--giveUpAfter", "SECONDS", "that an orderer takes nothing (60)", &a->give_up, NULL,
          NULL },
        { "--mspdir", "DIR", "who asks for the configuration", &a->msp_dir, NULL, NULL },
        { "--mspid", "NAME", "the MSP of that", &a->msp_id, NULL, NULL },
    };
    memcpy(ret, opts, sizeof(opts));
    *ret_count = WEFT_ARRAY_LEN(opts);
    orderer_flags_add(&a->node, ret, ret_count);
}

static void options(struct cli_opt *ret, size_t *ret_count)
{
    static struct args unused; /* the help wants the table only */
    options_for(&unused, ret, ret_count);
}

static enum weft_code share(const char *flag, const char *text, unsigned *ret, struct weft_err *e)
{
    uint64_t n = 0;
    WEFT_TRY(bench_number(flag, text, 0, HUNDRED, 0, &n, e));
    *ret = (unsigned)n;
    return WEFT_OK;
}

static enum weft_code read_args(const struct args *a, struct chain_bench *b, struct weft_err *e)
{
    uint64_t size = 0;
    struct tx_script *s = &b->script;
    b->args = a;
    if (a->channel == NULL)
        return WEFT_FAIL(e, WEFT_INVALID, "Must supply channel ID");
    if (a->crypto == NULL)
        return WEFT_FAIL(e, WEFT_INVALID, "--crypto DIR: a folder that cryptogen made");
    if ((a->ledger == NULL) == (a->node.address == NULL))
        return WEFT_FAIL(e, WEFT_INVALID,
                         "where to: --ledger DIR, or --orderer ADDRESS, one of the two");
    WEFT_TRY(bench_number("--count", a->count, 1, COUNT_MOST, COUNT, &b->count, e));
    WEFT_TRY(bench_number("--size", a->size, 1, TX_SCRIPT_VALUE, VALUE, &size, e));
    WEFT_TRY(bench_number("--txsPerBlock", a->block_txs, 1, BLOCK_TXS_MOST, 0, &b->block_txs, e));
    WEFT_TRY(bench_number("--seed", a->seed, 0, UINT64_MAX, 1, &s->seed, e));
    WEFT_TRY(bench_number("--threads", a->threads, 1, THREADS_MOST, 0, &b->threads, e));
    WEFT_TRY(bench_number("--giveUpAfter", a->give_up, 1, 1 << 20, GIVE_UP_S, &b->give_up_s, e));
    WEFT_TRY(share("--conflicts", a->conflicts, &s->conflicts, e));
    WEFT_TRY(share("--badPolicies", a->bad_policies, &s->bad_policies, e));
    WEFT_TRY(share("--overwrites", a->overwrites, &s->overwrites, e));
    if (s->conflicts + s->bad_policies > HUNDRED)
        return WEFT_FAIL(e, WEFT_INVALID, "--conflicts and --badPolicies are more than all");
    s->value_bytes = (size_t)size;
    s->channel = a->channel;
    s->chaincode = a->chaincode != NULL ? a->chaincode : "bench";
    s->version = a->version != NULL ? a->version : "1.0";
    return chain_definition_check_name(s->chaincode, s->version, e);
}

/* ---- where to, and with whose keys ----------------------------------------------------------- */

static enum weft_code load_me(struct chain_bench *b, struct weft_err *e)
{
    const struct args *a = b->args;
    WEFT_CLEANUP(channel_env_done) struct channel_env env = { 0 };
    if (a->msp_dir != NULL && a->msp_id != NULL)
        return signing_identity_load(a->msp_dir, a->msp_id, &b->me, e);
    if (a->genesis != NULL)
        return WEFT_OK; /* one of the channel's, whom we know then */
    WEFT_TRY(channel_env_open(&env, e));
    b->me = WEFT_TAKE(env.me);
    return WEFT_OK;
}

static enum weft_code open_sink(struct chain_bench *b, struct weft_err *e)
{
    const struct args *a = b->args;
    if (a->ledger != NULL)
        return chain_sink_to_ledger(a->ledger, a->channel, a->genesis, &b->sink, e);
    WEFT_TRY(channel_env_orderer(&a->node, &b->target, e));
    WEFT_TRY(load_me(b, e));
    return chain_sink_to_orderer(&b->target, a->channel, a->genesis, b->me, &b->sink, e);
}

static enum weft_code find_endorsers(struct chain_bench *b, struct weft_err *e)
{
    const char *text = b->args->policy;
    b->rule.path = "/Channel/Application/Endorsement";
    if (text != NULL) {
        WEFT_CLEANUP(buf_done) struct buf envelope = { 0 };
        enum weft_code rc = policy_dsl_signature(text, &envelope, e);
        if (rc != WEFT_OK)
            return weft_err_wrap(e, rc, "--policy %s", text);
        lifecycle_put_signature_policy(buf_bytes(&envelope), &b->policy);
        struct bytes kept = bytes_of(arena_dup_str(&b->arena, buf_bytes(&envelope)), envelope.len);
        WEFT_TRY(signature_policy_parse(kept, &b->arena, &b->rule.policy, e));
    }
    WEFT_TRY(channel_keys_endorsers(b->keys, &b->rule, &b->script.endorsers, e));
    if (b->script.endorsers.count == 0 && b->script.bad_policies > 0)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "--badPolicies: nobody has to endorse, so nobody can be missed");
    return WEFT_OK;
}

static enum weft_code begin(struct chain_bench *b, struct weft_err *e)
{
    WEFT_TRY(open_sink(b, e));
    WEFT_TRY(channel_keys_load(b->args->crypto, chain_sink_bundle(b->sink), &b->keys, e));
    WEFT_TRY(find_endorsers(b, e));
    const struct chain_sink_plan plan = {
        .orderer = channel_keys_orderer(b->keys),
        .client = channel_keys_org(b->keys, 0)->admin,
        .block_txs = (uint32_t)b->block_txs,
        .seed = b->script.seed,
        .give_up_s = b->give_up_s,
    };
    b->script.keys = b->keys;
    b->script.from_ns = chain_sink_config_ns(b->sink);
    WEFT_TRY(chain_sink_begin(b->sink, &plan, e));
    if (b->args->expect == NULL)
        return WEFT_OK;
    b->expect = fopen(b->args->expect, "we");
    return b->expect != NULL ? WEFT_OK : WEFT_FAIL(e, WEFT_IO, "can't write %s", b->args->expect);
}

/* ---- the chain ------------------------------------------------------------------------------------ */

static void expect(const struct chain_bench *b, const char *tx_id, enum tx_intent intent)
{
    if (b->expect != NULL)
        (void)fprintf(b->expect, "%s\t%s\n", tx_id, tx_intent_code(intent));
}

static void expect_definition(void *ctx, const char *tx_id)
{
    struct chain_bench *b = ctx;
    b->defining++;
    expect(b, tx_id, TX_INTENT_VALID);
}

static enum weft_code define(struct chain_bench *b, struct weft_err *e)
{
    const struct chain_definition d = {
        .chaincode = b->script.chaincode,
        .version = b->script.version,
        .policy = buf_bytes(&b->policy),
        .seed = b->script.seed,
        .keys = b->keys,
        .sink = b->sink,
        .ctx = b,
        .made = expect_definition,
    };
    return b->args->is_defined ? WEFT_OK : chain_definition_make(&d, e);
}

static enum weft_code make(struct cli *cli, struct chain_bench *b, struct weft_err *e)
{
    WEFT_CLEANUP(tx_stream_free)
    struct tx_stream *stream = tx_stream_new(&b->script, b->count, (unsigned)b->threads);
    struct cli_progress progress = { 0 };
    struct stream_tx tx;
    struct chain_place last;
    char id[TX_ID_LEN + 1] = "";
    WEFT_TRY(tx_stream_next(stream, &tx, e));
    cli_progress_start(&progress, cli, b->args->channel, b->count * tx.envelope.len);
    while (tx.envelope.len > 0) {
        enum tx_intent intent = tx_script_intent(&b->script, tx.number);
        WEFT_TRY(chain_sink_put(b->sink, tx.envelope, e));
        expect(b, tx.id, intent);
        b->intended[intent]++;
        b->bytes += tx.envelope.len;
        memcpy(id, tx.id, sizeof(id));
        cli_progress_at(&progress, b->bytes);
        WEFT_TRY(tx_stream_next(stream, &tx, e));
    }
    WEFT_TRY(chain_sink_settle(b->sink, id, &last, e));
    cli_progress_end(&progress);
    return WEFT_OK;
}

static void print(struct cli *cli, const struct chain_bench *b, double seconds, double cpu_s)
{
    struct chain_sink_seen seen = chain_sink_seen(b->sink);
    WEFT_FREE char *hash = bytes_to_hex(bytes_of(seen.hash, sizeof(seen.hash)));
    (void)fprintf(cli->out,
                  "{\"bench\":\"chain\",\"channel\":\"%s\",\"chaincode\":\"%s\",\"seed\":%" PRIu64
                  ",\"transactions\":%" PRIu64 ",\"defining\":%" PRIu64 ",\"blocks\":%" PRIu64
                  ",\"height\":%" PRIu64 ",\"hash\":\"%s\",\"intended\":{",
                  b->args->channel, b->script.chaincode, b->script.seed, b->count, b->defining,
                  seen.blocks, seen.height, hash);
    for (int i = 0; i < TX_INTENT_NR; i++)
        (void)fprintf(cli->out, "%s\"%s\":%" PRIu64, i > 0 ? "," : "",
                      tx_intent_code((enum tx_intent)i),
                      b->intended[i] + (i == TX_INTENT_VALID ? b->defining : 0));
    (void)fprintf(cli->out,
                  "},\"sent_again\":%" PRIu64 ",\"endorsers\":%zu,\"bytes\":%" PRIu64
                  ",\"seconds\":%.3f,\"tx_per_s\":%.0f,\"client_cpu_s\":%.3f}\n",
                  seen.sent_again, b->script.endorsers.count, b->bytes, seconds,
                  (double)b->count / (seconds > 0 ? seconds : 1e-9), cpu_s);
}

static enum weft_code run(struct cli *cli, int argc, char **argv, struct weft_err *e)
{
    struct args a = { 0 };
    WEFT_CLEANUP(bench_done) struct chain_bench b = { 0 };
    struct cli_opt opts[CLI_OPTS_MAX];
    struct cli_args args = { 0 };
    struct process_stat before = { 0 }, after = { 0 };
    size_t count = 0;
    options_for(&a, opts, &count);
    WEFT_TRY(cli_parse(opts, count, argc, argv, &args, e));
    WEFT_TRY(read_args(&a, &b, e));
    WEFT_TRY(begin(&b, e));
    uint64_t began = clock_monotonic_ns();
    WEFT_IGNORE(process_stat_read((uint64_t)getpid(), &before)); /* our own is there */
    WEFT_TRY(define(&b, e));
    WEFT_TRY(make(cli, &b, e));
    WEFT_IGNORE(process_stat_read((uint64_t)getpid(), &after));
    if (b.expect != NULL && (fflush(b.expect) != 0 || ferror(b.expect)))
        return WEFT_FAIL(e, WEFT_IO, "can't write %s", a.expect);
    print(cli, &b, (double)(clock_monotonic_ns() - began) / 1e9, after.cpu_s - before.cpu_s);
    return WEFT_OK;
}

const struct cli_cmd cmd_bench_chain = {
    .name = "bench chain",
    .args = "-c CHANNEL --crypto DIR (--ledger DIR [--genesis FILE] | -o ADDRESS) [--count N]",
    .summary = "make a valid chain of any size",
    .help =
        "Makes endorser transactions as clients and peers of the channel would, with real\n"
        "endorsements: each writes a new key of --size random bytes.  First the chaincode is\n"
        "defined through _lifecycle: approved by every organisation, then committed.  It need "
        "not\n"
        "exist.  --crypto is a folder as cryptogen makes it, with the keys of as many "
        "organisations\n"
        "as the policies want.\n"
        "\n"
        "A peer that validates the chain finds --conflicts percent MVCC_READ_CONFLICT,\n"
        "--badPolicies percent ENDORSEMENT_POLICY_FAILURE, and the rest VALID.  The same --seed\n"
        "makes the same transactions, but for their signatures; so a second run on a channel "
        "wants\n"
        "another one, and --defined if it goes on with the same chaincode.\n"
        "\n"
        "Into the ledger of an orderer that is not running, whose key lies in --crypto, too:\n"
        "\n"
        "  weft bench chain -c mychannel --crypto crypto-config --ledger ledger \\\n"
        "      --genesis mychannel.block --count 1000000 --conflicts 5 --txsPerBlock 500\n"
        "  weft ledger export ledger mychannel blocks\n"
        "\n"
        "To a running orderer, ours or Fabric's, as anybody who may write there (without "
        "--genesis,\n"
        "CORE_PEER_MSPCONFIGPATH or --mspdir says who asks for the configuration):\n"
        "\n"
        "  weft bench chain -c mychannel --crypto crypto-config -o 127.0.0.1:7050 --tls \\\n"
        "      --cafile ca.pem --genesis mychannel.block --policy \"OR('Org1MSP.peer')\"\n"
        "\n"
        "The answer is one line of JSON.  A peer of an organisation that approved looks for the\n"
        "private data of the approval, which nobody has, for peer.gossip.pvtData."
        "pullRetryThreshold\n"
        "(60s) before it goes on.\n",
    .run = run,
    .options = options,
};
