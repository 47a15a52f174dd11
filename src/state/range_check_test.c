#include "state/range_check.h"

#include "ledger/kv.h"
#include "proto/wire.h"
#include "state/merkle_summary.h"
#include "state/state_db.h"
#include "state/state_overlay.h"
#include "weft_test.h"

/* Keys k000 ... in the database, at version 0:i, and a block's updates over them. */
struct world {
    struct kv *state, *bookkeeper;
    struct state_db *db;
    struct update_batch *updates;
    struct state_overlay overlay;
    struct state_reader now;
};

static struct state_key key_at(char room[8], unsigned i)
{
    (void)snprintf(room, 8, "k%04u", i);
    return (struct state_key){ .ns = bytes_of_str("ns"), .key = bytes_of_str(room) };
}

static void put(struct update_batch *b, unsigned i, uint64_t block)
{
    char room[8];
    struct state_key k = key_at(room, i);
    update_batch_put(b, &k, &(struct state_value){ { block, i }, bytes_of_str("v"), { 0 } });
}

static void world_init(struct world *w, unsigned keys)
{
    struct weft_err e = { 0 };
    struct state_version at = { 0, 0 };
    WEFT_FREE char *dir = weft_test_fast_dir();
    WEFT_FREE char *state = weft_asprintf("%s/s", dir);
    WEFT_FREE char *bookkeeper = weft_asprintf("%s/b", dir);
    *w = (struct world){ .updates = update_batch_new() };
    EXPECT_OK(kv_open(state, "", &w->state, &e));
    EXPECT_OK(kv_open(bookkeeper, "", &w->bookkeeper, &e));
    EXPECT_OK(state_db_open(w->state, w->bookkeeper, "ch", &w->db, &e));
    for (unsigned i = 0; i < keys; i++)
        put(w->updates, i, 0);
    EXPECT_OK(state_db_apply(w->db, w->updates, &at, false, &e));
    update_batch_clear(w->updates);
    w->overlay = (struct state_overlay){ w->updates, state_db_reader(w->db) };
    w->now = state_overlay_reader(&w->overlay);
}

static void world_done(struct world *w)
{
    state_db_close(w->db);
    kv_close(w->state);
    kv_close(w->bookkeeper);
    update_batch_free(w->updates);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct world, world_done)

static void put_read(struct buf *out, unsigned i, const struct state_version *version)
{
    WEFT_CLEANUP(buf_done) struct buf v = { 0 };
    WEFT_CLEANUP(buf_done) struct buf one = { 0 };
    char room[8];
    wire_put_bytes(&one, 1, key_at(room, i).key);
    if (version != NULL) {
        wire_put_varint(&v, 1, version->block);
        wire_put_varint(&v, 2, version->tx);
        wire_put_bytes(&one, 2, buf_bytes(&v));
    }
    wire_put_bytes(out, 1, buf_bytes(&one));
}

/* A query whose results are keys first ... last - 1 as they are in the database. */
struct query {
    struct buf reads, hashes;
    struct range_query q;
};

static void query_done(struct query *q)
{
    buf_done(&q->reads);
    buf_done(&q->hashes);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct query, query_done)

static void query_init(struct query *q, const char *start, const char *end, bool exhausted)
{
    *q = (struct query){ .q = { .start_key = bytes_of_str(start),
                                .end_key = bytes_of_str(end),
                                .exhausted = exhausted } };
}

static void query_list(struct query *q, unsigned first, unsigned last)
{
    for (unsigned i = first; i < last; i++)
        put_read(&q->reads, i, &(struct state_version){ 0, i });
    q->q.kind = RANGE_QUERY_RAW;
    q->q.raw_reads = repeated_of(buf_bytes(&q->reads), 1);
}

static void query_summary(struct query *q, unsigned first, unsigned last, uint32_t degree)
{
    WEFT_CLEANUP(merkle_summary_done) struct merkle_summary m;
    char room[8];
    merkle_summary_init(&m, degree);
    for (unsigned i = first; i < last; i++)
        merkle_summary_add(&m, key_at(room, i).key, (struct state_version){ 0, i });
    merkle_summary_end(&m);
    for (struct bytes all = merkle_summary_hashes(&m); all.len > 0;
         all = bytes_skip(all, SHA256_BYTES))
        wire_put_bytes(&q->hashes, 3, bytes_of(all.data, SHA256_BYTES));
    q->q.kind = RANGE_QUERY_MERKLE;
    q->q.max_degree = degree;
    q->q.max_level = m.max_level;
    q->q.hashes = repeated_of(buf_bytes(&q->hashes), 3);
}

static bool same(struct world *w, const struct query *q)
{
    struct weft_err e = { 0 };
    bool ret = false;
    EXPECT_OK(range_check(&w->now, bytes_of_str("ns"), &q->q, &ret, &e));
    return ret;
}

TEST(results_that_are_still_there_in_the_same_versions_hold)
{
    WEFT_CLEANUP(world_done) struct world w;
    world_init(&w, 10);
    static const struct {
        const char *start, *end;
        bool exhausted;
        unsigned first, last;
        bool otherwise; /* would it hold with `exhausted` the other way? */
    } all[] = {
        { "", "", true, 0, 10, true },
        { "k0002", "k0005", true, 2, 5, false },
        { "k0002", "k0005", false, 2, 6, false }, /* not read to the end: that key belongs to it */
        { "k0005", "k0002", true, 0, 0, false },
        { "x", "", true, 0, 0, true },
        { "k0003", "k0009x", true, 3, 10, true },
    };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(all); i++) {
        WEFT_CLEANUP(query_done) struct query q;
        query_init(&q, all[i].start, all[i].end, all[i].exhausted);
        query_list(&q, all[i].first, all[i].last);
        EXPECT(same(&w, &q));
        q.q.exhausted = !q.q.exhausted;
        EXPECT_EQ(same(&w, &q), all[i].otherwise);
    }
}

