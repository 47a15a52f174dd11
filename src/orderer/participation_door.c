#include "orderer/participation_door.h"

#include <stdatomic.h>

enum {
    LOOK_MS = 50 /* how long a closed door may go unseen */
};

struct participation_door {
    struct mailbox *main;
    struct registrar *registrar;
    _Atomic bool closed;
};

enum question_kind {
    QUESTION_LIST,
    QUESTION_JOIN,
    QUESTION_REMOVE,
    QUESTION_HEALTH,
};

/* Both threads hold one reference. */
struct question {
    struct mail to_main, back;
    struct mailbox *answers; /* the asker's */
    _Atomic unsigned refs;
    struct registrar *registrar;
    enum question_kind kind;
    char *id; /* NULL: all */
    struct buf block;
    enum participation result;
    struct channel_infos infos;
    struct weft_err e;
    bool answered;
};

static void question_unref(struct question *q)
{
    if (atomic_fetch_sub(&q->refs, 1) > 1)
        return;
    channel_infos_done(&q->infos);
    mailbox_free(q->answers);
    buf_done(&q->block);
    free(q->id);
    free(q);
}

static void back_handle(struct mail *m, void *owner)
{
    (void)owner;
    WEFT_CONTAINER_OF(m, struct question, back)->answered = true;
}

static void back_drop(struct mail *m)
{
    (void)m; /* the asker has gone, main still holds the question */
}

/* On main. */
static void to_main_handle(struct mail *m, void *owner)
{
    struct question *q = WEFT_CONTAINER_OF(m, struct question, to_main);
    (void)owner;
    switch (q->kind) {
    case QUESTION_LIST:
        registrar_list(q->registrar, q->id, &q->infos);
        q->result = PARTICIPATION_OK;
        break;
    case QUESTION_JOIN:
        q->result = registrar_join(q->registrar, q->id, buf_bytes(&q->block), &q->e);
        break;
    case QUESTION_REMOVE:
        q->result = registrar_remove(q->registrar, q->id, &q->e);
        break;
    case QUESTION_HEALTH:
        q->result =
            registrar_is_well(q->registrar, &q->e) ? PARTICIPATION_OK : PARTICIPATION_REFUSED;
        break;
    }
    WEFT_IGNORE(mailbox_put(q->answers, &q->back)); /* has room for one */
    question_unref(q);
}

static void to_main_drop(struct mail *m)
{
    question_unref(WEFT_CONTAINER_OF(m, struct question, to_main));
}

/* ---- on the operations thread ---------------------------------------------------------- */

static struct question *question_new(const struct participation_door *d, enum question_kind kind,
                                     const char *id)
{
    struct question *q = weft_alloc(sizeof(*q));
    q->to_main = (struct mail){ .handle = to_main_handle, .drop = to_main_drop };
    q->back = (struct mail){ .handle = back_handle, .drop = back_drop };
    q->answers = mailbox_new("participation", 1);
    atomic_store(&q->refs, 2);
    q->registrar = d->registrar;
    q->kind = kind;
    q->id = id != NULL ? weft_strdup(id) : NULL;
    return q;
}

/* Asks, waits, and takes its reference back; ret may be NULL. */
static enum participation ask(struct participation_door *d, struct question *q,
                              struct channel_infos *ret, struct weft_err *e)
{
    enum participation result = PARTICIPATION_REFUSED;
    if (!mailbox_put(d->main, &q->to_main)) {
        atomic_store(&q->refs, 1); /* main has none */
        WEFT_IGNORE(WEFT_FAIL(e, WEFT_CANCELLED, "the orderer is busy or stops"));
        question_unref(q);
        return result;
    }
    while (!q->answered && !atomic_load(&d->closed)) {
        mailbox_wait(q->answers, LOOK_MS);
        (void)mailbox_drain(q->answers, NULL, 1);
    }
    if (q->answered) {
        result = q->result;
        *e = q->e;
        if (ret != NULL) {
            *ret = q->infos;
            q->infos = (struct channel_infos){ 0 };
        }
    } else {
        WEFT_IGNORE(WEFT_FAIL(e, WEFT_CANCELLED, "the orderer stops"));
    }
    question_unref(q);
    return result;
}

static enum participation list(void *ctx, const char *only, struct channel_infos *ret,
                               struct weft_err *e)
{
    return ask(ctx, question_new(ctx, QUESTION_LIST, only), ret, e);
}

static enum participation join(void *ctx, const char *id, struct bytes block, struct weft_err *e)
{
    struct question *q = question_new(ctx, QUESTION_JOIN, id);
    buf_put(&q->block, block);
    return ask(ctx, q, NULL, e);
}

static enum participation leave(void *ctx, const char *id, struct weft_err *e)
{
    return ask(ctx, question_new(ctx, QUESTION_REMOVE, id), NULL, e);
}

bool participation_door_health(void *ctx, struct buf *reason)
{
    struct weft_err e = { 0 };
    if (ask(ctx, question_new(ctx, QUESTION_HEALTH, NULL), NULL, &e) == PARTICIPATION_OK)
        return true;
    buf_put_str(reason, e.msg);
    return false;
}

/* ---- life --------------------------------------------------------------------------------- */

struct participation_door *participation_door_new(struct mailbox *main, struct registrar *r)
{
    struct participation_door *d = weft_alloc(sizeof(*d));
    d->main = main;
    d->registrar = r;
    return d;
}

void participation_door_free(struct participation_door *d)
{
    free(d);
}

struct participation_deps participation_door_deps(struct participation_door *d)
{
    return (struct participation_deps){ .ctx = d, .list = list, .join = join, .remove = leave };
}

void participation_door_close(struct participation_door *d)
{
    if (d != NULL)
        atomic_store(&d->closed, true);
}
