#include "validation/mvcc.h"

#include "weft_test.h"

/* A state that is a batch of updates, which stand for those of block 1. */
static enum weft_code map_get(void *ctx, const struct state_key *key, struct buf *room,
                              bool *ret_found, struct state_value *ret, struct weft_err *e)
{
    const struct update *u = update_batch_find(ctx, key);
    (void)room, (void)e;
    *ret_found = u != NULL && !u->is_delete;
    if (*ret_found)
        *ret = u->value;
    return WEFT_OK;
}

struct map_scan {
    struct state_scan scan;
    struct update_space *space;
    size_t next, end;
};

static enum weft_code map_next(struct state_scan *scan, bool *ret_found, struct bytes *ret_key,
                               struct state_value *ret, struct weft_err *e)
{
    struct map_scan *s = WEFT_CONTAINER_OF(scan, struct map_scan, scan);
    (void)e;
    *ret_found = s->next < s->end;
    if (*ret_found) {
        *ret_key = s->space->updates[s->next]->key;
        *ret = s->space->updates[s->next++]->value;
    }
    return WEFT_OK;
}

static void map_scan_free(struct state_scan *scan)
{
    free(WEFT_CONTAINER_OF(scan, struct map_scan, scan));
}

static enum weft_code map_scan(void *ctx, struct bytes ns, struct bytes start, struct bytes end,
                               struct state_scan **ret, struct weft_err *e)
{
    struct map_scan *s = weft_alloc(sizeof(*s));
    (void)e;
    s->scan = (struct state_scan){ map_next, map_scan_free };
    s->space = update_batch_space(ctx, STATE_PUBLIC, ns, bytes_of(NULL, 0));
    if (s->space != NULL) {
        s->next = update_space_seek(s->space, start);
        s->end = update_space_seek(s->space, end);
    }
    *ret = &s->scan;
    return WEFT_OK;
}

static bool map_may_have_metadata(void *ctx, struct bytes ns)
{
    return update_batch_has_metadata(ctx, ns);
}

/* ---- transactions: one namespace "ns", perhaps with one collection "coll" ----------------------- */

struct tx {
    struct buf kv, hashed;
    bool has_coll, is_hashed;
    struct bytes coll;
};

static void tx_done(struct tx *t)
{
    buf_done(&t->kv);
    buf_done(&t->hashed);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct tx, tx_done)

/* From here on keys are hashes in a collection. */
static void in_collection(struct tx *t, const char *name)
{
    t->has_coll = t->is_hashed = true;
    t->coll = bytes_of_str(name);
}

/* Field numbers: of a KVRWSet, and of a HashedRWSet. */
static void add_field(struct tx *t, uint32_t number, uint32_t number_hashed, const struct buf *one)
{
    wire_put_bytes(t->is_hashed ? &t->hashed : &t->kv, t->is_hashed ? number_hashed : number,
                   buf_bytes(one));
}

static void tx_read(struct tx *t, const char *key, const struct state_version *version)
{
    WEFT_CLEANUP(buf_done) struct buf one = { 0 };
    WEFT_CLEANUP(buf_done) struct buf v = { 0 };
    wire_put_bytes(&one, 1, bytes_of_str(key));
    if (version != NULL) {
        wire_put_varint(&v, 1, version->block);
        wire_put_varint(&v, 2, version->tx);
        wire_put_bytes(&one, 2, buf_bytes(&v));
    }
    add_field(t, 1, 1, &one);
}

static void tx_write(struct tx *t, const char *key, struct bytes value, bool is_delete)
{
    WEFT_CLEANUP(buf_done) struct buf one = { 0 };
    wire_put_bytes(&one, 1, bytes_of_str(key));
    if (is_delete)
        wire_put_varint(&one, 2, 1);
    if (value.len > 0)
        wire_put_bytes(&one, 3, value);
    add_field(t, 3, 2, &one);
}

static void put(struct tx *t, const char *key, const char *value)
{
    tx_write(t, key, bytes_of_str(value), false);
}

static void take_away(struct tx *t, const char *key)
{
    tx_write(t, key, bytes_of(NULL, 0), true);
}

