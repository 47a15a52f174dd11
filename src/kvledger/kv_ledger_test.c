#include "kvledger/kv_ledger.h"

#include "base/log.h"
#include "bundle/bundle.h"
#include "kvledger/kv_ledger_channel.h"
#include "kvledger/kv_ledger_private.h"
#include "os/dirs.h"
#include "proto/block.h"
#include "proto/envelope.h"
#include "proto/metadata.h"
#include "state/state_db.h"
#include "validation/block_validation.h"
#include "validation_world.h"
#include "weft_test.h"

#include <sys/stat.h>

/* A ledger with its first block, and blocks whose transactions somebody found valid. */
struct world {
    struct vworld v;
    struct validation_lane *lane;
    char *dir;
    struct kv_ledgers *all;
    struct kv_ledger *ledger;
    struct digest last;
    struct rwset_maker set;
    char tx_id[TX_ID_LEN + 1]; /* of the newest transaction */
    uint8_t codes[VWORLD_TXS];
};

static void open_folder(struct world *w)
{
    struct weft_err e = { 0 };
    struct kv_ledgers_config config = { .mspid = "Org1MSP", .history = true };
    EXPECT_OK(kv_ledgers_open(w->dir, &config, &w->all, &e));
}

static void close_folder(struct world *w)
{
    kv_ledger_close(WEFT_TAKE(w->ledger));
    kv_ledgers_close(WEFT_TAKE(w->all));
}

static void open_again(struct world *w)
{
    struct weft_err e = { 0 };
    close_folder(w);
    open_folder(w);
    EXPECT_OK(kv_ledger_open(w->all, "ch", &w->ledger, &e));
}

/* The next block of what was added. */
static struct block *next_block(struct world *w, bool with_flags)
{
    WEFT_CLEANUP(block_unref) struct block *made = vworld_block(&w->v);
    WEFT_CLEANUP(buf_done) struct buf wire = { 0 };
    struct weft_err e = { 0 };
    struct block *b = NULL;
    struct block_view v = made->v;
    struct bytes slots[] = { { 0 }, { 0 }, bytes_of("", 1) };
    struct digest data = block_data_hash(&v);
    v.data_hash = digest_bytes(&data);
    if (v.number > 0)
        v.previous_hash = digest_bytes(&w->last);
    v.has_metadata = with_flags;
    if (with_flags)
        v.slots = (struct bytes_list){ slots, 3, 3 };
    block_encode(&v, &wire);
    EXPECT_OK(block_parse(buf_bytes(&wire), &b, &e));
    w->last = block_header_hash(&b->v);
    return b;
}

static void add_config(struct world *w, const char *config)
{
    WEFT_CLEANUP(buf_done) struct buf envelope = { 0 };
    test_envelope(w->v.channel, "Org1MSP", true, HEADER_CONFIG, "ch", bytes_of_str(config),
                  &envelope);
    vworld_add_bytes(&w->v, buf_bytes(&envelope));
}

static void world_init(struct world *w)
{
    struct weft_err e = { 0 };
    *w = (struct world){ .dir = weft_test_fast_dir() };
    EXPECT_OK(log_set_spec("panic", &e));
    vworld_init(&w->v, "V2_0");
    w->v.next_block = 0;
    w->lane = validation_lane_new(NULL, 16);
    open_folder(w);
    add_config(w, "first config");
    WEFT_CLEANUP(block_unref) struct block *b = next_block(w, true);
    EXPECT_OK(kv_ledgers_create(w->all, b, &w->ledger, &e));
}

static void world_done(struct world *w)
{
    close_folder(w);
    validation_lane_free(w->lane);
    vworld_done(&w->v);
    free(w->dir);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct world, world_done)

/* A transaction of what was put into the set: all of it is asset's. */
static void add_tx(struct world *w)
{
    WEFT_CLEANUP(buf_done) struct buf results = { 0 };
    struct bytes id;
    char room[TX_ID_LEN + 1];
    rwset_end(&w->set, &results);
    vworld_add(&w->v, &(struct tx_order){ .chaincode = "asset", .results = buf_bytes(&results) });
    struct bytes envelope = buf_bytes(&w->v.envelopes[w->v.count - 1]);
    EXPECT_EQ(envelope_tx_id(envelope, room, &id, NULL), WEFT_OK);
    memcpy(w->tx_id, id.data, TX_ID_LEN);
}

