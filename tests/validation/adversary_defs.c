#include "validation/adversary_world.h"

#include "policy/policy_dsl.h"
#include "proto/wire.h"

const char *const ns_names[NS_NR] = { "open", "asset", "strict", "pdc", "spare", "ghost" };
const char *const collection_names[COLLECTIONS] = { "c1", "c2", "c3", "_implicit_org_Org1MSP" };

static void put_buf(struct buf *out, uint32_t number, struct buf *inner)
{
    wire_put_bytes(out, number, buf_bytes(inner));
    buf_done(inner);
}

static void put_str(struct buf *out, uint32_t number, const char *s)
{
    wire_put_bytes(out, number, bytes_of_str(s));
}

/* ---- policies ------------------------------------------------------------------------------------ */

static void put_dsl(const char *text, struct buf *out)
{
    struct weft_err e;
    if (policy_dsl_signature(text, out, &e) != WEFT_OK)
        WEFT_ASSERT(false);
}

/* { 1 version, 2 rule { 1 signed_by | 2 n_out_of }, 3 identities } that nobody satisfies, or
 * everybody. */
static void put_odd_policy(struct adversary *a, struct buf *out)
{
    struct buf rule = { 0 }, gate = { 0 };
    switch (pick(a, 4)) {
    case 0: /* version 1 */
        wire_put_varint(out, 1, 1);
        put_dsl("OR('Org1MSP.member','Org2MSP.member')", out);
        break;
    case 1: /* signed by one who is not on the list */
        wire_put_varint(&rule, 1, 7);
        put_buf(out, 2, &rule);
        break;
    case 2: /* no rule */
        put_buf(out, 2, &rule);
        break;
    default: /* 0 of nothing: satisfied by all */
        wire_put_varint(&gate, 1, 0);
        put_buf(&rule, 2, &gate);
        put_buf(out, 2, &rule);
        break;
    }
}

void adversary_signature_policy(struct adversary *a, bool is_sound, struct buf *out)
{
    static const char *const texts[] = {
        "AND('Org1MSP.member','Org2MSP.member')",
        "OR('Org1MSP.peer','Org2MSP.peer','Org3MSP.peer')",
        "OutOf(2,'Org1MSP.peer','Org2MSP.peer','Org3MSP.peer')",
        "AND('Org1MSP.peer',OR('Org2MSP.admin','Org3MSP.client'))",
        "OutOf(2,'Org1MSP.peer','Org1MSP.peer')",
        "OutOf(1,AND('Org1MSP.peer','Org2MSP.peer'),AND('Org2MSP.peer','Org3MSP.peer'))",
        "AND('Org3MSP.member')",
        "OutOf(2,AND('Org1MSP.member','Org1MSP.peer'),'Org1MSP.peer','Org2MSP.member')",
    };
    if (!is_sound && chance(a, 8))
        put_odd_policy(a, out);
    else
        put_dsl(texts[pick(a, WEFT_ARRAY_LEN(texts))], out);
}

/* ApplicationPolicy { 1 signature_policy, 2 channel_config_policy_reference } */
void adversary_application_policy(struct adversary *a, struct buf *out)
{
    static const char *const paths[] = {
        "/Channel/Application/Endorsement",
        "/Channel/Application/Endorsement",
        "/Channel/Application/LifecycleEndorsement",
        "/Channel/Application/Writers",
        "/Channel/Application/Admins",
        "/Channel/Application/Org1MSP/Endorsement",
        "/Channel/Application/Org3MSP/Readers",
        "/Channel/Orderer/Writers",
        "/Channel/Readers",
        "/Channel/Application/Nope",
        "Application/Endorsement",
        "/",
        "/Channel/",
        "/Channel/Application/Org1MSP/",
    };
    struct buf policy = { 0 };
    if (chance(a, 3)) {
        buf_put_str(out, "\xff garbage");
    } else if (chance(a, 55)) {
        adversary_signature_policy(a, false, &policy);
        put_buf(out, 1, &policy);
    } else {
        put_str(out, 2, paths[pick(a, WEFT_ARRAY_LEN(paths))]);
    }
}

/* ---- collections ----------------------------------------------------------------------------------- */

/* StaticCollectionConfig { 1 name, 2 member_orgs_policy { 1 signature_policy }, 3 required,
 * 4 maximum, 5 block_to_live, 6 member_only_read, 8 endorsement_policy } */
static void put_collection(struct adversary *a, int collection, bool has_policy, struct buf *out)
{
    struct buf b = { 0 }, members = { 0 }, policy = { 0 }, config = { 0 };
    bool is_others = a->is_private && weft_rand_below(&a->private_rand, 100) < 40;
    put_dsl(is_others ? "OR('Org2MSP.member')" : "OR('Org1MSP.member','Org2MSP.member')", &policy);
    put_buf(&members, 1, &policy);
    put_str(&b, 1, collection_names[collection]);
    put_buf(&b, 2, &members);
    wire_put_varint(&b, 4, 1);
    if (collection == 2)
        wire_put_varint(&b, 5, 3);
    else if (a->is_private && a->blocks_to_live[collection] > 0)
        wire_put_varint(&b, 5, a->blocks_to_live[collection]);
    if (has_policy) {
        adversary_application_policy(a, &policy);
        if (policy.data[0] != 0xff) /* within, garbage would spoil the definition */
            put_buf(&b, 8, &policy);
        buf_done(&policy);
    }
    put_buf(&config, 1, &b);
    put_buf(out, 1, &config);
}

