/* Deploying and upgrading the old way, seen through what the validator says to it. */
#include "validation/lscc_rules.h"

#include "proto/wire.h"
#include "validation_world.h"
#include "weft_test.h"

static const char anyone[] = "OR('Org1MSP.member','Org2MSP.member')";

/* What is asked for, and what is written; what is not said is as it should be. */
struct deployment {
    const char *function, *name, *version;                    /* "deploy", "mycc", "1" */
    const char *written_key, *written_name, *written_version; /* the same */
    const char *instantiation_policy;                         /* "": none */
    struct bytes collections, written_collections;            /* no data: none, and the same */
    bool writes_no_collections;
    const char *also_writes; /* a namespace */
    size_t arguments;        /* 0: as many as there are */
    bool is_node;            /* type NODE */
};

static void put_buf(struct buf *out, uint32_t number, struct buf *inner)
{
    wire_put_bytes(out, number, buf_bytes(inner));
    buf_done(inner);
}

static const char *usual(const char *given, const char *otherwise)
{
    return given != NULL ? given : otherwise;
}

/* ChaincodeDeploymentSpec { 1 spec { 1 type, 2 id { 2 name, 3 version } } } */
static struct buf spec_of(const struct deployment *d)
{
    struct buf b = { 0 }, spec = { 0 }, id = { 0 };
    wire_put_bytes(&id, 2, bytes_of_str(usual(d->name, "mycc")));
    wire_put_bytes(&id, 3, bytes_of_str(usual(d->version, "1")));
    wire_put_varint(&spec, 1, d->is_node ? 2 : 1);
    put_buf(&spec, 2, &id);
    put_buf(&b, 1, &spec);
    return b;
}

/* ChaincodeProposalPayload { 1 input { 1 spec { 3 input { 1 args } } } } */
static struct buf proposal_of(const struct deployment *d)
{
    struct buf b = { 0 }, args = { 0 }, spec = { 0 }, invocation = { 0 }, cds = spec_of(d);
    struct bytes all[] = { bytes_of_str(usual(d->function, "deploy")),
                           bytes_of_str("ch"),
                           buf_bytes(&cds),
                           bytes_of_str(""),
                           bytes_of_str("escc"),
                           bytes_of_str("vscc"),
                           d->collections,
                           bytes_of_str("one too many") };
    size_t count = d->arguments > 0 ? d->arguments : d->collections.data != NULL ? 7 : 6;
    for (size_t i = 0; i < count; i++)
        wire_put_bytes(&args, 1, all[i]);
    put_buf(&spec, 3, &args);
    put_buf(&invocation, 1, &spec);
    put_buf(&b, 1, &invocation);
    buf_done(&cds);
    return b;
}

static struct buf data_of(const struct deployment *d)
{
    struct buf b = { 0 }, policy = vworld_policy(anyone);
    wire_put_bytes(&b, 1, bytes_of_str(usual(d->written_name, usual(d->name, "mycc"))));
    wire_put_bytes(&b, 2, bytes_of_str(usual(d->written_version, usual(d->version, "1"))));
    wire_put_bytes(&b, 4, bytes_of_str("vscc"));
    put_buf(&b, 5, &policy);
    if (d->instantiation_policy == NULL || *d->instantiation_policy != '\0') {
        policy = vworld_policy(usual(d->instantiation_policy, anyone));
        put_buf(&b, 8, &policy);
    }
    return b;
}

static struct buf results_of(const struct deployment *d)
{
    struct rwset_maker m = { 0 };
    struct buf b = { 0 }, data = data_of(d);
    const char *name = usual(d->written_key, usual(d->name, "mycc"));
    WEFT_FREE char *collection_key = weft_asprintf("%s~collection", name);
    struct bytes collections =
        d->written_collections.data != NULL ? d->written_collections : d->collections;
    rwset_namespace(&m, "lscc");
    rwset_write(&m, bytes_of_str(name), buf_bytes(&data));
    if (collections.data != NULL && !d->writes_no_collections)
        rwset_write(&m, bytes_of_str(collection_key), collections);
    if (d->also_writes != NULL) {
        rwset_namespace(&m, d->also_writes);
        rwset_write(&m, bytes_of_str("k"), bytes_of_str("v"));
    }
    rwset_end(&m, &b);
    buf_done(&data);
    return b;
}

