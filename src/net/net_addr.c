#include "net/net_addr.h"

#include "base/number.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

enum weft_code net_name_parse(const char *text, struct net_name *ret, struct weft_err *e)
{
    struct net_name n = { 0 };
    uint64_t port = 0;
    const char *colon = strrchr(text, ':');
    if (colon == NULL)
        return WEFT_FAIL(e, WEFT_INVALID, "address %.200s: missing port in address", text);
    size_t len = (size_t)(colon - text);
    if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
        text++;
        len -= 2;
    } else if (memchr(text, ':', len) != NULL) {
        return WEFT_FAIL(e, WEFT_INVALID, "address %.200s: too many colons in address", text);
    }
    if (len >= sizeof(n.host) || strlen(colon + 1) >= sizeof(n.port) ||
        !number_parse_u64(colon + 1, &port) || port > 65535)
        return WEFT_FAIL(e, WEFT_INVALID, "address %.200s: invalid port", text);
    memcpy(n.host, text, len);
    (void)snprintf(n.port, sizeof(n.port), "%s", colon + 1);
    *ret = n;
    return WEFT_OK;
}

enum weft_code net_addr_resolve(const struct net_name *name, bool numeric, struct net_addrs *ret,
                                struct weft_err *e)
{
    const struct addrinfo hints = { .ai_family = AF_UNSPEC,
                                    .ai_socktype = SOCK_STREAM,
                                    .ai_flags = AI_NUMERICSERV |
                                                (name->host[0] == '\0' ? AI_PASSIVE : 0) |
                                                (numeric ? AI_NUMERICHOST : 0) };
    struct addrinfo *list = NULL;
    struct net_addrs found = { 0 };
    int rc = getaddrinfo(name->host[0] != '\0' ? name->host : NULL, name->port, &hints, &list);
    if (rc != 0)
        return WEFT_FAIL(e, WEFT_NOT_FOUND, "lookup %.200s: %s", name->host, gai_strerror(rc));
    for (const struct addrinfo *a = list; a != NULL && found.count < NET_ADDR_MAX; a = a->ai_next)
        if (a->ai_addrlen <= sizeof(found.at[0]))
            memcpy(&found.at[found.count++], a->ai_addr, a->ai_addrlen);
    freeaddrinfo(list);
    *ret = found;
    return WEFT_OK;
}

void net_addr_print(const struct sockaddr_storage *a, char out[NET_ADDRESS_MAX])
{
    char host[INET6_ADDRSTRLEN] = "?";
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    if (a->ss_family == AF_INET6) {
        memcpy(&v6, a, sizeof(v6));
        bool mapped = IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr);
        const void *where = mapped ? (const void *)&v6.sin6_addr.s6_addr[12] : &v6.sin6_addr;
        (void)inet_ntop(mapped ? AF_INET : AF_INET6, where, host, sizeof(host));
        (void)snprintf(out, NET_ADDRESS_MAX, mapped ? "%s:%u" : "[%s]:%u", host,
                       (unsigned)ntohs(v6.sin6_port));
        return;
    }
    memcpy(&v4, a, sizeof(v4));
    (void)inet_ntop(AF_INET, &v4.sin_addr, host, sizeof(host));
    (void)snprintf(out, NET_ADDRESS_MAX, "%s:%u", host, (unsigned)ntohs(v4.sin_port));
}

socklen_t net_addr_len(const struct sockaddr_storage *a)
{
    return a->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}
