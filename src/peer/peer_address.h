/* peer_address.h - under which address do others reach this peer?
 *
 *     peer.address  peer0:7051                          as it stands
 *                   0.0.0.0:7051, or addressAutoDetect  this host's first IPv4 address, :7051
 *
 * Go origin   core/peer/config.go getLocalAddress
 *             internal/pkg/comm/util.go GetLocalIP
 * Differs     a host that has only a loopback address is fine as long as nobody asks for another
 * Owner       main
 * Memory      the caller's
 */
#ifndef WEFT_PEER_PEER_ADDRESS_H
#define WEFT_PEER_PEER_ADDRESS_H

#include "base/weft.h"

/* "peer.address isn't set", "peer.address isn't in host:port format: x"; caller frees. */
enum weft_code peer_address(const char *configured, bool auto_detect, char **ret,
                            struct weft_err *e) WEFT_MUST_CHECK;

#endif
