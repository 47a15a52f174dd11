#include "ledger/ledger_verify.h"

#include "ledger/block_checkpoint.h"
#include "ledger/order_key.h"
#include "ledger_world.h"
#include "os/file.h"

#include <fcntl.h>
#include <unistd.h>

/* ---- a database as a whole ----------------------------------------------------------- */

/* All keys and values, one after the other; false if it cannot be read. */
static bool dump(const char *dir, struct buf *ret)
{
    WEFT_CLEANUP(kv_close) struct kv *kv = NULL;
    bool found = true;
    buf_clear(ret);
    if (kv_open_copy_cutting(dir, &kv, NULL) != WEFT_OK)
        return false;
    WEFT_CLEANUP(kv_iter_free) struct kv_iter *it = kv_iter_new(kv, bytes_of(NULL, 0));
    while (found) {
        struct bytes key = { 0 }, value = { 0 };
        if (kv_iter_next(it, &found, &key, &value, NULL) != WEFT_OK)
            return false;
        if (found) {
            buf_put_len_bytes(ret, key);
            buf_put_len_bytes(ret, value);
        }
    }
    return true;
}

static bool is_text_of_leveldb(const char *name)
{
    return strcmp(name, "LOCK") == 0 || strncmp(name, "LOG", 3) == 0;
}

static void copy_dir(const char *from, const char *to)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(dir_list_done) struct dir_list l = { 0 };
    EXPECT_OK(dir_remove_tree(to, &e));
    EXPECT_OK(dir_make(to, &e));
    EXPECT_OK(dir_list(from, &l, &e));
    for (size_t i = 0; i < l.count; i++) {
        WEFT_FREE char *in = weft_asprintf("%s/%s", from, l.names[i]);
        WEFT_FREE char *out = weft_asprintf("%s/%s", to, l.names[i]);
        WEFT_CLEANUP(buf_done) struct buf b = weft_test_read(in);
        world_write(out, buf_bytes(&b));
    }
}

/* The index as it lies on the disk while the node runs: in its log, no table. */
static void take_index_of_a_kill(struct world *w, const char *to)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(block_stores_close) struct block_stores *stores = NULL;
    WEFT_CLEANUP(block_store_close) struct block_store *bs = NULL;
    EXPECT_OK(block_stores_open(w->root, w->layout, &stores, &e));
    block_stores_set_file_bytes(stores, WORLD_FILE_BYTES);
    EXPECT_OK(block_store_open(stores, "ch", &bs, &e));
    for (size_t i = 0; i < WORLD_BLOCKS; i++)
        EXPECT_OK(block_store_append(bs, &w->chain.blocks[i]->v, BLOCK_APPEND_SYNC, &e));
    copy_dir(w->index_dir, to);
}

static void make_killed(struct world *w, enum ledger_layout layout)
{
    WEFT_FREE char *copy = weft_test_dir();
    world_start(w, layout);
    world_grow(w);
    take_index_of_a_kill(w, copy);
    copy_dir(copy, w->index_dir);
    if (layout == LEDGER_PEER)
        world_list(w, "ch");
}

TEST(a_ledger_of_a_node_that_was_killed_is_good)
{
    struct weft_err e = { 0 };
    for (int i = 0; i < 2; i++) {
        WEFT_CLEANUP(world_done) struct world w;
        make_killed(&w, i == 0 ? LEDGER_ORDERER : LEDGER_PEER);
        EXPECT_OK(world_verify(&w, &e));
        EXPECT_EQ(w.found.blocks, WORLD_BLOCKS);
        EXPECT(w.found.index_entries > WORLD_BLOCKS);
        EXPECT(strstr(w.notes, "as after a kill") != NULL);
    }
}