static uint8_t judge(struct vworld *w, const struct deployment *d)
{
    WEFT_CLEANUP(buf_done) struct buf proposal = proposal_of(d);
    WEFT_CLEANUP(buf_done) struct buf results = results_of(d);
    return vworld_judge(w, &(struct tx_order){ .chaincode = "lscc",
                                               .proposal = buf_bytes(&proposal),
                                               .results = buf_bytes(&results) });
}

/* A CollectionConfigPackage; caller frees. */
static struct buf package_of(const char *name, uint64_t block_to_live, const char *members)
{
    struct buf b = { 0 }, config = { 0 }, package = { 0 }, policy = vworld_policy(members),
               orgs = { 0 };
    put_buf(&orgs, 1, &policy);
    wire_put_bytes(&b, 1, bytes_of_str(name));
    put_buf(&b, 2, &orgs);
    wire_put_varint(&b, 4, 1);
    wire_put_varint(&b, 5, block_to_live);
    put_buf(&config, 1, &b);
    put_buf(&package, 1, &config);
    return package;
}

/* ---- deploy -------------------------------------------------------------------------------------- */

TEST(what_was_asked_for_must_be_what_is_written)
{
    static const struct {
        struct deployment d;
        bool is_good;
    } rows[] = {
        { { 0 }, true },
        { { .name = "my-cc_2", .version = "1.0+a-b_c" }, true },
        { { .is_node = true }, true },
        { { .function = "install" }, false },
        { { .name = "bad name" }, false },
        { { .name = "-cc" }, false },
        { { .name = "cc--cc" }, false },
        { { .name = "lscc" }, false },
        { { .version = "" }, false },
        { { .version = "1/2" }, false },
        { { .written_key = "other" }, false },
        { { .written_name = "other" }, false },
        { { .written_version = "2" }, false },
        { { .also_writes = "other" }, false },
        { { .also_writes = "mycc" }, true }, /* its own Init may write */
        { { .arguments = 2 }, false },
        { { .arguments = 3 }, true },
        { { .arguments = 8 }, false },
        { { .instantiation_policy = "" }, false },
        { { .instantiation_policy = "OR('Org2MSP.admin')" }, false },
    };
    static const char *const capabilities[] = { "V1_4_2", "V1_2", "V1_1" };
    for (size_t j = 0; j < WEFT_ARRAY_LEN(capabilities); j++) {
        WEFT_CLEANUP(vworld_done) struct vworld w;
        vworld_init(&w, capabilities[j]);
        for (size_t i = 0; i < WEFT_ARRAY_LEN(rows); i++)
            if ((judge(&w, &rows[i].d) == TX_VALID) != rows[i].is_good)
                fail_msg("%s, row %zu", capabilities[j], i);
    }
}

TEST(a_chaincode_is_deployed_once_and_upgraded_to_another_version)
{
    WEFT_CLEANUP(vworld_done) struct vworld w;
    vworld_init(&w, "V1_4_2");
    EXPECT(judge(&w, &(struct deployment){ .function = "upgrade" }) != TX_VALID);
    vworld_deploy(&w, "mycc", "1", anyone);
    EXPECT(judge(&w, &(struct deployment){ 0 }) != TX_VALID);
    EXPECT(judge(&w, &(struct deployment){ .function = "upgrade" }) != TX_VALID);
    EXPECT_EQ(judge(&w, &(struct deployment){ .function = "upgrade", .version = "2" }), TX_VALID);
}

/* The old policy says who may; with V1_1, the new one too. */
TEST(an_upgrade_wants_the_old_policys_word_and_the_new_ones)
{
    WEFT_CLEANUP(vworld_done) struct vworld w;
    struct deployment strict = { .function = "upgrade",
                                 .version = "2",
                                 .instantiation_policy = "OR('Org2MSP.admin')" };
    vworld_init(&w, "V1_4_2");
    vworld_deploy(&w, "mycc", "1", anyone);
    EXPECT(judge(&w, &strict) != TX_VALID);
    vworld_deploy(&w, "mycc", "1", "OR('Org2MSP.admin')");
    EXPECT(judge(&w, &(struct deployment){ .function = "upgrade", .version = "2" }) != TX_VALID);
    WEFT_CLEANUP(vworld_done) struct vworld old;
    vworld_init(&old, NULL);
    vworld_deploy(&old, "mycc", "1", anyone);
    EXPECT_EQ(judge(&old, &strict), TX_VALID);
}

/* ---- collections --------------------------------------------------------------------------------- */

