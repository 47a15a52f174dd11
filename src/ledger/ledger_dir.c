#include "ledger/ledger_dir.h"

#include "ledger/block_checkpoint.h"
#include "ledger/block_record.h"
#include "os/file.h"
#include "proto/envelope.h"

#include <fcntl.h>
#include <inttypes.h>

enum {
    INDEX_TRIES = 10
};

/* ---- what is it? ----------------------------------------------------------------- */

static bool has_dir(const char *root, const char *below)
{
    WEFT_FREE char *path = weft_asprintf("%s/%s", root, below);
    return path_is_dir(path);
}

static bool is_channel_dir(const char *path)
{
    WEFT_FREE char *first = block_file_path(path, 0);
    return path_exists(first);
}

/* A folder below chains/ that could be a channel's. */
static enum weft_code list_channels(struct ledger_dir *d, struct weft_err *e)
{
    WEFT_CLEANUP(dir_list_done) struct dir_list all = { 0 };
    WEFT_TRY(dir_list(d->chains, &all, e));
    d->channels.names = weft_alloc((all.count + 1) * sizeof(char *));
    for (size_t i = 0; i < all.count; i++)
        if (has_dir(d->chains, all.names[i]))
            d->channels.names[d->channels.count++] = WEFT_TAKE(all.names[i]);
    return WEFT_OK;
}

static enum weft_code open_root(struct ledger_dir *d, const char *root, enum ledger_layout layout,
                                struct weft_err *e)
{
    const char *inner = layout == LEDGER_PEER ? "/chains" : "";
    d->layout = layout;
    d->root = weft_strdup(root);
    d->chains = weft_asprintf("%s%s/chains", root, inner);
    d->index = weft_asprintf("%s%s/index", root, inner);
    if (!path_is_dir(d->index))
        free(WEFT_TAKE(d->index));
    return list_channels(d, e);
}

/* A channel's folder alone: its parent stands for chains/. */
static void open_channel(struct ledger_dir *d, const char *path)
{
    WEFT_FREE char *whole = realpath(path, NULL);
    char *slash = whole != NULL ? strrchr(whole, '/') : NULL;
    WEFT_ASSERT(slash != NULL); /* it was there a moment ago, and is not "/" */
    *slash = '\0';
    d->layout = LEDGER_ORDERER;
    d->chains = weft_strdup(slash == whole ? "/" : whole);
    d->channels.names = weft_alloc(sizeof(char *));
    d->channels.names[d->channels.count++] = weft_strdup(slash + 1);
}

enum weft_code ledger_dir_open(const char *path, struct ledger_dir *ret, struct weft_err *e)
{
    WEFT_CLEANUP(ledger_dir_done) struct ledger_dir d = { 0 };
    WEFT_FREE char *ledgers_data = weft_asprintf("%s/ledgersData", path);
    if (!path_is_dir(path))
        return WEFT_FAIL(e, WEFT_NOT_FOUND, "there is no folder %s", path);
    if (has_dir(path, "ledgersData/chains/chains"))
        WEFT_TRY(open_root(&d, ledgers_data, LEDGER_PEER, e));
    else if (has_dir(path, "chains/chains"))
        WEFT_TRY(open_root(&d, path, LEDGER_PEER, e));
    else if (has_dir(path, "chains"))
        WEFT_TRY(open_root(&d, path, LEDGER_ORDERER, e));
    else if (is_channel_dir(path))
        open_channel(&d, path);
    else
        return WEFT_FAIL(
            e, WEFT_NOT_FOUND,
            "%s is no ledger: give an orderer's folder (FileLedger.Location, with "
            "chains/ in it), a peer's (peer.fileSystemPath, with ledgersData/ in it) or "
            "one channel's (with blockfile_000000 in it)",
            path);
    *ret = d;
    d = (struct ledger_dir){ 0 };
    return WEFT_OK;
}

