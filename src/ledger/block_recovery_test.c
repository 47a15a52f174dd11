#include "ledger/block_recovery.h"

#include "chain.h"
#include "ledger/block_record.h"
#include "ledger/block_store.h"
#include "ledger/order_key.h"
#include "os/dirs.h"
#include "os/file.h"
#include "weft_test.h"

#include <fcntl.h>
#include <unistd.h>

enum {
    BLOCKS = 12,
    FILE_BYTES = 5000,
};

/* A peer's store, closed, that is spoilt and opened again. */
struct world {
    char *dir, *index, *channel;
    struct chain chain;
    struct block_stores *stores;
    struct block_store *bs;
};

static enum weft_code open_world(struct world *w, struct weft_err *e)
{
    WEFT_TRY(block_stores_open(w->dir, LEDGER_PEER, &w->stores, e));
    block_stores_set_file_bytes(w->stores, FILE_BYTES);
    return block_store_open(w->stores, "ch", &w->bs, e);
}

static void close_world(struct world *w)
{
    block_store_close(WEFT_TAKE(w->bs));
    block_stores_close(WEFT_TAKE(w->stores));
}

static void append(struct world *w, size_t blocks)
{
    struct weft_err e = { 0 };
    EXPECT_OK(open_world(w, &e));
    for (size_t i = 0; i < blocks; i++)
        EXPECT_OK(
            block_store_append(w->bs, &chain_next(&w->chain, 2, 300)->v, BLOCK_APPEND_SYNC, &e));
    close_world(w);
}

static void start_world(struct world *w)
{
    *w = (struct world){ .dir = weft_test_fast_dir() };
    w->index = weft_asprintf("%s/chains/index", w->dir);
    w->channel = weft_asprintf("%s/chains/chains/ch", w->dir);
    chain_init(&w->chain, "ch", 11);
}

static void end_world(struct world *w)
{
    close_world(w);
    chain_done(&w->chain);
    free(w->dir);
    free(w->index);
    free(w->channel);
}

/* Every block by number and by its last transaction. */
static enum weft_code look_up_all(struct world *w, struct weft_err *e)
{
    for (uint64_t n = 0; n < block_store_height(w->bs); n++) {
        WEFT_CLEANUP(block_unref) struct block *b = NULL;
        WEFT_CLEANUP(block_unref) struct block *by_id = NULL;
        char id[65];
        chain_tx_id(&w->chain, n, 1, id);
        WEFT_TRY(block_store_read(w->bs, n, &b, e));
        chain_expect(&w->chain, n, &b->v);
        WEFT_TRY(block_store_read_by_tx_id(w->bs, bytes_of_str(id), &by_id, e));
        chain_expect(&w->chain, n, &by_id->v);
    }
    return WEFT_OK;
}

/* It opens with so many blocks, has them all, and goes on. */
static void opens_with(struct world *w, uint64_t height)
{
    struct weft_err e = { 0 };
    EXPECT_OK(open_world(w, &e));
    EXPECT_EQ(block_store_height(w->bs), height);
    EXPECT_OK(look_up_all(w, &e));
    if (height < w->chain.count) {
        const struct block *next = w->chain.blocks[height];
        EXPECT_OK(block_store_append(w->bs, &next->v, BLOCK_APPEND_SYNC, &e));
        EXPECT_OK(look_up_all(w, &e));
    }
    close_world(w);
}

static void refused(struct world *w, const char *words)
{
    struct weft_err e = { 0 };
    EXPECT_CODE(open_world(w, &e), WEFT_CORRUPT);
    EXPECT_WORDS(e, words);
    close_world(w);
}

/* ---- files --------------------------------------------------------------------------- */

static struct buf read_number(const struct world *w, uint64_t number)
{
    WEFT_FREE char *path = block_file_path(w->channel, number);
    return weft_test_read(path);
}

static void write_number(const struct world *w, uint64_t number, struct bytes b)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *path = block_file_path(w->channel, number);
    EXPECT_OK(file_write_atomic(path, b, 0644, &e));
}

