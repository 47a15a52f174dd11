/* orderer_list.h - a channel's configuration tells its orderer_source which orderers there are.
 *
 * Go origin   core/peer/peer.go createChannel
 * Owner       one thread
 * Memory      none kept
 */
#ifndef WEFT_PEER_ORDERER_LIST_H
#define WEFT_PEER_ORDERER_LIST_H

#include "peer/orderer_source.h"

struct bundle;

/* True: the list is another one (orderer_source_update). */
bool orderer_list_update(struct orderer_source *s, const struct bundle *b);

#endif
