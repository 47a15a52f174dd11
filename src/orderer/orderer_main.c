/* orderer: an ordering node.  Reads $FABRIC_CFG_PATH/orderer.yaml and ORDERER_*.
 *
 * Go origin   cmd/orderer/main.go orderer/common/server/main.go
 */
#include "base/log.h"
#include "config/orderer_config.h"
#include "orderer/orderer_wiring.h"
#include "os/memory.h"
#include "os/signals.h"

#include <unistd.h>

LOG_DEFINE(logger, "orderer.common.server");

static const char help[] =
    "usage: orderer [start | version]\n"
    "\n"
    "Hyperledger Fabric ordering node\n"
    "\n"
    "  start    start the node (also without a command)\n"
    "  version  show which version this is\n"
    "\n"
    "Configuration: orderer.yaml in $FABRIC_CFG_PATH, the working folder or\n"
    "/etc/hyperledger/fabric, and over it variables such as\n"
    "ORDERER_GENERAL_LISTENPORT=7050.  Logging: FABRIC_LOGGING_SPEC=info.\n"
    "\n";

static int fail(enum log_level level, int status, const struct weft_err *e)
{
    log_write(&logger, level, __FILE__, __LINE__, __func__, "%s", e->msg);
    return status;
}

/* As in the original: panics are 2, fatal errors 1, a configuration that cannot be
 * read 1. */
static int start(void)
{
    WEFT_CLEANUP(orderer_config_free) struct orderer_config *config = NULL;
    WEFT_CLEANUP(signals_close) struct signals *signals = NULL;
    WEFT_CLEANUP(buf_done) struct buf text = { 0 };
    struct orderer *o = NULL;
    struct weft_err e = { 0 };
    enum orderer_exit how = ORDERER_EXIT_FATAL;
    memory_keep_warm(MEMORY_WARM_BYTES);
    if (log_init_from_env(&e) != WEFT_OK)
        return fail(LOG_LEVEL_PANIC, ORDERER_EXIT_PANIC, &e);
    if (orderer_config_load((const char *const *)environ, &config, &e) != WEFT_OK) {
        weft_err_add_context(&e, e.code, "failed to parse config");
        return fail(LOG_LEVEL_ERROR, ORDERER_EXIT_FATAL, &e);
    }
    orderer_config_print(config, &text);
    LOG_INFO(&logger, "%.*s", (int)text.len, (const char *)text.data);
    orderer_config_tell_idle(config, &logger);
    if (signals_open(&signals, &e) != WEFT_OK)
        return fail(LOG_LEVEL_FATAL, ORDERER_EXIT_FATAL, &e);
    if (orderer_start(config, &o, &how, &e) != WEFT_OK) {
        orderer_config_blame(config, &e);
        return fail(how == ORDERER_EXIT_PANIC ? LOG_LEVEL_PANIC : LOG_LEVEL_FATAL, (int)how, &e);
    }
    memory_give_back(); /* what only starting needed */
    enum weft_code rc = orderer_run(o, signals, &e);
    orderer_stop(o);
    return rc == WEFT_OK ? 0 : fail(LOG_LEVEL_PANIC, ORDERER_EXIT_PANIC, &e);
}

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "start";
    if (strcmp(command, "--help") == 0 || strcmp(command, "help") == 0) {
        (void)fputs(help, stdout);
        return 0;
    }
    if (strcmp(command, "version") == 0) {
        (void)printf("orderer:\n Version: " WEFT_VERSION "\n");
        return 0;
    }
    if (strcmp(command, "start") != 0 || argc > 2) {
        (void)fprintf(stderr, "orderer: error: unexpected %s, try --help\n", argv[argc - 1]);
        return 1;
    }
    return start();
}
