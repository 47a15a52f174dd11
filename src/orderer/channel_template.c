#include "orderer/channel_template.h"

#include "base/log.h"
#include "channel/config_group.h"
#include "channel/config_update.h"
#include "proto/envelope.h"
#include "proto/wire.h"

#include <inttypes.h>

LOG_DEFINE(logger, "orderer.common.msgprocessor");

/* What the creator asks for. */
struct wish {
    char *channel_id;
    struct config_update_view update;
    const struct config_item *application; /* of the write set */
    struct bytes consortium;               /* its name */
};

static void wish_done(struct wish *w)
{
    free(w->channel_id);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct wish, wish_done)

static const struct config_item *group_of(const struct config_item *parent, const char *name)
{
    return config_group_find(parent, CONFIG_ITEM_GROUP, bytes_of_str(name));
}

static size_t count_kind(const struct config_item *group, enum config_item_kind kind)
{
    size_t n = 0;
    for (size_t i = 0; i < group->count; i++)
        n += group->members[i]->kind == kind ? 1 : 0;
    return n;
}

/* ---- reading the wish ---------------------------------------------------------------------- */

/* ConfigUpdateEnvelope { 1 config_update } */
static enum weft_code read_update(struct bytes envelope, struct arena *arena, struct wish *w,
                                  struct weft_err *e)
{
    static const char failing[] = "Failing initial channel config creation because of";
    struct envelope_headers h = { 0 };
    struct bytes update = { 0 };
    struct wire_field f;
    enum weft_code rc = envelope_headers_parse(envelope, &h, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "%s payload unmarshaling error", failing);
    struct wire fields = wire_of(h.payload.data);
    while (wire_next(&fields, &f))
        if (wire_is(&f, 1, WIRE_LEN))
            update = f.bytes;
    if (fields.bad)
        return WEFT_FAIL(e, WEFT_INVALID, "%s config update envelope unmarshaling error", failing);
    rc = config_update_parse(update, arena, &w->update, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "%s config update unmarshaling error", failing);
    w->channel_id = bytes_dup_str(h.channel.channel_id);
    if (!bytes_eq(w->update.channel_id, h.channel.channel_id))
        return WEFT_FAIL(e, WEFT_INVALID,
                         "Failing initial channel config creation: mismatched channel IDs: "
                         "'%.*s' != '%s'",
                         w->update.channel_id.len < 100 ? (int)w->update.channel_id.len : 100,
                         (const char *)w->update.channel_id.data, w->channel_id);
    return WEFT_OK;
}

static enum weft_code read_wish(struct bytes envelope, struct arena *arena, struct wish *w,
                                struct weft_err *e)
{
    struct wire_field f;
    WEFT_TRY(read_update(envelope, arena, w, e));
    const struct config_item *set = w->update.write_set;
    if (set == NULL)
        return WEFT_FAIL(e, WEFT_INVALID, "Config update has an empty writeset");
    w->application = group_of(set, "Application");
    if (w->application == NULL)
        return WEFT_FAIL(e, WEFT_INVALID, "Config update has missing application group");
    if (w->application->version != 1)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "Config update for channel creation does not set application group "
                         "version to 1, was %" PRIu64,
                         w->application->version);
    const struct config_item *consortium =
        config_group_find(set, CONFIG_ITEM_VALUE, bytes_of_str("Consortium"));
    if (consortium == NULL)
        return WEFT_FAIL(e, WEFT_INVALID, "Consortium config value missing");
    struct wire fields = wire_of(consortium->value);
    while (wire_next(&fields, &f))
        if (wire_is(&f, 1, WIRE_LEN))
            w->consortium = f.bytes;
    if (fields.bad || !wire_utf8(w->consortium))
        return WEFT_FAIL(e, WEFT_INVALID,
                         "Error reading unmarshaling consortium name: it is no Consortium");
    return WEFT_OK;
}

/* ---- the Application group ----------------------------------------------------------------------- */

static struct config_item *new_item(struct arena *arena, enum config_item_kind kind,
                                    const char *name)
{
    struct config_item *item = arena_alloc(arena, sizeof(*item));
    *item = (struct config_item){ .kind = kind, .name = bytes_of_str(name) };
    return item;
}

/* Whoever may create a channel of the consortium may then change its Application
 * group: as "Admins", unless the creator brings Admins of his own from the start. */
static const char *creation_policy_key(const struct bundle *system, const struct wish *w)
{
    const struct config_item *admins =
        config_group_find(w->application, CONFIG_ITEM_POLICY, bytes_of_str("Admins"));
    if (bundle_orderer(system)->capabilities.use_channel_creation_policy_as_admins &&
        count_kind(w->application, CONFIG_ITEM_POLICY) > 0 &&
        (admins == NULL || admins->version != 0))
        return "Admins";
    return "ChannelCreationPolicy";
}

/* Policy { 1 type, 2 value } */
static struct config_item *creation_policy(struct arena *arena, const char *key,
                                           struct bytes policy)
{
    struct config_item *item = new_item(arena, CONFIG_ITEM_POLICY, key);
    struct wire w = wire_of(policy);
    struct wire_field f;
    item->has_policy = true;
    item->mod_policy = bytes_of_str(key);
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_VARINT))
            item->policy_type = (int32_t)(uint32_t)f.varint;
        else if (wire_is(&f, 2, WIRE_LEN))
            item->value = f.bytes;
    }
    return item;
}

