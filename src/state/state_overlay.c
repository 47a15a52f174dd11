#include "state/state_overlay.h"

static enum weft_code overlay_get(void *ctx, const struct state_key *key, struct buf *room,
                                  bool *ret_found, struct state_value *ret, struct weft_err *e)
{
    const struct state_overlay *o = ctx;
    const struct update *u = update_batch_find(o->updates, key);
    if (u == NULL)
        return state_reader_get(&o->below, key, room, ret_found, ret, e);
    *ret_found = !u->is_delete;
    if (*ret_found)
        *ret = u->value;
    return WEFT_OK;
}

static bool overlay_may_have_metadata(void *ctx, struct bytes ns)
{
    const struct state_overlay *o = ctx;
    return update_batch_has_metadata(o->updates, ns) ||
           o->below.may_have_metadata(o->below.ctx, ns);
}

/* ---- scanning ----------------------------------------------------------------------------- */

struct overlay_scan {
    struct state_scan scan;
    struct update_space *space; /* NULL: no updates there */
    size_t next, end;
    struct state_scan *below;
    bool is_used; /* what stands below was given out, or is hidden: the next one is wanted */
    bool has_below;
    struct bytes below_key;
    struct state_value below_value;
};

static enum weft_code move_below(struct overlay_scan *s, struct weft_err *e)
{
    if (!s->is_used)
        return WEFT_OK;
    s->is_used = false;
    return state_scan_next(s->below, &s->has_below, &s->below_key, &s->below_value, e);
}

/* The lesser key of the two, the update's where both have it. */
static enum weft_code overlay_next(struct state_scan *scan, bool *ret_found, struct bytes *ret_key,
                                   struct state_value *ret, struct weft_err *e)
{
    struct overlay_scan *s = WEFT_CONTAINER_OF(scan, struct overlay_scan, scan);
    *ret_found = true;
    for (;;) {
        WEFT_TRY(move_below(s, e));
        const struct update *u = s->next < s->end ? s->space->updates[s->next] : NULL;
        if (u == NULL && !s->has_below)
            break;
        int order = u == NULL ? -1 : s->has_below ? bytes_cmp(s->below_key, u->key) : 1;
        s->is_used = order <= 0 && s->has_below;
        if (order < 0) {
            *ret_key = s->below_key;
            *ret = s->below_value;
            return WEFT_OK;
        }
        s->next++;
        if (u->is_delete)
            continue;
        *ret_key = u->key;
        *ret = u->value;
        return WEFT_OK;
    }
    *ret_found = false;
    return WEFT_OK;
}

static void overlay_scan_free(struct state_scan *scan)
{
    struct overlay_scan *s = WEFT_CONTAINER_OF(scan, struct overlay_scan, scan);
    state_scan_free(s->below);
    free(s);
}

static enum weft_code overlay_scan_new(void *ctx, struct bytes ns, struct bytes start,
                                       struct bytes end, struct state_scan **ret,
                                       struct weft_err *e)
{
    const struct state_overlay *o = ctx;
    struct state_scan *below = NULL;
    WEFT_TRY(state_reader_scan(&o->below, ns, start, end, &below, e));
    struct overlay_scan *s = weft_alloc(sizeof(*s));
    s->scan = (struct state_scan){ overlay_next, overlay_scan_free };
    s->below = below;
    s->is_used = true;
    s->space = update_batch_space(o->updates, STATE_PUBLIC, ns, bytes_of(NULL, 0));
    if (s->space != NULL) {
        s->next = update_space_seek(s->space, start);
        s->end = end.len > 0 ? update_space_seek(s->space, end) : s->space->count;
    }
    *ret = &s->scan;
    return WEFT_OK;
}

struct state_reader state_overlay_reader(struct state_overlay *o)
{
    return (struct state_reader){ o, overlay_get, overlay_scan_new, overlay_may_have_metadata };
}
