#include "cryptogen/crypto_spec.h"

#include "weft_test.h"

struct reading {
    struct arena arena;
    struct crypto_spec spec;
    struct weft_err e;
};

static void reading_done(struct reading *r)
{
    arena_done(&r->arena);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct reading, reading_done)

static enum weft_code read_spec(const char *yaml, struct reading *r)
{
    return crypto_spec_read(bytes_of_str(yaml), "c.yaml", &r->arena, &r->spec, &r->e);
}

static const struct crypto_org *read_org(const char *yaml, struct reading *r)
{
    struct weft_err e = { 0 };
    enum weft_code rc = read_spec(yaml, r);
    e = r->e;
    EXPECT_OK(rc);
    EXPECT(r->spec.peer_org_count > 0);
    return r->spec.peer_orgs;
}

TEST(nodes_are_those_by_name_then_those_by_number)
{
    WEFT_CLEANUP(reading_done) struct reading r = { 0 };
    const struct crypto_org *org = read_org("PeerOrgs:\n"
                                            "  - Name: Org1\n"
                                            "    Domain: a.com\n"
                                            "    Template: { Count: 2, Start: 5 }\n"
                                            "    Specs: [ { Hostname: foo } ]\n"
                                            "    Users: { Count: 3 }\n",
                                            &r);
    EXPECT_STR(org->name, "Org1");
    EXPECT_EQ(org->node_count, 3);
    EXPECT_STR(org->nodes[0].common_name, "foo.a.com");
    EXPECT_STR(org->nodes[1].common_name, "peer5.a.com");
    EXPECT_STR(org->nodes[2].common_name, "peer6.a.com");
    EXPECT_EQ(org->users, 3);
    EXPECT(!org->node_ous);
    EXPECT_STR(org->ca.common_name, "ca.a.com");
}

TEST(templates_know_host_domain_and_the_name_that_came_of_them)
{
    WEFT_CLEANUP(reading_done) struct reading r = { 0 };
    const struct crypto_org *org =
        read_org("PeerOrgs:\n"
                 "  - Domain: a.com\n"
                 "    CA: { Hostname: root, CommonName: '{{.Hostname}}-{{.Domain}}' }\n"
                 "    Template:\n"
                 "      Count: 1\n"
                 "      Hostname: '{{.Prefix}}-{{ .Index }}'\n"
                 "      SANS: ['{{.Hostname}}.alt.{{.Domain}}', 'x.{{.CommonName}}', 10.0.0.1]\n",
                 &r);
    const struct cert_texts *sans = &org->nodes[0].sans;
    static const char *const want[] = { "peer-0.a.com", "peer-0", "peer-0.alt.a.com",
                                        "x.peer-0.a.com", "10.0.0.1" };
    EXPECT_EQ(sans->count, WEFT_ARRAY_LEN(want));
    for (size_t i = 0; i < WEFT_ARRAY_LEN(want); i++)
        EXPECT_STR(sans->at[i], want[i]);
    EXPECT_STR(org->ca.common_name, "root-a.com");
}

TEST(an_orderer_organisations_nodes_are_called_orderer)
{
    WEFT_CLEANUP(reading_done) struct reading r = { 0 };
    struct weft_err e = { 0 };
    EXPECT_OK(read_spec("OrdererOrgs: [ { Domain: o.com, EnableNodeOUs: yes,"
                        " Template: { Count: 1 } } ]\n",
                        &r));
    EXPECT_EQ(r.spec.orderer_org_count, 1);
    EXPECT_EQ(r.spec.peer_org_count, 0);
    EXPECT_STR(r.spec.orderer_orgs[0].nodes[0].common_name, "orderer0.o.com");
    EXPECT(r.spec.orderer_orgs[0].node_ous);
}

TEST(anchors_and_merge_keys_are_followed)
{
    WEFT_CLEANUP(reading_done) struct reading r = { 0 };
    const struct crypto_org *org = read_org("x: &many { Count: 2 }\n"
                                            "PeerOrgs:\n"
                                            "  - Domain: a.com\n"
                                            "    Template: { <<: *many, Start: 1 }\n"
                                            "    Users: *many\n",
                                            &r);
    EXPECT_EQ(org->users, 2);
    EXPECT_STR(org->nodes[1].common_name, "peer2.a.com");
}

TEST(texts_that_look_like_numbers_stay_as_they_are_written)
{
    WEFT_CLEANUP(reading_done) struct reading r = { 0 };
    const struct crypto_org *org =
        read_org("PeerOrgs:\n"
                 "  - Domain: a.com\n"
                 "    CA: { PostalCode: 00123 }\n"
                 "    Specs: [ { Hostname: 1.50 }, { Hostname: yes }, { Hostname: 0x10 } ]\n",
                 &r);
    EXPECT_STR(org->ca.postal_code, "00123");
    EXPECT_STR(org->nodes[0].hostname, "1.50");
    EXPECT_STR(org->nodes[1].hostname, "yes");
    EXPECT_STR(org->nodes[2].hostname, "0x10");
}

