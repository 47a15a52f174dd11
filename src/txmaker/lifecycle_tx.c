#include "txmaker/lifecycle_tx.h"

#include "proto/wire.h"
#include "txmaker/rwset_writer.h"

#include <inttypes.h>

/* The fields of a definition, in the order of its struct; an approval has all but
 * the sequence. */
enum field {
    FIELD_SEQUENCE,
    FIELD_ENDORSEMENT_INFO,
    FIELD_VALIDATION_INFO,
    FIELD_COLLECTIONS,
};

static const char *const field_names[LIFECYCLE_FIELDS] = { "Sequence", "EndorsementInfo",
                                                           "ValidationInfo", "Collections" };

static const struct kv_version absent = { 0 };

void lifecycle_put_signature_policy(struct bytes envelope, struct buf *out)
{
    wire_put_bytes(out, 1, envelope);
}

void lifecycle_put_policy_reference(const char *path, struct buf *out)
{
    wire_put_bytes(out, 2, bytes_of_str(path));
}

/* ---- what is stored ------------------------------------------------------------------ */

static void put_text(struct buf *out, uint32_t number, const char *text)
{
    if (text != NULL && text[0] != '\0')
        wire_put_bytes(out, number, bytes_of_str(text));
}

static void put_policy(const struct lifecycle_definition *d, uint32_t number, struct buf *out)
{
    WEFT_CLEANUP(buf_done) struct buf otherwise = { 0 };
    lifecycle_put_policy_reference("/Channel/Application/Endorsement", &otherwise);
    wire_put_bytes(out, number, d->policy.len > 0 ? d->policy : buf_bytes(&otherwise));
}

/* ChaincodeEndorsementInfo { 1 version, 2 init_required, 3 endorsement_plugin } */
static void put_endorsement_info(const struct lifecycle_definition *d, struct buf *out)
{
    put_text(out, 1, d->version);
    if (d->init_required)
        wire_put_varint(out, 2, 1);
    put_text(out, 3, d->endorsement_plugin != NULL ? d->endorsement_plugin : "escc");
}

/* ChaincodeValidationInfo { 1 validation_plugin, 2 validation_parameter } */
static void put_validation_info(const struct lifecycle_definition *d, struct buf *out)
{
    put_text(out, 1, d->validation_plugin != NULL ? d->validation_plugin : "vscc");
    put_policy(d, 2, out);
}

/* StateData { 1 Int64 | 2 Bytes | 3 String } */
static void put_field(const struct lifecycle_definition *d, enum field f, struct buf *out)
{
    WEFT_CLEANUP(buf_done) struct buf value = { 0 };
    switch (f) {
    case FIELD_SEQUENCE:
        wire_put_varint(out, 1, d->sequence);
        return;
    case FIELD_ENDORSEMENT_INFO:
        put_endorsement_info(d, &value);
        break;
    case FIELD_VALIDATION_INFO:
        put_validation_info(d, &value);
        break;
    case FIELD_COLLECTIONS:
        buf_put(&value, d->collections);
        break;
    }
    wire_put_bytes(out, 2, buf_bytes(&value));
}

/* StateMetadata { 1 datatype, 2 fields ... } */
static void put_metadata(const char *type, const char *const *fields, size_t count, struct buf *out)
{
    wire_put_bytes(out, 1, bytes_of_str(type));
    for (size_t i = 0; i < count; i++)
        wire_put_bytes(out, 2, bytes_of_str(fields[i]));
}

static char *metadata_key(const char *space, const char *name)
{
    return weft_asprintf("%s/metadata/%s", space, name);
}

static char *field_key(const char *space, const char *name, const char *field)
{
    return weft_asprintf("%s/fields/%s/%s", space, name, field);
}

static char *collection_of(const char *mspid)
{
    return weft_asprintf("_implicit_org_%s", mspid);
}

/* ---- one chaincode's keys --------------------------------------------------------------- */

void lifecycle_chaincode_init(struct lifecycle_chaincode *cc, const char *name)
{
    *cc = (struct lifecycle_chaincode){ 0 };
    cc->name = arena_dup_str(&cc->arena, bytes_of_str(name));
}

void lifecycle_chaincode_done(struct lifecycle_chaincode *cc)
{
    arena_done(&cc->arena);
    *cc = (struct lifecycle_chaincode){ 0 };
}

void lifecycle_chaincode_approved(struct lifecycle_chaincode *cc, const char *mspid, uint64_t block,
                                  uint64_t tx)
{
    WEFT_ASSERT(cc->approval_count < LIFECYCLE_ORGS);
    cc->approvals[cc->approval_count++] = (struct lifecycle_approval){
        .org = arena_dup_str(&cc->arena, bytes_of_str(mspid)),
        .version = { true, block, tx },
    };
}

