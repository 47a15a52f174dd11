#include "channel/config_update.h"

#include "base/limits.h"
#include "channel/config_envelope.h"
#include "proto/block.h"
#include "weft_test.h"

/* Policies that are all satisfied but one; the paths that were asked for. */
struct policies {
    const char *denied, *missing;
    char asked[8][64];
    size_t count;
};

static enum weft_code satisfied(void *ctx, const char *path, struct weft_err *e)
{
    struct policies *p = ctx;
    if (p->count < WEFT_ARRAY_LEN(p->asked))
        (void)snprintf(p->asked[p->count++], sizeof(p->asked[0]), "%s", path);
    if (p->missing != NULL && strcmp(path, p->missing) == 0)
        return WEFT_FAIL(e, WEFT_NOT_FOUND, "no such policy: '%s'", path);
    if (p->denied != NULL && strcmp(path, p->denied) == 0)
        return WEFT_FAIL(e, WEFT_FORBIDDEN, "signature set did not satisfy policy");
    return WEFT_OK;
}

/* A tree in words: "Orderer { BatchSize=10/Admins Admins! } " made by hand. */
struct world {
    struct arena arena;
    struct policies policies;
    const struct config_item *now;
};

static const struct config_item *item(struct world *w, enum config_item_kind kind, const char *name,
                                      uint64_t version, const char *mod_policy, const char *value)
{
    struct config_item *i = arena_alloc(&w->arena, sizeof(*i));
    *i = (struct config_item){ .kind = kind,
                               .name = bytes_of_str(name),
                               .version = version,
                               .mod_policy = bytes_of_str(mod_policy),
                               .value = bytes_of_str(value),
                               .has_policy = kind == CONFIG_ITEM_POLICY && value[0] != '\0' };
    return i;
}

static const struct config_item *group(struct world *w, const char *name, uint64_t version,
                                       const char *mod_policy, size_t count,
                                       const struct config_item *const *members)
{
    struct config_item *g = arena_alloc(&w->arena, sizeof(*g));
    const struct config_item **at = arena_alloc(&w->arena, (count + 1) * sizeof(*at));
    for (size_t i = 0; i < count; i++)
        at[i] = members[i];
    config_group_sort(at, count);
    *g = (struct config_item){ .kind = CONFIG_ITEM_GROUP,
                               .name = bytes_of_str(name),
                               .version = version,
                               .mod_policy = bytes_of_str(mod_policy),
                               .members = at,
                               .count = count };
    return g;
}

#define MEMBERS(...)                                                                      \
    sizeof((const struct config_item *[]){ __VA_ARGS__ }) / sizeof(struct config_item *), \
        (const struct config_item *[])                                                    \
    {                                                                                     \
        __VA_ARGS__                                                                       \
    }

/* Channel { Orderer { BatchSize, BatchTimeout }, Admins } */
static const struct config_item *channel(struct world *w, const char *batch, const char *timeout)
{
    const struct config_item *orderer =
        group(w, "Orderer", 0, "Admins",
              MEMBERS(item(w, CONFIG_ITEM_VALUE, "BatchSize", 0, "Admins", batch),
                      item(w, CONFIG_ITEM_VALUE, "BatchTimeout", 0, "/Channel/Admins", timeout)));
    return group(w, "", 0, "Admins",
                 MEMBERS(orderer, item(w, CONFIG_ITEM_POLICY, "Admins", 0, "Admins", "p")));
}

static void world_init(struct world *w)
{
    *w = (struct world){ 0 };
    w->now = channel(w, "10", "2s");
}

static enum weft_code apply(struct world *w, const struct config_update_view *u,
                            const struct config_item **ret, struct weft_err *e)
{
    struct config_update_policies p = { &w->policies, satisfied };
    return config_update_apply(w->now, "ch", u, &p, &w->arena, ret, e);
}

static struct config_update_view computed(struct world *w, const struct config_item *updated)
{
    struct weft_err e = { 0 };
    struct config_update_view u = { 0 };
    EXPECT_OK(config_update_compute(w->now, updated, &w->arena, &u, &e));
    u.channel_id = bytes_of_str("ch");
    return u;
}

TEST(changing_a_value_asks_its_mod_policy_and_raises_its_version)
{
    struct weft_err e = { 0 };
    struct world w;
    const struct config_item *then = NULL;
    world_init(&w);
    struct config_update_view u = computed(&w, channel(&w, "15", "2s"));
    EXPECT_OK(apply(&w, &u, &then, &e));
    EXPECT_EQ(w.policies.count, 1);
    EXPECT_STR(w.policies.asked[0], "/Channel/Orderer/Admins");
    const struct config_item *orderer =
        config_group_find(then, CONFIG_ITEM_GROUP, bytes_of_str("Orderer"));
    const struct config_item *batch =
        config_group_find(orderer, CONFIG_ITEM_VALUE, bytes_of_str("BatchSize"));
    EXPECT_EQ(orderer->version, 0);
    EXPECT_EQ(batch->version, 1);
    EXPECT_BYTES(batch->value, bytes_of_str("15"));
    arena_done(&w.arena);
}

