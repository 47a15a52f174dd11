/* weft ledger verify: is a node's ledger whole? */
#include "audit/chain_audit.h"
#include "base/log.h"
#include "cli/cmds.h"
#include "kvledger/ledger_replay.h"
#include "ledger/ledger_inventory.h"
#include "os/clock.h"

#include <inttypes.h>

struct show {
    struct cli *cli;
    const char *channel; /* NULL: the ledger as a whole */
    struct cli_progress progress;
    struct chain_audit *audit;
    struct buf periods; /* what is printed once all is good */
};

static void progress(void *ctx, uint64_t bytes)
{
    cli_progress_at(&((struct show *)ctx)->progress, bytes);
}

static void note(void *ctx, const char *text)
{
    struct show *s = ctx;
    cli_progress_end(&s->progress);
    (void)fprintf(s->cli->err, "%s%snote: %s\n", s->channel != NULL ? s->channel : "",
                  s->channel != NULL ? ": " : "", text);
}

static enum weft_code judge_block(void *ctx, const struct block_view *v, struct weft_err *e)
{
    return chain_audit_block(((struct show *)ctx)->audit, v, e);
}

/* "  blocks 3 to 26: configuration 2 (block 2): /Channel/... (ANY Writers) met by OrdererMSP" */
static void period(void *ctx, const struct audit_period *p)
{
    struct buf *out = &((struct show *)ctx)->periods;
    if (p->blocks == 0)
        return;
    buf_printf(out,
               "  blocks %" PRIu64 " to %" PRIu64 ": configuration %" PRIu64 " (block %" PRIu64
               "): %s (%s) met by",
               p->first, p->last, p->sequence, p->config_block, p->policy, p->rule);
    for (size_t i = 0; i < p->signer_count; i++)
        buf_printf(out, "%s %.*s in %" PRIu64, i > 0 ? "," : "", (int)p->signers[i].mspid.len,
                   (const char *)p->signers[i].mspid.data, p->signers[i].blocks);
    if (p->others > 0)
        buf_printf(out, ", others in %" PRIu64, p->others);
    buf_put_u8(out, '\n');
}

static void print_count(struct cli *cli, uint64_t count, const char *what)
{
    if (count > 0)
        (void)fprintf(cli->out, ", %" PRIu64 " %s", count, what);
}

static void show_done(struct show *s)
{
    chain_audit_free(s->audit);
    buf_done(&s->periods);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct show, show_done)

/* The files, and who signed what is in them. */
static enum weft_code verify_blocks(struct show *s, struct ledger_dir *d,
                                    struct ledger_verified *ret, struct weft_err *e)
{
    s->audit = chain_audit_new(&(struct chain_audit_deps){ s, period, note });
    WEFT_TRY(ledger_verify(d, s->channel,
                           &(struct ledger_verify_deps){ s, progress, note, judge_block }, ret, e));
    enum weft_code rc = chain_audit_end(s->audit, e);
    return rc == WEFT_OK ? rc : weft_err_wrap(e, rc, "channel [%s]", s->channel);
}

/* The same blocks once more, as a peer that commits them. */
static enum weft_code replay_channel(struct cli *cli, struct ledger_dir *d, const char *channel,
                                     uint64_t total, struct weft_err *e)
{
    WEFT_CLEANUP(show_done) struct show s = { .cli = cli, .channel = channel };
    WEFT_FREE char *what = weft_asprintf("%s, replayed", channel);
    struct ledger_replayed done;
    WEFT_TRY(log_set_spec("error", e)); /* a ledger has a line to say for every bad transaction */
    uint64_t started = clock_monotonic_ms();
    cli_progress_start(&s.progress, cli, what, total);
    enum weft_code rc =
        ledger_replay(d, channel, &(struct ledger_replay_deps){ &s, progress, note }, &done, e);
    cli_progress_end(&s.progress);
    WEFT_TRY(rc);
    double seconds = (double)(clock_monotonic_ms() - started) / 1000;
    (void)fprintf(cli->out,
                  "%s: replayed: %" PRIu64 " blocks, %" PRIu64 " transactions as recorded", channel,
                  done.blocks, done.txs);
    print_count(cli, done.commit_hashes, "commit hashes");
    print_count(cli, done.keys, "keys of the state");
    print_count(cli, done.history, "of the history");
    print_count(cli, done.collections, "of collections by block");
    (void)fprintf(cli->out, "; %.1f s\n", seconds);
    return WEFT_OK;
}

static enum weft_code verify_channel(struct cli *cli, struct ledger_dir *d, const char *channel,
                                     bool replay, struct weft_err *e)
{
    WEFT_CLEANUP(show_done) struct show s = { .cli = cli, .channel = channel };
    uint64_t files = 0, total = 0;
    struct ledger_verified v;
    /* Only for the progress: what it trips over, verify says better. */
    if (ledger_dir_files(d, channel, &files, &total, NULL) != WEFT_OK)
        total = 0;
    uint64_t started = clock_monotonic_ms();
    cli_progress_start(&s.progress, cli, channel, total);
    enum weft_code rc = verify_blocks(&s, d, &v, e);
    cli_progress_end(&s.progress);
    WEFT_TRY(rc);
    double seconds = (double)(clock_monotonic_ms() - started) / 1000;
    (void)fprintf(cli->out, "%s: good: %" PRIu64 " blocks, %" PRIu64 " transactions", channel,
                  v.blocks, v.txs);
    print_count(cli, v.signatures, "orderer signatures");
    print_count(cli, v.commit_hashes, "commit hashes");
    print_count(cli, v.index_entries, "index entries");
    (void)fprintf(cli->out, "; %" PRIu64 " bytes in %.1f s\n%.*s", v.bytes, seconds,
                  (int)s.periods.len, (const char *)s.periods.data);
    return replay ? replay_channel(cli, d, channel, total, e) : WEFT_OK;
}

