#include "kvledger/config_history.h"

#include "coll_state.h"
#include "kv_dump.h"
#include "kvledger/collections.h"
#include "kvledger/pvtdata_store.h"
#include "ledger/kv.h"
#include "state/state_value.h"
#include "weft_test.h"

/* Databases of collections' history and of private data, and a block over a state. */
struct world {
    char *history_dir, *pvt_dir;
    struct kv *history_kv, *pvt_kv;
    struct config_history history;
    struct pvtdata_store *pvt;
    struct coll_state before;
    struct update_batch *updates; /* of the block */
    struct state_overlay overlay;
    struct state_reader after;
};

static void begin(struct world *w)
{
    struct weft_err e = { 0 };
    *w = (struct world){ .history_dir = weft_test_fast_dir(), .pvt_dir = weft_test_fast_dir() };
    coll_state_init(&w->before);
    w->updates = update_batch_new();
    w->overlay = (struct state_overlay){ w->updates, w->before.reader };
    w->after = state_overlay_reader(&w->overlay);
    EXPECT_OK(kv_open(w->history_dir, "", &w->history_kv, &e));
    EXPECT_OK(kv_open(w->pvt_dir, "", &w->pvt_kv, &e));
    EXPECT_OK(pvtdata_store_open(w->pvt_kv, "ch", 100, &w->pvt, &e));
    w->history = (struct config_history){ w->history_kv, "ch" };
}

static void end(struct world *w)
{
    pvtdata_store_close(w->pvt);
    kv_close(w->history_kv);
    kv_close(w->pvt_kv);
    update_batch_free(w->updates);
    coll_state_done(&w->before);
    free(w->history_dir);
    free(w->pvt_dir);
}

static void expect_keys(struct kv *kv, const char *want)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    WEFT_CLEANUP(kv_iter_free) struct kv_iter *it = kv_iter_new(kv, bytes_of(NULL, 0));
    struct bytes key, value;
    bool found = false;
    for (;;) {
        EXPECT_OK(kv_iter_next(it, &found, &key, &value, &e));
        if (!found)
            break;
        WEFT_FREE char *hex = bytes_to_hex(bytes_skip(key, 3));
        buf_printf(&b, "%s\n", hex);
    }
    EXPECT_BYTES(buf_bytes(&b), bytes_of_str(want));
}

static const struct coll_spec one[] = { { "c", "Org1MSP", 6 } };

TEST(a_definition_with_collections_is_noted_under_its_block)
{
    struct weft_err e = { 0 };
    struct world w;
    begin(&w);
    coll_state_define(w.updates, "pdc", 1, one, 1);
    coll_state_define(w.updates, "plain", 1, NULL, 0);
    coll_state_define_legacy(w.updates, "old", one, 1);
    coll_state_define_legacy(w.updates, "bare", NULL, 0);
    EXPECT_OK(config_history_commit(&w.history, 8, w.updates, &w.after, &e));
    EXPECT_OK(config_history_commit(&w.history, 8, w.updates, &w.after, &e)); /* again: the same */
    expect_keys(w.history_kv, "736c736363006f6c647e636f6c6c656374696f6efffffffffffffff7\n"
                              "736c736363007064637e636f6c6c656374696f6efffffffffffffff7\n");
    WEFT_CLEANUP(buf_done) struct buf package = { 0 };
    WEFT_CLEANUP(buf_done) struct buf value = { 0 };
    WEFT_CLEANUP(buf_done) struct buf key = { 0 };
    bool found = false;
    coll_package(one, 1, &package);
    buf_put(&key, bytes_of("ch\0slscc\0pdc~collection\xff\xff\xff\xff\xff\xff\xff\xf7", 31));
    EXPECT_OK(kv_get(w.history_kv, buf_bytes(&key), &found, &value, &e));
    EXPECT_BYTES(buf_bytes(&value), buf_bytes(&package));
    end(&w);
}

TEST(a_block_that_defines_nothing_notes_nothing)
{
    struct weft_err e = { 0 };
    struct world w;
    begin(&w);
    coll_state_define(w.before.updates, "pdc", 1, one, 1);
    struct state_key other = { STATE_PUBLIC,
                               bytes_of_str("_lifecycle"),
                               { 0 },
                               bytes_of_str("namespaces/fields/pdc/x/Sequence") };
    struct state_key gone = { STATE_PUBLIC, bytes_of_str("lscc"), { 0 }, bytes_of_str("pdc") };
    coll_state_put(w.updates, &other, bytes_of_str("v"), (struct state_version){ 8, 0 });
    update_batch_delete(w.updates, &gone, (struct state_version){ 8, 0 });
    EXPECT_OK(config_history_commit(&w.history, 8, w.updates, &w.after, &e));
    expect_keys(w.history_kv, "");
    end(&w);
}

