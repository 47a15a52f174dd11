#include "orderer/raft_files.h"

#include "os/dirs.h"
#include "os/file.h"
#include "weft_test.h"

struct world {
    char *dir, *wal, *snap;
    struct raft_files files;
};

static void world_init(struct world *w)
{
    w->dir = weft_test_fast_dir();
    w->wal = weft_asprintf("%s/wal", w->dir);
    w->snap = weft_asprintf("%s/snap", w->dir);
    w->files = (struct raft_files){ w->wal, w->snap, "ch" };
}

static void world_done(struct world *w)
{
    free(w->dir);
    free(w->wal);
    free(w->snap);
}

static bool has(const struct world *w, const char *name)
{
    WEFT_FREE char *path = weft_asprintf("%s/%s", w->dir, name);
    return path_exists(path);
}

static void put(const struct world *w, const char *dir, const char *name, size_t size)
{
    struct weft_err e;
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    WEFT_FREE char *whole = weft_asprintf("%s/%s", w->dir, dir);
    WEFT_FREE char *path = weft_asprintf("%s/%s", whole, name);
    for (size_t i = 0; i < size; i++)
        buf_put_u8(&b, 0);
    EXPECT_OK(dir_make(whole, &e));
    EXPECT_OK(file_write_plain(path, buf_bytes(&b), 0600, &e));
}

static void write_for(const struct world *w, uint64_t index)
{
    struct weft_err e;
    const struct raft_place p = { .node = 1, .index = index };
    EXPECT_OK(raft_files_write(&w->files, &p, bytes_of_str("block"), &e));
}

static void set_aside(const struct world *w)
{
    struct weft_err e;
    EXPECT_OK(raft_files_set_aside(&w->files, &e));
}

#define EXPECT_HEX(b, want)                               \
    do {                                                  \
        WEFT_FREE char *hex = bytes_to_hex(buf_bytes(b)); \
        EXPECT_STR(hex, want);                            \
    } while (0)

/* Bytes by another program, from which a Go orderer has gone on. */
TEST(files_are_as_etcd_reads_them)
{
    WEFT_CLEANUP(buf_done) struct buf log = { 0 };
    WEFT_CLEANUP(buf_done) struct buf snapshot = { 0 };
    const struct raft_place p = { .node = 2, .index = 300 };
    raft_files_encode_log(&p, &log);
    EXPECT_HEX(&log, "04000000000000840804100000000000"
                     "0600000000000082080110001a000000"
                     "0e00000000000082080510a0b39b8f081a0408001000"
                     "0000"
                     "1100000000000087080310d4b988e5011a070801100218ac0200000000000000"
                     "0f00000000000081"
                     "0805108cb9db8f091a0508ac02100100");
    raft_files_encode_snapshot(&p, bytes_of_str("block"), &snapshot);
    EXPECT_HEX(&snapshot, "0890fdcb8a0e12120a05626c6f636b12090a02080210ac021801");
}

TEST(what_we_wrote_goes_with_the_next_start)
{
    struct world w;
    world_init(&w);
    set_aside(&w); /* nothing is there */
    EXPECT_EQ(raft_files_index(&w.files), 0);
    write_for(&w, 31);
    EXPECT(has(&w, "wal/ch/0000000000000000-0000000000000000.wal"));
    EXPECT(has(&w, "snap/ch/0000000000000001-000000000000001f.snap"));
    EXPECT_EQ(raft_files_index(&w.files), 31);
    set_aside(&w);
    EXPECT(!has(&w, "wal/ch") && !has(&w, "snap/ch"));
    EXPECT(!has(&w, "wal/ch.before") && !has(&w, "snap/ch.before"));
    world_done(&w);
}

TEST(half_of_it_goes_too)
{
    struct world w;
    world_init(&w);
    put(&w, "snap/ch", "0000000000000001-000000000000001f.snap", 9);
    set_aside(&w);
    EXPECT(!has(&w, "snap/ch") && !has(&w, "snap/ch.before"));
    world_done(&w);
}

TEST(a_go_orderers_files_are_moved_away)
{
    struct world w;
    world_init(&w);
    for (int i = 0; i < 2; i++) { /* the older ones make room */
        put(&w, "wal/ch", "0000000000000000-0000000000000000.wal", 100000);
        put(&w, "snap/ch", "0000000000000002-00000000000000ff.snap", 9);
        put(&w, "snap/ch", "0000000000000002-0000000000000100.snap", 9);
        put(&w, "snap/ch", "0000000000000002-0000000000000101.snap.broken", 9);
        EXPECT_EQ(raft_files_index(&w.files), 256);
        set_aside(&w);
        EXPECT(!has(&w, "wal/ch") && !has(&w, "snap/ch"));
        EXPECT(has(&w, "wal/ch.before/0000000000000000-0000000000000000.wal"));
        EXPECT(has(&w, "snap/ch.before/0000000000000002-0000000000000100.snap"));
    }
    write_for(&w, 300);
    EXPECT_EQ(raft_files_index(&w.files), 300);
    world_done(&w);
}

TEST(several_files_are_not_ours)
{
    struct world w;
    world_init(&w);
    put(&w, "wal/ch", "0000000000000000-0000000000000000.wal", 9);
    put(&w, "wal/ch", "0000000000000001-0000000000000030.wal", 9);
    set_aside(&w);
    EXPECT(has(&w, "wal/ch.before") && !has(&w, "snap/ch.before"));
    world_done(&w);
}

TEST(a_place_is_noted_until_the_next_start)
{
    struct weft_err e;
    struct world w;
    world_init(&w);
    EXPECT_OK(raft_files_note(&w.files, 5, &e));
    EXPECT_EQ(raft_files_index(&w.files), 5);
    EXPECT_OK(raft_files_note(&w.files, 70, &e)); /* over the older one */
    EXPECT_EQ(raft_files_index(&w.files), 70);
    write_for(&w, 31);
    EXPECT_EQ(raft_files_index(&w.files), 70);
    write_for(&w, 300);
    EXPECT_EQ(raft_files_index(&w.files), 300);
    set_aside(&w);
    EXPECT_EQ(raft_files_index(&w.files), 0);
    put(&w, "snap", "ch.place", 16); /* a crash of the machine left zeros */
    EXPECT_EQ(raft_files_index(&w.files), 0);
    world_done(&w);
}
