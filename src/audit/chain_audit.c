#include "audit/chain_audit.h"

#include "bundle/bundle.h"
#include "channel/config_group.h"
#include "crypto/key_tables.h"
#include "policy/policy_tree.h"
#include "proto/envelope.h"
#include "proto/metadata.h"
#include "proto/wire.h"

#include <inttypes.h>

static const char policy_path[] = "/Channel/Orderer/BlockValidation";

/* A block whose signatures are in the batch. */
struct waiting {
    uint64_t number;
    struct signed_set *set;
};

struct chain_audit {
    struct chain_audit_deps deps;
    struct bundle *now;
    struct identity_cache *cache; /* of now's MSPs */
    struct key_tables *tables;
    struct signature_batch *batch;
    struct waiting waiting[CHAIN_AUDIT_BATCH];
    size_t count;
    struct audit_period period; /* its names are the bundle's */
    struct buf rule;
};

struct chain_audit *chain_audit_new(const struct chain_audit_deps *deps)
{
    struct chain_audit *a = weft_alloc(sizeof(*a));
    a->deps = *deps;
    a->tables =
        key_tables_new(&(struct key_tables_config){ .budget_bytes = KEY_TABLES_BUDGET_DEFAULT });
    a->batch = signature_batch_new(a->tables);
    return a;
}

void chain_audit_free(struct chain_audit *a)
{
    if (a == NULL)
        return;
    for (size_t i = 0; i < a->count; i++)
        signed_set_free(a->waiting[i].set);
    signature_batch_free(a->batch);
    key_tables_free(a->tables);
    identity_cache_free(a->cache);
    bundle_unref(a->now);
    buf_done(&a->rule);
    free(a);
}

/* ---- periods -------------------------------------------------------------------------------- */

/* "ANY Writers"; ImplicitMetaPolicy { 1 sub_policy, 2 rule } */
static void put_rule(const struct config_item *policy, struct buf *out)
{
    static const char *const names[] = { "ANY", "ALL", "MAJORITY" };
    struct bytes sub = { 0 };
    uint64_t rule = 0;
    struct wire w = wire_of(policy->value);
    struct wire_field f;
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_LEN))
            sub = f.bytes;
        else if (wire_is(&f, 2, WIRE_VARINT))
            rule = f.varint;
    }
    buf_printf(out, "%s %.*s", rule < WEFT_ARRAY_LEN(names) ? names[rule] : "?", (int)sub.len,
               (const char *)sub.data);
}

static const char *rule_text(struct chain_audit *a)
{
    enum {
        IMPLICIT_META = 3
    };
    const struct config_item *orderer =
        config_group_find(bundle_group(a->now), CONFIG_ITEM_GROUP, bytes_of_str("Orderer"));
    const struct config_item *policy =
        orderer != NULL
            ? config_group_find(orderer, CONFIG_ITEM_POLICY, bytes_of_str("BlockValidation"))
            : NULL;
    buf_clear(&a->rule);
    if (policy == NULL)
        buf_put_str(&a->rule, "no such policy");
    else if (policy->policy_type == IMPLICIT_META)
        put_rule(policy, &a->rule);
    else
        buf_put_str(&a->rule, "a signature policy");
    buf_put_u8(&a->rule, '\0');
    return (const char *)a->rule.data;
}

static void start_period(struct chain_audit *a, struct bundle *next, uint64_t config_block)
{
    bundle_unref(a->now);
    identity_cache_free(a->cache);
    a->now = next;
    a->cache = identity_cache_new(bundle_msps(next), IDENTITY_CACHE_DEFAULT);
    a->period = (struct audit_period){ .config_block = config_block,
                                       .sequence = bundle_sequence(next),
                                       .policy = policy_path,
                                       .rule = rule_text(a) };
}

static void end_period(struct chain_audit *a)
{
    a->deps.period(a->deps.ctx, &a->period);
}

