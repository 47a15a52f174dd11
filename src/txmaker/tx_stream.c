#include "txmaker/tx_stream.h"

#include "os/jobs.h"

enum {
    CHUNK = 32, /* transactions a job */
    AHEAD = 4,  /* jobs for each worker */
};

struct chunk {
    struct job job;
    const struct tx_script *script;
    uint64_t first;
    size_t count;
    struct buf envelopes[CHUNK];
    char ids[CHUNK][TX_ID_LEN + 1];
    enum weft_code rc;
    struct weft_err why;
    bool done;
};

struct tx_stream {
    const struct tx_script *script;
    uint64_t count, submitted, next; /* transactions */
    struct mailbox *mb;
    struct jobs *workers;
    struct chunk *ring;
    size_t ring_count;
};

static void run_chunk(struct job *j)
{
    struct chunk *c = WEFT_CONTAINER_OF(j, struct chunk, job);
    c->rc = WEFT_OK;
    for (size_t i = 0; i < c->count && c->rc == WEFT_OK; i++) {
        buf_clear(&c->envelopes[i]);
        c->rc = tx_script_make(c->script, c->first + i, &c->envelopes[i], c->ids[i], &c->why);
    }
}

static void chunk_done(struct mail *m, void *owner)
{
    struct chunk *c = WEFT_CONTAINER_OF(m, struct chunk, job.mail);
    (void)owner;
    c->done = true;
}

static void chunk_drop(struct mail *m)
{
    (void)m; /* the stream's */
}

/* As much as the ring takes. */
static void submit(struct tx_stream *t)
{
    while (t->submitted < t->count && t->submitted - t->next < (t->ring_count - 1) * CHUNK) {
        struct chunk *c = &t->ring[t->submitted / CHUNK % t->ring_count];
        uint64_t left = t->count - t->submitted;
        c->job = (struct job){ .run = run_chunk,
                               .back = t->mb,
                               .mail = { .handle = chunk_done, .drop = chunk_drop } };
        c->script = t->script;
        c->first = t->submitted;
        c->count = left < CHUNK ? (size_t)left : CHUNK;
        c->done = false;
        WEFT_ASSERT(jobs_submit(t->workers, &c->job));
        t->submitted += c->count;
    }
}

struct tx_stream *tx_stream_new(const struct tx_script *s, uint64_t count, unsigned threads)
{
    struct tx_stream *t = weft_alloc(sizeof(*t));
    t->workers = jobs_new("sign", threads, SIZE_MAX);
    t->ring_count = (size_t)jobs_threads(t->workers) * AHEAD + 1;
    t->ring = weft_alloc(t->ring_count * sizeof(*t->ring));
    t->mb = mailbox_new("signed", t->ring_count);
    t->script = s;
    t->count = count;
    return t;
}

void tx_stream_free(struct tx_stream *t)
{
    if (t == NULL)
        return;
    jobs_free(t->workers);
    mailbox_free(t->mb);
    for (size_t i = 0; i < t->ring_count; i++)
        for (size_t k = 0; k < CHUNK; k++)
            buf_done(&t->ring[i].envelopes[k]);
    free(t->ring);
    free(t);
}

enum weft_code tx_stream_next(struct tx_stream *t, struct stream_tx *ret, struct weft_err *e)
{
    if (t->next == t->count) {
        *ret = (struct stream_tx){ .number = t->count };
        return WEFT_OK;
    }
    submit(t);
    const struct chunk *c = &t->ring[t->next / CHUNK % t->ring_count];
    while (!c->done) {
        mailbox_wait(t->mb, -1);
        (void)mailbox_drain(t->mb, t, t->ring_count);
    }
    if (c->rc != WEFT_OK)
        return WEFT_FAIL(e, c->rc, "%s", c->why.msg);
    size_t at = (size_t)(t->next % CHUNK);
    *ret = (struct stream_tx){ .number = t->next,
                               .envelope = buf_bytes(&c->envelopes[at]),
                               .id = c->ids[at] };
    t->next++;
    return WEFT_OK;
}