/* What a power failure kept from the disk: zeros in the log's first record, or its last. */
static void make_hole(const struct world *w, bool in_first)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(dir_list_done) struct dir_list l = { 0 };
    size_t logs = 0;
    EXPECT_OK(dir_list(w->index_dir, &l, &e));
    for (size_t i = 0; i < l.count; i++) {
        size_t n = strlen(l.names[i]);
        if (n < 4 || strcmp(l.names[i] + n - 4, ".log") != 0)
            continue;
        WEFT_FREE char *path = weft_asprintf("%s/%s", w->index_dir, l.names[i]);
        WEFT_CLEANUP(buf_done) struct buf b = weft_test_read(path);
        memset(b.data + (in_first ? 10 : b.len - 25), 0, 20);
        world_write(path, buf_bytes(&b));
        logs++;
    }
    EXPECT_EQ(logs, 1);
}

/* As the node will open it, which makes again what is lost; and nothing in the folder changes. */
TEST(an_index_with_a_hole_in_its_log_is_good_up_to_there)
{
    struct weft_err e = { 0 };
    for (int i = 0; i < 4; i++) {
        WEFT_CLEANUP(world_done) struct world w;
        make_killed(&w, i < 2 ? LEDGER_ORDERER : LEDGER_PEER);
        make_hole(&w, i % 2 == 0);
        WEFT_CLEANUP(buf_done) struct buf before = weft_test_read_dir(w.index_dir);
        EXPECT_OK(world_verify(&w, &e));
        EXPECT_EQ(w.found.blocks, WORLD_BLOCKS);
        EXPECT(strstr(w.notes, ".log is bad from byte ") != NULL);
        WEFT_CLEANUP(buf_done) struct buf after = weft_test_read_dir(w.index_dir);
        EXPECT_BYTES(buf_bytes(&after), buf_bytes(&before));

        WEFT_CLEANUP(block_stores_close) struct block_stores *stores = NULL;
        WEFT_CLEANUP(block_store_close) struct block_store *bs = NULL;
        EXPECT_OK(block_stores_open(w.root, w.layout, &stores, &e));
        EXPECT_OK(block_store_open(stores, "ch", &bs, &e));
        EXPECT_EQ(block_store_height(bs), WORLD_BLOCKS);
    }
}

/* ---- every byte of the index ----------------------------------------------------------- */

struct flips {
    struct world *w;
    const char *dir;
    struct buf all; /* what the database holds */
    /* refused; read as if nothing had happened; read as an older state */
    uint64_t refused, ignored, older;
};

static void count_flip(struct flips *f, const char *name, size_t offset)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(buf_done) struct buf now = { 0 };
    enum weft_code rc = world_verify(f->w, &e);
    if (rc != WEFT_OK) {
        f->refused++;
        return;
    }
    bool readable = dump(f->dir, &now);
    bool noted = strstr(f->w->notes, "as after a kill") != NULL ||
                 strstr(f->w->notes, "does not know this channel") != NULL;
    if (readable && bytes_eq(buf_bytes(&now), buf_bytes(&f->all)))
        f->ignored++;
    else if (readable && now.len <= f->all.len && noted)
        f->older++;
    else
        fail_msg("%s byte %zu: another index is taken for good", name, offset);
}

static void flip_all_bytes(struct flips *f)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(dir_list_done) struct dir_list l = { 0 };
    EXPECT(dump(f->dir, &f->all));
    EXPECT_OK(dir_list(f->dir, &l, &e));
    for (size_t n = 0; n < l.count; n++) {
        if (is_text_of_leveldb(l.names[n]))
            continue;
        WEFT_FREE char *path = weft_asprintf("%s/%s", f->dir, l.names[n]);
        WEFT_CLEANUP(buf_done) struct buf b = weft_test_read(path);
        WEFT_CLEANUP(file_close) int fd = open(path, O_RDWR | O_CLOEXEC);
        uint64_t refused = f->refused, ignored = f->ignored, older = f->older;
        for (size_t i = 0; i < b.len; i++) {
            uint8_t is = (uint8_t)(b.data[i] ^ (1U << (i % 8)));
            WEFT_ASSERT(pwrite(fd, &is, 1, (off_t)i) == 1);
            count_flip(f, l.names[n], i);
            WEFT_ASSERT(pwrite(fd, &b.data[i], 1, (off_t)i) == 1);
        }
        print_message("%s: %zu bytes: %" PRIu64 " refused, %" PRIu64 " without effect, %" PRIu64
                      " read as an older index\n",
                      l.names[n], b.len, f->refused - refused, f->ignored - ignored,
                      f->older - older);
    }
    buf_done(&f->all);
    EXPECT_OK(world_verify(f->w, &e));
}

