#include "orderer/block_cutter.h"

#include "net/net_msg.h"
#include "weft_test.h"

/* A message that counts with n bytes: a payload of n - 1 and a signature of 1;
 * its first byte tells which it is. */
static struct ordered_message message(size_t n, uint8_t name)
{
    struct weft_err e;
    struct ordered_message m;
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    uint8_t *payload = weft_alloc(n);
    payload[0] = name;
    buf_put_u8(&b, 0x0a);
    buf_put_len_bytes(&b, bytes_of(payload, n - 1));
    buf_put_u8(&b, 0x12);
    buf_put_len_bytes(&b, bytes_of("s", 1));
    free(payload);
    WEFT_CLEANUP(net_msg_unref) struct net_msg *whole = net_msg_copy(buf_bytes(&b));
    EXPECT_OK(ordered_message_of(whole, &m, &e));
    EXPECT_EQ(m.size, n);
    return m;
}

/* "12|3": messages 1 and 2 in one batch, 3 in the next. */
struct cut_case {
    const char *what;
    uint32_t max_messages, preferred;
    size_t sizes[6]; /* 0 ends */
    const char *batches, *pending;
};

static void put_names(const struct batch *b, char *out)
{
    size_t at = strlen(out);
    if (at > 0)
        out[at++] = '|';
    for (size_t i = 0; i < b->count; i++) {
        struct bytes m = net_msg_bytes(b->at[i]);
        out[at++] = (char)m.data[m.data[1] < 0x80 ? 2 : 3];
    }
    out[at] = '\0';
}

static const struct cut_case cases[] = {
    { "one that fits waits", 10, 100, { 50 }, "", "1" },
    { "the count is reached", 2, 100, { 10, 10 }, "12", "" },
    { "the count is reached again", 2, 100, { 10, 10, 10, 10, 10 }, "12|34", "5" },
    { "a count of one never waits", 1, 100, { 10, 10 }, "1|2", "" },
    { "exactly the preferred size fits", 10, 100, { 60, 40 }, "", "12" },
    { "a byte more is cut before", 10, 100, { 60, 41 }, "1", "2" },
    { "one of exactly the preferred size waits", 10, 100, { 100 }, "", "1" },
    { "one that is larger goes alone at once", 10, 100, { 101 }, "1", "" },
    { "one that is larger cuts what waits, then goes alone", 10, 100, { 10, 20, 101 }, "12|3", "" },
    { "nothing waits after it", 10, 100, { 10, 101, 10 }, "1|2", "3" },
    { "overflow and a count of one give two", 1, 100, { 60 }, "1", "" },
    { "overflow that reaches the count gives two", 2, 100, { 60, 41, 59 }, "1|23", "" },
    { "after a cut the bytes count from nothing", 10, 100, { 60, 60, 40 }, "1", "23" },
    { "a preferred size of nothing isolates everything", 10, 0, { 5, 5 }, "1|2", "" },
};

TEST(cuts_where_fabric_cuts)
{
    for (size_t i = 0; i < WEFT_ARRAY_LEN(cases); i++) {
        const struct cut_case *t = &cases[i];
        char batches[64] = "", pending[64] = "";
        WEFT_CLEANUP(block_cutter_done) struct block_cutter c;
        block_cutter_init(&c);
        block_cutter_configure(&c, t->max_messages, t->preferred);
        for (size_t k = 0; k < WEFT_ARRAY_LEN(t->sizes) && t->sizes[k] > 0; k++) {
            struct batch cut[BLOCK_CUTTER_BATCHES];
            size_t n = block_cutter_add(&c, message(t->sizes[k], (uint8_t)('1' + k)), 0, cut);
            for (size_t b = 0; b < n; b++) {
                put_names(&cut[b], batches);
                batch_done(&cut[b]);
            }
        }
        put_names(&c.pending, pending);
        if (strcmp(batches, t->batches) != 0 || strcmp(pending, t->pending) != 0)
            print_error("%s: cut %s, pending %s\n", t->what, batches, pending);
        EXPECT_STR(batches, t->batches);
        EXPECT_STR(pending, t->pending);
    }
}

/* Both rules at once: it overflows what waits, and is enough for a batch itself.
 * Only a configuration that shrank in between can do this. */
