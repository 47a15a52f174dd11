#include "deliver/block_feed.h"

#include "deliver/block_message.h"
#include "net/net_msg.h"
#include "os/jobs.h"
#include "os/memory_rest.h"

/* A message that was lately read or sent. */
struct entry {
    const void *key;
    uint64_t number;
    struct net_msg *message; /* NULL: free */
    bool unread;             /* read ahead, and asked for by nobody yet */
};

/* An iterator that nobody uses; it stands before `next`. */
struct idle_iter {
    const void *key;
    uint64_t next;
    struct block_iter *iter; /* NULL: none */
};

/* A batch on its way: from a worker, or from the cache. */
struct read {
    struct job job;
    struct block_feed *feed;
    struct feed_source source;
    uint64_t first, last;
    struct block_iter *iter;
    struct feed_reader *readers; /* none: it is read ahead */
    struct net_msg *messages[FEED_BATCH_BLOCKS];
    size_t count;
    enum weft_code rc;
    bool is_bad_form, is_personal;
    bool is_read;  /* from the store; not from the cache */
    bool is_hasty; /* on the loop, which must not be held up */
    struct feed_person person;
    struct weft_err why;
    struct read *next, **link; /* among the reads that others may join; NULL: not there */
    struct read *next_queued;
};

struct block_feed {
    struct block_feed_config config;
    struct entry entries[FEED_CACHE_BLOCKS]; /* a ring */
    size_t newest;                           /* where the last one was put */
    size_t bytes, unread, budget;
    size_t streams;                    /* and what they were given, since there are some: */
    size_t given;                      /* bytes */
    struct idle_iter idle[FEED_ITERS]; /* the one used last comes first */
    struct read *reads;
    size_t under_way;                /* read, or being read; not given yet */
    unsigned cold;                   /* reads, before the loop tries again */
    struct read *queue, **queue_end; /* the next ones */
    struct block_feed_stats stats;
};

/* Asked anew for each block: a hundred streams that begin at once find room at first. */
bool block_feed_is_tight(void)
{
    return block_message_bytes() > FEED_TIGHT_BYTES;
}

static bool is_full(const struct read *r, size_t bytes)
{
    size_t most = r->is_hasty ? FEED_HERE_BYTES : FEED_BATCH_BYTES;
    if (block_feed_is_tight())
        most = FEED_TIGHT_BATCH_BYTES;
    return r->count == FEED_BATCH_BLOCKS || bytes >= most;
}

/* ---- the cache --------------------------------------------------------------------------- */

static void take_out(struct block_feed *f, struct entry *n)
{
    if (n->message == NULL)
        return;
    f->bytes -= n->message->len;
    f->unread -= n->unread ? n->message->len : 0;
    net_msg_unref(n->message);
    *n = (struct entry){ 0 };
}

/* Its place; FEED_CACHE_BLOCKS: it is not there.  Most often behind the one before. */
static size_t find(const struct block_feed *f, const void *key, uint64_t number, size_t hint)
{
    for (size_t i = 0; i < FEED_CACHE_BLOCKS; i++) {
        size_t at = (hint + i) % FEED_CACHE_BLOCKS;
        const struct entry *n = &f->entries[at];
        if (n->message != NULL && n->number == number && n->key == key)
            return at;
    }
    return FEED_CACHE_BLOCKS;
}

/* The oldest go until there is room. */
static void put(struct block_feed *f, const void *key, uint64_t number, struct net_msg *m,
                bool unread)
{
    if (m->len > f->budget || find(f, key, number, f->newest) != (size_t)FEED_CACHE_BLOCKS)
        return;
    f->newest = (f->newest + 1) % FEED_CACHE_BLOCKS;
    take_out(f, &f->entries[f->newest]);
    for (size_t i = 1; i < FEED_CACHE_BLOCKS && f->bytes + m->len > f->budget; i++)
        take_out(f, &f->entries[(f->newest + i) % FEED_CACHE_BLOCKS]);
    f->entries[f->newest] = (struct entry){ key, number, net_msg_ref(m), unread };
    f->bytes += m->len;
    f->unread += unread ? m->len : 0;
}