/* The package of the fixture's chaincode, as the state has it, is what its history has. */
TEST(a_real_peer_s_history_comes_out_the_same)
{
    struct weft_err e = { 0 };
    static const char heading[] = "# peer ledgersData/configHistory";
    WEFT_FREE char *list = weft_strdup(weft_test_fixture("ledger-small/otherdb-dump.txt"));
    WEFT_FREE char *prefix = weft_strdup("mychannel");
    struct world w;
    begin(&w);
    w.history.channel = prefix;
    WEFT_CLEANUP(kv_dump_done) struct kv_dump d;
    kv_dump_open(&d, list, "# peer ledgersData/stateLeveldb");
    while (kv_dump_next(&d)) {
        struct bytes key = buf_bytes(&d.key), ns = bytes_of("mychannel\0d_lifecycle\0", 22);
        struct bytes package = buf_bytes(&d.value);
        if (!bytes_start_with(key, ns) || memmem(key.data, key.len, "/pdc", 4) == NULL)
            continue;
        struct state_key k = {
            STATE_PUBLIC, bytes_of_str("_lifecycle"), { 0 }, bytes_skip(key, ns.len)
        };
        struct state_value v;
        EXPECT_OK(state_value_parse(package, &v, &e));
        update_batch_put(w.updates, &k, &v);
    }
    EXPECT_OK(config_history_commit(&w.history, 8, w.updates, &w.after, &e));
    EXPECT_EQ(kv_dump_expect(w.history_kv, list, heading), 1);
    end(&w);
}

/* ---- collections that became ours ---------------------------------------------------------- */

static void miss(struct world *w, uint64_t block, const char *coll)
{
    struct weft_err e = { 0 };
    struct pvt_missing m = { 0, bytes_of_str("pdc"), bytes_of_str(coll), false };
    WEFT_CLEANUP(coll_state_done) struct coll_state nothing;
    coll_state_init(&nothing);
    WEFT_CLEANUP(collections_free)
    struct collections *c = collections_new(&nothing.reader, "Org1MSP");
    EXPECT_OK(
        pvtdata_store_commit(w->pvt, &(struct pvtdata_block){ block, NULL, 0, &m, 1 }, c, &e));
}

TEST(a_collection_that_a_block_makes_ours_is_ours_to_have)
{
    struct weft_err e = { 0 };
    struct world w;
    begin(&w);
    coll_state_define(w.before.updates, "pdc", 1,
                      (struct coll_spec[]){ { "now", "Org2MSP", 0 },
                                            { "never", "Org2MSP", 0 },
                                            { "ever", "Org1MSP", 0 } },
                      3);
    miss(&w, 0, "now");
    miss(&w, 1, "never");
    miss(&w, 2, "ever");
    coll_state_define(w.updates, "pdc", 2,
                      (struct coll_spec[]){ { "now", "Org1MSP", 0 },
                                            { "never", "Org2MSP", 0 },
                                            { "ever", "Org1MSP", 0 },
                                            { "new", "Org1MSP", 0 } },
                      4);
    EXPECT_OK(config_history_note_eligible(w.pvt, "Org1MSP", 3, w.updates, &w.before.reader,
                                           &w.after, &e));
    expect_keys(w.pvt_kv, "01\n"
                          "0408706463006e6f77\n"
                          "05706463006576657200"
                          "07fd\n"
                          "05706463006e657665720007fe\n");
    end(&w);
}

TEST(a_first_definition_makes_nothing_ours_that_was_not)
{
    struct weft_err e = { 0 };
    struct world w;
    begin(&w);
    miss(&w, 0, "c");
    coll_state_define(w.updates, "pdc", 1, one, 1);
    EXPECT_OK(config_history_note_eligible(w.pvt, "Org1MSP", 1, w.updates, &w.before.reader,
                                           &w.after, &e));
    expect_keys(w.pvt_kv, "01\n"
                          "0570646300630008\n");
    end(&w);
}
