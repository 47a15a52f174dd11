/* orderer: an ordering node.  Reads $FABRIC_CFG_PATH/orderer.yaml and ORDERER_*.
 *
 * Go origin   cmd/orderer/main.go orderer/common/server/main.go
 */
#include "base/log.h"
#include "config/orderer_config.h"
#include "orderer/orderer_wiring.h"
#include "os/signals.h"

#include <signal.h>
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
    "\n"
    "This version serves the ledgers that are in FileLedger.Location through\n"
    "Deliver; it does not order yet, and evaluates no channel policies: it listens\n"
    "on a loopback address, or with TLS client authentication, only.\n";

static void run_until_told(struct signals *signals, struct orderer *o)
{
    int n;
    while ((n = signals_wait(signals, -1)) == SIGUSR1) {
        LOG_INFO(&logger, "Received signal: %d (%s)", n, signals_name(n));
        orderer_report(o);
    }
    LOG_INFO(&logger, "Received signal: %d (%s)", n, signals_name(n));
}

static enum weft_code start(struct weft_err *e)
{
    WEFT_CLEANUP(orderer_config_free) struct orderer_config *config = NULL;
    WEFT_CLEANUP(signals_close) struct signals *signals = NULL;
    struct orderer *o = NULL;
    WEFT_TRY(log_init_from_env(e));
    WEFT_TRY(orderer_config_load((const char *const *)environ, &config, e));
    WEFT_TRY(signals_open(&signals, e));
    WEFT_TRY(orderer_start(config, &o, e));
    run_until_told(signals, o);
    orderer_stop(o);
    return WEFT_OK;
}

int main(int argc, char **argv)
{
    struct weft_err e = { 0 };
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
    if (start(&e) == WEFT_OK)
        return 0;
    LOG_ERROR(&logger, "%s", e.msg);
    return 1;
}
