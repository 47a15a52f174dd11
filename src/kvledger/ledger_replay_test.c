#include "kvledger/ledger_replay.h"

#include "base/log.h"
#include "ledger/kv.h"
#include "os/dirs.h"
#include "peer_fixture.h"
#include "proto/metadata.h"
#include "state/state_value.h"
#include "validation/adversary.h"
#include "weft_test.h"

enum {
    BLOCKS = 12
};

__attribute__((constructor)) static void be_quiet(void)
{
    WEFT_IGNORE(log_set_spec("panic", NULL));
}

/* A peer's ledger of an adversary's chain, closed. */
struct recorded {
    char *dir;
    char notes[4096];
    struct ledger_replayed done;
};

static void record_on(struct recorded *r, struct adversary *a, int blocks)
{
    WEFT_CLEANUP(peer_world_close) struct peer_world w;
    struct weft_err e;
    EXPECT_OK(peer_world_open(&w, r->dir, "Org1MSP", "ch", &e));
    for (int i = 0; i < blocks; i++) {
        EXPECT_OK(peer_world_take(&w, adversary_next(a), NULL, 0, &e));
        adversary_learn(a, w.codes);
    }
    EXPECT_OK(kv_ledger_sync(w.ledger, &e));
}

static void record(struct recorded *r)
{
    WEFT_CLEANUP(adversary_free) struct adversary *a = adversary_new(5, ADVERSARY_V20);
    *r = (struct recorded){ .dir = weft_test_fast_dir() };
    record_on(r, a, BLOCKS);
}

static void recorded_done(struct recorded *r)
{
    free(r->dir);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct recorded, recorded_done)

static void take_note(void *ctx, const char *text)
{
    struct recorded *r = ctx;
    size_t n = strlen(r->notes);
    (void)snprintf(r->notes + n, sizeof(r->notes) - n, "%s\n", text);
}

static enum weft_code replay_folder(struct recorded *r, const char *dir, const char *channel,
                                    struct weft_err *e)
{
    WEFT_CLEANUP(ledger_dir_done) struct ledger_dir d = { 0 };
    WEFT_TRY(ledger_dir_open(dir, &d, e));
    return ledger_replay(&d, channel, &(struct ledger_replay_deps){ .ctx = r, .note = take_note },
                         &r->done, e);
}

static enum weft_code replay(struct recorded *r, struct weft_err *e)
{
    return replay_folder(r, r->dir, "ch", e);
}

/* ---- damage --------------------------------------------------------------------------------------- */

/* The commit hash of a block whose first transaction is valid, and where its bytes are. */
static size_t find_hash(const struct recorded *r, struct buf *file, size_t *ret_flags)
{
    WEFT_CLEANUP(ledger_dir_done) struct ledger_dir d = { 0 };
    WEFT_CLEANUP(block_unref) struct block *b = NULL;
    WEFT_FREE char *path = weft_asprintf("%s/chains/chains/ch/blockfile_000000", r->dir);
    struct metadata_view m = { 0 };
    struct weft_err e;
    EXPECT_OK(ledger_dir_open(r->dir, &d, &e));
    EXPECT_OK(ledger_dir_read(&d, "ch", 5, &b, &e));
    EXPECT_OK(block_metadata(&b->v, BLOCK_SLOT_COMMIT_HASH, &m, &e));
    *file = weft_test_read(path);
    const uint8_t *at = memmem(file->data, file->len, m.value.data, m.value.len);
    EXPECT(at != NULL);
    /* slot 2: flags; slot 3: none; slot 4: its length, 0a 20, the hash */
    *ret_flags = (size_t)(at - file->data) - 4 - b->v.txs.count;
    EXPECT(memcmp(file->data + *ret_flags, block_slot(&b->v, BLOCK_SLOT_FLAGS).data,
                  b->v.txs.count) == 0);
    return (size_t)(at - file->data);
}

static void change_file(const struct recorded *r, bool hash)
{
    WEFT_CLEANUP(buf_done) struct buf file = { 0 };
    WEFT_FREE char *path = weft_asprintf("%s/chains/chains/ch/blockfile_000000", r->dir);
    size_t flags, at = find_hash(r, &file, &flags);
    file.data[hash ? at : flags] ^= 1;
    FILE *f = fopen(path, "r+b");
    EXPECT(f != NULL);
    EXPECT(fwrite(file.data, 1, file.len, f) == file.len);
    EXPECT(fclose(f) == 0);
}

