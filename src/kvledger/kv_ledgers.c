#include "base/log.h"
#include "kvledger/kv_ledger_private.h"
#include "ledger/id_store.h"
#include "ledger/kv.h"
#include "proto/block.h"
#include "proto/envelope.h"

#include <inttypes.h>
#include <stdio.h>

LOG_DEFINE(logger, "kvledger");

enum { /* where none is given */
    PURGE_INTERVAL = 100,
    TRANSIENT_RETENTION = 1000,
};

static const char current_format[] = "2.0";

/* ---- databases --------------------------------------------------------------------------- */

static enum weft_code open_kv(const struct kv_ledgers *l, const char *name, const char *format,
                              struct kv **ret, struct weft_err *e)
{
    WEFT_FREE char *path = weft_asprintf("%s/%s", l->root, name);
    WEFT_TRY(dir_make(path, e));
    WEFT_TRY(dir_sync_parent(path, e));
    return kv_open(path, format, ret, e);
}

/* Nobody could make these again. */
static enum weft_code open_mending(const char *path, struct kv **ret, struct weft_err *e)
{
    WEFT_TRY(dir_make(path, e));
    WEFT_TRY(dir_sync_parent(path, e));
    return kv_open_mending(path, "", ret, e);
}

static enum weft_code open_private_data(struct kv_ledgers *l, struct weft_err *e)
{
    WEFT_FREE char *path = weft_asprintf("%s/pvtdataStore", l->root);
    WEFT_TRY(open_mending(path, &l->pvtdata, e));
    if (l->config.transient == NULL)
        return WEFT_OK;
    enum weft_code rc = open_mending(l->config.transient, &l->transient, e);
    return rc == WEFT_OK ? rc : weft_err_wrap(e, rc, "failed to open transient store");
}

static enum weft_code set_aside(const struct kv_ledgers *l, const char *name, struct weft_err *e)
{
    WEFT_FREE char *path = weft_asprintf("%s/%s", l->root, name);
    return kv_set_aside(path, e);
}

static enum weft_code open_state(struct kv_ledgers *l, struct weft_err *e)
{
    WEFT_TRY(open_kv(l, "stateLeveldb", current_format, &l->state, e));
    WEFT_TRY(open_kv(l, "configHistory", "", &l->config_history, e));
    return open_kv(l, "bookkeeper", "", &l->bookkeeper, e);
}

static void close_state(struct kv_ledgers *l)
{
    kv_close(WEFT_TAKE(l->state));
    kv_close(WEFT_TAKE(l->config_history));
    kv_close(WEFT_TAKE(l->bookkeeper));
}

/* State, bookkeeper and history of collections are made together, block by block: they go
 * together, and state first, since it is what says that they have to be made again. */
static enum weft_code open_or_drop_state(struct kv_ledgers *l, struct weft_err *e)
{
    struct weft_err why = { 0 };
    enum weft_code rc = open_state(l, &why);
    if (rc == WEFT_CORRUPT) {
        LOG_WARN(&logger,
                 "The state database, or what belongs to it, is damaged (%s): it is moved to "
                 "[%s/stateLeveldb.damaged] and made again from the blocks",
                 why.msg, l->root);
        close_state(l);
        WEFT_TRY(set_aside(l, "stateLeveldb", e));
        WEFT_TRY(set_aside(l, "configHistory", e));
        WEFT_TRY(set_aside(l, "bookkeeper", e));
        return open_state(l, e);
    }
    return rc == WEFT_OK ? rc : WEFT_FAIL(e, rc, "%s", why.msg);
}

static enum weft_code open_or_drop_history(struct kv_ledgers *l, struct weft_err *e)
{
    struct weft_err why = { 0 };
    enum weft_code rc = open_kv(l, "historyLeveldb", current_format, &l->history, &why);
    if (rc == WEFT_CORRUPT) {
        LOG_WARN(&logger,
                 "The history database is damaged (%s): it is moved to "
                 "[%s/historyLeveldb.damaged] and made again from the blocks",
                 why.msg, l->root);
        WEFT_TRY(set_aside(l, "historyLeveldb", e));
        return open_kv(l, "historyLeveldb", current_format, &l->history, e);
    }
    return rc == WEFT_OK ? rc : WEFT_FAIL(e, rc, "%s", why.msg);
}