static uint64_t newest(const struct world *w)
{
    struct weft_err e = { 0 };
    uint64_t files = 0;
    EXPECT_OK(block_file_count(w->channel, &files, &e));
    return files - 1;
}

static void add_tail(const struct world *w, struct bytes tail)
{
    uint64_t number = newest(w);
    WEFT_CLEANUP(buf_done) struct buf b = read_number(w, number);
    buf_put(&b, tail);
    write_number(w, number, buf_bytes(&b));
}

static void copy_dir(const char *from, const char *to)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(dir_list_done) struct dir_list l = { 0 };
    EXPECT_OK(dir_remove_tree(to, &e));
    EXPECT_OK(dir_make(to, &e));
    EXPECT_OK(dir_list(from, &l, &e));
    for (size_t i = 0; i < l.count; i++) {
        WEFT_FREE char *a = weft_asprintf("%s/%s", from, l.names[i]);
        WEFT_FREE char *b = weft_asprintf("%s/%s", to, l.names[i]);
        WEFT_CLEANUP(buf_done) struct buf content = weft_test_read(a);
        EXPECT_OK(file_write_atomic(b, buf_bytes(&content), 0644, &e));
    }
}

static void drop_index(const struct world *w)
{
    struct weft_err e = { 0 };
    EXPECT_OK(dir_remove_tree(w->index, &e));
}

/* Blocks up to BLOCKS, and the index as it was at `indexed`. */
static void start_behind(struct world *w, size_t indexed)
{
    start_world(w);
    append(w, indexed);
    WEFT_FREE char *kept = weft_asprintf("%s/kept", w->dir);
    copy_dir(w->index, kept);
    append(w, BLOCKS - indexed);
    copy_dir(kept, w->index);
}

/* Where the n-th record lies. */
static struct block_place place_of(const struct world *w, uint64_t n)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(block_scanner_done) struct block_scanner s;
    struct block_place place = { 0 };
    block_scanner_init(&s, w->channel, 0, 0, newest(w));
    for (uint64_t i = 0; i <= n; i++) {
        enum block_scan what = BLOCK_SCAN_END;
        struct bytes body;
        EXPECT_OK(block_scanner_next(&s, &what, &body, &place, &e));
        EXPECT_EQ(what, BLOCK_SCAN_RECORD);
    }
    return place;
}

/* Changes a byte of the n-th record, counted from its length. */
static void spoil(const struct world *w, uint64_t n, uint64_t at, uint8_t with)
{
    struct block_place p = place_of(w, n);
    WEFT_CLEANUP(buf_done) struct buf b = read_number(w, p.file);
    b.data[p.offset + at] ^= with;
    write_number(w, p.file, buf_bytes(&b));
}

/* ---- the index is behind, gone, or damaged ------------------------------------------------ */

TEST(an_index_that_is_behind_is_brought_up_to_the_files)
{
    for (size_t indexed = 1; indexed < BLOCKS; indexed += 5) {
        struct world w;
        start_behind(&w, indexed);
        EXPECT(newest(&w) >= 2);
        opens_with(&w, BLOCKS);
        end_world(&w);
    }
}

TEST(an_index_that_is_gone_is_built_again)
{
    struct world w;
    start_world(&w);
    append(&w, BLOCKS);
    drop_index(&w);
    opens_with(&w, BLOCKS);
    opens_with(&w, BLOCKS);
    end_world(&w);
}

/* A byte of every file of the index at many places.  What the opening does not
 * read shows at a lookup; then the next opening builds the index again. */
