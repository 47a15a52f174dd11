#include "peer_fixture.h"

#include "kv_dump.h"
#include "os/dirs.h"
#include "os/file.h"
#include "proto/block.h"
#include "weft_test.h"

#define FIXTURE "ledger-small/"

enum {
    FILE_BYTES_MAX = 64 << 20
};

/* ---- the copy ---------------------------------------------------------------------------- */

static void copy_file(const char *from, const char *to)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    EXPECT_OK(file_read_all(from, FILE_BYTES_MAX, &b, &e));
    EXPECT_OK(file_write_plain(to, buf_bytes(&b), 0640, &e));
}

/* Folders lie three deep. */
static void copy_tree(const char *from, const char *to) /* NOLINT(misc-no-recursion) */
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(dir_list_done) struct dir_list l = { 0 };
    EXPECT_OK(dir_make(to, &e));
    EXPECT_OK(dir_list(from, &l, &e));
    for (size_t i = 0; i < l.count; i++) {
        WEFT_FREE char *source = weft_asprintf("%s/%s", from, l.names[i]);
        WEFT_FREE char *target = weft_asprintf("%s/%s", to, l.names[i]);
        if (path_is_dir(source))
            copy_tree(source, target);
        else
            copy_file(source, target);
    }
}

char *peer_fixture_copy(void)
{
    WEFT_FREE char *from =
        weft_strdup(weft_test_fixture(FIXTURE "peer0.org1.example.com/ledgersData"));
    char *dir = weft_test_fast_dir();
    copy_tree(from, dir);
    return dir;
}

/* ---- blocks -------------------------------------------------------------------------------- */

static struct block *read_block(const char *kind, uint64_t number)
{
    struct weft_err e = { 0 };
    struct block *b = NULL;
    WEFT_FREE char *name = weft_asprintf(FIXTURE "%s/%" PRIu64 ".block", kind, number);
    WEFT_CLEANUP(buf_done) struct buf wire = weft_test_read(weft_test_fixture(name));
    EXPECT_OK(block_parse(buf_bytes(&wire), &b, &e));
    return b;
}

struct block *peer_fixture_block(uint64_t number)
{
    return read_block("blocks-orderer", number);
}

void peer_fixture_take(struct peer_world *w, uint64_t from, uint64_t to)
{
    struct weft_err e = { 0 };
    for (uint64_t n = from; n < to; n++) {
        WEFT_CLEANUP(block_unref) struct block *b = peer_fixture_block(n);
        EXPECT_OK(peer_world_take(w, b, NULL, 0, &e));
        if (n % 3 == 0)
            EXPECT_OK(kv_ledger_sync(w->ledger, &e));
    }
    EXPECT_OK(kv_ledger_sync(w->ledger, &e));
}

void peer_fixture_expect_blocks(struct peer_world *w)
{
    struct weft_err e = { 0 };
    EXPECT_EQ(block_store_height(kv_ledger_blocks(w->ledger)), PEER_FIXTURE_BLOCKS);
    for (uint64_t n = 0; n < PEER_FIXTURE_BLOCKS; n++) {
        WEFT_CLEANUP(block_unref) struct block *got = NULL;
        WEFT_CLEANUP(block_unref) struct block *want = read_block("blocks", n);
        WEFT_CLEANUP(buf_done) struct buf a = { 0 };
        WEFT_CLEANUP(buf_done) struct buf b = { 0 };
        EXPECT_OK(block_store_read(kv_ledger_blocks(w->ledger), n, &got, &e));
        block_encode(&got->v, &a);
        block_encode(&want->v, &b);
        EXPECT_BYTES(buf_bytes(&a), buf_bytes(&b));
    }
}

/* ---- databases -------------------------------------------------------------------------------- */

static void expect(const char *dir, const char *name, const char *list)
{
    WEFT_FREE char *path = weft_asprintf("%s/%s", dir, name);
    WEFT_FREE char *heading = weft_asprintf("# peer ledgersData/%s", name);
    EXPECT(kv_dump_expect_dir(path, weft_test_fixture(list), heading) > 0);
}

void peer_fixture_expect_databases(const char *dir)
{
    static const char *const names[] = { "stateLeveldb", "historyLeveldb", "pvtdataStore",
                                         "configHistory", "bookkeeper" };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(names); i++)
        expect(dir, names[i], FIXTURE "otherdb-dump.txt");
    expect(dir, "chains/index", FIXTURE "index-dump.txt");
    expect(dir, "ledgerProvider", FIXTURE "index-dump.txt");
}
