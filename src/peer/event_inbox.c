#include "peer/event_inbox.h"

#include "crypto/sha256_many.h"
#include "net/net_msg.h"
#include "peer/deliver_client.h"
#include "peer/orderer_stream.h"
#include "proto/block.h"

static size_t bytes_in(const struct orderer_event *ev)
{
    return ev->message != NULL ? ev->message->len : 0;
}

void event_inbox_put(struct event_inbox *in, struct orderer_event *ev)
{
    ev->next = NULL;
    if (in->last != NULL)
        in->last->next = ev;
    else
        in->first = ev;
    in->last = ev;
    in->count++;
    in->bytes += bytes_in(ev);
}

struct orderer_event *event_inbox_pop(struct event_inbox *in)
{
    struct orderer_event *ev = in->first;
    if (ev == NULL)
        return NULL;
    in->first = ev->next;
    if (in->first == NULL)
        in->last = NULL;
    in->count--;
    in->bytes -= bytes_in(ev);
    return ev;
}

bool event_inbox_may_grow(const struct event_inbox *in)
{
    return in->first != NULL && in->first->kind == ORDERER_MESSAGE && in->first->block == NULL &&
           in->last->kind == ORDERER_MESSAGE && in->count < SHA256_LANES &&
           in->bytes <= ORDERER_STREAM_BYTES;
}

static void message_unref(void *message)
{
    net_msg_unref(message);
}

enum weft_code orderer_event_block(const struct orderer_event *ev, struct bytes bytes,
                                   struct block **ret, struct weft_err *e)
{
    struct block *b = ev->block;
    if (b == NULL || b->raw.data != bytes.data || b->raw.len != bytes.len)
        return block_parse_in_place(bytes, net_msg_ref(ev->message), message_unref, ret, e);
    *ret = block_ref(b);
    return WEFT_OK;
}

void event_inbox_read_ahead(struct event_inbox *in)
{
    struct block *blocks[SHA256_LANES];
    size_t count = 0;
    if (in->first == NULL || in->first->block != NULL)
        return;
    for (struct orderer_event *ev = in->first; ev != NULL && count < SHA256_LANES; ev = ev->next) {
        struct bytes bytes;
        if (ev->kind == ORDERER_MESSAGE && ev->block == NULL &&
            deliver_response_block(net_msg_bytes(ev->message), &bytes) &&
            orderer_event_block(ev, bytes, &ev->block, NULL) == WEFT_OK)
            blocks[count++] = ev->block;
    }
    blocks_hash_data(blocks, count);
}