static void add_write(struct world *w, const char *key, const char *value)
{
    rwset_namespace(&w->set, "asset");
    rwset_write(&w->set, bytes_of_str(key), bytes_of_str(value));
    add_tx(w);
}

static enum weft_code commit_block(struct world *w, struct block *b, struct weft_err *e)
{
    WEFT_CLEANUP(block_validation_free)
    struct block_validation *v = block_validation_new(b, w->v.bundle);
    block_validation_run_all(v, w->lane);
    memset(w->codes, TX_VALID, sizeof(w->codes));
    return kv_ledger_commit(w->ledger, v, w->codes, NULL, 0, e);
}

static void commit(struct world *w)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(block_unref) struct block *b = next_block(w, false);
    EXPECT_OK(commit_block(w, b, &e));
}

static void sync_ledger(struct world *w)
{
    struct weft_err e = { 0 };
    EXPECT_OK(kv_ledger_sync(w->ledger, &e));
}

static uint64_t announced(struct world *w)
{
    return block_store_height(kv_ledger_blocks(w->ledger));
}

/* As a validator sees it; NULL: not there. */
static void expect_state(struct world *w, const char *key, const char *want)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(buf_done) struct buf got = { 0 };
    const struct validation_state *s = kv_ledger_validation_state(w->ledger);
    enum weft_code rc = s->get(s->ctx, bytes_of_str("asset"), bytes_of_str(key), &got, &e);
    EXPECT_EQ(rc, want != NULL ? WEFT_OK : WEFT_NOT_FOUND);
    if (want != NULL)
        EXPECT_BYTES(buf_bytes(&got), bytes_of_str(want));
}

static bool snapshot_has(struct world *w, const char *key)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(buf_done) struct buf room = { 0 };
    struct state_snapshot *s = kv_ledger_snapshot(w->ledger);
    struct state_reader r = state_snapshot_reader(s);
    struct state_key k = { .ns = bytes_of_str("asset"), .key = bytes_of_str(key) };
    struct state_value v;
    bool found = false;
    EXPECT_OK(state_reader_get(&r, &k, &room, &found, &v, &e));
    state_snapshot_free(s);
    return found;
}

static bool knows_id(struct world *w, const char *id)
{
    struct weft_err e = { 0 };
    const struct validation_state *s = kv_ledger_validation_state(w->ledger);
    bool ret = false;
    EXPECT_OK(s->has_tx_id(s->ctx, bytes_of(id, TX_ID_LEN), &ret, &e));
    return ret;
}

TEST(the_next_block_sees_what_nobody_else_does_before_the_sync)
{
    WEFT_CLEANUP(world_done) struct world w;
    world_init(&w);
    add_write(&w, "a", "1");
    EXPECT(!knows_id(&w, w.tx_id));
    commit(&w);
    for (int synced = 0; synced < 2; synced++) {
        EXPECT_EQ(kv_ledger_next(w.ledger), 2);
        expect_state(&w, "a", "1");
        EXPECT(knows_id(&w, w.tx_id));
        EXPECT_EQ(announced(&w), synced ? 2 : 1);
        EXPECT_EQ(snapshot_has(&w, "a"), synced);
        sync_ledger(&w);
    }
    open_again(&w);
    expect_state(&w, "a", "1");
    EXPECT(knows_id(&w, w.tx_id));
}

/* Of the key: 1 on its way to the disk, 2 behind it. */
TEST(the_next_block_sees_those_behind_a_sync_over_those_in_it)
{
    WEFT_CLEANUP(world_done) struct world w;
    struct weft_err e = { 0 };
    struct kv_sync *s = NULL;
    char first[TX_ID_LEN];
    world_init(&w);
    add_write(&w, "a", "1");
    memcpy(first, w.tx_id, TX_ID_LEN);
    add_write(&w, "b", "1");
    commit(&w);
    EXPECT_OK(kv_ledger_sync_begin(w.ledger, NULL, &s, &e));
    for (int more = 1; more;) {
        rwset_namespace(&w.set, "asset");
        rwset_read(&w.set, bytes_of_str("b"), &(struct made_version){ 1, 1 });
        rwset_write(&w.set, bytes_of_str("a"), bytes_of_str("2"));
        add_tx(&w);
        commit(&w);
        EXPECT_EQ(w.codes[0], TX_VALID);
        expect_state(&w, "a", "2");
        expect_state(&w, "b", "1");
        EXPECT(knows_id(&w, first));
        EXPECT(knows_id(&w, w.tx_id));
        EXPECT_EQ(announced(&w), 1);
        more = kv_sync_step(s);
    }
    EXPECT_OK(kv_ledger_sync_end(w.ledger, &e));
    EXPECT_EQ(announced(&w), 2);
    expect_state(&w, "a", "2");
    expect_state(&w, "b", "1");
    EXPECT(knows_id(&w, first));
    EXPECT(snapshot_has(&w, "b"));
    sync_ledger(&w);
    EXPECT_EQ(announced(&w), kv_ledger_next(w.ledger));
    open_again(&w);
    expect_state(&w, "a", "2");
}

