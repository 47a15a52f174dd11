/* broadcast_client.h - gives an orderer an envelope and waits for its answer.
 *
 *     broadcast_client_open(&target, &b, e)
 *     broadcast_client_send(b, envelope, e)    "got unexpected status: BAD_REQUEST -- why"
 *
 * Go origin   internal/peer/common/broadcastclient.go
 * Owner       the thread that opened it
 * Memory      one connection
 * Limits      one envelope at a time
 */
#ifndef WEFT_CLI_BROADCAST_CLIENT_H
#define WEFT_CLI_BROADCAST_CLIENT_H

#include "cli/node_client.h"

struct broadcast_client;

enum weft_code broadcast_client_open(const struct node_target *target,
                                     struct broadcast_client **ret,
                                     struct weft_err *e) WEFT_MUST_CHECK;
void broadcast_client_close(struct broadcast_client *b);
WEFT_DEFINE_CLEANUP(struct broadcast_client *, broadcast_client_close)

/* Any status but SUCCESS is an error. */
enum weft_code broadcast_client_send(struct broadcast_client *b, struct bytes envelope,
                                     struct weft_err *e) WEFT_MUST_CHECK;

/* BroadcastResponse: its status and info; info borrows. */
enum weft_code broadcast_response_parse(struct bytes b, uint64_t *ret_status,
                                        struct bytes *ret_info, struct weft_err *e) WEFT_MUST_CHECK;

#endif
