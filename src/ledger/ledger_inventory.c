#include "ledger/ledger_inventory.h"

#include "ledger/block_checkpoint.h"
#include "ledger/id_store.h"

/* What the inventory says of one key. */
struct inventory {
    struct ledger_dir *d;
    const struct ledger_verify_deps *deps;
    struct kv *kv;
    char *path;
    char *unfinished; /* a channel that is being made, or NULL */
};

static void note(const struct inventory *v, const char *channel, const char *what)
{
    WEFT_FREE char *text = weft_asprintf("channel [%s] %s", channel, what);
    v->deps->note(v->deps->ctx, text);
}

/* ---- the index ---------------------------------------------------------------------- */

/* The name in front of a key's first zero byte; caller frees; NULL: none. */
static char *name_of_key(struct bytes key)
{
    const uint8_t *zero = key.len > 0 ? memchr(key.data, 0, key.len) : NULL;
    return zero == NULL ? NULL : bytes_dup_str(bytes_of(key.data, (size_t)(zero - key.data)));
}

static enum weft_code check_index_channel(const struct ledger_dir *d, const char *channel,
                                          struct weft_err *e)
{
    if (channel == NULL)
        return WEFT_FAIL(e, WEFT_CORRUPT, "the index %s has a key of no channel", d->index);
    if (strcmp(channel, "_") == 0 || ledger_dir_has(d, channel))
        return WEFT_OK;
    return WEFT_FAIL(e, WEFT_CORRUPT,
                     "channel [%s]: the index knows it, but the folder %s/%s is not there", channel,
                     d->chains, channel);
}

/* Goes from channel to channel, not from key to key. */
static enum weft_code check_index_channels(struct ledger_dir *d, struct weft_err *e)
{
    struct block_index ix;
    WEFT_CLEANUP(buf_done) struct buf from = { 0 };
    WEFT_TRY(ledger_dir_index(d, "", &ix, e));
    while (ix.kv != NULL) {
        WEFT_CLEANUP(kv_iter_free) struct kv_iter *it = kv_iter_new(ix.kv, buf_bytes(&from));
        struct bytes key, value;
        bool found = false;
        WEFT_TRY(kv_iter_next(it, &found, &key, &value, e));
        if (!found)
            break;
        WEFT_FREE char *channel = name_of_key(key);
        WEFT_TRY(check_index_channel(d, channel, e));
        buf_clear(&from);
        buf_put_str(&from, channel);
        buf_put_u8(&from, 1); /* behind all of its keys */
    }
    return WEFT_OK;
}

/* ---- a peer's inventory ----------------------------------------------------------------- */

static enum weft_code get(const struct inventory *v, const char *key, const char *channel,
                          bool *ret_found, struct buf *ret, struct weft_err *e)
{
    WEFT_FREE char *whole = weft_asprintf("%s%s", key, channel);
    buf_clear(ret);
    return kv_get(v->kv, bytes_of_str(whole), ret_found, ret, e);
}

static enum weft_code check_format(const struct inventory *v, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf value = { 0 };
    bool found = false;
    WEFT_TRY(get(v, "f", "", &found, &value, e));
    if (!id_store_is_current(buf_bytes(&value)))
        return WEFT_FAIL(e, WEFT_CORRUPT, "%s has another format than [2.0]", v->path);
    return WEFT_OK;
}

static enum weft_code check_status(const struct inventory *v, const char *channel,
                                   struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf status = { 0 };
    bool found = false;
    WEFT_TRY(get(v, "s", channel, &found, &status, e));
    struct bytes paused = bytes_of("\x08\x01", 2);
    if (bytes_eq(buf_bytes(&status), paused))
        note(v, channel, "is paused: `peer node resume` lets the peer open it again");
    else if (!found || status.len > 0)
        return WEFT_FAIL(e, WEFT_CORRUPT, "channel [%s]: its status in %s is %s", channel, v->path,
                         found ? "damaged" : "missing");
    return WEFT_OK;
}

