#include "policy/signature_policy.h"

#include "base/limits.h"
#include "channel/config_group.h"
#include "proto/wire.h"

#include <inttypes.h>

struct rule {
    bool is_leaf;
    size_t principal; /* a leaf's */
    int32_t needed;   /* a gate's: how many of its children */
    const struct rule *children;
    size_t count;
};

struct signature_policy {
    struct rule root;
    const struct bytes *principals;
    size_t principal_count;
};

/* ---- reading ------------------------------------------------------------------------ */

struct reader {
    struct arena *arena;
    size_t principals, rules;
};

static enum weft_code parse_rule(struct reader *r, struct bytes b, size_t depth, struct rule *ret,
                                 struct weft_err *e);

static size_t count_fields(struct bytes b, uint32_t number)
{
    struct wire w = wire_of(b);
    struct wire_field f;
    size_t n = 0;
    while (wire_next(&w, &f))
        n += wire_is(&f, number, WIRE_LEN) ? 1 : 0;
    return n;
}

static enum weft_code parse_leaf(const struct reader *r, int32_t index, struct rule *ret,
                                 struct weft_err *e)
{
    if (index < 0 || (size_t)index >= r->principals)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "identity index out of range, requested %" PRId32
                         ", but identities length is %zu",
                         index, r->principals);
    ret->is_leaf = true;
    ret->principal = (size_t)index;
    return WEFT_OK;
}

/* NOutOf { 1 n, 2 repeated rules } */
static enum weft_code parse_gate(struct reader *r, struct bytes b, size_t depth, struct rule *ret,
                                 struct weft_err *e)
{
    size_t count = count_fields(b, 2);
    r->rules += count;
    if (depth > LIMIT_POLICY_DEPTH || r->rules > LIMIT_POLICY_RULES)
        return WEFT_FAIL(e, WEFT_LIMIT, "policy is deeper than %d or has more than %d rules",
                         (int)LIMIT_POLICY_DEPTH, (int)LIMIT_POLICY_RULES);
    struct rule *children = arena_alloc(r->arena, (count + 1) * sizeof(*children));
    struct wire w = wire_of(b);
    struct wire_field f;
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_VARINT))
            ret->needed = (int32_t)(uint32_t)f.varint;
        else if (wire_is(&f, 2, WIRE_LEN))
            WEFT_TRY(parse_rule(r, f.bytes, depth + 1, &children[ret->count++], e));
    }
    if (w.bad)
        return WEFT_FAIL(e, WEFT_INVALID, "error unmarshalling SignaturePolicy");
    ret->children = children;
    return WEFT_OK;
}

/* Does a gate parse, whatever it means?  Its rules are messages of field 2 as
 * well, and a rule's gate too: they nest alike. */
static bool is_well_formed(struct bytes b, size_t depth)
{
    struct wire w = wire_of(b);
    struct wire_field f;
    bool good = depth <= 2 * (size_t)LIMIT_POLICY_DEPTH;
    while (good && wire_next(&w, &f))
        if (wire_is(&f, 2, WIRE_LEN))
            good = is_well_formed(f.bytes, depth + 1);
    return good && !w.bad;
}

/* SignaturePolicy { oneof: 1 signed_by, 2 n_out_of }: the last one counts, and all
 * must parse. */
static enum weft_code parse_rule(struct reader *r, struct bytes b, size_t depth, struct rule *ret,
                                 struct weft_err *e)
{
    struct wire w = wire_of(b);
    struct wire_field f, last = { 0 };
    bool good = true;
    while (wire_next(&w, &f)) {
        if (!wire_is(&f, 1, WIRE_VARINT) && !wire_is(&f, 2, WIRE_LEN))
            continue;
        good = good && (last.number != 2 || is_well_formed(last.bytes, 1));
        last = f;
    }
    if (w.bad || !good)
        return WEFT_FAIL(e, WEFT_INVALID, "error unmarshalling SignaturePolicy");
    if (last.number == 1)
        return parse_leaf(r, (int32_t)(uint32_t)last.varint, ret, e);
    if (last.number == 2)
        return parse_gate(r, last.bytes, depth, ret, e);
    return WEFT_FAIL(e, WEFT_INVALID, "Unknown type: <nil>:<nil>");
}

