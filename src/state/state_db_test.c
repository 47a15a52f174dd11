#include "state/state_db.h"

#include "ledger/kv.h"
#include "os/dirs.h"
#include "state/state_value.h"
#include "state/update_batch.h"
#include "weft_test.h"

#include <pthread.h>

/* The two databases of a folder, and the state of channel "ch" in them. */
struct world {
    char *dir;
    struct kv *state, *bookkeeper;
    struct state_db *db;
    struct update_batch *updates;
};

static void world_open(struct world *w)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *state = weft_asprintf("%s/stateLeveldb", w->dir);
    WEFT_FREE char *bookkeeper = weft_asprintf("%s/bookkeeper", w->dir);
    EXPECT_OK(kv_open(state, "2.0", &w->state, &e));
    EXPECT_OK(kv_open(bookkeeper, "", &w->bookkeeper, &e));
    EXPECT_OK(state_db_open(w->state, w->bookkeeper, "ch", &w->db, &e));
}

static void world_close(struct world *w)
{
    state_db_close(w->db);
    kv_close(w->state);
    kv_close(w->bookkeeper);
}

static void world_init(struct world *w)
{
    *w = (struct world){ .dir = weft_test_fast_dir(), .updates = update_batch_new() };
    world_open(w);
}

static void world_done(struct world *w)
{
    world_close(w);
    update_batch_free(w->updates);
    free(w->dir);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct world, world_done)

static struct state_key key_of(enum state_space space, const char *ns, const char *coll,
                               const char *key)
{
    return (struct state_key){ space, bytes_of_str(ns), bytes_of_str(coll), bytes_of_str(key) };
}

static void put(struct world *w, struct state_key key, const char *value, const char *metadata,
                uint64_t block)
{
    struct state_value v = { { block, 0 }, bytes_of_str(value), bytes_of_str(metadata) };
    update_batch_put(w->updates, &key, &v);
}

static void apply(struct world *w, uint64_t block)
{
    struct weft_err e = { 0 };
    struct state_version at = { block, 2 };
    EXPECT_OK(state_db_apply(w->db, w->updates, &at, false, &e));
    update_batch_clear(w->updates);
}

/* "value metadata block", or "-" */
static void expect_key(struct state_reader r, struct state_key key, const char *want)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(buf_done) struct buf room = { 0 };
    WEFT_CLEANUP(buf_done) struct buf got = { 0 };
    struct state_value v;
    bool found = false;
    EXPECT_OK(state_reader_get(&r, &key, &room, &found, &v, &e));
    if (found)
        buf_printf(&got, "%.*s %.*s %" PRIu64, (int)v.value.len, (const char *)v.value.data,
                   (int)v.metadata.len, (const char *)v.metadata.data, v.version.block);
    else
        buf_put_str(&got, "-");
    EXPECT_BYTES(buf_bytes(&got), bytes_of_str(want));
}

static void expect_scan(struct state_reader r, const char *ns, const char *start, const char *end,
                        const char *want)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(buf_done) struct buf got = { 0 };
    WEFT_CLEANUP(state_scan_free) struct state_scan *s = NULL;
    EXPECT_OK(
        state_reader_scan(&r, bytes_of_str(ns), bytes_of_str(start), bytes_of_str(end), &s, &e));
    for (;;) {
        struct bytes key;
        struct state_value v;
        bool found = false;
        EXPECT_OK(state_scan_next(s, &found, &key, &v, &e));
        if (!found)
            break;
        buf_put(&got, key);
        buf_put(&got, v.value);
        buf_put_u8(&got, ' ');
    }
    EXPECT_BYTES(buf_bytes(&got), bytes_of_str(want));
}

TEST(has_what_was_applied_and_the_savepoint_also_after_opening_again)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(world_done) struct world w;
    struct state_version at;
    bool found = true;
    world_init(&w);
    EXPECT_OK(state_db_savepoint(w.db, &found, &at, &e));
    EXPECT(!found);
    put(&w, key_of(STATE_PUBLIC, "ns", "", "a"), "1", "", 5);
    put(&w, key_of(STATE_HASHED, "ns", "coll", "a"), "2", "m", 5);
    put(&w, key_of(STATE_PRIVATE, "ns", "coll", "a"), "3", "", 5);
    apply(&w, 5);
    for (int i = 0; i < 2; i++) {
        struct state_reader r = state_db_reader(w.db);
        expect_key(r, key_of(STATE_PUBLIC, "ns", "", "a"), "1  5");
        expect_key(r, key_of(STATE_HASHED, "ns", "coll", "a"), "2 m 5");
        expect_key(r, key_of(STATE_PRIVATE, "ns", "coll", "a"), "3  5");
        expect_key(r, key_of(STATE_PUBLIC, "ns", "", "b"), "-");
        EXPECT_OK(state_db_savepoint(w.db, &found, &at, &e));
        EXPECT(found && at.block == 5 && at.tx == 2);
        world_close(&w);
        world_open(&w);
    }
    struct state_key a = key_of(STATE_PUBLIC, "ns", "", "a");
    update_batch_delete(w.updates, &a, (struct state_version){ 6, 0 });
    apply(&w, 6);
    expect_key(state_db_reader(w.db), a, "-");
}

