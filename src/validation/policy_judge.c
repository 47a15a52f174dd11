#include "validation/policy_judge.h"

#include "base/byte_map.h"
#include "base/limits.h"
#include "bundle/bundle.h"
#include "msp/msp_identity.h"
#include "policy/policy_tree.h"
#include "proto/proto_check.h"

#include <common/policies.pb-c.h>
#include <peer/policy.pb-c.h>

/* Where it leads: a tree of our own, a path, or nowhere. */
struct judged_policy {
    const struct signature_policy *signature;
    const char *path;
    struct byte_map answers; /* by signers; `yes` or `no` */
    struct judged_policy *next;
};

struct policy_judge {
    struct bundle *bundle;
    struct arena arena;
    struct byte_map policies;
    struct judged_policy *all;
    size_t bytes; /* roughly what is held */
    struct buf key;
    struct policy_judge_stats stats;
};

static char yes, no; /* their addresses are the answers */

struct policy_judge *policy_judge_new(struct bundle *b)
{
    struct policy_judge *j = weft_alloc(sizeof(*j));
    j->bundle = bundle_ref(b);
    return j;
}

static void forget(struct policy_judge *j)
{
    for (struct judged_policy *p = j->all; p != NULL; p = p->next)
        byte_map_done(&p->answers);
    j->all = NULL;
    byte_map_clear(&j->policies);
    arena_done(&j->arena);
    j->bytes = 0;
}

void policy_judge_free(struct policy_judge *j)
{
    if (j == NULL)
        return;
    forget(j);
    byte_map_done(&j->policies);
    buf_done(&j->key);
    bundle_unref(j->bundle);
    free(j);
}

struct bundle *policy_judge_bundle(const struct policy_judge *j)
{
    return j->bundle;
}

struct policy_judge_stats policy_judge_stats(const struct policy_judge *j)
{
    return j->stats;
}

static struct bytes keep(struct policy_judge *j, struct bytes b)
{
    uint8_t *to = arena_alloc(&j->arena, b.len);
    if (b.len > 0)
        memcpy(to, b.data, b.len);
    j->bytes += b.len;
    return bytes_of(to, b.len);
}

/* ---- reading a policy ------------------------------------------------------------------------ */

static void read_signature_policy(struct policy_judge *j, struct bytes b, bool any_version,
                                  struct judged_policy *p)
{
    const struct signature_policy *tree = NULL;
    if (proto_check(&common__signature_policy_envelope__descriptor, b, 0, NULL) != WEFT_OK)
        return;
    if ((any_version ? signature_policy_parse_any(b, &j->arena, &tree, NULL)
                     : signature_policy_parse(b, &j->arena, &tree, NULL)) == WEFT_OK)
        p->signature = tree;
}

static void read_path(struct policy_judge *j, struct bytes path, struct judged_policy *p)
{
    if (path.len > 0 && memchr(path.data, 0, path.len) == NULL)
        p->path = arena_dup_str(&j->arena, path);
}

/* ApplicationPolicy { oneof: 1 signature_policy, 2 channel_config_policy_reference } */
static void read_application_policy(struct policy_judge *j, struct bytes b, struct judged_policy *p)
{
    struct wire w = wire_of(b);
    struct wire_field f, last = { 0 };
    if (proto_check(&protos__application_policy__descriptor, b, 0, NULL) != WEFT_OK)
        return;
    while (wire_next(&w, &f))
        if (wire_is(&f, 1, WIRE_LEN) || wire_is(&f, 2, WIRE_LEN))
            last = f;
    if (last.number == 1)
        read_signature_policy(j, last.bytes, true, p);
    else if (last.number == 2)
        read_path(j, last.bytes, p);
}

static struct judged_policy *policy_of(struct policy_judge *j, struct policy_text policy)
{
    buf_clear(&j->key);
    buf_put_u8(&j->key, (uint8_t)policy.form);
    buf_put(&j->key, policy.bytes);
    struct judged_policy *p = byte_map_find(&j->policies, buf_bytes(&j->key));
    if (p != NULL)
        return p;
    struct bytes key = keep(j, buf_bytes(&j->key));
    p = arena_alloc(&j->arena, sizeof(*p));
    p->next = j->all;
    j->all = p;
    j->bytes += sizeof(*p);
    *byte_map_at(&j->policies, key) = p;
    /* What is parsed points into the kept copy, and is at most a few times as large. */
    j->bytes += 8 * key.len;
    if (policy.form == POLICY_APPLICATION)
        read_application_policy(j, bytes_skip(key, 1), p);
    else
        read_signature_policy(j, bytes_skip(key, 1), policy.form == POLICY_SIGNATURE_ANY, p);
    return p;
}

/* ---- asking ------------------------------------------------------------------------------------ */

static bool evaluate(const struct policy_judge *j, const struct judged_policy *p,
                     const struct tx_signers *signers)
{
    struct policy_signers s = { .ctx = signers->at,
                                .count = signers->count,
                                .satisfies = msp_identities_satisfy };
    if (p->signature != NULL)
        return signature_policy_satisfied(p->signature, &s);
    return p->path != NULL &&
           policy_tree_evaluate(bundle_policies(j->bundle), p->path, &s, NULL) == WEFT_OK;
}

bool policy_judge_asks(struct policy_judge *j, struct policy_text policy,
                       const struct tx_signers *signers)
{
    j->stats.asked++;
    if (signers->is_broken)
        return false;
    if (j->bytes > LIMIT_JUDGE_BYTES) {
        forget(j);
        j->stats.forgotten++;
    }
    struct judged_policy *p = policy_of(j, policy);
    const char *known = byte_map_find(&p->answers, signers->key);
    if (known != NULL)
        return known == &yes;
    bool answer = evaluate(j, p, signers);
    j->stats.evaluated++;
    j->bytes += 128; /* its place in the map */
    *byte_map_at(&p->answers, keep(j, signers->key)) = answer ? &yes : &no;
    return answer;
}
