#include "config/config_tree.h"

#include "weft_test.h"

#include "base/limits.h"

static struct config_tree *parse(const char *text)
{
    struct weft_err e;
    struct config_tree *t = NULL;
    EXPECT_OK(config_tree_parse(bytes_of_str(text), "x.yaml", &t, &e));
    return t;
}

static void expect_text(const struct config_tree *t, const char *path, const char *want)
{
    const struct config_node *n = config_node_find_path(config_tree_root(t), path);
    EXPECT(n != NULL);
    EXPECT_EQ(n->kind, CONFIG_TEXT);
    EXPECT_STR(n->text, want);
}

static void expect_refused(const char *text, enum weft_code code, const char *why)
{
    struct weft_err e;
    struct config_tree *t = NULL;
    EXPECT_CODE(config_tree_parse(bytes_of_str(text), "x.yaml", &t, &e), code);
    EXPECT_STR(e.msg, why);
    EXPECT(t == NULL);
}

TEST(finds_values_whatever_their_case)
{
    WEFT_CLEANUP(config_tree_free)
    struct config_tree *t = parse("General:\n  ListenPort: 7050\n  TLS: { enabled: 'true' }\n");
    expect_text(t, "General.ListenPort", "7050");
    expect_text(t, "general.LISTENPORT", "7050");
    expect_text(t, "GENERAL.tls.Enabled", "true");
    EXPECT(config_node_find_path(config_tree_root(t), "General.Listen") == NULL);
    EXPECT(config_node_find_path(config_tree_root(t), "General.ListenPort.x") == NULL);
    EXPECT(config_node_find(config_tree_root(t), "Genera") == NULL);
}

TEST(knows_lists_nothing_and_quotes)
{
    WEFT_CLEANUP(config_tree_free)
    struct config_tree *t =
        parse("l: [a, 'b', [c]]\nn:\nt: ~\ne: ''\np: yes\nq: \"yes\"\ns: !!str 5\n~: 1\n");
    const struct config_node *root = config_tree_root(t);
    const struct config_node *l = config_node_find(root, "l");
    EXPECT_EQ(l->kind, CONFIG_LIST);
    EXPECT_EQ(l->count, 3);
    EXPECT_STR(l->first->next->value->text, "b");
    EXPECT_EQ(l->first->next->next->value->kind, CONFIG_LIST);
    EXPECT_EQ(config_node_find(root, "n")->kind, CONFIG_NULL);
    EXPECT_EQ(config_node_find(root, "t")->kind, CONFIG_NULL);
    EXPECT_EQ(config_node_find(root, "e")->kind, CONFIG_TEXT);
    EXPECT(config_node_find(root, "p")->plain);
    EXPECT(!config_node_find(root, "q")->plain);
    EXPECT(!config_node_find(root, "s")->plain);
    EXPECT_EQ(config_node_find(root, "q")->line, 6);
    expect_text(t, "~", "1"); /* as a key it is a name like others */
}

TEST(an_empty_document_is_nothing)
{
    static const char *const texts[] = { "", "# only words\n", "---\n", "---\n...\n" };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(texts); i++) {
        WEFT_CLEANUP(config_tree_free) struct config_tree *t = parse(texts[i]);
        EXPECT_EQ(config_tree_root(t)->kind, CONFIG_NULL);
    }
}

TEST(the_first_document_counts)
{
    WEFT_CLEANUP(config_tree_free) struct config_tree *t = parse("a: 1\n---\na: 2\n");
    expect_text(t, "a", "1");
}

TEST(of_a_key_that_stands_twice_the_last_holds)
{
    WEFT_CLEANUP(config_tree_free) struct config_tree *t = parse("a: 1\nb: 2\na: 3\nB: 4\n");
    expect_text(t, "a", "3");
    expect_text(t, "b", "4");
    EXPECT_EQ(config_tree_root(t)->count, 3);
}

TEST(an_alias_is_the_anchored_value)
{
    WEFT_CLEANUP(config_tree_free)
    struct config_tree *t = parse("x: &o { n: Org1, l: &l [1, 2] }\ny: *o\nz: *l\n");
    const struct config_node *root = config_tree_root(t);
    EXPECT(config_node_find(root, "y") == config_node_find(root, "x"));
    EXPECT_EQ(config_node_find(root, "z")->count, 2);
    expect_text(t, "y.n", "Org1");
}