TEST(a_damaged_index_is_built_again)
{
    struct weft_err e = { 0 };
    struct world w;
    start_world(&w);
    append(&w, BLOCKS);
    WEFT_FREE char *kept = weft_asprintf("%s/kept", w.dir);
    copy_dir(w.index, kept);
    WEFT_CLEANUP(dir_list_done) struct dir_list l = { 0 };
    EXPECT_OK(dir_list(kept, &l, &e));
    size_t later = 0;
    for (size_t i = 0; i < l.count; i++) {
        WEFT_FREE char *from = weft_asprintf("%s/%s", kept, l.names[i]);
        WEFT_FREE char *to = weft_asprintf("%s/%s", w.index, l.names[i]);
        WEFT_CLEANUP(buf_done) struct buf b = weft_test_read(from);
        for (size_t at = 0; at < b.len; at += 1 + b.len / 13) {
            copy_dir(kept, w.index);
            b.data[at] ^= 0x10;
            EXPECT_OK(file_write_atomic(to, buf_bytes(&b), 0644, &e));
            b.data[at] ^= 0x10;
            enum weft_code rc = open_world(&w, &e);
            rc = rc == WEFT_OK ? look_up_all(&w, &e) : rc;
            close_world(&w);
            if (rc != WEFT_OK)
                later++;
            opens_with(&w, BLOCKS);
        }
    }
    print_message("%zu of the damages showed after the opening\n", later);
    end_world(&w);
}

static void put_index(const struct world *w, uint64_t last_indexed)
{
    struct weft_err e = { 0 };
    struct kv *kv = NULL;
    WEFT_CLEANUP(kv_batch_free) struct kv_batch *b = kv_batch_new();
    EXPECT_OK(kv_open(w->index, "2.0", &kv, &e));
    struct block_index ix = { kv, "ch", BLOCK_INDEX_PEER };
    block_index_put_checkpoint(&ix, b, last_indexed);
    EXPECT_OK(kv_write(kv, b, false, &e));
    kv_close(kv);
}

TEST(an_index_that_claims_blocks_it_does_not_have_is_built_again)
{
    struct world w;
    start_world(&w);
    append(&w, BLOCKS);
    put_index(&w, 99);
    opens_with(&w, BLOCKS);
    end_world(&w);
}

TEST(a_checkpoint_that_is_no_checkpoint_is_built_again)
{
    struct weft_err e = { 0 };
    struct world w;
    struct kv *kv = NULL;
    start_world(&w);
    append(&w, BLOCKS);
    EXPECT_OK(kv_open(w.index, "2.0", &kv, &e));
    WEFT_CLEANUP(kv_batch_free) struct kv_batch *b = kv_batch_new();
    kv_batch_put(b, bytes_of("ch\0blkMgrInfo", 13), bytes_of_str("?"));
    EXPECT_OK(kv_write(kv, b, false, &e));
    kv_close(kv);
    opens_with(&w, BLOCKS);
    end_world(&w);
}

/* Ends the files behind a block as a Go peer's rollback does after a kill: it takes from the index
 * what lies before the index checkpoint, `taken` blocks, and moves the checkpoints. */
static void roll_back(const struct world *w, uint64_t last, uint64_t taken)
{
    struct weft_err e = { 0 };
    struct kv *kv = NULL;
    WEFT_CLEANUP(kv_batch_free) struct kv_batch *b = kv_batch_new();
    struct block_place end = place_of(w, last);
    for (uint64_t f = end.file + 1, files = newest(w); f <= files; f++) {
        WEFT_FREE char *path = block_file_path(w->channel, f);
        EXPECT_EQ(unlink(path), 0);
    }
    WEFT_FREE char *path = block_file_path(w->channel, end.file);
    EXPECT_EQ(truncate(path, (off_t)end.end), 0);
    const struct block_checkpoint checkpoint = { end.file, end.end, last, false };
    EXPECT_OK(kv_open(w->index, "2.0", &kv, &e));
    struct block_index ix = { kv, "ch", BLOCK_INDEX_PEER };
    block_checkpoint_put(&ix, b, &checkpoint);
    block_index_put_checkpoint(&ix, b, last);
    for (uint64_t n = last + 1; n <= last + taken; n++) {
        WEFT_CLEANUP(buf_done) struct buf key = { 0 };
        buf_put_u8(&key, 'n');
        order_key_put(&key, n);
        WEFT_CLEANUP(buf_done) struct buf whole = { 0 };
        block_index_key(&ix, buf_bytes(&key), &whole);
        kv_batch_delete(b, buf_bytes(&whole));
    }
    EXPECT_OK(kv_write(kv, b, true, &e));
    kv_close(kv);
}

