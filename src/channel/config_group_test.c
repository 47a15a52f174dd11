#include "channel/config_group.h"

#include "base/limits.h"
#include "proto/wire.h"
#include "weft_test.h"

/* ConfigGroup { 1 version, 2 groups, 3 values, 4 policies, 5 mod_policy }, whose maps
 * are entries { 1 key, 2 value }. */
static void put_entry(struct buf *out, uint32_t map, const char *key, struct bytes value)
{
    WEFT_CLEANUP(buf_done) struct buf entry = { 0 };
    wire_put_bytes(&entry, 1, bytes_of_str(key));
    wire_put_bytes(&entry, 2, value);
    wire_put_bytes(out, map, buf_bytes(&entry));
}

static const struct config_item *parse(struct bytes b, struct arena *arena)
{
    struct weft_err e = { 0 };
    const struct config_item *g = NULL;
    EXPECT_OK(config_group_parse(b, arena, &g, &e));
    return g;
}

/* Two values, a policy and a group, in this order or the other one. */
static void put_channel(struct buf *out, bool forth, const char *timeout)
{
    WEFT_CLEANUP(buf_done) struct buf orderer = { 0 };
    wire_put_bytes(&orderer, 5, bytes_of_str("Admins"));
    const struct {
        uint32_t map;
        const char *key;
        struct bytes value;
    } all[] = { { 3, "BatchTimeout", bytes_of_str(timeout) },
                { 3, "BatchSize", bytes_of_str("\x12\x01s") },
                { 4, "Admins", bytes_of_str("\x12\x02\x08\x03") },
                { 2, "Orderer", buf_bytes(&orderer) } };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(all); i++) {
        size_t at = forth ? i : WEFT_ARRAY_LEN(all) - 1 - i;
        put_entry(out, all[at].map, all[at].key, all[at].value);
    }
}

TEST(the_order_of_a_map_means_nothing)
{
    WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
    WEFT_CLEANUP(buf_done) struct buf one = { 0 };
    WEFT_CLEANUP(buf_done) struct buf other = { 0 };
    WEFT_CLEANUP(buf_done) struct buf again = { 0 };
    WEFT_CLEANUP(buf_done) struct buf third = { 0 };
    put_channel(&one, true,
                "\x12\x02"
                "2s");
    put_channel(&other, false,
                "\x12\x02"
                "2s");
    const struct config_item *a = parse(buf_bytes(&one), &arena);
    const struct config_item *b = parse(buf_bytes(&other), &arena);
    EXPECT(config_group_eq(a, b));
    config_group_encode(a, &again);
    config_group_encode(b, &third);
    EXPECT_BYTES(buf_bytes(&again), buf_bytes(&third));
    EXPECT(config_group_eq(parse(buf_bytes(&again), &arena), a)); /* what is written reads again */
}

TEST(what_differs_is_not_equal)
{
    WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
    WEFT_CLEANUP(buf_done) struct buf one = { 0 };
    WEFT_CLEANUP(buf_done) struct buf other = { 0 };
    put_channel(&one, true,
                "\x12\x02"
                "2s");
    put_channel(&other, true,
                "\x12\x02"
                "3s");
    EXPECT(!config_group_eq(parse(buf_bytes(&one), &arena), parse(buf_bytes(&other), &arena)));
    wire_put_varint(&one, 1, 1);
    put_channel(&other, true,
                "\x12\x02"
                "2s");
    EXPECT(!config_group_eq(parse(buf_bytes(&one), &arena), parse(buf_bytes(&other), &arena)));
}

TEST(members_are_found_by_kind_and_name)
{
    WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    put_channel(&b, true,
                "\x12\x02"
                "2s");
    const struct config_item *g = parse(buf_bytes(&b), &arena);
    EXPECT_EQ(g->count, 4);
    const struct config_item *admins =
        config_group_find(g, CONFIG_ITEM_POLICY, bytes_of_str("Admins"));
    EXPECT(admins != NULL && admins->has_policy);
    EXPECT_EQ(admins->policy_type, 3);
    EXPECT(config_group_find(g, CONFIG_ITEM_VALUE, bytes_of_str("Admins")) == NULL);
    EXPECT(config_group_find(g, CONFIG_ITEM_GROUP, bytes_of_str("Orderer")) != NULL);
    EXPECT(config_group_find(g, CONFIG_ITEM_GROUP, bytes_of_str("orderer")) == NULL);
}

TEST(a_tree_that_is_too_deep_is_refused)
{
    struct weft_err e = { 0 };
    const struct config_item *g = NULL;
    WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
    WEFT_CLEANUP(buf_done) struct buf inner = { 0 };
    for (size_t depth = 0; depth <= LIMIT_CONFIG_DEPTH; depth++) {
        struct buf outer = { 0 };
        put_entry(&outer, 2, "g", buf_bytes(&inner));
        buf_done(&inner);
        inner = outer;
    }
    EXPECT(config_group_parse(buf_bytes(&inner), &arena, &g, &e) != WEFT_OK);
}

/* Another field of a wrong type is one that nobody knows; not so a map. */
TEST(a_map_of_a_wrong_wire_type_is_refused)
{
    static const char *const maps[] = { "\x10\x01", "\x18\x01", "\x20\x01" };
    struct weft_err e = { 0 };
    const struct config_item *group = NULL;
    WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(maps); i++)
        EXPECT_CODE(config_group_parse(bytes_of_str(maps[i]), &arena, &group, &e), WEFT_INVALID);
    EXPECT_OK(config_group_parse(bytes_of_str("\x28\x01"), &arena, &group, &e));
}
