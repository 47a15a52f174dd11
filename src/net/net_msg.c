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
    *m = (struct net_msg){ .refs = 1, .len = len, .prefix_len = NET_MSG_PREFIX + len };
    put_prefix(m);
    return m;
}

struct net_msg *net_msg_grow(struct net_msg *m, size_t room)
{
    return alloc_own(m, NET_MSG_PREFIX + room);
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

struct net_msg *net_msg_gather(const struct bytes *pieces, size_t count,
                               void (*release)(void *owner), void *owner)
{
    size_t len = 0;
    for (size_t i = 0; i < count; i++)
        len += pieces[i].len;
    struct net_msg *m = net_msg_begin(len, 0);
    m->prefix_len = NET_MSG_PREFIX;
    m->parts = weft_alloc((count + 1) * sizeof(*m->parts));
    m->part_count = count;
    if (count > 0)
        memcpy(m->parts, pieces, count * sizeof(*pieces));
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
    free(m->parts);
    free(m);
}

struct bytes net_msg_bytes(const struct net_msg *m)
{
    WEFT_ASSERT(m->part_count == 0);
    return bytes_of(m->own + NET_MSG_PREFIX, m->len);
}

void net_msg_read(const struct net_msg *m, struct net_msg_reader *r, uint8_t *out, size_t n)
{
    while (n > 0) {
        WEFT_ASSERT(r->part <= m->part_count);
        struct bytes part = r->part == 0 ? bytes_of(m->own, m->prefix_len) : m->parts[r->part - 1];
        size_t left = part.len - r->offset, some = left < n ? left : n;
        memcpy(out, part.data + r->offset, some);
        out += some;
        n -= some;
        r->offset += some;
        if (some == left)
            *r = (struct net_msg_reader){ .part = r->part + 1 };
    }
}
