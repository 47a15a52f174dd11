#include "net/net.h"

struct net *net_new(struct loop *loop, const struct net_limits *limits, struct mailbox *mailbox,
                    struct jobs *resolver)
{
    struct net *n = weft_alloc(sizeof(*n));
    n->loop = loop;
    n->limits = limits != NULL ? *limits : (struct net_limits)NET_LIMITS_DEFAULT;
    n->mailbox = mailbox;
    n->resolver = resolver;
    return n;
}

void net_free(struct net *n)
{
    if (n == NULL)
        return;
    buf_done(&n->plain);
    buf_done(&n->cipher);
    free(n);
}
