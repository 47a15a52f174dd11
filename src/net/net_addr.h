/* net_addr.h - addresses as people write them.
 *
 *     "127.0.0.1:7050"   "[::1]:7050"   "orderer.example.com:7050"   ":7050"
 *
 * Go origin   none (net.Listen, net.Dial)
 * Owner       any thread; net_addr_resolve may block: it is for a worker
 * Limits      8 addresses of one name
 */
#ifndef WEFT_NET_NET_ADDR_H
#define WEFT_NET_NET_ADDR_H

#include "net/net.h"

#include <sys/socket.h>

enum {
    NET_ADDR_MAX = 8,
    NET_HOST_MAX = 256
};

struct net_name {
    char host[NET_HOST_MAX]; /* without brackets; empty: every interface */
    char port[8];
};

struct net_addrs {
    struct sockaddr_storage at[NET_ADDR_MAX];
    size_t count;
};

/* WEFT_INVALID when there is no port or it is out of range. */
enum weft_code net_name_parse(const char *text, struct net_name *ret,
                              struct weft_err *e) WEFT_MUST_CHECK;

/* numeric: never asks anybody, WEFT_NOT_FOUND for a name. */
enum weft_code net_addr_resolve(const struct net_name *name, bool numeric, struct net_addrs *ret,
                                struct weft_err *e) WEFT_MUST_CHECK;

void net_addr_print(const struct sockaddr_storage *a, char out[NET_ADDRESS_MAX]);
socklen_t net_addr_len(const struct sockaddr_storage *a);

#endif
