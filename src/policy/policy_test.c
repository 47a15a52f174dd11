#include "policy/policy_tree.h"

#include "base/limits.h"
#include "channel/config_group.h"
#include "proto/wire.h"
#include "weft_test.h"

/* Signers and principals are single letters, a principal as MSPPrincipal { 2 letter };
 * a signer satisfies its own letter, and the principal "*" is satisfied by all. */
static bool satisfies(void *ctx, size_t i, struct bytes principal)
{
    const uint8_t *signers = ctx;
    return principal.len == 3 && (principal.data[2] == '*' || principal.data[2] == signers[i]);
}

static struct policy_signers signers_of(const char *letters)
{
    static char kept[16];
    (void)snprintf(kept, sizeof(kept), "%s", letters);
    return (struct policy_signers){ kept, strlen(kept), satisfies };
}

/* A rule in words: "2(ab1(c*))" is two of a, b, and one of c or anybody.
 * Principals are the letters in the order of `names`. */
static const char *put_rule(struct buf *out, const char *text, const char *names)
{
    if (*text < '0' || *text > '9') {
        const char *at = strchr(names, *text);
        wire_put_varint(out, 1, at != NULL ? (uint64_t)(at - names) : 99);
        return text + 1;
    }
    WEFT_CLEANUP(buf_done) struct buf gate = { 0 };
    if (*text != '0')
        wire_put_varint(&gate, 1, (uint64_t)(*text - '0'));
    for (text += 2; *text != ')';) {
        WEFT_CLEANUP(buf_done) struct buf rule = { 0 };
        text = put_rule(&rule, text, names);
        wire_put_bytes(&gate, 2, buf_bytes(&rule));
    }
    wire_put_bytes(out, 2, buf_bytes(&gate));
    return text + 1;
}

static void put_policy(struct buf *out, const char *text)
{
    static const char names[] = "abcdef*";
    WEFT_CLEANUP(buf_done) struct buf rule = { 0 };
    (void)put_rule(&rule, text, names);
    wire_put_bytes(out, 2, buf_bytes(&rule));
    for (size_t i = 0; i < strlen(names); i++) {
        WEFT_CLEANUP(buf_done) struct buf principal = { 0 };
        wire_put_bytes(&principal, 2, bytes_of(names + i, 1));
        wire_put_bytes(out, 3, buf_bytes(&principal));
    }
}

static bool satisfied(const char *policy, const char *signers)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    const struct signature_policy *p = NULL;
    struct policy_signers s = signers_of(signers);
    put_policy(&b, policy);
    EXPECT_OK(signature_policy_parse(buf_bytes(&b), &arena, &p, &e));
    return signature_policy_satisfied(p, &s);
}

TEST(counts_who_signed)
{
    EXPECT(satisfied("a", "a"));
    EXPECT(!satisfied("a", "b"));
    EXPECT(!satisfied("a", ""));
    EXPECT(satisfied("1(ab)", "b"));
    EXPECT(satisfied("2(abc)", "ca"));
    EXPECT(!satisfied("2(abc)", "c"));
    EXPECT(satisfied("0()", ""));
    EXPECT(!satisfied("1()", "abc"));
    EXPECT(satisfied("2(a1(bc))", "ac"));
}

TEST(a_signer_serves_one_leaf)
{
    EXPECT(!satisfied("2(aa)", "a"));
    EXPECT(satisfied("2(aa)", "aa")); /* two signers of one kind */
    EXPECT(!satisfied("2(a*)", "a"));
    EXPECT(satisfied("2(a*)", "ab"));
}

/* The first leaf takes the only signer that the second could use, and the
 * evaluator does not go back: Fabric's answer is no. */
TEST(evaluation_is_greedy)
{
    EXPECT(!satisfied("2(*a)", "ab"));
    EXPECT(satisfied("2(*a)", "ba"));
    EXPECT(satisfied("2(a*)", "ab"));
}

/* A gate that fails gives back what its children took; one that succeeds keeps
 * all that they took, also beyond what it needed. */
TEST(a_failing_gate_gives_its_signers_back)
{
    EXPECT(satisfied("1(2(ab)a)", "a"));
    EXPECT(!satisfied("2(1(ab)b)", "ab")); /* the gate took both */
    EXPECT(satisfied("2(1(ab)b)", "abb"));
}