/* What was sent already, the oldest first, as long as that may help. */
static void make_room(struct block_feed *f)
{
    for (size_t i = 1; i <= FEED_CACHE_BLOCKS && block_feed_is_tight(); i++)
        take_out(f, &f->entries[(f->newest + i) % FEED_CACHE_BLOCKS]);
}

/* As many of the blocks as are there and go into a batch. */
static void collect(struct block_feed *f, struct read *r)
{
    size_t bytes = 0, at = f->newest;
    while (!is_full(r, bytes) && r->first + r->count <= r->last) {
        at = find(f, r->source.key, r->first + r->count, at);
        if (at == (size_t)FEED_CACHE_BLOCKS)
            return;
        struct entry *n = &f->entries[at];
        f->unread -= n->unread ? n->message->len : 0;
        n->unread = false;
        r->messages[r->count++] = net_msg_ref(n->message);
        bytes += n->message->len;
    }
}

/* ---- iterators ------------------------------------------------------------------------------ */

static struct block_iter *take_iter(struct block_feed *f, const struct feed_source *source,
                                    uint64_t first)
{
    for (size_t i = 0; i < FEED_ITERS; i++) {
        struct idle_iter *n = &f->idle[i];
        if (n->iter != NULL && n->key == source->key && n->next == first)
            return WEFT_TAKE(n->iter);
    }
    return block_iter_new(source->store, first);
}

static void keep_iter(struct block_feed *f, const void *key, uint64_t next, struct block_iter *it)
{
    size_t last = 0;
    while (last + 1 < FEED_ITERS && f->idle[last].iter != NULL)
        last++;
    block_iter_free(f->idle[last].iter);
    for (size_t i = last; i > 0; i--)
        f->idle[i] = f->idle[i - 1];
    f->idle[0] = (struct idle_iter){ key, next, it };
}

/* ---- reads ------------------------------------------------------------------------------------- */

static struct read *read_new(struct block_feed *f, const struct feed_source *source, uint64_t first,
                             uint64_t last)
{
    struct read *r = weft_alloc(sizeof(*r));
    r->feed = f;
    r->source = *source;
    r->first = first;
    r->last = last;
    f->config.retain(source->key);
    return r;
}

static void leave_reads(struct read *r)
{
    if (r->link == NULL)
        return;
    *r->link = r->next;
    if (r->next != NULL)
        r->next->link = r->link;
    r->link = NULL;
}

/* All but its source, which it retains still. */
static void read_done(struct read *r)
{
    for (size_t i = 0; i < r->count; i++)
        net_msg_unref(r->messages[i]);
    block_iter_free(r->iter);
    if (r->is_personal)
        r->feed->config.free_snapshot(r->person.snapshot);
    net_msg_unref(r->person.request);
    free(r);
}

static void read_free(struct read *r)
{
    const struct block_feed_config *config = &r->feed->config;
    void *key = r->source.key;
    leave_reads(r);
    read_done(r);
    config->release(key); /* the store may be closed now */
}

static enum weft_code next_block(struct read *r, struct block **ret)
{
    return r->is_hasty ? block_iter_lend_hastily(r->iter, ret, &r->why)
                       : block_iter_lend(r->iter, ret, &r->why);
}

/* On a worker, or on the loop. */
static void run(struct job *j)
{
    struct read *r = WEFT_CONTAINER_OF(j, struct read, job);
    struct bytes request = { 0 };
    size_t bytes = 0;
    if (r->person.request != NULL)
        request = net_msg_bytes(r->person.request);
    while (r->rc == WEFT_OK && !is_full(r, bytes) && r->first + r->count <= r->last) {
        struct block *b = NULL;
        r->rc = next_block(r, &b);
        if (b == NULL)
            break;
        struct net_msg *m = r->feed->config.encode(r->person.snapshot, request, b, &r->why);
        if (m == NULL) {
            r->rc = r->why.code;
            r->is_bad_form = true;
            break;
        }
        r->messages[r->count++] = m;
        bytes += m->len;
    }
}

static void give(struct read *r)
{
    const struct feed_batch batch = { r->messages, r->count, r->rc, r->is_bad_form, &r->why };
    while (r->readers != NULL) {
        struct feed_reader *one = r->readers;
        r->readers = one->next;
        r->feed->config.give(one, &batch);
    }
}

