#include "validation/lscc_rules.h"

#include "base/limits.h"
#include "bundle/capabilities.h"
#include "proto/proto_check.h"

#include <peer/chaincode.pb-c.h>
#include <peer/collection.pb-c.h>
#include <peer/proposal.pb-c.h>

enum {
    TYPE_GOLANG = 1,
    TYPE_JAVA = 4, /* the last that is known */
    ARGS_MAX = 7,  /* the function's name, and six that it may have */
    ARG_SPEC = 2,  /* ChaincodeDeploymentSpec */
    ARG_COLLECTIONS = 6,
};

/* ---- reading ----------------------------------------------------------------------------------- */

/* A field that is a message: its parts, one after the other, are one.  No data: not there. */
static struct bytes message_field(struct bytes b, uint32_t number, struct arena *arena)
{
    struct wire w = wire_of(b);
    struct wire_field f;
    struct buf all = { 0 };
    struct bytes found = { 0 };
    size_t parts = 0;
    while (wire_next(&w, &f)) {
        if (!wire_is(&f, number, WIRE_LEN))
            continue;
        if (parts++ > 0 && all.len == 0)
            buf_put(&all, found);
        found = f.bytes;
        if (parts > 1)
            buf_put(&all, found);
    }
    if (parts > 1) {
        uint8_t *to = arena_alloc(arena, all.len);
        if (all.len > 0)
            memcpy(to, all.data, all.len);
        found = bytes_of(to, all.len);
    }
    buf_done(&all);
    return found;
}

static struct bytes bytes_field(struct bytes b, uint32_t number)
{
    struct wire w = wire_of(b);
    struct wire_field f;
    struct bytes last = { 0 };
    while (wire_next(&w, &f))
        if (wire_is(&f, number, WIRE_LEN))
            last = f.bytes;
    return last;
}

static uint64_t number_field(struct bytes b, uint32_t number)
{
    struct wire w = wire_of(b);
    struct wire_field f;
    uint64_t last = 0;
    while (wire_next(&w, &f))
        if (wire_is(&f, number, WIRE_VARINT))
            last = f.varint;
    return last;
}

/* What lscc was asked to do. */
struct request {
    struct bytes args[ARGS_MAX];
    size_t count; /* of all arguments, however many there are */
};

/* ChaincodeProposalPayload { 1 input = ChaincodeInvocationSpec { 1 spec { 3 input { 1 args } } } } */
static bool read_request(struct bytes proposal_payload, struct arena *arena, struct request *r)
{
    if (proto_check(&protos__chaincode_proposal_payload__descriptor, proposal_payload, 0, NULL) !=
        WEFT_OK)
        return false;
    struct bytes invocation = bytes_field(proposal_payload, 1);
    if (proto_check(&protos__chaincode_invocation_spec__descriptor, invocation, 0, NULL) != WEFT_OK)
        return false;
    struct bytes spec = message_field(invocation, 1, arena);
    struct bytes input = message_field(spec, 3, arena), item;
    for (struct repeated args = repeated_of(input, 1); repeated_next(&args, &item);) {
        if (r->count < ARGS_MAX)
            r->args[r->count] = item;
        r->count++;
    }
    return r->count > 0;
}

static bool is_call_of(const struct request *r, const char *function)
{
    return bytes_eq(r->args[0], bytes_of_str(function));
}

/* The chaincode of a ChaincodeDeploymentSpec { 1 spec { 1 type, 2 id { 2 name, 3 version } } } */
struct deployed {
    int32_t type;
    struct bytes name, version;
};

static bool read_deployed(struct bytes b, struct arena *arena, struct deployed *ret)
{
    if (proto_check(&protos__chaincode_deployment_spec__descriptor, b, 0, NULL) != WEFT_OK)
        return false;
    struct bytes spec = message_field(b, 1, arena);
    struct bytes id = message_field(spec, 2, arena);
    *ret = (struct deployed){
        .type = (int32_t)(uint32_t)number_field(spec, 1),
        .name = bytes_field(id, 2),
        .version = bytes_field(id, 3),
    };
    return spec.data != NULL && id.data != NULL;
}

/* ---- names -------------------------------------------------------------------------------------- */