/* The inventory keeps a copy of block 0. */
static enum weft_code check_listed(const struct inventory *v, const char *channel,
                                   struct bytes block0, struct weft_err *e)
{
    WEFT_CLEANUP(block_unref) struct block *stored = NULL;
    WEFT_CLEANUP(buf_done) struct buf wire = { 0 };
    if (!ledger_dir_has(v->d, channel))
        return WEFT_FAIL(e, WEFT_CORRUPT,
                         "channel [%s]: the peer has it in %s, but the folder %s/%s is not there",
                         channel, v->path, v->d->chains, channel);
    WEFT_TRY(check_status(v, channel, e));
    if (ledger_dir_read(v->d, channel, 0, &stored, NULL) != WEFT_OK)
        return WEFT_OK; /* ledger_verify says what is wrong with it */
    block_encode(&stored->v, &wire);
    if (!bytes_eq(buf_bytes(&wire), block0))
        return WEFT_FAIL(e, WEFT_CORRUPT,
                         "channel [%s]: block [0] in %s is not the one in the block files", channel,
                         v->path);
    return WEFT_OK;
}

/* Every key is one of four kinds. */
static enum weft_code check_keys(const struct inventory *v, struct weft_err *e)
{
    WEFT_CLEANUP(kv_iter_free) struct kv_iter *it = kv_iter_new(v->kv, bytes_of(NULL, 0));
    WEFT_CLEANUP(buf_done) struct buf block0 = { 0 };
    struct bytes key, value;
    for (;;) {
        bool found = false, listed = false;
        WEFT_TRY(kv_iter_next(it, &found, &key, &value, e));
        if (!found)
            return WEFT_OK;
        WEFT_FREE char *text = bytes_dup_str(key);
        if (strcmp(text, "f") == 0 || strcmp(text, "underConstructionLedgerKey") == 0)
            continue;
        if (text[0] == 'l') {
            WEFT_TRY(check_listed(v, text + 1, value, e));
            continue;
        }
        if (text[0] == 's')
            WEFT_TRY(get(v, "l", text + 1, &listed, &block0, e));
        if (!listed)
            return WEFT_FAIL(e, WEFT_CORRUPT, "%s has a key that is none of its own: %.100s",
                             v->path, text);
    }
}

/* Every folder is a channel of the peer. */
static enum weft_code check_folders(const struct inventory *v, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf block0 = { 0 };
    for (size_t i = 0; i < v->d->channels.count; i++) {
        const char *channel = v->d->channels.names[i];
        bool found = false;
        WEFT_TRY(get(v, "l", channel, &found, &block0, e));
        if (found)
            continue;
        if (v->unfinished == NULL || strcmp(v->unfinished, channel) != 0)
            return WEFT_FAIL(e, WEFT_CORRUPT,
                             "channel [%s]: there is a folder %s/%s, but the peer does not have "
                             "the channel in %s",
                             channel, v->d->chains, channel, v->path);
        note(v, channel, "was just being made: the peer ends that when it starts");
    }
    return WEFT_OK;
}

static enum weft_code check_inventory(struct inventory *v, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf unfinished = { 0 };
    bool found = false;
    enum weft_code rc = kv_open_copy(v->path, &v->kv, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "the inventory %s can't be read", v->path);
    WEFT_TRY(check_format(v, e));
    WEFT_TRY(get(v, "underConstructionLedgerKey", "", &found, &unfinished, e));
    if (found)
        v->unfinished = bytes_dup_str(buf_bytes(&unfinished));
    WEFT_TRY(check_keys(v, e));
    return check_folders(v, e);
}

enum weft_code ledger_inventory_verify(struct ledger_dir *d, const struct ledger_verify_deps *deps,
                                       struct weft_err *e)
{
    struct inventory v = { .d = d, .deps = deps };
    WEFT_TRY(check_index_channels(d, e));
    if (d->layout != LEDGER_PEER || d->root == NULL)
        return WEFT_OK;
    v.path = weft_asprintf("%s/ledgerProvider", d->root);
    enum weft_code rc = WEFT_OK;
    if (path_is_dir(v.path))
        rc = check_inventory(&v, e);
    else
        deps->note(deps->ctx,
                   "there is no ledgerProvider: which channels the peer has is not known");
    kv_close(v.kv);
    free(v.unfinished);
    free(v.path);
    return rc;
}
