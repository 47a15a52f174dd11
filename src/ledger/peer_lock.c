#include "ledger/peer_lock.h"

#include "base/log.h"
#include "ledger/block_store_private.h"

LOG_DEFINE(logger, "blkstorage");

enum weft_code peer_lock_take(const char *root, struct kv **ret, struct weft_err *e)
{
    WEFT_FREE char *path = weft_asprintf("%s/fileLock", root);
    struct weft_err why = { 0 };
    WEFT_TRY(dir_make_lasting(root, path, e));
    enum weft_code rc = kv_open(path, "", ret, &why);
    if (rc == WEFT_CORRUPT) {
        LOG_WARN(&logger, "The lock file's database is damaged (%s), it is made anew", why.msg);
        WEFT_TRY(kv_destroy(path, e));
        rc = kv_open(path, "", ret, &why);
    }
    if (rc == WEFT_UNAVAILABLE)
        return WEFT_FAIL(e, rc,
                         "as another peer node command is executing, wait for that command to "
                         "complete its execution or terminate it before retrying: lock is already "
                         "acquired on file %s",
                         path);
    return rc == WEFT_OK ? rc : WEFT_FAIL(e, rc, "%s", why.msg);
}
