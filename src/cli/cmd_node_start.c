/* peer node start: a peer, until a signal ends it.
 *
 * Go origin   internal/peer/node/start.go
 */
#include "base/log.h"
#include "cli/cmds.h"
#include "cli/peer_config.h"
#include "os/memory.h"
#include "os/signals.h"
#include "peer/peer_wiring.h"

#include <unistd.h>

LOG_DEFINE(logger, "nodeCmd");

static void options(struct cli_opt *opts, size_t *count)
{
    opts[0] = (struct cli_opt){ .name = "--peer-chaincodedev",
                                .help = "start peer in chaincode development mode" };
    *count = 1;
}

/* As in the original: a panic ends with status 2. */
static enum weft_code end(struct cli *cli, enum peer_exit how, const struct weft_err *why,
                          struct weft_err *e)
{
    if (how != PEER_EXIT_ERROR) {
        bool panics = how == PEER_EXIT_PANIC;
        log_write(&logger, panics ? LOG_LEVEL_PANIC : LOG_LEVEL_FATAL, __FILE__, __LINE__, __func__,
                  "%s", why->msg);
        cli->status = panics ? 2 : 1;
    }
    return WEFT_FAIL(e, WEFT_IO, "%s", why->msg);
}

static void say_config(const struct core_config *c)
{
    WEFT_CLEANUP(buf_done) struct buf text = { 0 };
    core_config_print(c, &text);
    LOG_INFO(&logger,
             "Peer config with combined core.yaml settings and environment variable overrides:\n"
             "%.*s",
             (int)text.len, (const char *)text.data);
    if (c->logging_level != NULL && c->logging_level[0] != '\0')
        LOG_WARN(&logger, "CORE_LOGGING_LEVEL is no longer supported, please use the "
                          "FABRIC_LOGGING_SPEC environment variable");
}

static enum weft_code run(struct cli *cli, int argc, char **argv, struct weft_err *e)
{
    WEFT_CLEANUP(core_config_free) struct core_config *config = NULL;
    WEFT_CLEANUP(signals_close) struct signals *signals = NULL;
    struct cli_args args = { .least = 0, .most = 0 };
    struct cli_opt opts[CLI_OPTS_MAX];
    size_t count = 0;
    bool dev_mode = false;
    struct peer *p = NULL;
    struct weft_err why = { 0 };
    enum peer_exit how = PEER_EXIT_ERROR;
    memory_keep_warm(MEMORY_WARM_PEER_BYTES);
    options(opts, &count);
    opts[0].ret_flag = &dev_mode;
    if (cli_parse(opts, count, argc, argv, &args, e) != WEFT_OK)
        return WEFT_FAIL(e, WEFT_INVALID, "trailing args detected");
    WEFT_TRY(peer_config_load(&config, e));
    say_config(config);
    if (dev_mode) {
        LOG_INFO(&logger, "Running in chaincode development mode");
        LOG_INFO(&logger, "Disable loading validity system chaincode");
        LOG_WARN(&logger, "No chaincode of users runs on this peer: nothing listens for one");
    }
    WEFT_TRY(signals_open(&signals, e));
    if (peer_start(config, &p, &how, &why) != WEFT_OK) {
        core_config_blame(config, &why);
        return end(cli, how, &why, e);
    }
    memory_give_back(); /* what only starting needed */
    enum weft_code rc = peer_run(p, signals, &why);
    peer_stop(p);
    return rc == WEFT_OK ? WEFT_OK : end(cli, PEER_EXIT_PANIC, &why, e);
}

const struct cli_cmd cmd_node_start = {
    .name = "node start",
    .args = "[--peer-chaincodedev]",
    .summary = "start a peer",
    .help = "Configuration: core.yaml in $FABRIC_CFG_PATH, the working folder or\n"
            "/etc/hyperledger/fabric, and over it variables such as\n"
            "CORE_PEER_LISTENADDRESS=0.0.0.0:7051.  Logging: FABRIC_LOGGING_SPEC=info.\n",
    .run = run,
    .options = options,
};