TEST(no_byte_of_an_orderers_index_can_change_unseen)
{
    WEFT_CLEANUP(world_done) struct world w;
    world_make(&w, LEDGER_ORDERER);
    struct flips f = { .w = &w, .dir = w.index_dir };
    flip_all_bytes(&f);
}

TEST(no_byte_of_a_peers_index_can_change_unseen)
{
    WEFT_CLEANUP(world_done) struct world w;
    world_make(&w, LEDGER_PEER);
    struct flips f = { .w = &w, .dir = w.index_dir };
    flip_all_bytes(&f);
}

TEST(no_byte_of_an_index_after_a_kill_can_change_unseen)
{
    WEFT_CLEANUP(world_done) struct world w;
    make_killed(&w, LEDGER_PEER);
    struct flips f = { .w = &w, .dir = w.index_dir };
    flip_all_bytes(&f);
}

/* ---- keys and values --------------------------------------------------------------------- */

/* Changes one key of the channel; a NULL value removes it. */
static void set_key(const struct world *w, struct bytes key, const struct buf *value)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(kv_close) struct kv *kv = NULL;
    WEFT_CLEANUP(kv_batch_free) struct kv_batch *b = kv_batch_new();
    const char *format = w->layout == LEDGER_PEER ? "2.0" : "";
    EXPECT_OK(kv_open(w->index_dir, format, &kv, &e));
    if (value != NULL)
        kv_batch_put(b, key, buf_bytes(value));
    else
        kv_batch_delete(b, key);
    EXPECT_OK(kv_write(kv, b, true, &e));
}

struct entry {
    struct buf key, value;
};

/* The keys of the channel, two checkpoints among them. */
static size_t read_entries(const struct world *w, struct entry *ret, size_t most)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(kv_close) struct kv *kv = NULL;
    EXPECT_OK(kv_open_copy(w->index_dir, &kv, &e));
    WEFT_CLEANUP(kv_iter_free)
    struct kv_iter *it = kv_iter_new(kv, bytes_of("ch\0", 3));
    size_t n = 0;
    for (;; n++) {
        struct bytes key, value;
        bool found = false;
        EXPECT_OK(kv_iter_next(it, &found, &key, &value, &e));
        if (!found || !bytes_start_with(key, bytes_of("ch\0", 3)))
            return n;
        WEFT_ASSERT(n < most);
        ret[n] = (struct entry){ 0 };
        buf_put(&ret[n].key, key);
        buf_put(&ret[n].value, value);
    }
}

static void entries_done(struct entry *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_done(&list[i].key);
        buf_done(&list[i].value);
    }
}

static void expect_refused(struct world *w, const char *words)
{
    struct weft_err e = { 0 };
    EXPECT_CODE(world_verify(w, &e), WEFT_CORRUPT);
    EXPECT_WORDS(e, words);
}

static bool is_checkpoint(const struct buf *key)
{
    return key->data[3] == 'b' || key->data[3] == 'i';
}

TEST(a_key_that_is_missing_or_has_another_value_is_seen_whichever_it_is)
{
    struct weft_err e = { 0 };
    for (int i = 0; i < 2; i++) {
        struct entry list[64];
        WEFT_CLEANUP(world_done) struct world w;
        world_make(&w, i == 0 ? LEDGER_ORDERER : LEDGER_PEER);
        size_t count = read_entries(&w, list, WEFT_ARRAY_LEN(list));
        EXPECT_EQ(count, 2 + WORLD_BLOCKS + (i == 0 ? 0 : WORLD_BLOCKS + 2 * WORLD_TXS));
        for (size_t k = 0; k < count; k++) {
            struct bytes key = buf_bytes(&list[k].key);
            struct buf *value = &list[k].value;
            if (is_checkpoint(&list[k].key))
                continue;
            set_key(&w, key, NULL);
            expect_refused(&w, "the index lacks the key");
            expect_refused(&w, "block [");
            value->data[value->len - 1] ^= 1;
            set_key(&w, key, value);
            expect_refused(&w, "the index has ");
            expect_refused(&w, "block [");
            value->data[value->len - 1] ^= 1;
            set_key(&w, key, value);
        }
        EXPECT_OK(world_verify(&w, &e));
        entries_done(list, count);
    }
}

