#include "msp/msp_config.h"

#include "base/limits.h"
#include "proto/repeated.h"

/* FabricMSPConfig's and FabricNodeOUs' fields. */
enum {
    FIELD_NAME = 1,
    FIELD_ROOTS = 2,
    FIELD_INTERMEDIATES = 3,
    FIELD_ADMINS = 4,
    FIELD_CRLS = 5,
    FIELD_SIGNER = 6,
    FIELD_UNITS = 7,
    FIELD_CRYPTO = 8,
    FIELD_TLS_ROOTS = 9,
    FIELD_TLS_INTERMEDIATES = 10,
    FIELD_NODE_OUS = 11,
};
static const uint32_t node_ou_fields[MSP_ROLE_NR] = {
    [MSP_ROLE_CLIENT] = 2, [MSP_ROLE_PEER] = 3, [MSP_ROLE_ADMIN] = 4, [MSP_ROLE_ORDERER] = 5
};

static enum weft_code bad(const char *what, struct weft_err *e)
{
    return WEFT_FAIL(e, WEFT_INVALID, "failed unmarshalling fabric msp config: malformed %s", what);
}

static enum weft_code read_items(struct bytes message, uint32_t number, struct arena *arena,
                                 struct msp_items *ret, struct weft_err *e)
{
    struct repeated r = repeated_of(message, number);
    if (r.count > LIMIT_MSP_ITEMS)
        return WEFT_FAIL(e, WEFT_LIMIT, "MSP with more than %d certificates in one list",
                         LIMIT_MSP_ITEMS);
    struct bytes *at = arena_alloc(arena, (r.count + 1) * sizeof(*at));
    for (size_t n = 0; n < r.count && repeated_next(&r, &at[n]);)
        n++;
    *ret = (struct msp_items){ at, r.count };
    return WEFT_OK;
}

/* FabricOUIdentifier { 1 certificate, 2 organizational_unit_identifier }; what
 * comes a second time is laid over the first. */
static enum weft_code read_unit(struct bytes b, struct msp_unit *u, struct weft_err *e)
{
    struct wire w = wire_of(b);
    struct wire_field f;
    u->present = true;
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_LEN))
            u->certificate = f.bytes;
        else if (wire_is(&f, 2, WIRE_LEN) && wire_utf8(f.bytes))
            u->name = f.bytes;
        else if (wire_is(&f, 2, WIRE_LEN))
            return bad("organizational unit identifier", e);
    }
    return w.bad ? bad("organizational unit identifier", e) : WEFT_OK;
}

static enum weft_code read_units(struct bytes message, struct arena *arena, struct msp_config *c,
                                 struct weft_err *e)
{
    struct repeated r = repeated_of(message, FIELD_UNITS);
    struct bytes item;
    if (r.count > LIMIT_MSP_ITEMS)
        return WEFT_FAIL(e, WEFT_LIMIT, "MSP with more than %d organizational unit identifiers",
                         LIMIT_MSP_ITEMS);
    struct msp_unit *units = arena_alloc(arena, (r.count + 1) * sizeof(*units));
    while (c->unit_count < r.count && repeated_next(&r, &item))
        WEFT_TRY(read_unit(item, &units[c->unit_count++], e));
    c->units = units;
    return WEFT_OK;
}

static enum weft_code read_node_ous(struct bytes b, struct msp_config *c, struct weft_err *e)
{
    struct wire w = wire_of(b);
    struct wire_field f;
    c->has_node_ous = true;
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_VARINT))
            c->node_ous_enabled = f.varint != 0;
        for (size_t i = 0; i < MSP_ROLE_NR; i++)
            if (node_ou_fields[i] != 0 && wire_is(&f, node_ou_fields[i], WIRE_LEN))
                WEFT_TRY(read_unit(f.bytes, &c->node_ous[i], e));
    }
    return w.bad ? bad("node OUs", e) : WEFT_OK;
}

/* FabricCryptoConfig { 1 signature_hash_family, 2 identity_identifier_hash_function } */
static enum weft_code read_crypto(struct bytes b, struct msp_config *c, struct weft_err *e)
{
    struct wire w = wire_of(b);
    struct wire_field f;
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_LEN))
            c->hash_family = f.bytes;
        else if (wire_is(&f, 2, WIRE_LEN))
            c->identity_hash = f.bytes;
    }
    if (w.bad || !wire_utf8(c->hash_family) || !wire_utf8(c->identity_hash))
        return bad("crypto config", e);
    return WEFT_OK;
}

/* KeyInfo { 1 key_identifier, 2 key_material } is only checked. */
static enum weft_code read_signer(struct bytes b, struct msp_config *c, struct weft_err *e)
{
    struct wire w = wire_of(b);
    struct wire_field f;
    c->has_signer = true;
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_LEN))
            c->signer = f.bytes;
        if (!wire_is(&f, 2, WIRE_LEN))
            continue;
        struct wire key = wire_of(f.bytes);
        while (wire_next(&key, &f))
            if (wire_is(&f, 1, WIRE_LEN) && !wire_utf8(f.bytes))
                return bad("signing identity", e);
        if (key.bad)
            return bad("signing identity", e);
    }
    return w.bad ? bad("signing identity", e) : WEFT_OK;
}

