#include "validation/tx_check.h"

#include "base/byte_map.h"
#include "bundle/capabilities.h"

enum {
    PAIRS_MAX = 16 /* namespaces that are compared each with each */
};

struct tx_rules tx_rules_of(const struct application_capabilities *c)
{
    return (struct tx_rules){
        .v20 = c->v2_0_validation,
        .v1_2 = c->v1_2_validation,
        .private_data = c->private_channel_data,
        .key_level = c->key_level_endorsement,
        .v1_3 = c->v2_0_validation || c->v1_3_validation,
    };
}

/* ---- headers ----------------------------------------------------------------------------- */

static bool is_known_type(int32_t type)
{
    return type == HEADER_ENDORSER_TRANSACTION || type == HEADER_CONFIG_UPDATE ||
           type == HEADER_CONFIG;
}

/* A nonce and a creator, both there and not empty. */
static bool signature_header_is_whole(struct bytes b, struct signature_header_view *ret)
{
    return signature_header_parse(b, ret, NULL) == WEFT_OK && ret->nonce.len > 0 &&
           ret->creator.len > 0;
}

struct headers {
    struct payload_view payload;
    struct channel_header_view channel;
    struct signature_header_view signature;
};

static enum tx_validation_code read_headers(struct bytes payload, struct headers *h)
{
    if (payload_parse(payload, &h->payload, NULL) != WEFT_OK)
        return TX_BAD_PAYLOAD;
    if (!h->payload.has_header ||
        channel_header_parse(h->payload.channel_header, &h->channel, NULL) != WEFT_OK ||
        !is_known_type(h->channel.type) || h->channel.epoch != 0 ||
        !signature_header_is_whole(h->payload.signature_header, &h->signature))
        return TX_BAD_COMMON_HEADER;
    return TX_VALID;
}

static bool tx_id_is_computed(const struct headers *h)
{
    char room[TX_ID_LEN + 1];
    tx_id_compute(h->signature.nonce, h->signature.creator, room);
    return bytes_eq(h->channel.tx_id, bytes_of(room, TX_ID_LEN));
}

/* ---- the endorser transaction's layers ----------------------------------------------------- */

struct layers {
    struct chaincode_action_payload payload;
    struct proposal_response_payload response;
};

static bool proposal_hash_matches(const struct headers *h, struct bytes action_header,
                                  const struct layers *l)
{
    struct sha256 sum;
    if (l->payload.chaincode_proposal_payload.data == NULL)
        return false;
    sha256_init(&sum);
    sha256_add(&sum, h->payload.channel_header);
    sha256_add(&sum, action_header);
    sha256_add(&sum, l->payload.chaincode_proposal_payload);
    struct digest d = sha256_end(&sum);
    return bytes_eq(digest_bytes(&d), l->response.proposal_hash);
}

static bool read_layers(const struct headers *h, struct layers *l)
{
    struct transaction_view tx;
    struct signature_header_view header;
    struct bytes item;
    if (h->payload.data.data == NULL || transaction_parse(h->payload.data, &tx, NULL) != WEFT_OK ||
        tx.actions.count != 1 || !repeated_next(&tx.actions, &item))
        return false;
    struct transaction_action action = transaction_action_of(item);
    return signature_header_is_whole(action.header, &header) &&
           chaincode_action_payload_parse(action.payload, &l->payload, NULL) == WEFT_OK &&
           l->payload.has_action &&
           proposal_response_payload_parse(l->payload.proposal_response_payload, &l->response,
                                           NULL) == WEFT_OK &&
           proposal_hash_matches(h, action.header, l);
}

static void take_endorsements(struct tx_check *c, struct repeated items, struct arena *arena)
{
    struct endorsement *all = arena_alloc(arena, items.count * sizeof(*all));
    struct bytes item;
    while (repeated_next(&items, &item))
        all[c->endorsement_count++] = endorsement_of(item);
    c->endorsements = all;
}

/* ---- the read-write set ---------------------------------------------------------------------- */

static bool writes_metadata(const struct tx_namespace *ns)
{
    bool any = ns->kv.metadata_writes.count > 0;
    for (size_t i = 0; i < ns->collection_count; i++)
        any = any || ns->collections[i].hashed.metadata_writes.count > 0;
    return any;
}