TEST(one_message_cuts_two_batches_when_the_count_shrank)
{
    WEFT_CLEANUP(block_cutter_done) struct block_cutter c;
    struct batch cut[BLOCK_CUTTER_BATCHES];
    block_cutter_init(&c);
    block_cutter_configure(&c, 10, 100);
    EXPECT_EQ(block_cutter_add(&c, message(60, '1'), 0, cut), 0);
    block_cutter_configure(&c, 1, 100);
    EXPECT_EQ(block_cutter_add(&c, message(60, '2'), 0, cut), 2);
    EXPECT_EQ(cut[0].count, 1);
    EXPECT_EQ(cut[1].count, 1);
    batch_done(&cut[0]);
    batch_done(&cut[1]);
    EXPECT_EQ(block_cutter_pending(&c), 0);
}

TEST(says_how_long_a_batch_took_to_fill)
{
    WEFT_CLEANUP(block_cutter_done) struct block_cutter c;
    struct batch cut[BLOCK_CUTTER_BATCHES];
    block_cutter_init(&c);
    block_cutter_configure(&c, 2, 100);
    EXPECT_EQ(block_cutter_add(&c, message(10, '1'), 1000, cut), 0);
    EXPECT_EQ(block_cutter_add(&c, message(10, '2'), 4000, cut), 1);
    EXPECT_EQ(cut[0].fill_ns, 3000);
    batch_done(&cut[0]);
    EXPECT_EQ(block_cutter_add(&c, message(101, '3'), 9000, cut), 1);
    EXPECT_EQ(cut[0].fill_ns, 0);
    batch_done(&cut[0]);
}

TEST(an_empty_cut_is_empty)
{
    WEFT_CLEANUP(block_cutter_done) struct block_cutter c;
    block_cutter_init(&c);
    struct batch b = block_cutter_cut(&c, 5);
    EXPECT_EQ(b.count, 0);
    EXPECT_EQ(b.fill_ns, 0);
}

TEST(what_is_dropped_does_not_count_any_more)
{
    WEFT_CLEANUP(block_cutter_done) struct block_cutter c;
    struct batch cut[BLOCK_CUTTER_BATCHES];
    block_cutter_init(&c);
    block_cutter_configure(&c, 10, 100);
    EXPECT_EQ(block_cutter_add(&c, message(50, '1'), 0, cut), 0);
    EXPECT_EQ(block_cutter_add(&c, message(50, '2'), 0, cut), 0);
    block_cutter_drop_newest(&c, 1);
    EXPECT_EQ(block_cutter_pending(&c), 1);
    EXPECT_EQ(block_cutter_add(&c, message(50, '3'), 0, cut), 0); /* 100: fits again */
    EXPECT_EQ(block_cutter_pending(&c), 2);
}

/* ---- the form of an envelope ------------------------------------------------------------ */

static void expect_form(struct bytes in, struct bytes want, uint64_t size)
{
    struct weft_err e;
    struct ordered_message m;
    WEFT_CLEANUP(net_msg_unref) struct net_msg *received = net_msg_copy(in);
    EXPECT_OK(ordered_message_of(received, &m, &e));
    EXPECT_BYTES(net_msg_bytes(m.envelope), want);
    EXPECT_EQ(m.size, size);
    EXPECT_EQ(m.envelope == received, bytes_eq(in, want)); /* not copied without need */
    net_msg_unref(m.envelope);
}

#define B(s) bytes_of(s, sizeof(s) - 1)

TEST(an_envelope_gets_the_form_that_go_would_write)
{
    expect_form(B("\x0a\x02pp\x12\x01s"), B("\x0a\x02pp\x12\x01s"), 3);
    expect_form(B("\x12\x01s\x0a\x02pp"), B("\x0a\x02pp\x12\x01s"), 3);
    expect_form(B("\x0a\x01x\x0a\x02pp"), B("\x0a\x02pp"), 2); /* the last one counts */
    expect_form(B("\x0a\x82\x00pp\x12\x01s"), B("\x0a\x02pp\x12\x01s"), 3);
    expect_form(B("\x0a\x02pp\x12\x00"), B("\x0a\x02pp"), 2);
    expect_form(B("\x18\x05\x0a\x02pp\x12\x01s"), B("\x0a\x02pp\x12\x01s\x18\x05"), 3);
    expect_form(B(""), B(""), 0);
}

TEST(what_is_no_envelope_is_refused)
{
    struct weft_err e;
    struct ordered_message m;
    WEFT_CLEANUP(net_msg_unref) struct net_msg *bad = net_msg_copy(B("\x0a\x05pp"));
    EXPECT_CODE(ordered_message_of(bad, &m, &e), WEFT_INVALID);
}