/* value NULL: no entries. */
static void set_metadata(struct tx *t, const char *key, const char *value)
{
    WEFT_CLEANUP(buf_done) struct buf one = { 0 };
    WEFT_CLEANUP(buf_done) struct buf entry = { 0 };
    wire_put_bytes(&one, 1, bytes_of_str(key));
    if (value != NULL) {
        wire_put_bytes(&entry, 1, bytes_of_str("N"));
        wire_put_bytes(&entry, 2, bytes_of_str(value));
        wire_put_bytes(&one, 2, buf_bytes(&entry));
    }
    add_field(t, 4, 3, &one);
}

static void read_none_in(struct tx *t, const char *start, const char *end)
{
    WEFT_CLEANUP(buf_done) struct buf one = { 0 };
    wire_put_bytes(&one, 1, bytes_of_str(start));
    wire_put_bytes(&one, 2, bytes_of_str(end));
    wire_put_varint(&one, 3, 1);
    wire_put_bytes(&t->kv, 2, buf_bytes(&one));
}

/* ---- a block ---------------------------------------------------------------------------------------- */

struct world {
    struct update_batch *state, *updates;
    struct mvcc *mvcc;
    struct state_reader committed;
    uint64_t next;
};

static void world_init(struct world *w)
{
    *w = (struct world){ update_batch_new(), update_batch_new(), mvcc_new(), { 0 }, 0 };
    w->committed = (struct state_reader){ w->state, map_get, map_scan, map_may_have_metadata };
}

static void world_done(struct world *w)
{
    update_batch_free(w->state);
    update_batch_free(w->updates);
    mvcc_free(w->mvcc);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct world, world_done)

static struct state_key key_of(const char *coll, const char *key)
{
    return (struct state_key){ coll != NULL ? STATE_HASHED : STATE_PUBLIC, bytes_of_str("ns"),
                               bytes_of_str(coll != NULL ? coll : ""), bytes_of_str(key) };
}

static void has(struct world *w, const char *coll, const char *key, const char *value,
                const char *metadata)
{
    struct state_key k = key_of(coll, key);
    update_batch_put(
        w->state, &k,
        &(struct state_value){ { 1, 1 }, bytes_of_str(value), bytes_of_str(metadata) });
}

/* The next transaction of block 2. */
static enum tx_validation_code take(struct world *w, struct tx *t)
{
    struct weft_err e = { 0 };
    struct tx_collection coll = { .name = t->coll };
    struct tx_namespace ns = { .name = bytes_of_str("ns"), .collections = &coll };
    struct tx_check c = { .type = HEADER_ENDORSER_TRANSACTION,
                          .namespaces = &ns,
                          .namespace_count = 1 };
    enum tx_validation_code code = TX_NOT_VALIDATED;
    EXPECT_OK(kv_rwset_parse(buf_bytes(&t->kv), &ns.kv, &e));
    EXPECT_OK(hashed_rwset_parse(buf_bytes(&t->hashed), &coll.hashed, &e));
    ns.collection_count = t->has_coll ? 1 : 0;
    EXPECT_OK(mvcc_check(&w->committed, w->updates, &c, &code, &e));
    if (code == TX_VALID)
        EXPECT_OK(mvcc_apply(w->mvcc, &w->committed, w->updates, &c,
                             (struct state_version){ 2, w->next }, &e));
    w->next++;
    return code;
}

/* "value metadata tx", "gone tx" or "-": what the block does to the key. */
static void expect_update(struct world *w, const char *coll, const char *key, const char *want)
{
    WEFT_CLEANUP(buf_done) struct buf got = { 0 };
    struct state_key k = key_of(coll, key);
    const struct update *u = update_batch_find(w->updates, &k);
    if (u == NULL)
        buf_put_str(&got, "-");
    else if (u->is_delete)
        buf_printf(&got, "gone %" PRIu64, u->value.version.tx);
    else
        buf_printf(&got, "%.*s %.*s %" PRIu64, (int)u->value.value.len,
                   (const char *)u->value.value.data, (int)u->value.metadata.len,
                   (const char *)u->value.metadata.data, u->value.version.tx);
    EXPECT_BYTES(buf_bytes(&got), bytes_of_str(want));
}

