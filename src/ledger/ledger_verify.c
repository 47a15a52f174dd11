#include "ledger/ledger_verify.h"

#include "ledger/block_checkpoint.h"
#include "ledger/block_record.h"
#include "ledger/commit_hash_check.h"
#include "ledger/order_key.h"
#include "ledger/slot_check.h"
#include "proto/envelope.h"

#include <inttypes.h>

enum {
    PROGRESS_BYTES = 4 << 20
};

struct verify {
    struct ledger_dir *d;
    const char *channel;
    char *dir;
    const struct ledger_verify_deps *deps;
    struct ledger_verified done;
    struct slot_check *slots;
    struct commit_hash_check *commits;
    struct block_view view;
    uint64_t reported; /* bytes at the last progress */

    struct block_index ix;
    bool has_checkpoint, has_indexed;
    struct block_checkpoint checkpoint; /* of the block files */
    uint64_t indexed;                   /* the index checkpoint */
    bool checkpoint_met;                /* a record ends where it says */
    uint64_t found;                     /* keys of the index that a block asks for */
};

/* ---- files ------------------------------------------------------------------------ */

static bool is_known_file(const char *name)
{
    static const char *const known[] = { "bootstrappingSnapshot.info", "__preResetHeight",
                                         "__backupGenesisBlockBytes" };
    if (strncmp(name, BLOCK_FILE_PREFIX, strlen(BLOCK_FILE_PREFIX)) == 0)
        return true; /* block_file_count looks at these */
    for (size_t i = 0; i < WEFT_ARRAY_LEN(known); i++)
        if (strcmp(name, known[i]) == 0)
            return true;
    return false;
}

static enum weft_code check_names(const struct verify *v, struct weft_err *e)
{
    WEFT_CLEANUP(dir_list_done) struct dir_list l = { 0 };
    WEFT_TRY(dir_list(v->dir, &l, e));
    for (size_t i = 0; i < l.count; i++)
        if (!is_known_file(l.names[i]))
            return WEFT_FAIL(e, WEFT_CORRUPT, "%s/%s is not a file of a ledger", v->dir,
                             l.names[i]);
    return WEFT_OK;
}

/* ---- one block ----------------------------------------------------------------------- */

static enum weft_code check_chain(const struct verify *v, struct weft_err *e)
{
    const struct block_view *b = &v->view;
    uint64_t want = v->done.blocks;
    if (b->number != want)
        return WEFT_FAIL(e, WEFT_CORRUPT,
                         "block [%" PRIu64 "] stands where block [%" PRIu64 "] should be",
                         b->number, want);
    struct bytes previous = want == 0 ? bytes_of(NULL, 0) : digest_bytes(&v->done.last_hash);
    if (!bytes_eq(b->previous_hash, previous))
        return WEFT_FAIL(e, WEFT_CORRUPT,
                         "block [%" PRIu64 "]: previous hash is not the hash of the "
                         "block before it",
                         want);
    struct digest data = block_data_hash(b);
    if (!bytes_eq(b->data_hash, digest_bytes(&data)))
        return WEFT_FAIL(e, WEFT_CORRUPT,
                         "block [%" PRIu64 "]: data hash is not the hash of the transactions",
                         want);
    return WEFT_OK;
}

/* The first block names its channel: a whole chain may lie in a wrong folder. */
static enum weft_code check_channel(const struct verify *v, struct weft_err *e)
{
    struct envelope_headers h;
    if (v->view.number != 0 || v->view.txs.count == 0 ||
        envelope_headers_parse(v->view.txs.at[0], &h, NULL) != WEFT_OK)
        return WEFT_OK;
    if (bytes_eq(h.channel.channel_id, bytes_of_str(v->channel)))
        return WEFT_OK;
    return WEFT_FAIL(e, WEFT_CORRUPT, "block [0] is of channel [%.*s], the folder is [%s]",
                     h.channel.channel_id.len < 250 ? (int)h.channel.channel_id.len : 250,
                     (const char *)h.channel.channel_id.data, v->channel);
}

