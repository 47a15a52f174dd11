#include "genesis/genesis.h"

#include "channel/config_envelope.h"
#include "channel/config_group.h"
#include "channel/config_update.h"
#include "crypto/cert_make.h"
#include "crypto/pem.h"
#include "os/dirs.h"
#include "os/file.h"
#include "proto/block.h"
#include "proto/envelope.h"
#include "weft_test.h"

#define POLICIES                                             \
    "{ Readers: {Type: ImplicitMeta, Rule: ANY Readers},"    \
    "  Writers: {Type: ImplicitMeta, Rule: ANY Writers},"    \
    "  Admins: {Type: ImplicitMeta, Rule: MAJORITY Admins}," \
    "  BlockValidation: {Type: Signature, Rule: \"OR('A.member')\"} }"

#define ORG(anchor, name, more) \
    "  - &" anchor "\n"         \
    "    Name: " name "\n"      \
    "    ID: " name "MSP\n"     \
    "    MSPDir: msp\n"         \
    "    Policies: " POLICIES "\n" more

static const char good[] =
    "Organizations:\n" ORG("o", "Ord", "    OrdererEndpoints: ['o:1', 'p:2']\n")
        ORG("a", "A", "    AnchorPeers: [{Host: h, Port: 7}]\n")
            ORG("b", "B", "") "Profiles:\n"
                              "  System: &system\n"
                              "    Policies: " POLICIES "\n"
                              "    Capabilities: {V2_0: true, V1_3: false}\n"
                              "    Orderer: &orderer\n"
                              "      Addresses: ['x:1']\n"
                              "      Policies: " POLICIES "\n"
                              "      Organizations: [*o]\n"
                              "    Consortiums: {C: {Organizations: [*a, *b]}}\n"
                              "  Channel: &channel\n"
                              "    Consortium: C\n"
                              "    Policies: " POLICIES "\n"
                              "    Application: &application\n"
                              "      Policies: " POLICIES "\n"
                              "      ACLs: {b/B: /Channel/Readers, a/A: /Channel/Admins}\n"
                              "      Organizations: [*a, *b]\n"
                              "  More:\n"
                              "    <<: *channel\n"
                              "    Orderer: {<<: *orderer, BatchTimeout: 5s}\n";

/* A folder with an MSP, and configtx.yaml beside it as if it were there. */
struct world {
    char *dir;
    struct configtx *c;
    struct arena arena;
    struct weft_err e;
};

static void write_msp(const char *dir)
{
    struct weft_err e = { 0 };
    const struct cert_plan plan = { .subject = { .common_name = "ca" },
                                    .is_ca = true,
                                    .usage = CERT_SIGN,
                                    .not_after_s = INT32_MAX };
    WEFT_FREE char *folder = weft_asprintf("%s/msp/cacerts", dir);
    WEFT_FREE char *file = weft_asprintf("%s/ca.pem", folder);
    WEFT_CLEANUP(private_key_unref) struct private_key *key = NULL;
    WEFT_CLEANUP(buf_done) struct buf der = { 0 };
    WEFT_CLEANUP(buf_done) struct buf pem = { 0 };
    EXPECT_OK(private_key_generate(EC_CURVE_P256, &key, &e));
    EXPECT_OK(cert_make(&plan, private_key_public(key), NULL, key, &der, &e));
    pem_encode("CERTIFICATE", buf_bytes(&der), &pem);
    EXPECT_OK(dir_make(folder, &e));
    EXPECT_OK(file_write_plain(file, buf_bytes(&pem), 0644, &e));
}

static void world_done(struct world *w)
{
    configtx_free(w->c);
    arena_done(&w->arena);
    free(w->dir);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct world, world_done)

static enum weft_code open_text(struct world *w, const char *yaml)
{
    static const char *const env[] = { NULL };
    WEFT_FREE char *path = NULL;
    if (w->dir == NULL) {
        w->dir = weft_test_dir();
        write_msp(w->dir);
    }
    path = weft_asprintf("%s/configtx.yaml", w->dir);
    return configtx_parse(bytes_of_str(yaml), path, env, &w->c, &w->e);
}

static const struct configtx_profile *profile(struct world *w, const char *name)
{
    struct weft_err e = { 0 };
    const struct configtx_profile *p = NULL;
    if (w->c == NULL)
        EXPECT_OK(open_text(w, good));
    EXPECT_OK(configtx_profile(w->c, name, &p, &e));
    return p;
}

static const struct config_item *group_at(const struct config_item *g, const char *path)
{
    WEFT_FREE char *copy = weft_asprintf("%s", path);
    char *rest = copy;
    for (char *name; (name = strsep(&rest, "/")) != NULL;) {
        g = config_group_find(g, CONFIG_ITEM_GROUP, bytes_of_str(name));
        EXPECT(g != NULL);
    }
    return g;
}