TEST(a_key_more_or_less_or_in_another_version_is_a_phantom)
{
    WEFT_CLEANUP(world_done) struct world w;
    WEFT_CLEANUP(query_done) struct query q;
    char room[8];
    world_init(&w, 10);
    query_init(&q, "k0002", "k0006", true);
    query_list(&q, 2, 6);
    EXPECT(same(&w, &q));
    put(w.updates, 6, 7); /* beyond */
    EXPECT(same(&w, &q));
    put(w.updates, 4, 7);
    EXPECT(!same(&w, &q));
    update_batch_clear(w.updates);
    struct state_key k = key_at(room, 5);
    update_batch_delete(w.updates, &k, (struct state_version){ 7, 0 });
    EXPECT(!same(&w, &q));
    update_batch_clear(w.updates);
    k.key = bytes_of_str("k0004x");
    update_batch_put(w.updates, &k, &(struct state_value){ .value = bytes_of_str("new") });
    EXPECT(!same(&w, &q));
}

TEST(no_results_hold_while_there_are_none)
{
    WEFT_CLEANUP(world_done) struct world w;
    WEFT_CLEANUP(query_done) struct query q;
    world_init(&w, 3);
    query_init(&q, "k0005", "k0009", true);
    EXPECT(same(&w, &q)); /* neither list nor summary */
    query_list(&q, 0, 0);
    EXPECT(same(&w, &q));
    put(w.updates, 7, 1);
    EXPECT(!same(&w, &q));
}

TEST(the_end_key_of_a_query_that_was_not_read_to_its_end_may_go)
{
    WEFT_CLEANUP(world_done) struct world w;
    WEFT_CLEANUP(query_done) struct query q;
    char room[8];
    world_init(&w, 10);
    query_init(&q, "k0002", "k0005", false);
    query_list(&q, 2, 6);
    EXPECT(same(&w, &q));
    put(w.updates, 5, 7);
    EXPECT(!same(&w, &q));
    struct state_key k = key_at(room, 5);
    update_batch_delete(w.updates, &k, (struct state_version){ 7, 0 });
    EXPECT(!same(&w, &q));
}

TEST(a_summary_holds_while_the_results_are_the_same)
{
    WEFT_CLEANUP(world_done) struct world w;
    world_init(&w, 200);
    static const uint32_t degrees[] = { 2, 3, 7, 50 };
    for (size_t d = 0; d < WEFT_ARRAY_LEN(degrees); d++) {
        WEFT_CLEANUP(query_done) struct query q;
        query_init(&q, "k0020", "k0180", true);
        query_summary(&q, 20, 180, degrees[d]);
        EXPECT(same(&w, &q));
        for (unsigned i = 20; i < 180; i += 13) {
            char room[8];
            struct state_key k = key_at(room, i);
            put(w.updates, i, 1);
            EXPECT(!same(&w, &q));
            update_batch_delete(w.updates, &k, (struct state_version){ 1, 0 });
            EXPECT(!same(&w, &q));
            update_batch_clear(w.updates);
        }
        EXPECT(same(&w, &q));
        q.q.max_level++;
        EXPECT(!same(&w, &q));
        q.q.max_level -= 2;
        EXPECT(!same(&w, &q));
    }
}

/* The original's own length of a summary is 50; with 2550 results it holds 50 hashes on its
 * level, and one more makes the original read past them. */
TEST(a_full_summary_of_a_range_that_has_grown_is_a_phantom)
{
    WEFT_CLEANUP(world_done) struct world w;
    WEFT_CLEANUP(query_done) struct query q;
    world_init(&w, 2550);
    query_init(&q, "k", "l", true);
    query_summary(&q, 0, 2550, 50);
    EXPECT_EQ(q.q.max_level, 1);
    EXPECT_EQ(q.q.hashes.count, 50);
    EXPECT(same(&w, &q));
    for (unsigned i = 2550; i < 2700; i++)
        put(w.updates, i, 1);
    EXPECT(!same(&w, &q));
}

TEST(queries_that_no_chaincode_makes_do_not_hold)
{
    WEFT_CLEANUP(world_done) struct world w;
    world_init(&w, 10);
    WEFT_CLEANUP(query_done) struct query q;
    query_init(&q, "", "", true);
    query_summary(&q, 0, 10, 2);
    q.q.max_degree = 1; /* the original ends the channel's work */
    EXPECT(!same(&w, &q));
    q.q.max_degree = 0;
    EXPECT(!same(&w, &q));
    q.q.max_degree = 2;
    q.q.hashes = repeated_of(bytes_of(NULL, 0), 3);
    EXPECT(!same(&w, &q));
    q.q.hashes = repeated_of(bytes_of("\x1a\1x", 3), 3);
    EXPECT(!same(&w, &q));

    WEFT_CLEANUP(query_done) struct query list;
    query_init(&list, "k0000", "k0001", true);
    put_read(&list.reads, 0, NULL); /* no version: the original dies */
    list.q.kind = RANGE_QUERY_RAW;
    list.q.raw_reads = repeated_of(buf_bytes(&list.reads), 1);
    EXPECT(!same(&w, &list));
}
