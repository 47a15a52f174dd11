/* weft ledger import: raw blocks into a ledger of Fabric's format. */
#include "base/limits.h"
#include "cli/cmds.h"
#include "kvledger/pvtdata_store.h"
#include "ledger/id_store.h"
#include "ledger/ledger_dir.h"
#include "os/clock.h"
#include "os/file.h"
#include "proto/envelope.h"

#include <inttypes.h>
#include <sys/stat.h>

enum {
    GROUP_BYTES = 16 << 20, /* blocks that share a sync */
    PURGE_INTERVAL = 100,   /* no matter: nothing is committed */
};

struct args {
    const char *layout;
};

static void options_for(struct args *a, struct cli_opt *ret, size_t *ret_count)
{
    const struct cli_opt opts[] = {
        { "--layout", "KIND", "orderer or peer; needed for a new folder", &a->layout, NULL, NULL },
    };
    memcpy(ret, opts, sizeof(opts));
    *ret_count = WEFT_ARRAY_LEN(opts);
}

static void options(struct cli_opt *ret, size_t *ret_count)
{
    static struct args unused; /* the help wants the table only */
    options_for(&unused, ret, ret_count);
}

/* ---- where to ------------------------------------------------------------------------- */

struct target {
    enum ledger_layout layout;
    char *root;
    struct block_stores *stores;
    struct block_store *bs;
    struct id_store *ids; /* peer only */
};

static void target_done(struct target *t)
{
    block_store_close(t->bs);
    id_store_close(t->ids);
    block_stores_close(t->stores);
    free(t->root);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct target, target_done)

static enum weft_code find_root(const char *path, const char *layout, struct target *t,
                                struct weft_err *e)
{
    struct ledger_dir d = { 0 };
    bool known = layout == NULL || strcmp(layout, "orderer") == 0 || strcmp(layout, "peer") == 0;
    if (!known)
        return WEFT_FAIL(e, WEFT_INVALID, "--layout is orderer or peer, not %s", layout);
    if (ledger_dir_open(path, &d, NULL) == WEFT_OK) {
        t->layout = d.layout;
        t->root = WEFT_TAKE(d.root);
        ledger_dir_done(&d);
        if (t->root == NULL)
            return WEFT_FAIL(e, WEFT_INVALID, "%s is one channel's folder: give the ledger's",
                             path);
        if (layout != NULL && (strcmp(layout, "peer") == 0) != (t->layout == LEDGER_PEER))
            return WEFT_FAIL(e, WEFT_INVALID, "%s is not the ledger of %s %s", path,
                             layout[0] == 'o' ? "an" : "a", layout);
        return WEFT_OK;
    }
    if (layout == NULL)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "%s is no ledger yet: say which kind to make, --layout orderer or peer",
                         path);
    t->layout = strcmp(layout, "peer") == 0 ? LEDGER_PEER : LEDGER_ORDERER;
    t->root = weft_strdup(path);
    return WEFT_OK;
}

static enum weft_code open_target(const char *path, const char *layout, const char *channel,
                                  struct target *t, struct weft_err *e)
{
    WEFT_TRY(find_root(path, layout, t, e));
    enum weft_code rc = block_stores_open(t->root, t->layout, &t->stores, e);
    if (rc == WEFT_INVALID) /* not what was typed is wrong, but what is there */
        rc = WEFT_CORRUPT;
    WEFT_TRY(rc);
    if (t->layout == LEDGER_PEER) {
        WEFT_FREE char *ids = weft_asprintf("%s/ledgerProvider", t->root);
        WEFT_TRY(id_store_open(ids, &t->ids, e));
    }
    return block_store_open(t->stores, channel, &t->bs, e);
}

/* ---- blocks --------------------------------------------------------------------------- */

