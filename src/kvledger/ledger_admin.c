#include "kvledger/ledger_admin.h"

#include "base/log.h"
#include "ledger/block_cut.h"
#include "ledger/id_store.h"
#include "ledger/peer_lock.h"
#include "ledger/pre_reset_height.h"
#include "os/dirs.h"
#include "os/file.h"

#include <inttypes.h>

LOG_DEFINE(logger, "kvledger");
LOG_DEFINE(block_logger, "blkstorage");

/* ---- what can be made again -------------------------------------------------------------- */

static enum weft_code drop(const char *root, const char *what, const char *folder,
                           struct weft_err *e)
{
    WEFT_FREE char *path = weft_asprintf("%s/%s", root, folder);
    LOG_INFO(&logger, "Dropping all contents in %s at location [%s] ...if present", what, path);
    return dir_empty(path, e);
}

/* State first: where it is gone, what belongs to it is made again with it. */
static enum weft_code drop_databases(const char *root, struct weft_err *e)
{
    WEFT_TRY(drop(root, "StateLevelDB", "stateLeveldb", e));
    WEFT_TRY(drop(root, "ConfigHistoryDB", "configHistory", e));
    WEFT_TRY(drop(root, "BookkeeperDB", "bookkeeper", e));
    return drop(root, "HistoryDB", "historyLeveldb", e);
}

static enum weft_code drop_index(const char *root, struct weft_err *e)
{
    WEFT_FREE char *path = weft_asprintf("%s/chains/index", root);
    LOG_INFO(&block_logger, "Dropping all contents under the index dir [%s]... if present", path);
    return dir_empty(path, e);
}

enum weft_code ledger_admin_rebuild(const char *root, struct weft_err *e)
{
    WEFT_CLEANUP(kv_close) struct kv *lock = NULL;
    WEFT_TRY(peer_lock_take(root, &lock, e));
    WEFT_TRY(drop_databases(root, e));
    return drop_index(root, e);
}

enum weft_code ledger_admin_upgrade(const char *root, struct weft_err *e)
{
    WEFT_CLEANUP(kv_close) struct kv *lock = NULL;
    WEFT_FREE char *inventory = weft_asprintf("%s/ledgerProvider", root);
    WEFT_TRY(peer_lock_take(root, &lock, e));
    LOG_INFO(&logger, "Ledger data folder from config = [%s]", root);
    WEFT_TRY(drop_databases(root, e));
    WEFT_TRY(drop_index(root, e));
    return id_store_upgrade(inventory, e);
}

/* ---- reset --------------------------------------------------------------------------------- */

/* A copy of block 0 is left beside the files, should the cut go wrong. */
static enum weft_code keep_genesis(const char *dir, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf genesis = { 0 };
    WEFT_FREE char *path = weft_asprintf("%s/__backupGenesisBlockBytes", dir);
    WEFT_TRY(block_files_genesis(dir, &genesis, e));
    return file_write_atomic(path, buf_bytes(&genesis), 0640, e);
}

static enum weft_code reset_channel(const char *dir, const char *channel, struct weft_err *e)
{
    uint64_t height = 0;
    WEFT_TRY(block_files_height(dir, &height, e));
    if (height == 0)
        return WEFT_OK;
    WEFT_TRY(pre_reset_height_record(dir, height, e));
    LOG_INFO(&block_logger, "Resetting ledger [%s] to genesis block", channel);
    WEFT_TRY(keep_genesis(dir, e));
    return block_files_cut(dir, 0, e);
}

static enum weft_code reset_blocks(const char *root, struct weft_err *e)
{
    WEFT_CLEANUP(dir_list_done) struct dir_list l = { 0 };
    WEFT_FREE char *chains = weft_asprintf("%s/chains/chains", root);
    LOG_INFO(&logger, "Resetting BlockStore to genesis block at location [%s/chains]", root);
    WEFT_TRY(drop_index(root, e));
    if (!path_is_dir(chains)) {
        LOG_INFO(&block_logger, "Dir [%s] missing... exiting", chains);
        return WEFT_OK;
    }
    WEFT_TRY(dir_list(chains, &l, e));
    for (size_t i = 0; i < l.count; i++) {
        WEFT_FREE char *dir = weft_asprintf("%s/%s", chains, l.names[i]);
        if (path_is_dir(dir))
            WEFT_TRY(reset_channel(dir, l.names[i], e));
    }
    return WEFT_OK;
}

enum weft_code ledger_admin_reset(const char *root, struct weft_err *e)
{
    WEFT_CLEANUP(kv_close) struct kv *lock = NULL;
    WEFT_TRY(peer_lock_take(root, &lock, e));
    LOG_INFO(&logger, "Resetting all channel ledgers to genesis block");
    LOG_INFO(&logger, "Ledger data folder from config = [%s]", root);
    WEFT_TRY(drop_databases(root, e));
    WEFT_TRY(reset_blocks(root, e));
    LOG_INFO(&logger, "All channel ledgers have been successfully reset to the genesis block");
    return WEFT_OK;
}

