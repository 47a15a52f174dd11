/* bundle_answer.h - what Weft says to a case of bundle_cases.h.
 *
 * Go origin   none
 * Owner       the test
 */
#ifndef WEFT_TESTS_BUNDLE_ANSWER_H
#define WEFT_TESTS_BUNDLE_ANSWER_H

#include "bundle/bundle.h"
#include "bundle_cases.h"

/* An update that is proposed must also be valid for a peer, and make a bundle. */
static inline enum weft_code bundle_case_answer_update(const struct bundle_case *c,
                                                       const struct bundle *now, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf result = { 0 };
    WEFT_TRY(bundle_propose(now, buf_bytes(&c->update), &result, e));
    return bundle_validate(now, buf_bytes(&result), e);
}

static inline enum weft_code bundle_case_answer(const struct bundle_case *c, struct weft_err *e)
{
    WEFT_CLEANUP(bundle_unref) struct bundle *now = NULL;
    WEFT_CLEANUP(bundle_unref) struct bundle *next = NULL;
    if (c->question >= ASK_NEXT)
        WEFT_TRY(bundle_new(c->channel, 0, buf_bytes(&c->now), &now, e));
    if (c->question == ASK_UPDATE)
        return bundle_case_answer_update(c, now, e);
    WEFT_TRY(bundle_new(c->channel, 0, buf_bytes(&c->changed), &next, e));
    if (c->question == ASK_SUPPORTED)
        return bundle_check_supported(next, e);
    return c->question == ASK_NEXT ? bundle_check_next(now, next, e) : WEFT_OK;
}

#endif
