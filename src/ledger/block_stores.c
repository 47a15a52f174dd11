#include "ledger/block_store_private.h"

#include "base/log.h"
#include "ledger/peer_lock.h"
#include "os/dirs.h"
#include "os/file.h"

#include <stdio.h>

LOG_DEFINE(logger, "blkstorage");

enum weft_code dir_make_lasting(const char *root, const char *path, struct weft_err *e)
{
    WEFT_FREE char *part = weft_strdup(path);
    WEFT_TRY(dir_make(path, e));
    for (;;) {
        WEFT_TRY(dir_sync_parent(part, e));
        char *slash = strrchr(part, '/');
        if (slash == NULL || (size_t)(slash - part) <= strlen(root))
            return WEFT_OK;
        *slash = '\0';
    }
}

/* A crash leaves it as it was at some moment; recovery goes on from the checkpoints of then. */
static enum weft_code open_index(struct block_stores *s, const char *path, struct weft_err *e)
{
    struct weft_err why = { 0 };
    const char *format = block_index_format(s->kind);
    WEFT_TRY(dir_make_lasting(s->root, path, e));
    enum weft_code rc = kv_open_cutting(path, format, &s->index, &why);
    if (rc == WEFT_CORRUPT) {
        LOG_WARN(&logger,
                 "The block index can't be opened (%s): it is moved to [%s.damaged] and built "
                 "again from the block files",
                 why.msg, path);
        WEFT_TRY(kv_set_aside(path, e));
        WEFT_TRY(dir_make_lasting(s->root, path, e));
        return kv_open(path, format, &s->index, e);
    }
    return rc == WEFT_OK ? rc : WEFT_FAIL(e, rc, "%s", why.msg);
}

/* ---- removing a channel ------------------------------------------------------------- */

/* Its folder goes here first, in one step: from then on it is not a channel. */
static char *removed_path(const struct block_stores *s, const char *channel)
{
    return weft_asprintf("%s/removed%s%s", s->root, channel[0] == '\0' ? "" : "/", channel);
}

static enum weft_code remove_keys(const struct block_stores *s, const char *channel,
                                  struct weft_err *e)
{
    struct bytes prefix = bytes_of(channel, strlen(channel) + 1);
    WEFT_CLEANUP(kv_batch_free) struct kv_batch *b = kv_batch_new();
    WEFT_CLEANUP(kv_iter_free) struct kv_iter *it = kv_iter_new(s->index, prefix);
    for (;;) {
        struct bytes key, value;
        bool found = false;
        WEFT_TRY(kv_iter_next(it, &found, &key, &value, e));
        if (!found || !bytes_start_with(key, prefix))
            return kv_write(s->index, b, true, e);
        kv_batch_delete(b, key);
        if (kv_batch_bytes(b) < 1 << 20)
            continue;
        WEFT_TRY(kv_write(s->index, b, true, e));
        kv_batch_clear(b);
    }
}

static enum weft_code finish_removal(const struct block_stores *s, const char *channel,
                                     struct weft_err *e)
{
    WEFT_FREE char *path = removed_path(s, channel);
    WEFT_TRY(remove_keys(s, channel, e));
    return dir_remove_tree(path, e);
}

static enum weft_code finish_removals(const struct block_stores *s, struct weft_err *e)
{
    WEFT_FREE char *path = removed_path(s, "");
    WEFT_CLEANUP(dir_list_done) struct dir_list l = { 0 };
    if (!path_is_dir(path))
        return WEFT_OK;
    WEFT_TRY(dir_list(path, &l, e));
    for (size_t i = 0; i < l.count; i++) {
        LOG_INFO(&logger, "Finishing the removal of channel [%s]", l.names[i]);
        WEFT_TRY(finish_removal(s, l.names[i], e));
    }
    return WEFT_OK;
}

enum weft_code block_stores_remove(struct block_stores *s, const char *channel, struct weft_err *e)
{
    WEFT_FREE char *from = weft_asprintf("%s/%s", s->chains, channel);
    WEFT_FREE char *to = removed_path(s, channel);
    WEFT_FREE char *above = removed_path(s, "");
    WEFT_TRY(dir_make_lasting(s->root, above, e));
    if (rename(from, to) != 0)
        return WEFT_FAIL(e, WEFT_IO, "can't move %s to %s", from, to);
    WEFT_TRY(dir_sync_parent(from, e));
    WEFT_TRY(dir_sync_parent(to, e));
    return finish_removal(s, channel, e);
}

/* ---- opening -------------------------------------------------------------------------- */

enum weft_code block_stores_open(const char *root, enum ledger_layout layout,
                                 struct block_stores **ret, struct weft_err *e)
{
    WEFT_CLEANUP(block_stores_close) struct block_stores *s = weft_alloc(sizeof(*s));
    s->kind = layout == LEDGER_PEER ? BLOCK_INDEX_PEER : BLOCK_INDEX_ORDERER;
    s->file_bytes_max = BLOCK_FILE_BYTES_MAX;
    s->root = weft_strdup(root);
    WEFT_FREE char *index = NULL;
    if (layout == LEDGER_PEER) {
        s->chains = weft_asprintf("%s/chains/chains", root);
        index = weft_asprintf("%s/chains/index", root);
        WEFT_TRY(peer_lock_take(root, &s->file_lock, e));
    } else {
        s->chains = weft_asprintf("%s/chains", root);
        index = weft_asprintf("%s/index", root);
    }
    WEFT_TRY(open_index(s, index, e));
    WEFT_TRY(dir_make_lasting(root, s->chains, e));
    WEFT_TRY(finish_removals(s, e));
    *ret = WEFT_TAKE(s);
    return WEFT_OK;
}

void block_stores_close(struct block_stores *s)
{
    if (s == NULL)
        return;
    kv_close(s->index);
    kv_close(s->file_lock);
    free(s->chains);
    free(s->root);
    free(s);
}

void block_stores_set_file_bytes(struct block_stores *s, uint64_t most)
{
    s->file_bytes_max = most;
}

enum weft_code block_stores_list(const struct block_stores *s, struct dir_list *ret,
                                 struct weft_err *e)
{
    WEFT_CLEANUP(dir_list_done) struct dir_list all = { 0 };
    struct dir_list dirs = { 0 };
    WEFT_TRY(dir_list(s->chains, &all, e));
    dirs.names = weft_alloc((all.count + 1) * sizeof(*dirs.names));
    for (size_t i = 0; i < all.count; i++) {
        WEFT_FREE char *path = weft_asprintf("%s/%s", s->chains, all.names[i]);
        if (path_is_dir(path))
            dirs.names[dirs.count++] = WEFT_TAKE(all.names[i]);
    }
    *ret = dirs;
    return WEFT_OK;
}
