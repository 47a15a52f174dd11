#include "ledger/ledger_verify.h"

#include "ledger_world.h"
#include "os/file.h"

#include <fcntl.h>
#include <unistd.h>

/* ---- whole ledgers --------------------------------------------------------------------- */

TEST(a_clean_ledger_is_good)
{
    struct weft_err e = { 0 };
    for (int i = 0; i < 2; i++) {
        WEFT_CLEANUP(world_done) struct world w;
        world_make(&w, i == 0 ? LEDGER_ORDERER : LEDGER_PEER);
        EXPECT_OK(world_verify(&w, &e));
        EXPECT_STR(w.notes, "");
        EXPECT_EQ(w.found.blocks, WORLD_BLOCKS);
        EXPECT_EQ(w.found.signatures, WORLD_BLOCKS - 1);
        EXPECT(w.found.files > 2);
        EXPECT_EQ(w.found.commit_hashes, i == 0 ? 0 : WORLD_BLOCKS - 1);
        /* number, hash, and two for each of 9 transactions; two checkpoints */
        EXPECT_EQ(w.found.index_entries,
                  2 + (i == 0 ? WORLD_BLOCKS : 2 * WORLD_BLOCKS + 2 * WORLD_TXS));
        world_drop_index(&w);
        EXPECT_OK(world_verify(&w, &e));
        EXPECT(strstr(w.notes, "there is no index") != NULL);
    }
}

/* ---- every byte of the files ------------------------------------------------------------ */

/* Which block a byte belongs to. */
static size_t block_at(const struct world *w, const struct block_place *places, uint64_t file,
                       uint64_t offset)
{
    for (size_t i = 0; i < w->chain.count; i++)
        if (places[i].file == file && offset >= places[i].offset && offset < places[i].end)
            return i;
    fail_msg("byte %" PRIu64 " of file %" PRIu64 " is in no block", offset, file);
    return 0;
}

/* May a change of this byte stay unseen?  Asked for each change that was. */
typedef bool may_be_unseen_fn(const struct world *w, size_t block, uint64_t from_end);

static bool never(const struct world *w, size_t block, uint64_t from_end)
{
    (void)w, (void)block, (void)from_end;
    return false;
}

struct flips {
    struct world *w;
    struct ledger_dir d;
    const struct block_place *places;
    may_be_unseen_fn *may;
    uint8_t mask; /* 0: one bit of each byte, another one in the next */
    size_t step;
    uint64_t tried, unseen;
};

/* One byte changed: the words must name the block it is in. */
static void flip_byte(struct flips *f, int fd, uint64_t file, uint64_t offset, uint8_t was,
                      uint8_t is)
{
    struct weft_err e = { 0 };
    size_t block = block_at(f->w, f->places, file, offset);
    WEFT_FREE char *name = weft_asprintf("block [%zu]", block);
    WEFT_ASSERT(pwrite(fd, &is, 1, (off_t)offset) == 1);
    enum weft_code rc = world_verify_open(f->w, &f->d, &e);
    WEFT_ASSERT(pwrite(fd, &was, 1, (off_t)offset) == 1);
    f->tried++;
    if (rc == WEFT_OK && f->may(f->w, block, f->places[block].end - offset)) {
        f->unseen++;
        return;
    }
    bool named = strstr(e.msg, name) != NULL;
    if (rc == WEFT_OK || !named)
        fail_msg("file %" PRIu64 " byte %" PRIu64 " of block [%zu], %02x for %02x: %s", file,
                 offset, block, is, was, rc == WEFT_OK ? "not seen" : e.msg);
}

static void flip_all_bytes(struct flips *f)
{
    struct weft_err e = { 0 };
    EXPECT_OK(ledger_dir_open(f->w->root, &f->d, &e));
    for (uint64_t file = 0; file < world_count_files(f->w); file++) {
        WEFT_FREE char *path = world_file(f->w, file);
        WEFT_CLEANUP(buf_done) struct buf b = weft_test_read(path);
        WEFT_CLEANUP(file_close) int fd = open(path, O_RDWR | O_CLOEXEC);
        for (size_t i = 0; i < b.len; i += f->step) {
            uint8_t mask = (uint8_t)(1U << (i % 8));
            if (f->mask != 0)
                mask = f->mask;
            flip_byte(f, fd, file, i, b.data[i], (uint8_t)(b.data[i] ^ mask));
        }
    }
    EXPECT_OK(world_verify_open(f->w, &f->d, &e));
    ledger_dir_done(&f->d);
}

