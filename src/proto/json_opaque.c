#include "proto/json_opaque.h"

#include "proto/envelope.h"

#include <common/common.pb-c.h>
#include <common/configtx.pb-c.h>
#include <common/configuration.pb-c.h>
#include <common/policies.pb-c.h>
#include <ledger/rwset/kvrwset/kv_rwset.pb-c.h>
#include <ledger/rwset/rwset.pb-c.h>
#include <msp/identities.pb-c.h>
#include <msp/msp_config.pb-c.h>
#include <msp/msp_principal.pb-c.h>
#include <orderer/configuration.pb-c.h>
#include <orderer/etcdraft/configuration.pb-c.h>
#include <peer/chaincode.pb-c.h>
#include <peer/configuration.pb-c.h>
#include <peer/proposal.pb-c.h>
#include <peer/proposal_response.pb-c.h>
#include <peer/transaction.pb-c.h>

typedef const ProtobufCMessageDescriptor *choose_fn(const struct json_scope *s);

/* ---- by a sibling ------------------------------------------------------- */

/* The last value of a number field, as an int32; 0 when there is none. */
static int32_t sibling_number(const struct json_scope *s, uint32_t number)
{
    struct wire w = wire_of(s->raw);
    struct wire_field f;
    int32_t n = 0;
    while (wire_next(&w, &f))
        if (wire_is(&f, number, WIRE_VARINT))
            n = (int32_t)(uint32_t)f.varint;
    return n;
}

static struct bytes sibling_bytes(const struct json_scope *s, uint32_t number)
{
    struct wire w = wire_of(s->raw);
    struct wire_field f;
    struct bytes b = { 0 };
    while (wire_next(&w, &f))
        if (wire_is(&f, number, WIRE_LEN))
            b = f.bytes;
    return b;
}

static const ProtobufCMessageDescriptor *choose_payload_data(const struct json_scope *s)
{
    struct payload_view payload;
    struct channel_header_view header;
    if (payload_parse(s->raw, &payload, NULL) != WEFT_OK || !payload.has_header ||
        channel_header_parse(payload.channel_header, &header, NULL) != WEFT_OK)
        return NULL;
    switch ((enum header_type)header.type) {
    case HEADER_CONFIG:
        return &common__config_envelope__descriptor;
    case HEADER_CONFIG_UPDATE:
        return &common__config_update_envelope__descriptor;
    case HEADER_ORDERER_TRANSACTION:
        return &common__envelope__descriptor;
    case HEADER_ENDORSER_TRANSACTION:
        return &protos__transaction__descriptor;
    case HEADER_MESSAGE: /* what the sample client broadcast_msg sent */
        return &common__config_value__descriptor;
    case HEADER_DELIVER_SEEK_INFO:
    case HEADER_CHAINCODE_PACKAGE:
    case HEADER_PEER_ADMIN_OPERATION:
        break;
    }
    return NULL;
}

static const ProtobufCMessageDescriptor *choose_extension(const struct json_scope *s)
{
    return sibling_number(s, 1) == HEADER_ENDORSER_TRANSACTION
               ? &protos__chaincode_header_extension__descriptor
               : NULL;
}

static const ProtobufCMessageDescriptor *choose_policy(const struct json_scope *s)
{
    int32_t type = sibling_number(s, 1);
    if (type == COMMON__POLICY__POLICY_TYPE__SIGNATURE)
        return &common__signature_policy_envelope__descriptor;
    return type == COMMON__POLICY__POLICY_TYPE__IMPLICIT_META
               ? &common__implicit_meta_policy__descriptor
               : NULL;
}

static const ProtobufCMessageDescriptor *choose_msp_config(const struct json_scope *s)
{
    enum {
        MSP_FABRIC,
        MSP_IDEMIX
    };
    int32_t type = sibling_number(s, 1);
    if (type == MSP_FABRIC)
        return &msp__fabric_mspconfig__descriptor;
    return type == MSP_IDEMIX ? &msp__idemix_mspconfig__descriptor : NULL;
}