static enum weft_code parse(struct bytes b, struct weft_err *e)
{
    WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
    const struct signature_policy *p = NULL;
    return signature_policy_parse(b, &arena, &p, e);
}

TEST(refuses_what_does_not_compile)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    EXPECT_CODE(parse(buf_bytes(&b), &e), WEFT_INVALID);
    EXPECT_WORDS(e, "Empty policy element");
    put_policy(&b, "x");
    EXPECT_CODE(parse(buf_bytes(&b), &e), WEFT_INVALID);
    EXPECT_WORDS(e, "identity index out of range, requested 99, but identities length is 7");
    buf_clear(&b);
    put_policy(&b, "1(a)");
    wire_put_varint(&b, 1, 1);
    EXPECT_CODE(parse(buf_bytes(&b), &e), WEFT_INVALID);
    EXPECT_WORDS(e, "only understands messages of version 0, but version was 1");
    EXPECT_CODE(parse(bytes_of("\x12\x7f", 2), &e), WEFT_INVALID);
}

/* { gate { gate { ... } } }, each inside the one before. */
TEST(depth_and_size_have_a_limit)
{
    struct weft_err e = { 0 };
    struct buf inner = { 0 };
    for (int i = 0; i < 1000; i++) {
        struct buf rules = { 0 }, gate = { 0 };
        wire_put_bytes(&rules, 2, buf_bytes(&inner));
        wire_put_bytes(&gate, 2, buf_bytes(&rules));
        buf_done(&inner);
        buf_done(&rules);
        inner = gate;
    }
    WEFT_CLEANUP(buf_done) struct buf deep = { 0 };
    wire_put_bytes(&deep, 2, buf_bytes(&inner));
    EXPECT_CODE(parse(buf_bytes(&deep), &e), WEFT_LIMIT);

    WEFT_CLEANUP(buf_done) struct buf gate = { 0 };
    WEFT_CLEANUP(buf_done) struct buf rule = { 0 };
    WEFT_CLEANUP(buf_done) struct buf wide = { 0 };
    for (int i = 0; i <= LIMIT_POLICY_RULES; i++)
        wire_put_bytes(&gate, 2, bytes_of("\x08\x00", 2));
    wire_put_bytes(&rule, 2, buf_bytes(&gate));
    wire_put_bytes(&wide, 2, buf_bytes(&rule));
    EXPECT_CODE(parse(buf_bytes(&wide), &e), WEFT_LIMIT);
    buf_done(&inner);
}

/* ---- the tree ---------------------------------------------------------------------------- */

struct world {
    struct arena arena;
    const struct policy_tree *tree;
};

static const struct config_item *policy_item(struct world *w, const char *name, int32_t type,
                                             const struct buf *value)
{
    struct config_item *i = arena_alloc(&w->arena, sizeof(*i));
    *i = (struct config_item){ .kind = CONFIG_ITEM_POLICY,
                               .name = bytes_of_str(name),
                               .has_policy = true,
                               .policy_type = type };
    i->value = bytes_of(arena_dup_str(&w->arena, buf_bytes(value)), value->len);
    return i;
}

static const struct config_item *signature(struct world *w, const char *name, const char *text)
{
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    put_policy(&b, text);
    return policy_item(w, name, 1, &b);
}

static const struct config_item *meta(struct world *w, const char *name, uint64_t rule,
                                      const char *sub)
{
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    wire_put_bytes(&b, 1, bytes_of_str(sub));
    wire_put_varint(&b, 2, rule);
    return policy_item(w, name, 3, &b);
}

static const struct config_item *group(struct world *w, const char *name, size_t count,
                                       const struct config_item *const *members)
{
    struct config_item *g = arena_alloc(&w->arena, sizeof(*g));
    const struct config_item **at = arena_alloc(&w->arena, (count + 1) * sizeof(*at));
    for (size_t i = 0; i < count; i++)
        at[i] = members[i];
    config_group_sort(at, count);
    *g = (struct config_item){
        .kind = CONFIG_ITEM_GROUP, .name = bytes_of_str(name), .members = at, .count = count
    };
    return g;
}

static const struct config_item *org(struct world *w, const char *name, const char *letter)
{
    return group(w, name, 1, (const struct config_item *[]){ signature(w, "Readers", letter) });
}

