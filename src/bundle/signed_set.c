#include "bundle/signed_set.h"

#include "base/limits.h"
#include "base/log.h"
#include "msp/msp_identity.h"

#include <stdarg.h>
#include <stdio.h>

LOG_DEFINE(logger, "policies");

struct one {
    size_t index; /* among all signatures that were added */
    struct msp_identity *id;
    enum signature_verdict verdict; /* written when the batch is checked */
};

/* Most have one signature, and tens of thousands may wait to be checked. */
struct signed_set {
    struct one **all; /* each stays where it is */
    size_t count, cap;
    struct msp_identity **good; /* borrowed from `all` */
    size_t seen;                /* signatures, whoever's */
    char *why;                  /* the first was passed over; NULL: none was */
};

struct signed_set *signed_set_new(void)
{
    return weft_alloc(sizeof(struct signed_set));
}

void signed_set_free(struct signed_set *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->count; i++) {
        msp_identity_unref(s->all[i]->id);
        free(s->all[i]);
    }
    free(s->all);
    free(s->good);
    free(s->why);
    free(s);
}

/* Says it, and keeps the first for who asks. */
static void pass_over(struct signed_set *s, const char *fmt, ...) WEFT_PRINTF(2, 3);
static void pass_over(struct signed_set *s, const char *fmt, ...)
{
    char text[256];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    LOG_WARN(&logger, "%s", text);
    if (s->why == NULL)
        s->why = weft_strdup(text);
}

static struct one *add_one(struct signed_set *s, size_t index, struct msp_identity *id)
{
    if (s->count == s->cap) {
        s->cap = s->cap > 0 ? 2 * s->cap : 1;
        s->all = weft_realloc(s->all, s->cap * sizeof(struct one *));
    }
    struct one *one = weft_alloc(sizeof(*one));
    *one = (struct one){ .index = index, .id = id };
    s->all[s->count++] = one;
    return one;
}

void signed_set_add(struct signed_set *s, struct identity_cache *cache, const struct signed_data *d,
                    struct signature_batch *batch)
{
    struct weft_err e = { 0 };
    size_t index = s->seen++;
    if (s->count == LIMIT_POLICY_SIGNERS) {
        pass_over(s, "only %d signatures are looked at", (int)LIMIT_POLICY_SIGNERS);
        return;
    }
    struct msp_identity *id = NULL;
    if (identity_cache_get(cache, d->identity, &id, &e) != WEFT_OK) {
        pass_over(s, "invalid identity: %s", e.msg);
        return;
    }
    struct one *one = add_one(s, index, id);
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
    s->good = weft_realloc(s->good, (s->count + 1) * sizeof(struct msp_identity *));
    for (size_t i = 0; i < s->count; i++) {
        const struct one *one = s->all[i];
        if (is_there(s, n, one->id))
            pass_over(s, "De-duplicating identity [%.*s] at index %zu in signature set",
                      (int)msp_identity_mspid(one->id).len,
                      (const char *)msp_identity_mspid(one->id).data, one->index);
        else if (one->verdict != SIGNATURE_GOOD)
            pass_over(s, "signature for identity %zu is invalid: it is not by [%.*s]", one->index,
                      (int)msp_identity_mspid(one->id).len,
                      (const char *)msp_identity_mspid(one->id).data);
        else
            s->good[n++] = one->id;
    }
    return (
        struct policy_signers){ .ctx = s->good, .count = n, .satisfies = msp_identities_satisfy };
}

const struct msp_identity *signed_set_signer(const struct signed_set *s, size_t i)
{
    return s->good[i];
}

const char *signed_set_why(const struct signed_set *s)
{
    return s->why;
}