static const ProtobufCMessageDescriptor *choose_principal(const struct json_scope *s)
{
    int32_t kind = sibling_number(s, 1);
    if (kind == COMMON__MSPPRINCIPAL__CLASSIFICATION__ROLE)
        return &common__msprole__descriptor;
    if (kind == COMMON__MSPPRINCIPAL__CLASSIFICATION__ORGANIZATION_UNIT)
        return &common__organization_unit__descriptor;
    return kind == COMMON__MSPPRINCIPAL__CLASSIFICATION__IDENTITY
               ? &msp__serialized_identity__descriptor
               : NULL;
}

/* Other consensus types have no metadata that anybody knows: any message
 * reads as one without fields. */
static const ProtobufCMessageDescriptor *choose_consensus_metadata(const struct json_scope *s)
{
    return bytes_eq(sibling_bytes(s, 1), bytes_of_str("etcdraft"))
               ? &etcdraft__config_metadata__descriptor
               : &common__capability__descriptor;
}

/* ---- by the place ------------------------------------------------------- */

static const struct value_row {
    enum json_dress group;
    const char *name;
    const ProtobufCMessageDescriptor *type;
} value_table[] = {
    { JSON_CHANNEL, "HashingAlgorithm", &common__hashing_algorithm__descriptor },
    { JSON_CHANNEL, "BlockDataHashingStructure",
      &common__block_data_hashing_structure__descriptor },
    { JSON_CHANNEL, "OrdererAddresses", &common__orderer_addresses__descriptor },
    { JSON_CHANNEL, "Consortium", &common__consortium__descriptor },
    { JSON_CHANNEL, "Capabilities", &common__capabilities__descriptor },
    { JSON_CONSORTIUM, "ChannelCreationPolicy", &common__policy__descriptor },
    { JSON_CONSORTIUM_ORG, "MSP", &msp__mspconfig__descriptor },
    { JSON_ORDERER, "ConsensusType", &orderer__consensus_type__descriptor },
    { JSON_ORDERER, "BatchSize", &orderer__batch_size__descriptor },
    { JSON_ORDERER, "BatchTimeout", &orderer__batch_timeout__descriptor },
    { JSON_ORDERER, "KafkaBrokers", &orderer__kafka_brokers__descriptor },
    { JSON_ORDERER, "ChannelRestrictions", &orderer__channel_restrictions__descriptor },
    { JSON_ORDERER, "Capabilities", &common__capabilities__descriptor },
    { JSON_ORDERER_ORG, "MSP", &msp__mspconfig__descriptor },
    { JSON_ORDERER_ORG, "Endpoints", &common__orderer_addresses__descriptor },
    { JSON_APPLICATION, "Capabilities", &common__capabilities__descriptor },
    { JSON_APPLICATION, "ACLs", &protos__acls__descriptor },
    { JSON_APPLICATION_ORG, "MSP", &msp__mspconfig__descriptor },
    { JSON_APPLICATION_ORG, "AnchorPeers", &protos__anchor_peers__descriptor },
};

static const ProtobufCMessageDescriptor *choose_config_value(const struct json_scope *s)
{
    for (size_t i = 0; i < WEFT_ARRAY_LEN(value_table); i++)
        if (value_table[i].group == s->dress &&
            bytes_eq(s->name, bytes_of_str(value_table[i].name)))
            return value_table[i].type;
    return NULL;
}

/* The groups that may lie in a group; a name of NULL stands for any. */
static const struct group_row {
    enum json_dress outer, inner;
    const char *name;
} group_table[] = {
    { JSON_CHANNEL, JSON_CONSORTIUMS, "Consortiums" }, { JSON_CHANNEL, JSON_ORDERER, "Orderer" },
    { JSON_CHANNEL, JSON_APPLICATION, "Application" }, { JSON_CONSORTIUMS, JSON_CONSORTIUM, NULL },
    { JSON_CONSORTIUM, JSON_CONSORTIUM_ORG, NULL },    { JSON_ORDERER, JSON_ORDERER_ORG, NULL },
    { JSON_APPLICATION, JSON_APPLICATION_ORG, NULL },
};

static enum json_dress group_dress(enum json_dress outer, struct bytes key)
{
    for (size_t i = 0; i < WEFT_ARRAY_LEN(group_table); i++)
        if (group_table[i].outer == outer &&
            (group_table[i].name == NULL || bytes_eq(key, bytes_of_str(group_table[i].name))))
            return group_table[i].inner;
    return JSON_NAKED;
}