/* Compares one key that the block asks for with what the index has. */
static enum weft_code check_entry(void *ctx, struct bytes key, struct bytes value,
                                  struct weft_err *e)
{
    struct verify *v = ctx;
    WEFT_CLEANUP(buf_done) struct buf got = { 0 };
    bool found = false;
    WEFT_TRY(kv_get(v->ix.kv, key, &found, &got, e));
    WEFT_FREE char *hex = NULL;
    if (found && bytes_eq(buf_bytes(&got), value)) {
        v->found++;
        return WEFT_OK;
    }
    if (!found && (!v->has_indexed || v->view.number > v->indexed))
        return WEFT_OK; /* a node indexes it when it starts */
    hex = bytes_to_hex(bytes_skip(key, strlen(v->channel) + 1));
    if (!found)
        return WEFT_FAIL(e, WEFT_CORRUPT, "block [%" PRIu64 "]: the index lacks the key %s",
                         v->view.number, hex);
    WEFT_FREE char *have = bytes_to_hex(buf_bytes(&got));
    WEFT_FREE char *want = bytes_to_hex(value);
    return WEFT_FAIL(e, WEFT_CORRUPT,
                     "block [%" PRIu64 "]: the index has %.100s instead of %.100s for "
                     "the key %s",
                     v->view.number, have, want, hex);
}

static enum weft_code check_block(struct verify *v, struct bytes body, const struct block_place *at,
                                  struct weft_err *e)
{
    size_t txs_at = 0;
    enum weft_code rc = block_record_parse(body, &v->view, &txs_at, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "block [%" PRIu64 "]", v->done.blocks);
    WEFT_TRY(check_chain(v, e));
    WEFT_TRY(check_channel(v, e));
    WEFT_TRY(slot_check_block(v->slots, &v->view, e));
    WEFT_TRY(commit_hash_check_block(v->commits, &v->view, e));
    if (v->deps->block != NULL)
        WEFT_TRY(v->deps->block(v->deps->ctx, &v->view, e));
    v->done.last_hash = block_header_hash(&v->view);
    if (v->ix.kv != NULL)
        WEFT_TRY(block_index_entries(
            &v->ix, &v->view, at, txs_at + (size_t)(at->body_offset - at->offset),
            &v->done.last_hash, &(struct block_index_sink){ check_entry, v }, e));
    const struct block_checkpoint *c = &v->checkpoint;
    bool here = c->file == at->file && c->size == at->end;
    /* A new file that is still empty: the last block lies in the one before. */
    bool before = c->size == 0 && c->file == at->file + 1;
    if (v->has_checkpoint && (here || before) && c->last_block == v->view.number)
        v->checkpoint_met = true;
    v->done.blocks++;
    v->done.txs += v->view.txs.count;
    v->done.bytes += at->end - at->offset;
    if (v->done.bytes - v->reported >= PROGRESS_BYTES) {
        v->reported = v->done.bytes;
        v->deps->progress(v->deps->ctx, v->done.bytes);
    }
    return WEFT_OK;
}

static enum weft_code check_blocks(struct verify *v, struct weft_err *e)
{
    WEFT_CLEANUP(block_scanner_done) struct block_scanner s = { .fd = -1 };
    enum block_scan what = BLOCK_SCAN_END;
    struct bytes body = { 0 };
    struct block_place at = { 0 };
    WEFT_TRY(block_file_count(v->dir, &v->done.files, e));
    if (v->done.files == 0)
        return WEFT_OK;
    block_scanner_init(&s, v->dir, 0, 0, v->done.files - 1);
    for (;;) {
        enum weft_code rc = block_scanner_next(&s, &what, &body, &at, e);
        if (rc == WEFT_OK && what == BLOCK_SCAN_TORN)
            rc = WEFT_FAIL(e, WEFT_CORRUPT,
                           "%s ends in the middle of it; it begins at offset %" PRIu64
                           " (a node that is running may just be writing it; what a crash left "
                           "of it is cut off when the node starts)",
                           s.path, at.offset);
        if (rc == WEFT_OK && what == BLOCK_SCAN_END)
            return WEFT_OK;
        if (rc != WEFT_OK)
            return weft_err_wrap(e, rc, "block [%" PRIu64 "]", v->done.blocks);
        rc = check_block(v, body, &at, e);
        if (rc != WEFT_OK)
            return weft_err_wrap(e, rc, "%s at offset %" PRIu64, s.path, at.offset);
        WEFT_TRY(slot_check_settle(v->slots, e)); /* may be about an earlier block */
    }
}