TEST(nothing_asked_for_is_nothing_made)
{
    static const char *const empty[] = { "", "# only words\n", "PeerOrgs:\nOrdererOrgs: ~\n",
                                         "Other: 1\n" };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(empty); i++) {
        WEFT_CLEANUP(reading_done) struct reading r = { 0 };
        struct weft_err e = { 0 };
        EXPECT_OK(read_spec(empty[i], &r));
        EXPECT_EQ(r.spec.peer_org_count + r.spec.orderer_org_count, 0);
    }
}

TEST(the_default_is_understood)
{
    WEFT_CLEANUP(reading_done) struct reading r = { 0 };
    (void)read_org(crypto_spec_default, &r);
    EXPECT_EQ(r.spec.peer_org_count, 2);
    EXPECT_EQ(r.spec.orderer_org_count, 1);
    EXPECT_STR(r.spec.orderer_orgs[0].nodes[0].common_name, "orderer.example.com");
    EXPECT_STR(r.spec.peer_orgs[1].nodes[0].common_name, "peer0.org2.example.com");
}

TEST(a_short_file_cannot_ask_for_endless_names)
{
    WEFT_CLEANUP(reading_done) struct reading r = { 0 };
    WEFT_CLEANUP(buf_done) struct buf yaml = { 0 };
    struct weft_err e = { 0 };
    buf_put_str(&yaml, "x: &o { Domain: a.com, Template: { Count: 10000 } }\nPeerOrgs: [ *o");
    for (int i = 0; i < 100; i++)
        buf_put_str(&yaml, ", *o");
    buf_put_str(&yaml, " ]\n");
    EXPECT_CODE(crypto_spec_read(buf_bytes(&yaml), "c.yaml", &r.arena, &r.spec, &e), WEFT_LIMIT);
    EXPECT_WORDS(e, "asks for more nodes and names than fit in 64 MB");
}

#define ORG "PeerOrgs:\n  - Domain: a.com\n    "

TEST(bad_values_are_named_with_line_and_what_is_expected)
{
    static const struct {
        const char *yaml, *words;
    } cases[] = {
        { "PeerOrgs: 7\n", "c.yaml:1: PeerOrgs is 7, expected a list" },
        { "PeerOrgs: {a: b}\n", "PeerOrgs is a map, expected a list" },
        { "[]\n", "c.yaml:1: the file is a list, expected a map" },
        { "PeerOrgs: [~]\n", "an organisation is empty, expected a map" },
        { "PeerOrgs: [{Name: A}]\n", "Domain is \"\", expected a name such as" },
        { "PeerOrgs: [{Domain: a/b}]\n", "Domain is \"a/b\"" },
        { "PeerOrgs: [{Domain: ..}]\n", "Domain is \"..\"" },
        { ORG "Template: {Count: two}\n", "c.yaml:3: Count is two, expected a number from 0" },
        { ORG "Template: {Count: 10001}\n", "Count is 10001, expected a number from 0 to 10000" },
        { ORG "Template: {Count: -1}\n", "Count is -1" },
        { ORG "Template: {Count: 1, Start: 9999999999}\n", "from 0 to 1000000000" },
        { ORG "Template: {Count: [1]}\n", "Count is a list" },
        { ORG "Users: 3\n", "Users is 3, expected a map" },
        { ORG "EnableNodeOUs: perhaps\n", "EnableNodeOUs is perhaps, expected true or false" },
        { ORG "Specs: {Hostname: a}\n", "Specs is a map, expected a list" },
        { ORG "Specs: [~]\n", "Specs is empty, expected a list of maps" },
        { ORG "Specs: [{Hostname: [a]}]\n", "Hostname is a list, expected a text" },
        { ORG "Specs: [{Hostname: a, SANS: b}]\n", "SANS is b, expected a list of texts" },
        { ORG "Specs: [{Hostname: a, SANS: [[b]]}]\n", "SANS is a list, expected a list of texts" },
        { ORG "Specs: [{CommonName: '{{.Index}}'}]\n", "\"{{.Index}}\" is not one of its fields" },
        { ORG "Specs: [{CommonName: '{{.Hostname'}]\n", "unclosed action in \"{{.Hostname\"" },
        { ORG "Specs: [{CommonName: '{{}}'}]\n", "\"{{}}\" is not one of its fields" },
        { "PeerOrgs: [\n", "Error reading config: Error Unmarshaling YAML" },
    };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(cases); i++) {
        WEFT_CLEANUP(reading_done) struct reading r = { 0 };
        struct weft_err e = { 0 };
        EXPECT_CODE(read_spec(cases[i].yaml, &r), WEFT_INVALID);
        weft_test_expect_words(r.e.msg, cases[i].words, __FILE__, __LINE__);
        EXPECT(strchr(r.e.msg, '\n') == NULL);
    }
}
