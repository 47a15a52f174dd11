#include "orderer/message_trace.h"

#include "base/log.h"
#include "os/clock.h"
#include "os/file.h"

#include <inttypes.h>

LOG_DEFINE(logger, "orderer.common.server");

void message_trace(const char *dir, const char *function, struct bytes message)
{
    struct weft_err e;
    if (dir == NULL || dir[0] == '\0')
        return;
    WEFT_FREE char *path = weft_asprintf("%s/%" PRId64 "_%p.%s", dir, clock_wall_ns(),
                                         (const void *)message.data, function);
    LOG_DEBUG(&logger, "Writing %s request trace to %s", function, path);
    if (file_write_plain(path, message, 0600, &e) != WEFT_OK)
        LOG_DEBUG(&logger, "Error writing trace msg for %s: %s", path, e.msg);
}