/* As the original writes them. */
TEST(stores_in_the_format_of_the_original)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(world_done) struct world w;
    WEFT_CLEANUP(buf_done) struct buf value = { 0 };
    bool found = false;
    world_init(&w);
    put(&w, key_of(STATE_HASHED, "ns", "coll", "a"), "2", "m", 5);
    apply(&w, 5);
    EXPECT_OK(kv_get(w.state, bytes_of("ch\0dns$$hcoll\0a", 15), &found, &value, &e));
    EXPECT_BYTES(buf_bytes(&value), bytes_of("\x0a\3\1\5\0\x12\1"
                                             "2\x1a\1m",
                                             11));
    EXPECT_OK(kv_get(w.state, bytes_of("ch\0s", 4), &found, &value, &e));
    EXPECT_BYTES(buf_bytes(&value), bytes_of("\1\5\1\2", 4));
    EXPECT_OK(kv_get(w.bookkeeper, bytes_of("ch/1\0ns", 7), &found, &value, &e));
    EXPECT(found);
    EXPECT_OK(kv_get(w.bookkeeper, bytes_of("ch/1\0ns$$hcoll", 14), &found, &value, &e));
    EXPECT(found);
}

TEST(scans_a_namespace_and_nothing_beside_it)
{
    WEFT_CLEANUP(world_done) struct world w;
    static const char *const names[] = { "n", "ns", "nsx" };
    world_init(&w);
    for (size_t i = 0; i < WEFT_ARRAY_LEN(names); i++) {
        put(&w, key_of(STATE_PUBLIC, names[i], "", "a"), "1", "", 1);
        put(&w, key_of(STATE_PUBLIC, names[i], "", "b"), "2", "", 1);
        put(&w, key_of(STATE_PUBLIC, names[i], "", "c"), "3", "", 1);
    }
    put(&w, key_of(STATE_HASHED, "ns", "coll", "b"), "h", "", 1);
    apply(&w, 1);
    struct state_reader r = state_db_reader(w.db);
    expect_scan(r, "ns", "", "", "a1 b2 c3 ");
    expect_scan(r, "ns", "b", "", "b2 c3 ");
    expect_scan(r, "ns", "a", "c", "a1 b2 ");
    expect_scan(r, "ns", "aa", "bb", "b2 ");
    expect_scan(r, "ns", "c", "a", "");
    expect_scan(r, "nobody", "", "", "");
}

TEST(a_snapshot_stays_as_it_was)
{
    WEFT_CLEANUP(world_done) struct world w;
    struct state_key a = key_of(STATE_PUBLIC, "ns", "", "a");
    world_init(&w);
    put(&w, a, "1", "", 1);
    apply(&w, 1);
    WEFT_CLEANUP(state_snapshot_free) struct state_snapshot *s = state_snapshot_new(w.db);
    put(&w, a, "2", "m", 2);
    put(&w, key_of(STATE_PUBLIC, "ns", "", "b"), "2", "", 2);
    apply(&w, 2);
    expect_key(state_snapshot_reader(s), a, "1  1");
    expect_scan(state_snapshot_reader(s), "ns", "", "", "a1 ");
    expect_key(state_db_reader(w.db), a, "2 m 2");
    expect_scan(state_db_reader(w.db), "ns", "", "", "a2 b2 ");
    state_snapshot_free(WEFT_TAKE(s));
}