/* c1 without a policy of its own, c2 with one, c3 for a few blocks; those that are there, a bit
 * each. */
static unsigned put_collections(struct adversary *a, bool with_policies, struct buf *out)
{
    unsigned there = 0;
    for (int i = 0; i < COLLECTIONS - 1; i++)
        if (i == 2 || chance(a, 85)) {
            put_collection(a, i, with_policies && i > 0 && chance(a, 70), out);
            there |= 1U << i;
        }
    return there;
}

/* ---- _lifecycle -------------------------------------------------------------------------------------- */

static void write_str(struct rwset_maker *m, const char *key, struct buf *value)
{
    rwset_write(m, bytes_of_str(key), buf_bytes(value));
    buf_done(value);
}

/* StateData { 1 Int64 | 2 Bytes } */
static void write_field(struct rwset_maker *m, int ns, const char *field, struct buf *bytes)
{
    struct buf data = { 0 };
    WEFT_FREE char *key = weft_asprintf("namespaces/fields/%s/%s", ns_names[ns], field);
    wire_put_bytes(&data, 2, buf_bytes(bytes));
    buf_done(bytes);
    write_str(m, key, &data);
}

/* ChaincodeValidationInfo { 1 plugin, 2 parameter }: one without both leads to lscc. */
static enum definition write_validation_info(struct adversary *a, int ns, struct rwset_maker *m)
{
    struct buf info = { 0 }, parameter = { 0 };
    bool has_plugin = ns == NS_OPEN || !chance(a, 4),
         has_parameter = ns == NS_OPEN || !chance(a, 4);
    if (has_plugin)
        put_str(&info, 1, "vscc");
    if (ns == NS_OPEN) {
        struct buf policy = { 0 };
        put_dsl("OR('Org1MSP.member','Org2MSP.member','Org3MSP.member')", &policy);
        put_buf(&parameter, 1, &policy);
    } else {
        adversary_application_policy(a, &parameter);
    }
    if (has_parameter)
        wire_put_bytes(&info, 2, buf_bytes(&parameter));
    buf_done(&parameter);
    write_field(m, ns, "ValidationInfo", &info);
    return has_plugin && has_parameter ? DEFINED : DEFINED_BADLY;
}

void adversary_define(struct adversary *a, int ns, struct rwset_maker *m)
{
    static const char *const fields[] = { "Sequence", "EndorsementInfo", "ValidationInfo",
                                          "Collections" };
    struct buf metadata = { 0 }, sequence = { 0 }, endorsement = { 0 }, collections = { 0 };
    WEFT_FREE char *key = weft_asprintf("namespaces/metadata/%s", ns_names[ns]);
    WEFT_FREE char *sequence_key = weft_asprintf("namespaces/fields/%s/Sequence", ns_names[ns]);
    rwset_namespace(m, "_lifecycle");
    put_str(&metadata, 1, "ChaincodeDefinition");
    for (size_t i = 0; i < WEFT_ARRAY_LEN(fields); i++)
        put_str(&metadata, 2, fields[i]);
    write_str(m, key, &metadata);
    wire_put_varint(&sequence, 1, a->ns[ns].sequence + 1);
    write_str(m, sequence_key, &sequence);
    put_str(&endorsement, 1, "1.0");
    put_str(&endorsement, 3, "escc");
    write_field(m, ns, "EndorsementInfo", &endorsement);
    enum definition kind = write_validation_info(a, ns, m);
    unsigned there = 0;
    if (ns == NS_PDC || ns == NS_ASSET)
        there = put_collections(a, true, &collections);
    write_field(m, ns, "Collections", &collections);
    adversary_effect(a, EFFECT_DEFINE, ns, -1,
                     (int)((unsigned)kind | there << DEPLOYED_COLLECTIONS));
}

void adversary_approve(struct adversary *a, int ns, const char *mspid, struct rwset_maker *m)
{
    WEFT_FREE char *collection = weft_asprintf("_implicit_org_%s", mspid);
    rwset_namespace(m, "_lifecycle");
    rwset_collection(m, collection);
    for (int i = 0; i < 3; i++) {
        WEFT_FREE char *key =
            weft_asprintf("namespaces/fields/%s#%zu/%d", ns_names[ns], pick(a, 4), i);
        struct digest hash = sha256_of(bytes_of_str(key));
        rwset_write_private(m, bytes_of_str(key), digest_bytes(&hash));
    }
}

