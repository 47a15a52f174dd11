/* config_group.h - a channel's configuration as a tree.
 *
 *     Channel                      group, version 0, mod_policy Admins
 *       BatchSize ...              values: bytes
 *       Admins ...                 policies: type and bytes
 *       Orderer, Application       groups again
 *
 * Parsed from common.ConfigGroup.  The maps of a group become one list of
 * members, sorted by kind and name, so that two trees can be walked side by
 * side; what protobuf leaves open, the order of map entries, does not matter
 * to config_group_eq and is fixed in what config_group_encode writes.
 *
 * Go origin   vendor/github.com/hyperledger/fabric-protos-go/common/configtx.pb.go ConfigGroup
 * Differs     a map entry without a value is refused (Go reads nil and crashes later);
 *             fields that 2.2 does not know are neither kept nor compared
 * Owner       any thread: a tree does not change once built
 * Memory      nodes lie in an arena; bytes are borrowed from the message
 * Limits      LIMIT_CONFIG_DEPTH, LIMIT_CONFIG_ITEMS, LIMIT_CONFIG_PARTS
 */
#ifndef WEFT_CHANNEL_CONFIG_GROUP_H
#define WEFT_CHANNEL_CONFIG_GROUP_H

#include "base/arena.h"

enum config_item_kind {
    CONFIG_ITEM_GROUP,
    CONFIG_ITEM_VALUE,
    CONFIG_ITEM_POLICY,
};

struct config_item {
    enum config_item_kind kind;
    struct bytes name; /* its key in the map above; the root's is empty */
    uint64_t version;
    struct bytes mod_policy;
    struct bytes value;                       /* a value's bytes; a policy's Policy.value */
    bool has_policy;                          /* a policy: Policy is there */
    int32_t policy_type;                      /* Policy.type */
    const struct config_item *const *members; /* a group's, sorted */
    size_t count;
    size_t order; /* in which it was read */
};

/* Reads a ConfigGroup; `ret` lives in the arena. */
enum weft_code config_group_parse(struct bytes b, struct arena *arena,
                                  const struct config_item **ret,
                                  struct weft_err *e) WEFT_MUST_CHECK;

/* A message that came in parts is one: protobuf reads them one after the other.
 * `whole` is empty at first; false: more than LIMIT_CONFIG_PARTS. */
struct config_parts {
    struct bytes whole;
    size_t count;
};
bool config_parts_add(struct config_parts *p, struct bytes part, struct arena *arena);

/* Appends the ConfigGroup's bytes, members in order. */
void config_group_encode(const struct config_item *group, struct buf *out);

/* Same members, versions, mod_policies and contents. */
bool config_group_eq(const struct config_item *a, const struct config_item *b);

/* A group's member, or NULL. */
const struct config_item *config_group_find(const struct config_item *group,
                                            enum config_item_kind kind, struct bytes name);

/* Puts members into their order; for who builds a group. */
void config_group_sort(const struct config_item **members, size_t count);

#endif