static void expect_every_flip_is_seen(enum ledger_layout layout, bool with_index)
{
    WEFT_CLEANUP(world_done) struct world w;
    world_make(&w, layout);
    struct block_place places[WORLD_BLOCKS];
    world_places(&w, places);
    if (!with_index)
        world_drop_index(&w);
    struct flips f = { .w = &w, .places = places, .may = never, .step = 1 };
    if (with_index) { /* all that is checked without is checked with it */
        f.mask = 0xff;
        f.step = 5;
    }

    flip_all_bytes(&f);
    EXPECT(f.tried * f.step > 5000);
    EXPECT_EQ(f.unseen, 0);
}

TEST(no_byte_of_an_orderers_files_can_change_unseen)
{
    expect_every_flip_is_seen(LEDGER_ORDERER, true);
}

TEST(no_byte_of_an_orderers_files_can_change_unseen_without_an_index)
{
    expect_every_flip_is_seen(LEDGER_ORDERER, false);
}

TEST(no_byte_of_a_peers_files_can_change_unseen)
{
    expect_every_flip_is_seen(LEDGER_PEER, true);
}

TEST(no_byte_of_a_peers_files_can_change_unseen_without_an_index)
{
    expect_every_flip_is_seen(LEDGER_PEER, false);
}

/* The first transaction of block 2 writes a key twice: what becomes of that only
 * the state knows, and nothing but the index guards the flag of the second. */
static bool is_second_flag_of_block_2(const struct world *w, size_t block, uint64_t from_end)
{
    (void)w;
    /* behind it: slot 3, and slot 4 with its length, tag, length and hash */
    return block == 2 && from_end == 1 + 1 + 1 + 2 + SHA256_BYTES;
}

/* Flags and commit hashes are what no hash of the block covers: all bits of them. */
TEST(no_bit_of_a_peers_flags_and_commit_hashes_can_change_unseen_without_an_index)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(world_done) struct world w;
    struct block_place at[WORLD_BLOCKS];
    world_make(&w, LEDGER_PEER);
    world_places(&w, at);
    world_drop_index(&w);
    struct flips f = { .w = &w, .places = at, .may = never };
    EXPECT_OK(ledger_dir_open(w.root, &f.d, &e));
    for (size_t i = 0; i < WORLD_BLOCKS; i++) {
        WEFT_FREE char *path = world_file(&w, at[i].file);
        WEFT_CLEANUP(buf_done) struct buf b = weft_test_read(path);
        WEFT_CLEANUP(file_close) int fd = open(path, O_RDWR | O_CLOEXEC);
        /* slots 1 to 4 with their lengths: 4 flags and a hash at most */
        for (uint64_t k = at[i].end - (i == 0 ? 6 : 42); k < at[i].end; k++)
            for (unsigned bit = 0; bit < 8; bit++)
                flip_byte(&f, fd, at[i].file, k, b.data[k], (uint8_t)(b.data[k] ^ (1U << bit)));
    }
    ledger_dir_done(&f.d);
}

TEST(without_an_index_only_flags_in_a_block_that_needs_the_state_can_change_unseen)
{
    static const char results[] = "\x12\x12\x0a\x02"
                                  "cc"
                                  "\x12\x0c"
                                  "\x1a\x04\x0a\x02k1"
                                  "\x1a\x04\x0a\x02k1";
    struct weft_err e = { 0 };
    WEFT_CLEANUP(world_done) struct world w;
    world_start(&w, LEDGER_PEER);
    (void)chain_next(&w.chain, 1, 40);
    (void)chain_next(&w.chain, 1, 40);
    (void)chain_next_results(&w.chain, bytes_of(results, sizeof(results) - 1));
    (void)chain_next(&w.chain, 1, 40);
    world_store(&w, "ch", 0, 4);
    world_list(&w, "ch");
    EXPECT_OK(world_verify(&w, &e));
    EXPECT(strstr(w.notes, "1 commit hashes could not be computed") != NULL);
    struct block_place places[4];
    world_places(&w, places);
    struct flips with = { .w = &w, .places = places, .may = never, .mask = 1, .step = 1 };
    flip_all_bytes(&with);
    EXPECT_EQ(with.unseen, 0);
    world_drop_index(&w);
    struct flips without = {
        .w = &w, .places = places, .may = is_second_flag_of_block_2, .mask = 1
    };
    without.step = 1;
    flip_all_bytes(&without);
    EXPECT_EQ(without.unseen, 1);
}