static enum weft_code read_block(const char *dir, uint64_t number, struct block **ret,
                                 struct weft_err *e)
{
    WEFT_FREE char *path = weft_asprintf("%s/%" PRIu64 ".block", dir, number);
    WEFT_CLEANUP(buf_done) struct buf wire = { 0 };
    WEFT_TRY(file_read_all(path, LIMIT_BLOCK_BYTES, &wire, e));
    enum weft_code rc = block_parse(buf_bytes(&wire), ret, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "%s", path);
    struct digest data = block_data_hash(&(*ret)->v);
    if (bytes_eq((*ret)->v.data_hash, digest_bytes(&data)))
        return WEFT_OK;
    block_unref(WEFT_TAKE(*ret));
    return WEFT_FAIL(e, WEFT_CORRUPT, "%s: data hash is not the hash of the transactions", path);
}

/* A chain is its channel's from its first block on. */
static enum weft_code check_channel(const char *channel, const struct block_view *v,
                                    struct weft_err *e)
{
    struct envelope_headers h;
    if (v->number > 0 || v->txs.count == 0 ||
        envelope_headers_parse(v->txs.at[0], &h, NULL) != WEFT_OK ||
        bytes_eq(h.channel.channel_id, bytes_of_str(channel)))
        return WEFT_OK;
    WEFT_FREE char *is = bytes_dup_str(h.channel.channel_id);
    return WEFT_FAIL(e, WEFT_CORRUPT, "is a block of channel [%.*s], not of [%s]", LIMIT_CHANNEL_ID,
                     is, channel);
}

/* A peer knows its channels from its inventory: the first block goes there too. */
static enum weft_code append(struct target *t, const char *channel, const struct block_view *v,
                             struct weft_err *e)
{
    if (t->ids == NULL || v->number > 0)
        return block_store_append(t->bs, v, BLOCK_APPEND_LATER, e);
    WEFT_CLEANUP(buf_done) struct buf wire = { 0 };
    block_encode(v, &wire);
    WEFT_TRY(id_store_begin(t->ids, channel, e));
    WEFT_TRY(block_store_append(t->bs, v, BLOCK_APPEND_SYNC, e));
    return id_store_finish(t->ids, channel, buf_bytes(&wire), e);
}

static bool has_block(const char *dir, uint64_t number)
{
    WEFT_FREE char *path = weft_asprintf("%s/%" PRIu64 ".block", dir, number);
    return path_exists(path);
}

/* A peer does not open a ledger whose private data end before its blocks. */
static enum weft_code raise_private_data(const struct target *t, const char *channel,
                                         struct weft_err *e)
{
    if (t->layout != LEDGER_PEER || block_store_height(t->bs) == 0)
        return WEFT_OK;
    WEFT_FREE char *path = weft_asprintf("%s/pvtdataStore", t->root);
    WEFT_CLEANUP(kv_close) struct kv *kv = NULL;
    WEFT_CLEANUP(pvtdata_store_close) struct pvtdata_store *s = NULL;
    WEFT_TRY(kv_open_mending(path, "", &kv, e));
    WEFT_TRY(pvtdata_store_open(kv, channel, PURGE_INTERVAL, &s, e));
    return pvtdata_store_raise(s, block_store_height(t->bs), e);
}

/* For the progress. */
static uint64_t bytes_from(const char *dir, uint64_t number)
{
    struct stat st;
    uint64_t sum = 0;
    for (;; number++) {
        WEFT_FREE char *path = weft_asprintf("%s/%" PRIu64 ".block", dir, number);
        if (stat(path, &st) != 0)
            return sum;
        sum += (uint64_t)st.st_size;
    }
}

/* What can be seen before a channel is made that then has no block. */
static enum weft_code check_first(const char *path, const char *channel, const char *dir,
                                  struct weft_err *e)
{
    WEFT_CLEANUP(ledger_dir_done) struct ledger_dir d = { 0 };
    if (has_block(dir, 0)) {
        WEFT_CLEANUP(block_unref) struct block *b = NULL;
        WEFT_TRY(read_block(dir, 0, &b, e));
        enum weft_code rc = check_channel(channel, &b->v, e);
        return rc == WEFT_OK ? rc : weft_err_wrap(e, rc, "%s/0.block", dir);
    }
    if (ledger_dir_open(path, &d, NULL) == WEFT_OK && ledger_dir_has(&d, channel))
        return WEFT_OK;
    return WEFT_FAIL(e, WEFT_NOT_FOUND,
                     "channel [%s] is new, its first block would be %s/0.block, which is not there",
                     channel, dir);
}