TEST(a_merge_puts_keys_where_it_stands)
{
    WEFT_CLEANUP(config_tree_free)
    struct config_tree *t = parse("b: &b { x: 1, y: 2 }\n"
                                  "after: { <<: *b, y: 3 }\n"
                                  "before: { y: 3, <<: *b }\n"
                                  "many: { <<: [{ x: 7 }, *b], z: 5 }\n"
                                  "quoted: { '<<': 4 }\n");
    expect_text(t, "after.x", "1");
    expect_text(t, "after.y", "3");
    expect_text(t, "before.y", "2");
    expect_text(t, "many.x", "7");
    expect_text(t, "many.y", "2");
    expect_text(t, "many.z", "5");
    expect_text(t, "quoted.<<", "4");
    EXPECT_EQ(config_node_find(config_tree_root(t), "after")->count, 2);
}

TEST(says_where_it_is_wrong)
{
    expect_refused("a: [1\nb: 2\n", WEFT_INVALID,
                   "x.yaml:2: not YAML: did not find expected ',' or ']', while parsing a flow "
                   "sequence");
    expect_refused("a: *b\n", WEFT_INVALID, "x.yaml:1: unknown anchor 'b' referenced");
    expect_refused("a: 1\nb: &b { c: *b }\n", WEFT_INVALID,
                   "x.yaml:2: anchor 'b' value contains itself");
    expect_refused("b: &b [1]\na: { <<: *b }\n", WEFT_INVALID,
                   "x.yaml:2: map merge requires map or sequence of maps as the value");
    expect_refused("? [1]\n: 2\n", WEFT_INVALID, "x.yaml:1: a key must be a text");
    expect_refused("a: \"1\\02\"\n", WEFT_INVALID, "x.yaml:1: a zero byte in a text");
}

TEST(bytes_that_are_no_text_are_refused)
{
    struct weft_err e;
    struct config_tree *t = NULL;
    EXPECT_CODE(config_tree_parse(bytes_of("a: \xff\n", 5), "x.yaml", &t, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "x.yaml: not YAML: ");
    EXPECT_CODE(config_tree_parse(bytes_of("a: b\0c\n", 7), "x.yaml", &t, &e), WEFT_INVALID);
}

TEST(aliases_of_aliases_do_not_explode)
{
    struct weft_err e;
    struct config_tree *t = NULL;
    WEFT_CLEANUP(buf_done) struct buf text = { 0 };
    buf_put_str(&text, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 9; i++) {
        buf_printf(&text, "a%d: &a%d [", i, i);
        for (int j = 0; j < 10; j++)
            buf_printf(&text, "*a%d, ", i - 1);
        buf_put_str(&text, "]\n");
    }
    EXPECT_CODE(config_tree_parse(buf_bytes(&text), "x.yaml", &t, &e), WEFT_LIMIT);
    EXPECT_WORDS(e, "x.yaml:6: aliases make more than 262144 values");
}

TEST(depth_keys_anchors_and_length_are_limited)
{
    struct weft_err e;
    struct config_tree *t = NULL;
    WEFT_CLEANUP(buf_done) struct buf text = { 0 };
    for (int i = 0; i < LIMIT_YAML_DEPTH + 1; i++)
        buf_put_u8(&text, '[');
    EXPECT_CODE(config_tree_parse(buf_bytes(&text), "x.yaml", &t, &e), WEFT_LIMIT);
    EXPECT_WORDS(e, "levels");

    buf_clear(&text);
    for (int i = 0; i < LIMIT_YAML_KEYS + 1; i++)
        buf_printf(&text, "k%d: v\n", i);
    EXPECT_CODE(config_tree_parse(buf_bytes(&text), "x.yaml", &t, &e), WEFT_LIMIT);
    EXPECT_WORDS(e, "keys in a map");

    buf_clear(&text);
    for (int i = 0; i < LIMIT_YAML_ANCHORS + 1; i++)
        buf_printf(&text, "- &a%d v\n", i);
    EXPECT_CODE(config_tree_parse(buf_bytes(&text), "x.yaml", &t, &e), WEFT_LIMIT);
    EXPECT_WORDS(e, "anchors");

    buf_clear(&text);
    for (int i = 0; i < LIMIT_YAML_NODES + 1; i++)
        buf_put_str(&text, "- \n");
    EXPECT_CODE(config_tree_parse(buf_bytes(&text), "x.yaml", &t, &e), WEFT_LIMIT);
    EXPECT_WORDS(e, "values");

    buf_clear(&text);
    buf_put_str(&text, "a: { <<: [");
    for (int i = 0; i < LIMIT_YAML_MERGE + 1; i++)
        buf_put_str(&text, "{},");
    buf_put_str(&text, "] }");
    EXPECT_CODE(config_tree_parse(buf_bytes(&text), "x.yaml", &t, &e), WEFT_LIMIT);
    EXPECT_WORDS(e, "maps to merge");

    EXPECT_CODE(config_tree_parse(bytes_of(text.data, LIMIT_YAML_BYTES + 1), "x.yaml", &t, &e),
                WEFT_LIMIT);
}