/* ---- rollback ------------------------------------------------------------------------------- */

static enum weft_code check_target(const char *dir, const char *channel, uint64_t last,
                                   uint64_t *ret_height, struct weft_err *e)
{
    LOG_INFO(&block_logger,
             "Validating the rollback parameters: ledgerID [%s], block number [%" PRIu64 "]",
             channel, last);
    if (strchr(channel, '/') != NULL || channel[0] == '.' || !path_is_dir(dir))
        return WEFT_FAIL(e, WEFT_NOT_FOUND, "ledgerID [%s] does not exist", channel);
    WEFT_TRY(block_files_height(dir, ret_height, e));
    uint64_t biggest = *ret_height > 0 ? *ret_height - 1 : 0;
    if (biggest <= last)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "target block number [%" PRIu64
                         "] should be less than the biggest block number [%" PRIu64 "]",
                         last, biggest);
    return WEFT_OK;
}

static enum weft_code roll_back_index(const char *root, const char *dir, const char *channel,
                                      uint64_t last, struct weft_err *e)
{
    WEFT_CLEANUP(kv_close) struct kv *kv = NULL;
    WEFT_FREE char *path = weft_asprintf("%s/chains/index", root);
    WEFT_TRY(kv_open_cutting(path, block_index_format(BLOCK_INDEX_PEER), &kv, e));
    struct block_index ix = { kv, channel, BLOCK_INDEX_PEER };
    LOG_INFO(&block_logger, "Rolling back block index to block number [%" PRIu64 "]", last);
    return block_index_cut(&ix, dir, last, e);
}

enum weft_code ledger_admin_rollback(const char *root, const char *channel, uint64_t last,
                                     struct weft_err *e)
{
    WEFT_CLEANUP(kv_close) struct kv *lock = NULL;
    WEFT_FREE char *dir = weft_asprintf("%s/chains/chains/%s", root, channel);
    uint64_t height = 0;
    WEFT_TRY(peer_lock_take(root, &lock, e));
    WEFT_TRY(check_target(dir, channel, last, &height, e));
    LOG_INFO(&logger, "Dropping databases");
    WEFT_TRY(drop_databases(root, e));
    LOG_INFO(&logger, "Rolling back ledger store");
    WEFT_TRY(pre_reset_height_record(dir, height, e));
    WEFT_TRY(roll_back_index(root, dir, channel, last, e));
    LOG_INFO(&block_logger, "Rolling back block files to block number [%" PRIu64 "]", last);
    WEFT_TRY(block_files_cut(dir, last, e));
    LOG_INFO(&logger,
             "The channel [%s] has been successfully rolled back to the block number [%" PRIu64 "]",
             channel, last);
    return WEFT_OK;
}

/* ---- pause and resume -------------------------------------------------------------------------- */

static enum weft_code set_status(const char *root, const char *channel, enum ledger_status status,
                                 struct weft_err *e)
{
    WEFT_CLEANUP(kv_close) struct kv *lock = NULL;
    WEFT_CLEANUP(id_store_close) struct id_store *ids = NULL;
    WEFT_CLEANUP(buf_done) struct buf block0 = { 0 };
    WEFT_FREE char *inventory = weft_asprintf("%s/ledgerProvider", root);
    const char *name = status == LEDGER_ACTIVE ? "ACTIVE" : "INACTIVE";
    enum ledger_status now;
    WEFT_TRY(peer_lock_take(root, &lock, e));
    WEFT_TRY(id_store_open(inventory, &ids, e));
    WEFT_TRY(id_store_get(ids, channel, &block0, &now, e));
    if (now == status) {
        LOG_INFO(&logger, "Ledger [%s] is already in [%s] status, nothing to do", channel, name);
        return WEFT_OK;
    }
    LOG_INFO(&logger, "Updating ledger [%s] status to [%s]", channel, name);
    return id_store_set_status(ids, channel, status, e);
}

enum weft_code ledger_admin_pause(const char *root, const char *channel, struct weft_err *e)
{
    WEFT_TRY(set_status(root, channel, LEDGER_INACTIVE, e));
    LOG_INFO(&logger, "The channel [%s] has been successfully paused", channel);
    return WEFT_OK;
}

enum weft_code ledger_admin_resume(const char *root, const char *channel, struct weft_err *e)
{
    WEFT_TRY(set_status(root, channel, LEDGER_ACTIVE, e));
    LOG_INFO(&logger, "The channel [%s] has been successfully resumed", channel);
    return WEFT_OK;
}