static void has_value(const struct config_item *g, const char *name, const char *hex)
{
    const struct config_item *v = config_group_find(g, CONFIG_ITEM_VALUE, bytes_of_str(name));
    EXPECT(v != NULL);
    WEFT_FREE char *got = bytes_to_hex(v->value);
    EXPECT_STR(got, hex);
}

static const struct config_item *block_group(struct world *w, const struct buf *block)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(block_view_done) struct block_view v = { 0 };
    struct config_envelope_view config;
    const struct config_item *root = NULL;
    EXPECT_OK(block_view_parse(&v, buf_bytes(block), &e));
    EXPECT_OK(config_envelope_of_block(&v, &config, &e));
    EXPECT_EQ(config.last_update.len, 0);
    EXPECT_OK(config_group_parse(config.channel_group, &w->arena, &root, &e));
    return root;
}

static const struct config_item *make_block(struct world *w, const char *name, struct buf *block)
{
    struct weft_err e = { 0 };
    EXPECT_OK(genesis_block(profile(w, name), "ch", 1700000000, block, &e));
    return block_group(w, block);
}

TEST(a_first_block_follows_on_nothing_and_says_when_and_for_whom_it_was_made)
{
    WEFT_CLEANUP(world_done) struct world w = { 0 };
    WEFT_CLEANUP(buf_done) struct buf block = { 0 };
    WEFT_CLEANUP(block_view_done) struct block_view v = { 0 };
    struct envelope_headers h;
    struct weft_err e = { 0 };
    char tx_id[TX_ID_LEN + 1];

    (void)make_block(&w, "System", &block);
    EXPECT_OK(block_view_parse(&v, buf_bytes(&block), &e));
    struct digest hash = block_data_hash(&v);
    EXPECT_EQ(v.number, 0);
    EXPECT_EQ(v.previous_hash.len, 0);
    EXPECT_BYTES(v.data_hash, digest_bytes(&hash));
    EXPECT_EQ(v.txs.count, 1);
    EXPECT_EQ(v.slots.count, BLOCK_SLOT_NR);
    EXPECT_OK(envelope_headers_parse(v.txs.at[0], &h, &e));
    EXPECT_EQ(h.channel.type, HEADER_CONFIG);
    EXPECT_BYTES(h.channel.channel_id, bytes_of_str("ch"));
    EXPECT_EQ(h.envelope.signature.len, 0);
    EXPECT_EQ(h.signature.creator.len, 0);
    tx_id_compute(h.signature.nonce, bytes_of(NULL, 0), tx_id);
    EXPECT_BYTES(h.channel.tx_id, bytes_of_str(tx_id));
}

TEST(what_a_profile_does_not_say_is_fabrics_default)
{
    WEFT_CLEANUP(world_done) struct world w = { 0 };
    WEFT_CLEANUP(buf_done) struct buf block = { 0 };
    const struct config_item *root = make_block(&w, "System", &block);
    const struct config_item *orderer = group_at(root, "Orderer");

    has_value(root, "HashingAlgorithm", "0a06534841323536");
    has_value(root, "BlockDataHashingStructure", "08ffffffff0f");
    has_value(root, "OrdererAddresses", "0a03783a31");
    has_value(root, "Capabilities", "0a080a0456325f301200"); /* V1_3 is false: not there */
    has_value(orderer, "BatchSize", "08f40310808080051880808001");
    has_value(orderer, "BatchTimeout", "0a023273");
    has_value(orderer, "ChannelRestrictions", "");
    has_value(orderer, "ConsensusType", "0a04736f6c6f");
    has_value(group_at(root, "Orderer/Ord"), "Endpoints", "0a036f3a310a03703a32");
    EXPECT(config_group_find(root, CONFIG_ITEM_VALUE, bytes_of_str("Consortium")) == NULL);
}

/* Whose signature changes it: Admins of where it stands, of the orderers for the rest. */
static void expect_mod_policies(const struct config_item *item, bool of_orderers)
{
    of_orderers |= bytes_eq(item->name, bytes_of_str("Consortiums")) ||
                   bytes_eq(item->name, bytes_of_str("OrdererAddresses"));
    for (size_t i = 0; i < item->count; i++) {
        bool org = item->kind == CONFIG_ITEM_GROUP && (bytes_eq(item->name, bytes_of_str("A")) ||
                                                       bytes_eq(item->name, bytes_of_str("B")));
        expect_mod_policies(item->members[i], of_orderers && !org);
    }
    bool org = item->kind == CONFIG_ITEM_GROUP &&
               (bytes_eq(item->name, bytes_of_str("A")) || bytes_eq(item->name, bytes_of_str("B")));
    EXPECT_BYTES(item->mod_policy,
                 bytes_of_str(of_orderers && !org ? "/Channel/Orderer/Admins" : "Admins"));
    EXPECT_EQ(item->version, 0);
}

