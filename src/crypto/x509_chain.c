#include "crypto/x509_chain.h"

#include "base/limits.h"
#include "crypto/x509_names.h"

void x509_pool_done(struct x509_pool *p)
{
    for (size_t i = 0; i < p->count; i++)
        x509_link_unref(p->links[i]);
    free(p->links);
    *p = (struct x509_pool){ 0 };
}

bool x509_pool_has(const struct x509_pool *p, const struct x509_link *link)
{
    for (size_t i = 0; i < p->count; i++)
        if (bytes_eq(p->links[i]->cert->der, link->cert->der))
            return true;
    return false;
}

void x509_pool_add(struct x509_pool *p, struct x509_link *link)
{
    if (x509_pool_has(p, link))
        return;
    p->links = weft_realloc(p->links, (p->count + 1) * sizeof(*p->links));
    p->links[p->count++] = x509_link_ref(link);
}

void x509_chain_done(struct x509_chain *c)
{
    free(c->links);
    *c = (struct x509_chain){ 0 };
}

/* A search: the way up so far, and what was found. */
struct search {
    const struct x509_pool *roots, *intermediates;
    int64_t at_s;
    const struct x509_link *way[LIMIT_CHAIN_SIGNATURES + 2];
    size_t len;
    unsigned checks;
    bool either_auth; /* clientAuth will do as well */
    struct x509_chain *out;
    size_t found; /* chains, before their usages are asked */
    bool failed;  /* the last candidate with a good signature was refused: */
    struct weft_err why;
};

/* Why no candidate signed: of the first that was tried. */
struct hint {
    struct weft_err why;
    const struct x509_link *cert;
};

/* ---- may this certificate stand in a chain ----------------------------------------------- */

static enum weft_code check_time(const struct x509_link *c, int64_t now_s, struct weft_err *e)
{
    WEFT_FREE char *now = x509_time_text(now_s);
    WEFT_FREE char *first = x509_time_text(c->cert->not_before);
    WEFT_FREE char *last = x509_time_text(c->cert->not_after);
    static const char words[] = "x509: certificate has expired or is not yet valid";
    if (now_s < c->cert->not_before)
        return WEFT_FAIL(e, WEFT_FORBIDDEN, "%s: current time %s is before %s", words, now, first);
    if (now_s > c->cert->not_after)
        return WEFT_FAIL(e, WEFT_FORBIDDEN, "%s: current time %s is after %s", words, now, last);
    return WEFT_OK;
}

/* `leaf` is NULL for the leaf itself; `below`: certificates under this one. */
static enum weft_code check_valid(const struct x509_link *c, const struct x509_link *leaf,
                                  size_t below, bool is_root, int64_t now_s, struct weft_err *e)
{
    if (c->unknown_critical)
        return WEFT_FAIL(e, WEFT_FORBIDDEN, "x509: unhandled critical extension");
    if (now_s < c->cert->not_before || now_s > c->cert->not_after)
        return check_time(c, now_s, e);
    if (leaf != NULL && c->has_name_constraints) {
        if (leaf->has_san)
            WEFT_TRY(x509_name_constraints_allow(c->name_constraints, leaf->san, e));
        if (c->has_san)
            WEFT_TRY(x509_name_constraints_allow(c->name_constraints, c->san, e));
    }
    if (leaf != NULL && !is_root && (!c->has_basic_constraints || !c->is_ca))
        return WEFT_FAIL(e, WEFT_FORBIDDEN,
                         "x509: certificate is not authorized to sign other certificates");
    if (leaf != NULL && c->has_basic_constraints && c->path_len >= 0 &&
        below > (size_t)c->path_len + 1)
        return WEFT_FAIL(e, WEFT_FORBIDDEN,
                         "x509: too many intermediates for path length constraint");
    return WEFT_OK;
}

static bool same_key(const struct x509_link *a, const struct x509_link *b)
{
    if (a->key_kind != b->key_kind)
        return false;
    return a->key_kind == X509_KEY_EC ? public_key_eq(a->cert->key, b->cert->key)
                                      : bytes_eq(a->spki, b->spki);
}

/* One way up does not meet the same name and key twice. */
static bool already_on_the_way(const struct search *s, const struct x509_link *c)
{
    for (size_t i = 0; i < s->len; i++) {
        const struct x509_link *w = s->way[i];
        if (!bytes_eq(c->cert->subject_der, w->cert->subject_der) || !same_key(c, w))
            continue;
        if (!c->has_san && !w->has_san)
            return true;
        if (!c->has_san || !w->has_san)
            return false;
        if (bytes_eq(c->san, w->san))
            return true;
    }
    return false;
}

static bool allows_server_auth(const struct x509_link *const *links, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (links[i]->has_eku && !links[i]->eku_any && !links[i]->eku_server_auth)
            return false;
    return true;
}

static bool allows_client_auth(const struct x509_link *const *links, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (links[i]->has_eku && !links[i]->eku_any && !links[i]->eku_client_auth)
            return false;
    return true;
}

/* ---- the search -------------------------------------------------------------------------- */

