#include "gossip/payload_buffer.h"

void payload_buffer_init(struct payload_buffer *b, uint64_t next, size_t budget)
{
    *b = (struct payload_buffer){ .next = next, .budget = budget };
    b->slots = weft_alloc(PAYLOAD_WINDOW * sizeof(struct block *));
}

void payload_buffer_done(struct payload_buffer *b)
{
    for (size_t i = 0; b->slots != NULL && i < PAYLOAD_WINDOW; i++)
        block_unref(b->slots[i]);
    free(b->slots);
    *b = (struct payload_buffer){ 0 };
}

static struct block **slot_of(const struct payload_buffer *b, uint64_t number)
{
    return &b->slots[number % PAYLOAD_WINDOW];
}

enum payload_put payload_buffer_put(struct payload_buffer *b, struct block *block)
{
    uint64_t number = block->v.number;
    if (number < b->next)
        return PAYLOAD_OLD;
    if (number - b->next >= PAYLOAD_WINDOW)
        return PAYLOAD_AHEAD;
    struct block **slot = slot_of(b, number);
    if (*slot != NULL)
        return PAYLOAD_OLD;
    if (number != b->next && payload_buffer_is_full(b))
        return PAYLOAD_AHEAD;
    *slot = block_ref(block);
    b->count++;
    b->bytes += block->raw.len;
    return PAYLOAD_TAKEN;
}

struct block *payload_buffer_peek(const struct payload_buffer *b)
{
    return *slot_of(b, b->next);
}

/* Out of its place; now the caller's. */
static struct block *take_next(struct payload_buffer *b)
{
    struct block **slot = slot_of(b, b->next);
    b->count--;
    b->bytes -= (*slot)->raw.len;
    return WEFT_TAKE(*slot);
}

struct block *payload_buffer_pop(struct payload_buffer *b)
{
    if (payload_buffer_peek(b) == NULL)
        return NULL;
    struct block *next = take_next(b);
    b->next++;
    return next;
}

void payload_buffer_discard(struct payload_buffer *b)
{
    block_unref(take_next(b));
}

bool payload_buffer_is_full(const struct payload_buffer *b)
{
    return b->bytes > b->budget;
}