TEST(an_index_that_knows_of_blocks_behind_the_end_is_built_again)
{
    for (uint64_t taken = 0; taken < 3; taken++) {
        struct weft_err e = { 0 };
        struct world w;
        char id[65];
        bool has = true;
        start_world(&w);
        append(&w, BLOCKS);
        roll_back(&w, 4, taken);
        EXPECT_OK(open_world(&w, &e));
        EXPECT_EQ(block_store_height(w.bs), 5);
        for (uint64_t n = 5; n < BLOCKS; n++) {
            chain_tx_id(&w.chain, n, 1, id);
            EXPECT_OK(block_store_has_tx_id(w.bs, bytes_of_str(id), &has, &e));
            EXPECT(!has);
        }
        close_world(&w);
        opens_with(&w, 5);
        end_world(&w);
    }
}

/* ---- tails ---------------------------------------------------------------------------------- */

/* Part of the next record, of every length or so, with and without the index. */
TEST(a_torn_tail_is_cut_off)
{
    WEFT_CLEANUP(buf_done) struct buf record = { 0 };
    struct world w;
    size_t txs_at = 0;
    start_world(&w);
    append(&w, BLOCKS);
    block_record_encode(&chain_next(&w.chain, 2, 300)->v, &record, &txs_at);
    WEFT_FREE char *kept = weft_asprintf("%s/kept", w.dir);
    copy_dir(w.channel, kept);
    for (size_t n = 1; n < record.len; n += n < 5 ? 1 : 97)
        for (int with_index = 0; with_index < 2; with_index++) {
            copy_dir(kept, w.channel);
            drop_index(&w);
            if (with_index) {
                struct weft_err e = { 0 };
                EXPECT_OK(open_world(&w, &e));
                close_world(&w);
            }
            add_tail(&w, bytes_of(record.data, n));
            opens_with(&w, BLOCKS);
        }
    end_world(&w);
}

TEST(a_tail_of_zeros_is_cut_off)
{
    static const uint8_t zeros[9000];
    static const size_t lens[] = { 1, 3, 8, 9000 };
    for (size_t i = 0; i < 2 * WEFT_ARRAY_LEN(lens); i++) {
        struct world w;
        start_world(&w);
        append(&w, BLOCKS);
        add_tail(&w, bytes_of(zeros, lens[i / 2]));
        if (i % 2 == 1)
            drop_index(&w);
        opens_with(&w, BLOCKS);
        end_world(&w);
    }
}

TEST(garbage_behind_the_checkpoint_is_cut_off_but_not_without_one)
{
    static const char *const tails[] = { "\x02zz", "\xff\xff\xff\xff\xff\xff\xff\xff\xff",
                                         "\x05zzzzz\x03zzz" };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(tails); i++) {
        struct world w;
        start_world(&w);
        append(&w, BLOCKS);
        add_tail(&w, bytes_of_str(tails[i]));
        opens_with(&w, BLOCKS);
        add_tail(&w, bytes_of_str(tails[i]));
        drop_index(&w);
        refused(&w, "is damaged at offset");
        end_world(&w);
    }
}

/* What a crash leaves of an index that is written to: the last record of the log is not right.
 * All that was announced is in front of it. */
TEST(an_index_with_a_torn_log_still_tells_what_was_announced)
{
    struct weft_err e = { 0 };
    struct world w;
    WEFT_CLEANUP(dir_list_done) struct dir_list l = { 0 };
    start_world(&w);
    append(&w, BLOCKS);
    EXPECT_OK(dir_list(w.index, &l, &e));
    for (size_t i = 0; i < l.count; i++) {
        if (strstr(l.names[i], ".log") == NULL)
            continue;
        WEFT_FREE char *path = weft_asprintf("%s/%s", w.index, l.names[i]);
        WEFT_CLEANUP(buf_done) struct buf log = weft_test_read(path);
        buf_put(&log, bytes_of("crc!\x08\x00\x01 half a record", 21));
        EXPECT_OK(file_write_atomic(path, buf_bytes(&log), 0644, &e));
    }
    add_tail(&w, bytes_of_str("\x02zz")); /* which without the checkpoint is refused */
    opens_with(&w, BLOCKS);
    end_world(&w);
}

