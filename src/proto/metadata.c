#include "proto/metadata.h"

#include "proto/proto_check.h"

#include <common/common.pb-c.h>
#include <peer/transaction.pb-c.h>

enum weft_code metadata_parse(struct bytes b, struct metadata_view *ret, struct weft_err *e)
{
    WEFT_TRY(proto_check(&common__metadata__descriptor, b, 0, e));
    struct metadata_view m = { .signatures = repeated_of(b, 2) };
    struct wire w = wire_of(b);
    struct wire_field f;
    while (wire_next(&w, &f))
        if (wire_is(&f, 1, WIRE_LEN))
            m.value = f.bytes;
    *ret = m;
    return WEFT_OK;
}

struct metadata_signature metadata_signature_of(struct bytes item)
{
    struct metadata_signature s = { 0 };
    struct wire w = wire_of(item);
    struct wire_field f;
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_LEN))
            s.signature_header = f.bytes;
        else if (wire_is(&f, 2, WIRE_LEN))
            s.signature = f.bytes;
    }
    return s;
}

/* Adds what this part of a LastConfig says. */
static void take_last_config(struct bytes b, uint64_t *number)
{
    struct wire w = wire_of(b);
    struct wire_field f;
    while (wire_next(&w, &f))
        if (wire_is(&f, 1, WIRE_VARINT))
            *number = f.varint;
}

enum weft_code last_config_parse(struct bytes b, uint64_t *ret_number, struct weft_err *e)
{
    WEFT_TRY(proto_check(&common__last_config__descriptor, b, 0, e));
    uint64_t number = 0;
    take_last_config(b, &number);
    *ret_number = number;
    return WEFT_OK;
}

enum weft_code orderer_block_metadata_parse(struct bytes b, struct orderer_block_metadata *ret,
                                            struct weft_err *e)
{
    WEFT_TRY(proto_check(&common__orderer_block_metadata__descriptor, b, 0, e));
    struct orderer_block_metadata m = { 0 };
    struct wire w = wire_of(b);
    struct wire_field f;
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_LEN)) {
            m.has_last_config = true;
            take_last_config(f.bytes, &m.last_config);
        } else if (wire_is(&f, 2, WIRE_LEN)) {
            m.consenter_metadata = f.bytes;
        }
    }
    *ret = m;
    return WEFT_OK;
}

/* ---- of a block ----------------------------------------------------------- */

static const char *slot_name(enum block_slot slot)
{
    return common__block_metadata_index__descriptor.values[slot].name;
}

enum weft_code block_metadata(const struct block_view *v, enum block_slot slot,
                              struct metadata_view *ret, struct weft_err *e)
{
    if (!v->has_metadata)
        return WEFT_FAIL(e, WEFT_INVALID, "no metadata in block");
    if (v->slots.count <= (size_t)slot)
        return WEFT_FAIL(e, WEFT_INVALID, "no metadata at index [%s]", slot_name(slot));
    enum weft_code rc = metadata_parse(block_slot(v, slot), ret, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "error unmarshaling metadata at index [%s]", slot_name(slot));
    return WEFT_OK;
}

/* The value of slot 0; empty in blocks of orderers before 1.4.1. */
static enum weft_code orderer_metadata(const struct block_view *v, bool *ret_found,
                                       struct orderer_block_metadata *ret, struct weft_err *e)
{
    struct metadata_view signatures = { 0 };
    enum weft_code rc = block_metadata(v, BLOCK_SLOT_SIGNATURES, &signatures, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "failed to retrieve metadata");
    *ret_found = signatures.value.len > 0;
    if (!*ret_found)
        return WEFT_OK;
    rc = orderer_block_metadata_parse(signatures.value, ret, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "failed to unmarshal orderer block metadata");
    return WEFT_OK;
}

enum weft_code block_last_config(const struct block_view *v, uint64_t *ret_number,
                                 struct weft_err *e)
{
    struct orderer_block_metadata orderer = { 0 };
    bool found = false;
    WEFT_TRY(orderer_metadata(v, &found, &orderer, e));
    if (found && !orderer.has_last_config)
        return WEFT_FAIL(e, WEFT_INVALID, "no last config in the orderer block metadata");
    if (found) {
        *ret_number = orderer.last_config;
        return WEFT_OK;
    }
    struct metadata_view old = { 0 };
    enum weft_code rc = block_metadata(v, BLOCK_SLOT_LAST_CONFIG, &old, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "failed to retrieve metadata");
    rc = last_config_parse(old.value, ret_number, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "error unmarshaling LastConfig");
    return WEFT_OK;
}

enum weft_code block_consenter_metadata(const struct block_view *v, struct bytes *ret,
                                        struct weft_err *e)
{
    struct orderer_block_metadata orderer = { 0 };
    struct metadata_view own = { 0 };
    bool found = false;
    WEFT_TRY(orderer_metadata(v, &found, &orderer, e));
    if (found) {
        enum weft_code rc = metadata_parse(orderer.consenter_metadata, &own, e);
        if (rc != WEFT_OK)
            return weft_err_wrap(e, rc, "failed to unmarshal consenter metadata");
    } else {
        WEFT_TRY(block_metadata(v, BLOCK_SLOT_ORDERER, &own, e));
    }
    *ret = own.value;
    return WEFT_OK;
}

const char *tx_validation_code_name(unsigned code)
{
    const ProtobufCEnumValue *value = code <= TX_INVALID_OTHER_REASON
                                          ? protobuf_c_enum_descriptor_get_value(
                                                &protos__tx_validation_code__descriptor, (int)code)
                                          : NULL;
    return value != NULL ? value->name : NULL;
}

bool block_tx_flag(const struct block_view *v, size_t i, uint8_t *ret_code)
{
    struct bytes flags = block_slot(v, BLOCK_SLOT_FLAGS);
    if (i >= flags.len)
        return false;
    *ret_code = flags.data[i];
    return true;
}