enum json_dress json_dress_of(const struct json_scope *s, const ProtobufCFieldDescriptor *f,
                              struct bytes key)
{
    if (s->plain)
        return JSON_NAKED;
    if (f->descriptor == &common__config_group__descriptor)
        return s->type == &common__config__descriptor ||
                       s->type == &common__config_update__descriptor
                   ? JSON_CHANNEL
                   : JSON_NAKED;
    if (s->type == &common__config_group__descriptor && strcmp(f->name, "groups") == 0)
        return group_dress(s->dress, key);
    if (s->type == &common__config_group__descriptor && strcmp(f->name, "values") == 0)
        return s->dress;
    if (s->type == &rwset__tx_read_write_set__descriptor &&
        sibling_number(s, 1) == RWSET__TX_READ_WRITE_SET__DATA_MODEL__KV)
        return JSON_KV;
    return JSON_NAKED;
}

static const ProtobufCMessageDescriptor *choose_rwset(const struct json_scope *s)
{
    return s->dress == JSON_KV ? &kvrwset__kvrwset__descriptor : NULL;
}

/* ---- by the field ------------------------------------------------------- */

static const struct opaque_row {
    const ProtobufCMessageDescriptor *in;
    const char *field;
    const ProtobufCMessageDescriptor *type; /* NULL: ask choose */
    choose_fn *choose;
} opaque_table[] = {
    { &common__block_data__descriptor, "data", &common__envelope__descriptor, NULL },
    { &common__envelope__descriptor, "payload", &common__payload__descriptor, NULL },
    { &common__payload__descriptor, "data", NULL, choose_payload_data },
    { &common__header__descriptor, "channel_header", &common__channel_header__descriptor, NULL },
    { &common__header__descriptor, "signature_header", &common__signature_header__descriptor,
      NULL },
    { &common__channel_header__descriptor, "extension", NULL, choose_extension },
    { &common__signature_header__descriptor, "creator", &msp__serialized_identity__descriptor,
      NULL },
    { &common__config_update_envelope__descriptor, "config_update",
      &common__config_update__descriptor, NULL },
    { &common__config_signature__descriptor, "signature_header",
      &common__signature_header__descriptor, NULL },
    { &common__config_value__descriptor, "value", NULL, choose_config_value },
    { &common__policy__descriptor, "value", NULL, choose_policy },
    { &common__mspprincipal__descriptor, "principal", NULL, choose_principal },
    { &msp__mspconfig__descriptor, "config", NULL, choose_msp_config },
    { &orderer__consensus_type__descriptor, "metadata", NULL, choose_consensus_metadata },
    { &protos__transaction_action__descriptor, "header", &common__signature_header__descriptor,
      NULL },
    { &protos__transaction_action__descriptor, "payload",
      &protos__chaincode_action_payload__descriptor, NULL },
    { &protos__chaincode_action_payload__descriptor, "chaincode_proposal_payload",
      &protos__chaincode_proposal_payload__descriptor, NULL },
    { &protos__chaincode_endorsed_action__descriptor, "proposal_response_payload",
      &protos__proposal_response_payload__descriptor, NULL },
    { &protos__chaincode_proposal_payload__descriptor, "input",
      &protos__chaincode_invocation_spec__descriptor, NULL },
    { &protos__proposal_response_payload__descriptor, "extension",
      &protos__chaincode_action__descriptor, NULL },
    { &protos__chaincode_action__descriptor, "results", &rwset__tx_read_write_set__descriptor,
      NULL },
    { &protos__chaincode_action__descriptor, "events", &protos__chaincode_event__descriptor, NULL },
    { &rwset__ns_read_write_set__descriptor, "rwset", NULL, choose_rwset },
};

const ProtobufCMessageDescriptor *json_opaque_type(const struct json_scope *s,
                                                   const ProtobufCFieldDescriptor *f)
{
    if (s->plain)
        return NULL;
    for (size_t i = 0; i < WEFT_ARRAY_LEN(opaque_table); i++) {
        const struct opaque_row *row = &opaque_table[i];
        if (row->in == s->type && strcmp(row->field, f->name) == 0)
            return row->type != NULL ? row->type : row->choose(s);
    }
    return NULL;
}