static enum weft_code read_fabric(struct bytes b, struct arena *arena, struct msp_config *c,
                                  struct weft_err *e)
{
    struct wire w = wire_of(b);
    struct wire_field f;
    while (wire_next(&w, &f)) {
        if (wire_is(&f, FIELD_NAME, WIRE_LEN))
            c->name = f.bytes;
        else if (wire_is(&f, FIELD_SIGNER, WIRE_LEN))
            WEFT_TRY(read_signer(f.bytes, c, e));
        else if (wire_is(&f, FIELD_CRYPTO, WIRE_LEN))
            WEFT_TRY(read_crypto(f.bytes, c, e));
        else if (wire_is(&f, FIELD_NODE_OUS, WIRE_LEN))
            WEFT_TRY(read_node_ous(f.bytes, c, e));
    }
    if (w.bad || !wire_utf8(c->name))
        return bad("message", e);
    WEFT_TRY(read_items(b, FIELD_ROOTS, arena, &c->roots, e));
    WEFT_TRY(read_items(b, FIELD_INTERMEDIATES, arena, &c->intermediates, e));
    WEFT_TRY(read_items(b, FIELD_ADMINS, arena, &c->admins, e));
    WEFT_TRY(read_items(b, FIELD_CRLS, arena, &c->crls, e));
    WEFT_TRY(read_items(b, FIELD_TLS_ROOTS, arena, &c->tls_roots, e));
    WEFT_TRY(read_items(b, FIELD_TLS_INTERMEDIATES, arena, &c->tls_intermediates, e));
    return read_units(b, arena, c, e);
}

enum weft_code msp_config_parse(struct bytes b, struct arena *arena, struct msp_config *ret,
                                struct weft_err *e)
{
    struct msp_config c = { 0 };
    struct bytes config = { 0 };
    struct wire w = wire_of(b);
    struct wire_field f;
    if (b.len > LIMIT_MSP_BYTES)
        return WEFT_FAIL(e, WEFT_LIMIT, "MSP configuration of %zu bytes is longer than %d", b.len,
                         LIMIT_MSP_BYTES);
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_VARINT))
            c.type = (int32_t)f.varint;
        else if (wire_is(&f, 2, WIRE_LEN))
            config = f.bytes;
    }
    if (w.bad)
        return bad("MSPConfig", e);
    if (c.type == MSP_TYPE_FABRIC)
        WEFT_TRY(read_fabric(config, arena, &c, e));
    *ret = c;
    return WEFT_OK;
}

/* ---- the other way ----------------------------------------------------------------------- */

static void put_text(struct buf *out, uint32_t number, struct bytes what)
{
    if (what.len > 0)
        wire_put_bytes(out, number, what);
}

static void put_items(struct buf *out, uint32_t number, const struct msp_items *items)
{
    for (size_t i = 0; i < items->count; i++)
        wire_put_bytes(out, number, items->at[i]);
}

static void put_unit(struct buf *out, uint32_t number, const struct msp_unit *u)
{
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    put_text(&b, 1, u->certificate);
    put_text(&b, 2, u->name);
    wire_put_bytes(out, number, buf_bytes(&b));
}

static void put_node_ous(struct buf *out, const struct msp_config *c)
{
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    if (!c->has_node_ous)
        return;
    if (c->node_ous_enabled)
        wire_put_varint(&b, 1, 1);
    for (uint32_t field = 2; field <= 5; field++)
        for (size_t i = 0; i < MSP_ROLE_NR; i++)
            if (node_ou_fields[i] == field && c->node_ous[i].present)
                put_unit(&b, field, &c->node_ous[i]);
    wire_put_bytes(out, FIELD_NODE_OUS, buf_bytes(&b));
}

static void put_crypto(struct buf *out, const struct msp_config *c)
{
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    put_text(&b, 1, c->hash_family);
    put_text(&b, 2, c->identity_hash);
    if (b.len > 0)
        wire_put_bytes(out, FIELD_CRYPTO, buf_bytes(&b));
}

void msp_config_encode(const struct msp_config *c, struct buf *out)
{
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    put_text(&b, FIELD_NAME, c->name);
    put_items(&b, FIELD_ROOTS, &c->roots);
    put_items(&b, FIELD_INTERMEDIATES, &c->intermediates);
    put_items(&b, FIELD_ADMINS, &c->admins);
    put_items(&b, FIELD_CRLS, &c->crls);
    if (c->has_signer) {
        WEFT_CLEANUP(buf_done) struct buf signer = { 0 };
        put_text(&signer, 1, c->signer);
        wire_put_bytes(&b, FIELD_SIGNER, buf_bytes(&signer));
    }
    for (size_t i = 0; i < c->unit_count; i++)
        put_unit(&b, FIELD_UNITS, &c->units[i]);
    put_crypto(&b, c);
    put_items(&b, FIELD_TLS_ROOTS, &c->tls_roots);
    put_items(&b, FIELD_TLS_INTERMEDIATES, &c->tls_intermediates);
    put_node_ous(&b, c);
    if (c->type != 0)
        wire_put_varint(out, 1, (uint64_t)(int64_t)c->type);
    wire_put_bytes(out, 2, buf_bytes(&b));
}