static bool writes_that_count(const struct tx_namespace *ns, const struct tx_rules *rules)
{
    if (ns->kv.writes.count > 0)
        return true;
    for (size_t i = 0; rules->private_data && i < ns->collection_count; i++) {
        const struct kv_rwset_view *hashed = &ns->collections[i].hashed;
        if (hashed->writes.count > 0 || (rules->key_level && hashed->metadata_writes.count > 0))
            return true;
    }
    return rules->key_level && ns->kv.metadata_writes.count > 0;
}

static bool read_namespace(struct bytes item, const struct tx_rules *rules, struct arena *arena,
                           struct tx_namespace *ret)
{
    struct ns_rwset ns = ns_rwset_of(item);
    ret->name = ns.name;
    if (kv_rwset_parse(ns.rwset, &ret->kv, NULL) != WEFT_OK)
        return false;
    struct tx_collection *all = arena_alloc(arena, ns.collections.count * sizeof(*all));
    struct bytes one;
    while (repeated_next(&ns.collections, &one)) {
        struct collection_rwset c = collection_rwset_of(one);
        struct tx_collection *to = &all[ret->collection_count++];
        to->name = c.name;
        to->pvt_rwset_hash = c.pvt_rwset_hash;
        if (hashed_rwset_parse(c.hashed_rwset, &to->hashed, NULL) != WEFT_OK)
            return false;
    }
    ret->collections = all;
    ret->is_judged = writes_that_count(ret, rules);
    ret->writes_metadata = writes_metadata(ret);
    return true;
}

static bool read_rwset(struct bytes results, const struct tx_rules *rules, struct arena *arena,
                       struct tx_check *c)
{
    struct tx_rwset_view set;
    struct bytes item;
    if (tx_rwset_parse(results, &set, NULL) != WEFT_OK)
        return false;
    struct tx_namespace *all = arena_alloc(arena, set.namespaces.count * sizeof(*all));
    size_t count = 0;
    while (repeated_next(&set.namespaces, &item))
        if (!read_namespace(item, rules, arena, &all[count++]))
            return false;
    c->namespaces = all;
    c->namespace_count = count;
    return true;
}

bool tx_check_rwset(struct bytes envelope, struct arena *arena, struct tx_check *ret)
{
    static const struct tx_rules no_rules;
    struct envelope_view v;
    struct headers h = { 0 };
    struct chaincode_action action;
    struct tx_check c = { .code = TX_VALID };
    if (envelope_parse(envelope, &v, NULL) != WEFT_OK ||
        payload_parse(v.payload, &h.payload, NULL) != WEFT_OK || !h.payload.has_header ||
        channel_header_parse(h.payload.channel_header, &h.channel, NULL) != WEFT_OK ||
        h.channel.type != HEADER_ENDORSER_TRANSACTION ||
        transaction_chaincode_action(h.payload.data, &action, NULL) != WEFT_OK ||
        !read_rwset(action.results, &no_rules, arena, &c))
        return false;
    c.type = HEADER_ENDORSER_TRANSACTION;
    c.channel_id = h.channel.channel_id;
    c.tx_id = h.channel.tx_id;
    *ret = c;
    return true;
}

static bool has_a_namespace_twice(const struct tx_check *c)
{
    WEFT_CLEANUP(byte_map_done) struct byte_map seen = { 0 };
    for (size_t i = 0; i < c->namespace_count; i++) {
        struct bytes name = c->namespaces[i].name;
        if (c->namespace_count <= PAIRS_MAX) {
            for (size_t j = 0; j < i; j++)
                if (bytes_eq(c->namespaces[j].name, name))
                    return true;
            continue;
        }
        void **at = byte_map_at(&seen, name);
        if (*at != NULL)
            return true;
        *at = &seen; /* anything that is not NULL */
    }
    return false;
}

const struct tx_namespace *tx_check_namespace(const struct tx_check *c, struct bytes name)
{
    for (size_t i = 0; i < c->namespace_count; i++)
        if (bytes_eq(c->namespaces[i].name, name))
            return &c->namespaces[i];
    return NULL;
}

/* ---- the chaincode that was invoked ---------------------------------------------------------- */

static bool event_is_of(struct bytes events, struct bytes chaincode)
{
    struct chaincode_event event;
    return events.data == NULL || (chaincode_event_parse(events, &event, NULL) == WEFT_OK &&
                                   bytes_eq(event.chaincode_id, chaincode));
}