static bool is_alphanumeric(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_of(struct bytes b, const char *others)
{
    for (size_t i = 0; i < b.len; i++)
        if (!is_alphanumeric(b.data[i]) && (b.data[i] == 0 || strchr(others, b.data[i]) == NULL))
            return false;
    return b.len > 0;
}

/* Words of letters and digits, joined by one "-" or "_" each. */
static bool is_chaincode_name(struct bytes b)
{
    bool after_word = false;
    for (size_t i = 0; i < b.len; i++) {
        bool joins = b.data[i] == '-' || b.data[i] == '_';
        if (joins ? !after_word : !is_alphanumeric(b.data[i]))
            return false;
        after_word = !joins;
    }
    return after_word;
}

static bool is_system_name(struct bytes b)
{
    static const char *const names[] = { "cscc", "escc", "lscc", "qscc", "vscc" };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(names); i++)
        if (bytes_eq(b, bytes_of_str(names[i])))
            return true;
    return false;
}

static bool may_be_deployed(const struct deployed *d)
{
    return d->type >= TYPE_GOLANG && d->type <= TYPE_JAVA && is_chaincode_name(d->name) &&
           !is_system_name(d->name) && is_of(d->version, "_.+-");
}

/* ---- collections ------------------------------------------------------------------------------- */

/* StaticCollectionConfig */
struct static_collection {
    struct bytes name, member_rule; /* SignaturePolicy */
    bool has_policy;
    int32_t required, maximum;
    uint64_t block_to_live;
};

/* The last of a oneof with one member, number 1. */
static struct bytes one_of(struct bytes b, bool *ret_is_there)
{
    struct bytes last = bytes_field(b, 1);
    *ret_is_there = last.data != NULL;
    return last;
}

static bool read_collection(struct bytes config, struct arena *arena, struct static_collection *ret)
{
    bool is_there;
    struct bytes b = one_of(config, &is_there);
    *ret = (struct static_collection){
        .name = bytes_field(b, 1),
        .required = (int32_t)(uint32_t)number_field(b, 3),
        .maximum = (int32_t)(uint32_t)number_field(b, 4),
        .block_to_live = number_field(b, 5),
    };
    struct bytes policy = one_of(message_field(b, 2, arena), &ret->has_policy);
    ret->member_rule = message_field(policy, 2, arena);
    return is_there;
}

/* SignaturePolicy { oneof: 1 signed_by, 2 n_out_of { 1 n, 2 rules } }: only "one of" gates. */
static bool is_or_of_members(struct bytes rule, unsigned depth)
{
    struct wire w = wire_of(rule);
    struct wire_field f, last = { 0 };
    while (wire_next(&w, &f))
        if (wire_is(&f, 1, WIRE_VARINT) || wire_is(&f, 2, WIRE_LEN))
            last = f;
    if (last.number != 2)
        return true;
    if (depth > LIMIT_POLICY_DEPTH || (int32_t)(uint32_t)number_field(last.bytes, 1) != 1)
        return false;
    struct bytes item;
    for (struct repeated r = repeated_of(last.bytes, 2); repeated_next(&r, &item);)
        if (!is_or_of_members(item, depth + 1))
            return false;
    return true;
}

static bool new_collection_is_good(const struct static_collection *c)
{
    return is_of(c->name, "_-") && c->maximum >= c->required && c->required >= 0 && c->has_policy &&
           is_or_of_members(c->member_rule, 1);
}

/* All that are asked for; NULL in the map for none. */
static bool read_new_collections(struct bytes package, struct arena *arena, struct byte_map *ret)
{
    struct bytes item;
    for (struct repeated r = repeated_of(package, 1); repeated_next(&r, &item);) {
        struct static_collection *c = arena_alloc(arena, sizeof(*c));
        if (!read_collection(item, arena, c) || !new_collection_is_good(c))
            return false;
        void **at = byte_map_at(ret, c->name);
        if (*at != NULL)
            return false;
        *at = c;
    }
    return true;
}

/* Those that were there must be there again, and live as long. */
static bool keeps_old_collections(struct bytes old, struct arena *arena, const struct byte_map *new)
{
    struct bytes item;
    for (struct repeated r = repeated_of(old, 1); repeated_next(&r, &item);) {
        struct static_collection c;
        if (!read_collection(item, arena, &c))
            return false;
        const struct static_collection *now = byte_map_find(new, c.name);
        if (now == NULL || now->block_to_live != c.block_to_live)
            return false;
    }
    return true;
}

/* ---- deploy and upgrade -------------------------------------------------------------------------- */

