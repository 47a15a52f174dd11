#include "bundle/capabilities.h"

#include "proto/wire.h"

enum {
    NAMES_MAX = 8
};

/* Which of the names that we know are there. */
struct found {
    bool has[NAMES_MAX];
    const char *unsupported;
};

/* A map's entry { 1 key, 2 Capability { } } */
static bool parse_entry(struct bytes b, struct bytes *ret_name)
{
    struct wire entry = wire_of(b);
    struct wire_field f, g;
    *ret_name = bytes_of(NULL, 0);
    while (wire_next(&entry, &f)) {
        if (wire_is(&f, 1, WIRE_LEN))
            *ret_name = f.bytes;
        if (!wire_is(&f, 2, WIRE_LEN))
            continue;
        struct wire capability = wire_of(f.bytes);
        while (wire_next(&capability, &g))
            ;
        if (capability.bad)
            return false;
    }
    return !entry.bad && wire_utf8(*ret_name);
}

/* Capabilities { map<string, Capability> 1 }: of an entry its key counts. */
static enum weft_code find_names(struct bytes b, const char *const *known, size_t count,
                                 struct arena *arena, struct found *ret, struct weft_err *e)
{
    struct wire w = wire_of(b);
    struct wire_field f;
    while (wire_next(&w, &f)) {
        struct bytes name = { 0 };
        if (f.number != 1)
            continue;
        if (f.type != WIRE_LEN) /* a map; Go is stricter with these */
            return WEFT_FAIL(e, WEFT_INVALID, "error unmarshalling Capabilities");
        if (!parse_entry(f.bytes, &name))
            return WEFT_FAIL(e, WEFT_INVALID, "error unmarshalling Capabilities");
        size_t i = 0;
        while (i < count && !bytes_eq(bytes_of_str(known[i]), name))
            i++;
        if (i < count)
            ret->has[i] = true;
        else if (ret->unsupported == NULL || bytes_cmp(name, bytes_of_str(ret->unsupported)) < 0)
            ret->unsupported = arena_dup_str(arena, name);
    }
    return w.bad ? WEFT_FAIL(e, WEFT_INVALID, "error unmarshalling Capabilities") : WEFT_OK;
}

enum weft_code channel_capabilities_parse(struct bytes b, struct arena *arena,
                                          struct channel_capabilities *ret, struct weft_err *e)
{
    static const char *const known[] = { "V1_1", "V1_3", "V1_4_2", "V1_4_3", "V2_0" };
    struct found f = { 0 };
    WEFT_TRY(find_names(b, known, WEFT_ARRAY_LEN(known), arena, &f, e));
    bool v11 = f.has[0], v13 = f.has[1], v142 = f.has[2], v143 = f.has[3], v20 = f.has[4];
    *ret = (struct channel_capabilities){
        .unsupported = f.unsupported,
        .msp_version = v143 || v20   ? MSP_1_4_3
                       : v13 || v142 ? MSP_1_3
                       : v11         ? MSP_1_1
                                     : MSP_1_0,
        .consensus_type_migration = v142 || v143 || v20,
        .org_specific_orderer_endpoints = v142 || v143 || v20,
    };
    return WEFT_OK;
}

enum weft_code orderer_capabilities_parse(struct bytes b, struct arena *arena,
                                          struct orderer_capabilities *ret, struct weft_err *e)
{
    static const char *const known[] = { "V1_1", "V1_4_2", "V2_0" };
    struct found f = { 0 };
    WEFT_TRY(find_names(b, known, WEFT_ARRAY_LEN(known), arena, &f, e));
    bool v11 = f.has[0], v142 = f.has[1], v20 = f.has[2], any = v11 || v142 || v20;
    *ret = (struct orderer_capabilities){
        .unsupported = f.unsupported,
        .predictable_channel_template = any,
        .resubmission = any,
        .expiration_check = any,
        .consensus_type_migration = v142 || v20,
        .use_channel_creation_policy_as_admins = v20,
    };
    return WEFT_OK;
}

enum weft_code application_capabilities_parse(struct bytes b, struct arena *arena,
                                              struct application_capabilities *ret,
                                              struct weft_err *e)
{
    static const char *const known[] = {
        "V1_1",
        "V1_2",
        "V1_3",
        "V1_4_2",
        "V2_0",
        "V1_1_PVTDATA_EXPERIMENTAL",
        "V1_1_RESOURCETREE_EXPERIMENTAL",
    };
    struct found f = { 0 };
    WEFT_TRY(find_names(b, known, WEFT_ARRAY_LEN(known), arena, &f, e));
    bool v20 = f.has[4], v142 = f.has[3] || v20, v13 = f.has[2] || v142, v12 = f.has[1] || v13,
         v11 = f.has[0] || v12;
    *ret = (struct application_capabilities){
        .unsupported = f.unsupported,
        .acls = v12,
        .forbid_duplicate_txid_in_block = v11,
        .private_channel_data = v12 || f.has[5],
        .collection_upgrade = v12,
        .v1_1_validation = v11,
        .v1_2_validation = v12,
        .v1_3_validation = v13,
        .v2_0_validation = v20,
        .store_pvtdata_of_invalid_tx = v142,
        .key_level_endorsement = v13,
        .lifecycle_v20 = v20,
    };
    return WEFT_OK;
}
