#include "validation/config_apply.h"

#include "bundle/bundle.h"
#include "proto/envelope.h"

enum weft_code config_apply(const struct bundle *now, struct bytes envelope, struct bundle **ret,
                            struct weft_err *e)
{
    struct envelope_view v;
    struct payload_view payload;
    WEFT_CLEANUP(bundle_unref) struct bundle *next = NULL;
    WEFT_TRY(envelope_parse(envelope, &v, e));
    WEFT_TRY(payload_parse(v.payload, &payload, e));
    WEFT_TRY(bundle_validate(now, payload.data, e));
    WEFT_TRY(bundle_of_envelope(envelope, &next, e));
    WEFT_TRY(bundle_check_next(now, next, e));
    enum weft_code rc = bundle_check_supported_by_peer(next, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "[channel %s] incompatible", bundle_channel_id(now));
    if (bundle_application(next) == NULL)
        return WEFT_FAIL(e, WEFT_INVALID, "[channel %s] has no application config",
                         bundle_channel_id(now));
    *ret = WEFT_TAKE(next);
    return WEFT_OK;
}
