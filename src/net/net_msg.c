#include "net/net_msg.h"

static struct net_msg *alloc_own(struct net_msg *old, size_t own)
{
    /* Not weft_alloc: what is received need not be zeroed first. */
    return weft_realloc(old, sizeof(struct net_msg) + own);
}

static void put_prefix(struct net_msg *m)
{
    WEFT_ASSERT(m->len <= UINT32_MAX);
    m->own[0] = 0;
    for (int i = 0; i < 4; i++)
        m->own[1 + i] = (uint8_t)(m->len >> (24 - 8 * i));
}

struct net_msg *net_msg_begin(size_t len, size_t room)
{
    struct net_msg *m = alloc_own(NULL, NET_MSG_PREFIX + room);
    *m = (struct net_msg){ .refs = 1, .len = len };
    m->parts[0] = bytes_of(m->own, NET_MSG_PREFIX + len);
    put_prefix(m);
    return m;
}

struct net_msg *net_msg_grow(struct net_msg *m, size_t room)
{
    m = alloc_own(m, NET_MSG_PREFIX + room);
    m->parts[0].data = m->own;
    return m;
}

struct net_msg *net_msg_new(size_t len, uint8_t **ret_data)
{
    struct net_msg *m = net_msg_begin(len, len);
    *ret_data = net_msg_data(m);
    return m;
}

struct net_msg *net_msg_copy(struct bytes what)
{
    uint8_t *to;
    struct net_msg *m = net_msg_new(what.len, &to);
    if (what.len > 0)
        memcpy(to, what.data, what.len);
    return m;
}

struct net_msg *net_msg_wrap(struct bytes head, struct bytes body, struct bytes tail,
                             void (*release)(void *owner), void *owner)
{
    struct net_msg *m = net_msg_begin(head.len + body.len + tail.len, head.len + tail.len);
    uint8_t *to = net_msg_data(m);
    if (head.len > 0)
        memcpy(to, head.data, head.len);
    if (tail.len > 0)
        memcpy(to + head.len, tail.data, tail.len);
    m->parts[0].len = NET_MSG_PREFIX + head.len;
    m->parts[1] = body;
    m->parts[2] = bytes_of(to + head.len, tail.len);
    m->release = release;
    m->owner = owner;
    return m;
}

struct net_msg *net_msg_ref(struct net_msg *m)
{
    atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);
    return m;
}

void net_msg_unref(struct net_msg *m)
{
    if (m == NULL || atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (m->release != NULL)
        m->release(m->owner);
    free(m);
}

struct bytes net_msg_bytes(const struct net_msg *m)
{
    WEFT_ASSERT(m->parts[0].len == NET_MSG_PREFIX + m->len);
    return bytes_skip(m->parts[0], NET_MSG_PREFIX);
}

void net_msg_read(const struct net_msg *m, size_t offset, uint8_t *out, size_t n)
{
    for (size_t i = 0; i < WEFT_ARRAY_LEN(m->parts) && n > 0; i++) {
        struct bytes part = m->parts[i];
        if (offset >= part.len) {
            offset -= part.len;
            continue;
        }
        size_t some = part.len - offset < n ? part.len - offset : n;
        memcpy(out, part.data + offset, some);
        out += some;
        n -= some;
        offset = 0;
    }
    WEFT_ASSERT(n == 0);
}