TEST(a_key_too_many_is_seen)
{
    static const struct {
        const char *key, *words;
    } rows[] = {
        { "n\x01\x07", "block [7]: the index has the key 6e0107" },
        { "a\x01\x09\x01\x01", "block [9]: the index has the key" },
        { "a\x01\x05\x01\x04", "1 more than blocks [0] to [5] ask for" },
        { "unknown", "1 more than blocks [0] to [5] ask for" },
    };
    struct weft_err e = { 0 };
    WEFT_CLEANUP(world_done) struct world w;
    world_make(&w, LEDGER_PEER);
    for (size_t i = 0; i < WEFT_ARRAY_LEN(rows); i++) {
        WEFT_CLEANUP(buf_done) struct buf key = { 0 };
        WEFT_CLEANUP(buf_done) struct buf value = { 0 };
        buf_put(&key, bytes_of("ch\0", 3));
        buf_put_str(&key, rows[i].key);
        buf_put(&value, bytes_of("\0\0\0", 3));
        set_key(&w, buf_bytes(&key), &value);
        expect_refused(&w, rows[i].words);
        set_key(&w, buf_bytes(&key), NULL);
    }
    EXPECT_OK(world_verify(&w, &e));
}

TEST(an_index_of_the_other_kind_is_seen)
{
    WEFT_CLEANUP(buf_done) struct buf mark = { 0 };
    WEFT_CLEANUP(world_done) struct world orderer, peer;
    buf_put_str(&mark, "2.0");
    world_make(&orderer, LEDGER_ORDERER);
    set_key(&orderer, bytes_of("_\0f", 3), &mark);
    expect_refused(&orderer, "the index has another format than []");
    world_make(&peer, LEDGER_PEER);
    set_key(&peer, bytes_of("_\0f", 3), NULL);
    expect_refused(&peer, "the index has another format than [2.0]");
}

/* ---- checkpoints --------------------------------------------------------------------------- */

static void set_checkpoint(const struct world *w, const struct block_checkpoint *c)
{
    WEFT_CLEANUP(buf_done) struct buf value = { 0 };
    block_checkpoint_encode(c, &value);
    set_key(w, bytes_of("ch\0blkMgrInfo", 13), &value);
}

static void set_indexed(const struct world *w, uint64_t block)
{
    WEFT_CLEANUP(buf_done) struct buf value = { 0 };
    buf_put_uvarint(&value, block);
    set_key(w, bytes_of("ch\0indexCheckpointKey", 21), &value);
}

TEST(a_checkpoint_that_lags_is_a_note_and_one_that_fits_no_block_is_damage)
{
    struct weft_err e = { 0 };
    for (int i = 0; i < 2; i++) {
        struct block_place at[WORLD_BLOCKS];
        WEFT_CLEANUP(world_done) struct world w;
        world_make(&w, i == 0 ? LEDGER_ORDERER : LEDGER_PEER);
        world_places(&w, at);
        for (uint64_t n = 0; n < WORLD_BLOCKS; n++) {
            struct block_checkpoint c = { at[n].file, at[n].end, n, false };
            set_checkpoint(&w, &c);
            EXPECT_OK(world_verify(&w, &e));
            EXPECT_EQ(strstr(w.notes, "as after a kill") != NULL, n + 1 < WORLD_BLOCKS);
            c.size++;
            set_checkpoint(&w, &c);
            expect_refused(&w, "but no block ends there");
            c.size -= 2;
            set_checkpoint(&w, &c);
            expect_refused(&w, "but no block ends there");
            c.size++;
            c.last_block++;
            set_checkpoint(&w, &c);
            expect_refused(&w, "but no block ends there");
        }
        const struct block_place *last = &at[WORLD_BLOCKS - 1];
        set_checkpoint(&w, &(struct block_checkpoint){ last->file + 2, 0, 5, false });
        expect_refused(&w, "but no block ends there");
        /* the file was made, the block in it never came */
        set_checkpoint(&w, &(struct block_checkpoint){ last->file + 1, 0, 5, false });
        EXPECT_OK(world_verify(&w, &e));
        set_checkpoint(&w, &(struct block_checkpoint){ last->file, last->end, 5, false });
        EXPECT_OK(world_verify(&w, &e));
        EXPECT_STR(w.notes, "");
        set_indexed(&w, 2);
        EXPECT_OK(world_verify(&w, &e));
        EXPECT(strstr(w.notes, "as after a kill") != NULL);
        set_indexed(&w, 6);
        expect_refused(&w, "block [6] is in the index, the files hold 6 blocks");
    }
}

