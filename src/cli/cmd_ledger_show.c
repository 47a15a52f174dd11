/* weft ledger show: what is in a node's ledger? */
#include "base/number.h"
#include "cli/cmds.h"
#include "ledger/ledger_dir.h"
#include "proto/envelope.h"
#include "proto/json.h"
#include "proto/metadata.h"

#include <inttypes.h>

struct args {
    const char *block, *tx;
    bool json;
};

static void options_for(struct args *a, struct cli_opt *ret, size_t *ret_count)
{
    const struct cli_opt opts[] = {
        { "--block", "N", "this block: a number, oldest, or newest", &a->block, NULL, NULL },
        { "--tx", "TXID", "the block with this transaction", &a->tx, NULL, NULL },
        { "--json", NULL, "as JSON; a block as configtxlator decodes it", NULL, &a->json, NULL },
    };
    memcpy(ret, opts, sizeof(opts));
    *ret_count = WEFT_ARRAY_LEN(opts);
}

static void options(struct cli_opt *ret, size_t *ret_count)
{
    static struct args unused; /* the help wants the table only */
    options_for(&unused, ret, ret_count);
}

/* ---- channels ------------------------------------------------------------------------ */

static void print_summary(struct cli *cli, const char *channel, const struct ledger_summary *s,
                          bool json, bool first)
{
    WEFT_FREE char *current = bytes_to_hex(digest_bytes(&s->current_hash));
    WEFT_FREE char *previous = bytes_to_hex(digest_bytes(&s->previous_hash));
    if (json)
        (void)fprintf(cli->out,
                      "%s\n  { \"channel\": \"%s\", \"height\": %" PRIu64 ", \"files\": %" PRIu64
                      ", \"bytes\": %" PRIu64
                      ", \"current_hash\": \"%s\", \"previous_hash\": \"%s\" }",
                      first ? "" : ",", channel, s->height, s->files, s->bytes,
                      s->height > 0 ? current : "", s->height > 1 ? previous : "");
    else
        (void)fprintf(cli->out,
                      "%s\n  height         %" PRIu64 "\n  current hash   %s\n  previous hash  %s\n"
                      "  files          %" PRIu64 ", %" PRIu64 " bytes\n",
                      channel, s->height, s->height > 0 ? current : "-",
                      s->height > 1 ? previous : "-", s->files, s->bytes);
}

static enum weft_code show_channels(struct cli *cli, struct ledger_dir *d, const char *only,
                                    bool json, struct weft_err *e)
{
    bool first = true;
    if (json)
        (void)fprintf(cli->out, "[");
    for (size_t i = 0; i < d->channels.count; i++) {
        struct ledger_summary s;
        if (only != NULL && strcmp(only, d->channels.names[i]) != 0)
            continue;
        WEFT_TRY(ledger_dir_summary(d, d->channels.names[i], &s, e));
        print_summary(cli, d->channels.names[i], &s, json, first);
        first = false;
    }
    if (json)
        (void)fprintf(cli->out, "\n]\n");
    else if (first)
        (void)fprintf(cli->out, "no channels in %s\n", d->chains);
    return WEFT_OK;
}

/* ---- a block ---------------------------------------------------------------------------- */

/* A run of printable characters from outside; others become dots. */
static void print_text(FILE *out, struct bytes text)
{
    size_t n = text.len < 200 ? text.len : 200;
    for (size_t i = 0; i < n; i++)
        (void)fputc(text.data[i] >= 0x20 && text.data[i] < 0x7f ? text.data[i] : '.', out);
}

static void print_tx(struct cli *cli, const struct block_view *v, size_t i, bool marked)
{
    char room[TX_ID_LEN + 1], type[HEADER_TYPE_NAME_MAX];
    struct bytes id = { 0 }, flags = block_slot(v, BLOCK_SLOT_FLAGS);
    struct envelope_headers h;
    const char *code = "-";
    if (i < flags.len)
        code = tx_validation_code_name(flags.data[i]);
    bool readable = envelope_headers_parse(v->txs.at[i], &h, NULL) == WEFT_OK;
    (void)fprintf(cli->out, "%c %5zu  %-21s %-29s %7zu  ", marked ? '>' : ' ', i,
                  readable ? header_type_name(h.channel.type, type) : "unreadable",
                  code != NULL ? code : "?", v->txs.at[i].len);
    if (envelope_tx_id(v->txs.at[i], room, &id, NULL) == WEFT_OK)
        print_text(cli->out, id);
    (void)fputc('\n', cli->out);
}

