#include "endorser/chaincode_definition.h"

#include "bundle/bundle.h"
#include "endorser/go_words.h"
#include "policy/policy_tree.h"

#include <peer/collection.pb-c.h>
#include <peer/lifecycle/chaincode_definition.pb-c.h>

/* ---- to the store -------------------------------------------------------------------------- */

void chaincode_parameters_struct(const struct chaincode_definition *d, struct state_struct *ret)
{
    WEFT_CLEANUP(buf_done) struct buf endorsement = { 0 };
    WEFT_CLEANUP(buf_done) struct buf validation = { 0 };
    if (d->version.len > 0)
        wire_put_bytes(&endorsement, 1, d->version);
    if (d->init_required)
        wire_put_varint(&endorsement, 2, 1);
    if (d->endorsement_plugin.len > 0)
        wire_put_bytes(&endorsement, 3, d->endorsement_plugin);
    if (d->validation_plugin.len > 0)
        wire_put_bytes(&validation, 1, d->validation_plugin);
    if (d->validation_parameter.len > 0)
        wire_put_bytes(&validation, 2, d->validation_parameter);
    if (ret->datatype == NULL)
        ret->datatype = CHAINCODE_PARAMETERS;
    state_struct_add_bytes(ret, "EndorsementInfo", buf_bytes(&endorsement));
    state_struct_add_bytes(ret, "ValidationInfo", buf_bytes(&validation));
    state_struct_add_bytes(ret, "Collections", d->collections);
}

void chaincode_definition_struct(const struct chaincode_definition *d, struct state_struct *ret)
{
    ret->datatype = CHAINCODE_DEFINITION;
    state_struct_add_int64(ret, "Sequence", d->sequence);
    chaincode_parameters_struct(d, ret);
}

/* ---- from it --------------------------------------------------------------------------------- */

static enum weft_code read_message(const struct lifecycle_store *s, struct bytes name,
                                   const char *field, const ProtobufCMessageDescriptor *type,
                                   const char *go_type, struct bytes *ret, struct weft_err *e)
{
    WEFT_TRY(lifecycle_store_bytes(s, LIFECYCLE_NAMESPACES, name, field, ret, e));
    enum weft_code rc = go_proto_check(type, *ret, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "could not unmarshal key %s/fields/%.*s/%s to %s",
                             LIFECYCLE_NAMESPACES, (int)name.len, (const char *)name.data, field,
                             go_type);
    return WEFT_OK;
}

static void take_endorsement(struct bytes b, struct chaincode_definition *d)
{
    struct wire w = wire_of(b);
    struct wire_field f;
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_LEN))
            d->version = f.bytes;
        else if (wire_is(&f, 2, WIRE_VARINT))
            d->init_required = f.varint != 0;
        else if (wire_is(&f, 3, WIRE_LEN))
            d->endorsement_plugin = f.bytes;
    }
}

static void take_validation(struct bytes b, struct chaincode_definition *d)
{
    struct wire w = wire_of(b);
    struct wire_field f;
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_LEN))
            d->validation_plugin = f.bytes;
        else if (wire_is(&f, 2, WIRE_LEN))
            d->validation_parameter = f.bytes;
    }
}

