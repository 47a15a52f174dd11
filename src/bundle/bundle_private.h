/* bundle_private.h - what the files of a bundle share: its inside, and how
 * values are read.
 *
 * Go origin   common/channelconfig/standardvalues.go common/channelconfig/msp.go
 * Owner       as bundle.h
 */
#ifndef WEFT_BUNDLE_BUNDLE_PRIVATE_H
#define WEFT_BUNDLE_BUNDLE_PRIVATE_H

#include "bundle/bundle.h"
#include "channel/config_group.h"

#include <stdatomic.h>

/* An MSP that was set up for an organisation. */
struct bundle_msp {
    struct msp *msp;
    struct bytes value; /* the MSPConfig's bytes */
};

struct bundle {
    _Atomic uint32_t refs;
    struct arena arena;
    const char *channel_id;
    uint64_t sequence;
    struct bytes group_bytes;
    const struct config_item *root;
    struct bundle_msp *made;
    size_t made_count, made_cap;
    struct msp_manager *msps;
    const struct policy_tree *policies;
    struct bundle_channel channel;
    struct bundle_orderer *orderer;
    struct bundle_application *application;
    struct bundle_consortiums *consortiums;
};

/* A group's value; empty when it is not there: an empty message. */
struct bytes bundle_value(const struct config_item *group, const char *key);
bool bundle_has_value(const struct config_item *group, const char *key);
/* "Unexpected key %s" for a value that is none of these. */
enum weft_code bundle_check_keys(const struct config_item *group, const char *const *keys,
                                 size_t count, struct weft_err *e) WEFT_MUST_CHECK;
size_t bundle_group_count(const struct config_item *group);

/* A proto3 string as a C string; `what` names the message. */
enum weft_code bundle_text(struct bundle *b, struct bytes text, const char *what, const char **ret,
                           struct weft_err *e) WEFT_MUST_CHECK;
/* Message { 1 string }, Message { 1 repeated string }, Message { 1 uint64 }. */
enum weft_code bundle_text_value(struct bundle *b, struct bytes message, const char *what,
                                 const char **ret, struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code bundle_strings_value(struct bundle *b, struct bytes message, const char *what,
                                    struct bundle_strings *ret, struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code bundle_number_value(struct bytes message, const char *what, uint64_t *ret,
                                   struct weft_err *e) WEFT_MUST_CHECK;

/* All groups below the root, into the bundle. */
enum weft_code bundle_read_groups(struct bundle *b, struct weft_err *e) WEFT_MUST_CHECK;

/* Organisations: their groups are the group's groups. */
enum org_kind {
    ORG_ORDERER,
    ORG_APPLICATION,
    ORG_CONSORTIUM,
};
enum weft_code bundle_read_orgs(struct bundle *b, const struct config_item *group,
                                enum org_kind kind, const struct bundle_org **ret,
                                size_t *ret_count, struct weft_err *e) WEFT_MUST_CHECK;

enum weft_code bundle_read_orderer(struct bundle *b, const struct config_item *group,
                                   struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code bundle_read_application(struct bundle *b, const struct config_item *group,
                                       struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code bundle_read_consortiums(struct bundle *b, const struct config_item *group,
                                       struct weft_err *e) WEFT_MUST_CHECK;

#endif
