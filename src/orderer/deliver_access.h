/* deliver_access.h - the orderer's channels, and who may read them, for Deliver.
 *
 *     /Channel/Readers, or /Channel/Orderer/Readers in maintenance
 *
 * Go origin   orderer/common/server/server.go Deliver
 *             common/deliver/acl.go
 * Owner       deliver_access itself: the process, read only
 * Memory      a snapshot is a reference of the configuration
 */
#ifndef WEFT_ORDERER_DELIVER_ACCESS_H
#define WEFT_ORDERER_DELIVER_ACCESS_H

#include "deliver/deliver_server.h"
#include "orderer/orderer_channel.h"

/* One loop's. */
struct deliver_access {
    struct deliver_world world; /* for deliver_server_config */
    struct orderer_channels *channels;
    bool no_expiration_checks; /* General.Authentication.NoExpirationChecks */
};

void deliver_access_init(struct deliver_access *a, struct orderer_channels *channels,
                         bool no_expiration_checks);

#endif