/* What is changed in the state: of the first key of namespace "open" that there is. */
enum damage {
    DAMAGE_VALUE,
    DAMAGE_VERSION,
    DAMAGE_METADATA,
    DAMAGE_MISSING,
    DAMAGE_EXTRA,
    DAMAGE_GARBAGE,
    DAMAGE_SAVEPOINT,
};

static void change_entry(struct kv_batch *batch, struct bytes key, struct bytes value,
                         enum damage what)
{
    WEFT_CLEANUP(buf_done) struct buf changed = { 0 };
    WEFT_CLEANUP(buf_done) struct buf other = { 0 };
    struct state_value v;
    struct weft_err e;
    EXPECT_OK(state_value_parse(value, &v, &e));
    buf_put(&other, key);
    if (what == DAMAGE_VALUE)
        v.value = bytes_of_str("another");
    if (what == DAMAGE_VERSION)
        v.version.tx++;
    if (what == DAMAGE_METADATA)
        v.metadata = bytes_of("\x12\x03\x0a\x01x", 5);
    if (what == DAMAGE_EXTRA)
        buf_put_str(&other, "extra");
    state_value_encode(&changed, &v);
    if (what == DAMAGE_MISSING)
        kv_batch_delete(batch, key);
    else if (what == DAMAGE_GARBAGE)
        kv_batch_put(batch, key, bytes_of("\xff", 1));
    else
        kv_batch_put(batch, buf_bytes(&other), buf_bytes(&changed));
}

static void change_state(const struct recorded *r, enum damage what)
{
    WEFT_FREE char *path = weft_asprintf("%s/stateLeveldb", r->dir);
    WEFT_CLEANUP(kv_close) struct kv *kv = NULL;
    WEFT_CLEANUP(kv_batch_free) struct kv_batch *batch = kv_batch_new();
    WEFT_CLEANUP(buf_done) struct buf far = { 0 };
    struct bytes prefix = bytes_of("ch\0dopen\0k", 10), key, value;
    struct weft_err e;
    bool found;
    EXPECT_OK(kv_open(path, "2.0", &kv, &e));
    WEFT_CLEANUP(kv_iter_free) struct kv_iter *it = kv_iter_new(kv, prefix);
    EXPECT_OK(kv_iter_next(it, &found, &key, &value, &e));
    EXPECT(found && bytes_start_with(key, prefix));
    state_version_put(&far, (struct state_version){ 1000, 0 });
    if (what == DAMAGE_SAVEPOINT)
        kv_batch_put(batch, bytes_of("ch\0s", 4), buf_bytes(&far));
    else
        change_entry(batch, key, value, what);
    EXPECT_OK(kv_write(kv, batch, true, &e));
}

/* What is changed in another database: an entry of the channel that begins like this. */
struct spoil {
    const char *name, *format, *prefix;
    enum damage damage;
    const char *words;
};

static void change_store(const char *dir, const char *channel, const struct spoil *s)
{
    WEFT_FREE char *path = weft_asprintf("%s/%s", dir, s->name);
    WEFT_CLEANUP(kv_close) struct kv *kv = NULL;
    WEFT_CLEANUP(kv_batch_free) struct kv_batch *batch = kv_batch_new();
    WEFT_CLEANUP(buf_done) struct buf prefix = { 0 };
    WEFT_CLEANUP(buf_done) struct buf other = { 0 };
    struct bytes key, value;
    struct weft_err e;
    bool found;
    buf_put(&prefix, bytes_of(channel, strlen(channel) + 1));
    buf_put_str(&prefix, s->prefix);
    EXPECT_OK(kv_open(path, s->format, &kv, &e));
    WEFT_CLEANUP(kv_iter_free) struct kv_iter *it = kv_iter_new(kv, buf_bytes(&prefix));
    EXPECT_OK(kv_iter_next(it, &found, &key, &value, &e));
    EXPECT(found && bytes_start_with(key, buf_bytes(&prefix)));
    buf_put(&other, key);
    other.data[other.len - 1] ^= 0x40; /* a transaction's number, or a block's */
    if (s->damage == DAMAGE_MISSING)
        kv_batch_delete(batch, key);
    else if (s->damage == DAMAGE_EXTRA)
        kv_batch_put(batch, buf_bytes(&other), value);
    else
        kv_batch_put(batch, key, bytes_of("\x02\x03\xe8\x00", 4)); /* block 1000, as a savepoint */
    EXPECT_OK(kv_write(kv, batch, true, &e));
}

static void expect_named(const char *from, const char *channel, const struct spoil *s)
{
    WEFT_CLEANUP(recorded_done) struct recorded r = { .dir = weft_test_fast_dir() };
    struct weft_err e = { 0 };
    copy_tree(from, r.dir);
    change_store(r.dir, channel, s);
    EXPECT_CODE(replay_folder(&r, r.dir, channel, &e), WEFT_CORRUPT);
    EXPECT_WORDS(e, s->words);
}