struct lscc_call {
    struct judgement *j;
    const struct block_tx *tx;
    struct request request;
    bool upgrades;
    struct deployed deployed;
    struct kv_write writes[2]; /* to lscc; the first two */
    size_t write_count;
    struct lscc_chaincode written;
};

static enum weft_code execution_failure(struct weft_err *e, enum weft_code rc)
{
    WEFT_IGNORE(weft_err_wrap(e, rc, "could not retrieve state for lscc"));
    if (e != NULL)
        e->code = WEFT_UNAVAILABLE;
    return WEFT_UNAVAILABLE;
}

/* CollectionConfigPackage of the chaincode, as the state has it; no data: none. */
static enum weft_code old_collections(struct lscc_call *c, struct bytes *ret, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf key = { 0 };
    WEFT_CLEANUP(buf_done) struct buf value = { 0 };
    const struct validation_state *s = c->j->state;
    buf_put(&key, c->deployed.name);
    buf_put_str(&key, "~collection");
    *ret = (struct bytes){ 0 };
    enum weft_code rc = s->get(s->ctx, bytes_of_str("lscc"), buf_bytes(&key), &value, e);
    if (rc == WEFT_NOT_FOUND)
        return WEFT_OK;
    if (rc == WEFT_OK)
        rc = proto_check(&protos__collection_config_package__descriptor, buf_bytes(&value), 0, e);
    if (rc != WEFT_OK)
        return execution_failure(e, rc);
    uint8_t *kept = arena_alloc(&c->j->arena, value.len);
    if (value.len > 0)
        memcpy(kept, value.data, value.len);
    *ret = bytes_of(kept, value.len);
    return WEFT_OK;
}

/* What is asked for must be what is written. */
static bool collections_are_written(const struct lscc_call *c, struct bytes asked)
{
    WEFT_CLEANUP(buf_done) struct buf key = { 0 };
    struct bytes written = { 0 };
    if (c->write_count > 2)
        return false;
    if (c->write_count == 2) {
        buf_put(&key, c->written.name);
        buf_put_str(&key, "~collection");
        if (!bytes_eq(c->writes[1].key, buf_bytes(&key)))
            return false;
        written = c->writes[1].value;
    }
    return bytes_eq(asked, written);
}

static enum weft_code check_collections(struct lscc_call *c, bool *ret_is_good, struct weft_err *e)
{
    WEFT_CLEANUP(byte_map_done) struct byte_map new = { 0 };
    bool is_asked = c->request.count > ARG_COLLECTIONS;
    struct bytes asked = is_asked ? c->request.args[ARG_COLLECTIONS] : (struct bytes){ 0 }, old;
    *ret_is_good = false;
    if (!collections_are_written(c, asked))
        return WEFT_OK;
    if (!c->upgrades) {
        WEFT_TRY(old_collections(c, &old, e));
        if (old.data != NULL)
            return WEFT_OK;
    }
    *ret_is_good = true;
    if (!is_asked)
        return WEFT_OK;
    *ret_is_good =
        proto_check(&protos__collection_config_package__descriptor, asked, 0, NULL) == WEFT_OK;
    if (!*ret_is_good || !c->j->rules.v1_2)
        return WEFT_OK;
    *ret_is_good = read_new_collections(asked, &c->j->arena, &new);
    if (!*ret_is_good || !c->upgrades)
        return WEFT_OK;
    WEFT_TRY(old_collections(c, &old, e));
    *ret_is_good = keeps_old_collections(old, &c->j->arena, &new);
    return WEFT_OK;
}

/* The transaction's creator alone, whose signature is good. */
static bool creator_satisfies(struct lscc_call *c, struct bytes policy)
{
    struct tx_signers creator;
    tx_signers_of(&c->tx->creator, 1, false, &c->j->arena, &creator);
    return policy_judge_asks(c->j->judge, (struct policy_text){ POLICY_SIGNATURE, policy },
                             &creator);
}

static bool takes_lscc_writes(struct lscc_call *c)
{
    const struct tx_namespace *lscc = tx_check_namespace(&c->tx->check, bytes_of_str("lscc"));
    struct bytes item;
    if (lscc == NULL)
        return false;
    for (struct repeated r = lscc->kv.writes; repeated_next(&r, &item);) {
        if (c->write_count < WEFT_ARRAY_LEN(c->writes))
            c->writes[c->write_count] = kv_write_of(item);
        c->write_count++;
    }
    return c->write_count > 0;
}

