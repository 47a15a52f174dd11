/* weft ledger verify: is a node's ledger whole? */
#include "cli/cmds.h"
#include "ledger/ledger_inventory.h"
#include "os/clock.h"

#include <inttypes.h>

struct show {
    struct cli *cli;
    const char *channel; /* NULL: the ledger as a whole */
    struct cli_progress progress;
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

static void print_count(struct cli *cli, uint64_t count, const char *what)
{
    if (count > 0)
        (void)fprintf(cli->out, ", %" PRIu64 " %s", count, what);
}

static enum weft_code verify_channel(struct cli *cli, struct ledger_dir *d, const char *channel,
                                     struct weft_err *e)
{
    struct show s = { .cli = cli, .channel = channel };
    uint64_t files = 0, total = 0;
    struct ledger_verified v;
    /* Only for the progress: what it trips over, verify says better. */
    if (ledger_dir_files(d, channel, &files, &total, NULL) != WEFT_OK)
        total = 0;
    uint64_t started = clock_monotonic_ms();
    cli_progress_start(&s.progress, cli, channel, total);
    enum weft_code rc =
        ledger_verify(d, channel, &(struct ledger_verify_deps){ &s, progress, note }, &v, e);
    cli_progress_end(&s.progress);
    WEFT_TRY(rc);
    double seconds = (double)(clock_monotonic_ms() - started) / 1000;
    (void)fprintf(cli->out, "%s: good: %" PRIu64 " blocks, %" PRIu64 " transactions", channel,
                  v.blocks, v.txs);
    print_count(cli, v.signatures, "orderer signatures");
    print_count(cli, v.commit_hashes, "commit hashes");
    print_count(cli, v.index_entries, "index entries");
    (void)fprintf(cli->out, "; %" PRIu64 " bytes in %.1f s\n", v.bytes, seconds);
    return WEFT_OK;
}

/* Which channels there should be. */
static enum weft_code verify_inventory(struct cli *cli, struct ledger_dir *d, struct weft_err *e)
{
    struct show s = { .cli = cli };
    cli_progress_start(&s.progress, cli, "", 0);
    return ledger_inventory_verify(d, &(struct ledger_verify_deps){ &s, progress, note }, e);
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

static enum weft_code run(struct cli *cli, int argc, char **argv, struct weft_err *e)
{
    struct cli_args args = { .least = 1, .most = 2 };
    WEFT_CLEANUP(ledger_dir_done) struct ledger_dir d = { 0 };
    WEFT_TRY(cli_parse(NULL, 0, argc, argv, &args, e));
    WEFT_TRY(ledger_dir_open(args.at[0], &d, e));
    if (args.count > 1)
        WEFT_TRY(ledger_dir_expect(&d, args.at[1], e));
    if (d.channels.count == 0)
        return WEFT_FAIL(e, WEFT_NOT_FOUND, "there are no channels in %s", d.chains);
    struct weft_err first = { 0 }, why = { 0 };
    for (size_t i = 0; i < d.channels.count; i++)
        if (args.count < 2 || strcmp(d.channels.names[i], args.at[1]) == 0)
            keep_first(cli, verify_channel(cli, &d, d.channels.names[i], &why), &why, &first);
    if (args.count < 2)
        keep_first(cli, verify_inventory(cli, &d, &why), &why, &first);
    return first.code == WEFT_OK ? WEFT_OK : WEFT_FAIL(e, first.code, "%s", first.msg);
}

const struct cli_cmd cmd_ledger_verify = {
    .name = "ledger verify",
    .args = "DIR [CHANNEL]",
    .summary = "check a ledger from the first byte to the last",
    .help =
        "DIR is an orderer's folder (with chains/ and index/ in it), a peer's (with ledgersData/\n"
        "in it, or that folder itself), or one channel's.  Nothing in it is changed.\n"
        "\n"
        "Checked are: file and record lengths, block numbers, previous and data hashes; the\n"
        "metadata of each block with the orderer's signature (that it is by the certificate it\n"
        "carries; whether that may sign is not asked yet), a peer's validation flags and commit\n"
        "hashes; each key of the index against the files; and that no channel is missing.\n"
        "Without an index the files can't tell that their last blocks are gone.\n"
        "\n"
        "A node that runs changes its files meanwhile: stop it, or verify a copy.\n"
        "\n"
        "Exit status 0: all good.  1: damaged, the error names file, block and reason.\n"
        "\n"
        "  weft ledger verify /var/hyperledger/production/orderer\n"
        "  weft ledger verify /var/hyperledger/production mychannel\n",
    .run = run,
};
