/* config_source.h - a node's YAML file with the environment laid over it.
 *
 *     orderer.yaml    General: { ListenPort: 7050 }
 *     environment     ORDERER_GENERAL_LISTENPORT=7051
 *     config_source_find(src, "General.ListenPort")  ->  "7051"
 *
 * The file is looked for in FABRIC_CFG_PATH, and only there if that is set,
 * else in the working folder and in /etc/hyperledger/fabric.  A variable's
 * name is the prefix and the key in upper case with _ for each dot; an empty
 * one counts as unset.  A key need not be in the file to be set so.  Upper and
 * lower case of keys are alike.
 *
 * Whoever reads a value and does not like it says so with config_source_refuse:
 * one line that names the file or the variable, the key, the value, and what
 * was expected.
 *
 * Go origin   core/config/config.go (and github.com/spf13/viper)
 * Owner       whoever opens; immutable afterwards
 * Memory      the tree; what config_source_find gives lies in it or in the
 *             environment
 * Limits      those of config_tree.h
 */
#ifndef WEFT_CONFIG_CONFIG_SOURCE_H
#define WEFT_CONFIG_CONFIG_SOURCE_H

#include "base/arena.h"
#include "config/config_tree.h"

struct config_source;

/* A key's value; text is "" for what is no text. */
struct config_value {
    const char *text;
    bool plain;                     /* as in struct config_node */
    const struct config_node *node; /* NULL: it is from the environment */
};

/* Finds and reads <name>.yaml.  `env` is environ; it stays
 * where it is as long as the source. */
enum weft_code config_source_open(const char *name, const char *prefix, const char *const *env,
                                  struct config_source **ret, struct weft_err *e) WEFT_MUST_CHECK;
/* Reads a text that came from `path`. */
enum weft_code config_source_parse(struct bytes text, const char *path, const char *prefix,
                                   const char *const *env, struct config_source **ret,
                                   struct weft_err *e) WEFT_MUST_CHECK;
void config_source_free(struct config_source *s);
WEFT_DEFINE_CLEANUP(struct config_source *, config_source_free)

/* The file, absolute, and its folder. */
const char *config_source_path(const struct config_source *s);
const char *config_source_dir(const struct config_source *s);
const struct config_node *config_source_root(const struct config_source *s);

/* False when neither the environment nor the file has it.  What stands in the
 * file without a value (`Certificate:`) counts as not there. */
bool config_source_find(const struct config_source *s, const char *key, struct config_value *ret);

/* Always WEFT_INVALID: this key's value is not `want`. */
enum weft_code config_source_refuse(const struct config_source *s, const char *key,
                                    const struct config_value *v, const char *want,
                                    struct weft_err *e);

/* Lists of sections, and sections of sections: each one is a source of its own,
 * that knows its place for messages but has no variables.
 *
 *     addressOverrides:                 rows.items[0], label ""
 *       - { from: a:1, to: b:1 }
 *     endorsers:                        rows.items[0], label "escc"
 *       escc: { name: Default }
 *
 * In the environment the whole list is one variable, written as YAML. */
struct config_rows {
    struct config_source **items;
    size_t count;
    struct config_tree *from_env;
};

enum weft_code config_source_rows(const struct config_source *s, const char *key,
                                  struct config_rows *ret, struct weft_err *e) WEFT_MUST_CHECK;
void config_rows_done(struct config_rows *r);
WEFT_DEFINE_CLEANUP_IN_PLACE(struct config_rows, config_rows_done)
const char *config_source_label(const struct config_source *row);

/* A path as it is meant in the file: relative to its folder.  "" stays "". */
char *config_source_resolve(const struct config_source *s, const char *path, struct arena *a);

/* A variable as it is, NULL if unset or empty. */
const char *config_env_get(const char *const *env, const char *name);

#endif