static enum weft_code add_members(const struct config_item *consortium, const struct wish *w,
                                  const struct config_item **members, size_t *count,
                                  struct weft_err *e)
{
    for (size_t i = 0; i < w->application->count; i++) {
        const struct config_item *wanted = w->application->members[i];
        if (wanted->kind != CONFIG_ITEM_GROUP)
            continue;
        members[*count] = config_group_find(consortium, CONFIG_ITEM_GROUP, wanted->name);
        if (members[*count] == NULL)
            return WEFT_FAIL(e, WEFT_INVALID,
                             "Attempted to include member %.*s which is not in the consortium",
                             wanted->name.len < 100 ? (int)wanted->name.len : 100,
                             (const char *)wanted->name.data);
        ++*count;
    }
    return WEFT_OK;
}

static enum weft_code make_application(const struct bundle *system, const struct wish *w,
                                       struct arena *arena, const struct config_item **ret,
                                       struct weft_err *e)
{
    const struct bundle_consortiums *all = bundle_consortiums(system);
    const struct bundle_consortium *mine = NULL;
    if (all == NULL)
        return WEFT_FAIL(
            e, WEFT_INVALID,
            "The ordering system channel does not appear to resources creating channels");
    for (size_t i = 0; i < all->count; i++)
        if (bytes_eq(bytes_of_str(all->at[i].name), w->consortium))
            mine = &all->at[i];
    if (mine == NULL)
        return WEFT_FAIL(e, WEFT_INVALID, "Unknown consortium name: %.*s",
                         w->consortium.len < 100 ? (int)w->consortium.len : 100,
                         (const char *)w->consortium.data);
    const struct config_item *consortium =
        group_of(group_of(bundle_group(system), "Consortiums"), mine->name);
    size_t wanted = count_kind(w->application, CONFIG_ITEM_GROUP);
    if (mine->org_count > 0 && wanted == 0)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "Proposed configuration has no application group members, but "
                         "consortium contains members");
    const char *key = creation_policy_key(system, w);
    struct config_item *application = new_item(arena, CONFIG_ITEM_GROUP, "Application");
    const struct config_item **members = arena_alloc(arena, (wanted + 1) * sizeof(*members));
    size_t count = 0;
    members[count++] = creation_policy(arena, key, mine->creation_policy);
    if (mine->org_count > 0)
        WEFT_TRY(add_members(consortium, w, members, &count, e));
    else
        LOG_WARN(&logger,
                 "System channel consortium has no members, attempting to create application "
                 "channel %s with %zu members",
                 w->channel_id, wanted);
    config_group_sort(members, count);
    application->members = members;
    application->count = count;
    application->mod_policy = bytes_of_str(key);
    *ret = application;
    return WEFT_OK;
}

/* ---- the whole ------------------------------------------------------------------------------------ */

static const struct config_item *consortium_value(struct arena *arena, struct bytes name)
{
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    struct config_item *item = new_item(arena, CONFIG_ITEM_VALUE, "Consortium");
    wire_put_bytes(&b, 1, name);
    uint8_t *value = arena_alloc(arena, b.len);
    memcpy(value, b.data, b.len);
    item->value = bytes_of(value, b.len);
    item->mod_policy = bytes_of_str("Admins");
    return item;
}

/* A copy whose elements all have version 0. */
static const struct config_item *without_versions(struct arena *arena,
                                                  const struct config_item *from)
{
    struct config_item *item = arena_alloc(arena, sizeof(*item));
    const struct config_item **members = arena_alloc(arena, (from->count + 1) * sizeof(*members));
    *item = *from;
    item->version = 0;
    for (size_t i = 0; i < from->count; i++)
        members[i] = without_versions(arena, from->members[i]);
    item->members = members;
    return item;
}

/* The system channel's values and policies, its Orderer, and the new Application. */
static const struct config_item *make_root(const struct bundle *system, const struct wish *w,
                                           const struct config_item *application,
                                           struct arena *arena)
{
    const struct config_item *from = bundle_group(system);
    bool predictable = bundle_orderer(system)->capabilities.predictable_channel_template;
    struct config_item *root = new_item(arena, CONFIG_ITEM_GROUP, "");
    const struct config_item **members = arena_alloc(arena, (from->count + 2) * sizeof(*members));
    size_t count = 0;
    for (size_t i = 0; i < from->count; i++) {
        const struct config_item *item = from->members[i];
        bool taken = item->kind == CONFIG_ITEM_GROUP
                         ? bytes_eq(item->name, bytes_of_str("Orderer"))
                         : item->kind == CONFIG_ITEM_POLICY ||
                               !bytes_eq(item->name, bytes_of_str("Consortium"));
        if (taken)
            members[count++] = item;
    }
    members[count++] = application;
    members[count++] = consortium_value(arena, w->consortium);
    config_group_sort(members, count);
    root->members = members;
    root->count = count;
    if (!predictable)
        return root;
    root->mod_policy = from->mod_policy;
    return without_versions(arena, root);
}

enum weft_code channel_template(const struct bundle *system, struct bytes update_envelope,
                                struct bundle **ret, struct weft_err *e)
{
    WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
    WEFT_CLEANUP(wish_done) struct wish w = { 0 };
    WEFT_CLEANUP(buf_done) struct buf group = { 0 };
    const struct config_item *application = NULL;
    WEFT_TRY(read_wish(update_envelope, &arena, &w, e));
    WEFT_TRY(make_application(system, &w, &arena, &application, e));
    config_group_encode(make_root(system, &w, application, &arena), &group);
    return bundle_new(w.channel_id, 0, buf_bytes(&group), ret, e);
}
