/* peer node rollback: a channel back to an earlier block.
 *
 * Go origin   internal/peer/node/rollback.go
 */
#include "base/number.h"
#include "cli/cmds.h"
#include "cli/peer_ledgers.h"
#include "kvledger/ledger_admin.h"

struct args {
    const char *channel, *block;
};

static void options_for(struct args *a, struct cli_opt *ret, size_t *ret_count)
{
    const struct cli_opt opts[] = {
        { "--channelID", "ID", "channel to roll back", &a->channel, NULL, "-c" },
        { "--blockNumber", "N", "the last block that stays; 0 if it is not given", &a->block, NULL,
          "-b" },
    };
    memcpy(ret, opts, sizeof(opts));
    *ret_count = WEFT_ARRAY_LEN(opts);
}

static void options(struct cli_opt *ret, size_t *ret_count)
{
    static struct args unused; /* the help wants the table only */
    options_for(&unused, ret, ret_count);
}

static enum weft_code run(struct cli *cli, int argc, char **argv, struct weft_err *e)
{
    WEFT_FREE char *root = NULL;
    struct args a = { 0 };
    struct cli_opt opts[CLI_OPTS_MAX];
    struct cli_args args = { .least = 0, .most = CLI_ARGS_MAX }; /* Fabric passes them over */
    size_t count = 0;
    uint64_t last = 0;
    (void)cli;
    options_for(&a, opts, &count);
    WEFT_TRY(cli_parse(opts, count, argc, argv, &args, e));
    if (a.block != NULL && !number_parse_u64(a.block, &last)) {
        bool is_number = a.block[0] != '\0' && strspn(a.block, "0123456789") == strlen(a.block);
        return WEFT_FAIL(e, WEFT_INVALID,
                         "invalid argument \"%s\" for \"-b, --blockNumber\" flag: "
                         "strconv.ParseUint: parsing \"%s\": %s",
                         a.block, a.block, is_number ? "value out of range" : "invalid syntax");
    }
    if (a.channel == NULL || a.channel[0] == '\0')
        return WEFT_FAIL(e, WEFT_INVALID, "Must supply channel ID");
    WEFT_TRY(peer_ledgers_root(&root, e));
    return ledger_admin_rollback(root, a.channel, last, e);
}

const struct cli_cmd cmd_node_rollback = {
    .name = "node rollback",
    .args = "-c ID -b N",
    .summary = "roll a channel back",
    .help = "Rolls a channel back to a block, which stays.  The peer must be offline.  When it\n"
            "starts again it gets the blocks that were removed from an orderer, and makes the\n"
            "databases of all channels again; private data it has still.\n",
    .run = run,
    .options = options,
};
