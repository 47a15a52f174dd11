/* A channel that a message on the system channel asks for.
 *
 *     chain:system                         main
 *     creation --- mail ----------------> ledger, block 0, chain, thread; all loops told
 *       waits  <-- mail back -----------
 */
#include "base/log.h"
#include "bundle/bundle.h"
#include "orderer/registrar_private.h"
#include "proto/block.h"

LOG_DEFINE(logger, "orderer.commmon.multichannel");

struct creation {
    struct mail mail;
    struct mailbox *back;
    struct bytes config_envelope; /* the waiting thread's */
    enum weft_code rc;
    struct weft_err *e; /* the waiting thread's */
};

/* ---- on main --------------------------------------------------------------------------------- */

enum weft_code registrar_announce(struct registrar *r, struct chain_thread *t, struct weft_err *e)
{
    struct channel_event event = { .what = CHANNEL_ADDED };
    registrar_start_of(t, &event.start); /* before its thread owns the chain */
    WEFT_CLEANUP(bundle_unref) struct bundle *kept = bundle_ref(event.start.bundle);
    WEFT_TRY(chain_thread_start(t, e));
    channel_news_send(&r->world.listeners, &event);
    return WEFT_OK;
}

/* number 0, no previous hash, the envelope, five empty slots */
static void first_block(struct bytes config_envelope, struct block_view *v, struct digest *hash)
{
    v->has_header = v->has_data = v->has_metadata = true;
    bytes_list_add(&v->txs, config_envelope);
    for (size_t i = 0; i < BLOCK_SLOT_NR; i++)
        bytes_list_add(&v->slots, bytes_of(NULL, 0));
    *hash = block_data_hash(v);
    v->data_hash = digest_bytes(hash);
}

static enum weft_code make_channel(struct registrar *r, struct bytes config_envelope,
                                   struct weft_err *e)
{
    WEFT_CLEANUP(bundle_unref) struct bundle *b = NULL;
    WEFT_CLEANUP(block_view_done) struct block_view v = { 0 };
    struct chain_thread *t = NULL;
    struct digest hash;
    enum weft_code rc = bundle_of_envelope(config_envelope, &b, e);
    if (rc == WEFT_OK)
        rc = registrar_check_bundle(b, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "Error creating ledger resources");
    const char *id = bundle_channel_id(b);
    if (registrar_find(r, id) != NULL) {
        LOG_INFO(&logger, "Channel %s already created, skipping its creation", id);
        return WEFT_OK;
    }
    first_block(config_envelope, &v, &hash);
    WEFT_TRY(registrar_add_new(r, b, &v, &t, e));
    WEFT_TRY(registrar_announce(r, t, e));
    LOG_INFO(&logger, "Created and starting new channel %s", id);
    return WEFT_OK;
}

static void keep_answer(struct mail *m, void *owner)
{
    *(bool *)owner = true;
    (void)m; /* it lies on the waiting thread's stack */
}

static void drop_answer(struct mail *m)
{
    (void)m;
}

static void take_creation(struct mail *m, void *owner)
{
    struct creation *c = WEFT_CONTAINER_OF(m, struct creation, mail);
    struct registrar *r = owner;
    c->rc = r->is_stopping ? WEFT_FAIL(c->e, WEFT_UNAVAILABLE, "chain is stopped")
                           : make_channel(r, c->config_envelope, c->e);
    c->mail = (struct mail){ .handle = keep_answer, .drop = drop_answer };
    WEFT_ASSERT(mailbox_put(c->back, &c->mail));
}

/* ---- on the system channel's thread ------------------------------------------------------------- */

enum weft_code registrar_create_channel(void *ctx, struct bytes config_envelope, struct weft_err *e)
{
    const struct registrar *r = ctx;
    WEFT_CLEANUP(mailbox_free) struct mailbox *back = mailbox_new("creation", 1);
    struct creation c = { .mail = { .handle = take_creation, .drop = drop_answer },
                          .back = back,
                          .config_envelope = config_envelope,
                          .e = e };
    if (!mailbox_put_waiting(r->config.mb, &c.mail))
        return WEFT_FAIL(e, WEFT_UNAVAILABLE, "chain is stopped");
    bool answered = false;
    while (!answered) {
        mailbox_wait(back, -1);
        WEFT_IGNORE(mailbox_drain(back, &answered, 1) == 0);
    }
    return c.rc;
}