/* At shutdown, on whatever thread: the feed is not touched any more. */
static void dropped(struct mail *m)
{
    struct read *r = WEFT_CONTAINER_OF(m, struct read, job.mail);
    while (r->readers != NULL) {
        struct feed_reader *one = r->readers;
        r->readers = one->next;
        r->feed->config.drop(one);
    }
    read_done(r);
}

static struct read *find_read(const struct block_feed *f, const void *key, uint64_t first)
{
    struct read *r = f->reads;
    while (r != NULL && (r->source.key != key || r->first != first))
        r = r->next;
    return r;
}

static void done(struct mail *m, void *owner);

static bool reads_here(const struct block_feed *f)
{
    return f->config.is_light && f->streams <= FEED_HERE_STREAMS && f->cold == 0;
}

/* True: the loop itself has read some blocks, and they are as good as a worker's. */
static bool read_here(struct block_feed *f, struct read *r)
{
    if (!reads_here(f) || r->is_personal || !block_iter_is_open(r->iter))
        return false;
    r->is_hasty = true;
    run(&r->job);
    r->is_hasty = false;
    if (r->rc != WEFT_UNAVAILABLE || r->is_bad_form)
        return true;
    r->rc = WEFT_OK;
    if (block_iter_is_open(r->iter)) /* not only at the end of its file */
        f->cold = FEED_COLD_READS;
    return r->count > 0;
}

static bool start(struct block_feed *f, struct read *r)
{
    r->iter = take_iter(f, &r->source, r->first);
    if (read_here(f, r)) {
        if (!mailbox_put(f->config.mb, &r->job.mail))
            return false;
        f->stats.here++;
    } else {
        if (!jobs_submit(f->config.jobs, &r->job))
            return false;
        f->cold -= f->cold > 0;
    }
    r->is_read = true;
    f->under_way++;
    f->stats.reads++;
    return true;
}

/* One that the workers do not take after all has failed. */
static void start_next(struct block_feed *f)
{
    while (f->queue != NULL && f->under_way < FEED_READS) {
        struct read *r = f->queue;
        f->queue = r->next_queued;
        if (f->queue == NULL)
            f->queue_end = &f->queue;
        if (start(f, r))
            continue;
        r->rc = WEFT_FAIL(&r->why, WEFT_UNAVAILABLE, "too many reads are waiting");
        leave_reads(r);
        give(r);
        read_free(r);
    }
}

static bool submit(struct block_feed *f, struct read *r)
{
    r->job = (struct job){ .mail = { .handle = done, .drop = dropped },
                           .run = run,
                           .back = f->config.mb };
    if (!r->is_personal) {
        r->next = f->reads;
        r->link = &f->reads;
        if (f->reads != NULL)
            f->reads->link = &r->next;
        f->reads = r;
    }
    if (f->under_way >= FEED_READS || f->queue != NULL) {
        *f->queue_end = r;
        f->queue_end = &r->next_queued;
        return true;
    }
    if (start(f, r))
        return true;
    read_free(r);
    return false;
}

/* What comes next from the disk, while the stream sends this; unless what was read ahead is
 * not taken: then those who read are too many, or too far apart. */
static void read_ahead(struct block_feed *f, const struct feed_source *source, uint64_t first,
                       uint64_t last)
{
    if (first > last || reads_here(f) || f->unread > f->budget / 2 || block_feed_is_tight() ||
        find(f, source->key, first, f->newest) != (size_t)FEED_CACHE_BLOCKS ||
        find_read(f, source->key, first) != NULL)
        return;
    if (submit(f, read_new(f, source, first, last)))
        f->stats.read_ahead++;
}

static void done(struct mail *m, void *owner)
{
    struct read *r = WEFT_CONTAINER_OF(m, struct read, job.mail);
    struct block_feed *f = r->feed;
    uint64_t next = r->first + r->count;
    (void)owner;
    leave_reads(r);
    f->under_way -= r->is_read;
    for (size_t i = 0; i < r->count; i++)
        f->given += r->messages[i]->len;
    for (size_t i = 0; i < r->count && !r->is_personal && r->iter != NULL; i++)
        put(f, r->source.key, r->first + i, r->messages[i], r->readers == NULL);
    make_room(f);
    if (r->iter != NULL && r->rc == WEFT_OK)
        keep_iter(f, r->source.key, next, WEFT_TAKE(r->iter));
    if (r->readers != NULL && r->rc == WEFT_OK && !r->is_personal)
        read_ahead(f, &r->source, next, r->last);
    give(r);
    read_free(r);
    start_next(f);
}

