#include "base/id_filter.h"

#include "weft_test.h"

/* Ids are numbers; none from here on is added. */
static const size_t never_added = (size_t)1 << 32;

static struct bytes id_of(const size_t *number)
{
    return bytes_of(number, sizeof(*number));
}

static bool may_have(const struct id_filter *f, size_t number)
{
    return id_filter_may_have(f, id_of(&number));
}

static void add_many(struct id_filter *f, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        id_filter_add(f, id_of(&i));
}

/* Of `tries` that were never added, how many may be there? */
static size_t wrong(const struct id_filter *f, size_t tries)
{
    size_t n = 0;
    for (size_t i = 0; i < tries; i++)
        n += may_have(f, never_added + i) ? 1 : 0;
    return n;
}

TEST(has_nothing_at_first)
{
    WEFT_CLEANUP(id_filter_done) struct id_filter f = { 0 };
    EXPECT(!id_filter_may_have(&f, bytes_of_str("a")));
    EXPECT(!id_filter_may_have(&f, bytes_of(NULL, 0)));
    id_filter_add(&f, bytes_of(NULL, 0));
    EXPECT(id_filter_may_have(&f, bytes_of(NULL, 0)));
}

TEST(forgets_no_id_through_all_its_parts)
{
    WEFT_CLEANUP(id_filter_done) struct id_filter f = { 0 };
    const size_t ids = 100000;
    add_many(&f, 0, ids);
    EXPECT(f.count > 3);
    for (size_t i = 0; i < ids; i++)
        EXPECT(may_have(&f, i));
}

TEST(says_maybe_to_one_new_id_in_a_hundred_at_most)
{
    WEFT_CLEANUP(id_filter_done) struct id_filter f = { 0 };
    add_many(&f, 0, 8192);
    EXPECT_EQ(f.count, 1);
    EXPECT(wrong(&f, 100000) < 500);
    add_many(&f, 8192, 1000000);
    EXPECT(wrong(&f, 100000) < 1500);
}

/* Twice as many as it was made for: memory stays, and most new ids are still told. */
TEST(takes_more_ids_than_it_has_room_for)
{
    WEFT_CLEANUP(id_filter_done) struct id_filter f = { 0 };
    add_many(&f, 0, ID_FILTER_BYTES_MAX);
    EXPECT_EQ(f.count, ID_FILTER_PARTS);
    EXPECT(may_have(&f, 0));
    EXPECT(may_have(&f, ID_FILTER_BYTES_MAX - 1));
    EXPECT(wrong(&f, 10000) < 5000);
}
