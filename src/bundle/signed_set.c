#include "bundle/signed_set.h"

#include "base/limits.h"
#include "base/log.h"
#include "msp/msp_identity.h"

LOG_DEFINE(logger, "policies");

struct one {
    struct msp_identity *id;
    enum signature_verdict verdict; /* written when the batch is checked */
};

struct signed_set {
    struct one all[LIMIT_POLICY_SIGNERS];
    size_t count;
    struct msp_identity *good[LIMIT_POLICY_SIGNERS]; /* borrowed from `all` */
};

struct signed_set *signed_set_new(void)
{
    return weft_alloc(sizeof(struct signed_set));
}

void signed_set_free(struct signed_set *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->count; i++)
        msp_identity_unref(s->all[i].id);
    free(s);
}

void signed_set_add(struct signed_set *s, struct identity_cache *cache, const struct signed_data *d,
                    struct signature_batch *batch)
{
    struct weft_err e = { 0 };
    if (s->count == LIMIT_POLICY_SIGNERS) {
        LOG_WARN(&logger, "only %d signatures are looked at", (int)LIMIT_POLICY_SIGNERS);
        return;
    }
    struct one *one = &s->all[s->count];
    *one = (struct one){ 0 };
    if (identity_cache_get(cache, d->identity, &one->id, &e) != WEFT_OK) {
        LOG_WARN(&logger, "invalid identity: %s", e.msg);
        return;
    }
    s->count++;
    if (msp_identity_add_check(one->id, batch, d->data, d->signature, &one->verdict, &e) != WEFT_OK)
        one->verdict = SIGNATURE_MALFORMED;
}

static bool is_there(const struct signed_set *s, size_t n, const struct msp_identity *id)
{
    for (size_t i = 0; i < n; i++)
        if (bytes_eq(msp_identity_id(s->good[i]), msp_identity_id(id)) &&
            bytes_eq(msp_identity_mspid(s->good[i]), msp_identity_mspid(id)))
            return true;
    return false;
}

struct policy_signers signed_set_signers(struct signed_set *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->count; i++) {
        const struct one *one = &s->all[i];
        if (is_there(s, n, one->id))
            LOG_WARN(&logger, "De-duplicating identity at index %zu in signature set", i);
        else if (one->verdict != SIGNATURE_GOOD)
            LOG_WARN(&logger, "signature for identity %zu is invalid", i);
        else
            s->good[n++] = one->id;
    }
    return (
        struct policy_signers){ .ctx = s->good, .count = n, .satisfies = msp_identities_satisfy };
}