/* ---- blocks and files in the wrong place --------------------------------------------------- */

struct records {
    struct block_place at[WORLD_BLOCKS];
    struct buf bytes[WORLD_BLOCKS];
};

static void records_take(struct records *r, const struct world *w)
{
    world_places(w, r->at);
    for (size_t i = 0; i < WORLD_BLOCKS; i++) {
        WEFT_FREE char *path = world_file(w, r->at[i].file);
        WEFT_CLEANUP(buf_done) struct buf all = weft_test_read(path);
        r->bytes[i] = (struct buf){ 0 };
        buf_put(&r->bytes[i],
                bytes_of(all.data + r->at[i].offset, (size_t)(r->at[i].end - r->at[i].offset)));
    }
}

static void records_done(struct records *r)
{
    for (size_t i = 0; i < WORLD_BLOCKS; i++)
        buf_done(&r->bytes[i]);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct records, records_done)

enum {
    NO_BLOCK = 99
};

/* Writes the files anew: in the place of block i stands block order[i]. */
static void records_put(const struct records *r, const struct world *w, const size_t *order)
{
    for (uint64_t file = 0; file < world_count_files(w); file++) {
        WEFT_FREE char *path = world_file(w, file);
        WEFT_CLEANUP(buf_done) struct buf all = { 0 };
        for (size_t i = 0; i < WORLD_BLOCKS; i++)
            if (r->at[i].file == file && order[i] != NO_BLOCK)
                buf_put(&all, buf_bytes(&r->bytes[order[i]]));
        world_write(path, buf_bytes(&all));
    }
}

static void expect_refused(struct world *w, const char *words)
{
    struct weft_err e = { 0 };
    EXPECT_CODE(world_verify(w, &e), WEFT_CORRUPT);
    EXPECT_WORDS(e, words);
}

/* Both layouts, with an index and without. */
static void make_each(int kind, struct world *w)
{
    world_make(w, kind % 2 == 0 ? LEDGER_ORDERER : LEDGER_PEER);
    if (kind >= 2)
        world_drop_index(w);
}

TEST(a_removed_block_is_missed)
{
    struct weft_err e = { 0 };
    for (int kind = 0; kind < 4; kind++) {
        WEFT_CLEANUP(world_done) struct world w;
        WEFT_CLEANUP(records_done) struct records r;
        make_each(kind, &w);
        records_take(&r, &w);
        for (size_t gone = 0; gone < WORLD_BLOCKS; gone++) {
            size_t order[WORLD_BLOCKS] = { 0, 1, 2, 3, 4, 5 };
            WEFT_FREE char *words =
                weft_asprintf("block [%zu] stands where block [%zu] should be", gone + 1, gone);
            order[gone] = NO_BLOCK;
            records_put(&r, &w, order);
            if (gone + 1 < WORLD_BLOCKS) {
                expect_refused(&w, words);
            } else if (kind < 2) {
                expect_refused(&w, "the index says that block [5] ends at byte");
            } else { /* nothing in the files says that there was another one */
                EXPECT_OK(world_verify(&w, &e));
                EXPECT_EQ(w.found.blocks, WORLD_BLOCKS - 1);
            }
        }
    }
}

TEST(two_swapped_blocks_are_seen)
{
    for (int kind = 0; kind < 4; kind++) {
        WEFT_CLEANUP(world_done) struct world w;
        WEFT_CLEANUP(records_done) struct records r;
        make_each(kind, &w);
        records_take(&r, &w);
        for (size_t a = 0; a < WORLD_BLOCKS; a++)
            for (size_t b = a + 1; b < WORLD_BLOCKS; b++) {
                size_t order[WORLD_BLOCKS] = { 0, 1, 2, 3, 4, 5 };
                WEFT_FREE char *words =
                    weft_asprintf("block [%zu] stands where block [%zu] should be", b, a);
                order[a] = b;
                order[b] = a;
                records_put(&r, &w, order);
                expect_refused(&w, words);
            }
    }
}