void ledger_dir_done(struct ledger_dir *d)
{
    kv_close(d->kv);
    dir_list_done(&d->channels);
    free(d->root);
    free(d->chains);
    free(d->index);
    *d = (struct ledger_dir){ 0 };
}

bool ledger_dir_has(const struct ledger_dir *d, const char *channel)
{
    for (size_t i = 0; i < d->channels.count; i++)
        if (strcmp(d->channels.names[i], channel) == 0)
            return true;
    return false;
}

char *ledger_dir_channels(const struct ledger_dir *d)
{
    WEFT_CLEANUP(buf_done) struct buf text = { 0 };
    for (size_t i = 0; i < d->channels.count; i++)
        buf_printf(&text, "%s%s", i > 0 ? ", " : "", d->channels.names[i]);
    return bytes_dup_str(buf_bytes(&text));
}

enum weft_code ledger_dir_expect(const struct ledger_dir *d, const char *channel,
                                 struct weft_err *e)
{
    if (ledger_dir_has(d, channel))
        return WEFT_OK;
    WEFT_FREE char *names = ledger_dir_channels(d);
    return WEFT_FAIL(e, WEFT_NOT_FOUND, "there is no channel [%s] in %s, but %s", channel,
                     d->chains, d->channels.count > 0 ? names : "none at all");
}

static bool same_names(const struct dir_list *a, const struct dir_list *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++)
        same = strcmp(a->names[i], b->names[i]) == 0;
    return same;
}

/* A node that runs may make and remove files while they are copied: then what
 * was copied does not fit together, and it is tried again. */
static enum weft_code copy_index(const char *path, struct kv **ret, struct weft_err *e)
{
    for (int tries = 0;; tries++) {
        WEFT_CLEANUP(dir_list_done) struct dir_list before = { 0 }, after = { 0 };
        WEFT_TRY(dir_list(path, &before, e));
        enum weft_code rc = kv_open_copy_cutting(path, ret, e);
        if (rc == WEFT_OK || tries == INDEX_TRIES)
            return rc;
        WEFT_TRY(dir_list(path, &after, e));
        if (same_names(&before, &after))
            return rc;
    }
}

enum weft_code ledger_dir_index(struct ledger_dir *d, const char *channel, struct block_index *ret,
                                struct weft_err *e)
{
    if (d->kv == NULL && d->index != NULL)
        WEFT_TRY(copy_index(d->index, &d->kv, e));
    *ret =
        (struct block_index){ d->kv, channel,
                              d->layout == LEDGER_PEER ? BLOCK_INDEX_PEER : BLOCK_INDEX_ORDERER };
    return WEFT_OK;
}

/* ---- walking ------------------------------------------------------------------ */

void ledger_walk_done(struct ledger_walk *w)
{
    if (w->dir == NULL)
        return;
    block_scanner_done(&w->scanner);
    block_view_done(&w->view);
    free(WEFT_TAKE(w->dir));
}

/* Where to begin for block `number`: a place that the index knows, or the start. */
static enum weft_code start_place(struct ledger_dir *d, const char *channel, uint64_t number,
                                  struct block_loc *ret, struct weft_err *e)
{
    struct block_index ix;
    struct block_loc loc;
    bool found = false;
    uint64_t last = 0;
    *ret = (struct block_loc){ 0 };
    WEFT_TRY(ledger_dir_index(d, channel, &ix, e));
    if (ix.kv == NULL)
        return WEFT_OK;
    WEFT_TRY(block_index_checkpoint(&ix, &found, &last, e));
    if (found && last < number)
        number = last;
    if (block_index_by_number(&ix, number, &loc, NULL) == WEFT_OK)
        *ret = loc;
    return WEFT_OK;
}

