#include "orderer/journal.h"

#include "base/rand.h"
#include "os/dirs.h"
#include "os/file.h"
#include "weft_test.h"

struct world {
    char *dir, *path;
    struct digest chain;
    struct journal *j;
};

static void open_it(struct world *w)
{
    struct weft_err e;
    EXPECT_OK(journal_open(w->path, &w->chain, &w->j, &e));
}

static void world_init(struct world *w)
{
    *w = (struct world){ .dir = weft_test_fast_dir(), .chain = { .b = { 7 } } };
    w->path = weft_asprintf("%s/mychannel", w->dir);
    open_it(w);
}

static void world_done(struct world *w)
{
    journal_close(w->j);
    free(w->path);
    free(w->dir);
}

static void reopen(struct world *w)
{
    journal_close(w->j);
    open_it(w);
}

static void add(struct world *w, uint64_t block, uint32_t index, const char *envelope)
{
    journal_add(w->j, &(struct journal_record){ block, index, 3, bytes_of_str(envelope) });
}

static void expect_found(const struct world *w, uint64_t block, const char *envelopes)
{
    char got[512] = "";
    for (size_t i = 0; i < journal_found_count(w->j); i++) {
        const struct journal_record *r = journal_found(w->j, i);
        EXPECT_EQ(r->block, block);
        EXPECT_EQ(r->index, i);
        EXPECT_EQ(r->config_sequence, 3);
        (void)snprintf(got + strlen(got), sizeof(got) - strlen(got), "%.*s ", (int)r->envelope.len,
                       (const char *)r->envelope.data);
    }
    EXPECT_STR(got, envelopes);
}

TEST(what_was_synced_is_found_again_in_order)
{
    struct weft_err e;
    struct world w;
    world_init(&w);
    EXPECT_EQ(journal_found_count(w.j), 0);
    add(&w, 5, 0, "one");
    add(&w, 5, 1, "two");
    EXPECT_OK(journal_sync(w.j, &e));
    add(&w, 5, 2, "three");
    EXPECT_OK(journal_sync(w.j, &e));
    reopen(&w);
    expect_found(&w, 5, "one two three ");
    world_done(&w);
}

TEST(a_found_journal_is_gone_on_with)
{
    struct weft_err e;
    struct world w;
    world_init(&w);
    add(&w, 5, 0, "one");
    EXPECT_OK(journal_sync(w.j, &e));
    reopen(&w);
    journal_forget(w.j);
    add(&w, 5, 1, "two");
    EXPECT_OK(journal_sync(w.j, &e));
    reopen(&w);
    expect_found(&w, 5, "one two ");
    world_done(&w);
}

TEST(the_next_block_goes_over_the_last_ones)
{
    struct weft_err e;
    struct world w;
    uint64_t size[2];
    int fd;
    world_init(&w);
    for (uint32_t i = 0; i < 50; i++)
        add(&w, 5, i, "a message of block 5");
    EXPECT_OK(journal_sync(w.j, &e));
    EXPECT_OK(file_open(w.path, 0, 0, &fd, &e));
    EXPECT_OK(file_size(fd, w.path, &size[0], &e));
    add(&w, 6, 0, "a message of block 6");
    EXPECT_OK(journal_sync(w.j, &e));
    EXPECT_OK(file_size(fd, w.path, &size[1], &e));
    EXPECT_EQ(size[0], size[1]);
    file_close(fd);
    reopen(&w);
    expect_found(&w, 6, "a message of block 6 ");
    world_done(&w);
}

TEST(a_journal_can_be_replaced_in_one_step)
{
    struct weft_err e;
    struct world w;
    world_init(&w);
    add(&w, 5, 0, "old");
    EXPECT_OK(journal_sync(w.j, &e));
    add(&w, 7, 0, "new");
    EXPECT_OK(journal_replace(w.j, &e));
    add(&w, 7, 1, "newer");
    EXPECT_OK(journal_sync(w.j, &e));
    reopen(&w);
    expect_found(&w, 7, "new newer ");
    world_done(&w);
}

TEST(a_journal_of_another_chain_is_moved_aside)
{
    struct weft_err e;
    struct world w;
    world_init(&w);
    add(&w, 5, 0, "theirs");
    EXPECT_OK(journal_sync(w.j, &e));
    w.chain.b[0]++;
    reopen(&w);
    EXPECT_EQ(journal_found_count(w.j), 0);
    WEFT_FREE char *aside = weft_asprintf("%s.other-chain", w.path);
    EXPECT(path_exists(aside));
    world_done(&w);
}

/* Three records; then one byte of the file is spoilt: what comes before it stays. */
TEST(a_damaged_record_ends_the_journal)
{
    struct weft_err e;
    struct world w;
    WEFT_CLEANUP(buf_done) struct buf file = { 0 };
    world_init(&w);
    add(&w, 5, 0, "one");
    add(&w, 5, 1, "two");
    add(&w, 5, 2, "three");
    EXPECT_OK(journal_sync(w.j, &e));
    EXPECT_OK(file_read_all(w.path, 1 << 20, &file, &e));
    const size_t begins[] = { 64, 64 + 31, 64 + 62, 64 + 62 + 33 };
    for (size_t at = begins[0]; at < begins[3]; at++) {
        struct journal_records r;
        file.data[at] ^= 0x10;
        journal_parse(buf_bytes(&file), &r);
        file.data[at] ^= 0x10;
        EXPECT_EQ(r.count, at < begins[1] ? 0 : at < begins[2] ? 1 : 2);
        journal_records_done(&r);
    }
    for (size_t len = 64; len < begins[3]; len++) {
        struct journal_records r;
        journal_parse(bytes_of(file.data, len), &r);
        EXPECT_EQ(r.count, len < begins[1] ? 0 : len < begins[2] ? 1 : 2);
        journal_records_done(&r);
    }
    world_done(&w);
}

TEST(a_damaged_header_is_not_passed_over)
{
    struct weft_err e;
    struct world w;
    WEFT_CLEANUP(buf_done) struct buf file = { 0 };
    world_init(&w);
    add(&w, 5, 0, "acknowledged");
    EXPECT_OK(journal_sync(w.j, &e));
    EXPECT_OK(file_read_all(w.path, 1 << 20, &file, &e));
    file.data[12] ^= 1;
    EXPECT_OK(file_write_plain(w.path, buf_bytes(&file), 0600, &e));
    journal_close(WEFT_TAKE(w.j));
    EXPECT_CODE(journal_open(w.path, &w.chain, &w.j, &e), WEFT_CORRUPT);
    EXPECT_WORDS(e, "it may hold messages that were acknowledged");
    world_done(&w);
}

TEST(long_messages_make_the_file_grow)
{
    struct weft_err e;
    struct world w;
    char *long_one = weft_alloc(700001);
    memset(long_one, 'x', 700000);
    world_init(&w);
    add(&w, 5, 0, "short");
    add(&w, 5, 1, long_one);
    EXPECT_OK(journal_sync(w.j, &e));
    reopen(&w);
    EXPECT_EQ(journal_found_count(w.j), 2);
    EXPECT_BYTES(journal_found(w.j, 1)->envelope, bytes_of_str(long_one));
    free(long_one);
    world_done(&w);
}

TEST(nothing_added_is_nothing_written)
{
    struct weft_err e;
    struct world w;
    world_init(&w);
    EXPECT_OK(journal_sync(w.j, &e));
    reopen(&w);
    EXPECT_EQ(journal_found_count(w.j), 0);
    world_done(&w);
}
