#include "validation/tx_validator.h"

#include "adversary_vectors.h"
#include "validation/adversary.h"
#include "validation_replay.h"
#include "weft_test.h"

#include "proto/block.h"
#include "proto/metadata.h"

#include <stdlib.h>

/* tests/vectors/adversary: what the original said to each block of an adversary's chain. */

/* By hand only. */
static const char *from_environment(const char *name)
{
    return getenv(name); /* NOLINT(concurrency-mt-unsafe): one thread */
}

/* What the original said of the next block. */
struct verdict {
    uint8_t codes[256];
    struct digest hash; /* all zeros: none */
};

static void read_verdict(struct adversary_vectors *v, const struct block *b, struct verdict *ret)
{
    char codes[256], hash[65];
    EXPECT_EQ(adversary_vectors_number(v), b->v.number);
    EXPECT(fscanf(v->f, "%255s %64s", codes, hash) == 2);
    EXPECT_EQ(strlen(codes), 2 * b->v.txs.count);
    *ret = (struct verdict){ 0 };
    EXPECT(bytes_from_hex(bytes_of_str(codes), ret->codes));
    EXPECT(b->v.number == 0 || bytes_from_hex(bytes_of_str(hash), ret->hash.b));
}

static const char *name_of(uint8_t code)
{
    const char *name = tx_validation_code_name(code);
    return name != NULL ? name : "a code without a name";
}

static unsigned compare(const struct adversary_vectors *v, const struct block *b,
                        const struct verdict *got, const struct verdict *want)
{
    unsigned differ = 0;
    for (size_t i = 0; i < b->v.txs.count; i++) {
        if (got->codes[i] == want->codes[i])
            continue;
        differ++;
        print_message(
            "seed %" PRIu64 " kind %" PRIu64 " block %" PRIu64 " tx %zu: %s, the original: %s\n",
            v->seed, v->kind, b->v.number, i, name_of(got->codes[i]), name_of(want->codes[i]));
    }
    if (differ == 0 && memcmp(&got->hash, &want->hash, sizeof(got->hash)) != 0) {
        differ++;
        print_message("seed %" PRIu64 " kind %" PRIu64 " block %" PRIu64 ": another commit hash\n",
                      v->seed, v->kind, b->v.number);
    }
    return differ;
}

/* The chain's next block; made again, unless the vectors come with their blocks. */
static struct block *next_block(struct adversary *a, FILE *chain)
{
    uint32_t n;
    struct block *b = NULL;
    struct weft_err e;
    if (chain == NULL)
        return block_ref(adversary_next(a));
    EXPECT(fread(&n, sizeof(n), 1, chain) == 1);
    WEFT_FREE uint8_t *wire = weft_alloc(n);
    EXPECT(fread(wire, 1, n, chain) == n);
    EXPECT_OK(block_parse(bytes_of(wire, n), &b, &e));
    return b;
}

static enum weft_code say(struct replay *r, struct block *b, struct verdict *ret,
                          struct weft_err *e)
{
    WEFT_TRY(replay_validate(r, b, ret->codes, e));
    return replay_commit(r, ret->codes, &ret->hash, e);
}

static unsigned compare_state(struct adversary_vectors *v, struct replay *r)
{
    size_t count;
    char hex[65];
    EXPECT(fscanf(v->f, " state") == 0);
    uint64_t want_count = adversary_vectors_number(v);
    EXPECT(fscanf(v->f, "%64s", hex) == 1);
    struct digest d = map_state_digest(replay_state(r), "ch", &count);
    WEFT_FREE char *got = bytes_to_hex(digest_bytes(&d));
    if (count == want_count && strcmp(got, hex) == 0)
        return 0;
    print_message("seed %" PRIu64 " kind %" PRIu64
                  ": another state, %zu keys, the original: %" PRIu64 "\n",
                  v->seed, v->kind, count, want_count);
    return 1;
}

/* How often they disagree; after a disagreement nothing that follows says much. */
static unsigned replay(struct adversary_vectors *v, FILE *chain, uint64_t blocks, unsigned workers)
{
    WEFT_CLEANUP(adversary_free)
    struct adversary *a =
        chain == NULL ? adversary_new(v->seed, (enum adversary_kind)v->kind) : NULL;
    WEFT_CLEANUP(replay_free) struct replay *r = NULL;
    unsigned differ = 0;
    for (unsigned i = 0; i < blocks && differ == 0; i++) {
        struct verdict got = { 0 }, want;
        struct weft_err e;
        WEFT_CLEANUP(block_unref) struct block *b = next_block(a, chain);
        read_verdict(v, b, &want);
        if (r == NULL) {
            r = replay_new(b, workers);
            map_state_live(replay_state(r), "c3", 3);
        } else {
            EXPECT_OK(say(r, b, &got, &e));
            differ += compare(v, b, &got, &want);
        }
        if (a != NULL)
            adversary_learn(a, want.codes);
    }
    return differ > 0 || blocks < v->blocks ? differ : compare_state(v, r);
}

static void expect_agreement(const char *path, uint64_t most, unsigned workers)
{
    struct adversary_vectors v = adversary_vectors_open(path);
    EXPECT_EQ(replay(&v, NULL, v.blocks < most ? v.blocks : most, workers), 0);
    (void)fclose(v.f);
}

/* By hand: a chain that was just made, and the original's answers. */
TEST(finds_what_the_original_found_in_a_chain)
{
    const char *answers = from_environment("WEFT_ADVERSARY_ANSWERS"),
               *blocks = from_environment("WEFT_ADVERSARY_BLOCKS");
    if (answers == NULL || blocks == NULL) {
        print_message("skipped: no WEFT_ADVERSARY_ANSWERS and WEFT_ADVERSARY_BLOCKS\n");
        return;
    }
    struct adversary_vectors v = adversary_vectors_open(answers);
    FILE *chain = fopen(blocks, "rb");
    EXPECT(chain != NULL);
    EXPECT_EQ(replay(&v, chain, v.blocks, 0), 0);
    (void)fclose(chain);
    (void)fclose(v.f);
}

static const char *const names[] = { "v20-1", "v20-2", "v20-3", "v142-1", "v142-2",
                                     "v13-1", "v12-1", "v11-1", "none-1" };

/* The first blocks of each; all of them with WEFT_ADVERSARY_ALL. */
TEST(finds_what_the_original_found)
{
    uint64_t most = from_environment("WEFT_ADVERSARY_ALL") != NULL ? UINT64_MAX : 60;
    for (size_t i = 0; i < WEFT_ARRAY_LEN(names); i++) {
        WEFT_FREE char *path = weft_asprintf("vectors/adversary/%s.txt", names[i]);
        expect_agreement(weft_test_file(path), most, 0);
    }
}

TEST(finds_the_same_with_any_number_of_workers)
{
    static const unsigned workers[] = { 1, 2, 8 };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(workers); i++)
        expect_agreement(weft_test_file("vectors/adversary/v20-1.txt"), 60, workers[i]);
}
