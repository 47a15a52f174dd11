#include "kvledger/ledger_replay.h"

#include "bundle/bundle.h"
#include "crypto/key_tables.h"
#include "kvledger/kv_ledger_channel.h"
#include "kvledger/store_compare.h"
#include "ledger/kv.h"
#include "os/dirs.h"
#include "proto/metadata.h"
#include "validation/block_validation.h"
#include "validation/config_apply.h"
#include "validation/tx_validator.h"

#include <inttypes.h>

enum {
    IDENTITIES = 256,
    SYNC_BLOCKS = 64,
    COPY_BYTES = 1 << 20,
};

/* A database as recorded; NULL: there is none. */
struct recorded {
    struct kv *kv;
    bool has_savepoint, was_compared;
    uint64_t savepoint; /* the block that it is of */
};

struct replay {
    const struct ledger_replay_deps *deps;
    struct ledger_dir *dir;
    const char *channel;
    char *root; /* where it is made again */
    struct kv_ledgers *all;
    struct kv_ledger *ledger;
    struct recorded state, history, configs;
    struct bundle *bundle;
    struct key_tables *tables;
    struct validation_lane *lane;
    struct tx_validator *validator;
    uint8_t *codes;
    struct ledger_replayed done;
    uint64_t bytes;
};

static void replay_done(struct replay *r)
{
    kv_ledger_close(r->ledger);
    kv_ledgers_close(r->all);
    kv_close(r->state.kv);
    kv_close(r->history.kv);
    kv_close(r->configs.kv);
    tx_validator_free(r->validator);
    validation_lane_free(r->lane);
    key_tables_free(r->tables);
    bundle_unref(r->bundle);
    free(r->codes);
    if (r->root != NULL)
        WEFT_IGNORE(dir_remove_tree(r->root, NULL));
    free(r->root);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct replay, replay_done)

static void note(const struct replay *r, const char *text)
{
    if (r->deps->note != NULL)
        r->deps->note(r->deps->ctx, text);
}

static enum weft_code apply_config(void *ctx, const struct block *b, size_t tx, struct weft_err *e)
{
    struct replay *r = ctx;
    struct bundle *next = NULL;
    WEFT_TRY(config_apply(r->bundle, b->v.txs.at[tx], &next, e));
    bundle_unref(r->bundle);
    r->bundle = next;
    return WEFT_OK;
}

/* ---- what is there ------------------------------------------------------------------------------- */

/* The private data is as much the truth as the blocks are: a ledger whose store has it already
 * takes it from there. */
static enum weft_code copy_private_data(struct replay *r, struct weft_err *e)
{
    WEFT_FREE char *path = weft_asprintf("%s/pvtdataStore", r->dir->root);
    WEFT_CLEANUP(kv_close) struct kv *from = NULL;
    struct bytes prefix = bytes_of(r->channel, strlen(r->channel) + 1), key, value;
    if (!path_is_dir(path)) {
        note(r, "there is no pvtdataStore: as if no private data had come");
        return WEFT_OK;
    }
    WEFT_TRY(kv_open_copy(path, &from, e));
    WEFT_CLEANUP(kv_iter_free) struct kv_iter *it = kv_iter_new(from, prefix);
    WEFT_CLEANUP(kv_batch_free) struct kv_batch *batch = kv_batch_new();
    for (bool found = true;;) {
        WEFT_TRY(kv_iter_next(it, &found, &key, &value, e));
        bool is_ours = found && bytes_start_with(key, prefix);
        if (is_ours)
            kv_batch_put(batch, key, value);
        if (!is_ours || kv_batch_bytes(batch) > COPY_BYTES) {
            WEFT_TRY(kv_write(r->all->pvtdata, batch, false, e));
            kv_batch_clear(batch);
        }
        if (!is_ours)
            return WEFT_OK;
    }
}

/* What is not there is not compared. */
static enum weft_code open_recorded(struct replay *r, const char *name, const char *what,
                                    struct recorded *ret, struct weft_err *e)
{
    WEFT_FREE char *path = weft_asprintf("%s/%s", r->dir->root, name);
    WEFT_FREE char *none = weft_asprintf("there is no %s: the %s not compared", name, what);
    if (path_is_dir(path))
        return kv_open_copy(path, &ret->kv, e);
    note(r, none);
    return WEFT_OK;
}

static enum weft_code read_savepoint(struct replay *r, enum store_kind kind, const char *name,
                                     const char *what, struct recorded *at, struct weft_err *e)
{
    if (at->kv == NULL)
        return WEFT_OK;
    WEFT_TRY(
        store_compare_savepoint(kind, at->kv, r->channel, &at->has_savepoint, &at->savepoint, e));
    WEFT_FREE char *none =
        weft_asprintf("%s has nothing of the channel: the %s not compared", name, what);
    if (!at->has_savepoint)
        note(r, none);
    return WEFT_OK;
}

