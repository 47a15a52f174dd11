#include "peer/ledger_rebuild.h"

#include "base/log.h"
#include "ledger/pre_reset_height.h"

#include <inttypes.h>
#include <stdatomic.h>

LOG_DEFINE(logger, "nodeCmd");

struct rebuilt {
    char *channel, *dir;
    uint64_t height; /* before the reset */
};

struct ledger_rebuild {
    struct rebuilt *at;
    size_t count;
    _Atomic bool is_on;
};

struct ledger_rebuild *ledger_rebuild_new(void)
{
    return weft_alloc(sizeof(struct ledger_rebuild));
}

static void rebuilt_done(struct rebuilt *c)
{
    free(c->channel);
    free(c->dir);
}

void ledger_rebuild_free(struct ledger_rebuild *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; i < r->count; i++)
        rebuilt_done(&r->at[i]);
    free(r->at);
    free(r);
}

bool ledger_rebuild_is_on(const struct ledger_rebuild *r)
{
    return atomic_load(&r->is_on);
}

enum weft_code ledger_rebuild_load(struct ledger_rebuild *r, const char *chains,
                                   const char *channel, struct weft_err *e)
{
    WEFT_FREE char *dir = weft_asprintf("%s/%s", chains, channel);
    uint64_t height = 0;
    bool found = false;
    WEFT_TRY(pre_reset_height_load(dir, &found, &height, e));
    if (!found)
        return WEFT_OK;
    LOG_INFO(&logger, "Ledger rebuild: channel [%s]: preresetHeight: [%" PRIu64 "]", channel,
             height);
    r->at = weft_realloc(r->at, (r->count + 1) * sizeof(*r->at));
    r->at[r->count++] = (struct rebuilt){ weft_strdup(channel), WEFT_TAKE(dir), height };
    atomic_store(&r->is_on, true);
    return WEFT_OK;
}

/* It is as high as it was: the mark goes. */
static void end_one(struct ledger_rebuild *r, size_t i)
{
    struct weft_err e = { 0 };
    if (pre_reset_height_clear(r->at[i].dir, &e) != WEFT_OK)
        LOG_WARN(&logger, "Ledger rebuild: could not clear prerest file for channel [%s]: %s",
                 r->at[i].channel, e.msg);
    rebuilt_done(&r->at[i]);
    r->at[i] = r->at[--r->count];
}

void ledger_rebuild_check(struct ledger_rebuild *r,
                          bool (*height)(void *ctx, const char *channel, uint64_t *ret), void *ctx)
{
    if (!ledger_rebuild_is_on(r))
        return;
    LOG_INFO(&logger,
             "Ledger rebuild: Checking if current ledger heights surpass prereset ledger heights");
    for (size_t i = r->count; i > 0; i--) {
        struct rebuilt *c = &r->at[i - 1];
        uint64_t now = 0;
        if (!height(ctx, c->channel, &now))
            LOG_WARN(&logger, "No ledger found for channel [%s]", c->channel);
        else if (now >= c->height)
            end_one(r, i - 1);
    }
    if (r->count > 0)
        return;
    LOG_INFO(&logger, "Ledger rebuild: Complete, all ledgers surpass prereset heights. Endorsement "
                      "request processing will be enabled.");
    atomic_store(&r->is_on, false);
}
