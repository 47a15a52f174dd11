/* Fuzz target for bundle_new, bundle_propose and bundle_validate: a ConfigEnvelope
 * from outside makes a bundle or words; what is read again of a bundle's bytes is
 * the same; an update of it makes what it itself accepts. */
#include "base/log.h"
#include "bundle/bundle.h"
#include "channel/config_envelope.h"
#include "channel/config_group.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect_same(const struct bundle *b)
{
    struct bundle *again = NULL;
    WEFT_CLEANUP(buf_done) struct buf group = { 0 };
    config_group_encode(bundle_group(b), &group);
    WEFT_ASSERT(bundle_new(bundle_channel_id(b), bundle_sequence(b), buf_bytes(&group), &again,
                           NULL) == WEFT_OK);
    WEFT_ASSERT(config_group_eq(bundle_group(b), bundle_group(again)));
    WEFT_ASSERT(bundle_check_next(b, again, NULL) == WEFT_OK);
    bundle_unref(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config_envelope_view v = { 0 };
    struct weft_err e = { 0 };
    struct bundle *b = NULL;
    WEFT_CLEANUP(buf_done) struct buf result = { 0 };
    static bool quiet;
    if (!quiet)
        quiet = log_set_spec("fatal", &e) == WEFT_OK;
    if (config_envelope_parse(bytes_of(data, size), &v, &e) != WEFT_OK)
        return 0;
    if (bundle_new("ch", v.sequence, v.channel_group, &b, &e) != WEFT_OK) {
        WEFT_ASSERT(e.msg[0] != '\0');
        return 0;
    }
    expect_same(b);
    /* As if the update were one of this very configuration. */
    if (bundle_propose(b, v.last_update, &result, &e) == WEFT_OK)
        WEFT_ASSERT(bundle_validate(b, buf_bytes(&result), &e) == WEFT_OK);
    WEFT_IGNORE(bundle_validate(b, bytes_of(data, size), &e));
    WEFT_IGNORE(bundle_check_supported(b, &e));
    bundle_unref(b);
    return 0;
}