/* Which channels there should be. */
static enum weft_code verify_inventory(struct cli *cli, struct ledger_dir *d, struct weft_err *e)
{
    struct show s = { .cli = cli };
    cli_progress_start(&s.progress, cli, "", 0);
    return ledger_inventory_verify(
        d, &(struct ledger_verify_deps){ .ctx = &s, .progress = progress, .note = note }, e);
}

/* The first error goes up, the others are said here. */
static void keep_first(struct cli *cli, enum weft_code rc, const struct weft_err *why,
                       struct weft_err *e)
{
    if (rc == WEFT_OK)
        return;
    if (e->code != WEFT_OK)
        (void)fprintf(cli->err, "Error: %s\n", why->msg);
    else /* exit status 2 is for the command line */
        (void)WEFT_FAIL(e, rc == WEFT_INVALID ? WEFT_CORRUPT : rc, "%s", why->msg);
}

static struct cli_opt replay_option(bool *ret)
{
    return (struct cli_opt){ .name = "--replay",
                             .help = "make a peer's ledger again from its blocks, and compare",
                             .ret_flag = ret };
}

static void options(struct cli_opt *ret_opts, size_t *ret_count)
{
    static bool unused;
    ret_opts[0] = replay_option(&unused);
    *ret_count = 1;
}

static enum weft_code run(struct cli *cli, int argc, char **argv, struct weft_err *e)
{
    struct cli_args args = { .least = 1, .most = 2 };
    WEFT_CLEANUP(ledger_dir_done) struct ledger_dir d = { 0 };
    bool replay = false;
    struct cli_opt opts[] = { replay_option(&replay) };
    WEFT_TRY(cli_parse(opts, WEFT_ARRAY_LEN(opts), argc, argv, &args, e));
    WEFT_TRY(ledger_dir_open(args.at[0], &d, e));
    if (args.count > 1)
        WEFT_TRY(ledger_dir_expect(&d, args.at[1], e));
    if (d.channels.count == 0)
        return WEFT_FAIL(e, WEFT_NOT_FOUND, "there are no channels in %s", d.chains);
    struct weft_err first = { 0 }, why = { 0 };
    for (size_t i = 0; i < d.channels.count; i++)
        if (args.count < 2 || strcmp(d.channels.names[i], args.at[1]) == 0)
            keep_first(cli, verify_channel(cli, &d, d.channels.names[i], replay, &why), &why,
                       &first);
    if (args.count < 2)
        keep_first(cli, verify_inventory(cli, &d, &why), &why, &first);
    return first.code == WEFT_OK ? WEFT_OK : WEFT_FAIL(e, first.code, "%s", first.msg);
}

const struct cli_cmd cmd_ledger_verify = {
    .name = "ledger verify",
    .args = "DIR [CHANNEL] [--replay]",
    .summary = "check a ledger from the first byte to the last",
    .help =
        "DIR is an orderer's folder (with chains/ and index/ in it), a peer's (with ledgersData/\n"
        "in it, or that folder itself), or one channel's.  Nothing in it is changed.\n"
        "\n"
        "Checked are: file and record lengths, block numbers, previous and data hashes; the\n"
        "metadata of each block with the orderer's signature; that it was allowed to sign, by the\n"
        "BlockValidation policy of the configuration of its time; that each configuration is what\n"
        "its update makes of the one before it, and was allowed to; a peer's validation flags and\n"
        "commit hashes; each key of the index against the files; that no channel is missing.\n"
        "The first block is believed.  Without an index the files can't tell that their last\n"
        "blocks are gone.\n"
        "\n"
        "For each configuration one line says which blocks were signed under it, which policy\n"
        "they meet, and whose signatures they carry.\n"
        "\n"
        "With --replay a peer's ledger is made once more from its blocks and its private data, by\n"
        "all the rules of validation: the code of every transaction, the commit hash of every "
        "block\n"
        "and, key by key, the state, the history and the collections by block must be what is\n"
        "recorded.  A state or a history that lags behind the blocks, as after a kill, is "
        "compared\n"
        "where it is.  It needs as much room in $TMPDIR as the ledger has, for as long as it "
        "runs.\n"
        "\n"
        "A node that runs changes its files meanwhile: stop it, or verify a copy.\n"
        "\n"
        "Exit status 0: all good.  1: damaged, the error names file, block and reason.\n"
        "\n"
        "  weft ledger verify /var/hyperledger/production/orderer\n"
        "  weft ledger verify /var/hyperledger/production mychannel --replay\n",
    .run = run,
    .options = options,
};