enum weft_code ledger_walk_start(struct ledger_dir *d, const char *channel, uint64_t number,
                                 struct ledger_walk *ret, struct weft_err *e)
{
    WEFT_FREE char *dir = weft_asprintf("%s/%s", d->chains, channel);
    struct block_loc loc;
    uint64_t files = 0;
    WEFT_TRY(block_file_count(dir, &files, e));
    WEFT_TRY(start_place(d, channel, number, &loc, e));
    if (files == 0)
        return WEFT_FAIL(e, WEFT_NOT_FOUND, "channel [%s] has no blocks", channel);
    *ret = (struct ledger_walk){ .dir = WEFT_TAKE(dir) };
    block_scanner_init(&ret->scanner, ret->dir, loc.file, loc.offset, files - 1);
    return WEFT_OK;
}

enum weft_code ledger_walk_next(struct ledger_walk *w, const struct block_view **ret,
                                struct weft_err *e)
{
    enum block_scan what = BLOCK_SCAN_END;
    struct bytes body = { 0 };
    struct block_place at = { 0 };
    size_t txs_at = 0;
    *ret = NULL;
    WEFT_TRY(block_scanner_next(&w->scanner, &what, &body, &at, e));
    if (what != BLOCK_SCAN_RECORD) /* a torn tail is no block */
        return WEFT_OK;
    WEFT_TRY(block_record_parse(body, &w->view, &txs_at, e));
    *ret = &w->view;
    return WEFT_OK;
}

/* ---- reading ---------------------------------------------------------------------- */

static struct block *copy_of(const struct block_view *v)
{
    struct buf wire = { 0 };
    block_encode(v, &wire);
    struct block *b = block_adopt(&wire);
    /* What was read within the limits and written again reads again. */
    WEFT_ASSERT(block_view_parse(&b->v, b->raw, NULL) == WEFT_OK);
    return b;
}

/* The number of the last block in what the walk still has before it. */
static enum weft_code walk_to_end(struct ledger_walk *w, bool *ret_any, uint64_t *ret,
                                  struct weft_err *e)
{
    const struct block_view *v = NULL;
    do {
        WEFT_TRY(ledger_walk_next(w, &v, e));
        *ret_any = *ret_any || v != NULL;
        if (v != NULL)
            *ret = v->number;
    } while (v != NULL);
    return WEFT_OK;
}

static void start_at(struct ledger_walk *w, uint64_t file, uint64_t offset)
{
    uint64_t last = w->scanner.last_file;
    block_scanner_done(&w->scanner);
    block_scanner_init(&w->scanner, w->dir, file, offset, last);
}

/* Walks to the newest block: from what the index knows it is not far, without
 * one from the start of the last file that holds a block. */
static enum weft_code find_newest(struct ledger_walk *w, uint64_t *ret, struct weft_err *e)
{
    bool any = false;
    uint64_t file = w->scanner.last_file;
    if (w->scanner.file > 0 || w->scanner.offset > 0)
        return walk_to_end(w, &any, ret, e);
    for (;; file--) {
        start_at(w, file, 0);
        WEFT_TRY(walk_to_end(w, &any, ret, e));
        if (any)
            return WEFT_OK;
        if (file == 0)
            return WEFT_FAIL(e, WEFT_NOT_FOUND, "there is no block");
    }
}

enum weft_code ledger_dir_read(struct ledger_dir *d, const char *channel, uint64_t number,
                               struct block **ret, struct weft_err *e)
{
    WEFT_CLEANUP(ledger_walk_done) struct ledger_walk w = { 0 };
    WEFT_TRY(ledger_walk_start(d, channel, number, &w, e));
    if (number == UINT64_MAX) {
        WEFT_TRY(find_newest(&w, &number, e));
        ledger_walk_done(&w);
        WEFT_TRY(ledger_walk_start(d, channel, number, &w, e));
    }
    uint64_t last = 0;
    for (;;) {
        const struct block_view *v = NULL;
        WEFT_TRY(ledger_walk_next(&w, &v, e));
        if (v == NULL)
            return WEFT_FAIL(e, WEFT_NOT_FOUND,
                             "channel [%s] has no block [%" PRIu64 "], the newest is [%" PRIu64 "]",
                             channel, number, last);
        last = v->number;
        if (v->number == number) {
            *ret = copy_of(v);
            return WEFT_OK;
        }
    }
}

