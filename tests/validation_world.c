#include "validation_world.h"

#include "bundle/bundle.h"
#include "policy/policy_dsl.h"
#include "proto/block.h"
#include "proto/wire.h"
#include "validation/block_validation.h"
#include "validation/tx_validator.h"

static void put_buf(struct buf *out, uint32_t number, struct buf *inner)
{
    wire_put_bytes(out, number, buf_bytes(inner));
    buf_done(inner);
}

/* ---- the channel ----------------------------------------------------------------------------------- */

void vworld_reconfigure(struct vworld *w)
{
    bundle_unref(w->bundle);
    w->bundle = NULL;
    if (bundle_new("ch", 0, test_channel_bytes(w->channel), &w->bundle, NULL) != WEFT_OK)
        WEFT_ASSERT(false);
}

void vworld_init(struct vworld *w, const char *capability)
{
    *w = (struct vworld){ .rand = weft_rand_of(1), .next_block = 1 };
    w->channel = test_channel_new();
    if (capability != NULL)
        test_channel_set_capability(w->channel, "Application", capability);
    else
        test_channel_set(w->channel, "Application", "Capabilities", (struct bytes){ 0 });
    vworld_reconfigure(w);
    const struct made_cert *ca1 = test_channel_org(w->channel, "Org1MSP")->ca;
    const struct made_cert *ca2 = test_channel_org(w->channel, "Org2MSP")->ca;
    w->client = tx_person_new("Org1MSP", ca1, "client1", "client");
    w->admin = tx_person_new("Org1MSP", ca1, "admin1", "admin");
    w->peer1 = tx_person_new("Org1MSP", ca1, "peer1", "peer");
    w->peer2 = tx_person_new("Org2MSP", ca2, "peer2", "peer");
    w->other_ca = cert_make(&(struct cert_order){ .name = "other", .is_ca = true });
    w->stranger = tx_person_new("Org1MSP", w->other_ca, "stranger", "peer");
    w->state = map_state_new();
}

void vworld_done(struct vworld *w)
{
    for (size_t i = 0; i < w->count; i++)
        buf_done(&w->envelopes[i]);
    tx_person_free(w->client);
    tx_person_free(w->admin);
    tx_person_free(w->peer1);
    tx_person_free(w->peer2);
    tx_person_free(w->stranger);
    made_cert_free(w->other_ca);
    map_state_free(w->state);
    bundle_unref(w->bundle);
    test_channel_free(w->channel);
}

/* ---- policies and definitions ------------------------------------------------------------------------ */

struct buf vworld_policy(const char *text)
{
    struct buf b = { 0 };
    if (policy_dsl_signature(text, &b, NULL) != WEFT_OK)
        WEFT_ASSERT(false);
    return b;
}

struct buf vworld_application_policy(const char *text)
{
    struct buf b = { 0 }, policy = vworld_policy(text);
    put_buf(&b, 1, &policy);
    return b;
}

struct buf vworld_reference(const char *path)
{
    struct buf b = { 0 };
    wire_put_bytes(&b, 2, bytes_of_str(path));
    return b;
}

static void put_state(struct vworld *w, const char *ns, const char *format, const char *name,
                      const char *field, struct buf *value)
{
    WEFT_CLEANUP(buf_done) struct buf key = { 0 };
    buf_put_str(&key, format);
    buf_put_str(&key, name);
    buf_put_str(&key, field);
    map_state_put(w->state, ns, buf_bytes(&key), buf_bytes(value));
    buf_done(value);
}

static void put_field(struct vworld *w, const char *name, const char *field, struct buf *value)
{
    struct buf data = { 0 };
    put_buf(&data, 2, value);
    put_state(w, "_lifecycle", "namespaces/fields/", name, field, &data);
}

void vworld_define_with(struct vworld *w, const char *name, struct bytes plugin,
                        struct bytes parameter, struct bytes collections)
{
    struct buf metadata = { 0 }, sequence = { 0 }, validation = { 0 }, endorsement = { 0 },
               package = { 0 };
    wire_put_bytes(&metadata, 1, bytes_of_str("ChaincodeDefinition"));
    put_state(w, "_lifecycle", "namespaces/metadata/", name, "", &metadata);
    wire_put_varint(&sequence, 1, 1);
    put_state(w, "_lifecycle", "namespaces/fields/", name, "/Sequence", &sequence);
    put_field(w, name, "/EndorsementInfo", &endorsement);
    if (plugin.data != NULL)
        wire_put_bytes(&validation, 1, plugin);
    if (parameter.data != NULL)
        wire_put_bytes(&validation, 2, parameter);
    put_field(w, name, "/ValidationInfo", &validation);
    buf_put(&package, collections);
    put_field(w, name, "/Collections", &package);
}