TEST(what_is_committed_behind_a_sync_is_given_up_with_a_close)
{
    WEFT_CLEANUP(world_done) struct world w;
    struct weft_err e = { 0 };
    struct kv_sync *s = NULL;
    world_init(&w);
    add_write(&w, "a", "1");
    commit(&w);
    EXPECT_OK(kv_ledger_sync_begin(w.ledger, NULL, &s, &e));
    kv_sync_run(s);
    add_write(&w, "a", "2");
    commit(&w);
    EXPECT_OK(kv_ledger_sync_end(w.ledger, &e));
    open_again(&w);
    uint64_t height = announced(&w);
    EXPECT(height >= 2);
    expect_state(&w, "a", height == 2 ? "1" : "2");
}

TEST(a_block_for_a_new_file_waits_until_a_sync_has_ended)
{
    WEFT_CLEANUP(world_done) struct world w;
    struct weft_err e = { 0 };
    struct kv_sync *s = NULL;
    world_init(&w);
    WEFT_FREE char *large = weft_alloc(20001);
    memset(large, 'x', 20000);
    close_folder(&w);
    open_folder(&w);
    block_stores_set_file_bytes(w.all->blocks, 64 << 10);
    EXPECT_OK(kv_ledger_open(w.all, "ch", &w.ledger, &e));
    bool had_to_wait = false;
    for (int i = 0; i < 8; i++) {
        add_write(&w, "a", large);
        WEFT_CLEANUP(block_unref) struct block *b = next_block(&w, false);
        if (!kv_ledger_takes(w.ledger, b)) {
            had_to_wait = true;
            kv_sync_run(WEFT_TAKE(s));
            EXPECT_OK(kv_ledger_sync_end(w.ledger, &e));
        }
        EXPECT(kv_ledger_takes(w.ledger, b));
        EXPECT_OK(commit_block(&w, b, &e));
        if (s == NULL)
            EXPECT_OK(kv_ledger_sync_begin(w.ledger, NULL, &s, &e));
    }
    EXPECT(had_to_wait);
    kv_sync_run(s);
    EXPECT_OK(kv_ledger_sync_end(w.ledger, &e));
    sync_ledger(&w);
    EXPECT_EQ(announced(&w), 9);
}

static size_t count_files(struct world *w, uint64_t *ret_bytes)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(dir_list_done) struct dir_list files = { 0 };
    WEFT_FREE char *path = weft_asprintf("%s/chains/chains/ch", w->dir);
    EXPECT_OK(dir_list(path, &files, &e));
    *ret_bytes = 0;
    for (size_t i = 0; i < files.count; i++) {
        WEFT_FREE char *file = weft_asprintf("%s/%s", path, files.names[i]);
        struct stat st;
        EXPECT_EQ(stat(file, &st), 0);
        *ret_bytes += (uint64_t)st.st_size;
    }
    return files.count;
}

