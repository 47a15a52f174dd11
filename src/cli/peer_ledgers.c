#include "cli/peer_ledgers.h"

#include "cli/peer_config.h"

static char *root_of(const struct core_config *c)
{
    const char *path = c->peer.file_system_path;
    return path[0] == '\0' ? weft_strdup("ledgersData") : weft_asprintf("%s/ledgersData", path);
}

enum weft_code peer_ledgers_root(char **ret, struct weft_err *e)
{
    WEFT_CLEANUP(core_config_free) struct core_config *c = NULL;
    WEFT_TRY(peer_config_load(&c, e));
    *ret = root_of(c);
    return WEFT_OK;
}

enum weft_code peer_ledgers_root_to_rebuild(char **ret, struct weft_err *e)
{
    WEFT_CLEANUP(core_config_free) struct core_config *c = NULL;
    WEFT_TRY(peer_config_load(&c, e));
    if (strcmp(c->ledger.state_database, "CouchDB") == 0)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "ledger.state.stateDatabase is CouchDB, which this peer does not have: "
                         "its databases would have to be dropped there");
    *ret = root_of(c);
    return WEFT_OK;
}
