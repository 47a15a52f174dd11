/* weft ledger export: blocks out of a ledger, a file each, as `peer channel
 * fetch` writes them. */
#include "base/number.h"
#include "cli/cmds.h"
#include "ledger/ledger_dir.h"
#include "os/file.h"

#include <inttypes.h>

struct args {
    const char *from, *to;
};

static void options_for(struct args *a, struct cli_opt *ret, size_t *ret_count)
{
    const struct cli_opt opts[] = {
        { "--from", "N", "the first block (0)", &a->from, NULL, NULL },
        { "--to", "N", "the last block (the newest)", &a->to, NULL, NULL },
    };
    memcpy(ret, opts, sizeof(opts));
    *ret_count = WEFT_ARRAY_LEN(opts);
}

static void options(struct cli_opt *ret, size_t *ret_count)
{
    static struct args unused; /* the help wants the table only */
    options_for(&unused, ret, ret_count);
}

static enum weft_code number_of(const char *text, uint64_t otherwise, const char *name,
                                uint64_t *ret, struct weft_err *e)
{
    *ret = otherwise;
    if (text != NULL && !number_parse_u64(text, ret))
        return WEFT_FAIL(e, WEFT_INVALID, "%s takes a number, not %s", name, text);
    return WEFT_OK;
}

static enum weft_code write_block(const char *dir, const struct block_view *v, uint64_t *bytes,
                                  struct weft_err *e)
{
    WEFT_FREE char *path = weft_asprintf("%s/%" PRIu64 ".block", dir, v->number);
    WEFT_CLEANUP(buf_done) struct buf wire = { 0 };
    block_encode(v, &wire);
    *bytes += wire.len;
    return file_write_plain(path, buf_bytes(&wire), 0644, e);
}

static enum weft_code export_blocks(struct cli *cli, struct ledger_dir *d, const char *channel,
                                    const char *dir, uint64_t from, uint64_t to, struct weft_err *e)
{
    struct ledger_summary size;
    struct cli_progress progress;
    uint64_t bytes = 0, count = 0;
    WEFT_CLEANUP(ledger_walk_done) struct ledger_walk w = { 0 };
    WEFT_TRY(ledger_dir_summary(d, channel, &size, e));
    if (size.height == 0)
        return WEFT_FAIL(e, WEFT_NOT_FOUND, "channel [%s] has no blocks", channel);
    if (from > to)
        return WEFT_FAIL(e, WEFT_INVALID, "--from %" PRIu64 " comes after --to %" PRIu64, from, to);
    if (from >= size.height)
        return WEFT_FAIL(e, WEFT_NOT_FOUND,
                         "channel [%s] has no block [%" PRIu64 "], the newest is [%" PRIu64 "]",
                         channel, from, size.height - 1);
    WEFT_TRY(dir_make(dir, e));
    WEFT_TRY(ledger_walk_start(d, channel, from, &w, e));
    uint64_t last = to < size.height ? to : size.height - 1;
    cli_progress_start(&progress, cli, channel, size.bytes / size.height * (last - from + 1));
    for (;;) {
        const struct block_view *v = NULL;
        WEFT_TRY(ledger_walk_next(&w, &v, e));
        if (v == NULL || v->number > to)
            break;
        if (v->number < from) /* no index that knows where to begin */
            continue;
        WEFT_TRY(write_block(dir, v, &bytes, e));
        count++;
        cli_progress_at(&progress, bytes);
    }
    cli_progress_end(&progress);
    (void)fprintf(cli->out, "%" PRIu64 " blocks, %" PRIu64 " bytes, in %s\n", count, bytes, dir);
    return WEFT_OK;
}

static enum weft_code run(struct cli *cli, int argc, char **argv, struct weft_err *e)
{
    struct args a = { 0 };
    struct cli_opt opts[CLI_OPTS_MAX];
    struct cli_args args = { .least = 3, .most = 3 };
    size_t count = 0;
    uint64_t from = 0, to = 0;
    WEFT_CLEANUP(ledger_dir_done) struct ledger_dir d = { 0 };
    options_for(&a, opts, &count);
    WEFT_TRY(cli_parse(opts, count, argc, argv, &args, e));
    WEFT_TRY(number_of(a.from, 0, "--from", &from, e));
    WEFT_TRY(number_of(a.to, UINT64_MAX, "--to", &to, e));
    WEFT_TRY(ledger_dir_open(args.at[0], &d, e));
    WEFT_TRY(ledger_dir_expect(&d, args.at[1], e));
    return export_blocks(cli, &d, args.at[1], args.at[2], from, to, e);
}

const struct cli_cmd cmd_ledger_export = {
    .name = "ledger export",
    .args = "DIR CHANNEL OUT_DIR [--from N] [--to N]",
    .summary = "blocks as files, one a block",
    .help =
        "Writes OUT_DIR/N.block, each a common.Block as `peer channel fetch` writes it.\n"
        "\n"
        "  weft ledger export /var/hyperledger/production/orderer mychannel blocks --from 100\n",
    .run = run,
    .options = options,
};