/* To the byte: files end where Fabric's do. */
TEST(it_is_known_before_whether_a_block_needs_a_new_file_and_a_sync_makes_it)
{
    WEFT_CLEANUP(world_done) struct world w;
    struct weft_err e = { 0 };
    size_t at_once = 0, by_sync = 0;
    world_init(&w);
    close_folder(&w);
    open_folder(&w);
    block_stores_set_file_bytes(w.all->blocks, 8 << 10);
    EXPECT_OK(kv_ledger_open(w.all, "ch", &w.ledger, &e));
    WEFT_FREE char *value = weft_alloc(600);
    memset(value, 'x', 599);
    for (size_t i = 0; i < 120; i++) {
        value[1 + i * 7 % 598] = '\0'; /* all lengths */
        add_write(&w, "a", value);
        memset(value, 'x', 599);
        WEFT_CLEANUP(block_unref) struct block *b = next_block(&w, false);
        uint64_t before = 0, after = 0;
        uint64_t len = kv_ledger_stored_len(w.ledger, &b->v);
        size_t files = count_files(&w, &before);
        bool needs_file = !kv_ledger_has_room(w.ledger, b);
        if (needs_file && by_sync <= at_once) {
            struct kv_sync *s = NULL;
            EXPECT_OK(kv_ledger_sync_begin(w.ledger, b, &s, &e));
            kv_sync_run(s);
            EXPECT_OK(kv_ledger_sync_end(w.ledger, &e));
            EXPECT_EQ(count_files(&w, &after), ++files);
            EXPECT(kv_ledger_has_room(w.ledger, b));
            needs_file = false;
            by_sync++;
        }
        EXPECT_OK(commit_block(&w, b, &e));
        EXPECT_EQ(count_files(&w, &after), files + needs_file);
        EXPECT_EQ(after - before, len);
        at_once += needs_file;
    }
    EXPECT(by_sync > 2 && at_once > 2);
    sync_ledger(&w);
    open_again(&w);
    EXPECT_EQ(announced(&w), 121);
}

TEST(so_many_updates_may_wait_and_half_of_them_behind_a_sync)
{
    WEFT_CLEANUP(world_done) struct world w;
    struct weft_err e = { 0 };
    struct kv_sync *s = NULL;
    world_init(&w);
    WEFT_FREE char *large = weft_alloc((3 << 20) + 1);
    memset(large, 'x', 3 << 20);
    WEFT_CLEANUP(block_unref) struct block *any = NULL; /* a small one */
    EXPECT_OK(block_store_read(kv_ledger_blocks(w.ledger), 0, &any, &e));
    for (int i = 0; i < 2; i++) {
        EXPECT(!kv_ledger_sync_is_due(w.ledger));
        add_write(&w, i == 0 ? "a" : "b", large);
        commit(&w);
    }
    EXPECT(kv_ledger_sync_is_due(w.ledger));
    EXPECT_OK(kv_ledger_sync_begin(w.ledger, NULL, &s, &e));
    EXPECT(!kv_ledger_sync_is_due(w.ledger));
    for (int i = 0; i < 2; i++) {
        EXPECT(kv_ledger_takes(w.ledger, any));
        add_write(&w, i == 0 ? "a" : "b", large);
        commit(&w);
    }
    EXPECT(!kv_ledger_takes(w.ledger, any));
    kv_sync_run(s);
    EXPECT_OK(kv_ledger_sync_end(w.ledger, &e));
    EXPECT(kv_ledger_takes(w.ledger, any));
    EXPECT_EQ(announced(&w), 3);
}

TEST(reads_are_held_against_blocks_that_are_not_synced)
{
    WEFT_CLEANUP(world_done) struct world w;
    world_init(&w);
    add_write(&w, "a", "1");
    commit(&w);
    for (int i = 0; i < 2; i++) {
        rwset_namespace(&w.set, "asset");
        rwset_read(&w.set, bytes_of_str("a"), &(struct made_version){ 1, 0 });
        rwset_write(&w.set, bytes_of_str("a"), bytes_of_str(i == 0 ? "2" : "3"));
        add_tx(&w);
    }
    commit(&w);
    EXPECT_EQ(w.codes[0], TX_VALID);
    EXPECT_EQ(w.codes[1], TX_MVCC_READ_CONFLICT);
    expect_state(&w, "a", "2");
    rwset_namespace(&w.set, "asset");
    rwset_range(&w.set, bytes_of_str("a"), bytes_of_str("b"), true,
                &(struct made_read){ bytes_of_str("a"), { 1, 0 } }, 1, 0);
    add_tx(&w);
    commit(&w);
    EXPECT_EQ(w.codes[0], TX_PHANTOM_READ_CONFLICT);
}

