/* event_service.h - a peer's Deliver service: blocks, filtered blocks, blocks with private data.
 *
 *     method                    what a block becomes          who may: the ACL of
 *     Deliver                   2 block                       event/Block
 *     DeliverFiltered           3 filtered block              event/FilteredBlock
 *     DeliverWithPrivateData    4 block and private data      event/Block; each collection has
 *                                                             rules of its own
 *
 * The streams are those of deliver_server.h; here is what is a peer's: its channels, its ACLs,
 * what is sent.  A block is there for these streams once its commit is over.
 *
 *     struct event_service *s = event_service_new(&config);       one a loop
 *     event_service_methods(s, &methods[n])                       EVENT_METHODS of them
 *
 * Go origin   core/peer/deliverevents.go core/peer/channel.go internal/peer/node/start.go
 * Owner       the loop's thread; new before it runs, free after
 * Memory      a few words a channel; what deliver_server.h says
 * Limits      struct concurrency_limit for all methods together
 */
#ifndef WEFT_ENDORSER_EVENT_SERVICE_H
#define WEFT_ENDORSER_EVENT_SERVICE_H

#include "deliver/concurrency_limit.h"
#include "deliver/deliver_server.h"

struct event_service;
struct peer_support;

enum {
    EVENT_METHODS = 3
};

struct event_service_config {
    const struct peer_support *support;
    int64_t time_window_ns;          /* peer.authentication.timewindow */
    bool binds_tls;                  /* peer.tls.clientAuthRequired */
    struct concurrency_limit *limit; /* "/protos.Deliver", of all loops; may be NULL */
    struct jobs *store;              /* workers that may wait for the disk */
    struct jobs *workers;            /* workers that compute */
    struct mailbox *mb;              /* the loop's */
    struct memory_rest *rest;        /* likewise; may be NULL */
    struct metrics_owner *metrics;
};

struct event_service *event_service_new(const struct event_service_config *config);
/* After its grpc_server is freed, which ends the streams, and the workers; after the mailbox. */
void event_service_free(struct event_service *s);
WEFT_DEFINE_CLEANUP(struct event_service *, event_service_free)

void event_service_methods(struct event_service *s, struct grpc_method ret[EVENT_METHODS]);

/* For tests: what is sent for a block. */
extern const struct deliver_form event_form_filtered;

#endif