/* MSPPrincipal { 1 principal_classification, 2 principal }: what it says is asked later. */
static bool is_principal(struct bytes b)
{
    struct wire w = wire_of(b);
    struct wire_field f;
    while (wire_next(&w, &f))
        ;
    return !w.bad;
}

/* SignaturePolicyEnvelope { 1 version, 2 rule, 3 repeated identities } */
static enum weft_code parse(struct bytes b, bool any_version, struct arena *arena,
                            const struct signature_policy **ret, struct weft_err *e)
{
    struct reader r = { .arena = arena, .principals = count_fields(b, 3) };
    struct signature_policy *p = arena_alloc(arena, sizeof(*p));
    struct bytes *principals = arena_alloc(arena, (r.principals + 1) * sizeof(*principals));
    struct config_parts rule = { 0 };
    bool good = true;
    int32_t version = 0;
    struct wire w = wire_of(b);
    struct wire_field f;
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_VARINT)) {
            version = (int32_t)(uint32_t)f.varint;
        } else if (wire_is(&f, 2, WIRE_LEN)) {
            good = good && config_parts_add(&rule, f.bytes, arena);
        } else if (wire_is(&f, 3, WIRE_LEN)) {
            principals[p->principal_count++] = f.bytes;
            good = good && is_principal(f.bytes);
        }
    }
    if (w.bad || !good)
        return WEFT_FAIL(e, WEFT_INVALID, "Error unmarshaling to SignaturePolicy");
    if (version != 0 && !any_version)
        return WEFT_FAIL(
            e, WEFT_INVALID,
            "This evaluator only understands messages of version 0, but version was %" PRId32,
            version);
    if (rule.count == 0)
        return WEFT_FAIL(e, WEFT_INVALID, "Empty policy element");
    WEFT_TRY(parse_rule(&r, rule.whole, 1, &p->root, e));
    p->principals = principals;
    *ret = p;
    return WEFT_OK;
}

enum weft_code signature_policy_parse(struct bytes b, struct arena *arena,
                                      const struct signature_policy **ret, struct weft_err *e)
{
    return parse(b, false, arena, ret, e);
}

enum weft_code signature_policy_parse_any(struct bytes b, struct arena *arena,
                                          const struct signature_policy **ret, struct weft_err *e)
{
    return parse(b, true, arena, ret, e);
}

/* ---- evaluating ------------------------------------------------------------------------ */

/* Which signers are taken. */
struct used {
    uint64_t bits[LIMIT_POLICY_SIGNERS / 64];
};

static bool is_used(const struct used *u, size_t i)
{
    return (u->bits[i / 64] >> (i % 64) & 1) != 0;
}

static bool leaf_satisfied(const struct signature_policy *p, const struct rule *rule,
                           const struct policy_signers *s, struct used *used)
{
    for (size_t i = 0; i < s->count; i++) {
        if (is_used(used, i) || !s->satisfies(s->ctx, i, p->principals[rule->principal]))
            continue;
        used->bits[i / 64] |= 1ULL << (i % 64);
        return true;
    }
    return false;
}

/* Recursion ends with the tree, whose depth was limited when it was read. */
static bool rule_satisfied(const struct signature_policy *p, const struct rule *rule,
                           const struct policy_signers *s, struct used *used)
{
    if (rule->is_leaf)
        return leaf_satisfied(p, rule, s, used);
    int64_t satisfied = 0;
    for (size_t i = 0; i < rule->count; i++) {
        struct used trial = *used;
        if (!rule_satisfied(p, &rule->children[i], s, &trial))
            continue;
        satisfied++;
        *used = trial;
    }
    return satisfied >= rule->needed;
}

bool signature_policy_satisfied(const struct signature_policy *p, const struct policy_signers *s)
{
    struct used used = { 0 };
    WEFT_ASSERT(s->count <= LIMIT_POLICY_SIGNERS);
    return rule_satisfied(p, &p->root, s, &used);
}
