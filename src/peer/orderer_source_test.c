#include "peer/orderer_source.h"

#include "weft_test.h"

#define TEXTS(...)                                                               \
    {                                                                            \
        (const struct bytes[]){ __VA_ARGS__ },                                   \
            sizeof((const struct bytes[]){ __VA_ARGS__ }) / sizeof(struct bytes) \
    }
#define T(s)                                \
    {                                       \
        (const uint8_t *)(s), sizeof(s) - 1 \
    }

static const struct orderer_texts none;
static const struct orderer_texts two = TEXTS(T("a:1"), T("b:2"));
static const struct orderer_texts three = TEXTS(T("a:1"), T("b:2"), T("c:3"));
static const struct orderer_texts own1 = TEXTS(T("o1:1"), T("o1:2"));
static const struct orderer_texts own2 = TEXTS(T("o2:1"));
static const struct orderer_texts roots1 = TEXTS(T("PEM1"));
static const struct orderer_texts roots2 = TEXTS(T("PEM2a"), T("PEM2b"));

static bool update(struct orderer_source *s, struct orderer_texts addresses,
                   const struct orderer_org *orgs, size_t count)
{
    const struct orderer_config_view view = { "ch", addresses, orgs, count };
    return orderer_source_update(s, &view);
}

static void expect_endpoint(const struct orderer_source *s, size_t i, const char *address,
                            const char *roots)
{
    const struct orderer_endpoint *one = orderer_source_pick(s, i);
    EXPECT(one != NULL);
    EXPECT_STR(one->address, address);
    EXPECT_BYTES(one->roots, bytes_of_str(roots));
}

TEST(without_own_endpoints_the_channels_addresses_count_with_all_roots)
{
    WEFT_CLEANUP(orderer_source_free) struct orderer_source *s = orderer_source_new(NULL, 0);
    const struct orderer_org orgs[] = { { T("Org1"), none, roots1 }, { T("Org2"), none, roots2 } };
    EXPECT(orderer_source_pick(s, 5) == NULL);
    EXPECT(update(s, two, orgs, 2));
    EXPECT_EQ(orderer_source_count(s), 2);
    expect_endpoint(s, 0, "a:1", "PEM1\nPEM2a\nPEM2b\n");
    expect_endpoint(s, 3, "b:2", "PEM1\nPEM2a\nPEM2b\n");
}

TEST(own_endpoints_replace_them_each_with_its_own_roots)
{
    WEFT_CLEANUP(orderer_source_free) struct orderer_source *s = orderer_source_new(NULL, 0);
    const struct orderer_org orgs[] = { { T("Org1"), own1, roots1 }, { T("Org2"), own2, roots2 } };
    EXPECT(update(s, two, orgs, 2));
    EXPECT_EQ(orderer_source_count(s), 3);
    expect_endpoint(s, 1, "o1:2", "PEM1\n");
    expect_endpoint(s, 2, "o2:1", "PEM2a\nPEM2b\n");
}

TEST(only_a_change_makes_a_new_list)
{
    WEFT_CLEANUP(orderer_source_free) struct orderer_source *s = orderer_source_new(NULL, 0);
    const struct orderer_org with[] = { { T("Org1"), own1, roots1 } };
    const struct orderer_org without[] = { { T("Org1"), none, roots1 } };
    const struct orderer_org other[] = { { T("Org1"), none, roots2 } };
    EXPECT(update(s, two, without, 1));
    EXPECT(!update(s, two, without, 1));
    EXPECT(update(s, three, without, 1));
    EXPECT(update(s, two, without, 1));
    EXPECT(update(s, two, other, 1));
    EXPECT(update(s, two, with, 1));
    EXPECT(!update(s, three, with, 1)); /* not used: not looked at */
    EXPECT(update(s, three, NULL, 0));  /* an organisation is gone */
}

TEST(overrides_take_an_addresss_place_and_its_roots)
{
    const struct orderer_override overrides[] = { { "b:2", "proxy:9", T("PROXY") } };
    WEFT_CLEANUP(orderer_source_free) struct orderer_source *s = orderer_source_new(overrides, 1);
    const struct orderer_org orgs[] = { { T("Org1"), none, roots1 } };
    EXPECT(update(s, two, orgs, 1));
    expect_endpoint(s, 0, "a:1", "PEM1\n");
    expect_endpoint(s, 1, "proxy:9", "PROXY");
    EXPECT(update(s, two, orgs, 1)); /* b:2 is not what is dialed: a change each time */
}
