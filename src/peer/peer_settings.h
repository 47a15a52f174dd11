/* peer_settings.h - what core.yaml asks for and this peer does not do: refused, or said.
 *
 * A Fabric peer refuses to start without anything that could run chaincodes, and with handlers
 * that it can't find; so does ours, in its words.  What would make a peer behave differently
 * from what was asked - another state database, a plugin of one's own - is refused, too.  What
 * is merely not there is said once:
 *
 *     peer.handlers.authFilters: [{name: Mine}]     "Method Mine isn't a method of HandlerLibrary"
 *     ledger.state.stateDatabase: CouchDB           refused
 *     peer.profile.enabled: true                    a warning: there is no Go runtime to look into
 *
 * Go origin   internal/peer/node/start.go serve core/handlers/library/registry.go
 *             core/ledger/kvledger/kv_ledger_provider.go initSnapshotDir
 * Differs     plugins for Go are not loaded; CouchDB is not spoken to; no chaincode runs, so
 *             nothing listens for one, and chaincode.executetimeout ends nothing: a call of a
 *             system chaincode is a function that reads the ledger, and waits for a disk at most
 * Owner       main
 * Memory      none
 */
#ifndef WEFT_PEER_PEER_SETTINGS_H
#define WEFT_PEER_PEER_SETTINGS_H

#include "base/weft.h"

struct core_config;

/* Before anything is opened.  The process is to end as after a panic. */
enum weft_code peer_settings_check(const struct core_config *c, struct weft_err *e) WEFT_MUST_CHECK;
void peer_settings_say(const struct core_config *c);

/* Does peer.handlers.authFilters hold it? */
bool peer_settings_has_filter(const struct core_config *c, const char *name);

#endif