/* ---- which channels there are --------------------------------------------------------------- */

TEST(a_channel_whose_folder_is_gone_is_missed)
{
    struct weft_err e = { 0 };
    for (int i = 0; i < 2; i++) {
        WEFT_CLEANUP(world_done) struct world w;
        world_make(&w, i == 0 ? LEDGER_ORDERER : LEDGER_PEER);
        world_store(&w, "gone", 0, 2);
        WEFT_FREE char *gone = weft_asprintf("%s/../gone", w.channel_dir);
        if (w.layout == LEDGER_PEER) {
            expect_refused(&w, "the peer does not have the channel");
            world_list(&w, "gone");
        }
        EXPECT_OK(world_verify(&w, &e));
        EXPECT_OK(dir_remove_tree(gone, &e));
        expect_refused(&w, "channel [gone]: the index knows it, but the folder");
        world_drop_index(&w);
        if (w.layout == LEDGER_PEER)
            expect_refused(&w, "channel [gone]: the peer has it in");
        else
            EXPECT_OK(world_verify(&w, &e));
    }
}

TEST(no_byte_of_a_peers_inventory_can_change_unseen)
{
    WEFT_CLEANUP(world_done) struct world w;
    world_make(&w, LEDGER_PEER);
    WEFT_FREE char *dir = weft_asprintf("%s/ledgerProvider", w.root);
    struct flips f = { .w = &w, .dir = dir };
    flip_all_bytes(&f);
    EXPECT_EQ(f.older, 0);
}

static void set_inventory(const struct world *w, const char *key, const char *value)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *dir = weft_asprintf("%s/ledgerProvider", w->root);
    WEFT_CLEANUP(kv_close) struct kv *kv = NULL;
    WEFT_CLEANUP(kv_batch_free) struct kv_batch *b = kv_batch_new();
    EXPECT_OK(kv_open(dir, "", &kv, &e));
    if (value != NULL)
        kv_batch_put(b, bytes_of_str(key), bytes_of_str(value));
    else
        kv_batch_delete(b, bytes_of_str(key));
    EXPECT_OK(kv_write(kv, b, true, &e));
}

TEST(an_inventory_that_does_not_fit_is_seen)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(world_done) struct world w;
    world_make(&w, LEDGER_PEER);
    set_inventory(&w, "sch", "\x08\x01");
    EXPECT_OK(world_verify(&w, &e));
    EXPECT(strstr(w.notes, "channel [ch] is paused") != NULL);
    set_inventory(&w, "sch", "\x08\x02");
    expect_refused(&w, "channel [ch]: its status in");
    set_inventory(&w, "sch", NULL);
    expect_refused(&w, "is missing");
    set_inventory(&w, "sch", "");
    EXPECT_OK(world_verify(&w, &e));
    set_inventory(&w, "x", "y");
    expect_refused(&w, "has a key that is none of its own: x");
    set_inventory(&w, "x", NULL);
    set_inventory(&w, "f", "1.0");
    expect_refused(&w, "has another format than [2.0]");
    set_inventory(&w, "f", "2.0");
    set_inventory(&w, "lch", "another block");
    expect_refused(&w, "channel [ch]: block [0] in");
}