/* ---- tests ----------------------------------------------------------------------------------------- */

TEST(a_ledger_is_what_its_blocks_come_to)
{
    WEFT_CLEANUP(recorded_done) struct recorded r;
    struct weft_err e;
    record(&r);
    EXPECT_OK(replay(&r, &e));
    EXPECT_EQ(r.done.blocks, BLOCKS);
    EXPECT_EQ(r.done.commit_hashes, BLOCKS - 1);
    EXPECT(r.done.keys > 20);
    EXPECT(r.done.history > 20);
    EXPECT_STR(r.notes, "");
}

TEST(a_real_peers_ledger_is_what_its_blocks_come_to)
{
    WEFT_FREE char *dir = peer_fixture_copy();
    struct recorded r = { 0 };
    struct weft_err e;
    EXPECT_OK(replay_folder(&r, dir, PEER_FIXTURE_CHANNEL, &e));
    EXPECT_EQ(r.done.blocks, PEER_FIXTURE_BLOCKS);
    EXPECT_EQ(r.done.txs, 255);
    EXPECT_STR(r.notes, "");
}

TEST(another_code_is_named)
{
    WEFT_CLEANUP(recorded_done) struct recorded r;
    struct weft_err e = { 0 };
    record(&r);
    change_file(&r, false);
    EXPECT_CODE(replay(&r, &e), WEFT_CORRUPT);
    EXPECT_WORDS(e, "channel [ch]: block [5] transaction [0]: recorded as ");
}

TEST(another_commit_hash_is_named)
{
    WEFT_CLEANUP(recorded_done) struct recorded r;
    struct weft_err e = { 0 };
    record(&r);
    change_file(&r, true);
    EXPECT_CODE(replay(&r, &e), WEFT_CORRUPT);
    EXPECT_WORDS(e, "channel [ch]: block [5]: another commit hash is recorded");
}

TEST(whatever_is_changed_in_the_state_is_named)
{
    static const struct {
        enum damage damage;
        const char *words;
    } rows[] = {
        { DAMAGE_VALUE, "another value" },
        { DAMAGE_VERSION, "another version" },
        { DAMAGE_METADATA, "other metadata" },
        { DAMAGE_MISSING, "is not there" },
        { DAMAGE_EXTRA, "extra: should not be there" },
        { DAMAGE_GARBAGE, "can't be read" },
        { DAMAGE_SAVEPOINT, "the state is of block [1000], which is not in the files" },
    };
    WEFT_CLEANUP(recorded_done) struct recorded good;
    record(&good);
    for (size_t i = 0; i < WEFT_ARRAY_LEN(rows); i++) {
        WEFT_CLEANUP(recorded_done) struct recorded r = { .dir = weft_test_fast_dir() };
        struct weft_err e = { 0 };
        copy_tree(good.dir, r.dir);
        change_state(&r, rows[i].damage);
        EXPECT_CODE(replay(&r, &e), WEFT_CORRUPT);
        EXPECT_WORDS(e, rows[i].words);
        if (rows[i].damage != DAMAGE_SAVEPOINT)
            EXPECT_WORDS(e, "the state of channel [ch]: open/k");
    }
}

TEST(whatever_is_changed_in_the_history_is_named)
{
    static const struct spoil rows[] = {
        { "historyLeveldb", "2.0", "open", DAMAGE_VALUE, "open/k" },
        { "historyLeveldb", "2.0", "open", DAMAGE_VALUE, ": another value" },
        { "historyLeveldb", "2.0", "open", DAMAGE_MISSING, ": is not there" },
        { "historyLeveldb", "2.0", "open", DAMAGE_EXTRA, "the history of channel [ch]: open/k" },
        { "historyLeveldb", "2.0", "open", DAMAGE_EXTRA, ": should not be there" },
        { "historyLeveldb", "2.0", "s", DAMAGE_SAVEPOINT,
          "the history is of block [1000], which is not in the files" },
    };
    WEFT_CLEANUP(recorded_done) struct recorded good;
    record(&good);
    for (size_t i = 0; i < WEFT_ARRAY_LEN(rows); i++)
        expect_named(good.dir, "ch", &rows[i]);
}