/* KVMetadataWrite { 2 entries { "N", x } } as bytes */
#define METADATA(x) "\x12\x06\x0a\x01N\x12\x01" x

TEST(a_read_of_what_is_still_there_holds)
{
    WEFT_CLEANUP(world_done) struct world w;
    world_init(&w);
    has(&w, NULL, "a", "1", "");
    has(&w, "coll", "h", "1", "");
    static const struct {
        const char *key;
        bool is_hashed, is_set;
        struct state_version version;
        enum tx_validation_code want;
    } all[] = {
        { "a", false, true, { 1, 1 }, TX_VALID },
        { "a", false, true, { 1, 2 }, TX_MVCC_READ_CONFLICT },
        { "a", false, true, { 0, 1 }, TX_MVCC_READ_CONFLICT },
        { "a", false, false, { 0, 0 }, TX_MVCC_READ_CONFLICT },
        { "b", false, false, { 0, 0 }, TX_VALID },
        { "b", false, true, { 1, 1 }, TX_MVCC_READ_CONFLICT },
        { "b", false, true, { 0, 0 }, TX_MVCC_READ_CONFLICT },
        { "h", true, true, { 1, 1 }, TX_VALID },
        { "h", true, true, { 1, 0 }, TX_MVCC_READ_CONFLICT },
        { "h", false, true, { 1, 1 }, TX_MVCC_READ_CONFLICT },
        { "i", true, false, { 0, 0 }, TX_VALID },
    };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(all); i++) {
        WEFT_CLEANUP(tx_done) struct tx t = { 0 };
        if (all[i].is_hashed)
            in_collection(&t, "coll");
        tx_read(&t, all[i].key, all[i].is_set ? &all[i].version : NULL);
        EXPECT_EQ(take(&w, &t), all[i].want);
    }
}

TEST(what_an_earlier_transaction_of_the_block_wrote_may_not_have_been_read)
{
    WEFT_CLEANUP(world_done) struct world w;
    world_init(&w);
    has(&w, NULL, "a", "1", "");
    has(&w, "coll", "h", "1", "");
    WEFT_CLEANUP(tx_done) struct tx first = { 0 };
    tx_read(&first, "a", &(struct state_version){ 1, 1 });
    put(&first, "a", "2");
    take_away(&first, "x");
    in_collection(&first, "coll");
    put(&first, "h", "2");
    EXPECT_EQ(take(&w, &first), TX_VALID);
    static const char *const keys[] = { "a", "x" };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(keys); i++) {
        WEFT_CLEANUP(tx_done) struct tx t = { 0 };
        tx_read(&t, keys[i], i == 0 ? &(struct state_version){ 1, 1 } : NULL);
        put(&t, "b", "3");
        EXPECT_EQ(take(&w, &t), TX_MVCC_READ_CONFLICT);
    }
    WEFT_CLEANUP(tx_done) struct tx hashed = { 0 };
    in_collection(&hashed, "coll");
    tx_read(&hashed, "h", &(struct state_version){ 1, 1 });
    EXPECT_EQ(take(&w, &hashed), TX_MVCC_READ_CONFLICT);
    expect_update(&w, NULL, "a", "2  0");
    expect_update(&w, NULL, "b", "-"); /* who is not valid writes nothing */
    expect_update(&w, NULL, "x", "gone 0");
}

TEST(a_range_that_changed_in_the_block_is_a_phantom_unless_a_read_fails_before)
{
    WEFT_CLEANUP(world_done) struct world w;
    world_init(&w);
    WEFT_CLEANUP(tx_done) struct tx reader = { 0 };
    read_none_in(&reader, "a", "c");
    EXPECT_EQ(take(&w, &reader), TX_VALID);
    WEFT_CLEANUP(tx_done) struct tx writer = { 0 };
    put(&writer, "b", "1");
    EXPECT_EQ(take(&w, &writer), TX_VALID);
    EXPECT_EQ(take(&w, &reader), TX_PHANTOM_READ_CONFLICT);
    tx_read(&reader, "b", NULL);
    EXPECT_EQ(take(&w, &reader), TX_MVCC_READ_CONFLICT);
}

