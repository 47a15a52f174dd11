/* A peer's ledger is stopped at operations on the disk, in all of its stores, and opened again on
 * what a crash would have left.  Then
 *
 *   no announced block is missing, and all stores stand at the same one,
 *   and when the blocks go on, every database ends up as in a run without a crash.
 *
 * The blocks and their private data are those of a real network.  The first ones are taken
 * without looking; then come private data, some with a time to live.  WEFT_SIM_ALL stops it at
 * every operation, WEFT_SIM_ALL=2/8 at the third of every eight, so that eight of them share the
 * work. */
#include "sim/disk_model.h"

#include "base/log.h"
#include "ledger/kv.h"
#include "os/dirs.h"
#include "peer_fixture.h"
#include "proto/block.h"
#include "weft_test.h"

#include <errno.h>

enum {
    QUIET_BLOCKS = 30, /* before it gets interesting */
    BLOCKS = 46,
    SMALL_FILE = 60 << 10,
    PURGE_INTERVAL = 5, /* blocks, after which private data goes that is over */
};

static const struct crash_kind {
    const char *name;
    enum disk_names_model names;
    enum disk_data_model data;
} kinds[] = {
    { "a killed process", DISK_NAMES_NOW, DISK_DATA_ALL },
    { "only what was synced", DISK_NAMES_STRICT, DISK_DATA_NONE },
    { "names of the journal, no data", DISK_NAMES_JOURNAL, DISK_DATA_NONE },
    { "all names, torn writes", DISK_NAMES_NOW, DISK_DATA_TORN },
    { "all names, zeros for data", DISK_NAMES_NOW, DISK_DATA_ZERO },
    { "names of the journal, some pages", DISK_NAMES_JOURNAL, DISK_DATA_PAGES },
};

static const char *const databases[] = {
    "stateLeveldb", "historyLeveldb", "pvtdataStore", "configHistory", "bookkeeper",
};

/* The same for every crash. */
static struct world {
    struct block *blocks[BLOCKS];
    struct peer_fixture_pvt pvt;
    struct buf dumps[WEFT_ARRAY_LEN(databases)]; /* of the run without a crash */
} world;

static void dump(const char *dir, const char *name, struct buf *out)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *path = weft_asprintf("%s/%s", dir, name);
    WEFT_CLEANUP(kv_close) struct kv *kv = NULL;
    EXPECT_OK(kv_open_copy(path, &kv, &e));
    WEFT_CLEANUP(kv_iter_free) struct kv_iter *it = kv_iter_new(kv, bytes_of(NULL, 0));
    for (;;) {
        struct bytes key, value;
        bool found = false;
        EXPECT_OK(kv_iter_next(it, &found, &key, &value, &e));
        if (!found)
            break;
        buf_put_len_bytes(out, key);
        buf_put_len_bytes(out, value);
    }
    kv_iter_free(WEFT_TAKE(it));
}

static enum weft_code open_peer(struct peer_world *w, const char *dir, struct weft_err *e)
{
    return peer_world_open_purging(w, dir, "Org1MSP", PEER_FIXTURE_CHANNEL, PURGE_INTERVAL, e);
}

/* The same, with a step of a sync after each two: at any time blocks may lie behind those that
 * are on their way to the disk. */
static enum weft_code take_meanwhile(struct peer_world *w, uint64_t to, struct weft_err *e)
{
    uint64_t synced = w->ledger != NULL ? kv_ledger_next(w->ledger) : 0;
    for (uint64_t n = synced; n < to; n++) {
        while (w->ledger != NULL && !kv_ledger_takes(w->ledger, world.blocks[n]))
            WEFT_TRY(peer_world_sync_some(w, world.blocks[n], e));
        disk_mark(synced | (n + 1) << 32);
        WEFT_TRY(peer_world_take(w, world.blocks[n], world.pvt.blocks[n].txs,
                                 world.pvt.blocks[n].count, e));
        if (n < QUIET_BLOCKS / 2 || n % 2 == 0)
            WEFT_TRY(peer_world_sync_some(w, n + 1 < to ? world.blocks[n + 1] : NULL, e));
        if (n + 1 == to)
            WEFT_TRY(peer_world_sync(w, e));
        synced = block_store_height(kv_ledger_blocks(w->ledger));
        disk_mark(synced | (n + 1) << 32);
    }
    return WEFT_OK;
}

