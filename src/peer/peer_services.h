/* peer_services.h - what a peer answers on its net loops: protos.Endorser, protos.Deliver.
 *
 * One for each loop; what they share, and how many calls of a service there may be at once,
 * is in struct peer_services_world.
 *
 * Go origin   internal/peer/node/start.go serve
 *             internal/peer/node/grpc_limiters.go
 * Owner       new and free: main; all else: its loop's thread
 * Memory      the services
 * Limits      peer.limits.concurrency.endorserService, deliverService
 */
#ifndef WEFT_PEER_PEER_SERVICES_H
#define WEFT_PEER_PEER_SERVICES_H

#include "endorser/endorser_service.h"
#include "endorser/event_service.h"
#include "endorser/peer_support.h"

struct core_config;
struct jobs;
struct msp;
struct net_loop;
struct peer_services;
struct signing_identity;

/* Of the process; outlives the loops' services. */
struct peer_services_world {
    struct peer_support support;
    struct endorser endorser;
    struct concurrency_limit endorser_limit, deliver_limit;
    int64_t time_window_ns; /* of requests for blocks */
    bool binds_tls;         /* and they are bound to clients' certificates */
    struct peer_workers {
        struct jobs *calls;  /* may wait for main */
        struct jobs *store;  /* may wait for the disk */
        struct jobs *crypto; /* compute */
    } workers;
};

/* Fills it, and says which system chaincodes there are. */
void peer_services_init(struct peer_services_world *w, const struct core_config *config,
                        const struct peer_support *support, struct msp *local,
                        const struct signing_identity *me, const struct peer_workers *workers);

struct peer_services *peer_services_new(struct peer_services_world *w, struct net_loop *loop);
/* After net_loop_close_calls, and the workers. */
void peer_services_free(struct peer_services *s);
WEFT_DEFINE_CLEANUP(struct peer_services *, peer_services_free)

const struct grpc_method *peer_services_methods(const struct peer_services *s, size_t *ret_count);

#endif