static void keep_chain(struct search *s)
{
    s->found++;
    if (!allows_server_auth(s->way, s->len) &&
        !(s->either_auth && allows_client_auth(s->way, s->len)))
        return;
    if (s->out->found++ > 0)
        return;
    s->out->links = weft_alloc(s->len * sizeof(*s->out->links));
    s->out->count = s->len;
    memcpy(s->out->links, s->way, s->len * sizeof(*s->out->links));
}

static void climb(struct search *s);

static void refuse(struct search *s, enum weft_code rc)
{
    s->failed = rc != WEFT_OK;
}

static void consider(struct search *s, const struct x509_link *candidate, bool is_root,
                     struct hint *hint)
{
    if (already_on_the_way(s, candidate))
        return;
    if (++s->checks > LIMIT_CHAIN_SIGNATURES) {
        refuse(s, WEFT_FAIL(&s->why, WEFT_FORBIDDEN,
                            "x509: signature check attempts limit reached while verifying "
                            "certificate chain"));
        return;
    }
    struct weft_err why = { 0 };
    if (x509_link_check_signature(s->way[s->len - 1], candidate, &why) != WEFT_OK) {
        if (hint->cert == NULL)
            *hint = (struct hint){ why, candidate };
        return;
    }
    refuse(s, check_valid(candidate, s->way[0], s->len, is_root, s->at_s, &s->why));
    if (s->failed)
        return;
    s->way[s->len++] = candidate;
    if (is_root)
        keep_chain(s);
    else
        climb(s);
    s->len--;
}

/* 0: key identifiers are equal, 1: one of them is missing, 2: they differ. */
static int plausibility(const struct x509_link *child, const struct x509_link *candidate)
{
    if (bytes_eq(candidate->ski, child->aki))
        return 0;
    return candidate->ski.len == 0 || child->aki.len == 0 ? 1 : 2;
}

static void consider_pool(struct search *s, const struct x509_pool *pool, bool is_root,
                          struct hint *hint)
{
    const struct x509_link *child = s->way[s->len - 1];
    for (int want = 0; want <= 2; want++)
        for (size_t i = 0; i < pool->count; i++)
            if (bytes_eq(pool->links[i]->cert->subject_der, child->cert->issuer_der) &&
                plausibility(child, pool->links[i]) == want)
                consider(s, pool->links[i], is_root, hint);
}

static void say_unknown(struct search *s, const struct hint *hint)
{
    static const char words[] = "x509: certificate signed by unknown authority";
    if (hint->cert == NULL)
        refuse(s, WEFT_FAIL(&s->why, WEFT_FORBIDDEN, "%s", words));
    else
        refuse(s, WEFT_FAIL(&s->why, WEFT_FORBIDDEN,
                            "%s (possibly because of \"%s\" while trying to verify candidate "
                            "authority certificate \"%s\")",
                            words, hint->why.msg, hint->cert->cert->common_name));
}

/* Goes on from the last certificate on the way.  No deeper than there may be
 * checks of signatures. */
static void climb(struct search *s)
{
    struct hint hint = { 0 };
    size_t before = s->found;
    s->failed = false;
    consider_pool(s, s->roots, true, &hint);
    consider_pool(s, s->intermediates, false, &hint);
    if (s->found > before)
        s->failed = false;
    else if (!s->failed)
        say_unknown(s, &hint);
}

static enum weft_code find(const struct x509_link *leaf, const struct x509_pool *roots,
                           const struct x509_pool *intermediates, int64_t at_s, bool either_auth,
                           struct x509_chain *ret, struct weft_err *e)
{
    WEFT_CLEANUP(x509_chain_done) struct x509_chain out = { 0 };
    struct search s = { .roots = roots,
                        .intermediates = intermediates,
                        .at_s = at_s,
                        .either_auth = either_auth,
                        .way = { leaf },
                        .len = 1,
                        .out = &out };
    WEFT_TRY(check_valid(leaf, NULL, 0, false, at_s, e));
    if (x509_pool_has(roots, leaf))
        keep_chain(&s);
    else
        climb(&s);
    if (s.failed)
        return WEFT_FAIL(e, WEFT_FORBIDDEN, "%s", s.why.msg);
    if (out.found == 0)
        return WEFT_FAIL(e, WEFT_FORBIDDEN,
                         "x509: certificate specifies an incompatible key usage");
    *ret = out;
    out = (struct x509_chain){ 0 };
    return WEFT_OK;
}

enum weft_code x509_chain_find(const struct x509_link *leaf, const struct x509_pool *roots,
                               const struct x509_pool *intermediates, int64_t at_s,
                               struct x509_chain *ret, struct weft_err *e)
{
    return find(leaf, roots, intermediates, at_s, false, ret, e);
}

enum weft_code x509_chain_check_tls(const struct x509_link *leaf, const struct x509_pool *roots,
                                    const struct x509_pool *intermediates, int64_t at_s,
                                    struct weft_err *e)
{
    WEFT_CLEANUP(x509_chain_done) struct x509_chain chain = { 0 };
    return find(leaf, roots, intermediates, at_s, true, &chain, e);
}
