#include "net/net.h"

struct net *net_new(struct loop *loop, const struct net_limits *limits, struct mailbox *mailbox,
                    struct jobs *resolver)
{
    struct net *n = weft_alloc(sizeof(*n));
    n->loop = loop;
    n->limits = limits != NULL ? *limits : (struct net_limits)NET_LIMITS_DEFAULT;
    net_strangers_init(&n->strangers, loop, n->limits.stranger_percent);
    memory_rest_init(&n->rest, loop);
    memory_storm_init(&n->handshakes, &n->rest, NET_STORM);
    memory_storm_init(&n->conns, &n->rest, NET_STORM);
    n->mailbox = mailbox;
    n->resolver = resolver;
    return n;
}

void net_free(struct net *n)
{
    if (n == NULL)
        return;
    net_strangers_done(&n->strangers);
    memory_rest_done(&n->rest);
    buf_done(&n->plain);
    buf_done(&n->cipher);
    free(n);
}