static enum weft_code open_all_recorded(struct replay *r, struct weft_err *e)
{
    WEFT_TRY(open_recorded(r, "stateLeveldb", "state is", &r->state, e));
    WEFT_TRY(open_recorded(r, "historyLeveldb", "history is", &r->history, e));
    WEFT_TRY(open_recorded(r, "configHistory", "collections are", &r->configs, e));
    WEFT_TRY(read_savepoint(r, STORE_STATE, "stateLeveldb", "state is", &r->state, e));
    return read_savepoint(r, STORE_HISTORY, "historyLeveldb", "history is", &r->history, e);
}

static enum weft_code start(struct replay *r, struct weft_err *e)
{
    static const struct kv_ledgers_config config = { .mspid = "", .history = true };
    if (r->dir->layout != LEDGER_PEER || r->dir->root == NULL)
        return WEFT_FAIL(e, WEFT_INVALID, "only a peer's folder can be replayed: %s has no state",
                         r->dir->chains);
    WEFT_TRY(dir_make_temporary("weft-replay", &r->root, e));
    WEFT_TRY(kv_ledgers_open(r->root, &config, &r->all, e));
    WEFT_TRY(copy_private_data(r, e));
    r->tables =
        key_tables_new(&(struct key_tables_config){ .budget_bytes = KEY_TABLES_BUDGET_DEFAULT });
    r->lane = validation_lane_new(r->tables, IDENTITIES);
    r->validator = tx_validator_new(&(struct tx_validator_deps){ r, apply_config, NULL });
    return open_all_recorded(r, e);
}

/* ---- block by block -------------------------------------------------------------------------------- */

static const char *name_of(uint8_t code, char room[16])
{
    const char *name = tx_validation_code_name(code);
    (void)snprintf(room, 16, "code %u", code);
    return name != NULL ? name : room;
}

/* Which of its namespaces a transaction fails for first is left to chance in the original. */
static bool is_by_chance(uint8_t a, uint8_t b)
{
    return (a == TX_INVALID_CHAINCODE && b == TX_ENDORSEMENT_POLICY_FAILURE) ||
           (a == TX_ENDORSEMENT_POLICY_FAILURE && b == TX_INVALID_CHAINCODE);
}

/* Takes over what is recorded where both are right; what reads alone decide comes later. */
static void allow_for_chance(struct replay *r, const struct block_view *v)
{
    for (size_t i = 0; i < v->txs.count; i++) {
        uint8_t recorded;
        if (block_tx_flag(v, i, &recorded) && is_by_chance(r->codes[i], recorded))
            r->codes[i] = recorded;
    }
}

static enum weft_code compare_codes(const struct replay *r, const struct block_view *v,
                                    struct weft_err *e)
{
    for (size_t i = 0; i < v->txs.count; i++) {
        uint8_t recorded;
        char room[2][16];
        if (!block_tx_flag(v, i, &recorded))
            return WEFT_FAIL(e, WEFT_CORRUPT,
                             "block [%" PRIu64 "] transaction [%zu]: no code is recorded",
                             v->number, i);
        if (recorded != r->codes[i])
            return WEFT_FAIL(
                e, WEFT_CORRUPT, "block [%" PRIu64 "] transaction [%zu]: recorded as %s, is %s",
                v->number, i, name_of(recorded, room[0]), name_of(r->codes[i], room[1]));
    }
    return WEFT_OK;
}

/* The ledger's own block has the hash that it comes to. */
static enum weft_code compare_commit_hash(struct replay *r, const struct block_view *v,
                                          struct weft_err *e)
{
    struct metadata_view recorded = { 0 };
    if (v->number == 0 || block_slot(v, BLOCK_SLOT_COMMIT_HASH).len == 0)
        return WEFT_OK; /* of a chain that a peer before 2.0 began */
    WEFT_TRY(block_metadata(v, BLOCK_SLOT_COMMIT_HASH, &recorded, e));
    if (!bytes_eq(recorded.value, digest_bytes(&r->ledger->commit_hash)))
        return WEFT_FAIL(e, WEFT_CORRUPT, "block [%" PRIu64 "]: another commit hash is recorded",
                         v->number);
    r->done.commit_hashes++;
    return WEFT_OK;
}

static enum weft_code take_first(struct replay *r, struct block *b, struct weft_err *e)
{
    WEFT_TRY(bundle_of_block(&b->v, &r->bundle, e));
    memset(r->codes, TX_VALID, b->v.txs.count);
    WEFT_TRY(compare_codes(r, &b->v, e));
    return kv_ledgers_create(r->all, b, &r->ledger, e);
}

