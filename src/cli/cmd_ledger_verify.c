/* weft ledger verify: is a node's ledger whole? */
#include "cli/cmds.h"
#include "ledger/ledger_verify.h"
#include "os/clock.h"

#include <inttypes.h>

struct show {
    struct cli *cli;
    const char *channel;
    struct cli_progress progress;
};

static void progress(void *ctx, uint64_t bytes)
{
    cli_progress_at(&((struct show *)ctx)->progress, bytes);
}

static void note(void *ctx, const char *text)
{
    const struct show *s = ctx;
    (void)fprintf(s->cli->err, "%s: note: %s\n", s->channel, text);
}

static enum weft_code verify_channel(struct cli *cli, struct ledger_dir *d, const char *channel,
                                     struct weft_err *e)
{
    struct show s = { .cli = cli, .channel = channel };
    struct ledger_summary size;
    struct ledger_verified v;
    /* Only for the progress: what it trips over, verify says better. */
    uint64_t total = ledger_dir_summary(d, channel, &size, NULL) == WEFT_OK ? size.bytes : 0;
    uint64_t started = clock_monotonic_ms();
    cli_progress_start(&s.progress, cli, channel, total);
    enum weft_code rc =
        ledger_verify(d, channel, &(struct ledger_verify_deps){ &s, progress, note }, &v, e);
    cli_progress_end(&s.progress);
    WEFT_TRY(rc);
    double seconds = (double)(clock_monotonic_ms() - started) / 1000;
    (void)fprintf(cli->out,
                  "%s: good: %" PRIu64 " blocks, %" PRIu64 " transactions, %" PRIu64
                  " orderer signatures, %" PRIu64 " index entries; %" PRIu64 " bytes in %.1f s\n",
                  channel, v.blocks, v.txs, v.signatures, v.index_entries, v.bytes, seconds);
    return WEFT_OK;
}

static enum weft_code run(struct cli *cli, int argc, char **argv, struct weft_err *e)
{
    struct cli_args args = { .least = 1, .most = 2 };
    WEFT_CLEANUP(ledger_dir_done) struct ledger_dir d = { 0 };
    WEFT_TRY(cli_parse(NULL, 0, argc, argv, &args, e));
    WEFT_TRY(ledger_dir_open(args.at[0], &d, e));
    if (args.count > 1 && !ledger_dir_has(&d, args.at[1]))
        return WEFT_FAIL(e, WEFT_NOT_FOUND, "there is no channel [%s] in %s", args.at[1], d.chains);
    enum weft_code first = WEFT_OK;
    for (size_t i = 0; i < d.channels.count; i++) {
        if (args.count > 1 && strcmp(d.channels.names[i], args.at[1]) != 0)
            continue;
        struct weft_err why = { 0 };
        enum weft_code rc = verify_channel(cli, &d, d.channels.names[i], &why);
        if (rc != WEFT_OK && first != WEFT_OK) /* the first goes up, the others are said here */
            (void)fprintf(cli->err, "Error: %s\n", why.msg);
        if (rc != WEFT_OK && first == WEFT_OK)
            first = WEFT_FAIL(e, rc == WEFT_INVALID ? WEFT_CORRUPT : rc, "%s", why.msg);
    }
    return first;
}

const struct cli_cmd cmd_ledger_verify = {
    .name = "ledger verify",
    .args = "DIR [CHANNEL]",
    .summary = "check a ledger from the first byte to the last",
    .help =
        "DIR is an orderer's folder (with chains/ and index/ in it), a peer's (with ledgersData/\n"
        "in it, or that folder itself), or one channel's.  Checked are: file and record lengths,\n"
        "block numbers, previous and data hashes, the metadata of each block with the orderer's\n"
        "signature (that it is by the certificate it carries; whether that may sign is not asked\n"
        "yet), and each key of the index against the files.  Nothing is changed.\n"
        "\n"
        "Exit status 0: all good.  1: damaged, the error names file, block and reason.\n"
        "\n"
        "  weft ledger verify /var/hyperledger/production/orderer\n"
        "  weft ledger verify /var/hyperledger/production mychannel\n",
    .run = run,
};