static enum tx_validation_code check_invocation(const struct headers *h, const struct layers *l,
                                                const struct tx_rules *rules, struct arena *arena,
                                                struct tx_check *c)
{
    struct chaincode_header_extension x;
    struct chaincode_action action;
    if (chaincode_header_extension_parse(h->channel.extension, &x, NULL) != WEFT_OK)
        return TX_BAD_HEADER_EXTENSION;
    if (l->response.extension.data == NULL ||
        chaincode_action_parse(l->response.extension, &action, NULL) != WEFT_OK)
        return TX_BAD_RESPONSE_PAYLOAD;
    if (!read_rwset(action.results, rules, arena, c))
        return TX_BAD_RWSET;
    if (!x.has_chaincode_id || !action.has_chaincode_id)
        return TX_INVALID_OTHER_REASON;
    c->chaincode = x.chaincode_id.name;
    c->version = action.chaincode_id.version;
    if (c->chaincode.len == 0 || !bytes_eq(c->chaincode, action.chaincode_id.name) ||
        c->version.len == 0)
        return rules->v20 ? TX_INVALID_CHAINCODE : TX_INVALID_OTHER_REASON;
    if ((rules->v20 || rules->v1_2) && !event_is_of(action.events, c->chaincode))
        return TX_INVALID_OTHER_REASON;
    return has_a_namespace_twice(c) ? TX_ILLEGAL_WRITESET : TX_VALID;
}

static void check_endorser_transaction(const struct headers *h, const struct tx_rules *rules,
                                       struct arena *arena, struct tx_check *c)
{
    struct layers l = { 0 };
    c->tx_id = h->channel.tx_id;
    if (!tx_id_is_computed(h)) {
        c->code_after_creator = TX_BAD_PROPOSAL_TXID;
        return;
    }
    if (!read_layers(h, &l)) {
        c->code_after_creator = TX_INVALID_ENDORSER_TRANSACTION;
        return;
    }
    c->proposal_payload = l.payload.chaincode_proposal_payload;
    c->response_payload = l.payload.proposal_response_payload;
    c->code_in_turn = check_invocation(h, &l, rules, arena, c);
    if (c->code_in_turn == TX_VALID)
        take_endorsements(c, l.payload.endorsements, arena);
}

void tx_check(struct bytes envelope, const struct tx_rules *rules, struct arena *arena,
              struct tx_check *ret)
{
    struct envelope_view v;
    struct headers h = { 0 };
    struct tx_check c = { .code = TX_VALID };
    *ret = (struct tx_check){ .code = TX_INVALID_OTHER_REASON };
    if (envelope_parse(envelope, &v, NULL) != WEFT_OK)
        return;
    ret->code = read_headers(v.payload, &h);
    if (ret->code != TX_VALID)
        return;
    c.type = (enum header_type)h.channel.type;
    c.channel_id = h.channel.channel_id;
    c.creator = h.signature.creator;
    c.payload = v.payload;
    c.signature = v.signature;
    c.data = h.payload.data;
    if (c.type == HEADER_ENDORSER_TRANSACTION)
        check_endorser_transaction(&h, rules, arena, &c);
    else if (c.type == HEADER_CONFIG)
        c.code_after_creator = c.data.data != NULL ? TX_VALID : TX_INVALID_CONFIG_TRANSACTION;
    else
        c.code_after_creator = TX_UNSUPPORTED_TX_PAYLOAD;
    *ret = c;
}

static enum tx_validation_code read_again(struct bytes envelope, struct arena *arena,
                                          struct tx_check *c)
{
    static const struct tx_rules none = { 0 };
    struct envelope_headers h;
    struct chaincode_action action;
    if (envelope_headers_parse(envelope, &h, NULL) != WEFT_OK)
        return TX_INVALID_OTHER_REASON;
    c->type = (enum header_type)h.channel.type;
    c->tx_id = h.channel.tx_id;
    c->data = h.payload.data;
    if (c->type != HEADER_ENDORSER_TRANSACTION)
        return TX_VALID;
    if (transaction_chaincode_action(h.payload.data, &action, NULL) != WEFT_OK)
        return TX_NIL_TXACTION;
    c->chaincode = action.chaincode_id.name;
    return read_rwset(action.results, &none, arena, c) ? TX_VALID : TX_INVALID_OTHER_REASON;
}

void tx_check_again(struct bytes envelope, struct arena *arena, struct tx_check *ret)
{
    struct tx_check c = { 0 };
    c.code = read_again(envelope, arena, &c);
    *ret = c.code == TX_VALID ? c : (struct tx_check){ .code = c.code };
}