/* Blocks on their way in, some of them in groups that share a sync. */
static enum weft_code take(struct peer_world *w, uint64_t to, bool marks, struct weft_err *e)
{
    uint64_t synced = w->ledger != NULL ? kv_ledger_next(w->ledger) : 0;
    for (uint64_t n = synced; n < to; n++) {
        if (marks)
            disk_mark(synced | (n + 1) << 32);
        WEFT_TRY(peer_world_take(w, world.blocks[n], world.pvt.blocks[n].txs,
                                 world.pvt.blocks[n].count, e));
        if (n == 0 || n % 4 == 1 || n + 1 == to) {
            WEFT_TRY(kv_ledger_sync(w->ledger, e));
            synced = n + 1;
        }
        if (marks)
            disk_mark(synced | (n + 1) << 32);
    }
    return WEFT_OK;
}

/* What a peer may do with its syncs. */
enum story {
    STORY_QUIET, /* as the next one, without marks */
    STORY_IN_TURN,
    STORY_MEANWHILE,
};

/* Twice, so that opening and closing are in it. */
static enum weft_code play(const char *dir, enum story story, struct weft_err *e)
{
    static const uint64_t stops[] = { QUIET_BLOCKS, 38, BLOCKS };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(stops); i++) {
        WEFT_CLEANUP(peer_world_close) struct peer_world w;
        WEFT_TRY(open_peer(&w, dir, e));
        if (story == STORY_MEANWHILE)
            WEFT_TRY(take_meanwhile(&w, stops[i], e));
        else
            WEFT_TRY(take(&w, stops[i], story == STORY_IN_TURN, e));
    }
    return WEFT_OK;
}

static void world_init(void)
{
    struct weft_err e = { 0 };
    if (world.blocks[0] != NULL)
        return;
    EXPECT_OK(log_set_spec("panic", &e));
    peer_fixture_pvt_read(&world.pvt);
    for (uint64_t n = 0; n < BLOCKS; n++)
        world.blocks[n] = peer_fixture_block(n);
    WEFT_FREE char *dir = disk_new_dir();
    EXPECT_OK(play(dir, STORY_QUIET, &e));
    for (size_t i = 0; i < WEFT_ARRAY_LEN(databases); i++)
        dump(dir, databases[i], &world.dumps[i]);
    EXPECT_OK(dir_remove_tree(dir, &e));
}

/* ---- looking at what is left ---------------------------------------------------------------------- */

struct crash {
    enum story story;
    struct disk_trace trace;
    struct disk_model model;
    struct weft_rand rand;
    uint64_t announced, tried, opened, failed;
};

/* One crash that is not survived says little about the next. */
static void failed_at(struct crash *c, size_t point, const char *kind, const char *why)
{
    print_error("%s at operation %zu: %s\n", kind, point, why);
    c->failed++;
}

static void check_same_databases(struct crash *c, size_t point, const char *kind, const char *dir)
{
    for (size_t i = 0; i < WEFT_ARRAY_LEN(databases); i++) {
        WEFT_CLEANUP(buf_done) struct buf got = { 0 };
        WEFT_FREE char *why = weft_asprintf("%s is another one", databases[i]);
        dump(dir, databases[i], &got);
        if (!bytes_eq(buf_bytes(&got), buf_bytes(&world.dumps[i])))
            failed_at(c, point, kind, why);
    }
}

static void check(struct crash *c, size_t point, const char *kind, const char *dir)
{
    struct weft_err e = { 0 };
    struct peer_world w;
    enum weft_code rc = open_peer(&w, dir, &e);
    uint64_t height = 0;
    if (rc == WEFT_OK && w.ledger != NULL)
        height = block_store_height(kv_ledger_blocks(w.ledger));
    if (rc == WEFT_OK && (height < c->announced || height > c->tried))
        rc = WEFT_FAIL(&e, WEFT_INVALID,
                       "%" PRIu64 " blocks are there, announced were %" PRIu64 ", tried %" PRIu64,
                       height, c->announced, c->tried);
    if (rc == WEFT_OK)
        rc = take(&w, BLOCKS, false, &e);
    peer_world_close(&w);
    if (rc == WEFT_OK)
        check_same_databases(c, point, kind, dir);
    else
        failed_at(c, point, kind, e.msg);
}

static void crash_here(struct crash *c, size_t point, const struct crash_kind *kind)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(disk_left_done) struct disk_left left = { 0 };
    WEFT_FREE char *dir = disk_new_dir();
    disk_model_crash(&c->model, kind->names, kind->data, &c->rand, &left);
    disk_left_write(&left, dir);
    disk_watch(dir); /* which spares the real disk its syncs */
    check(c, point, kind->name, dir);
    disk_watch(NULL);
    EXPECT_OK(dir_remove_tree(dir, &e));
    c->opened++;
}

