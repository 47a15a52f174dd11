#include "sim/store_story.h"

#include "ledger/block_record.h"
#include "proto/envelope.h"
#include "sim/disk.h"

#include <inttypes.h>

void story_init(struct story *s, enum ledger_layout layout, uint64_t seed)
{
    *s = (struct story){ .layout = layout };
    chain_init(&s->chain, "ch", seed);
    for (size_t i = 0; i < STORY_BLOCKS + STORY_SPARE; i++)
        (void)chain_next(&s->chain, i == 0 ? 1 : 1 + i % 3, 40 + (i * i * 37) % 900);
}

void story_done(struct story *s)
{
    chain_done(&s->chain);
}

/* ---- playing --------------------------------------------------------------------- */

/* The blocks before each number are appended in one way. */
static const struct scene {
    uint64_t up_to;
    bool group;       /* LATER, and one sync at the end */
    bool open_before; /* closes and opens again first */
} scenes[] = {
    { 5, false, true },  { 9, true, false },   { 13, false, false }, { 14, true, true },
    { 19, true, false }, { 22, false, false }, { 27, true, true },   { 30, false, false },
};

struct stage {
    const struct story *story;
    struct story *playing; /* the same, while it is played */
    const char *dir;
    struct block_stores *stores;
    struct block_store *bs;
    uint64_t next;
};

static void mark(const struct stage *st, uint64_t tried)
{
    st->playing->announced = block_store_height(st->bs);
    st->playing->tried = tried;
    disk_mark(st->playing->announced | tried << 32);
}

static void close_store(struct stage *st)
{
    block_store_close(WEFT_TAKE(st->bs));
    block_stores_close(WEFT_TAKE(st->stores));
}

static enum weft_code open_store(struct stage *st, struct weft_err *e)
{
    close_store(st);
    WEFT_TRY(block_stores_open(st->dir, st->story->layout, &st->stores, e));
    block_stores_set_file_bytes(st->stores, STORY_FILE_BYTES);
    return block_store_open(st->stores, "ch", &st->bs, e);
}

/* A peer's new file, as who does a flush on two threads begins it. */
static enum weft_code flush_in_parts(struct stage *st, uint64_t next_bytes, struct weft_err *e)
{
    bool any = false;
    WEFT_TRY(block_store_flush_begin(st->bs, next_bytes, &any, e));
    enum weft_code rc = block_store_flush_file(st->bs, e);
    if (rc == WEFT_OK)
        rc = block_store_flush_index(st->bs, e);
    bool is_done = rc == WEFT_OK;
    if (is_done)
        rc = block_store_flush_tables(st->bs, e);
    block_store_flush_end(st->bs, is_done);
    if (rc == WEFT_OK)
        block_store_announce(st->bs);
    return rc;
}

static enum weft_code play_scene(struct stage *st, const struct scene *scene, struct weft_err *e)
{
    if (scene->open_before)
        WEFT_TRY(open_store(st, e));
    for (; st->next < scene->up_to; st->next++) {
        const struct block_view *v = &st->story->chain.blocks[st->next]->v;
        uint64_t len = block_record_len(v);
        if (scene->group && st->story->layout == LEDGER_PEER &&
            !block_store_has_room(st->bs, len)) {
            WEFT_TRY(flush_in_parts(st, len, e));
            mark(st, st->next);
        }
        mark(st, st->next + 1);
        WEFT_TRY(block_store_append(st->bs, v,
                                    scene->group ? BLOCK_APPEND_LATER : BLOCK_APPEND_SYNC, e));
        mark(st, st->next + 1);
    }
    if (scene->group)
        WEFT_TRY(block_store_sync(st->bs, e));
    mark(st, st->next);
    return WEFT_OK;
}

enum weft_code story_play(struct story *s, const char *dir, struct weft_err *e)
{
    struct stage st = { .story = s, .playing = s, .dir = dir };
    s->announced = s->tried = 0;
    enum weft_code rc = WEFT_OK;
    for (size_t i = 0; i < WEFT_ARRAY_LEN(scenes) && rc == WEFT_OK; i++)
        rc = play_scene(&st, &scenes[i], e);
    close_store(&st);
    return rc;
}

/* ---- checking ---------------------------------------------------------------------- */

static enum weft_code same_block(const struct story *s, uint64_t n, const struct block *b,
                                 const char *how, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf want = { 0 };
    WEFT_CLEANUP(buf_done) struct buf got = { 0 };
    block_encode(&s->chain.blocks[n]->v, &want);
    block_encode(&b->v, &got);
    if (!bytes_eq(buf_bytes(&want), buf_bytes(&got)))
        return WEFT_FAIL(e, WEFT_INVALID, "block [%" PRIu64 "] read by %s is another one", n, how);
    return WEFT_OK;
}