static enum weft_code open_all(struct kv_ledgers *l, struct weft_err *e)
{
    WEFT_FREE char *inventory = weft_asprintf("%s/ledgerProvider", l->root);
    WEFT_TRY(block_stores_open(l->root, LEDGER_PEER, &l->blocks, e));
    WEFT_TRY(dir_make(inventory, e));
    WEFT_TRY(dir_sync_parent(inventory, e));
    WEFT_TRY(id_store_open(inventory, &l->ids, e));
    WEFT_TRY(id_store_keep_off(l->ids, &l->was_not_closed, e));
    WEFT_TRY(open_private_data(l, e));
    if (l->config.history)
        WEFT_TRY(open_or_drop_history(l, e));
    return open_or_drop_state(l, e);
}

/* ---- making a ledger ------------------------------------------------------------------------ */

static enum weft_code finish(struct kv_ledgers *l, struct kv_ledger *ledger, const char *channel,
                             struct weft_err *e)
{
    WEFT_CLEANUP(block_unref) struct block *genesis = NULL;
    WEFT_CLEANUP(buf_done) struct buf wire = { 0 };
    WEFT_TRY(block_store_read(kv_ledger_blocks(ledger), 0, &genesis, e));
    block_encode(&genesis->v, &wire);
    return id_store_finish(l->ids, channel, buf_bytes(&wire), e);
}

/* A channel without a block leaves nothing behind.  One that has blocks and is not in the
 * inventory is somebody's who lost that: it is not ours to remove. */
static enum weft_code abandon(struct kv_ledgers *l, const char *channel, bool is_ours,
                              struct weft_err *e)
{
    if (is_ours)
        WEFT_TRY(block_stores_remove(l->blocks, channel, e));
    return id_store_abandon(l->ids, e);
}

static enum weft_code end_unfinished(struct kv_ledgers *l, const char *channel, struct weft_err *e)
{
    WEFT_CLEANUP(kv_ledger_close) struct kv_ledger *ledger = NULL;
    LOG_INFO(&logger, "ledger [%s] found as under construction", channel);
    enum weft_code rc = kv_ledger_open_stores(l, channel, &ledger, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "Error while opening under construction ledger [%s]", channel);
    uint64_t height = block_store_height(kv_ledger_blocks(ledger));
    if (height > 1)
        return WEFT_FAIL(e, WEFT_CORRUPT,
                         "data inconsistency: under construction flag is set for ledger [%s] while "
                         "the height of the blockchain is [%" PRIu64 "]",
                         channel, height);
    if (height == 1) {
        LOG_INFO(&logger, "Genesis block was committed. Hence, marking the peer ledger as created");
        return finish(l, ledger, channel, e);
    }
    LOG_INFO(&logger, "Genesis block was not committed. Hence, the peer ledger not created. "
                      "unsetting the under construction flag");
    kv_ledger_close(WEFT_TAKE(ledger));
    return abandon(l, channel, true, e);
}

static enum weft_code channel_of(const struct block *b, char **ret, struct weft_err *e)
{
    struct envelope_headers h;
    if (b->v.txs.count == 0)
        return WEFT_FAIL(e, WEFT_INVALID, "failed to retrieve channel id - block is empty");
    WEFT_TRY(envelope_headers_parse(b->v.txs.at[0], &h, e));
    *ret = bytes_dup_str(h.channel.channel_id);
    return WEFT_OK;
}

struct creation {
    char *channel;
    struct kv_ledger *ledger;
    bool is_ours; /* it had no block before */
    bool is_open; /* and may have one now */
};

static void creation_done(struct creation *c)
{
    kv_ledger_close(c->ledger);
    free(c->channel);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct creation, creation_done)

static enum weft_code make(struct kv_ledgers *l, struct creation *c, const struct block *genesis,
                           struct weft_err *e)
{
    WEFT_TRY(kv_ledger_open_stores(l, c->channel, &c->ledger, e));
    c->is_open = true;
    c->is_ours = block_store_height(kv_ledger_blocks(c->ledger)) == 0;
    WEFT_TRY(kv_ledger_commit_first(c->ledger, genesis, e));
    return finish(l, c->ledger, c->channel, e);
}

/* Stores that can't be opened, and a block that can't be the first, make no ledger; after any
 * other error nobody knows what is on the disk, and the next start finds out. */