/* Which operations WEFT_SIM_ALL asks for: those with this rest when divided. */
struct share {
    unsigned rest, of; /* of: 0, a choice */
};

static struct share share_of_environment(void)
{
    struct share s = { 0, 1 };
    const char *text = getenv("WEFT_SIM_ALL"); /* NOLINT(concurrency-mt-unsafe) */
    if (text == NULL)
        return (struct share){ 0, 0 };
    if (sscanf(text, "%u/%u", &s.rest, &s.of) == 2 && s.of > 0) /* NOLINT(cert-err34-c) */
        return s;
    return (struct share){ 0, 1 };
}

/* A choice has what is interesting, each time after another model, and holes in groups of blocks
 * that share a sync: an index that is lost with them must not be. */
static bool is_chosen(const struct crash *c, const struct share *s, size_t point, size_t kind)
{
    size_t each = c->story == STORY_MEANWHILE ? 7 : 2; /* there it is always in a group */
    bool interesting = point < 150 || c->tried > QUIET_BLOCKS;
    if (s->of > 0)
        return point % s->of == s->rest;
    bool in_group = c->tried > c->announced + 1 && kinds[kind].data == DISK_DATA_PAGES;
    return (interesting && point % 17 == 3 * kind) || (in_group && point % each == 0);
}

static void record_story(enum story story, struct disk_trace *ret)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = disk_new_dir();
    disk_watch(dir);
    disk_record_start(ret);
    EXPECT_OK(play(dir, story, &e));
    disk_record_stop();
    disk_watch(NULL);
    EXPECT_OK(dir_remove_tree(dir, &e));
}

/* ---- logs ------------------------------------------------------------------------------------------ */

/* A LevelDB log of what can't be made again. */
static bool is_lasting_log(const struct disk_op *op)
{
    static const char *const folders[] = { "pvtdataStore/", "transientstore/", "ledgerProvider/" };
    size_t len = op->kind == DISK_CREATE ? strlen(op->path) : 0;
    for (size_t i = 0; i < WEFT_ARRAY_LEN(folders); i++)
        if (len > 4 && strncmp(op->path, folders[i], strlen(folders[i])) == 0 &&
            strcmp(op->path + len - 4, ".log") == 0)
            return true;
    return false;
}

/* kv_log.h: a record or the first part of one. */
static bool begins_record(const struct disk_op *op)
{
    size_t rest = (size_t)(32768 - op->number % 32768); /* too short for a header: padding */
    struct bytes b = bytes_skip(op->data, rest < 7 ? rest : 0);
    return b.len >= 7 && (b.data[6] == 1 || b.data[6] == 2);
}

/* How many records there are; none begins before the one in front of it is synced. */
static size_t check_log(const struct disk_trace *t, size_t created)
{
    const struct disk_op *log = &t->ops[created];
    size_t records = 0, unsynced = 0;
    for (size_t i = created + 1; i < t->count; i++) {
        const struct disk_op *op = &t->ops[i];
        if (op->ino != log->ino)
            continue;
        if (op->kind == DISK_CREATE)
            break; /* another file, by now */
        if (op->kind == DISK_SYNC)
            unsynced = 0;
        if (op->kind != DISK_WRITE || !begins_record(op))
            continue;
        records++;
        if (++unsynced > 1)
            fail_msg("%s: a record at operation %zu while the one before it is not synced",
                     log->path, i);
    }
    return records;
}

/* A crash can then spoil the end of a log, which is passed over (kv_open_mending), but leaves no
 * hole in it: that is damage, and ends the peer's start. */
TEST(what_cannot_be_made_again_is_synced_write_by_write)
{
    WEFT_CLEANUP(disk_trace_done) struct disk_trace trace = { 0 };
    size_t records = 0;
    world_init();
    record_story(STORY_IN_TURN, &trace);
    for (size_t i = 0; i < trace.count; i++)
        if (is_lasting_log(&trace.ops[i]))
            records += check_log(&trace, i);
    EXPECT(records > 2 * BLOCKS / 4);
}

static size_t block_files(const struct disk_trace *t)
{
    size_t count = 0;
    for (size_t i = 0; i < t->count; i++)
        count += t->ops[i].kind == DISK_CREATE && strstr(t->ops[i].path, "/blockfile_") != NULL;
    return count;
}

