#include "peer/peer_settings.h"

#include "base/log.h"
#include "config/core_config.h"

#include <errno.h>
#include <unistd.h>

LOG_DEFINE(logger, "nodeCmd");
LOG_DEFINE(gossip_log, "gossip.gossip");

/* ---- handlers ----------------------------------------------------------------------------- */

static enum weft_code check_library(const char *path, struct weft_err *e)
{
    if (access(path, F_OK) != 0)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "Could not find plugin at path %s: stat %s: no such file or directory",
                         path, path);
    return WEFT_FAIL(e, WEFT_INVALID,
                     "Error opening plugin at path %s: this peer loads no plugins made for Go",
                     path);
}

/* `names` end with NULL. */
static enum weft_code check_handlers(const struct core_handlers *h, const char *const *names,
                                     struct weft_err *e)
{
    for (size_t i = 0; i < h->count; i++) {
        const char *name = h->items[i].name;
        size_t n = 0;
        if (h->items[i].library != NULL && h->items[i].library[0] != '\0')
            return check_library(h->items[i].library, e);
        while (names[n] != NULL && strcmp(names[n], name) != 0)
            n++;
        if (names[n] == NULL)
            return WEFT_FAIL(e, WEFT_INVALID, "Method %s isn't a method of HandlerLibrary", name);
    }
    return WEFT_OK;
}

static enum weft_code check_all_handlers(const struct core_config *c, struct weft_err *e)
{
    static const char *const filters[] = { "DefaultAuth", "ExpirationCheck", NULL };
    static const char *const decorators[] = { "DefaultDecorator", NULL };
    static const char *const endorsers[] = { "DefaultEndorsement", NULL };
    static const char *const validators[] = { "DefaultValidation", NULL };
    WEFT_TRY(check_handlers(&c->auth_filters, filters, e));
    WEFT_TRY(check_handlers(&c->decorators, decorators, e));
    WEFT_TRY(check_handlers(&c->endorsers, endorsers, e));
    return check_handlers(&c->validators, validators, e);
}

bool peer_settings_has_filter(const struct core_config *c, const char *name)
{
    for (size_t i = 0; i < c->auth_filters.count; i++)
        if (strcmp(c->auth_filters.items[i].name, name) == 0)
            return true;
    return false;
}

/* ---- all of it ------------------------------------------------------------------------------ */

enum weft_code peer_settings_check(const struct core_config *c, struct weft_err *e)
{
    if (strcmp(c->ledger.state_database, "CouchDB") == 0)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "Error in instantiating ledger provider: ledger.state.stateDatabase is "
                         "CouchDB, which this peer does not speak: it keeps its state in LevelDB");
    if (c->ledger.snapshots_dir[0] != '/')
        return WEFT_FAIL(e, WEFT_INVALID,
                         "Error in instantiating ledger provider: invalid path: %s. The path for "
                         "the snapshot dir is expected to be an absolute path",
                         c->ledger.snapshots_dir);
    if (c->chaincode.vm_endpoint[0] == '\0' && c->chaincode.builder_count == 0)
        return WEFT_FAIL(e, WEFT_INVALID, "VMEndpoint not set and no ExternalBuilders defined");
    return check_all_handlers(c, e);
}

void peer_settings_say(const struct core_config *c)
{
    core_config_tell_idle(c, &logger);
    if (c->gossip.external_endpoint[0] == '\0')
        LOG_WARN(&gossip_log, "External endpoint is empty, peer will not be accessible outside of "
                              "its organization");
    if (c->peer.profile_enabled)
        LOG_WARN(&logger,
                 "Not starting profiling server with listenAddress = %s: there is no Go runtime "
                 "in this peer; perf and gdb look into it",
                 c->peer.profile_address);
    if (c->peer.endorser_concurrency != 0)
        LOG_INFO(&logger, "concurrency limit for endorser service is %u",
                 c->peer.endorser_concurrency);
    if (c->peer.deliver_concurrency != 0)
        LOG_INFO(&logger, "concurrency limit for deliver service is %u",
                 c->peer.deliver_concurrency);
    if (strcmp(c->chaincode.mode, "dev") == 0)
        LOG_WARN(&logger, "chaincode.mode is dev, but no chaincode of users runs on this peer");
}
