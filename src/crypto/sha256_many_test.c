#include "crypto/sha256_many.h"

#include "base/rand.h"
#include "weft_test.h"

enum {
    JOBS = 40,
    PIECES = 12,
};

/* Things to hash, of one text, cut anywhere. */
struct set {
    struct bytes pieces[JOBS][PIECES];
    struct sha256_job jobs[JOBS];
    size_t count;
};

static uint8_t text[1 << 16];

static void begin(void)
{
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (uint8_t)(i * 7 + (i >> 8) * 13);
}

static void expect_right(const struct set *s)
{
    for (size_t i = 0; i < s->count; i++) {
        struct sha256 h;
        sha256_init(&h);
        for (size_t k = 0; k < s->jobs[i].count; k++)
            sha256_add(&h, s->jobs[i].pieces[k]);
        struct digest want = sha256_end(&h);
        EXPECT_BYTES(digest_bytes(&s->jobs[i].digest), digest_bytes(&want));
    }
}

TEST(each_length_around_the_borders_of_blocks_in_each_number_of_lanes)
{
    begin();
    for (size_t count = 1; count <= SHA256_LANES + 2; count++)
        for (size_t len = 0; len <= 200; len++) {
            struct set s = { .count = count };
            for (size_t i = 0; i < count; i++) {
                s.pieces[i][0] = bytes_of(text + 100 * i, len + (i % 3) * 64);
                s.jobs[i] = (struct sha256_job){ .pieces = s.pieces[i], .count = 1 };
            }
            sha256_of_many(s.jobs, count);
            expect_right(&s);
        }
}

TEST(a_border_of_pieces_anywhere)
{
    begin();
    for (size_t at = 0; at <= 300; at++) {
        struct set s = { .count = 3 };
        for (size_t i = 0; i < 3; i++) {
            s.pieces[i][0] = bytes_of(text + i, at);
            s.pieces[i][1] = bytes_of(NULL, 0);
            s.pieces[i][2] = bytes_of(text + i + at, 1);
            s.pieces[i][3] = bytes_of(text + i + at + 1, 300 - at);
            s.jobs[i] = (struct sha256_job){ .pieces = s.pieces[i], .count = 4 };
        }
        sha256_of_many(s.jobs, 3);
        expect_right(&s);
        struct digest whole = sha256_of(bytes_of(text, 301));
        EXPECT_BYTES(digest_bytes(&s.jobs[0].digest), digest_bytes(&whole));
    }
}

/* Some long, some short, some empty, so that lanes end and begin at all times. */
static void fill(struct set *s, struct weft_rand *r)
{
    s->count = 1 + weft_rand_below(r, JOBS);
    uint64_t longest = 1 + weft_rand_below(r, 1 + weft_rand_below(r, 3) * 4000);
    for (size_t i = 0; i < s->count; i++) {
        size_t pieces = weft_rand_below(r, PIECES + 1);
        for (size_t k = 0; k < pieces; k++)
            s->pieces[i][k] =
                bytes_of(text + weft_rand_below(r, 1000), weft_rand_below(r, longest + 1));
        s->jobs[i] = (struct sha256_job){ .pieces = s->pieces[i], .count = pieces };
    }
}

TEST(any_mix_side_by_side_gives_what_one_after_the_other_gives)
{
    struct weft_rand r = { 2024 };
    begin();
    for (int round = 0; round < 2000; round++) {
        struct set s = { 0 };
        fill(&s, &r);
        sha256_of_many(s.jobs, s.count);
        expect_right(&s);
    }
}

TEST(without_the_cpu_for_it_the_result_is_the_same)
{
    struct weft_rand r = { 7 };
    begin();
    for (int round = 0; round < 50; round++) {
        struct set s = { 0 };
        fill(&s, &r);
        sha256_of_many_singly(s.jobs, s.count);
        expect_right(&s);
    }
    sha256_of_many(NULL, 0);
}