TEST(an_absolute_mod_policy_is_asked_as_it_stands)
{
    struct weft_err e = { 0 };
    struct world w;
    const struct config_item *then = NULL;
    world_init(&w);
    struct config_update_view u = computed(&w, channel(&w, "10", "5s"));
    w.policies.denied = "/Channel/Admins";
    EXPECT_CODE(apply(&w, &u, &then, &e), WEFT_FORBIDDEN);
    EXPECT_WORDS(e,
                 "error validating DeltaSet: policy for [Value]  /Channel/Orderer/BatchTimeout not "
                 "satisfied: signature set did not satisfy policy");
    w.policies = (struct policies){ .missing = "/Channel/Admins" };
    EXPECT_CODE(apply(&w, &u, &then, &e), WEFT_FORBIDDEN);
    EXPECT_WORDS(e, "unexpected missing policy /Channel/Admins for item [Value]  ");
    arena_done(&w.arena);
}

TEST(a_group_that_loses_a_member_is_a_new_version_without_it)
{
    struct weft_err e = { 0 };
    struct world w;
    const struct config_item *then = NULL;
    world_init(&w);
    const struct config_item *orderer =
        group(&w, "Orderer", 0, "Admins",
              MEMBERS(item(&w, CONFIG_ITEM_VALUE, "BatchSize", 0, "Admins", "10")));
    struct config_update_view u = computed(
        &w, group(&w, "", 0, "Admins",
                  MEMBERS(orderer, item(&w, CONFIG_ITEM_POLICY, "Admins", 0, "Admins", "p"))));
    EXPECT_OK(apply(&w, &u, &then, &e));
    EXPECT_EQ(w.policies.count, 1);
    EXPECT_STR(w.policies.asked[0], "/Channel/Orderer/Admins"); /* the group's own */
    orderer = config_group_find(then, CONFIG_ITEM_GROUP, bytes_of_str("Orderer"));
    EXPECT_EQ(orderer->version, 1);
    EXPECT_EQ(orderer->count, 1);
    EXPECT(config_group_find(orderer, CONFIG_ITEM_VALUE, bytes_of_str("BatchTimeout")) == NULL);
    arena_done(&w.arena);
}

