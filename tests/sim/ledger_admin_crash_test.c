/* peer node rollback and reset are stopped at operations on the disk.  What a crash leaves then is
 * a ledger that a peer opens, at a height between the old one and the new one, and which comes up
 * to the databases that it had; and the command can be given again. */
#include "sim/disk_model.h"

#include "base/log.h"
#include "kvledger/ledger_admin.h"
#include "os/dirs.h"
#include "os/file.h"
#include "peer_fixture.h"
#include "weft_test.h"

#include <fcntl.h>

enum {
    TARGET = 70,
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
};

typedef enum weft_code command_fn(const char *root, struct weft_err *e);

static enum weft_code roll_back(const char *root, struct weft_err *e)
{
    return ledger_admin_rollback(root, PEER_FIXTURE_CHANNEL, TARGET, e);
}

static const struct command {
    const char *name;
    command_fn *run;
    uint64_t height; /* after it */
    size_t every;    /* that many operations one crash */
} commands[] = {
    { "rollback", roll_back, TARGET + 1, 3 },
    { "reset", ledger_admin_reset, 1, 11 },
};

/* A ledger that was not touched lately is on the disk. */
static void sync_tree(const char *path) /* NOLINT(misc-no-recursion): three deep */
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(dir_list_done) struct dir_list l = { 0 };
    EXPECT_OK(dir_list(path, &l, &e));
    for (size_t i = 0; i < l.count; i++) {
        WEFT_FREE char *in = weft_asprintf("%s/%s", path, l.names[i]);
        WEFT_CLEANUP(file_close) int fd = -1;
        if (path_is_dir(in)) {
            sync_tree(in);
            continue;
        }
        EXPECT_OK(file_open(in, O_RDWR, 0, &fd, &e));
        EXPECT_OK(file_sync(fd, in, &e));
    }
    EXPECT_OK(dir_sync(path, &e));
}

/* ---- one crash --------------------------------------------------------------------------------- */

struct crash {
    const struct command *command;
    const struct crash_kind *kind;
    size_t point;
};

static void expect_ok(const struct crash *c, enum weft_code rc, const struct weft_err *e)
{
    if (rc != WEFT_OK)
        fail_msg("%s, %s at operation %zu: %s", c->command->name, c->kind->name, c->point, e->msg);
}

static void check(const struct crash *c, const char *dir)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(peer_world_close) struct peer_world w = { 0 };
    bool again = c->point % 2 == 0;
    if (again) {
        enum weft_code rc = c->command->run(dir, &e);
        bool done = rc == WEFT_INVALID; /* it was rolled back already */
        expect_ok(c, done ? WEFT_OK : rc, &e);
    }
    expect_ok(c, peer_world_open(&w, dir, "Org1MSP", PEER_FIXTURE_CHANNEL, &e), &e);
    uint64_t height = kv_ledger_next(w.ledger);
    if (height < c->command->height || height > PEER_FIXTURE_BLOCKS ||
        (again && height != c->command->height))
        fail_msg("%s, %s at operation %zu: %" PRIu64 " blocks", c->command->name, c->kind->name,
                 c->point, height);
    peer_fixture_take(&w, height, PEER_FIXTURE_BLOCKS);
    peer_fixture_expect_blocks(&w);
    peer_world_close(&w);
    peer_fixture_expect_databases(dir);
}

static void crash_here(const struct crash *c, const struct disk_model *m, struct weft_rand *rand)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(disk_left_done) struct disk_left left = { 0 };
    WEFT_FREE char *dir = disk_new_dir();
    disk_model_crash(m, c->kind->names, c->kind->data, rand, &left);
    disk_left_write(&left, dir);
    disk_watch(dir); /* which spares the real disk its syncs */
    check(c, dir);
    disk_watch(NULL);
    EXPECT_OK(dir_remove_tree(dir, &e));
}

/* ---- all of them ---------------------------------------------------------------------------------- */

static void record(const struct command *command, struct disk_trace *ret)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *from = peer_fixture_copy();
    WEFT_FREE char *dir = disk_new_dir();
    disk_watch(dir);
    disk_record_start(ret);
    copy_tree(from, dir);
    sync_tree(dir);
    disk_mark(1);
    EXPECT_OK(command->run(dir, &e));
    disk_record_stop();
    disk_watch(NULL);
    EXPECT_OK(dir_remove_tree(dir, &e));
}

static void crash_everywhere(const struct command *command)
{
    WEFT_CLEANUP(disk_trace_done) struct disk_trace trace = { 0 };
    struct weft_rand rand = weft_rand_of(1);
    bool all = getenv("WEFT_SIM_ALL") != NULL; /* NOLINT(concurrency-mt-unsafe) */
    struct disk_model m;
    bool begun = false;
    size_t opened = 0;
    record(command, &trace);
    disk_model_init(&m);
    for (size_t point = 0; point < trace.count; point++) {
        for (size_t k = 0; begun && k < WEFT_ARRAY_LEN(kinds); k++) {
            struct crash c = { command, &kinds[k], point };
            if (!all && point % (command->every * WEFT_ARRAY_LEN(kinds)) != command->every * k)
                continue;
            crash_here(&c, &m, &rand);
            opened++;
        }
        disk_model_apply(&m, &trace.ops[point]);
        begun = begun || trace.ops[point].kind == DISK_MARK;
    }
    print_message("%s: %zu operations, opened %zu times\n", command->name, trace.count, opened);
    disk_model_done(&m);
}

TEST(a_rollback_that_a_crash_stops_leaves_a_ledger_that_opens)
{
    WEFT_IGNORE(log_set_spec("panic", NULL));
    crash_everywhere(&commands[0]);
}

TEST(a_reset_that_a_crash_stops_leaves_a_ledger_that_opens)
{
    crash_everywhere(&commands[1]);
}