/* The block that streams waited for is at hand: one that is small takes less to encode than to
 * send to a worker. */
static void cache_tip(struct block_feed *f, const struct feed_source *source, uint64_t number)
{
    struct weft_err e;
    WEFT_CLEANUP(block_unref) struct block *b = block_store_tip(source->store);
    if (b == NULL || b->v.number != number)
        return;
    WEFT_CLEANUP(net_msg_unref)
    struct net_msg *m = f->config.encode(NULL, bytes_of(NULL, 0), b, &e);
    if (m == NULL)
        return; /* a worker will say why */
    put(f, source->key, number, m, false);
    f->stats.from_tip++;
}

/* True: it comes from the cache, by mail as all do. */
static bool read_cache(struct block_feed *f, const struct feed_source *source,
                       struct feed_reader *reader)
{
    struct read *r = read_new(f, source, reader->first, reader->last);
    if (find(f, source->key, reader->first, f->newest) == (size_t)FEED_CACHE_BLOCKS)
        cache_tip(f, source, reader->first);
    collect(f, r);
    r->job.mail = (struct mail){ .handle = done, .drop = dropped };
    r->readers = reader;
    reader->next = NULL;
    if (r->count > 0 && mailbox_put(f->config.mb, &r->job.mail)) {
        f->stats.from_cache++;
        return true;
    }
    read_free(r);
    return false;
}

bool block_feed_read(struct block_feed *f, const struct feed_source *source, struct feed_reader *r,
                     uint64_t first, uint64_t last, const struct feed_person *person)
{
    r->first = first;
    r->last = last;
    r->next = NULL;
    if (person == NULL) {
        if (read_cache(f, source, r))
            return true;
        struct read *same = find_read(f, source->key, first);
        if (same != NULL) {
            r->next = same->readers;
            same->readers = r;
            f->stats.joined++;
            return true;
        }
    }
    struct read *read = read_new(f, source, first, last);
    read->readers = r;
    read->is_personal = person != NULL;
    if (person != NULL)
        read->person = *person;
    return submit(f, read);
}

/* ---- life --------------------------------------------------------------------------------------- */

static void forget(struct block_feed *f, const void *key)
{
    for (size_t i = 0; i < FEED_CACHE_BLOCKS; i++)
        if (key == NULL || f->entries[i].key == key)
            take_out(f, &f->entries[i]);
    for (size_t i = 0; i < FEED_ITERS; i++)
        if (key == NULL || f->idle[i].key == key)
            block_iter_free(WEFT_TAKE(f->idle[i].iter));
}

void block_feed_forget(struct block_feed *f, const void *key)
{
    forget(f, key);
}

void block_feed_streams(struct block_feed *f, size_t n)
{
    f->budget = n >= FEED_CACHE_BYTES / FEED_CACHE_STREAM_BYTES ? FEED_CACHE_BYTES
                                                                : (n + 1) * FEED_CACHE_STREAM_BYTES;
    f->streams = n;
    if (n > 0)
        return;
    forget(f, NULL);
    if (f->given > FEED_CACHE_STREAM_BYTES / 2 && f->config.rest != NULL)
        memory_rest_soon(f->config.rest);
    f->given = 0;
}

struct block_feed *block_feed_new(const struct block_feed_config *config)
{
    struct block_feed *f = weft_alloc(sizeof(*f));
    f->config = *config;
    f->queue_end = &f->queue;
    return f;
}

void block_feed_free(struct block_feed *f)
{
    if (f == NULL)
        return;
    for (struct read *r = f->queue, *next; r != NULL; r = next) {
        next = r->next_queued;
        dropped(&r->job.mail);
    }
    forget(f, NULL);
    free(f);
}

void block_feed_stats(const struct block_feed *f, struct block_feed_stats *ret)
{
    *ret = f->stats;
    ret->cache_bytes = f->bytes;
}
