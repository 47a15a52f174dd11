#include "orderer/orderer_channel.h"

#include "base/limits.h"
#include "bundle/bundle.h"
#include "msp/identity_cache.h"

struct orderer_channels {
    struct orderer_channel **at;
    size_t count;
    struct channel_watch *watches;
};

/* One change on its way to one loop, and back. */
struct channel_news {
    struct mail mail;
    struct channel_event event;
    struct orderer_channels *table;
    struct mailbox *back;
};

/* ---- entries ------------------------------------------------------------------------------ */

static void answer_news(struct channel_news *n);

static void set_bundle(struct orderer_channel *c, struct bundle *b)
{
    identity_cache_free(c->identities);
    bundle_unref(c->bundle);
    c->bundle = bundle_ref(b);
    c->identities = identity_cache_new(bundle_msps(b), IDENTITY_CACHE_DEFAULT);
}

static void set_refuses(struct orderer_channel *c, const char *why)
{
    free((char *)c->refuses);
    c->refuses = why == NULL ? NULL : weft_strdup(why);
}

struct orderer_channel *orderer_channel_ref(struct orderer_channel *c)
{
    c->refs++;
    return c;
}

void orderer_channel_unref(struct orderer_channel *c)
{
    if (c == NULL || --c->refs > 0)
        return;
    struct channel_news *removal = c->removal;
    set_refuses(c, NULL);
    identity_cache_free(c->identities);
    bundle_unref(c->bundle);
    free((char *)c->id);
    free(c);
    if (removal != NULL)
        answer_news(removal);
}

/* ---- the table ----------------------------------------------------------------------------- */

struct orderer_channels *orderer_channels_new(void)
{
    return weft_alloc(sizeof(struct orderer_channels));
}

void orderer_channels_free(struct orderer_channels *t)
{
    if (t == NULL)
        return;
    for (size_t i = 0; i < t->count; i++)
        orderer_channel_unref(t->at[i]);
    free(t->at);
    free(t);
}

static size_t place_of(const struct orderer_channels *t, struct bytes id)
{
    size_t i = 0;
    while (i < t->count && !bytes_eq(id, bytes_of_str(t->at[i]->id)))
        i++;
    return i;
}

struct orderer_channel *orderer_channels_find(const struct orderer_channels *t, struct bytes id)
{
    size_t i = place_of(t, id);
    return i < t->count ? t->at[i] : NULL;
}

struct orderer_channel *orderer_channels_system(const struct orderer_channels *t)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->at[i]->is_system)
            return t->at[i];
    return NULL;
}

size_t orderer_channels_count(const struct orderer_channels *t)
{
    return t->count;
}

struct orderer_channel *orderer_channels_at(const struct orderer_channels *t, size_t i)
{
    return t->at[i];
}

void orderer_channels_watch(struct orderer_channels *t, struct channel_watch *w)
{
    w->next = t->watches;
    t->watches = w;
}

static void tell(struct orderer_channels *t, struct orderer_channel *c, enum channel_change what)
{
    for (struct channel_watch *w = t->watches; w != NULL; w = w->next)
        w->changed(w, c, what);
}

struct orderer_channel *orderer_channels_add(struct orderer_channels *t,
                                             const struct channel_start *start)
{
    struct orderer_channel *c = weft_alloc(sizeof(*c));
    WEFT_ASSERT(t->count < LIMIT_CHANNELS);
    c->id = weft_strdup(start->id);
    c->store = start->store;
    c->chain = start->chain;
    c->is_system = start->is_system;
    c->is_errored = start->is_errored;
    c->refs = 1;
    set_bundle(c, start->bundle);
    set_refuses(c, start->refuses);
    t->at = weft_realloc(t->at, (t->count + 1) * sizeof(struct orderer_channel *));
    t->at[t->count++] = c;
    return c;
}

static void take_out(struct orderer_channels *t, struct channel_news *n)
{
    size_t i = place_of(t, bytes_of_str(n->event.start.id));
    if (i == t->count) {
        answer_news(n);
        return;
    }
    struct orderer_channel *c = t->at[i];
    t->at[i] = t->at[--t->count];
    c->is_removed = true;
    c->removal = n; /* answered with its last reference */
    tell(t, c, CHANNEL_REMOVED);
    orderer_channel_unref(c);
}

/* ---- news ------------------------------------------------------------------------------------ */

static void news_back(struct mail *m, void *owner)
{
    (void)owner;
    free(WEFT_CONTAINER_OF(m, struct channel_news, mail));
}

static void news_back_dropped(struct mail *m)
{
    news_back(m, NULL);
}

/* `back` has room for all that its owner has out. */
static void answer_news(struct channel_news *n)
{
    n->mail = (struct mail){ .handle = news_back, .drop = news_back_dropped };
    WEFT_ASSERT(mailbox_put(n->back, &n->mail));
}

static void take_news(struct mail *m, void *owner)
{
    struct channel_news *n = WEFT_CONTAINER_OF(m, struct channel_news, mail);
    const struct channel_start *start = &n->event.start;
    struct orderer_channel *c = NULL;
    (void)owner;
    if (n->event.what == CHANNEL_REMOVED) {
        take_out(n->table, n);
        return;
    }
    if (n->event.what == CHANNEL_ADDED)
        c = orderer_channels_add(n->table, start);
    else
        c = orderer_channels_find(n->table, bytes_of_str(start->id));
    if (c != NULL && n->event.what == CHANNEL_CONFIGURED)
        set_bundle(c, start->bundle);
    if (c != NULL && n->event.what == CHANNEL_CONSENTER) {
        c->is_errored = start->is_errored;
        set_refuses(c, start->refuses);
    }
    if (c != NULL)
        tell(n->table, c, n->event.what);
    answer_news(n);
}

/* The loop has ended: what it would have done does not matter any more. */
static void news_dropped(struct mail *m)
{
    answer_news(WEFT_CONTAINER_OF(m, struct channel_news, mail));
}

void channel_news_send(const struct channel_listeners *to, const struct channel_event *event)
{
    WEFT_CLEANUP(mailbox_free) struct mailbox *back = mailbox_new("news", to->count + 1);
    size_t out = 0;
    for (size_t i = 0; i < to->count; i++) {
        struct channel_news *n = weft_alloc(sizeof(*n));
        n->mail = (struct mail){ .handle = take_news, .drop = news_dropped };
        n->event = *event;
        n->table = to->at[i].table;
        n->back = back;
        if (mailbox_put_waiting(to->at[i].mb, &n->mail))
            out++;
        else
            free(n); /* the loop has been stopped */
    }
    while (out > 0) {
        mailbox_wait(back, -1);
        out -= mailbox_drain(back, NULL, to->count);
    }
}