/* A group of blocks was on its way when the power went: of the first one a page is missing, the
 * one behind it is whole.  The piece of the page is a few zeros long, or many. */
TEST(a_hole_in_a_group_that_was_never_announced_is_cut_off)
{
    static const size_t pieces[] = { 1, 5, 14, 16, 300 };
    for (size_t i = 0; i < 2 * WEFT_ARRAY_LEN(pieces); i++) {
        struct weft_err e = { 0 };
        struct world w;
        size_t txs_at = 0, piece = pieces[i / 2];
        WEFT_CLEANUP(buf_done) struct buf record = { 0 };
        start_world(&w);
        block_record_encode(&chain_next(&w.chain, 2, 1000)->v, &record, &txs_at);
        size_t rest = record.len - 2000, first = (4096 - piece - rest) / 2;
        chain_done(&w.chain);
        chain_init(&w.chain, "ch", 11);
        EXPECT_OK(open_world(&w, &e));
        EXPECT_OK(
            block_store_append(w.bs, &chain_next(&w.chain, 2, first)->v, BLOCK_APPEND_SYNC, &e));
        close_world(&w);
        WEFT_FREE char *kept = weft_asprintf("%s/kept", w.dir);
        copy_dir(w.index, kept);
        EXPECT_OK(open_world(&w, &e));
        block_stores_set_file_bytes(w.stores, BLOCK_FILE_BYTES_MAX);
        block_store_close(WEFT_TAKE(w.bs));
        EXPECT_OK(block_store_open(w.stores, "ch", &w.bs, &e));
        for (size_t n = 0; n < 2; n++)
            EXPECT_OK(
                block_store_append(w.bs, &chain_next(&w.chain, 2, 70)->v, BLOCK_APPEND_LATER, &e));
        EXPECT_OK(block_store_sync(w.bs, &e));
        close_world(&w);
        struct block_place hole = place_of(&w, 1);
        EXPECT(hole.offset == 4096 - piece || hole.offset == 4096 - piece - 1);
        WEFT_CLEANUP(buf_done) struct buf b = read_number(&w, 0);
        memset(b.data + hole.offset, 0, 4096 - hole.offset);
        write_number(&w, 0, buf_bytes(&b));
        if (i % 2 == 0) {
            copy_dir(kept, w.index);
            opens_with(&w, 1);
        } else {
            drop_index(&w);
            refused(&w, "is damaged at offset");
        }
        end_world(&w);
    }
}

/* A crash right after the first write to a new file. */
TEST(a_torn_record_at_the_beginning_of_a_new_file_is_cut_off)
{
    for (int with_index = 0; with_index < 2; with_index++) {
        struct world w;
        start_world(&w);
        append(&w, BLOCKS);
        write_number(&w, newest(&w) + 1, bytes_of_str("\x90\x05torn"));
        if (with_index == 0)
            drop_index(&w);
        opens_with(&w, BLOCKS);
        append(&w, 5);
        opens_with(&w, BLOCKS + 5);
        end_world(&w);
    }
}

/* ---- damage that no crash does ------------------------------------------------------------------ */

/* A byte of the last but one block, behind the checkpoint or without one: its
 * length, number, a hash, its data. */
