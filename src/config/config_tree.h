/* config_tree.h - a YAML document as a tree.
 *
 *     base: &b { x: 1, y: 2 }            a.x = 1, a.y = 3
 *     a: { <<: *b, y: 3 }
 *
 * Read as Fabric's YAML library reads it: the first document counts, keys of a
 * map may stand twice and the last one holds, and << puts another map's keys
 * where it stands (of a list of maps the first one wins).
 *
 * An alias is the node itself, not a copy, so the tree is a graph without
 * circles.  A few aliases of aliases can make a small file look huge to who
 * walks it ("billion laughs"): every node knows how many nodes lie below it,
 * each counted as often as it is reached, and that number is limited.
 *
 * Go origin   none (gopkg.in/yaml.v2, github.com/spf13/viper)
 * Owner       whoever parses; immutable afterwards
 * Memory      the tree owns all nodes and texts, until config_tree_free
 * Limits      LIMIT_YAML_BYTES, LIMIT_YAML_DEPTH, LIMIT_YAML_NODES,
 *             LIMIT_YAML_KEYS a map, LIMIT_YAML_ANCHORS
 */
#ifndef WEFT_CONFIG_CONFIG_TREE_H
#define WEFT_CONFIG_CONFIG_TREE_H

#include "base/bytes.h"

enum config_kind {
    CONFIG_NULL, /* nothing, ~, null */
    CONFIG_TEXT, /* a number and a truth value, too: text until somebody asks */
    CONFIG_LIST,
    CONFIG_MAP,
};

struct config_node {
    enum config_kind kind;
    bool plain; /* CONFIG_TEXT without quotes: 7_050 may be a number, yes a truth value */
    unsigned line;
    const char *text;           /* CONFIG_TEXT, no zero byte in it; "" otherwise */
    struct config_entry *first; /* CONFIG_LIST, CONFIG_MAP */
    size_t count;
    size_t weight; /* this node and all below it */
};

struct config_entry {
    struct config_entry *next;
    const char *key; /* NULL in a list */
    unsigned line;   /* the key's */
    const struct config_node *value;
};

struct config_tree;

/* `name` is for messages: "orderer.yaml:12: did not find expected key". */
enum weft_code config_tree_parse(struct bytes text, const char *name, struct config_tree **ret,
                                 struct weft_err *e) WEFT_MUST_CHECK;
void config_tree_free(struct config_tree *t);
WEFT_DEFINE_CLEANUP(struct config_tree *, config_tree_free)

/* An empty document is CONFIG_NULL. */
const struct config_node *config_tree_root(const struct config_tree *t);

/* The value of a map's key, upper and lower case alike; NULL when it is not
 * there or the node is no map. */
const struct config_node *config_node_find(const struct config_node *map, const char *key);
/* The same along a path, "General.TLS.Enabled". */
const struct config_node *config_node_find_path(const struct config_node *map, const char *path);

#endif