static enum weft_code check_tx(const struct story *s, struct block_store *bs, uint64_t n, size_t tx,
                               struct weft_err *e)
{
    const struct block_view *want = &s->chain.blocks[n]->v;
    WEFT_CLEANUP(buf_done) struct buf by_place = { 0 };
    WEFT_CLEANUP(buf_done) struct buf by_id = { 0 };
    WEFT_CLEANUP(block_unref) struct block *b = NULL;
    int32_t code = -1;
    char id[TX_ID_LEN + 1];
    chain_tx_id(&s->chain, n, tx, id);
    WEFT_TRY(block_store_read_tx(bs, n, tx, &by_place, e));
    WEFT_TRY(block_store_read_tx_by_id(bs, bytes_of_str(id), &by_id, e));
    WEFT_TRY(block_store_read_by_tx_id(bs, bytes_of_str(id), &b, e));
    WEFT_TRY(block_store_validation_code(bs, bytes_of_str(id), &code, e));
    if (!bytes_eq(buf_bytes(&by_place), want->txs.at[tx]) ||
        !bytes_eq(buf_bytes(&by_id), want->txs.at[tx]) ||
        code != block_slot(want, BLOCK_SLOT_FLAGS).data[tx])
        return WEFT_FAIL(e, WEFT_INVALID, "transaction [%zu] of block [%" PRIu64 "] is another one",
                         tx, n);
    return same_block(s, n, b, "transaction id", e);
}

static enum weft_code check_keys(const struct story *s, struct block_store *bs, uint64_t n,
                                 struct weft_err *e)
{
    const struct block_view *want = &s->chain.blocks[n]->v;
    WEFT_CLEANUP(block_unref) struct block *by_number = NULL;
    WEFT_CLEANUP(block_unref) struct block *by_hash = NULL;
    struct digest hash = block_header_hash(want);
    WEFT_TRY(block_store_read(bs, n, &by_number, e));
    WEFT_TRY(same_block(s, n, by_number, "number", e));
    if (s->layout == LEDGER_ORDERER)
        return WEFT_OK;
    WEFT_TRY(block_store_read_by_hash(bs, digest_bytes(&hash), &by_hash, e));
    WEFT_TRY(same_block(s, n, by_hash, "hash", e));
    for (size_t tx = 0; tx < want->txs.count; tx++)
        WEFT_TRY(check_tx(s, bs, n, tx, e));
    return WEFT_OK;
}

static enum weft_code check_iterator(const struct story *s, struct block_store *bs,
                                     struct weft_err *e)
{
    WEFT_CLEANUP(block_iter_free) struct block_iter *it = block_iter_new(bs, 0);
    uint64_t height = block_store_height(bs);
    for (uint64_t n = 0; n <= height; n++) {
        WEFT_CLEANUP(block_unref) struct block *b = NULL;
        WEFT_TRY(block_iter_next(it, &b, e));
        if ((b == NULL) != (n == height))
            return WEFT_FAIL(e, WEFT_INVALID, "the iterator ends at block [%" PRIu64 "]", n);
        if (b != NULL)
            WEFT_TRY(same_block(s, n, b, "iterator", e));
    }
    return WEFT_OK;
}

enum weft_code story_check_blocks(const struct story *s, struct block_store *bs, struct weft_err *e)
{
    uint64_t height = block_store_height(bs);
    struct block_store_info info;
    for (uint64_t n = 0; n < height; n++) {
        enum weft_code rc = check_keys(s, bs, n, e);
        if (rc != WEFT_OK)
            return weft_err_wrap(e, rc, "block [%" PRIu64 "]", n);
    }
    block_store_info(bs, &info);
    if (height > 0) {
        struct digest want = block_header_hash(&s->chain.blocks[height - 1]->v);
        if (!bytes_eq(digest_bytes(&info.current_hash), digest_bytes(&want)))
            return WEFT_FAIL(e, WEFT_INVALID, "the current hash is not the last block's");
    }
    return check_iterator(s, bs, e);
}

static enum weft_code check_open(const struct story *s, struct block_store *bs, uint64_t announced,
                                 uint64_t tried, uint64_t *ret_height, struct weft_err *e)
{
    uint64_t height = block_store_height(bs);
    *ret_height = height;
    if (height < announced || height > tried)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "height %" PRIu64 ", %" PRIu64 " blocks were announced and %" PRIu64
                         " appended",
                         height, announced, tried);
    WEFT_TRY(story_check_blocks(s, bs, e));
    WEFT_TRY(block_store_append(bs, &s->chain.blocks[height]->v, BLOCK_APPEND_SYNC, e));
    return check_keys(s, bs, height, e);
}

enum weft_code story_check(const struct story *s, const char *dir, uint64_t announced,
                           uint64_t tried, uint64_t *ret_height, struct weft_err *e)
{
    struct stage st = { .story = s, .dir = dir };
    enum weft_code rc = open_store(&st, e);
    if (rc != WEFT_OK)
        rc = weft_err_wrap(e, rc, "it does not open");
    else
        rc = check_open(s, st.bs, announced, tried, ret_height, e);
    close_store(&st);
    return rc;
}

enum weft_code story_reopen(const struct story *s, const char *dir, uint64_t *ret_height,
                            struct weft_err *e)
{
    struct stage st = { .story = s, .dir = dir };
    enum weft_code rc = open_store(&st, e);
    if (rc == WEFT_OK) {
        *ret_height = block_store_height(st.bs);
        disk_mark(*ret_height | *ret_height << 32);
    }
    close_store(&st);
    return rc;
}
