/* node_client.h - one connection to a node, and calls on it that are waited for.
 *
 *     node_client_open(&target, &c, e)                 connected, hands shaken
 *     node_client_unary(c, "/protos.Endorser/ProcessProposal", request, &reply, e)
 *
 *     node_client_call(c, "/orderer.AtomicBroadcast/Broadcast", e)    a stream
 *     node_client_send(c, envelope, e)
 *     node_client_receive(c, &answer, e)
 *
 * Go origin   internal/peer/common/peerclient.go internal/peer/common/ordererclient.go
 *             internal/pkg/comm/client.go
 * Owner       the thread that opened it
 * Memory      one connection; answers are the caller's
 * Limits      one call at a time; those of the net
 */
#ifndef WEFT_CLI_NODE_CLIENT_H
#define WEFT_CLI_NODE_CLIENT_H

#include "cli/node_flags.h"
#include "net/net_msg.h"

struct node_client;

/* "failed to create new connection: ..." */
enum weft_code node_client_open(const struct node_target *target, struct node_client **ret,
                                struct weft_err *e) WEFT_MUST_CHECK;
void node_client_close(struct node_client *c);
WEFT_DEFINE_CLEANUP(struct node_client *, node_client_close)

/* A status other than OK: "rpc error: code = Unknown desc = ...". */
enum weft_code node_client_unary(struct node_client *c, const char *path, struct bytes request,
                                 struct net_msg **ret, struct weft_err *e) WEFT_MUST_CHECK;

enum weft_code node_client_call(struct node_client *c, const char *path,
                                struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code node_client_send(struct node_client *c, struct bytes message,
                                struct weft_err *e) WEFT_MUST_CHECK;
/* The next message; as above when the call ends, "EOF" with status OK. */
enum weft_code node_client_receive(struct node_client *c, struct net_msg **ret,
                                   struct weft_err *e) WEFT_MUST_CHECK;

#endif
