/* A configuration, an identity and a principal: no input breaks anything, and
 * what was found valid stays so.
 *
 *     2 bytes n, n bytes MSPConfig, 2 bytes m, m bytes SerializedIdentity, principal */
#include "msp/identity_cache.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct bytes take(struct bytes *in)
{
    if (in->len < 2)
        return bytes_of(NULL, 0);
    size_t len = (size_t)in->data[0] << 8 | in->data[1];
    *in = bytes_skip(*in, 2);
    struct bytes part = bytes_of(in->data, len < in->len ? len : in->len);
    *in = bytes_skip(*in, part.len);
    return part;
}

static void look_at(struct identity_cache *cache, struct bytes serialized, struct bytes principal)
{
    WEFT_CLEANUP(msp_identity_unref) struct msp_identity *id = NULL;
    WEFT_CLEANUP(msp_identity_unref) struct msp_identity *again = NULL;
    (void)!msp_identity_check_form(serialized, NULL);
    if (identity_cache_get(cache, serialized, &id, NULL) != WEFT_OK)
        return;
    bool valid = msp_identity_validate(id, NULL) == WEFT_OK;
    WEFT_ASSERT(valid == (msp_identity_validate(id, NULL) == WEFT_OK));
    WEFT_ASSERT(!valid || msp_identity_certifiers(id).len > 0);
    enum weft_code rc = msp_identity_satisfies(id, principal, NULL);
    WEFT_ASSERT(identity_cache_get(cache, serialized, &again, NULL) == WEFT_OK);
    WEFT_ASSERT(bytes_eq(msp_identity_id(id), msp_identity_id(again)));
    WEFT_ASSERT(msp_identity_satisfies(again, principal, NULL) == rc);
    (void)!msp_identity_verify(id, NULL, serialized, principal, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
    WEFT_CLEANUP(msp_unref) struct msp *msp = NULL;
    struct bytes in = bytes_of(data, size);
    struct bytes config_bytes = take(&in), serialized = take(&in);
    struct msp_config config;
    if (msp_config_parse(config_bytes, &arena, &config, NULL) != WEFT_OK ||
        msp_new(&config, &(struct msp_options){ .version = MSP_1_4_3 }, &msp, NULL) != WEFT_OK)
        return 0;
    WEFT_CLEANUP(msp_manager_unref) struct msp_manager *m = msp_manager_new(&msp, 1);
    WEFT_CLEANUP(identity_cache_free) struct identity_cache *cache = identity_cache_new(m, 2);
    look_at(cache, serialized, in);
    return 0;
}