static enum weft_code import_blocks(struct cli *cli, struct target *t, const char *channel,
                                    const char *dir, struct weft_err *e)
{
    struct cli_progress progress;
    uint64_t from = block_store_height(t->bs), number = from, bytes = 0, pending = 0;
    if (!has_block(dir, number))
        return WEFT_FAIL(e, WEFT_NOT_FOUND,
                         "channel [%s] has %" PRIu64 " blocks, the next one would be %s/%" PRIu64
                         ".block, which is not there",
                         channel, number, dir, number);
    cli_progress_start(&progress, cli, channel, bytes_from(dir, number));
    for (; has_block(dir, number); number++) {
        WEFT_CLEANUP(block_unref) struct block *b = NULL;
        WEFT_TRY(read_block(dir, number, &b, e));
        enum weft_code rc = append(t, channel, &b->v, e);
        if (rc != WEFT_OK)
            return weft_err_wrap(e, rc == WEFT_INVALID ? WEFT_CORRUPT : rc, "%s/%" PRIu64 ".block",
                                 dir, number);
        bytes += b->raw.len;
        pending += b->raw.len;
        if (pending >= GROUP_BYTES) {
            WEFT_TRY(block_store_sync(t->bs, e));
            pending = 0;
        }
        cli_progress_at(&progress, bytes);
    }
    WEFT_TRY(block_store_sync(t->bs, e));
    WEFT_TRY(raise_private_data(t, channel, e));
    cli_progress_end(&progress);
    (void)fprintf(cli->out,
                  "%" PRIu64 " blocks, %" PRIu64 " bytes; channel [%s] has height %" PRIu64
                  " now\n",
                  number - from, bytes, channel, block_store_height(t->bs));
    return WEFT_OK;
}

static enum weft_code run(struct cli *cli, int argc, char **argv, struct weft_err *e)
{
    struct args a = { 0 };
    struct cli_opt opts[CLI_OPTS_MAX];
    struct cli_args args = { .least = 3, .most = 3 };
    size_t count = 0;
    WEFT_CLEANUP(target_done) struct target t = { 0 };
    options_for(&a, opts, &count);
    WEFT_TRY(cli_parse(opts, count, argc, argv, &args, e));
    if (!path_is_dir(args.at[2]))
        return WEFT_FAIL(e, WEFT_NOT_FOUND, "there is no folder %s", args.at[2]);
    WEFT_TRY(check_first(args.at[0], args.at[1], args.at[2], e));
    WEFT_TRY(open_target(args.at[0], a.layout, args.at[1], &t, e));
    return import_blocks(cli, &t, args.at[1], args.at[2], e);
}

const struct cli_cmd cmd_ledger_import = {
    .name = "ledger import",
    .args = "DIR CHANNEL IN_DIR [--layout orderer|peer]",
    .summary = "append blocks from files to a ledger",
    .help =
        "Appends IN_DIR/N.block, from the channel's height on, to the ledger in DIR, which is "
        "made\n"
        "if it is not there.  No node may run on it meanwhile.  An orderer's ledger takes blocks\n"
        "of an orderer, a peer's those that a peer delivered (with validation flags); DIR is then\n"
        "its ledgersData.  A peer builds its state database from the blocks when it starts; "
        "private\n"
        "data do not come with blocks.\n"
        "\n"
        "  weft ledger import new-orderer mychannel blocks --layout orderer\n"
        "  weft ledger import new-peer/ledgersData mychannel blocks --layout peer\n",
    .run = run,
    .options = options,
};