static bool has_tx(const struct block_view *v, struct bytes tx_id, size_t *ret)
{
    for (size_t i = 0; i < v->txs.count; i++) {
        char room[TX_ID_LEN + 1];
        struct bytes id = { 0 };
        if (envelope_tx_id(v->txs.at[i], room, &id, NULL) == WEFT_OK && bytes_eq(id, tx_id)) {
            *ret = i;
            return true;
        }
    }
    return false;
}

enum weft_code ledger_dir_find_tx(struct ledger_dir *d, const char *channel, struct bytes tx_id,
                                  struct block **ret, size_t *ret_tx, struct weft_err *e)
{
    struct block_index ix;
    struct tx_loc loc;
    WEFT_CLEANUP(ledger_walk_done) struct ledger_walk w = { 0 };
    WEFT_TRY(ledger_walk_start(d, channel, 0, &w, e));
    WEFT_TRY(ledger_dir_index(d, channel, &ix, e));
    if (ix.kv != NULL && ix.kind == BLOCK_INDEX_PEER &&
        block_index_by_tx_id(&ix, tx_id, &loc, NULL) == WEFT_OK)
        start_at(&w, loc.block.file, loc.block.offset);
    for (;;) {
        const struct block_view *v = NULL;
        WEFT_TRY(ledger_walk_next(&w, &v, e));
        if (v == NULL)
            return WEFT_FAIL(e, WEFT_NOT_FOUND, "channel [%s] has no transaction [%.*s]", channel,
                             tx_id.len < 100 ? (int)tx_id.len : 100, (const char *)tx_id.data);
        if (has_tx(v, tx_id, ret_tx)) {
            *ret = copy_of(v);
            return WEFT_OK;
        }
    }
}

enum weft_code ledger_dir_files(const struct ledger_dir *d, const char *channel,
                                uint64_t *ret_files, uint64_t *ret_bytes, struct weft_err *e)
{
    WEFT_FREE char *dir = weft_asprintf("%s/%s", d->chains, channel);
    uint64_t files = 0, bytes = 0;
    WEFT_TRY(block_file_count(dir, &files, e));
    for (uint64_t f = 0; f < files; f++) {
        WEFT_FREE char *path = block_file_path(dir, f);
        WEFT_CLEANUP(file_close) int fd = -1;
        uint64_t size = 0;
        WEFT_TRY(file_open(path, O_RDONLY, 0, &fd, e));
        WEFT_TRY(file_size(fd, path, &size, e));
        bytes += size;
    }
    *ret_files = files;
    *ret_bytes = bytes;
    return WEFT_OK;
}

enum weft_code ledger_dir_summary(struct ledger_dir *d, const char *channel,
                                  struct ledger_summary *ret, struct weft_err *e)
{
    struct ledger_summary s = { 0 };
    WEFT_CLEANUP(block_unref) struct block *newest = NULL;
    WEFT_TRY(ledger_dir_files(d, channel, &s.files, &s.bytes, e));
    enum weft_code rc = WEFT_OK;
    if (s.bytes > 0)
        rc = ledger_dir_read(d, channel, UINT64_MAX, &newest, e);
    if (rc != WEFT_OK && rc != WEFT_NOT_FOUND) /* files may hold a torn record only */
        return weft_err_wrap(e, rc, "channel [%s]", channel);
    if (newest != NULL) {
        s.height = newest->v.number + 1;
        s.current_hash = block_header_hash(&newest->v);
        if (newest->v.previous_hash.len == SHA256_BYTES)
            memcpy(s.previous_hash.b, newest->v.previous_hash.data, SHA256_BYTES);
    }
    *ret = s;
    return WEFT_OK;
}