TEST(consortiums_and_addresses_are_the_orderers_to_change_all_else_its_own_admins)
{
    WEFT_CLEANUP(world_done) struct world w = { 0 };
    WEFT_CLEANUP(buf_done) struct buf block = { 0 };
    const struct config_item *root = make_block(&w, "System", &block);

    expect_mod_policies(root, false);
    has_value(group_at(root, "Consortiums/C"), "ChannelCreationPolicy", "080312080a0641646d696e73");
}

static struct config_update_view read_update(struct world *w, const struct buf *tx)
{
    struct weft_err e = { 0 };
    struct config_update_envelope_view envelope;
    struct config_update_view u = { 0 };
    EXPECT_OK(config_update_envelope_parse(buf_bytes(tx), &envelope, &e));
    EXPECT_OK(config_update_parse(envelope.config_update, &w->arena, &u, &e));
    EXPECT_BYTES(u.channel_id, bytes_of_str("ch"));
    return u;
}

TEST(a_creation_names_consortium_members_and_what_the_application_says)
{
    WEFT_CLEANUP(world_done) struct world w = { 0 };
    WEFT_CLEANUP(buf_done) struct buf tx = { 0 };
    struct weft_err e = { 0 };

    EXPECT_OK(genesis_channel_tx(profile(&w, "Channel"), NULL, "ch", 1, &tx, &e));
    struct config_update_view u = read_update(&w, &tx);
    const struct config_item *before = group_at(u.read_set, "Application");
    const struct config_item *after = group_at(u.write_set, "Application");
    has_value(u.write_set, "Consortium", "0a0143");
    has_value(u.read_set, "Consortium", "");
    EXPECT_EQ(before->version, 0);
    EXPECT_EQ(before->count, 2);
    EXPECT_EQ(after->version, 1);
    has_value(after, "ACLs",
              "0a180a03612f4112110a0f2f4368616e6e656c2f41646d696e73"
              "0a190a03622f4212120a102f4368616e6e656c2f52656164657273");
    EXPECT_EQ(group_at(after, "A")->count, 0); /* the consortium knows who that is */
}

TEST(a_creation_on_a_known_system_channel_may_change_the_orderers_part)
{
    WEFT_CLEANUP(world_done) struct world w = { 0 };
    WEFT_CLEANUP(buf_done) struct buf tx = { 0 };
    struct weft_err e = { 0 };

    EXPECT_OK(genesis_channel_tx(profile(&w, "More"), profile(&w, "System"), "ch", 1, &tx, &e));
    struct config_update_view u = read_update(&w, &tx);
    has_value(group_at(u.write_set, "Orderer"), "BatchTimeout", "0a023573");
    EXPECT_CODE(genesis_channel_tx(profile(&w, "More"), profile(&w, "Channel"), "ch", 1, &tx, &e),
                WEFT_INVALID);
    EXPECT_WORDS(e, "does not appear to be system channel (missing consortiums group)");
}