enum weft_code chaincode_definition_read(const struct lifecycle_store *s, struct bytes name,
                                         const char *type, const struct state_metadata *m,
                                         struct chaincode_definition *ret, struct weft_err *e)
{
    struct chaincode_definition d = { 0 };
    struct bytes endorsement = { 0 }, validation = { 0 };
    if (!bytes_eq(m->datatype, bytes_of_str(type)))
        return WEFT_FAIL(e, WEFT_CORRUPT, "type name mismatch '%s' != '%.*s'", type,
                         (int)m->datatype.len, (const char *)m->datatype.data);
    if (strcmp(type, CHAINCODE_DEFINITION) == 0)
        WEFT_TRY(lifecycle_store_int64(s, LIFECYCLE_NAMESPACES, name, "Sequence", &d.sequence, e));
    WEFT_TRY(read_message(s, name, "EndorsementInfo",
                          &lifecycle__chaincode_endorsement_info__descriptor,
                          "*lifecycle.ChaincodeEndorsementInfo", &endorsement, e));
    WEFT_TRY(read_message(s, name, "ValidationInfo",
                          &lifecycle__chaincode_validation_info__descriptor,
                          "*lifecycle.ChaincodeValidationInfo", &validation, e));
    WEFT_TRY(read_message(s, name, "Collections", &protos__collection_config_package__descriptor,
                          "*peer.CollectionConfigPackage", &d.collections, e));
    take_endorsement(endorsement, &d);
    take_validation(validation, &d);
    *ret = d;
    return WEFT_OK;
}

/* ---- comparing ---------------------------------------------------------------------------------- */

static enum weft_code check_text(const char *what, struct bytes a, struct bytes b,
                                 struct weft_err *e)
{
    if (bytes_eq(a, b))
        return WEFT_OK;
    return WEFT_FAIL(e, WEFT_INVALID, "expected %s '%.*s' does not match passed %s '%.*s'", what,
                     (int)(a.len < 100 ? a.len : 100), (const char *)a.data, what,
                     (int)(b.len < 100 ? b.len : 100), (const char *)b.data);
}

enum weft_code chaincode_parameters_check_equal(const struct chaincode_definition *a,
                                                const struct chaincode_definition *b,
                                                struct weft_err *e)
{
    WEFT_TRY(check_text("Version", a->version, b->version, e));
    WEFT_TRY(check_text("EndorsementPlugin", a->endorsement_plugin, b->endorsement_plugin, e));
    WEFT_TRY(check_text("InitRequired", bytes_of_str(a->init_required ? "true" : "false"),
                        bytes_of_str(b->init_required ? "true" : "false"), e));
    WEFT_TRY(check_text("ValidationPlugin", a->validation_plugin, b->validation_plugin, e));
    if (!bytes_eq(a->validation_parameter, b->validation_parameter)) {
        WEFT_FREE char *left = bytes_to_hex(a->validation_parameter);
        WEFT_FREE char *right = bytes_to_hex(b->validation_parameter);
        return WEFT_FAIL(e, WEFT_INVALID,
                         "expected ValidationParameter '%.150s' does not match passed "
                         "ValidationParameter '%.150s'",
                         left, right);
    }
    if (!bytes_eq(a->collections, b->collections))
        return WEFT_FAIL(e, WEFT_INVALID, "Collections do not match");
    return WEFT_OK;
}

/* ---- defaults -------------------------------------------------------------------------------------- */

enum weft_code chaincode_definition_set_defaults(struct chaincode_definition *d,
                                                 const struct bundle *b, struct weft_err *e)
{
    static const char endorsement[] = "/Channel/Application/Endorsement";
    /* ApplicationPolicy { 2 channel_config_policy_reference } */
    static const char reference[] = "\x12\x20/Channel/Application/Endorsement";
    _Static_assert(sizeof(endorsement) - 1 == 0x20, "the length that stands in the reference");
    if (d->endorsement_plugin.len == 0)
        d->endorsement_plugin = bytes_of_str("escc");
    if (d->validation_plugin.len == 0)
        d->validation_plugin = bytes_of_str("vscc");
    if (d->validation_parameter.len > 0)
        return WEFT_OK;
    if (!policy_tree_has(bundle_policies(b), endorsement))
        return WEFT_FAIL(e, WEFT_INVALID,
                         "could not set defaults for chaincode definition in channel %s: policy "
                         "'%s' must be defined for channel '%s' before chaincode operations can be "
                         "attempted",
                         bundle_channel_id(b), endorsement, bundle_channel_id(b));
    d->validation_parameter = bytes_of_str(reference);
    return WEFT_OK;
}
