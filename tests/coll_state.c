#include "coll_state.h"

#include "empty_state.h"
#include "proto/wire.h"
#include "validation/member_policy.h"

void coll_state_init(struct coll_state *s)
{
    *s = (struct coll_state){ .updates = update_batch_new() };
    s->overlay = (struct state_overlay){ s->updates, empty_state };
    s->reader = state_overlay_reader(&s->overlay);
}

void coll_state_done(struct coll_state *s)
{
    update_batch_free(s->updates);
}

/* ---- collections ----------------------------------------------------------------------- */

static void put_members(const char *mspid, struct buf *out)
{
    WEFT_CLEANUP(buf_done) struct buf policy = { 0 };
    WEFT_CLEANUP(buf_done) struct buf members = { 0 };
    struct bytes name = bytes_of_str(mspid != NULL ? mspid : "");
    member_policy_encode(&name, mspid != NULL ? 1 : 0, mspid != NULL ? 1 : 0, &policy);
    wire_put_bytes(&members, 1, buf_bytes(&policy));
    wire_put_bytes(out, 2, buf_bytes(&members));
}

void coll_package(const struct coll_spec *specs, size_t count, struct buf *out)
{
    for (size_t i = 0; i < count; i++) {
        WEFT_CLEANUP(buf_done) struct buf config = { 0 };
        WEFT_CLEANUP(buf_done) struct buf entry = { 0 };
        wire_put_bytes(&config, 1, bytes_of_str(specs[i].name));
        put_members(specs[i].mspid, &config);
        if (specs[i].block_to_live > 0)
            wire_put_varint(&config, 5, specs[i].block_to_live);
        wire_put_bytes(&entry, 1, buf_bytes(&config));
        wire_put_bytes(out, 1, buf_bytes(&entry));
    }
}

/* ---- definitions ------------------------------------------------------------------------- */

void coll_state_put(struct update_batch *to, const struct state_key *key, struct bytes value,
                    struct state_version version)
{
    update_batch_put(to, key, &(struct state_value){ version, value, { 0 } });
}

static void put_public(struct update_batch *to, const char *ns, const char *key, struct bytes value)
{
    struct state_key k = { STATE_PUBLIC, bytes_of_str(ns), bytes_of_str(""), bytes_of_str(key) };
    coll_state_put(to, &k, value, (struct state_version){ 1, 0 });
}

void coll_state_define(struct update_batch *to, const char *chaincode, uint64_t sequence,
                       const struct coll_spec *specs, size_t count)
{
    WEFT_CLEANUP(buf_done) struct buf metadata = { 0 };
    WEFT_CLEANUP(buf_done) struct buf package = { 0 };
    WEFT_CLEANUP(buf_done) struct buf data = { 0 };
    WEFT_CLEANUP(buf_done) struct buf number = { 0 };
    WEFT_FREE char *metadata_key = weft_asprintf("namespaces/metadata/%s", chaincode);
    WEFT_FREE char *data_key = weft_asprintf("namespaces/fields/%s/Collections", chaincode);
    WEFT_FREE char *number_key = weft_asprintf("namespaces/fields/%s/Sequence", chaincode);
    wire_put_bytes(&metadata, 1, bytes_of_str("ChaincodeDefinition"));
    put_public(to, "_lifecycle", metadata_key, buf_bytes(&metadata));
    coll_package(specs, count, &package);
    wire_put_bytes(&data, 2, buf_bytes(&package));
    put_public(to, "_lifecycle", data_key, buf_bytes(&data));
    wire_put_varint(&number, 1, sequence);
    put_public(to, "_lifecycle", number_key, buf_bytes(&number));
}

void coll_state_define_legacy(struct update_batch *to, const char *chaincode,
                              const struct coll_spec *specs, size_t count)
{
    WEFT_CLEANUP(buf_done) struct buf data = { 0 };
    WEFT_CLEANUP(buf_done) struct buf package = { 0 };
    WEFT_FREE char *key = weft_asprintf("%s~collection", chaincode);
    wire_put_bytes(&data, 1, bytes_of_str(chaincode));
    put_public(to, "lscc", chaincode, buf_bytes(&data));
    coll_package(specs, count, &package);
    if (count > 0)
        put_public(to, "lscc", key, buf_bytes(&package));
}
