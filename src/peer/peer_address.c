#include "peer/peer_address.h"

#include "base/log.h"
#include "net/net_addr.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>

LOG_DEFINE(logger, "peer");

static enum weft_code first_ipv4(char out[INET_ADDRSTRLEN], struct weft_err *e)
{
    struct ifaddrs *all = NULL;
    bool found = false;
    if (getifaddrs(&all) != 0)
        return WEFT_FAIL(e, WEFT_IO, "the network interfaces can't be listed");
    for (const struct ifaddrs *i = all; i != NULL && !found; i = i->ifa_next) {
        if (i->ifa_addr == NULL || i->ifa_addr->sa_family != AF_INET ||
            (i->ifa_flags & IFF_LOOPBACK) != 0)
            continue;
        struct sockaddr_in in;
        memcpy(&in, i->ifa_addr, sizeof(in));
        found = inet_ntop(AF_INET, &in.sin_addr, out, INET_ADDRSTRLEN) != NULL;
    }
    freeifaddrs(all);
    return found ? WEFT_OK
                 : WEFT_FAIL(e, WEFT_NOT_FOUND, "no non-loopback, IPv4 interface detected");
}

static bool is_unspecified(const char *host)
{
    return strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
}

enum weft_code peer_address(const char *configured, bool auto_detect, char **ret,
                            struct weft_err *e)
{
    struct net_name name;
    char own[INET_ADDRSTRLEN];
    if (configured == NULL || configured[0] == '\0')
        return WEFT_FAIL(e, WEFT_INVALID, "peer.address isn't set");
    if (net_name_parse(configured, &name, NULL) != WEFT_OK)
        return WEFT_FAIL(e, WEFT_INVALID, "peer.address isn't in host:port format: %s", configured);
    if (!auto_detect && !is_unspecified(name.host)) {
        *ret = weft_strdup(configured);
        LOG_INFO(&logger, "Returning %s", *ret);
        return WEFT_OK;
    }
    enum weft_code rc = first_ipv4(own, e);
    if (rc != WEFT_OK) {
        LOG_ERROR(&logger, "local IP address not auto-detectable: %s", e->msg);
        return rc;
    }
    *ret = weft_asprintf("%s:%s", own, name.port);
    LOG_INFO(&logger, "Auto-detected peer address: %s", *ret);
    if (is_unspecified(name.host))
        LOG_INFO(&logger, "Host is %s , falling back to auto-detected address: %s", name.host,
                 *ret);
    else
        LOG_INFO(&logger, "Auto-detect flag is set, returning %s", *ret);
    return WEFT_OK;
}
