/* acl.h - may whoever signed this do that?
 *
 * What can be done with a peer has a name.  Some of it concerns the peer as a whole and
 * is always for its own organisation:
 *
 *     cscc/JoinChain       admins of the peer's MSP
 *     cscc/GetChannels     members of it
 *
 * the rest concerns a channel, and the channel's configuration says which policy guards it
 * (Application group, value ACLs); where it does not, the default does:
 *
 *     qscc/GetChainInfo    /Channel/Application/Readers
 *     peer/Propose         /Channel/Application/Writers
 *
 * A question about such a resource without a channel is refused in words about roles of the
 * peer's MSP: that is what the original asks then.
 *
 * Go origin   core/aclmgmt/resourceprovider.go core/aclmgmt/defaultaclprovider.go
 *             core/policy/policy.go msp/mgmt/principal.go
 *             core/aclmgmt/resources/resources.go
 * Owner       any thread
 * Memory      borrows what it was made with
 */
#ifndef WEFT_ENDORSER_ACL_H
#define WEFT_ENDORSER_ACL_H

#include "bundle/signed_set.h"

struct bundle;
struct peer_support;

struct acl {
    const struct peer_support *support;
    struct msp *local_msp;
};

/* WEFT_FORBIDDEN, with Fabric's words.  An empty channel: none. */
enum weft_code acl_check(const struct acl *a, const char *resource, struct bytes channel,
                         const struct signed_data *by, struct weft_err *e) WEFT_MUST_CHECK;
/* The same for a resource of a channel whose configuration is at hand. */
enum weft_code acl_check_on(const struct bundle *b, const char *resource,
                            const struct signed_data *by, struct weft_err *e) WEFT_MUST_CHECK;

#endif
