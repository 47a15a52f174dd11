#include "state/state_overlay.h"

#include "base/rand.h"
#include "empty_state.h"
#include "weft_test.h"

static struct state_key key_of(const char *key)
{
    return (struct state_key){ .ns = bytes_of_str("ns"), .key = bytes_of_str(key) };
}

static void put(struct update_batch *b, const char *key, const char *value)
{
    struct state_key k = key_of(key);
    update_batch_put(b, &k, &(struct state_value){ .value = bytes_of_str(value) });
}

static void take_away(struct update_batch *b, const char *key)
{
    struct state_key k = key_of(key);
    update_batch_delete(b, &k, (struct state_version){ 1, 1 });
}

static void expect_key(struct state_overlay *o, const char *key, const char *want)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(buf_done) struct buf room = { 0 };
    struct state_reader r = state_overlay_reader(o);
    struct state_key k = key_of(key);
    struct state_value v = { 0 };
    bool found = false;
    EXPECT_OK(state_reader_get(&r, &k, &room, &found, &v, &e));
    EXPECT_EQ(found, want != NULL);
    if (want != NULL)
        EXPECT_BYTES(v.value, bytes_of_str(want));
}

static void scan(struct state_overlay *o, const char *start, const char *end, struct buf *out)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(state_scan_free) struct state_scan *s = NULL;
    struct state_reader r = state_overlay_reader(o);
    EXPECT_OK(
        state_reader_scan(&r, bytes_of_str("ns"), bytes_of_str(start), bytes_of_str(end), &s, &e));
    for (;;) {
        struct bytes key;
        struct state_value v;
        bool found = false;
        EXPECT_OK(state_scan_next(s, &found, &key, &v, &e));
        if (!found)
            return;
        buf_put(out, key);
        buf_put(out, v.value);
        buf_put_u8(out, ' ');
    }
}

static void expect_scan(struct state_overlay *o, const char *start, const char *end,
                        const char *want)
{
    WEFT_CLEANUP(buf_done) struct buf got = { 0 };
    scan(o, start, end, &got);
    EXPECT_BYTES(buf_bytes(&got), bytes_of_str(want));
}

/* Two layers over nothing. */
struct world {
    struct update_batch *low, *high;
    struct state_overlay below, o;
};

static void world_init(struct world *w)
{
    w->low = update_batch_new();
    w->high = update_batch_new();
    w->below = (struct state_overlay){ w->low, empty_state };
    w->o = (struct state_overlay){ w->high, state_overlay_reader(&w->below) };
}

static void world_done(struct world *w)
{
    update_batch_free(w->low);
    update_batch_free(w->high);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct world, world_done)

TEST(updates_hide_what_is_below)
{
    WEFT_CLEANUP(world_done) struct world w;
    world_init(&w);
    put(w.low, "a", "1");
    put(w.low, "b", "2");
    put(w.low, "c", "3");
    put(w.high, "b", "22");
    take_away(w.high, "c");
    put(w.high, "d", "4");
    expect_key(&w.o, "a", "1");
    expect_key(&w.o, "b", "22");
    expect_key(&w.o, "c", NULL);
    expect_key(&w.o, "d", "4");
    expect_key(&w.o, "e", NULL);
    expect_scan(&w.o, "", "", "a1 b22 d4 ");
    expect_scan(&w.o, "b", "d", "b22 ");
    expect_scan(&w.o, "c", "", "d4 ");
    expect_scan(&w.o, "d", "b", "");
}

TEST(a_key_that_is_deleted_below_and_written_above_is_there)
{
    WEFT_CLEANUP(world_done) struct world w;
    world_init(&w);
    put(w.low, "a", "1");
    take_away(w.low, "a");
    put(w.low, "z", "9");
    take_away(w.high, "z");
    expect_scan(&w.o, "", "", "");
    put(w.high, "a", "2");
    expect_scan(&w.o, "", "", "a2 ");
}

TEST(metadata_may_be_in_any_layer)
{
    WEFT_CLEANUP(world_done) struct world w;
    struct state_key k = key_of("a");
    struct state_value v = { .value = bytes_of_str("v"), .metadata = bytes_of_str("m") };
    world_init(&w);
    struct state_reader r = state_overlay_reader(&w.o);
    EXPECT(!r.may_have_metadata(r.ctx, bytes_of_str("ns")));
    update_batch_put(w.low, &k, &v);
    EXPECT(r.may_have_metadata(r.ctx, bytes_of_str("ns")));
}

/* Whatever is written and deleted in two layers: as if it had been in one. */
TEST(two_layers_read_as_one)
{
    struct weft_rand rand = weft_rand_of(11);
    char key[16], value[16], start[16], end[16];
    for (int round = 0; round < 300; round++) {
        WEFT_CLEANUP(world_done) struct world w;
        WEFT_CLEANUP(update_batch_free) struct update_batch *flat = update_batch_new();
        world_init(&w);
        for (int i = 0; i < 40; i++) {
            struct update_batch *to = i < 20 ? w.low : w.high;
            (void)snprintf(key, sizeof(key), "k%02u", (unsigned)weft_rand_below(&rand, 30));
            (void)snprintf(value, sizeof(value), "=%d", i);
            if (weft_rand_below(&rand, 3) == 0) {
                take_away(to, key);
                take_away(flat, key);
            } else {
                put(to, key, value);
                put(flat, key, value);
            }
        }
        (void)snprintf(start, sizeof(start), "k%02u", (unsigned)weft_rand_below(&rand, 30));
        (void)snprintf(end, sizeof(end), "k%02u", (unsigned)weft_rand_below(&rand, 30));
        struct state_overlay one = { flat, empty_state };
        WEFT_CLEANUP(buf_done) struct buf got = { 0 };
        WEFT_CLEANUP(buf_done) struct buf want = { 0 };
        scan(&w.o, start, round % 3 == 0 ? "" : end, &got);
        scan(&one, start, round % 3 == 0 ? "" : end, &want);
        EXPECT_BYTES(buf_bytes(&got), buf_bytes(&want));
    }
}