static struct kv_version approval_of(const struct lifecycle_chaincode *cc, const char *mspid)
{
    for (size_t i = 0; i < cc->approval_count; i++)
        if (strcmp(cc->approvals[i].org, mspid) == 0)
            return cc->approvals[i].version;
    return absent;
}

void lifecycle_chaincode_committed(struct lifecycle_chaincode *cc,
                                   const struct lifecycle_definition *d, uint64_t block,
                                   uint64_t tx)
{
    const struct kv_version here = { true, block, tx };
    for (int f = 0; f < LIFECYCLE_FIELDS; f++) {
        WEFT_CLEANUP(buf_done) struct buf value = { 0 };
        put_field(d, (enum field)f, &value);
        if (cc->versions[f].is_set && bytes_eq(cc->values[f], buf_bytes(&value)))
            continue;
        cc->values[f] = bytes_of(arena_dup_str(&cc->arena, buf_bytes(&value)), value.len);
        cc->versions[f] = here;
    }
    if (!cc->metadata_version.is_set)
        cc->metadata_version = here;
    cc->sequence = d->sequence;
    cc->approval_count = 0;
}

/* ---- calls ---------------------------------------------------------------------------------- */

void lifecycle_call_done(struct lifecycle_call *c)
{
    for (size_t i = 0; i < LIFECYCLE_ARGS; i++)
        buf_done(&c->room[i]);
    buf_done(&c->results);
    buf_done(&c->private_results);
}

/* What the definition is checked against: what is committed, or may be known to the
 * older lscc. */
static void read_committed(struct rwset_writer *w, const struct lifecycle_chaincode *cc)
{
    WEFT_FREE char *metadata = metadata_key("namespaces", cc->name);
    rwset_writer_read(w, LIFECYCLE_CHAINCODE, bytes_of_str(metadata), cc->metadata_version);
    for (int f = 0; f < LIFECYCLE_FIELDS; f++) {
        WEFT_FREE char *key = field_key("namespaces", cc->name, field_names[f]);
        if (f == FIELD_SEQUENCE || cc->sequence > 0)
            rwset_writer_read(w, LIFECYCLE_CHAINCODE, bytes_of_str(key), cc->versions[f]);
    }
    if (cc->sequence == 0)
        rwset_writer_read(w, "lscc", bytes_of_str(cc->name), absent);
}

static void put_private(struct rwset_writer *w, const char *collection, const char *key,
                        const struct buf *value)
{
    rwset_writer_private_write(w, LIFECYCLE_CHAINCODE, collection, bytes_of_str(key),
                               buf_bytes(value));
}

/* Which package the organisation's peers run it from. */
static void write_source(struct rwset_writer *w, const char *collection, const char *name,
                         const char *package_id)
{
    static const char *const fields[] = { "PackageID" };
    WEFT_CLEANUP(buf_done) struct buf metadata = { 0 };
    WEFT_CLEANUP(buf_done) struct buf package = { 0 };
    WEFT_FREE char *metadata_at = metadata_key("chaincode-sources", name);
    WEFT_FREE char *field_at = field_key("chaincode-sources", name, fields[0]);
    put_metadata("ChaincodeLocalPackage", fields, 1, &metadata);
    wire_put_bytes(&package, 3, bytes_of_str(package_id != NULL ? package_id : ""));
    rwset_writer_private_read(w, LIFECYCLE_CHAINCODE, collection, bytes_of_str(metadata_at),
                              absent);
    put_private(w, collection, metadata_at, &metadata);
    put_private(w, collection, field_at, &package);
}

static void write_parameters(struct rwset_writer *w, const struct lifecycle_definition *d,
                             const char *collection, const char *name)
{
    WEFT_CLEANUP(buf_done) struct buf metadata = { 0 };
    WEFT_FREE char *metadata_at = metadata_key("namespaces", name);
    put_metadata("ChaincodeParameters", field_names + FIELD_ENDORSEMENT_INFO,
                 LIFECYCLE_FIELDS - FIELD_ENDORSEMENT_INFO, &metadata);
    rwset_writer_private_read(w, LIFECYCLE_CHAINCODE, collection, bytes_of_str(metadata_at),
                              absent);
    put_private(w, collection, metadata_at, &metadata);
    for (int f = FIELD_ENDORSEMENT_INFO; f < LIFECYCLE_FIELDS; f++) {
        WEFT_CLEANUP(buf_done) struct buf value = { 0 };
        WEFT_FREE char *at = field_key("namespaces", name, field_names[f]);
        put_field(d, (enum field)f, &value);
        put_private(w, collection, at, &value);
    }
}

/* What both functions take: 1 sequence, 2 name, 3 version, 4 and 5 the plugins, 6 policy,
 * 7 collections, 8 init_required */
