/* channel_anchors.h - what is said of a channel's organisations and their anchor peers.
 *
 * A Fabric peer says, when it joins a channel or opens one, and whenever these change, whose
 * channel it is and which anchor peers it asks for others.  Scripts and people look for that:
 *
 *     Joining gossip network of channel mychannel with 2 organizations
 *     No configured anchor peers of Org2MSP for channel mychannel to learn about
 *     Anchor peer for channel mychannel with same endpoint, skipping connecting to myself
 *
 * What is true of a peer that does not gossip is said in the same words.  Anchor peers that the
 * original would ask now are named, and that they are not asked.
 *
 * Go origin   gossip/service/eventer.go gossip/service/gossip_service.go updateAnchors
 *             gossip/gossip/gossip_impl.go JoinChan learnAnchorPeers
 * Differs     nobody is connected to; organisations in the configuration's order
 * Owner       one thread (chan:<id>)
 * Memory      what was said last, until channel_anchors_done; borrows the settings
 */
#ifndef WEFT_PEER_CHANNEL_ANCHORS_H
#define WEFT_PEER_CHANNEL_ANCHORS_H

#include "base/bytes.h"

struct bundle;

struct channel_anchors {
    const char *mspid;
    const char *endpoint, *external_endpoint; /* ours */
    struct buf told;                          /* organisations and anchor peers */
};

void channel_anchors_done(struct channel_anchors *a);

/* Says it, unless it is what was said last. */
void channel_anchors_tell(struct channel_anchors *a, const struct bundle *b);

#endif