/* The name is the bundle's, as long as the period lasts. */
static void count_signer(struct audit_period *p, struct bytes mspid)
{
    size_t i = 0;
    while (i < p->signer_count && !bytes_eq(p->signers[i].mspid, mspid))
        i++;
    if (i == CHAIN_AUDIT_SIGNERS_MAX) {
        p->others++;
        return;
    }
    if (i == p->signer_count)
        p->signers[p->signer_count++].mspid = mspid;
    p->signers[i].blocks++;
}

/* ---- signatures -------------------------------------------------------------------------------- */

/* Signed are the value, the signature header and the header's DER form.  A
 * header that does not parse names nobody. */
static void add_signature(struct chain_audit *a, const struct block_view *v, struct bytes value,
                          struct bytes item, struct signed_set *set)
{
    struct metadata_signature s = metadata_signature_of(item);
    struct signature_header_view h = { 0 };
    WEFT_CLEANUP(buf_done) struct buf data = { 0 };
    WEFT_IGNORE(signature_header_parse(s.signature_header, &h, NULL));
    buf_put(&data, value);
    buf_put(&data, s.signature_header);
    block_header_der(v, &data);
    signed_set_add(set, a->cache, &(struct signed_data){ buf_bytes(&data), h.creator, s.signature },
                   a->batch);
}

static enum weft_code add_block(struct chain_audit *a, const struct block_view *v,
                                struct weft_err *e)
{
    struct metadata_view m = { 0 };
    struct bytes item;
    enum weft_code rc = block_metadata(v, BLOCK_SLOT_SIGNATURES, &m, e);
    if (rc != WEFT_OK)
        return WEFT_FAIL(e, WEFT_CORRUPT, "block [%" PRIu64 "]: it carries no signatures",
                         v->number);
    struct waiting *w = &a->waiting[a->count++];
    *w = (struct waiting){ v->number, signed_set_new() };
    while (repeated_next(&m.signatures, &item))
        add_signature(a, v, m.value, item, w->set);
    return WEFT_OK;
}

/* "OrdererMSP, Org1MSP", or "nobody". */
static void put_signers(const struct signed_set *set, size_t count, struct buf *out)
{
    for (size_t i = 0; i < count; i++) {
        struct bytes mspid = msp_identity_mspid(signed_set_signer(set, i));
        buf_printf(out, "%s%.*s", i > 0 ? ", " : "", (int)mspid.len, (const char *)mspid.data);
    }
    if (count == 0)
        buf_put_str(out, "nobody");
}

static enum weft_code not_met(const struct audit_period *p, const struct waiting *w,
                              const struct policy_signers *signers, const struct weft_err *reason,
                              struct weft_err *e)
{
    const char *why = signed_set_why(w->set);
    WEFT_CLEANUP(buf_done) struct buf who = { 0 };
    put_signers(w->set, signers->count, &who);
    return WEFT_FAIL(e, WEFT_CORRUPT,
                     "block [%" PRIu64 "] is signed by %.*s: %s (%s) of the configuration in "
                     "block [%" PRIu64 "] is not met: %s%s%s",
                     w->number, (int)who.len, (const char *)who.data, p->policy, p->rule,
                     p->config_block, reason->msg, why != NULL ? "; " : "", why != NULL ? why : "");
}

static enum weft_code judge(struct chain_audit *a, const struct waiting *w, struct weft_err *e)
{
    struct audit_period *p = &a->period;
    struct policy_signers signers = signed_set_signers(w->set);
    const char *why = signed_set_why(w->set);
    struct weft_err reason = { 0 };
    if (policy_tree_evaluate(bundle_policies(a->now), policy_path, &signers, &reason) != WEFT_OK)
        return not_met(p, w, &signers, &reason, e);
    if (why != NULL)
        return WEFT_FAIL(e, WEFT_CORRUPT,
                         "block [%" PRIu64 "]: %s (%s) is met, but not all signatures are good: %s",
                         w->number, p->policy, p->rule, why);
    for (size_t i = 0; i < signers.count; i++)
        count_signer(p, msp_identity_mspid(signed_set_signer(w->set, i)));
    p->first = p->blocks == 0 ? w->number : p->first;
    p->last = w->number;
    p->blocks++;
    return WEFT_OK;
}

