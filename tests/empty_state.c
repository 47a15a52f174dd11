#include "empty_state.h"

static enum weft_code nothing_there(void *ctx, const struct state_key *key, struct buf *room,
                                    bool *ret_found, struct state_value *ret, struct weft_err *e)
{
    (void)ctx, (void)key, (void)room, (void)ret, (void)e;
    *ret_found = false;
    return WEFT_OK;
}

static enum weft_code no_more(struct state_scan *s, bool *ret_found, struct bytes *ret_key,
                              struct state_value *ret, struct weft_err *e)
{
    (void)s, (void)ret_key, (void)ret, (void)e;
    *ret_found = false;
    return WEFT_OK;
}

static void free_scan(struct state_scan *s)
{
    free(s);
}

static enum weft_code scan_nothing(void *ctx, struct bytes ns, struct bytes start, struct bytes end,
                                   struct state_scan **ret, struct weft_err *e)
{
    (void)ctx, (void)ns, (void)start, (void)end, (void)e;
    *ret = weft_alloc(sizeof(**ret));
    **ret = (struct state_scan){ no_more, free_scan };
    return WEFT_OK;
}

static bool no_metadata(void *ctx, struct bytes ns)
{
    (void)ctx, (void)ns;
    return false;
}

const struct state_reader empty_state = { NULL, nothing_there, scan_nothing, no_metadata };