void vworld_define(struct vworld *w, const char *name, const char *policy,
                   const struct buf *collections)
{
    WEFT_CLEANUP(buf_done)
    struct buf parameter =
        *policy == '/' ? vworld_reference(policy) : vworld_application_policy(policy);
    vworld_define_with(w, name, bytes_of_str("vscc"), buf_bytes(&parameter),
                       collections != NULL ? buf_bytes(collections) : (struct bytes){ 0 });
}

void vworld_deploy(struct vworld *w, const char *name, const char *version, const char *policy)
{
    struct buf data = { 0 }, endorsers = vworld_policy(policy), deployers = vworld_policy(policy);
    wire_put_bytes(&data, 1, bytes_of_str(name));
    wire_put_bytes(&data, 2, bytes_of_str(version));
    wire_put_bytes(&data, 3, bytes_of_str("escc"));
    wire_put_bytes(&data, 4, bytes_of_str("vscc"));
    put_buf(&data, 5, &endorsers);
    put_buf(&data, 8, &deployers);
    put_state(w, "lscc", "", name, "", &data);
}

/* CollectionConfig { 1 StaticCollectionConfig { 1 name, 8 endorsement_policy } } */
void vworld_collection(struct buf *package, const char *name, const struct buf *policy)
{
    struct buf b = { 0 }, config = { 0 };
    wire_put_bytes(&b, 1, bytes_of_str(name));
    if (policy != NULL)
        wire_put_bytes(&b, 8, buf_bytes(policy));
    put_buf(&config, 1, &b);
    put_buf(package, 1, &config);
}

struct buf vworld_write(const char *ns, const char *key)
{
    struct rwset_maker m = { 0 };
    struct buf b = { 0 };
    rwset_namespace(&m, ns);
    rwset_write(&m, bytes_of_str(key), bytes_of_str("value"));
    rwset_end(&m, &b);
    return b;
}

/* ---- blocks ---------------------------------------------------------------------------------------------- */

void vworld_add(struct vworld *w, const struct tx_order *order)
{
    struct tx_order o = *order;
    WEFT_ASSERT(w->count < VWORLD_TXS);
    if (o.channel == NULL)
        o.channel = "ch";
    if (o.creator == NULL)
        o.creator = w->client;
    if (o.signers == 0) {
        o.signed_by[o.signers++].who = w->peer1;
        o.signed_by[o.signers++].who = w->peer2;
    }
    tx_make(&o, &w->rand, &w->envelopes[w->count++]);
}

void vworld_add_bytes(struct vworld *w, struct bytes envelope)
{
    WEFT_ASSERT(w->count < VWORLD_TXS);
    buf_put(&w->envelopes[w->count++], envelope);
}

struct block *vworld_block(struct vworld *w)
{
    struct block_view v = { .has_header = true, .has_data = true, .number = w->next_block++ };
    WEFT_CLEANUP(buf_done) struct buf wire = { 0 };
    struct block *b = NULL;
    for (size_t i = 0; i < w->count; i++)
        bytes_list_add(&v.txs, buf_bytes(&w->envelopes[i]));
    block_encode(&v, &wire);
    block_view_done(&v);
    if (block_parse(buf_bytes(&wire), &b, NULL) != WEFT_OK)
        WEFT_ASSERT(false);
    for (size_t i = 0; i < w->count; i++)
        buf_done(&w->envelopes[i]);
    w->count = 0;
    return b;
}

static enum weft_code apply_config(void *ctx, const struct block *b, size_t tx, struct weft_err *e)
{
    struct vworld *w = ctx;
    (void)b, (void)tx;
    w->configs++;
    return w->config_is == WEFT_OK ? WEFT_OK : WEFT_FAIL(e, w->config_is, "no such configuration");
}

static struct msp_manager *msps_of(void *ctx, struct bytes channel_id)
{
    struct vworld *w = ctx;
    return channel_id.len == 0 ? w->own : NULL;
}

enum weft_code vworld_decide(struct vworld *w, uint8_t *codes, struct weft_err *e)
{
    WEFT_CLEANUP(block_unref) struct block *b = vworld_block(w);
    WEFT_CLEANUP(validation_lane_free)
    struct validation_lane *lane = validation_lane_new(NULL, 100);
    WEFT_CLEANUP(block_validation_free)
    struct block_validation *v = block_validation_new(b, w->bundle);
    WEFT_CLEANUP(tx_validator_free)
    struct tx_validator *tv = tx_validator_new(
        &(struct tx_validator_deps){ .ctx = w, .apply_config = apply_config, .msps_of = msps_of });
    block_validation_run_all(v, lane);
    return tx_validator_decide(tv, v, map_state_view(w->state), codes, e);
}

uint8_t vworld_judge(struct vworld *w, const struct tx_order *o)
{
    uint8_t codes[VWORLD_TXS];
    vworld_add(w, o);
    if (vworld_decide(w, codes, NULL) != WEFT_OK)
        WEFT_ASSERT(false);
    return codes[0];
}