TEST(refuses_with_fabrics_words)
{
    struct weft_err e = { 0 };
    struct world w;
    const struct config_item *then = NULL;
    world_init(&w);
    struct config_update_view u = computed(&w, channel(&w, "15", "2s"));

    struct config_update_view other = u;
    other.channel_id = bytes_of_str("other");
    EXPECT_CODE(apply(&w, &other, &then, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "ConfigUpdate for channel 'other' but envelope for channel 'ch'");

    struct config_update_view empty = { .channel_id = u.channel_id,
                                        .read_set = u.read_set,
                                        .write_set = u.read_set };
    EXPECT_CODE(apply(&w, &empty, &then, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "delta set was empty -- update would have no effect");

    const struct config_item *nothing = group(&w, "", 3, "", 0, NULL);
    struct config_update_view stale = { u.channel_id, nothing, nothing };
    EXPECT_CODE(apply(&w, &stale, &then, &e), WEFT_INVALID);
    EXPECT_WORDS(e,
                 "error validating ReadSet: proposed update requires that key [Group]  /Channel be "
                 "at version 3, but it is currently at version 0");

    EXPECT_OK(apply(&w, &u, &then, &e));
    w.now = then; /* the same update again */
    EXPECT_CODE(apply(&w, &u, &then, &e), WEFT_INVALID);
    EXPECT_WORDS(e,
                 "attempt to set key [Value]  /Channel/Orderer/BatchSize to version 1, but key is "
                 "at version 1");

    const struct config_item *odd =
        group(&w, "", 0, "", MEMBERS(item(&w, CONFIG_ITEM_VALUE, "a/b", 0, "Admins", "x")));
    struct config_update_view bad = { u.channel_id, NULL, odd };
    EXPECT_CODE(apply(&w, &bad, &then, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "error mapping WriteSet: illegal characters in key: [Value]  : config ID 'a/b' "
                    "contains illegal characters");

    const struct config_item *fresh =
        group(&w, "", 0, "", MEMBERS(item(&w, CONFIG_ITEM_VALUE, "New", 2, "Admins", "x")));
    struct config_update_view from_nowhere = { u.channel_id, group(&w, "", 0, "", 0, NULL), fresh };
    EXPECT_CODE(apply(&w, &from_nowhere, &then, &e), WEFT_INVALID);
    EXPECT_WORDS(e,
                 "attempted to set key [Value]  /Channel/New to version 2, but key does not exist");
    EXPECT_CODE(config_update_compute(w.now, w.now, &w.arena, &u, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "no differences detected between original and updated config");
    arena_done(&w.arena);
}

TEST(names_of_channels_and_elements_follow_fabrics_rules)
{
    struct weft_err e = { 0 };
    char long_name[251];
    memset(long_name, 'a', 250);
    long_name[250] = '\0';
    EXPECT_OK(channel_id_check(bytes_of_str("my.channel-1"), &e));
    EXPECT_CODE(channel_id_check(bytes_of_str("1st"), &e), WEFT_INVALID);
    EXPECT_CODE(channel_id_check(bytes_of_str("My"), &e), WEFT_INVALID);
    EXPECT_CODE(channel_id_check(bytes_of_str(""), &e), WEFT_INVALID);
    EXPECT_CODE(channel_id_check(bytes_of_str(long_name), &e), WEFT_INVALID);
    EXPECT_OK(config_id_check(bytes_of_str("Org1MSP"), &e));
    EXPECT_CODE(config_id_check(bytes_of_str(".."), &e), WEFT_INVALID);
    EXPECT_CODE(config_id_check(bytes_of_str("a b"), &e), WEFT_INVALID);
}

/* ---- a real channel --------------------------------------------------------------------- */

static struct block *fixture_block(uint64_t number)
{
    struct weft_err e = { 0 };
    struct block *b = NULL;
    WEFT_FREE char *name = weft_asprintf("ledger-small/blocks/%" PRIu64 ".block", number);
    WEFT_CLEANUP(buf_done) struct buf wire = weft_test_read(weft_test_fixture(name));
    EXPECT_OK(block_parse(buf_bytes(&wire), &b, &e));
    return b;
}

/* Bytes and what they mean are golang/protobuf's, asked with proto.Unmarshal. */
TEST(a_message_in_parts_is_one)
{
    static const char parts[] = "\x12\x02\x08\x01" /* read_set { version 1 } */
                                "\x12\x06\x2a\x04" /* and its mod_policy */
                                "ABCD"
                                "\x1a\x0f\x12\x0d\x0a\x01"          /* write_set { group "a", */
                                "a\x12\x02\x08\x01\x12\x04\x2a\x02" /* again in two parts } */
                                "AA";
    struct weft_err e = { 0 };
    struct config_update_view u = { 0 };
    WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
    WEFT_CLEANUP(buf_done) struct buf many = { 0 };
    EXPECT_OK(config_update_parse(bytes_of(parts, sizeof(parts) - 1), &arena, &u, &e));
    EXPECT_EQ(u.read_set->version, 1);
    EXPECT_BYTES(u.read_set->mod_policy, bytes_of_str("ABCD"));
    EXPECT_EQ(u.write_set->count, 1);
    EXPECT_EQ(u.write_set->members[0]->version, 1);
    EXPECT_BYTES(u.write_set->members[0]->mod_policy, bytes_of_str("AA"));

    for (size_t i = 0; i <= LIMIT_CONFIG_PARTS; i++)
        buf_put(&many, bytes_of(parts, 4));
    EXPECT_CODE(config_update_parse(buf_bytes(&many), &arena, &u, &e), WEFT_INVALID);
}

/* Each config block's tree is what its own update makes of the one before it,
 * and an update that we compute leads there too. */
TEST(recomputes_every_configuration_of_the_fixture)
{
    static const uint64_t numbers[] = { 0, 1, 2, 26, 43, 50, 61, 64 };
    struct weft_err e = { 0 };
    struct world w = { 0 };
    struct config_update_policies p = { &w.policies, satisfied };
    struct block *blocks[WEFT_ARRAY_LEN(numbers)] = { 0 };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(numbers); i++) {
        struct config_envelope_view v = { 0 };
        const struct config_item *tree = NULL, *made = NULL;
        blocks[i] = fixture_block(numbers[i]);
        EXPECT_OK(config_envelope_of_block(&blocks[i]->v, &v, &e));
        EXPECT_OK(config_group_parse(v.channel_group, &w.arena, &tree, &e));
        if (i > 0) {
            struct config_update_envelope_view envelope = { 0 };
            struct config_signature_view signature;
            struct config_update_view u = { 0 };
            size_t signatures = 0;
            EXPECT_OK(config_update_envelope_parse(v.last_update, &envelope, &e));
            EXPECT_OK(config_update_parse(envelope.config_update, &w.arena, &u, &e));
            while (config_signature_next(&envelope, &signature))
                signatures++;
            EXPECT(signatures > 0);
            EXPECT_OK(config_update_apply(w.now, "mychannel", &u, &p, &w.arena, &made, &e));
            EXPECT(config_group_eq(made, tree));

            EXPECT_OK(config_update_compute(w.now, tree, &w.arena, &u, &e));
            u.channel_id = bytes_of_str("mychannel");
            EXPECT_OK(config_update_apply(w.now, "mychannel", &u, &p, &w.arena, &made, &e));
            EXPECT(config_group_eq(made, tree));
        }
        w.now = tree;
    }
    for (size_t i = 0; i < WEFT_ARRAY_LEN(numbers); i++)
        block_unref(blocks[i]);
    arena_done(&w.arena);
}