/* ---- lscc ---------------------------------------------------------------------------------------------- */

enum deploy_flaw {
    DEPLOY_WELL = 9,
    DEPLOY_OTHER_NAME = 0,
    DEPLOY_OTHER_VERSION,
    DEPLOY_NO_POLICY,
    DEPLOY_STRICT,
    DEPLOY_BAD_NAME,
    DEPLOY_OTHER_COLLECTIONS,
    DEPLOY_ELSEWHERE,
    DEPLOY_SAME_VERSION,
};

/* ChaincodeData { 1 name, 2 version, 3 escc, 4 vscc, 5 policy, 7 id, 8 instantiation_policy } */
static void write_chaincode_data(struct adversary *a, int ns, const char *version, size_t flaw,
                                 struct rwset_maker *m)
{
    struct buf data = { 0 }, policy = { 0 };
    put_str(&data, 1, flaw == DEPLOY_OTHER_NAME ? "another" : ns_names[ns]);
    put_str(&data, 2, flaw == DEPLOY_OTHER_VERSION ? "99" : version);
    put_str(&data, 3, "escc");
    put_str(&data, 4, "vscc");
    if (ns == NS_OPEN)
        put_dsl("OR('Org1MSP.member','Org2MSP.member','Org3MSP.member')", &policy);
    else
        adversary_signature_policy(a, false, &policy);
    put_buf(&data, 5, &policy);
    put_str(&data, 7, "id");
    put_dsl(flaw == DEPLOY_STRICT ? "AND('Org2MSP.admin')"
                                  : "OR('Org1MSP.member','Org2MSP.member','Org3MSP.member')",
            &policy);
    if (flaw != DEPLOY_NO_POLICY)
        wire_put_bytes(&data, 8, buf_bytes(&policy));
    buf_done(&policy);
    write_str(m, ns_names[ns], &data);
}

/* ChaincodeDeploymentSpec { 1 spec { 1 type, 2 id { 2 name, 3 version } } } */
static struct buf deployment_spec(int ns, const char *version, size_t flaw)
{
    struct buf b = { 0 }, spec = { 0 }, id = { 0 };
    put_str(&id, 2, flaw == DEPLOY_BAD_NAME ? "bad name" : ns_names[ns]);
    put_str(&id, 3, version);
    wire_put_varint(&spec, 1, 1);
    put_buf(&spec, 2, &id);
    put_buf(&b, 1, &spec);
    return b;
}

/* ChaincodeProposalPayload { 1 input = ChaincodeInvocationSpec { 1 spec { 3 input { 1 args } } } } */
static void put_proposal(struct buf *args, struct buf *out)
{
    struct buf spec = { 0 }, invocation = { 0 }, input = { 0 };
    put_buf(&spec, 3, args);
    put_buf(&invocation, 1, &spec);
    wire_put_bytes(&input, 1, buf_bytes(&invocation));
    buf_done(&invocation);
    buf_put(out, buf_bytes(&input));
    buf_done(&input);
}

void adversary_deploy(struct adversary *a, int ns, struct rwset_maker *m, struct buf *proposal)
{
    struct known_ns *k = &a->ns[ns];
    bool upgrades = k->legacy != NOT_DEFINED ? !chance(a, 5) : chance(a, 5);
    size_t flaw = ns == NS_OPEN || chance(a, 60) ? DEPLOY_WELL : pick(a, DEPLOY_WELL);
    unsigned number = k->legacy_version + (flaw == DEPLOY_SAME_VERSION ? 0 : 1);
    WEFT_FREE char *version = weft_asprintf("%u.0", number);
    WEFT_FREE char *collection_key = weft_asprintf("%s~collection", ns_names[ns]);
    struct buf args = { 0 }, collections = { 0 };
    unsigned there = 0;
    struct buf spec = deployment_spec(ns, version, flaw);
    put_str(&args, 1, upgrades ? "upgrade" : "deploy");
    put_str(&args, 1, "ch");
    put_buf(&args, 1, &spec);
    put_str(&args, 1, "");
    put_str(&args, 1, "escc");
    put_str(&args, 1, "vscc");
    rwset_namespace(m, "lscc");
    write_chaincode_data(a, ns, version, flaw, m);
    if (ns == NS_PDC && a->now <= ADVERSARY_V12) {
        there = put_collections(a, false, &collections);
        wire_put_bytes(&args, 1, buf_bytes(&collections));
        if (flaw == DEPLOY_OTHER_COLLECTIONS)
            put_collection(a, 1, false, &collections);
        write_str(m, collection_key, &collections);
    }
    if (flaw == DEPLOY_ELSEWHERE) {
        rwset_namespace(m, ns_names[NS_OPEN]);
        rwset_write(m, bytes_of_str("written by lscc"), bytes_of_str("x"));
    }
    put_proposal(&args, proposal);
    adversary_effect(a, EFFECT_DEPLOY, ns, -1, (int)(number | there << DEPLOYED_COLLECTIONS));
}
