#include "kvledger/tx_ids.h"

#include "base/arena.h"
#include "base/byte_map.h"
#include "base/id_filter.h"
#include "ledger/block_store.h"

struct tx_ids {
    struct block_store *blocks;
    struct id_filter filter;
    bool is_whole;
    struct buf read_from; /* the first key of the index that the filter has not got */
    struct ids {
        struct byte_map map;
        struct arena room;
    } waiting, leaving; /* added; on their way into the index */
};

static void take_id(void *ctx, struct bytes id)
{
    struct tx_ids *t = ctx;
    id_filter_add(&t->filter, id);
}

/* What is added to the index meanwhile was added to the filter, too: the end is the end. */
static enum weft_code read_some(struct tx_ids *t, size_t most, struct weft_err *e)
{
    if (t->is_whole)
        return WEFT_OK;
    WEFT_TRY(block_store_tx_ids(t->blocks, &t->read_from, most, take_id, t, &t->is_whole, e));
    if (t->is_whole)
        buf_done(&t->read_from);
    return WEFT_OK;
}

enum weft_code tx_ids_new(struct block_store *blocks, struct tx_ids **ret, struct weft_err *e)
{
    WEFT_CLEANUP(tx_ids_free) struct tx_ids *t = weft_alloc(sizeof(*t));
    t->blocks = blocks;
    WEFT_TRY(read_some(t, TX_IDS_AT_OPEN, e));
    *ret = WEFT_TAKE(t);
    return WEFT_OK;
}

static void ids_done(struct ids *i)
{
    byte_map_done(&i->map);
    arena_done(&i->room);
}

void tx_ids_free(struct tx_ids *t)
{
    if (t == NULL)
        return;
    id_filter_done(&t->filter);
    buf_done(&t->read_from);
    ids_done(&t->waiting);
    ids_done(&t->leaving);
    free(t);
}

enum weft_code tx_ids_has(struct tx_ids *t, struct bytes id, bool *ret, struct weft_err *e)
{
    *ret = false;
    if (t->is_whole && !id_filter_may_have(&t->filter, id))
        return WEFT_OK;
    *ret = byte_map_find(&t->waiting.map, id) != NULL || byte_map_find(&t->leaving.map, id) != NULL;
    return *ret ? WEFT_OK : block_store_has_tx_id(t->blocks, id, ret, e);
}

void tx_ids_add(struct tx_ids *t, struct bytes id)
{
    id_filter_add(&t->filter, id);
    uint8_t *copy = arena_alloc(&t->waiting.room, id.len + 1);
    if (id.len > 0)
        memcpy(copy, id.data, id.len);
    *byte_map_at(&t->waiting.map, bytes_of(copy, id.len)) = t;
}

void tx_ids_indexing(struct tx_ids *t)
{
    struct ids empty = t->leaving;
    WEFT_ASSERT(empty.map.count == 0);
    t->leaving = t->waiting;
    t->waiting = empty;
}

enum weft_code tx_ids_indexed(struct tx_ids *t, struct weft_err *e)
{
    size_t added = t->leaving.map.count;
    byte_map_clear(&t->leaving.map);
    arena_reset(&t->leaving.room);
    return read_some(t, TX_IDS_A_TX * added, e);
}

bool tx_ids_is_whole(const struct tx_ids *t)
{
    return t->is_whole;
}