static enum weft_code settle(struct chain_audit *a, struct weft_err *e)
{
    enum weft_code rc = WEFT_OK;
    signature_batch_check(a->batch);
    for (size_t i = 0; i < a->count; i++) {
        if (rc == WEFT_OK)
            rc = judge(a, &a->waiting[i], e);
        signed_set_free(a->waiting[i].set);
    }
    a->count = 0;
    return rc;
}

/* ---- configurations ------------------------------------------------------------------------------ */

/* Has the block one transaction, which is a configuration? */
static bool is_config(const struct block_view *v, struct envelope_headers *ret)
{
    return v->txs.count == 1 && envelope_headers_parse(v->txs.at[0], ret, NULL) == WEFT_OK &&
           ret->channel.type == HEADER_CONFIG;
}

static enum weft_code follow(const struct bundle *now, struct bytes config_envelope,
                             const struct bundle *next, struct weft_err *e)
{
    enum weft_code rc = bundle_validate(now, config_envelope, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "it is not what its update makes of the one before");
    return bundle_check_next(now, next, e);
}

/* Such a channel is judged by the rules that we know. */
static void note_unsupported(const struct chain_audit *a, const struct bundle *b, uint64_t number)
{
    struct weft_err why = { 0 };
    if (bundle_check_supported(b, &why) == WEFT_OK || a->deps.note == NULL)
        return;
    WEFT_FREE char *text =
        weft_asprintf("the configuration in block [%" PRIu64 "]: %s", number, why.msg);
    a->deps.note(a->deps.ctx, text);
}

static enum weft_code take_config(struct chain_audit *a, const struct block_view *v,
                                  const struct envelope_headers *h, struct weft_err *e)
{
    WEFT_CLEANUP(bundle_unref) struct bundle *next = NULL;
    struct weft_err why = { 0 };
    enum weft_code rc = bundle_of_block(v, &next, &why);
    if (rc == WEFT_OK && a->now != NULL)
        rc = follow(a->now, h->payload.data, next, &why);
    if (rc != WEFT_OK)
        return WEFT_FAIL(e, WEFT_CORRUPT, "block [%" PRIu64 "]: bad configuration: %s", v->number,
                         why.msg);
    if (a->now != NULL)
        end_period(a);
    note_unsupported(a, next, v->number);
    start_period(a, WEFT_TAKE(next), v->number);
    return WEFT_OK;
}

/* A peer does not apply a configuration that it found invalid. */
static bool is_applied(struct chain_audit *a, const struct block_view *v)
{
    uint8_t code = TX_VALID;
    if (!block_tx_flag(v, 0, &code) || code == TX_VALID)
        return true;
    WEFT_FREE char *text = weft_asprintf(
        "the configuration in block [%" PRIu64 "] was found invalid and is passed over", v->number);
    if (a->deps.note != NULL)
        a->deps.note(a->deps.ctx, text);
    return false;
}

enum weft_code chain_audit_block(struct chain_audit *a, const struct block_view *v,
                                 struct weft_err *e)
{
    struct envelope_headers h = { 0 };
    bool config = is_config(v, &h);
    if (a->now == NULL)
        return config ? take_config(a, v, &h, e)
                      : WEFT_FAIL(e, WEFT_CORRUPT, "block [%" PRIu64 "] holds no configuration",
                                  v->number);
    WEFT_TRY(add_block(a, v, e));
    if (a->count == CHAIN_AUDIT_BATCH || config)
        WEFT_TRY(settle(a, e));
    return config && is_applied(a, v) ? take_config(a, v, &h, e) : WEFT_OK;
}

enum weft_code chain_audit_end(struct chain_audit *a, struct weft_err *e)
{
    WEFT_TRY(settle(a, e));
    if (a->now != NULL)
        end_period(a);
    return WEFT_OK;
}