TEST(whatever_is_changed_in_the_collections_by_block_is_named)
{
    static const char prefix[] = "slscc";
    static const struct spoil rows[] = {
        { "configHistory", "", prefix, DAMAGE_VALUE, "pdc as of block [8]: another value" },
        { "configHistory", "", prefix, DAMAGE_MISSING, "pdc as of block [8]: is not there" },
        { "configHistory", "", prefix, DAMAGE_EXTRA,
          "the collections of channel [mychannel]: pdc as of block [72]: should not be there" },
    };
    WEFT_FREE char *good = peer_fixture_copy();
    for (size_t i = 0; i < WEFT_ARRAY_LEN(rows); i++)
        expect_named(good, PEER_FIXTURE_CHANNEL, &rows[i]);
}

/* They are written before the block is: a crash can be between the two. */
TEST(collections_of_the_block_that_comes_next_may_be_there)
{
    WEFT_FREE char *dir = peer_fixture_copy();
    WEFT_FREE char *path = weft_asprintf("%s/configHistory", dir);
    WEFT_CLEANUP(kv_batch_free) struct kv_batch *batch = kv_batch_new();
    WEFT_CLEANUP(buf_done) struct buf key = { 0 };
    struct recorded r = { 0 };
    struct kv *kv = NULL;
    struct weft_err e = { 0 };
    buf_put(&key, bytes_of(PEER_FIXTURE_CHANNEL "\0slscc\0new~collection",
                           sizeof(PEER_FIXTURE_CHANNEL "\0slscc\0new~collection") - 1));
    buf_put(&key, bytes_of("\xff\xff\xff\xff\xff\xff\xff", 7));
    buf_put_u8(&key, 0xff - PEER_FIXTURE_BLOCKS);
    kv_batch_put(batch, buf_bytes(&key), bytes_of_str("x"));
    EXPECT_OK(kv_open(path, "", &kv, &e));
    EXPECT_OK(kv_write(kv, batch, true, &e));
    kv_close(kv);
    EXPECT_OK(replay_folder(&r, dir, PEER_FIXTURE_CHANNEL, &e));
    EXPECT_EQ(r.done.collections, 2);
    EXPECT_STR(r.notes, "");
}

/* As after a kill: databases of a few blocks before. */
TEST(a_state_and_a_history_that_lag_behind_are_compared_where_they_are)
{
    static const char *const stores[] = { "stateLeveldb", "historyLeveldb" };
    WEFT_CLEANUP(adversary_free) struct adversary *a = adversary_new(5, ADVERSARY_V20);
    WEFT_CLEANUP(recorded_done) struct recorded r = { .dir = weft_test_fast_dir() };
    WEFT_CLEANUP(recorded_done) struct recorded before = { .dir = weft_test_fast_dir() };
    struct weft_err e = { 0 };
    record_on(&r, a, BLOCKS / 2);
    copy_tree(r.dir, before.dir);
    record_on(&r, a, BLOCKS - BLOCKS / 2);
    for (size_t i = 0; i < WEFT_ARRAY_LEN(stores); i++) {
        WEFT_FREE char *from = weft_asprintf("%s/%s", before.dir, stores[i]);
        WEFT_FREE char *to = weft_asprintf("%s/%s", r.dir, stores[i]);
        EXPECT_OK(dir_remove_tree(to, &e));
        copy_tree(from, to);
    }
    EXPECT_OK(replay(&r, &e));
    EXPECT_STR(r.notes, "the state is of block [5], and was compared there: the peer brings it up "
                        "to block [11] when it starts\n"
                        "the history is of block [5], and was compared there: the peer brings it "
                        "up to block [11] when it starts\n");
    const struct spoil spoilt = { "historyLeveldb", "2.0", "open", DAMAGE_MISSING,
                                  ": is not there" };
    expect_named(r.dir, "ch", &spoilt);
}

TEST(without_a_state_database_the_blocks_are_replayed_all_the_same)
{
    WEFT_CLEANUP(recorded_done) struct recorded r;
    struct weft_err e;
    record(&r);
    WEFT_FREE char *path = weft_asprintf("%s/stateLeveldb", r.dir);
    EXPECT_OK(dir_remove_tree(path, &e));
    EXPECT_OK(replay(&r, &e));
    EXPECT_EQ(r.done.blocks, BLOCKS);
    EXPECT_EQ(r.done.keys, 0);
    EXPECT(strstr(r.notes, "there is no stateLeveldb") != NULL);
}

TEST(an_orderers_ledger_has_nothing_to_replay)
{
    struct recorded r = { 0 };
    struct weft_err e = { 0 };
    EXPECT_CODE(replay_folder(&r, weft_test_fixture("ledger-small/orderer"), "mychannel", &e),
                WEFT_INVALID);
    EXPECT_WORDS(e, "only a peer's folder can be replayed");
}