static void crash_everywhere(enum story story)
{
    struct crash c = { .story = story, .rand = weft_rand_of(1) };
    struct share share = share_of_environment();
    world_init();
    record_story(story, &c.trace);
    disk_model_init(&c.model);
    for (size_t point = 0; point < c.trace.count; point++) {
        for (size_t k = 0; k < WEFT_ARRAY_LEN(kinds); k++)
            if (is_chosen(&c, &share, point, k))
                crash_here(&c, point, &kinds[k]);
        disk_model_apply(&c.model, &c.trace.ops[point]);
        if (c.trace.ops[point].kind == DISK_MARK) {
            c.announced = c.trace.ops[point].number & UINT32_MAX;
            c.tried = c.trace.ops[point].number >> 32;
        }
    }
    EXPECT_EQ(c.announced, BLOCKS);
    EXPECT(story == STORY_IN_TURN || block_files(&c.trace) > 4);
    print_message("%zu operations, opened %" PRIu64 " times\n", c.trace.count, c.opened);
    EXPECT_EQ(c.failed, 0);
    disk_model_done(&c.model);
    disk_trace_done(&c.trace);
}

TEST(all_stores_come_back_at_one_height_and_end_as_without_a_crash)
{
    crash_everywhere(STORY_IN_TURN);
}

TEST(so_they_do_when_blocks_lie_behind_others_that_are_being_synced)
{
    peer_world_file_bytes = SMALL_FILE; /* blocks have to wait for new ones, too */
    crash_everywhere(STORY_MEANWHILE);
    peer_world_file_bytes = 0;
}

/* ---- a disk that says no ---------------------------------------------------------------------------- */

/* A step of a sync fails while blocks lie behind its group: nothing of them is announced, nothing
 * more is taken, and what was announced is there when the ledger is opened again. */
static void fail_a_sync(const struct disk_fault *fault)
{
    struct weft_err e = { 0 };
    struct peer_world w;
    WEFT_FREE char *dir = disk_new_dir();
    disk_watch(dir);
    EXPECT_OK(open_peer(&w, dir, &e));
    EXPECT_OK(take(&w, QUIET_BLOCKS, false, &e));
    for (uint64_t n = QUIET_BLOCKS; n < QUIET_BLOCKS + 2; n++) {
        EXPECT_OK(peer_world_take(&w, world.blocks[n], world.pvt.blocks[n].txs,
                                  world.pvt.blocks[n].count, &e));
        if (n == QUIET_BLOCKS)
            EXPECT_OK(peer_world_sync_some(&w, NULL, &e));
    }
    disk_fault_set(fault);
    kv_sync_run(WEFT_TAKE(w.sync));
    EXPECT(disk_fault_hits() > 0);
    disk_fault_set(NULL);
    EXPECT_CODE(kv_ledger_sync_end(w.ledger, &e), WEFT_IO);
    EXPECT_WORDS(e, fault->part);
    EXPECT_EQ(block_store_height(kv_ledger_blocks(w.ledger)), QUIET_BLOCKS);
    EXPECT_CODE(kv_ledger_sync(w.ledger, &e), WEFT_IO);
    EXPECT_WORDS(e, "a write to disk failed earlier");
    uint64_t n = QUIET_BLOCKS + 2;
    EXPECT_CODE(peer_world_take(&w, world.blocks[n], world.pvt.blocks[n].txs,
                                world.pvt.blocks[n].count, &e),
                WEFT_IO);
    peer_world_close(&w);
    EXPECT_OK(open_peer(&w, dir, &e));
    EXPECT(block_store_height(kv_ledger_blocks(w.ledger)) >= QUIET_BLOCKS);
    EXPECT_OK(take(&w, BLOCKS, false, &e));
    peer_world_close(&w);
    struct crash c = { 0 };
    check_same_databases(&c, 0, fault->part, dir);
    EXPECT_EQ(c.failed, 0);
    disk_watch(NULL);
    EXPECT_OK(dir_remove_tree(dir, &e));
}

TEST(a_sync_that_fails_ends_the_work_and_loses_nothing_announced)
{
    static const struct disk_fault faults[] = {
        { .call = DISK_CALL_SYNC, .error = EIO, .part = "blockfile" },
        { .call = DISK_CALL_WRITE, .error = ENOSPC, .part = "index" },
        { .call = DISK_CALL_WRITE, .error = ENOSPC, .part = "stateLeveldb" },
        { .call = DISK_CALL_WRITE, .error = ENOSPC, .part = "historyLeveldb" },
    };
    world_init();
    for (size_t i = 0; i < WEFT_ARRAY_LEN(faults); i++)
        fail_a_sync(&faults[i]);
}