TEST(an_anchor_update_is_one_value_of_one_organisation)
{
    WEFT_CLEANUP(world_done) struct world w = { 0 };
    WEFT_CLEANUP(buf_done) struct buf tx = { 0 };
    struct weft_err e = { 0 };
    const struct configtx_profile *p = profile(&w, "Channel");

    EXPECT_OK(genesis_anchor_update(p, "A", "ch", 1, &tx, &e));
    struct config_update_view u = read_update(&w, &tx);
    const struct config_item *org = group_at(u.write_set, "Application/A");
    has_value(org, "AnchorPeers", "0a050a01681007");
    EXPECT_EQ(org->version, 1);
    EXPECT_EQ(group_at(u.write_set, "Application")->version, 1);
    EXPECT(config_group_find(group_at(u.read_set, "Application/A"), CONFIG_ITEM_VALUE,
                             bytes_of_str("AnchorPeers")) == NULL);

    EXPECT_CODE(genesis_anchor_update(p, "B", "ch", 1, &tx, &e), WEFT_NOT_FOUND);
    EXPECT_WORDS(e, "org 'B' does not have any anchor peers defined");
    EXPECT_CODE(genesis_anchor_update(p, "Z", "ch", 1, &tx, &e), WEFT_NOT_FOUND);
    EXPECT_WORDS(e, "org with name 'Z' does not exist in config");
    EXPECT_CODE(genesis_anchor_update(profile(&w, "System"), "A", "ch", 1, &tx, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "cannot update anchor peers without an application section");
}

/* `good` with one text replaced by another, where it stands first. */
static char *replaced(const char *from, const char *to)
{
    const char *at = strstr(good, from);
    EXPECT(at != NULL);
    return weft_asprintf("%.*s%s%s", (int)(at - good), good, to, at + strlen(from));
}

static enum weft_code try_block(struct world *w, const char *yaml, const char *name)
{
    const struct configtx_profile *p = NULL;
    WEFT_CLEANUP(buf_done) struct buf block = { 0 };
    WEFT_TRY(open_text(w, yaml));
    WEFT_TRY(configtx_profile(w->c, name, &p, &w->e));
    enum weft_code rc = genesis_block(p, "ch", 1, &block, &w->e);
    EXPECT(rc == WEFT_OK || block.len == 0);
    return rc;
}

TEST(refuses_with_fabrics_words_what_is_missing_or_means_nothing)
{
    static const struct {
        const char *from, *to, *words;
    } cases[] = {
        { "MSPDir: msp", "MSPDir: none", "1 - Error loading MSP configuration for org: Ord" },
        { "ID: AMSP", "SkipAsForeign: yes", "organization 'A' is marked to be skipped as foreign" },
        { "Addresses: ['x:1']", "OrdererType: paxos", "unknown orderer type: paxos" },
        { "Addresses: ['x:1']", "OrdererType: etcdraft", "etcdraft configuration missing" },
        { "Addresses: ['x:1']", "OrdererType: etcdraft\n      EtcdRaft: {Options: {}}",
          "etcdraft configuration did not specify any consenter" },
        { "Addresses: ['x:1']",
          "OrdererType: etcdraft\n"
          "      EtcdRaft: {Consenters: [{Host: h, Port: 1, ClientTLSCert: c, ServerTLSCert: c}]}",
          "cannot load client cert for consenter h:1: " },
        { "Addresses: ['x:1']",
          "OrdererType: etcdraft\n"
          "      EtcdRaft: {Consenters: [{Host: h, Port: 1, ServerTLSCert: c}]}",
          "consenter info in etcdraft configuration did not specify client TLS cert" },
        { "Rule: ANY Readers", "Rule: SOME Readers",
          "invalid implicit meta policy rule 'SOME Readers'" },
        { "Type: Signature", "Type: Guess", "unknown policy type: Guess" },
        { "Writers: {Type", "Riders: {Type", "no Writers policy defined" },
        { "V2_0: true", "V2_0: often", "want true or false" },
        { "OrdererEndpoints", "OrdererEndpoint",
          "configtx.yaml:7: 'Organizations[0]' has invalid keys: OrdererEndpoint" },
        { "Consortium: C\n", "Consortium: C\n    Foo: 1\n    Bar: 2\n",
          "'Profiles[Channel]' has invalid keys: Foo, Bar" },
        { "Host: h", "Hosts: h", "'Organizations[1].AnchorPeers[0]' has invalid keys: Hosts" },
        { "Profiles:\n", "Profile: 1\nProfiles:\n", "'' has invalid keys: Profile" },
    };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(cases); i++) {
        WEFT_CLEANUP(world_done) struct world w = { 0 };
        WEFT_FREE char *yaml = replaced(cases[i].from, cases[i].to);
        EXPECT(try_block(&w, yaml, "System") != WEFT_OK);
        weft_test_expect_words(w.e.msg, cases[i].words, __FILE__, __LINE__);
    }
}

TEST(a_block_wants_an_orderer_section_and_a_profile_that_is_there)
{
    WEFT_CLEANUP(world_done) struct world w = { 0 };
    WEFT_CLEANUP(world_done) struct world other = { 0 };
    EXPECT(try_block(&w, good, "Channel") == WEFT_INVALID);
    EXPECT_STR(w.e.msg, "refusing to generate block which is missing orderer section");
    EXPECT(try_block(&other, good, "system") == WEFT_NOT_FOUND);
    EXPECT_STR(other.e.msg, "Could not find profile: system");
}

TEST(kafka_without_brokers_has_the_one_on_this_machine)
{
    WEFT_CLEANUP(world_done) struct world w = { 0 };
    WEFT_CLEANUP(buf_done) struct buf block = { 0 };
    WEFT_FREE char *yaml = replaced("Addresses: ['x:1']", "OrdererType: kafka");
    struct weft_err e = { 0 };
    EXPECT_OK(open_text(&w, yaml));
    const struct config_item *root = make_block(&w, "System", &block);
    has_value(group_at(root, "Orderer"), "KafkaBrokers", "0a0e3132372e302e302e313a39303932");
}
