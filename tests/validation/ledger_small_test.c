#include "validation/tx_validator.h"

#include "base/number.h"
#include "ledger/kv.h"
#include "proto/block.h"
#include "proto/metadata.h"
#include "validation_replay.h"
#include "weft_test.h"

/* The chain of fixtures/ledger-small as its orderer sent it, against what a real peer made of
 * it: codes, commit hashes, the state in the end. */

enum {
    BLOCKS = 79
};

static struct block *read_block(const char *folder, unsigned number)
{
    WEFT_FREE char *path = weft_asprintf("ledger-small/%s/%u.block", folder, number);
    WEFT_CLEANUP(buf_done) struct buf b = weft_test_read(weft_test_fixture(path));
    struct block *block = NULL;
    struct weft_err e;
    EXPECT_OK(block_parse(buf_bytes(&b), &block, &e));
    return block;
}

static void expect_as_the_peer_found(const struct block *want, const uint8_t *codes,
                                     const struct digest *hash)
{
    struct metadata_view m = { 0 };
    struct weft_err e;
    for (size_t i = 0; i < want->v.txs.count; i++) {
        uint8_t code = TX_NOT_VALIDATED;
        EXPECT(block_tx_flag(&want->v, i, &code));
        if (codes[i] != code)
            fail_msg("block %" PRIu64 " transaction %zu: %u, not %u", want->v.number, i, codes[i],
                     code);
    }
    EXPECT_OK(block_metadata(&want->v, BLOCK_SLOT_COMMIT_HASH, &m, &e));
    EXPECT_BYTES(m.value, digest_bytes(hash));
}

static struct replay *replay_all(unsigned workers)
{
    WEFT_CLEANUP(block_unref) struct block *genesis = read_block("blocks-orderer", 0);
    struct replay *r = replay_new(genesis, workers);
    map_state_live(replay_state(r), "collBtl", 6);
    for (unsigned i = 1; i < BLOCKS; i++) {
        uint8_t codes[256];
        struct digest hash;
        struct weft_err e;
        WEFT_CLEANUP(block_unref) struct block *b = read_block("blocks-orderer", i);
        WEFT_CLEANUP(block_unref) struct block *want = read_block("blocks", i);
        EXPECT_OK(replay_validate(r, b, codes, &e));
        EXPECT_OK(replay_commit(r, codes, &hash, &e));
        expect_as_the_peer_found(want, codes, &hash);
    }
    return r;
}

static void add_part(struct sha256 *sum, struct bytes part)
{
    uint32_t len = (uint32_t)part.len;
    sha256_add(sum, bytes_of(&len, sizeof(len)));
    sha256_add(sum, part);
}

/* As map_state_digest: without the configuration, and without what only members have. */
static struct digest peers_state(size_t *ret_count)
{
    static const char channel[] = "mychannel";
    struct bytes prefix = bytes_of(channel, sizeof(channel)), key, value;
    struct sha256 sum;
    struct weft_err e;
    struct kv *kv = NULL;
    bool found = true;
    EXPECT_OK(kv_open_copy(
        weft_test_fixture("ledger-small/peer0.org1.example.com/ledgersData/stateLeveldb"), &kv,
        &e));
    struct kv_iter *it = kv_iter_new(kv, prefix);
    sha256_init(&sum);
    for (*ret_count = 0;;) {
        EXPECT_OK(kv_iter_next(it, &found, &key, &value, &e));
        if (!found || !bytes_start_with(key, prefix))
            break;
        struct bytes name = bytes_skip(key, prefix.len);
        if (bytes_start_with(name, bytes_of("d\0", 2)) ||
            memmem(name.data, name.len, "$$p", 3) != NULL)
            continue;
        add_part(&sum, key);
        add_part(&sum, value);
        ++*ret_count;
    }
    kv_iter_free(it);
    kv_close(kv);
    return sha256_end(&sum);
}

TEST(finds_what_a_real_peer_found)
{
    size_t count, want_count;
    (void)weft_test_fixture("ledger-small");
    WEFT_CLEANUP(replay_free) struct replay *r = replay_all(0);
    struct digest want = peers_state(&want_count);
    struct digest got = map_state_digest(replay_state(r), "mychannel", &count);
    EXPECT_EQ(count, want_count);
    EXPECT_BYTES(digest_bytes(&got), digest_bytes(&want));
}

TEST(finds_the_same_with_any_number_of_workers)
{
    static const unsigned workers[] = { 1, 2, 8 };
    (void)weft_test_fixture("ledger-small");
    for (size_t i = 0; i < WEFT_ARRAY_LEN(workers); i++)
        replay_free(replay_all(workers[i]));
}

static uint64_t number_of(const char *text)
{
    uint64_t n = 0;
    EXPECT(number_parse_u64(text, &n));
    return n;
}

/* The same again from the list that came with the files. */
TEST(a_real_peers_codes_are_those_of_the_list)
{
    char line[256], block[16], tx[16], code[16];
    unsigned lines = 0;
    FILE *f = fopen(weft_test_fixture("ledger-small/validation.tsv"), "r");
    EXPECT(f != NULL);
    EXPECT(fgets(line, sizeof(line), f) != NULL); /* what the columns are */
    while (fgets(line, sizeof(line), f) != NULL) {
        EXPECT(sscanf(line, "%15s %15s %*s %*s %15s", block, tx, code) == 3);
        WEFT_CLEANUP(block_unref)
        struct block *b = read_block("blocks", (unsigned)number_of(block));
        uint8_t flag = TX_NOT_VALIDATED;
        EXPECT(block_tx_flag(&b->v, (size_t)number_of(tx), &flag));
        EXPECT_EQ(flag, number_of(code));
        lines++;
    }
    EXPECT_EQ(lines, 255);
    (void)fclose(f);
}