static enum weft_code ask(struct world *w, const char *path, const char *signers,
                          struct weft_err *e)
{
    struct policy_signers s = signers_of(signers);
    return policy_tree_evaluate(w->tree, path, &s, e);
}

/* Channel { App { O1 a, O2 b, O3 c; ANY, ALL, MAJORITY Readers }, Empty; meta over both } */
static void world_init(struct world *w)
{
    struct weft_err e = { 0 };
    *w = (struct world){ 0 };
    const struct config_item *app =
        group(w, "App", 7,
              (const struct config_item *[]){
                  org(w, "O1", "a"), org(w, "O2", "b"), org(w, "O3", "c"),
                  meta(w, "Readers", 0, "Readers"), meta(w, "All", 1, "Readers"),
                  meta(w, "Most", 2, "Readers"), meta(w, "Lost", 0, "Nowhere") });
    const struct config_item *empty =
        group(w, "Empty", 1, (const struct config_item *[]){ meta(w, "Free", 2, "Readers") });
    const struct config_item *root =
        group(w, "", 4,
              (const struct config_item *[]){ app, empty, meta(w, "Readers", 0, "Readers"),
                                              meta(w, "Both", 1, "Readers") });
    EXPECT_OK(policy_tree_build(root, &w->arena, &w->tree, &e));
}

TEST(implicit_meta_counts_the_groups_below)
{
    struct weft_err e = { 0 };
    struct world w;
    world_init(&w);
    EXPECT_OK(ask(&w, "/Channel/App/O1/Readers", "a", &e));
    EXPECT_OK(ask(&w, "/Channel/App/Readers", "c", &e));
    EXPECT_CODE(ask(&w, "/Channel/App/Readers", "d", &e), WEFT_FORBIDDEN);
    EXPECT_WORDS(e, "implicit policy evaluation failed - 0 sub-policies were satisfied, but this "
                    "policy requires 1 of the 'Readers' sub-policies to be satisfied");
    EXPECT_OK(ask(&w, "/Channel/App/Most", "ab", &e));
    EXPECT_CODE(ask(&w, "/Channel/App/Most", "a", &e), WEFT_FORBIDDEN);
    EXPECT_OK(ask(&w, "/Channel/App/All", "cab", &e));
    EXPECT_CODE(ask(&w, "/Channel/App/All", "ab", &e), WEFT_FORBIDDEN);
    EXPECT_WORDS(e, "2 sub-policies were satisfied, but this policy requires 3");
    arena_done(&w.arena);
}

TEST(a_group_without_the_policy_counts_as_a_no_and_no_group_as_a_yes)
{
    struct weft_err e = { 0 };
    struct world w;
    world_init(&w);
    EXPECT_OK(ask(&w, "/Channel/Empty/Free", "", &e));
    EXPECT_CODE(ask(&w, "/Channel/App/Lost", "abc", &e), WEFT_FORBIDDEN);
    EXPECT_OK(ask(&w, "/Channel/Readers", "b", &e));                  /* through App */
    EXPECT_CODE(ask(&w, "/Channel/Both", "abc", &e), WEFT_FORBIDDEN); /* Empty has none */
    arena_done(&w.arena);
}

TEST(finds_policies_by_path)
{
    struct weft_err e = { 0 };
    struct world w;
    world_init(&w);
    EXPECT_OK(ask(&w, "App/O1/Readers", "a", &e));
    static const char *const missing[] = { "",
                                           "/",
                                           "/Channel",
                                           "/Channel/",
                                           "/Other/Readers",
                                           "/Channel/App/Nix",
                                           "/Channel/Nix/Readers",
                                           "Nix" };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(missing); i++) {
        EXPECT_CODE(ask(&w, missing[i], "abc", &e), WEFT_NOT_FOUND);
        EXPECT_WORDS(e, "no such policy: '");
    }
    arena_done(&w.arena);
}

TEST(a_policy_that_does_not_compile_is_named)
{
    struct weft_err e = { 0 };
    struct world w = { 0 };
    struct buf none = { 0 };
    const struct config_item *root =
        group(&w, "", 1, (const struct config_item *[]){ policy_item(&w, "Odd", 2, &none) });
    EXPECT_CODE(policy_tree_build(root, &w.arena, &w.tree, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "policy Odd at path Channel has unknown policy type: 2");
    arena_done(&w.arena);
}