TEST(a_stored_block_has_its_flags_and_commit_hash_in_five_slots)
{
    WEFT_CLEANUP(world_done) struct world w;
    struct weft_err e = { 0 };
    world_init(&w);
    for (uint64_t n = 1; n < 4; n++) {
        add_write(&w, "a", "1");
        rwset_namespace(&w.set, "asset");
        rwset_read(&w.set, bytes_of_str("nobody"), &(struct made_version){ 0, 0 });
        add_tx(&w);
        commit(&w);
        if (n == 2) /* the hash goes on after an opening */
            open_again(&w);
    }
    sync_ledger(&w);
    for (uint64_t n = 0; n < 4; n++) {
        WEFT_CLEANUP(block_unref) struct block *b = NULL;
        struct metadata_view m = { 0 };
        EXPECT_OK(block_store_read(kv_ledger_blocks(w.ledger), n, &b, &e));
        EXPECT_EQ(b->v.slots.count, BLOCK_SLOT_NR);
        EXPECT_BYTES(block_slot(&b->v, BLOCK_SLOT_FLAGS),
                     n == 0 ? bytes_of("", 1) : bytes_of("\0\x0b", 2));
        EXPECT_OK(metadata_parse(block_slot(&b->v, BLOCK_SLOT_COMMIT_HASH), &m, &e));
        EXPECT_EQ(m.value.len, n == 0 ? 0 : SHA256_BYTES);
    }
}

TEST(a_block_that_is_not_the_next_changes_nothing)
{
    WEFT_CLEANUP(world_done) struct world w;
    struct weft_err e = { 0 };
    world_init(&w);
    add_write(&w, "a", "1");
    WEFT_CLEANUP(block_unref) struct block *first = next_block(&w, false);
    add_write(&w, "b", "1");
    WEFT_CLEANUP(block_unref) struct block *second = next_block(&w, false);
    EXPECT_CODE(commit_block(&w, second, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "block number should have been 1 but was 2");
    expect_state(&w, "b", NULL);
    EXPECT_OK(commit_block(&w, first, &e));
    EXPECT_CODE(commit_block(&w, first, &e), WEFT_INVALID);
    EXPECT_OK(commit_block(&w, second, &e));
    sync_ledger(&w);
    EXPECT_EQ(announced(&w), 3);
}

TEST(the_config_in_force_is_that_of_the_last_config_block)
{
    WEFT_CLEANUP(world_done) struct world w;
    struct weft_err e = { 0 };
    world_init(&w);
    WEFT_CLEANUP(buf_done) struct buf config = { 0 };
    EXPECT_OK(kv_ledger_config(w.ledger, &config, &e));
    EXPECT_BYTES(buf_bytes(&config), bytes_of_str("first config"));
    add_config(&w, "next config");
    commit(&w);
    sync_ledger(&w);
    open_again(&w);
    buf_clear(&config);
    EXPECT_OK(kv_ledger_config(w.ledger, &config, &e));
    EXPECT_BYTES(buf_bytes(&config), bytes_of_str("next config"));
}

/* A process that ends before the sync leaves whole blocks in the file. */
TEST(blocks_that_were_not_synced_are_in_all_stores_or_in_none)
{
    WEFT_CLEANUP(world_done) struct world w;
    world_init(&w);
    for (int i = 0; i < 3; i++) {
        add_write(&w, "a", i == 2 ? "3" : "1");
        commit(&w);
    }
    open_again(&w);
    uint64_t height = announced(&w);
    EXPECT_EQ(kv_ledger_next(w.ledger), height);
    expect_state(&w, "a", height == 4 ? "3" : height > 1 ? "1" : NULL);
}

TEST(many_blocks_are_synced_without_being_asked)
{
    WEFT_CLEANUP(world_done) struct world w;
    world_init(&w);
    for (int i = 0; i < 300; i++) {
        vworld_add_bytes(&w.v, bytes_of_str("no envelope"));
        WEFT_CLEANUP(block_unref) struct block *b = next_block(&w, false);
        WEFT_CLEANUP(block_validation_free)
        struct block_validation *v = block_validation_new(b, w.v.bundle);
        struct weft_err e = { 0 };
        w.codes[0] = TX_INVALID_OTHER_REASON;
        EXPECT_OK(kv_ledger_commit(w.ledger, v, w.codes, NULL, 0, &e));
    }
    EXPECT(announced(&w) > 200);
    EXPECT_EQ(kv_ledger_next(w.ledger), 301);
}
