/* The block store is stopped at every operation that it, or LevelDB below it,
 * does to the disk, and opened again on what a crash would have left there.
 *
 * The ways to crash that draw lots are tried at some of the operations,
 * unless WEFT_SIM_ALL is set. */
#include "sim/disk_model.h"
#include "sim/go_view.h"
#include "sim/store_story.h"

#include "base/log.h"
#include "os/dirs.h"
#include "weft_test.h"

static const struct crash_kind {
    const char *name;
    enum disk_names_model names;
    enum disk_data_model data;
    bool half;     /* the operation that is under way is half done */
    bool go_opens; /* a Go node that takes over finds all it trusts */
} kinds[] = {
    { "a killed process", DISK_NAMES_NOW, DISK_DATA_ALL, false, true },
    { "a process killed within a write", DISK_NAMES_NOW, DISK_DATA_ALL, true, true },
    { "only what was synced", DISK_NAMES_STRICT, DISK_DATA_NONE, false, false },
    { "names of the journal, no data", DISK_NAMES_JOURNAL, DISK_DATA_NONE, false, true },
    { "all names, no data", DISK_NAMES_NOW, DISK_DATA_NONE, false, false },
    { "all names, torn writes", DISK_NAMES_NOW, DISK_DATA_TORN, false, false },
    { "names of the journal, torn writes", DISK_NAMES_JOURNAL, DISK_DATA_TORN, false, true },
    { "all names, zeros for data", DISK_NAMES_NOW, DISK_DATA_ZERO, false, false },
    { "names of the journal, some pages", DISK_NAMES_JOURNAL, DISK_DATA_PAGES, false, false },
    { "some names, torn writes", DISK_NAMES_MIXED, DISK_DATA_TORN, false, false },
    { "some names, some pages", DISK_NAMES_MIXED, DISK_DATA_PAGES, false, false },
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum {
    STRIDE = 9,
    STRIDE_ALL = true, /* slower, and not what the sanitizers are for */
};
#else
enum {
    STRIDE = 3,
    STRIDE_ALL = false,
};
#endif

/* Operations in which the folders and databases of the story are made. */
enum {
    OPENING = 75,
};

/* Is this way tried at this point? */
static bool wanted(size_t point, size_t kind)
{
    static int all = -1;
    if (all < 0)
        all = getenv("WEFT_SIM_ALL") != NULL; /* NOLINT(concurrency-mt-unsafe) */
    bool by_lot = STRIDE_ALL || kind >= WEFT_ARRAY_LEN(kinds) || kinds[kind].half ||
                  kinds[kind].names == DISK_NAMES_MIXED || kinds[kind].data == DISK_DATA_TORN ||
                  kinds[kind].data == DISK_DATA_PAGES;
    bool opening = kind >= WEFT_ARRAY_LEN(kinds) && point < OPENING;
    return !by_lot || all || opening || point % STRIDE == kind % STRIDE;
}

/* One run of the story and where we are in it. */
struct crash {
    struct story story;
    struct disk_trace trace;
    struct disk_model model;
    size_t first; /* operation at which it is stopped */
    uint64_t announced, tried;
    struct weft_rand rand;
    struct last {
        uint64_t hash, height;
    } last[WEFT_ARRAY_LEN(kinds)]; /* the same folder need not be looked at twice */
    uint64_t opened;
};

/* An index checkpoint that leads nowhere: at the next opening the index is
 * deleted and built again. */
static void spoil_index(const char *dir)
{
    struct weft_err e = { 0 };
    struct kv *kv = NULL;
    WEFT_FREE char *path = weft_asprintf("%s/chains/index", dir);
    WEFT_CLEANUP(kv_batch_free) struct kv_batch *batch = kv_batch_new();
    EXPECT_OK(kv_open(path, block_index_format(BLOCK_INDEX_PEER), &kv, &e));
    struct block_index ix = { kv, "ch", BLOCK_INDEX_PEER };
    block_index_put_checkpoint(&ix, batch, 99);
    EXPECT_OK(kv_write(kv, batch, true, &e));
    kv_close(kv);
}

/* Records the story, and then what happens to its spoilt index, if it is. */
static void crash_start(struct crash *c, enum ledger_layout layout, uint64_t seed, bool spoil)
{
    struct weft_err e = { 0 };
    uint64_t height = STORY_BLOCKS;
    *c = (struct crash){ .rand = weft_rand_of(seed) };
    EXPECT_OK(log_set_spec("panic", &e));
    story_init(&c->story, layout, seed);
    WEFT_FREE char *dir = disk_new_dir();
    disk_watch(dir);
    disk_record_start(&c->trace);
    EXPECT_OK(story_play(&c->story, dir, &e));
    if (spoil) {
        spoil_index(dir);
        c->first = c->trace.count;
        EXPECT_OK(story_reopen(&c->story, dir, &height, &e));
    }
    EXPECT_EQ(height, STORY_BLOCKS);
    disk_record_stop();
    EXPECT_OK(dir_remove_tree(dir, &e));
    disk_model_init(&c->model);
}

static void crash_end(struct crash *c)
{
    disk_model_done(&c->model);
    disk_trace_done(&c->trace);
    story_done(&c->story);
    disk_watch(NULL);
}

static void failed_at(const struct crash *c, size_t point, const char *kind,
                      const struct weft_err *e)
{
    fail_msg("%s at operation %zu of %zu (%s): %s", kind, point, c->trace.count,
             c->story.layout == LEDGER_PEER ? "peer" : "orderer", e->msg);
}

/* Opens and checks what is left, unless the folder is as it was at the last
 * point: then the height that was found there must do for now as well. */
static void check_left(struct crash *c, size_t point, size_t kind, const struct disk_left *left)
{
    struct weft_err e = { 0 };
    struct last *last = &c->last[kind];
    if (last->hash != left->hash || last->height < c->announced) {
        WEFT_FREE char *dir = disk_new_dir();
        disk_left_write(left, dir);
        disk_watch(dir);
        enum weft_code rc = WEFT_OK;
        if (kinds[kind].go_opens && c->first == 0) /* nobody trusts a spoilt index */
            rc = go_view_check(dir, c->story.layout, "ch", &e);
        if (rc == WEFT_OK)
            rc = story_check(&c->story, dir, c->announced, c->tried, &last->height, &e);
        disk_watch(NULL);
        if (rc != WEFT_OK)
            failed_at(c, point, kinds[kind].name, &e);
        else
            last->hash = left->hash;
        EXPECT_OK(dir_remove_tree(dir, &e));
        c->opened++;
    }
}

static void crash_here(struct crash *c, size_t point, size_t kind)
{
    WEFT_CLEANUP(disk_left_done) struct disk_left left = { 0 };
    const struct crash_kind *k = &kinds[kind];
    if (!k->half) {
        disk_model_crash(&c->model, k->names, k->data, &c->rand, &left);
        check_left(c, point, kind, &left);
        return;
    }
    const struct disk_op *op = point < c->trace.count ? &c->trace.ops[point] : NULL;
    if (op == NULL || op->kind != DISK_WRITE || op->data.len < 2)
        return;
    struct disk_model half;
    struct disk_op cut;
    disk_model_copy(&c->model, &half);
    disk_model_apply_part(&half, op, 1 + (size_t)weft_rand_below(&c->rand, op->data.len - 1), &cut);
    disk_model_crash(&half, k->names, k->data, &c->rand, &left);
    check_left(c, point, kind, &left);
    disk_model_done(&half);
}

/* A killed process, a new one that opens the store, and power loss as soon as
 * it has: what the new one announced must be there all the same. */
static void crash_twice(struct crash *c, size_t point)
{
    WEFT_CLEANUP(disk_left_done) struct disk_left left = { 0 };
    WEFT_CLEANUP(disk_left_done) struct disk_left left_again = { 0 };
    WEFT_CLEANUP(disk_trace_done) struct disk_trace trace = { 0 };
    struct weft_err e = { 0 };
    struct disk_model model;
    uint64_t height = 0;
    WEFT_FREE char *dir = disk_new_dir();
    disk_model_copy(&c->model, &model);
    disk_model_crash(&model, DISK_NAMES_NOW, DISK_DATA_ALL, &c->rand, &left);
    disk_left_write(&left, dir);
    disk_model_moved(&model, &left, dir);
    disk_watch(dir);
    disk_record_start(&trace);
    if (story_reopen(&c->story, dir, &height, &e) != WEFT_OK)
        failed_at(c, point, "the first opening", &e);
    disk_record_stop();
    disk_watch(NULL);
    EXPECT_OK(dir_remove_tree(dir, &e));
    for (size_t i = 0; i < trace.count && trace.ops[i].kind != DISK_MARK; i++)
        disk_model_apply(&model, &trace.ops[i]);
    disk_model_crash(&model, DISK_NAMES_STRICT, DISK_DATA_NONE, &c->rand, &left_again);
    disk_model_done(&model);

    WEFT_FREE char *again = disk_new_dir();
    disk_left_write(&left_again, again);
    disk_watch(again);
    if (story_check(&c->story, again, height, c->tried, &height, &e) != WEFT_OK)
        failed_at(c, point, "killed, opened, power loss", &e);
    disk_watch(NULL);
    EXPECT_OK(dir_remove_tree(again, &e));
}

static void pass(struct crash *c, const struct disk_op *op)
{
    disk_model_apply(&c->model, op);
    if (op->kind == DISK_MARK) {
        c->announced = story_announced(op->number);
        c->tried = story_tried(op->number);
    }
}

static void crash_everywhere(enum ledger_layout layout, uint64_t seed, bool spoil)
{
    struct crash c;
    crash_start(&c, layout, seed, spoil);
    for (size_t point = 0; point <= c.trace.count; point++) {
        for (size_t kind = 0; kind < WEFT_ARRAY_LEN(kinds); kind++)
            if (point >= c.first && wanted(point, kind))
                crash_here(&c, point, kind);
        if (point >= c.first && wanted(point, WEFT_ARRAY_LEN(kinds)))
            crash_twice(&c, point);
        if (point < c.trace.count)
            pass(&c, &c.trace.ops[point]);
    }
    EXPECT_EQ(c.announced, STORY_BLOCKS);
    print_message("%zu operations, %zu ways to crash: opened %" PRIu64 " times\n", c.trace.count,
                  WEFT_ARRAY_LEN(kinds), c.opened);
    crash_end(&c);
}

TEST(a_peers_store_survives_a_crash_at_every_operation)
{
    crash_everywhere(LEDGER_PEER, 1, false);
}

TEST(an_orderers_store_survives_a_crash_at_every_operation)
{
    crash_everywhere(LEDGER_ORDERER, 2, false);
}

TEST(an_index_that_is_being_built_again_survives_a_crash_too)
{
    crash_everywhere(LEDGER_PEER, 5, true);
}
