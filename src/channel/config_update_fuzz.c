/* Fuzz target for channel/config_group and config_update: what is read is
 * written and read again alike, and updates never make more than they name. */
#include "channel/config_update.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum weft_code always(void *ctx, const char *path, struct weft_err *e)
{
    (void)ctx, (void)path, (void)e;
    return WEFT_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    struct config_update_view u, again;
    if (config_update_parse(bytes_of(data, size), &arena, &u, NULL) != WEFT_OK)
        return 0;
    config_update_encode(&u, &b);
    WEFT_ASSERT(config_update_parse(buf_bytes(&b), &arena, &again, NULL) == WEFT_OK);
    WEFT_ASSERT((u.read_set == NULL) == (again.read_set == NULL));
    WEFT_ASSERT(u.read_set == NULL || config_group_eq(u.read_set, again.read_set));
    if (u.read_set == NULL || u.write_set == NULL)
        return 0;

    /* The read set stands for what is; the update is its own. */
    const struct config_update_policies policies = { NULL, always };
    const struct config_item *made = NULL;
    u.channel_id = bytes_of_str("ch");
    if (config_update_apply(u.read_set, "ch", &u, &policies, &arena, &made, NULL) == WEFT_OK)
        WEFT_ASSERT(made->kind == CONFIG_ITEM_GROUP);
    struct config_update_view computed;
    if (config_update_compute(u.read_set, u.write_set, &arena, &computed, NULL) == WEFT_OK)
        WEFT_ASSERT(computed.write_set != NULL);
    return 0;
}