TEST(value_and_metadata_are_merged_with_the_latest)
{
    for (int hashed = 0; hashed < 2; hashed++) {
        const char *coll = hashed ? "coll" : NULL;
        WEFT_CLEANUP(world_done) struct world w;
        WEFT_CLEANUP(tx_done) struct tx t = { 0 };
        WEFT_CLEANUP(tx_done) struct tx later = { 0 };
        world_init(&w);
        has(&w, coll, "v", "old", METADATA("o"));
        has(&w, coll, "m", "old", METADATA("o"));
        has(&w, coll, "b", "old", METADATA("o"));
        has(&w, coll, "c", "old", METADATA("o"));
        has(&w, coll, "d", "old", METADATA("o"));
        if (hashed) {
            in_collection(&t, "coll");
            in_collection(&later, "coll");
        }
        put(&t, "v", "new");
        set_metadata(&t, "m", "n");
        put(&t, "b", "new");
        set_metadata(&t, "b", "n");
        set_metadata(&t, "c", NULL);
        take_away(&t, "d");
        set_metadata(&t, "d", "n");
        set_metadata(&t, "nobody", "n");
        put(&t, "fresh", "new");
        EXPECT_EQ(take(&w, &t), TX_VALID);
        expect_update(&w, coll, "v", "new " METADATA("o") " 0");
        expect_update(&w, coll, "m", "old " METADATA("n") " 0");
        expect_update(&w, coll, "b", "new " METADATA("n") " 0");
        expect_update(&w, coll, "c", "old  0");
        expect_update(&w, coll, "d", "gone 0");
        expect_update(&w, coll, "nobody", "-");
        expect_update(&w, coll, "fresh", "new  0");

        put(&later, "m", "3"); /* with the block's metadata, not the state's */
        put(&later, "d", "3");
        set_metadata(&later, "v", "3");
        EXPECT_EQ(take(&w, &later), TX_VALID);
        expect_update(&w, coll, "m", "3 " METADATA("n") " 1");
        expect_update(&w, coll, "d", "3  1");
        expect_update(&w, coll, "v", "new " METADATA("3") " 1");
    }
}

/* Here the original ends with "Nil value not allowed". */
TEST(metadata_of_a_key_that_the_block_deleted_are_nothing)
{
    WEFT_CLEANUP(world_done) struct world w;
    WEFT_CLEANUP(tx_done) struct tx t = { 0 };
    WEFT_CLEANUP(tx_done) struct tx later = { 0 };
    world_init(&w);
    has(&w, NULL, "a", "1", "");
    take_away(&t, "a");
    set_metadata(&later, "a", "n");
    EXPECT_EQ(take(&w, &t), TX_VALID);
    EXPECT_EQ(take(&w, &later), TX_VALID);
    expect_update(&w, NULL, "a", "gone 0");
}

/* Sums: value 1, metadata 2, no metadata 4, delete 8. */
TEST(a_key_that_is_written_twice_is_what_the_sum_says)
{
    static const struct {
        const char *what; /* v value, d delete, m metadata, n no metadata */
        const char *absent, *present;
    } all[] = {
        { "vv", "-", "old  0" },                  /* 2: metadata alone */
        { "vvv", "v2  0", "v2  0" },              /* 3 */
        { "vvvv", "-", "old  0" },                /* 4 */
        { "vd", "gone 0", "gone 0" },             /* 9 */
        { "dd", "-", "old  0" },                  /* 16 */
        { "dvd", "-", "old  0" },                 /* 17 */
        { "vvvvvvvv", "gone 0", "gone 0" },       /* 8 */
        { "mm", "-", "old " METADATA("m") " 0" }, /* 4, and what was set stays */
        { "vm", "v0 " METADATA("m") " 0", "v0 " METADATA("m") " 0" },
        { "vmn", "v0 " METADATA("m") " 0", "v0 " METADATA("m") " 0" }, /* 7 */
        { "vn", "v0  0", "v0  0" },                                    /* 5 */
        { "ddd", "gone 0", "gone 0" },                                 /* 24 */
    };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(all); i++) {
        for (int present = 0; present < 2; present++) {
            WEFT_CLEANUP(world_done) struct world w;
            WEFT_CLEANUP(tx_done) struct tx t = { 0 };
            char value[4];
            world_init(&w);
            if (present)
                has(&w, NULL, "a", "old", "");
            for (size_t j = 0; all[i].what[j] != '\0'; j++) {
                (void)snprintf(value, sizeof(value), "v%zu", j);
                if (all[i].what[j] == 'v')
                    put(&t, "a", value);
                else if (all[i].what[j] == 'd')
                    take_away(&t, "a");
                else
                    set_metadata(&t, "a", all[i].what[j] == 'm' ? "m" : NULL);
            }
            EXPECT_EQ(take(&w, &t), TX_VALID);
            expect_update(&w, NULL, "a", present ? all[i].present : all[i].absent);
        }
    }
}