static bool writes_what_was_asked(struct lscc_call *c)
{
    const struct tx_check *check = &c->tx->check;
    if (!takes_lscc_writes(c) || !bytes_eq(c->writes[0].key, c->deployed.name))
        return false;
    lscc_chaincode_parse(c->writes[0].value, &c->written);
    if (c->written.is_broken || !bytes_eq(c->written.name, c->deployed.name) ||
        !bytes_eq(c->written.version, c->deployed.version))
        return false;
    for (size_t i = 0; i < check->namespace_count; i++) {
        const struct tx_namespace *ns = &check->namespaces[i];
        if (ns->kv.writes.count > 0 && !bytes_eq(ns->name, bytes_of_str("lscc")) &&
            !bytes_eq(ns->name, c->written.name))
            return false;
    }
    return true;
}

static enum weft_code check_deploy(struct lscc_call *c, const struct lscc_chaincode *now,
                                   bool *ret_is_good, struct weft_err *e)
{
    *ret_is_good = !now->is_there;
    if (!*ret_is_good)
        return WEFT_OK;
    if (c->j->rules.private_data)
        WEFT_TRY(check_collections(c, ret_is_good, e));
    else
        *ret_is_good = c->write_count == 1;
    *ret_is_good = *ret_is_good && c->written.instantiation_policy.data != NULL &&
                   creator_satisfies(c, c->written.instantiation_policy);
    return WEFT_OK;
}

static enum weft_code check_upgrade(struct lscc_call *c, const struct lscc_chaincode *now,
                                    bool *ret_is_good, struct weft_err *e)
{
    *ret_is_good = now->is_there && !bytes_eq(now->version, c->deployed.version);
    if (!*ret_is_good)
        return WEFT_OK;
    if (c->j->rules.v1_2)
        WEFT_TRY(check_collections(c, ret_is_good, e));
    else
        *ret_is_good = c->write_count == 1;
    struct bytes old = now->instantiation_policy, new = c->written.instantiation_policy;
    *ret_is_good = *ret_is_good && old.data != NULL && creator_satisfies(c, old);
    if (c->j->capabilities->v1_1_validation)
        *ret_is_good =
            *ret_is_good && new.data != NULL && (bytes_eq(old, new) || creator_satisfies(c, new));
    return WEFT_OK;
}

enum weft_code lscc_rules_check(struct judgement *j, const struct block_tx *tx, bool *ret_is_good,
                                struct weft_err *e)
{
    struct lscc_call c = { .j = j, .tx = tx };
    const struct lscc_chaincode *now;
    *ret_is_good = false;
    if (!read_request(tx->check.proposal_payload, &j->arena, &c.request))
        return WEFT_OK;
    c.upgrades = is_call_of(&c.request, "upgrade");
    if (!c.upgrades && !is_call_of(&c.request, "deploy"))
        return WEFT_OK;
    size_t most = j->rules.private_data ? ARGS_MAX : ARGS_MAX - 1;
    if (c.request.count < ARG_SPEC + 1 || c.request.count > most ||
        !read_deployed(c.request.args[ARG_SPEC], &j->arena, &c.deployed) ||
        !may_be_deployed(&c.deployed))
        return WEFT_OK;
    enum weft_code rc = lifecycle_lscc(j->lifecycle, c.deployed.name, &now, e);
    if (rc == WEFT_OK && now->is_there && now->is_broken)
        rc = WEFT_FAIL(e, WEFT_CORRUPT, "unmarshalling ChaincodeQueryResponse failed");
    if (rc != WEFT_OK)
        return execution_failure(e, rc);
    if (!writes_what_was_asked(&c))
        return WEFT_OK;
    return c.upgrades ? check_upgrade(&c, now, ret_is_good, e)
                      : check_deploy(&c, now, ret_is_good, e);
}

struct bytes lscc_upgraded_chaincode(const struct block_tx *tx, struct arena *arena)
{
    struct bytes none = { 0 };
    struct request r = { 0 };
    struct deployed d;
    if (!read_request(tx->check.proposal_payload, arena, &r) || !is_call_of(&r, "upgrade") ||
        r.count <= ARG_SPEC || !read_deployed(r.args[ARG_SPEC], arena, &d) || d.type != TYPE_GOLANG)
        return none;
    return d.name;
}