static void put_args(const struct lifecycle_definition *d, struct buf *out)
{
    wire_put_varint(out, 1, d->sequence);
    put_text(out, 2, d->name);
    put_text(out, 3, d->version);
    put_text(out, 4, d->endorsement_plugin);
    put_text(out, 5, d->validation_plugin);
    if (d->policy.len > 0)
        wire_put_bytes(out, 6, d->policy);
    if (d->collections.len > 0)
        wire_put_bytes(out, 7, d->collections);
    if (d->init_required)
        wire_put_varint(out, 8, 1);
}

/* ChaincodeSource { 1 Unavailable | 2 Local { 1 package_id } } */
static void put_source(const char *package_id, struct buf *out)
{
    WEFT_CLEANUP(buf_done) struct buf local = { 0 };
    WEFT_CLEANUP(buf_done) struct buf source = { 0 };
    put_text(&local, 1, package_id);
    wire_put_bytes(&source, package_id != NULL ? 2 : 1, buf_bytes(&local));
    wire_put_bytes(out, 9, buf_bytes(&source));
}

static void begin_call(struct lifecycle_call *c, const char *function)
{
    for (size_t i = 0; i < LIFECYCLE_ARGS; i++)
        buf_clear(&c->room[i]);
    buf_clear(&c->results);
    buf_clear(&c->private_results);
    buf_put_str(&c->room[0], function);
}

static void end_call(struct lifecycle_call *c, struct rwset_writer *w)
{
    for (size_t i = 0; i < LIFECYCLE_ARGS; i++)
        c->args[i] = buf_bytes(&c->room[i]);
    rwset_writer_encode(w, &c->results);
    rwset_writer_encode_private(w, &c->private_results);
}

void lifecycle_tx_approve(const struct lifecycle_chaincode *cc,
                          const struct lifecycle_definition *d, const char *mspid,
                          struct lifecycle_call *ret)
{
    WEFT_CLEANUP(rwset_writer_done) struct rwset_writer w = { 0 };
    WEFT_FREE char *collection = collection_of(mspid);
    WEFT_FREE char *name = weft_asprintf("%s#%" PRIu64, d->name, d->sequence);
    begin_call(ret, "ApproveChaincodeDefinitionForMyOrg");
    put_args(d, &ret->room[1]);
    put_source(d->package_id, &ret->room[1]);
    read_committed(&w, cc);
    write_parameters(&w, d, collection, name);
    write_source(&w, collection, name, d->package_id);
    end_call(ret, &w);
}

/* The keys of an approval, whose hashes are compared with the definition's. */
static void read_approval(struct rwset_writer *w, const char *collection, const char *name,
                          struct kv_version version)
{
    WEFT_FREE char *metadata = metadata_key("namespaces", name);
    rwset_writer_private_read(w, LIFECYCLE_CHAINCODE, collection, bytes_of_str(metadata), version);
    for (int f = FIELD_ENDORSEMENT_INFO; f < LIFECYCLE_FIELDS; f++) {
        WEFT_FREE char *key = field_key("namespaces", name, field_names[f]);
        rwset_writer_private_read(w, LIFECYCLE_CHAINCODE, collection, bytes_of_str(key), version);
    }
}

/* Only what changes is written. */
static void write_definition(struct rwset_writer *w, const struct lifecycle_chaincode *cc,
                             const struct lifecycle_definition *d)
{
    for (int f = 0; f < LIFECYCLE_FIELDS; f++) {
        WEFT_CLEANUP(buf_done) struct buf value = { 0 };
        WEFT_FREE char *key = field_key("namespaces", d->name, field_names[f]);
        put_field(d, (enum field)f, &value);
        if (!cc->versions[f].is_set || !bytes_eq(cc->values[f], buf_bytes(&value)))
            rwset_writer_write(w, LIFECYCLE_CHAINCODE, bytes_of_str(key), buf_bytes(&value));
    }
    if (!cc->metadata_version.is_set) {
        WEFT_CLEANUP(buf_done) struct buf value = { 0 };
        WEFT_FREE char *key = metadata_key("namespaces", d->name);
        put_metadata("ChaincodeDefinition", field_names, LIFECYCLE_FIELDS, &value);
        rwset_writer_write(w, LIFECYCLE_CHAINCODE, bytes_of_str(key), buf_bytes(&value));
    }
}

void lifecycle_tx_commit(const struct lifecycle_chaincode *cc, const struct lifecycle_definition *d,
                         const char *const *mspids, size_t count, struct lifecycle_call *ret)
{
    WEFT_CLEANUP(rwset_writer_done) struct rwset_writer w = { 0 };
    WEFT_FREE char *name = weft_asprintf("%s#%" PRIu64, d->name, d->sequence);
    begin_call(ret, "CommitChaincodeDefinition");
    put_args(d, &ret->room[1]);
    read_committed(&w, cc);
    for (size_t i = 0; i < count; i++) {
        WEFT_FREE char *collection = collection_of(mspids[i]);
        read_approval(&w, collection, name, approval_of(cc, mspids[i]));
    }
    write_definition(&w, cc, d);
    end_call(ret, &w);
}
