#include "net/grpc_frame.h"

enum {
    ROOM_AT_FIRST = 1 << 20 /* as much as the stream's window lets come anyway */
};

void grpc_deframer_done(struct grpc_deframer *d)
{
    net_msg_unref(d->msg);
    *d = (struct grpc_deframer){ 0 };
}

static size_t lesser(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t prefix_length(const uint8_t *p)
{
    return (size_t)p[1] << 24 | (size_t)p[2] << 16 | (size_t)p[3] << 8 | p[4];
}

/* False: the prefix is not complete. */
static bool take_prefix(struct grpc_deframer *d, struct bytes *data)
{
    size_t n = lesser(sizeof(d->prefix) - d->prefix_have, data->len);
    if (n > 0)
        memcpy(d->prefix + d->prefix_have, data->data, n);
    d->prefix_have += n;
    *data = bytes_skip(*data, n);
    return d->prefix_have == sizeof(d->prefix);
}

static void take_some(struct grpc_deframer *d, struct bytes *data)
{
    size_t n = lesser(d->msg->len - d->have, data->len);
    if (d->have + n > d->room) {
        size_t room = lesser(d->msg->len, 2 * d->room);
        d->room = room < d->have + n ? d->have + n : room;
        d->msg = net_msg_grow(d->msg, d->room);
    }
    if (n > 0)
        memcpy(net_msg_data(d->msg) + d->have, data->data, n);
    d->have += n;
    *data = bytes_skip(*data, n);
}

enum grpc_deframe grpc_deframer_step(struct grpc_deframer *d, struct bytes *data, size_t most,
                                     struct net_msg **ret_msg)
{
    if (d->msg == NULL) {
        if (!take_prefix(d, data))
            return GRPC_DEFRAME_MORE;
        if (d->prefix[0] != 0)
            return d->prefix[0] == 1 ? GRPC_DEFRAME_COMPRESSED : GRPC_DEFRAME_BAD_FLAG;
        size_t len = prefix_length(d->prefix);
        if (len > most)
            return GRPC_DEFRAME_TOO_LARGE;
        d->have = 0;
        d->room = lesser(len, ROOM_AT_FIRST);
        d->msg = net_msg_begin(len, d->room);
    }
    take_some(d, data);
    if (d->have < d->msg->len)
        return GRPC_DEFRAME_MORE;
    *ret_msg = WEFT_TAKE(d->msg);
    d->prefix_have = 0;
    return GRPC_DEFRAME_MESSAGE;
}

bool grpc_deframer_is_inside(const struct grpc_deframer *d)
{
    return d->prefix_have > 0;
}

size_t grpc_deframer_partial(const struct grpc_deframer *d)
{
    return d->prefix_have == sizeof(d->prefix) ? prefix_length(d->prefix) : 0;
}
