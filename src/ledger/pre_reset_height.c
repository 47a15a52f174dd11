#include "ledger/pre_reset_height.h"

#include "base/log.h"
#include "base/number.h"
#include "os/dirs.h"
#include "os/file.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

enum {
    TEXT_BYTES_MAX = 32
};

LOG_DEFINE(logger, "blkstorage");

static char *path_of(const char *dir)
{
    return weft_asprintf("%s/__preResetHeight", dir);
}

enum weft_code pre_reset_height_load(const char *dir, bool *ret_found, uint64_t *ret_height,
                                     struct weft_err *e)
{
    WEFT_FREE char *path = path_of(dir);
    WEFT_CLEANUP(buf_done) struct buf text = { 0 };
    uint64_t height = 0;
    enum weft_code rc = file_read_all(path, TEXT_BYTES_MAX, &text, e);
    if (rc == WEFT_NOT_FOUND) {
        *ret_found = false;
        return WEFT_OK;
    }
    WEFT_TRY(rc);
    buf_put_u8(&text, '\0');
    if (!number_parse_u64((const char *)text.data, &height))
        return WEFT_FAIL(e, WEFT_CORRUPT, "%s does not have a height in it", path);
    *ret_found = true;
    *ret_height = height;
    return WEFT_OK;
}

enum weft_code pre_reset_height_record(const char *dir, uint64_t height, struct weft_err *e)
{
    WEFT_FREE char *path = path_of(dir);
    bool found = false;
    uint64_t before = 0;
    LOG_INFO(&logger, "Preparing to record current height for ledger at [%s]", dir);
    WEFT_TRY(pre_reset_height_load(dir, &found, &before, e));
    if (height <= before) {
        LOG_INFO(&logger,
                 "Not recording current height [%" PRIu64 "] since this is less than previously "
                 "recorded height [%" PRIu64 "]",
                 height, before);
        return WEFT_OK;
    }
    LOG_INFO(&logger, "Recording current height [%" PRIu64 "]", height);
    WEFT_FREE char *text = weft_asprintf("%" PRIu64, height);
    return file_write_atomic(path, bytes_of_str(text), 0640, e);
}

enum weft_code pre_reset_height_clear(const char *dir, struct weft_err *e)
{
    WEFT_FREE char *path = path_of(dir);
    if (unlink(path) != 0)
        return errno == ENOENT ? WEFT_OK : WEFT_FAIL(e, WEFT_IO, "can't remove %s", path);
    return dir_sync(dir, e);
}