static enum weft_code take(struct replay *r, struct block *b, struct weft_err *e)
{
    WEFT_CLEANUP(block_validation_free) struct block_validation *v = NULL;
    free(r->codes);
    r->codes = weft_alloc(b->v.txs.count + 1);
    if (r->ledger == NULL)
        return take_first(r, b, e);
    v = block_validation_new(b, r->bundle);
    block_validation_run_all(v, r->lane);
    WEFT_TRY(
        tx_validator_decide(r->validator, v, kv_ledger_validation_state(r->ledger), r->codes, e));
    allow_for_chance(r, &b->v);
    WEFT_TRY(kv_ledger_commit(r->ledger, v, r->codes, NULL, 0, e));
    WEFT_TRY(compare_codes(r, &b->v, e));
    return compare_commit_hash(r, &b->v, e);
}

/* ---- the databases ------------------------------------------------------------------------------------ */

static enum weft_code compare(struct replay *r, enum store_kind kind, struct recorded *recorded,
                              struct kv *wanted, uint64_t *ret_keys, struct weft_err *e)
{
    WEFT_TRY(kv_ledger_sync(r->ledger, e));
    recorded->was_compared = true;
    return store_compare(&(struct store_pair){ kind, recorded->kv, wanted }, r->channel,
                         r->done.blocks,
                         &(struct store_compare_deps){ r->deps->ctx, r->deps->note }, ret_keys, e);
}

/* Those that are of this block. */
static enum weft_code compare_at(struct replay *r, uint64_t block, struct weft_err *e)
{
    if (r->state.has_savepoint && r->state.savepoint == block)
        WEFT_TRY(compare(r, STORE_STATE, &r->state, r->all->state, &r->done.keys, e));
    if (r->history.has_savepoint && r->history.savepoint == block)
        WEFT_TRY(compare(r, STORE_HISTORY, &r->history, r->all->history, &r->done.history, e));
    return WEFT_OK;
}

/* The state and the history may lag behind the blocks, as after a kill: the peer brings them up
 * when it starts.  Ahead of them they can't be. */
static enum weft_code check_compared(const struct replay *r, const char *what,
                                     const struct recorded *recorded, struct weft_err *e)
{
    if (!recorded->has_savepoint)
        return WEFT_OK;
    if (!recorded->was_compared)
        return WEFT_FAIL(e, WEFT_CORRUPT,
                         "channel [%s]: the %s is of block [%" PRIu64
                         "], which is not in the files",
                         r->channel, what, recorded->savepoint);
    WEFT_FREE char *lags = weft_asprintf("the %s is of block [%" PRIu64
                                         "], and was compared there: the peer brings it up to "
                                         "block [%" PRIu64 "] when it starts",
                                         what, recorded->savepoint, r->done.blocks - 1);
    if (recorded->savepoint + 1 < r->done.blocks)
        note(r, lags);
    return WEFT_OK;
}

static enum weft_code compare_rest(struct replay *r, struct weft_err *e)
{
    WEFT_TRY(check_compared(r, "state", &r->state, e));
    WEFT_TRY(check_compared(r, "history", &r->history, e));
    if (r->configs.kv == NULL || r->ledger == NULL)
        return WEFT_OK;
    return compare(r, STORE_COLLECTIONS, &r->configs, r->all->config_history, &r->done.collections,
                   e);
}

static enum weft_code replay_block(struct replay *r, const struct block_view *v, struct weft_err *e)
{
    WEFT_CLEANUP(block_unref) struct block *b = NULL;
    WEFT_CLEANUP(buf_done) struct buf wire = { 0 };
    block_encode(v, &wire);
    r->bytes += wire.len;
    WEFT_TRY(block_parse(buf_bytes(&wire), &b, e));
    enum weft_code rc = take(r, b, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "channel [%s]", r->channel);
    r->done.blocks++;
    r->done.txs += v->txs.count;
    if (r->deps->progress != NULL)
        r->deps->progress(r->deps->ctx, r->bytes);
    WEFT_TRY(compare_at(r, v->number, e));
    return v->number % SYNC_BLOCKS == 0 ? kv_ledger_sync(r->ledger, e) : WEFT_OK;
}

enum weft_code ledger_replay(struct ledger_dir *d, const char *channel,
                             const struct ledger_replay_deps *deps, struct ledger_replayed *ret,
                             struct weft_err *e)
{
    WEFT_CLEANUP(replay_done)
    struct replay r = { .deps = deps, .dir = d, .channel = channel };
    WEFT_CLEANUP(ledger_walk_done) struct ledger_walk w = { 0 };
    const struct block_view *v = NULL;
    WEFT_TRY(start(&r, e));
    WEFT_TRY(ledger_walk_start(d, channel, 0, &w, e));
    for (;;) {
        WEFT_TRY(ledger_walk_next(&w, &v, e));
        if (v == NULL)
            break;
        WEFT_TRY(replay_block(&r, v, e));
    }
    WEFT_TRY(compare_rest(&r, e));
    *ret = r.done;
    return WEFT_OK;
}