static void print_block(struct cli *cli, const struct block_view *v, size_t marked)
{
    struct digest hash = block_header_hash(v);
    WEFT_FREE char *own = bytes_to_hex(digest_bytes(&hash));
    WEFT_FREE char *previous = bytes_to_hex(v->previous_hash);
    WEFT_FREE char *data = bytes_to_hex(v->data_hash);
    WEFT_FREE char *commit = bytes_to_hex(block_slot(v, BLOCK_SLOT_COMMIT_HASH));
    (void)fprintf(
        cli->out,
        "block %" PRIu64 "\n  hash           %s\n  previous hash  %s\n  data hash      %s\n"
        "  bytes          %zu\n",
        v->number, own, v->previous_hash.len > 0 ? previous : "-", data, block_encoded_len(v));
    if (strlen(commit) == 68) /* Metadata { value }: two bytes and the hash */
        (void)fprintf(cli->out, "  commit hash    %s\n", commit + 4);
    (void)fprintf(cli->out, "\n  %5s  %-21s %-29s %7s  %s\n", "tx", "type", "validation", "bytes",
                  "id");
    for (size_t i = 0; i < v->txs.count; i++)
        print_tx(cli, v, i, i == marked);
}

static enum weft_code find_block(const struct args *a, struct ledger_dir *d, const char *channel,
                                 struct block **ret, size_t *ret_tx, struct weft_err *e)
{
    uint64_t number = 0;
    if (a->tx != NULL)
        return ledger_dir_find_tx(d, channel, bytes_of_str(a->tx), ret, ret_tx, e);
    if (strcmp(a->block, "newest") == 0)
        number = UINT64_MAX;
    else if (strcmp(a->block, "oldest") != 0 && !number_parse_u64(a->block, &number))
        return WEFT_FAIL(e, WEFT_INVALID, "--block takes a number, oldest, or newest, not %s",
                         a->block);
    return ledger_dir_read(d, channel, number, ret, e);
}

static enum weft_code show_block(struct cli *cli, const struct args *a, struct ledger_dir *d,
                                 const char *channel, struct weft_err *e)
{
    WEFT_CLEANUP(block_unref) struct block *b = NULL;
    size_t tx = SIZE_MAX;
    WEFT_TRY(find_block(a, d, channel, &b, &tx, e));
    if (!a->json) {
        print_block(cli, &b->v, tx);
        return WEFT_OK;
    }
    WEFT_CLEANUP(buf_done) struct buf json = { 0 };
    WEFT_TRY(json_block_view(&b->v, &json, e));
    (void)fwrite(json.data, 1, json.len, cli->out); /* cli_main looks at the stream */
    (void)fputc('\n', cli->out);
    return WEFT_OK;
}

static enum weft_code run(struct cli *cli, int argc, char **argv, struct weft_err *e)
{
    struct args a = { 0 };
    struct cli_opt opts[CLI_OPTS_MAX];
    struct cli_args args = { .least = 1, .most = 2 };
    size_t count = 0;
    WEFT_CLEANUP(ledger_dir_done) struct ledger_dir d = { 0 };
    options_for(&a, opts, &count);
    WEFT_TRY(cli_parse(opts, count, argc, argv, &args, e));
    if (a.block != NULL && a.tx != NULL)
        return WEFT_FAIL(e, WEFT_INVALID, "--block and --tx do not go together");
    WEFT_TRY(ledger_dir_open(args.at[0], &d, e));
    const char *channel = args.count > 1 ? args.at[1] : NULL;
    if (channel != NULL)
        WEFT_TRY(ledger_dir_expect(&d, channel, e));
    if (a.block == NULL && a.tx == NULL)
        return show_channels(cli, &d, channel, a.json, e);
    WEFT_FREE char *names = ledger_dir_channels(&d);
    if (channel == NULL && d.channels.count != 1)
        return WEFT_FAIL(e, WEFT_INVALID, "which channel of %s?  %s", d.chains, names);
    return show_block(cli, &a, &d, channel != NULL ? channel : d.channels.names[0], e);
}

const struct cli_cmd cmd_ledger_show = {
    .name = "ledger show",
    .args = "DIR [CHANNEL] [--block N | --tx TXID] [--json]",
    .summary = "heights, blocks and transactions of a ledger",
    .help =
        "DIR is an orderer's folder (with chains/ and index/ in it), a peer's (with ledgersData/\n"
        "in it, or that folder itself), or one channel's.  Nothing in it is changed.\n"
        "\n"
        "  weft ledger show /var/hyperledger/production/orderer\n"
        "  weft ledger show /var/hyperledger/production mychannel --block newest\n"
        "  weft ledger show /var/hyperledger/production mychannel --block 0 --json\n",
    .run = run,
    .options = options,
};
