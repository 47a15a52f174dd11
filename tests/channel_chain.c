#include "channel_chain.h"

#include "chain_signer.h"
#include "channel/config_update.h"
#include "proto/envelope.h"
#include "proto/wire.h"

static void sign(const void *key, struct bytes message, struct buf *out)
{
    made_cert_sign(key, message, false, out);
}

void channel_chain_sign_as(struct channel_chain *c, const char *mspid)
{
    chain_signer_free(c->chain.signer);
    c->chain.signer = chain_signer_of(test_identity(c->now, mspid, false), sign,
                                      test_channel_org(c->now, mspid)->member);
}

static enum weft_code always(void *ctx, const char *path, struct weft_err *e)
{
    (void)ctx, (void)path, (void)e;
    return WEFT_OK;
}

/* What the update makes of the present configuration, allowed or not. */
static void apply(struct channel_chain *c, const struct test_channel *next)
{
    const struct config_update_policies policies = { NULL, always };
    const struct config_item *made = NULL;
    struct config_update_view u = { 0 };
    WEFT_ASSERT(config_update_compute(c->now->root, next->root, &c->now->arena, &u, NULL) ==
                WEFT_OK);
    u.channel_id = bytes_of_str(c->chain.channel);
    WEFT_ASSERT(config_update_apply(c->now->root, c->chain.channel, &u, &policies, &c->now->arena,
                                    &made, NULL) == WEFT_OK);
    c->now->root = (struct config_item *)made; /* borrows from next: written, and read again */
    WEFT_ASSERT(config_group_parse(test_channel_bytes(c->now), &c->now->arena, &made, NULL) ==
                WEFT_OK);
    c->now->root = (struct config_item *)made; /* its arena is ours */
}

static void change_batch_size(struct channel_chain *c, struct test_channel *next)
{
    WEFT_CLEANUP(buf_done) struct buf size = { 0 };
    wire_put_varint(&size, 1, ++c->batch);
    wire_put_varint(&size, 2, 1 << 20);
    wire_put_varint(&size, 3, 64 << 10);
    test_channel_set(next, "Orderer", "BatchSize", buf_bytes(&size));
}

/* The update goes to out. */
static void change(struct channel_chain *c, struct buf *out)
{
    WEFT_CLEANUP(test_channel_free) struct test_channel *next = test_channel_copy(c->now);
    if (c->change != NULL)
        c->change(c->ctx, next);
    else
        change_batch_size(c, next);
    test_update(c->now, next, c->chain.channel, c->signers, out);
    apply(c, next);
}

/* ConfigEnvelope { 1 config { 1 sequence, 2 channel_group }, 2 last_update } */
static void put_config(struct chain *chain, struct buf *out)
{
    struct channel_chain *c = (struct channel_chain *)chain;
    WEFT_CLEANUP(buf_done) struct buf update = { 0 };
    WEFT_CLEANUP(buf_done) struct buf config = { 0 };
    WEFT_CLEANUP(buf_done) struct buf envelope = { 0 };
    if (chain->count > 0) {
        change(c, &update);
        wire_put_varint(&config, 1, ++c->sequence);
    }
    wire_put_bytes(&config, 2, test_channel_bytes(c->now));
    wire_put_bytes(&envelope, 1, buf_bytes(&config));
    if (update.len > 0)
        wire_put_bytes(&envelope, 2, buf_bytes(&update));
    test_envelope(c->now, "OrdererMSP", false, HEADER_CONFIG, chain->channel, buf_bytes(&envelope),
                  out);
}

struct channel_chain *channel_chain_new(const char *channel, uint64_t seed, enum chain_form form)
{
    struct channel_chain *c = weft_alloc(sizeof(*c));
    chain_init(&c->chain, channel, seed);
    c->chain.form = form;
    c->chain.put_config = put_config;
    c->now = test_channel_new();
    c->signers = "OrdererMSP";
    c->batch = 10;
    channel_chain_sign_as(c, "OrdererMSP");
    return c;
}

void channel_chain_free(struct channel_chain *c)
{
    if (c == NULL)
        return;
    chain_done(&c->chain);
    test_channel_free(c->now);
    free(c);
}
