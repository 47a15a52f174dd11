/* peer_ledgers.h - where core.yaml says that a peer's ledgers lie.
 *
 *     peer.fileSystemPath /var/hyperledger/production
 *     -> /var/hyperledger/production/ledgersData
 *
 * Go origin   internal/peer/node/config.go ledgerConfig
 * Differs     the commands need no MSP (there, every command loads it)
 * Owner       the main thread
 * Memory      the caller frees
 */
#ifndef WEFT_CLI_PEER_LEDGERS_H
#define WEFT_CLI_PEER_LEDGERS_H

#include "base/weft.h"

enum weft_code peer_ledgers_root(char **ret, struct weft_err *e) WEFT_MUST_CHECK;
/* The same for what drops databases: WEFT_INVALID where the state lies in a CouchDB. */
enum weft_code peer_ledgers_root_to_rebuild(char **ret, struct weft_err *e) WEFT_MUST_CHECK;

#endif
