#include "txmaker/tx_script.h"

#include "weft_test.h"

#include "bundle/bundle.h"
#include "proto/rwset.h"
#include "proto/transaction.h"
#include "test_channel.h"
#include "txmaker/tx_stream.h"

struct world {
    struct test_channel *channel;
    struct bundle *bundle;
    char *dir;
    struct channel_keys *keys;
    struct tx_script script;
};

static void world_init(struct world *w)
{
    static const struct endorsement_rule rule = { .path = "/Channel/Application/Endorsement" };
    struct weft_err e = { 0 };
    *w = (struct world){ .channel = test_channel_new(), .dir = weft_test_dir() };
    EXPECT_OK(bundle_new("ch", 0, test_channel_bytes(w->channel), &w->bundle, &e));
    test_crypto_dir(w->channel, w->dir);
    EXPECT_OK(channel_keys_load(w->dir, w->bundle, &w->keys, &e));
    w->script = (struct tx_script){ .seed = 1,
                                    .channel = "ch",
                                    .chaincode = "cc",
                                    .version = "1",
                                    .value_bytes = 10,
                                    .conflicts = 30,
                                    .bad_policies = 20,
                                    .overwrites = 40,
                                    .keys = w->keys };
    EXPECT_OK(channel_keys_endorsers(w->keys, &rule, &w->script.endorsers, &e));
}

static void world_done(struct world *w)
{
    channel_keys_free(w->keys);
    bundle_unref(w->bundle);
    test_channel_free(w->channel);
    free(w->dir);
}

/* What a validator needs to know of one transaction. */
struct seen {
    char key[64];
    bool claims_absent;
    size_t good_endorsements;
};

static size_t good_endorsements(const struct world *w, const struct chaincode_action_payload *p)
{
    size_t good = 0;
    struct bytes item = { 0 };
    for (struct repeated r = p->endorsements; repeated_next(&r, &item);) {
        struct endorsement by = endorsement_of(item);
        WEFT_CLEANUP(buf_done) struct buf text = { 0 };
        struct msp_identity *id = NULL;
        buf_put(&text, p->proposal_response_payload);
        buf_put(&text, by.endorser);
        EXPECT(msp_manager_deserialize(bundle_msps(w->bundle), by.endorser, &id, NULL) == WEFT_OK);
        good += msp_identity_verify(id, NULL, buf_bytes(&text), by.signature, NULL) == WEFT_OK;
        msp_identity_unref(id);
    }
    return good;
}

static void look(const struct world *w, struct bytes envelope, struct seen *ret)
{
    struct weft_err e = { 0 };
    struct envelope_headers h;
    struct transaction_view tx;
    struct chaincode_action_payload p;
    struct chaincode_action a;
    struct tx_rwset_view set;
    struct kv_rwset_view kv;
    struct bytes item = { 0 };
    EXPECT_OK(envelope_headers_parse(envelope, &h, &e));
    EXPECT_OK(transaction_parse(h.payload.data, &tx, &e));
    EXPECT(repeated_next(&tx.actions, &item));
    EXPECT_OK(chaincode_action_payload_parse(transaction_action_of(item).payload, &p, &e));
    EXPECT_OK(transaction_chaincode_action(h.payload.data, &a, &e));
    EXPECT_OK(tx_rwset_parse(a.results, &set, &e));
    EXPECT(repeated_next(&set.namespaces, &item));
    EXPECT_OK(kv_rwset_parse(ns_rwset_of(item).rwset, &kv, &e));
    ret->claims_absent = kv.reads.count > 0;
    EXPECT(repeated_next(&kv.writes, &item));
    struct kv_write write = kv_write_of(item);
    EXPECT(write.key.len < sizeof(ret->key));
    memcpy(ret->key, write.key.data, write.key.len);
    ret->key[write.key.len] = '\0';
    if (ret->claims_absent) {
        EXPECT(repeated_next(&kv.reads, &item));
        EXPECT_BYTES(kv_read_of(item).key, write.key);
        EXPECT(!kv_read_of(item).version.is_set);
    }
    ret->good_endorsements = good_endorsements(w, &p);
}