/* ---- the index as a whole --------------------------------------------------------------- */

/* Only some pages of its log may have come to the disk before the power failed. */
static void note_cut(const struct verify *v)
{
    if (kv_cut(v->ix.kv) == NULL)
        return;
    WEFT_FREE char *text =
        weft_asprintf("the index's %s, as after a power failure: the node drops what comes there, "
                      "and makes it again when it starts",
                      kv_cut(v->ix.kv));
    v->deps->note(v->deps->ctx, text);
}

static enum weft_code load_index(struct verify *v, struct weft_err *e)
{
    enum weft_code rc = ledger_dir_index(v->d, v->channel, &v->ix, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "the index %s can't be read", v->d->index);
    if (v->ix.kv == NULL) {
        v->deps->note(v->deps->ctx, "there is no index: only the files are checked");
        return WEFT_OK;
    }
    note_cut(v);
    WEFT_TRY(block_checkpoint_load(&v->ix, &v->has_checkpoint, &v->checkpoint, e));
    WEFT_TRY(block_index_checkpoint(&v->ix, &v->has_indexed, &v->indexed, e));
    if (!v->has_checkpoint)
        v->deps->note(v->deps->ctx,
                      "the index does not know this channel: the node builds it when it starts");
    return WEFT_OK;
}

static enum weft_code check_format(const struct verify *v, struct weft_err *e)
{
    WEFT_CLEANUP(kv_iter_free) struct kv_iter *it = kv_iter_new(v->ix.kv, bytes_of(NULL, 0));
    static const uint8_t key[] = { '_', 0, 'f' };
    WEFT_CLEANUP(buf_done) struct buf value = { 0 };
    bool found = false;
    const char *want = block_index_format(v->ix.kind);
    struct bytes first, of_first;
    WEFT_TRY(kv_iter_next(it, &found, &first, &of_first, e));
    if (!found)
        return WEFT_OK; /* a new one: the node marks it */
    WEFT_TRY(kv_get(v->ix.kv, bytes_of(key, sizeof(key)), &found, &value, e));
    if (!bytes_eq(buf_bytes(&value), bytes_of_str(want)))
        return WEFT_FAIL(e, WEFT_CORRUPT, "the index has another format than [%s]", want);
    return WEFT_OK;
}

/* The block that a key of the index is about; false where the key does not say. */
static bool block_of_key(struct bytes key, uint64_t *ret)
{
    struct bytes tx_id;
    uint64_t tx = 0;
    if (tx_id_key_parse(key, &tx_id, ret, &tx))
        return true;
    if (key.len == 0 || (key.data[0] != 'n' && key.data[0] != 'a'))
        return false;
    key = bytes_skip(key, 1);
    return order_key_take(&key, ret);
}

/* Says which key it is, if it is about a block that there is not. */
static enum weft_code check_key(const struct verify *v, struct bytes key, struct weft_err *e)
{
    uint64_t block = 0;
    if (!block_of_key(key, &block) || block < v->done.blocks)
        return WEFT_OK;
    WEFT_FREE char *hex = bytes_to_hex(key);
    return WEFT_FAIL(e, WEFT_CORRUPT,
                     "block [%" PRIu64
                     "]: the index has the key %.200s, but there are only %" PRIu64 " blocks",
                     block, hex, v->done.blocks);
}

/* Nothing may be in the index that no block asked for. */
static enum weft_code check_no_more(struct verify *v, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf prefix = { 0 };
    block_index_key(&v->ix, bytes_of(NULL, 0), &prefix);
    WEFT_CLEANUP(kv_iter_free) struct kv_iter *it = kv_iter_new(v->ix.kv, buf_bytes(&prefix));
    uint64_t own = (v->has_checkpoint ? 1U : 0U) + (v->has_indexed ? 1U : 0U), count = 0;
    struct bytes key, value;
    bool found = false;
    for (;; count++) {
        WEFT_TRY(kv_iter_next(it, &found, &key, &value, e));
        if (!found || !bytes_start_with(key, buf_bytes(&prefix)))
            break;
        WEFT_TRY(check_key(v, bytes_skip(key, prefix.len), e));
    }
    if (count != v->found + own)
        return WEFT_FAIL(e, WEFT_CORRUPT,
                         "the index has %" PRIu64 " keys, %" PRIu64
                         " more than blocks [0] to [%" PRIu64 "] ask for",
                         count, count - v->found - own, v->done.blocks - 1);
    v->done.index_entries = count;
    return WEFT_OK;
}

