#include "validation/endorsement.h"

#include "proto/proto_check.h"
#include "validation/member_policy.h"

#include <ledger/rwset/kvrwset/kv_rwset.pb-c.h>

void judgement_done(struct judgement *j)
{
    lifecycle_state_free(j->lifecycle);
    byte_map_done(&j->changed);
    arena_done(&j->arena);
}

/* ---- keys whose policy was changed ------------------------------------------------------------ */

static void put_part(struct buf *b, struct bytes part)
{
    buf_put_uvarint(b, part.len);
    buf_put(b, part);
}

static void put_place(struct buf *b, struct bytes ns, struct bytes collection, struct bytes key)
{
    put_part(b, ns);
    put_part(b, collection);
    put_part(b, key);
}

static bool was_changed(const struct judgement *j, struct bytes ns, struct bytes collection,
                        struct bytes key)
{
    WEFT_CLEANUP(buf_done) struct buf place = { 0 };
    if (j->changed.count == 0)
        return false;
    put_place(&place, ns, collection, key);
    return byte_map_find(&j->changed, buf_bytes(&place)) != NULL;
}

static void note_all(struct judgement *j, struct bytes ns, struct bytes collection,
                     struct repeated writes)
{
    struct bytes item;
    while (repeated_next(&writes, &item)) {
        WEFT_CLEANUP(buf_done) struct buf place = { 0 };
        put_place(&place, ns, collection, kv_metadata_write_of(item).key);
        uint8_t *kept = arena_alloc(&j->arena, place.len);
        memcpy(kept, place.data, place.len);
        *byte_map_at(&j->changed, bytes_of(kept, place.len)) = kept;
    }
}

void endorsement_note_changes(struct judgement *j, const struct tx_namespace *ns)
{
    note_all(j, ns->name, (struct bytes){ 0 }, ns->kv.metadata_writes);
    for (size_t i = 0; i < ns->collection_count; i++)
        note_all(j, ns->name, ns->collections[i].name, ns->collections[i].hashed.metadata_writes);
}

/* ---- one namespace --------------------------------------------------------------------------------- */

struct inquiry {
    struct judgement *j;
    const struct block_tx *tx;
    struct bytes ns;
    struct policy_text policy; /* the chaincode's */
    bool chaincode_was_asked, any_was_asked;
    bool may_have_metadata;
    bool is_good;
};

/* Where the original says VSCCExecutionFailureError. */
static enum weft_code execution_failure(struct weft_err *e, enum weft_code rc, const char *what)
{
    WEFT_IGNORE(weft_err_wrap(e, rc, "%s", what));
    if (e != NULL)
        e->code = WEFT_UNAVAILABLE;
    return WEFT_UNAVAILABLE;
}

static void ask(struct inquiry *q, struct policy_text policy)
{
    q->is_good = policy_judge_asks(q->j->judge, policy, &q->tx->signers);
    q->any_was_asked = true;
}

static void ask_chaincode(struct inquiry *q)
{
    if (q->chaincode_was_asked)
        return;
    ask(q, q->policy);
    q->chaincode_was_asked = true;
}

/* KVMetadataWrite { 2 entries [ { name, value } ] }: the last VALIDATION_PARAMETER. */
static enum weft_code validation_parameter(struct bytes metadata, struct bytes *ret,
                                           struct weft_err *e)
{
    struct bytes item;
    *ret = (struct bytes){ 0 };
    WEFT_TRY(proto_check(&kvrwset__kvmetadata_write__descriptor, metadata, 0, e));
    struct repeated entries = kv_metadata_write_of(metadata).entries;
    while (repeated_next(&entries, &item)) {
        struct kv_metadata_entry entry = kv_metadata_entry_of(item);
        if (bytes_eq(entry.name, bytes_of_str("VALIDATION_PARAMETER")))
            *ret = entry.value;
    }
    return WEFT_OK;
}

/* The metadata of a key, empty if it has none, or is of a collection that is not defined. */
static enum weft_code read_metadata(const struct inquiry *q, struct bytes collection,
                                    struct bytes key, struct buf *ret, struct weft_err *e)
{
    const struct validation_state *s = q->j->state;
    bool exists = true;
    if (!q->may_have_metadata)
        return WEFT_OK;
    if (collection.len > 0)
        WEFT_TRY(lifecycle_has_collection(q->j->lifecycle, q->ns, collection, &exists, e));
    if (!exists)
        return WEFT_OK;
    enum weft_code rc = s->metadata(s->ctx, q->ns, collection, key, ret, e);
    return rc == WEFT_NOT_FOUND ? WEFT_OK : rc;
}

/* A collection that cannot be looked up ends the work on the channel even when no key
 * can have metadata: as there, it is asked for first. */
static enum weft_code check_collection(const struct inquiry *q, struct bytes collection,
                                       struct weft_err *e)
{
    bool unused;
    if (q->may_have_metadata || collection.len == 0)
        return WEFT_OK;
    return lifecycle_has_collection(q->j->lifecycle, q->ns, collection, &unused, e);
}