enum weft_code kv_ledgers_create(struct kv_ledgers *l, struct block *genesis,
                                 struct kv_ledger **ret, struct weft_err *e)
{
    WEFT_CLEANUP(creation_done) struct creation c = { 0 };
    struct weft_err why = { 0 };
    WEFT_TRY(channel_of(genesis, &c.channel, e));
    WEFT_TRY(id_store_begin(l->ids, c.channel, e));
    enum weft_code rc = make(l, &c, genesis, &why);
    if (rc == WEFT_OK) {
        *ret = WEFT_TAKE(c.ledger);
        return rc;
    }
    kv_ledger_close(WEFT_TAKE(c.ledger));
    if (!c.is_open || rc == WEFT_INVALID || rc == WEFT_LIMIT) {
        LOG_ERROR(&logger,
                  "Error opening a new empty ledger. Unsetting under construction flag. Error: %s",
                  why.msg);
        WEFT_TRY(abandon(l, c.channel, c.is_ours, e));
    }
    return WEFT_FAIL(e, rc, "%s", why.msg);
}

/* ---- the folder -------------------------------------------------------------------------------- */

static void advise(const struct weft_err *e)
{
    if (strstr(e->msg, "unexpected format") == NULL)
        return;
    if (strstr(e->msg, "data format = [], expected format = [2.0]") != NULL)
        LOG_ERROR(&logger,
                  "Please execute the 'peer node upgrade-dbs' command to upgrade the database "
                  "format: %s",
                  e->msg);
    else
        LOG_ERROR(&logger, "Please check the Fabric version matches the ledger data format: %s",
                  e->msg);
}

enum weft_code kv_ledgers_open(const char *root, const struct kv_ledgers_config *config,
                               struct kv_ledgers **ret, struct weft_err *e)
{
    WEFT_CLEANUP(kv_ledgers_close) struct kv_ledgers *l = weft_alloc(sizeof(*l));
    WEFT_FREE char *unfinished = NULL;
    struct weft_err why = { 0 };
    l->root = weft_strdup(root);
    l->mspid = weft_strdup(config->mspid);
    l->config = *config;
    l->config.mspid = l->mspid;
    if (l->config.purge_interval == 0)
        l->config.purge_interval = PURGE_INTERVAL;
    if (l->config.transient_retention == 0)
        l->config.transient_retention = TRANSIENT_RETENTION;
    enum weft_code rc = open_all(l, &why);
    if (rc == WEFT_OK)
        rc = id_store_unfinished(l->ids, &unfinished, &why);
    if (rc == WEFT_OK && unfinished != NULL)
        rc = end_unfinished(l, unfinished, &why);
    if (rc != WEFT_OK) {
        advise(&why);
        return WEFT_FAIL(e, rc, "%s", why.msg);
    }
    l->was_not_closed = false; /* all that was in the logs has been read */
    *ret = WEFT_TAKE(l);
    return WEFT_OK;
}

void kv_ledgers_close(struct kv_ledgers *l)
{
    if (l == NULL)
        return;
    kv_close(l->pvtdata);
    kv_close(l->transient);
    close_state(l);
    kv_close(l->history);
    struct weft_err e = { 0 };
    if (l->ids != NULL && !l->was_not_closed && id_store_let_in(l->ids, &e) != WEFT_OK)
        LOG_WARN(&logger, "[%s] stays marked as not closed: %s", l->root, e.msg);
    id_store_close(l->ids);
    block_stores_close(l->blocks); /* with the lock, last */
    free(l->mspid);
    free(l->root);
    free(l);
}

enum weft_code kv_ledgers_list(struct kv_ledgers *l, struct dir_list *ret, struct weft_err *e)
{
    return id_store_list(l->ids, ret, e);
}

enum weft_code kv_ledger_open(struct kv_ledgers *l, const char *channel, struct kv_ledger **ret,
                              struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf block0 = { 0 };
    enum ledger_status status;
    WEFT_TRY(id_store_get(l->ids, channel, &block0, &status, e));
    if (status != LEDGER_ACTIVE)
        return WEFT_FAIL(e, WEFT_INVALID, "Ledger is not active");
    return kv_ledger_open_stores(l, channel, ret, e);
}
