/* orderer_source.h - where a channel's blocks come from: its orderers' addresses.
 *
 *     configuration           Orderer organisations' Endpoints, or the channel's OrdererAddresses
 *     core.yaml               peer.deliveryclient.addressOverrides: this address instead of that
 *
 *     orderer_source_update(s, &config)      true: the list is new, whoever is connected
 *                                            connects again
 *     orderer_source_pick(s, random)         any of them
 *
 * Once an organisation has endpoints of its own the channel's addresses are not
 * used.  An organisation's endpoints are believed with its TLS CAs, the
 * channel's with those of all organisations.
 *
 * Go origin   internal/pkg/peer/orderers/connection.go
 * Owner       one thread
 * Memory      copies what it is given; an endpoint lives until the next update
 * Limits      those of the configuration
 */
#ifndef WEFT_PEER_ORDERER_SOURCE_H
#define WEFT_PEER_ORDERER_SOURCE_H

#include "base/bytes.h"

struct orderer_texts {
    const struct bytes *at;
    size_t count;
};

/* What a configuration says of one orderer organisation. */
struct orderer_org {
    struct bytes name;
    struct orderer_texts addresses; /* its Endpoints */
    struct orderer_texts roots;     /* its MSP's TLS roots, then intermediates; PEM */
};

struct orderer_config_view {
    const char *channel_id;
    struct orderer_texts addresses; /* the channel's OrdererAddresses */
    const struct orderer_org *orgs;
    size_t org_count;
};

struct orderer_override {
    const char *from, *to;
    struct bytes roots; /* PEM; empty: none is believed */
};

struct orderer_endpoint {
    const char *address;
    struct bytes roots; /* PEM texts, one after the other */
};

struct orderer_source;

/* Copies the overrides. */
struct orderer_source *orderer_source_new(const struct orderer_override *overrides, size_t count);
void orderer_source_free(struct orderer_source *s);
WEFT_DEFINE_CLEANUP(struct orderer_source *, orderer_source_free)

/* True when it made a new list. */
bool orderer_source_update(struct orderer_source *s, const struct orderer_config_view *config);

/* NULL: no endpoints are defined. */
const struct orderer_endpoint *orderer_source_pick(const struct orderer_source *s, uint64_t random);
size_t orderer_source_count(const struct orderer_source *s);

#endif