/* The key's own policy; *ret_was_found says if there is one. */
static enum weft_code check_own_policy(struct inquiry *q, struct bytes collection, struct bytes key,
                                       bool *ret_was_found, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf metadata = { 0 };
    struct bytes policy;
    *ret_was_found = false;
    enum weft_code rc = read_metadata(q, collection, key, &metadata, e);
    if (rc == WEFT_OK)
        rc = validation_parameter(buf_bytes(&metadata), &policy, e);
    if (rc != WEFT_OK)
        return execution_failure(e, rc, "could not retrieve metadata");
    if (policy.len == 0)
        return WEFT_OK;
    if (q->j->rules.v20 && !signature_policy_envelope_is_one(policy)) {
        WEFT_IGNORE(WEFT_FAIL(e, WEFT_INVALID, "could not unmarshal signature policy envelope"));
        return execution_failure(e, WEFT_INVALID, "could not translate policy");
    }
    *ret_was_found = true;
    ask(q,
        (struct policy_text){ q->j->rules.v20 ? POLICY_SIGNATURE_ANY : POLICY_SIGNATURE, policy });
    return WEFT_OK;
}

/* The collection's policy, or the chaincode's; `was_asked` is the collection's. */
static enum weft_code check_default(struct inquiry *q, struct bytes collection, bool *was_asked,
                                    struct weft_err *e)
{
    struct policy_text own;
    enum collection_policy kind;
    if (!q->j->rules.v20 || collection.len == 0) {
        ask_chaincode(q);
        return WEFT_OK;
    }
    if (*was_asked)
        return WEFT_OK;
    enum weft_code rc =
        lifecycle_collection_policy(q->j->lifecycle, q->ns, collection, &kind, &own, e);
    if (rc != WEFT_OK)
        return execution_failure(e, rc, "could not retrieve collection's policy");
    switch (kind) {
    case COLLECTION_POLICY_OWN:
        ask(q, own);
        *was_asked = true;
        break;
    case COLLECTION_POLICY_NONE:
        ask_chaincode(q);
        break;
    case COLLECTION_POLICY_REFUSED:
        q->is_good = false;
        break;
    }
    return WEFT_OK;
}

/* All keys of one list; `is_metadata` says what its elements are. */
static enum weft_code check_keys(struct inquiry *q, struct bytes collection, bool *was_asked,
                                 struct repeated writes, bool is_metadata, struct weft_err *e)
{
    struct bytes item;
    while (q->is_good && repeated_next(&writes, &item)) {
        struct bytes key = is_metadata ? kv_metadata_write_of(item).key : kv_write_of(item).key;
        bool has_own = false;
        if (was_changed(q->j, q->ns, collection, key)) {
            q->is_good = false;
            break;
        }
        if (q->may_have_metadata)
            WEFT_TRY(check_own_policy(q, collection, key, &has_own, e));
        if (!has_own)
            WEFT_TRY(check_default(q, collection, was_asked, e));
    }
    return WEFT_OK;
}

/* Writes of all collections first, then metadata of all. */
static enum weft_code check_collections(struct inquiry *q, const struct tx_namespace *ns,
                                        struct weft_err *e)
{
    bool *asked = arena_alloc(&q->j->arena, ns->collection_count);
    for (int is_metadata = 0; is_metadata < 2; is_metadata++)
        for (size_t i = 0; q->is_good && i < ns->collection_count; i++) {
            const struct tx_collection *c = &ns->collections[i];
            struct repeated writes = is_metadata ? c->hashed.metadata_writes : c->hashed.writes;
            if (writes.count == 0)
                continue;
            enum weft_code rc = check_collection(q, c->name, e);
            if (rc != WEFT_OK)
                return execution_failure(e, rc, "could not retrieve metadata");
            WEFT_TRY(check_keys(q, c->name, &asked[i], writes, is_metadata != 0, e));
        }
    return WEFT_OK;
}

static enum weft_code check_writes(struct inquiry *q, const struct tx_namespace *ns,
                                   struct weft_err *e)
{
    const struct validation_state *s = q->j->state;
    struct bytes public = { 0 };
    bool unused = false;
    q->may_have_metadata = s->may_have_metadata == NULL || s->may_have_metadata(s->ctx, q->ns);
    WEFT_TRY(check_keys(q, public, &unused, ns->kv.writes, false, e));
    WEFT_TRY(check_keys(q, public, &unused, ns->kv.metadata_writes, true, e));
    return check_collections(q, ns, e);
}

enum weft_code endorsement_check(struct judgement *j, const struct block_tx *tx, struct bytes ns,
                                 struct policy_text policy, bool *ret_is_good, struct weft_err *e)
{
    struct inquiry q = { .j = j, .tx = tx, .ns = ns, .policy = policy, .is_good = true };
    const struct tx_namespace *writes = tx_check_namespace(&tx->check, ns);
    if (j->rules.v1_3 && writes != NULL)
        WEFT_TRY(check_writes(&q, writes, e));
    if (q.is_good && !q.any_was_asked)
        ask_chaincode(&q);
    *ret_is_good = q.is_good;
    return WEFT_OK;
}