TEST(remembers_in_which_namespaces_metadata_was_ever_set)
{
    WEFT_CLEANUP(world_done) struct world w;
    world_init(&w);
    put(&w, key_of(STATE_PUBLIC, "plain", "", "a"), "1", "", 1);
    put(&w, key_of(STATE_PUBLIC, "with", "", "a"), "1", "m", 1);
    put(&w, key_of(STATE_HASHED, "hashed", "coll", "a"), "1", "m", 1);
    apply(&w, 1);
    put(&w, key_of(STATE_PUBLIC, "with", "", "a"), "1", "", 2); /* it is taken away */
    apply(&w, 2);
    for (int i = 0; i < 2; i++) {
        struct state_reader r = state_db_reader(w.db);
        EXPECT(!r.may_have_metadata(r.ctx, bytes_of_str("plain")));
        EXPECT(r.may_have_metadata(r.ctx, bytes_of_str("with")));
        EXPECT(r.may_have_metadata(r.ctx, bytes_of_str("hashed")));
        world_close(&w);
        world_open(&w);
    }
}

TEST(updates_without_a_savepoint_leave_it_where_it_is)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(world_done) struct world w;
    struct state_version at;
    bool found = false;
    world_init(&w);
    put(&w, key_of(STATE_PUBLIC, "ns", "", "a"), "1", "", 1);
    apply(&w, 1);
    put(&w, key_of(STATE_PRIVATE, "ns", "coll", "a"), "late", "", 0);
    EXPECT_OK(state_db_apply(w.db, w.updates, NULL, true, &e));
    EXPECT_OK(state_db_savepoint(w.db, &found, &at, &e));
    EXPECT_EQ(at.block, 1);
    expect_key(state_db_reader(w.db), key_of(STATE_PRIVATE, "ns", "coll", "a"), "late  0");
}

TEST(a_damaged_value_is_said_to_be_one)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(world_done) struct world w;
    WEFT_CLEANUP(kv_batch_free) struct kv_batch *b = kv_batch_new();
    WEFT_CLEANUP(buf_done) struct buf room = { 0 };
    struct state_key a = key_of(STATE_PUBLIC, "ns", "", "a");
    struct state_value v;
    struct state_version at;
    bool found = false;
    world_init(&w);
    kv_batch_put(b, bytes_of("ch\0dns\0a", 8), bytes_of_str("\x0a\x7f"));
    kv_batch_put(b, bytes_of("ch\0s", 4), bytes_of_str("\x09"));
    EXPECT_OK(kv_write(w.state, b, false, &e));
    struct state_reader r = state_db_reader(w.db);
    EXPECT_CODE(state_reader_get(&r, &a, &room, &found, &v, &e), WEFT_CORRUPT);
    EXPECT_CODE(state_db_savepoint(w.db, &found, &at, &e), WEFT_CORRUPT);
    WEFT_CLEANUP(state_scan_free) struct state_scan *s = NULL;
    struct bytes key;
    EXPECT_OK(
        state_reader_scan(&r, bytes_of_str("ns"), bytes_of(NULL, 0), bytes_of(NULL, 0), &s, &e));
    EXPECT_CODE(state_scan_next(s, &found, &key, &v, &e), WEFT_CORRUPT);
    state_scan_free(WEFT_TAKE(s));
}

/* Another thread reads a snapshot while blocks are applied. */
static void *read_snapshot(void *arg)
{
    struct state_snapshot *s = arg;
    for (int i = 0; i < 200; i++) {
        expect_key(state_snapshot_reader(s), key_of(STATE_PUBLIC, "ns", "", "a"), "0  0");
        struct state_reader r = state_snapshot_reader(s);
        (void)r.may_have_metadata(r.ctx, bytes_of_str("n50"));
    }
    state_snapshot_free(s);
    return NULL;
}

TEST(snapshots_are_read_on_other_threads_while_blocks_come)
{
    WEFT_CLEANUP(world_done) struct world w;
    struct state_key a = key_of(STATE_PUBLIC, "ns", "", "a");
    pthread_t threads[3];
    char name[16];
    world_init(&w);
    put(&w, a, "0", "", 0);
    apply(&w, 0);
    for (size_t i = 0; i < WEFT_ARRAY_LEN(threads); i++)
        EXPECT_EQ(pthread_create(&threads[i], NULL, read_snapshot, state_snapshot_new(w.db)), 0);
    for (uint64_t n = 1; n < 100; n++) {
        (void)snprintf(name, sizeof(name), "n%" PRIu64, n);
        put(&w, a, "1", "", n);
        put(&w, key_of(STATE_PUBLIC, name, "", "a"), "1", "m", n);
        apply(&w, n);
    }
    for (size_t i = 0; i < WEFT_ARRAY_LEN(threads); i++)
        EXPECT_EQ(pthread_join(threads[i], NULL), 0);
}
