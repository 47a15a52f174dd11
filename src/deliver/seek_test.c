#include "deliver/seek.h"

#include "weft_test.h"

#define AT(n)               \
    {                       \
        SEEK_SPECIFIED, (n) \
    }
static const struct seek_position oldest = { SEEK_OLDEST, 0 }, newest = { SEEK_NEWEST, 0 },
                                  unset = { SEEK_UNSET, 0 }, absent = { SEEK_ABSENT, 0 };

static void expect(struct seek_position start, struct seek_position stop, uint64_t height,
                   enum seek_answer answer, uint64_t first, uint64_t last)
{
    struct seek_range r = { 0 };
    struct seek_info s = { .start = start, .stop = stop };
    EXPECT_EQ(seek_resolve(&s, height, &r), answer);
    if (answer == SEEK_OK) {
        EXPECT_EQ(r.first, first);
        EXPECT_EQ(r.stop, last);
    }
}

/* The table of spec 30, with height 3. */
TEST(resolves_as_fabric_does)
{
    static const struct seek_position at0 = AT(0), at1 = AT(1), at2 = AT(2), at3 = AT(3),
                                      at4 = AT(4), at9 = AT(9), end = AT(UINT64_MAX);
    expect(oldest, oldest, 3, SEEK_OK, 0, 0);
    expect(oldest, newest, 3, SEEK_OK, 0, 2);
    expect(oldest, at1, 3, SEEK_OK, 0, 1);
    expect(oldest, at9, 3, SEEK_OK, 0, 9);
    expect(newest, newest, 3, SEEK_OK, 2, 2);
    expect(newest, oldest, 3, SEEK_OK, 2, 2);
    expect(newest, at1, 3, SEEK_BAD_REQUEST, 0, 0);
    expect(newest, at2, 3, SEEK_OK, 2, 2);
    expect(newest, at9, 3, SEEK_OK, 2, 9);
    expect(at1, oldest, 3, SEEK_OK, 1, 1);
    expect(at1, newest, 3, SEEK_OK, 1, 2);
    expect(at1, at2, 3, SEEK_OK, 1, 2);
    expect(at2, at1, 3, SEEK_BAD_REQUEST, 0, 0);
    expect(at3, end, 3, SEEK_OK, 3, UINT64_MAX);
    expect(at3, oldest, 3, SEEK_OK, 3, 3);
    expect(at3, newest, 3, SEEK_OK, 3, 2); /* waits for 3 and never stops */
    expect(at4, end, 3, SEEK_NOT_FOUND, 0, 0);
    expect(at4, at0, 3, SEEK_NOT_FOUND, 0, 0);
    expect(unset, newest, 3, SEEK_NOT_FOUND, 0, 0);
    expect(oldest, unset, 3, SEEK_OK, 0, 0);
    expect(at1, unset, 3, SEEK_OK, 1, 0);
    expect(absent, newest, 3, SEEK_BAD_REQUEST, 0, 0);
    expect(oldest, absent, 3, SEEK_BAD_REQUEST, 0, 0);
    expect(newest, newest, 0, SEEK_NOT_FOUND, 0, 0);
}

TEST(reads_what_it_writes)
{
    struct weft_err e = { 0 };
    const struct seek_info infos[] = {
        { .start = oldest, .stop = newest },
        { .start = AT(7), .stop = AT(UINT64_MAX), .fail_if_not_ready = true },
        { .start = AT(0), .stop = unset, .best_effort = true },
        { .start = absent, .stop = absent },
    };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(infos); i++) {
        struct seek_info back = { 0 };
        WEFT_CLEANUP(buf_done) struct buf b = { 0 };
        seek_info_encode(&infos[i], &b);
        EXPECT_OK(seek_info_parse(buf_bytes(&b), &back, &e));
        EXPECT_EQ(back.start.kind, infos[i].start.kind);
        EXPECT_EQ(back.start.number, infos[i].start.number);
        EXPECT_EQ(back.stop.kind, infos[i].stop.kind);
        EXPECT_EQ(back.stop.number, infos[i].stop.number);
        EXPECT_EQ(back.fail_if_not_ready, infos[i].fail_if_not_ready);
        EXPECT_EQ(back.best_effort, infos[i].best_effort);
    }
    /* start 7, stop newest, as `peer` writes it */
    struct seek_info s = { 0 };
    EXPECT_OK(seek_info_parse(bytes_of("\x0a\x04\x1a\x02\x08\x07\x12\x02\x0a\x00", 10), &s, &e));
    EXPECT_EQ(s.start.number, 7);
    EXPECT_EQ(s.stop.kind, SEEK_NEWEST);
    EXPECT_CODE(seek_info_parse(bytes_of("\x0a\x04\x1a\x02\x08", 5), &s, &e), WEFT_INVALID);
}

/* A behavior that is none acts as BLOCK_UNTIL_READY. */
TEST(unknown_enum_values_are_the_default)
{
    struct weft_err e = { 0 };
    struct seek_info s = { 0 };
    EXPECT_OK(seek_info_parse(bytes_of("\x18\x07\x20\x05", 4), &s, &e));
    EXPECT(!s.fail_if_not_ready);
    EXPECT(!s.best_effort);
}
