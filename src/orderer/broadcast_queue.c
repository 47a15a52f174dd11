#include "orderer/broadcast_queue.h"

void broadcast_queue_init(struct broadcast_queue *q, const struct broadcast_queue_deps *deps,
                          void *ctx)
{
    *q = (struct broadcast_queue){ .deps = deps, .ctx = ctx };
    q->last = &q->first;
}

static void free_item(struct broadcast_queue *q, struct broadcast_item *item)
{
    free(WEFT_TAKE(item->info));
    q->deps->free(q->ctx, item);
}

void broadcast_queue_end(struct broadcast_queue *q)
{
    struct broadcast_item *item = q->first;
    broadcast_queue_init(q, q->deps, q->ctx);
    q->is_over = true;
    while (item != NULL) {
        struct broadcast_item *next = item->next;
        if (item->state == BROADCAST_CHECKING || item->state == BROADCAST_ORDERED)
            item->is_orphan = true;
        else
            free_item(q, item);
        item = next;
    }
}

/* Gives to the chain whatever may go there, up to the first that may not yet. */
static void order_passed(struct broadcast_queue *q)
{
    while (q->unordered != NULL && q->unordered->state == BROADCAST_PASSED) {
        struct broadcast_item *item = q->unordered;
        if (!q->deps->order(q->ctx, item)) {
            item->state = BROADCAST_ANSWERED;
            return;
        }
        item->state = BROADCAST_ORDERED;
        q->unordered = item->next;
    }
}

static void answer_first(struct broadcast_queue *q)
{
    while (q->first != NULL && q->first->state == BROADCAST_ANSWERED) {
        struct broadcast_item *item = q->first;
        bool success = item->status == BROADCAST_SUCCESS;
        q->deps->answer(q->ctx, item);
        q->first = item->next;
        if (q->first == NULL)
            q->last = &q->first;
        if (q->unordered == item)
            q->unordered = item->next;
        q->count--;
        q->bytes -= item->bytes;
        free_item(q, item);
        if (!success) {
            broadcast_queue_end(q);
            q->deps->over(q->ctx);
        }
    }
}

static void step(struct broadcast_queue *q)
{
    if (q->is_stepping)
        return;
    q->is_stepping = true;
    order_passed(q);
    answer_first(q);
    q->is_stepping = false;
}

void broadcast_queue_add(struct broadcast_queue *q, struct broadcast_item *item)
{
    item->state = BROADCAST_CHECKING;
    item->next = NULL;
    *q->last = item;
    q->last = &item->next;
    if (q->unordered == NULL)
        q->unordered = item;
    q->count++;
    q->bytes += item->bytes;
}

static void set_answer(struct broadcast_item *item, int status, const char *info)
{
    item->state = BROADCAST_ANSWERED;
    item->status = status;
    item->info = info != NULL ? weft_strdup(info) : NULL;
}

void broadcast_queue_passed(struct broadcast_queue *q, struct broadcast_item *item)
{
    item->state = BROADCAST_PASSED;
    step(q);
}

void broadcast_queue_refused(struct broadcast_queue *q, struct broadcast_item *item, int status,
                             const char *info)
{
    set_answer(item, status, info);
    step(q);
}

void broadcast_queue_done(struct broadcast_queue *q, struct broadcast_item *item, int status,
                          const char *info)
{
    set_answer(item, status, info);
    step(q);
}
