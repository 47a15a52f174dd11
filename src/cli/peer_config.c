#include "cli/peer_config.h"

#include <unistd.h>

enum weft_code peer_config_load(struct core_config **ret, struct weft_err *e)
{
    if (core_config_load((const char *const *)environ, ret, e) == WEFT_OK)
        return WEFT_OK;
    return weft_err_wrap(e, WEFT_CORRUPT, "Fatal error when initializing core config");
}
