#include "cli/broadcast_client.h"

#include "deliver/deliver_fetch.h"
#include "proto/wire.h"

#include <inttypes.h>

struct broadcast_client {
    struct node_client *node;
};

enum weft_code broadcast_client_open(const struct node_target *target,
                                     struct broadcast_client **ret, struct weft_err *e)
{
    WEFT_CLEANUP(broadcast_client_close) struct broadcast_client *b = weft_alloc(sizeof(*b));
    enum weft_code rc = node_client_open(target, &b->node, e);
    if (rc == WEFT_OK)
        rc = node_client_call(b->node, "/orderer.AtomicBroadcast/Broadcast", e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "orderer client failed to connect to %s", target->address);
    *ret = WEFT_TAKE(b);
    return WEFT_OK;
}

void broadcast_client_close(struct broadcast_client *b)
{
    if (b == NULL)
        return;
    node_client_close(b->node);
    free(b);
}

/* BroadcastResponse { 1 status, 2 info } */
enum weft_code broadcast_response_parse(struct bytes b, uint64_t *ret_status,
                                        struct bytes *ret_info, struct weft_err *e)
{
    struct wire w = wire_of(b);
    struct wire_field f;
    uint64_t status = 0;
    struct bytes info = { 0 };
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_VARINT))
            status = f.varint;
        else if (wire_is(&f, 2, WIRE_LEN))
            info = f.bytes;
    }
    if (w.bad)
        return WEFT_FAIL(e, WEFT_INVALID, "the orderer's answer is no BroadcastResponse");
    *ret_status = status;
    *ret_info = info;
    return WEFT_OK;
}

enum weft_code broadcast_client_send(struct broadcast_client *b, struct bytes envelope,
                                     struct weft_err *e)
{
    WEFT_CLEANUP(net_msg_unref) struct net_msg *m = NULL;
    uint64_t status = 0;
    struct bytes info = { 0 };
    enum weft_code rc = node_client_send(b->node, envelope, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "could not send to orderer node");
    WEFT_TRY(node_client_receive(b->node, &m, e));
    WEFT_TRY(broadcast_response_parse(net_msg_bytes(m), &status, &info, e));
    if (status == 200)
        return WEFT_OK;
    char number[24];
    const char *name = common_status_name(status);
    (void)snprintf(number, sizeof(number), "%" PRIu64, status);
    return WEFT_FAIL(e, WEFT_UNAVAILABLE, "got unexpected status: %s -- %.*s",
                     name != NULL ? name : number, (int)(info.len < 400 ? info.len : 400),
                     (const char *)info.data);
}