TEST(a_bad_record_with_a_good_one_behind_it_is_refused)
{
    static const struct {
        uint64_t at;
        uint8_t with;
    } spoilt[] = { { 0, 0x01 }, { 1, 0x10 },  { 1, 0x80 },  { 2, 0x01 },
                   { 5, 0x01 }, { 40, 0x01 }, { 200, 0x01 } };
    for (size_t i = 0; i < 2 * WEFT_ARRAY_LEN(spoilt); i++) {
        struct world w;
        start_behind(&w, 4);
        if (i % 2 == 1)
            drop_index(&w);
        uint64_t n = BLOCKS - 2;
        EXPECT_EQ(place_of(&w, n).file, newest(&w));
        EXPECT_EQ(place_of(&w, n + 1).file, newest(&w));
        spoil(&w, n, spoilt[i / 2].at, spoilt[i / 2].with);
        refused(&w, "is damaged at offset");
        refused(&w, "restore the file from a backup or another node");
        end_world(&w);
    }
}

TEST(damage_in_an_older_file_is_refused)
{
    struct world w;
    start_behind(&w, 1);
    uint64_t n = 1;
    while (place_of(&w, n).file == place_of(&w, n + 1).file)
        n++; /* the last one of its file */
    spoil(&w, n, 200, 1);
    refused(&w, "blockfile_00000");
    end_world(&w);
}

TEST(a_file_that_is_shorter_than_it_was_is_refused)
{
    struct world w;
    start_world(&w);
    append(&w, BLOCKS);
    WEFT_CLEANUP(buf_done) struct buf b = read_number(&w, newest(&w));
    write_number(&w, newest(&w), bytes_of(b.data, b.len - 1));
    refused(&w, "bytes, ");
    refused(&w, "or remove the index to go on with what is left");
    drop_index(&w); /* as it says */
    opens_with(&w, BLOCKS - 1);
    end_world(&w);
}

TEST(a_file_that_is_missing_is_refused)
{
    for (int last = 0; last < 2; last++) {
        struct world w;
        start_world(&w);
        append(&w, BLOCKS);
        WEFT_FREE char *path = block_file_path(w.channel, last ? newest(&w) : 1);
        EXPECT_EQ(unlink(path), 0);
        refused(&w, last ? "is missing, blocks up to [11] were stored" : "there are only");
        end_world(&w);
    }
}

TEST(a_block_of_another_chain_is_refused)
{
    struct world w;
    struct chain other;
    WEFT_CLEANUP(buf_done) struct buf record = { 0 };
    size_t txs_at = 0;
    start_behind(&w, 4);
    chain_init(&other, "ch", 12);
    for (size_t i = 0; i < BLOCKS; i++)
        (void)chain_next(&other, 2, 300);
    struct block_place p = place_of(&w, 9);
    block_record_encode(&other.blocks[9]->v, &record, &txs_at);
    EXPECT_EQ(record.len, p.end - p.offset);
    WEFT_CLEANUP(buf_done) struct buf b = read_number(&w, p.file);
    memcpy(b.data + p.offset, record.data, record.len);
    write_number(&w, p.file, buf_bytes(&b));
    refused(&w, "previous hash of block [");
    chain_done(&other);
    end_world(&w);
}

/* ---- nothing is left open ------------------------------------------------------------------------- */

static size_t open_files(void)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(dir_list_done) struct dir_list l = { 0 };
    EXPECT_OK(dir_list("/proc/self/fd", &l, &e));
    return l.count;
}

TEST(no_file_stays_open_whether_it_opens_or_not)
{
    struct weft_err e = { 0 };
    struct world w;
    start_behind(&w, 4);
    opens_with(&w, BLOCKS);
    size_t before = open_files();
    opens_with(&w, BLOCKS);
    EXPECT_OK(open_world(&w, &e));
    for (uint64_t n = 0; n < BLOCKS; n++) {
        struct block_iter *it = block_iter_new(w.bs, n);
        struct block *b = NULL;
        EXPECT_OK(block_iter_next(it, &b, &e));
        block_unref(b);
        block_iter_free(it);
    }
    close_world(&w);
    EXPECT_EQ(open_files(), before);
    spoil(&w, 3, 200, 1);
    drop_index(&w);
    for (int i = 0; i < 3; i++)
        refused(&w, "is damaged");
    EXPECT_EQ(open_files(), before);
    end_world(&w);
}