/* A node that was killed may have left an index that lags behind. */
static void note_lag(const struct verify *v)
{
    bool behind = !v->has_indexed || v->indexed + 1 < v->done.blocks || v->checkpoint.empty ||
                  v->checkpoint.last_block + 1 < v->done.blocks;
    if (v->has_checkpoint && v->done.blocks > 0 && behind)
        v->deps->note(v->deps->ctx, "the index is behind the files, as after a kill: the node "
                                    "brings it up to them when it starts");
}

static enum weft_code check_index(struct verify *v, struct weft_err *e)
{
    if (v->ix.kv == NULL)
        return WEFT_OK;
    WEFT_TRY(check_format(v, e));
    const struct block_checkpoint *c = &v->checkpoint;
    bool met = c->empty ? c->size == 0 && c->file == 0 : v->checkpoint_met;
    if (v->has_checkpoint && !met)
        return WEFT_FAIL(e, WEFT_CORRUPT,
                         "the index says that block [%" PRIu64 "] ends at byte %" PRIu64
                         " of file %" PRIu64 ", but no block ends there; the files hold %" PRIu64
                         " blocks",
                         c->last_block, c->size, c->file, v->done.blocks);
    if (v->has_indexed && v->indexed >= v->done.blocks)
        return WEFT_FAIL(e, WEFT_CORRUPT,
                         "block [%" PRIu64 "] is in the index, the files hold %" PRIu64 " blocks",
                         v->indexed, v->done.blocks);
    note_lag(v);
    return check_no_more(v, e);
}

/* ---- all of it ---------------------------------------------------------------------------- */

static void note_unsure(const struct verify *v)
{
    uint64_t skipped = commit_hash_check_skipped(v->commits);
    uint64_t not_signed = slot_check_unsigned(v->slots);
    WEFT_FREE char *text = NULL;
    if (skipped > 0) {
        text = weft_asprintf("%" PRIu64 " commit hashes could not be computed without the state "
                             "database",
                             skipped);
        v->deps->note(v->deps->ctx, text);
        free(WEFT_TAKE(text));
    }
    if (not_signed > 0) {
        text = weft_asprintf("%" PRIu64 " blocks carry no orderer's signature", not_signed);
        v->deps->note(v->deps->ctx, text);
    }
}

static enum weft_code verify_all(struct verify *v, struct weft_err *e)
{
    WEFT_TRY(check_names(v, e));
    WEFT_TRY(load_index(v, e));
    WEFT_TRY(check_blocks(v, e));
    WEFT_TRY(slot_check_end(v->slots, e));
    v->done.signatures = slot_check_signatures(v->slots);
    v->done.commit_hashes = commit_hash_check_matched(v->commits);
    WEFT_TRY(check_index(v, e));
    note_unsure(v);
    return WEFT_OK;
}

enum weft_code ledger_verify(struct ledger_dir *d, const char *channel,
                             const struct ledger_verify_deps *deps, struct ledger_verified *ret,
                             struct weft_err *e)
{
    struct verify v = { .d = d, .channel = channel, .deps = deps };
    v.dir = weft_asprintf("%s/%s", d->chains, channel);
    v.slots = slot_check_new(d->layout);
    if (deps->block != NULL)
        slot_check_leave_signatures(v.slots);
    v.commits = commit_hash_check_new();
    enum weft_code rc = verify_all(&v, e);
    if (rc == WEFT_OK)
        *ret = v.done;
    slot_check_free(v.slots);
    commit_hash_check_free(v.commits);
    block_view_done(&v.view);
    free(v.dir);
    return rc == WEFT_OK ? rc : weft_err_wrap(e, rc, "channel [%s]", channel);
}