TEST(collections_are_written_as_they_were_asked_for)
{
    WEFT_CLEANUP(vworld_done) struct vworld w;
    WEFT_CLEANUP(buf_done) struct buf one = package_of("c1", 3, anyone);
    WEFT_CLEANUP(buf_done) struct buf other = package_of("c2", 3, anyone);
    WEFT_CLEANUP(buf_done) struct buf bad_name = package_of("c 1", 3, anyone);
    WEFT_CLEANUP(buf_done)
    struct buf both = package_of("c1", 3, "AND('Org1MSP.member','Org2MSP.member')");
    vworld_init(&w, "V1_4_2");
    EXPECT_EQ(judge(&w, &(struct deployment){ .collections = buf_bytes(&one) }), TX_VALID);
    EXPECT(judge(&w, &(struct deployment){ .collections = buf_bytes(&one),
                                           .written_collections = buf_bytes(&other) }) != TX_VALID);
    EXPECT(judge(&w, &(struct deployment){ .collections = buf_bytes(&one),
                                           .writes_no_collections = true }) != TX_VALID);
    EXPECT(judge(&w, &(struct deployment){ .collections = buf_bytes(&bad_name) }) != TX_VALID);
    EXPECT(judge(&w, &(struct deployment){ .collections = buf_bytes(&both) }) != TX_VALID);
    EXPECT(judge(&w, &(struct deployment){ .collections = bytes_of("\xff", 1) }) != TX_VALID);
    WEFT_CLEANUP(vworld_done) struct vworld old; /* collections are not known there */
    vworld_init(&old, "V1_1");
    EXPECT(judge(&old, &(struct deployment){ .collections = buf_bytes(&one) }) != TX_VALID);
}

TEST(an_upgrade_keeps_the_collections_that_there_are)
{
    WEFT_CLEANUP(vworld_done) struct vworld w;
    WEFT_CLEANUP(buf_done) struct buf one = package_of("c1", 3, anyone);
    WEFT_CLEANUP(buf_done) struct buf longer = package_of("c1", 4, anyone);
    WEFT_CLEANUP(buf_done) struct buf other = package_of("c2", 3, anyone);
    vworld_init(&w, "V1_4_2");
    vworld_deploy(&w, "mycc", "1", anyone);
    map_state_put(w.state, "lscc", bytes_of_str("mycc~collection"), buf_bytes(&one));
    struct deployment d = { .function = "upgrade", .version = "2", .collections = buf_bytes(&one) };
    EXPECT_EQ(judge(&w, &d), TX_VALID);
    d.collections = buf_bytes(&longer);
    EXPECT(judge(&w, &d) != TX_VALID);
    d.collections = buf_bytes(&other);
    EXPECT(judge(&w, &d) != TX_VALID);
}

/* ---- in one block ---------------------------------------------------------------------------------- */

static void add(struct vworld *w, const struct deployment *d)
{
    WEFT_CLEANUP(buf_done) struct buf proposal = proposal_of(d);
    WEFT_CLEANUP(buf_done) struct buf results = results_of(d);
    vworld_add(w, &(struct tx_order){ .chaincode = "lscc",
                                      .proposal = buf_bytes(&proposal),
                                      .results = buf_bytes(&results) });
}

TEST(of_several_upgrades_the_last_counts_and_no_call_of_what_was_upgraded)
{
    WEFT_CLEANUP(vworld_done) struct vworld w;
    WEFT_CLEANUP(buf_done) struct buf write = vworld_write("mycc", "k");
    uint8_t codes[VWORLD_TXS];
    struct weft_err e;
    vworld_init(&w, "V1_4_2");
    vworld_deploy(&w, "mycc", "1", anyone);
    struct tx_order call = { .chaincode = "mycc", .version = "1", .results = buf_bytes(&write) };
    vworld_add(&w, &call);
    add(&w, &(struct deployment){ .function = "upgrade", .version = "2" });
    add(&w, &(struct deployment){ .function = "upgrade", .version = "3" });
    vworld_add(&w, &call);
    EXPECT_OK(vworld_decide(&w, codes, &e));
    EXPECT_EQ(codes[0], TX_CHAINCODE_VERSION_CONFLICT);
    EXPECT_EQ(codes[1], TX_CHAINCODE_VERSION_CONFLICT);
    EXPECT_EQ(codes[2], TX_VALID);
    EXPECT_EQ(codes[3], TX_CHAINCODE_VERSION_CONFLICT);
}