static bool was_written(const struct seen *all, const struct tx_script *s, uint64_t before,
                        const char *key)
{
    for (uint64_t i = 0; i < before; i++)
        if (tx_script_intent(s, i) == TX_INTENT_VALID && strcmp(all[i].key, key) == 0)
            return true;
    return false;
}

/* A validator in small: what it decides is what was intended. */
TEST(each_transaction_is_what_it_is_intended_to_be)
{
    enum {
        COUNT = 300
    };
    struct weft_err e = { 0 };
    struct world w;
    static struct seen seen[COUNT];
    size_t of[TX_INTENT_NR] = { 0 }, overwrites = 0;
    world_init(&w);
    for (uint64_t i = 0; i < COUNT; i++) {
        WEFT_CLEANUP(buf_done) struct buf envelope = { 0 };
        char id[TX_ID_LEN + 1];
        EXPECT_OK(tx_script_make(&w.script, i, &envelope, id, &e));
        look(&w, buf_bytes(&envelope), &seen[i]);
        enum tx_intent decided = TX_INTENT_VALID;
        bool there = was_written(seen, &w.script, i, seen[i].key);
        if (seen[i].good_endorsements < 2)
            decided = TX_INTENT_BAD_POLICY;
        else if (seen[i].claims_absent && there)
            decided = TX_INTENT_CONFLICT;
        else
            overwrites += there;
        EXPECT_EQ(decided, tx_script_intent(&w.script, i));
        of[decided]++;
    }
    EXPECT(of[TX_INTENT_CONFLICT] > COUNT / 5 && of[TX_INTENT_CONFLICT] < COUNT * 2 / 5);
    EXPECT(of[TX_INTENT_BAD_POLICY] > COUNT / 8 && of[TX_INTENT_BAD_POLICY] < COUNT * 3 / 10);
    EXPECT(overwrites > COUNT / 10);
    world_done(&w);
}

TEST(a_seed_gives_the_same_transactions_and_another_others)
{
    struct weft_err e = { 0 };
    struct world w;
    WEFT_CLEANUP(buf_done) struct buf envelope = { 0 };
    char first[TX_ID_LEN + 1], again[TX_ID_LEN + 1], other[TX_ID_LEN + 1];
    world_init(&w);
    EXPECT_OK(tx_script_make(&w.script, 5, &envelope, first, &e));
    EXPECT_OK(tx_script_make(&w.script, 5, &envelope, again, &e));
    w.script.seed = 2;
    EXPECT_OK(tx_script_make(&w.script, 5, &envelope, other, &e));
    EXPECT_STR(first, again);
    EXPECT(strcmp(first, other) != 0);
    world_done(&w);
}

TEST(many_threads_make_one_stream_in_order)
{
    enum {
        COUNT = 333
    };
    struct weft_err e = { 0 };
    struct world w;
    struct stream_tx tx = { 0 };
    world_init(&w);
    WEFT_CLEANUP(tx_stream_free) struct tx_stream *stream = tx_stream_new(&w.script, COUNT, 3);
    for (uint64_t i = 0; i < COUNT; i++) {
        WEFT_CLEANUP(buf_done) struct buf envelope = { 0 };
        char id[TX_ID_LEN + 1];
        EXPECT_OK(tx_stream_next(stream, &tx, &e));
        EXPECT_EQ(tx.number, i);
        EXPECT(tx.envelope.len > 0);
        EXPECT_OK(tx_script_make(&w.script, i, &envelope, id, &e));
        EXPECT_STR(tx.id, id);
    }
    EXPECT_OK(tx_stream_next(stream, &tx, &e));
    EXPECT_EQ(tx.envelope.len, 0);
    world_done(&w);
}

TEST(a_stream_that_nobody_reads_to_its_end_can_be_left)
{
    struct weft_err e = { 0 };
    struct world w;
    struct stream_tx tx = { 0 };
    world_init(&w);
    struct tx_stream *stream = tx_stream_new(&w.script, 100000, 2);
    EXPECT_OK(tx_stream_next(stream, &tx, &e));
    tx_stream_free(stream);
    world_done(&w);
}