TEST(a_key_that_is_written_256_times_is_a_value)
{
    WEFT_CLEANUP(world_done) struct world w;
    WEFT_CLEANUP(tx_done) struct tx t = { 0 };
    world_init(&w);
    has(&w, NULL, "a", "old", METADATA("o"));
    for (int i = 0; i < 256; i++)
        put(&t, "a", "v");
    EXPECT_EQ(take(&w, &t), TX_VALID);
    expect_update(&w, NULL, "a", "v " METADATA("o") " 0");
}

TEST(a_write_of_nothing_or_of_its_hash_deletes)
{
    WEFT_CLEANUP(world_done) struct world w;
    WEFT_CLEANUP(tx_done) struct tx t = { 0 };
    struct digest nothing = sha256_of(bytes_of(NULL, 0));
    world_init(&w);
    tx_write(&t, "empty", bytes_of(NULL, 0), false);
    tx_write(&t, "hash", digest_bytes(&nothing), false);
    tx_write(&t, "flag", bytes_of_str("value"), true);
    in_collection(&t, "coll");
    tx_write(&t, "empty", bytes_of(NULL, 0), false);
    tx_write(&t, "hash", digest_bytes(&nothing), false);
    tx_write(&t, "flag", bytes_of_str("value"), true);
    EXPECT_EQ(take(&w, &t), TX_VALID);
    expect_update(&w, NULL, "empty", "gone 0");
    expect_update(&w, NULL, "flag", "gone 0");
    expect_update(&w, "coll", "empty", "gone 0");
    expect_update(&w, "coll", "hash", "gone 0");
    expect_update(&w, "coll", "flag", "gone 0");
    struct state_key k = key_of(NULL, "hash");
    EXPECT(!update_batch_find(w.updates, &k)->is_delete);
}

/* As in the original, whose public keys are those without a collection's name. */
TEST(writes_of_a_collection_without_name_are_public_its_reads_are_not)
{
    WEFT_CLEANUP(world_done) struct world w;
    WEFT_CLEANUP(tx_done) struct tx t = { 0 };
    WEFT_CLEANUP(tx_done) struct tx reader = { 0 };
    world_init(&w);
    in_collection(&t, "");
    put(&t, "a", "1");
    EXPECT_EQ(take(&w, &t), TX_VALID);
    expect_update(&w, NULL, "a", "1  0");
    in_collection(&reader, "");
    tx_read(&reader, "a", NULL);
    EXPECT_EQ(take(&w, &reader), TX_VALID);
}

TEST(a_config_is_one_write)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(world_done) struct world w;
    world_init(&w);
    struct tx_check c = { .type = HEADER_CONFIG, .data = bytes_of_str("config") };
    struct state_key k = { .key = bytes_of_str(MVCC_CONFIG_KEY) };
    EXPECT_OK(mvcc_apply(w.mvcc, &w.committed, w.updates, &c, (struct state_version){ 2, 0 }, &e));
    EXPECT_BYTES(update_batch_find(w.updates, &k)->value.value, bytes_of_str("config"));
}