TEST(swapped_files_and_a_missing_file_are_seen)
{
    for (int kind = 0; kind < 4; kind++) {
        WEFT_CLEANUP(world_done) struct world w;
        make_each(kind, &w);
        WEFT_FREE char *first = world_file(&w, 0);
        WEFT_FREE char *second = world_file(&w, 1);
        WEFT_CLEANUP(buf_done) struct buf a = weft_test_read(first);
        WEFT_CLEANUP(buf_done) struct buf b = weft_test_read(second);
        world_write(first, buf_bytes(&b));
        world_write(second, buf_bytes(&a));
        expect_refused(&w, "stands where block [0] should be");
        world_write(first, buf_bytes(&a));
        EXPECT_EQ(unlink(second), 0);
        expect_refused(&w, "block files go up to");
    }
}

TEST(a_cut_file_is_seen_wherever_it_is_cut)
{
    struct weft_err e = { 0 };
    for (int kind = 0; kind < 4; kind++) {
        WEFT_CLEANUP(world_done) struct world w;
        struct block_place at[WORLD_BLOCKS];
        make_each(kind, &w);
        world_places(&w, at);
        for (size_t i = WORLD_BLOCKS; i-- > 0;) { /* shorter and shorter */
            WEFT_FREE char *path = world_file(&w, at[i].file);
            WEFT_FREE char *words = weft_asprintf("block [%zu]", i);
            uint64_t inside[] = { at[i].end - 1, at[i].body_offset + 40, at[i].body_offset,
                                  at[i].offset + 1 };
            bool newest = i + 1 == WORLD_BLOCKS || at[i + 1].file != at[i].file;
            for (size_t k = 0; newest && k < WEFT_ARRAY_LEN(inside); k++) {
                EXPECT_EQ(truncate(path, (off_t)inside[k]), 0);
                expect_refused(&w, words);
                expect_refused(&w, "ends in the middle of it");
            }
            EXPECT_EQ(truncate(path, (off_t)at[i].offset), 0);
            if (kind < 2) {
                expect_refused(&w, "block [");
            } else { /* without an index: a shorter ledger */
                EXPECT_OK(world_verify(&w, &e));
                EXPECT_EQ(w.found.blocks, i);
            }
        }
    }
}

TEST(files_that_are_not_the_ledgers_are_seen)
{
    static const struct {
        const char *name, *words;
    } rows[] = {
        { "notes.txt", "notes.txt is not a file of a ledger" },
        { "blockfile_000000.bak", "blockfile_000000.bak" },
        { "blockfile_00001x", "blockfile_00001x" },
        { "blockfile_000009", "block files go up to 000009" },
    };
    struct weft_err e = { 0 };
    for (int kind = 0; kind < 4; kind++) {
        WEFT_CLEANUP(world_done) struct world w;
        make_each(kind, &w);
        for (size_t i = 0; i < WEFT_ARRAY_LEN(rows); i++) {
            WEFT_FREE char *path = weft_asprintf("%s/%s", w.channel_dir, rows[i].name);
            world_write(path, bytes_of_str("something"));
            expect_refused(&w, rows[i].words);
            EXPECT_EQ(unlink(path), 0);
        }
        EXPECT_OK(world_verify(&w, &e));
    }
}

/* The folder of another channel's chain, and one file of it. */
TEST(blocks_of_another_channel_are_seen)
{
    for (int kind = 0; kind < 4; kind++) {
        WEFT_CLEANUP(world_done) struct world w, other;
        make_each(kind, &w);
        world_start(&other, w.layout);
        other.chain.channel = "other";
        world_grow(&other);
        world_store(&other, "ch", 0, WORLD_BLOCKS);
        WEFT_FREE char *ours = world_file(&w, 1);
        WEFT_FREE char *theirs = world_file(&other, 1);
        WEFT_CLEANUP(buf_done) struct buf b = weft_test_read(theirs);
        world_write(ours, buf_bytes(&b));
        expect_refused(&w, "previous hash is not the hash of the block before it");
        for (uint64_t i = 0; i < world_count_files(&other); i++) {
            WEFT_FREE char *to = world_file(&w, i);
            WEFT_FREE char *from = world_file(&other, i);
            WEFT_CLEANUP(buf_done) struct buf all = weft_test_read(from);
            world_write(to, buf_bytes(&all));
        }
        expect_refused(&w, "block [0] is of channel [other], the folder is [ch]");
    }
}
