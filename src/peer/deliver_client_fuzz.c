/* Fuzz: what an orderer sends on a Deliver stream, as far as the payload buffer. */
#include "base/log.h"
#include "bundle/bundle.h"
#include "gossip/payload_buffer.h"
#include "peer/block_verifier.h"
#include "peer/deliver_client.h"
#include "peer/orderer_source.h"
#include "test_channel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct world {
    struct bundle *bundle;
    struct block_verifier *verifier;
} world;

static const struct orderer_endpoint *endpoint(void *ctx)
{
    static const struct orderer_endpoint one = { .address = "orderer:7050" };
    (void)ctx;
    return &one;
}

static void dial(void *ctx, const struct orderer_endpoint *to)
{
    (void)ctx, (void)to;
}

static void nothing(void *ctx)
{
    (void)ctx;
}

static void wait_for(void *ctx, int64_t ns)
{
    (void)ctx, (void)ns;
}

static enum weft_code take(void *ctx, struct bytes bytes, struct weft_err *e)
{
    WEFT_CLEANUP(block_unref) struct block *b = NULL;
    if (block_parse(bytes, &b, e) != WEFT_OK)
        return WEFT_CORRUPT;
    WEFT_TRY(block_verify(world.verifier, world.bundle, b->v.number, b, e));
    (void)payload_buffer_put(ctx, b);
    return WEFT_OK;
}

static void begin(void)
{
    struct test_channel *channel = test_channel_new(); /* the bundle has a copy of all it needs */
    struct weft_err e = { 0 };
    WEFT_ASSERT(log_set_spec("fatal", &e) == WEFT_OK); /* it refuses most of what comes */
    WEFT_ASSERT(bundle_new("ch", 0, test_channel_bytes(channel), &world.bundle, &e) == WEFT_OK);
    world.verifier = block_verifier_new("ch", NULL);
    test_channel_free(channel);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct deliver_client_deps deps = { endpoint, dial, nothing,
                                                     wait_for, take, nothing };
    static const struct deliver_client_config config = { "ch", 1000000000, 1000000000, false };
    WEFT_CLEANUP(payload_buffer_done) struct payload_buffer buffer = { 0 };
    struct deliver_client c;
    if (world.bundle == NULL)
        begin();
    payload_buffer_init(&buffer, 1, 1 << 20);
    deliver_client_init(&c, &config, &deps, &buffer);
    deliver_client_start(&c);
    deliver_client_connected(&c, 1);
    deliver_client_message(&c, bytes_of(data, size));
    deliver_client_stop(&c);
    return 0;
}
