#include "bundle/bundle_private.h"
#include "proto/wire.h"

bool bundle_has_value(const struct config_item *group, const char *key)
{
    return config_group_find(group, CONFIG_ITEM_VALUE, bytes_of_str(key)) != NULL;
}

struct bytes bundle_value(const struct config_item *group, const char *key)
{
    const struct config_item *item = config_group_find(group, CONFIG_ITEM_VALUE, bytes_of_str(key));
    return item != NULL ? item->value : bytes_of(NULL, 0);
}

enum weft_code bundle_check_keys(const struct config_item *group, const char *const *keys,
                                 size_t count, struct weft_err *e)
{
    for (size_t i = 0; i < group->count; i++) {
        const struct config_item *item = group->members[i];
        size_t k = 0;
        if (item->kind != CONFIG_ITEM_VALUE)
            continue;
        while (k < count && !bytes_eq(item->name, bytes_of_str(keys[k])))
            k++;
        if (k == count)
            return WEFT_FAIL(e, WEFT_INVALID, "Unexpected key %.*s", (int)item->name.len,
                             (const char *)item->name.data);
    }
    return WEFT_OK;
}

size_t bundle_group_count(const struct config_item *group)
{
    size_t n = 0;
    for (size_t i = 0; i < group->count; i++)
        n += group->members[i]->kind == CONFIG_ITEM_GROUP ? 1 : 0;
    return n;
}

static enum weft_code malformed(const char *what, struct weft_err *e)
{
    return WEFT_FAIL(e, WEFT_INVALID, "error unmarshalling %s", what);
}

/* A zero byte would hide what comes after it. */
enum weft_code bundle_text(struct bundle *b, struct bytes text, const char *what, const char **ret,
                           struct weft_err *e)
{
    if (!wire_utf8(text) || (text.len > 0 && memchr(text.data, 0, text.len) != NULL))
        return malformed(what, e);
    *ret = text.len > 0 ? arena_dup_str(&b->arena, text) : "";
    return WEFT_OK;
}

enum weft_code bundle_text_value(struct bundle *b, struct bytes message, const char *what,
                                 const char **ret, struct weft_err *e)
{
    struct wire w = wire_of(message);
    struct wire_field f;
    struct bytes text = { 0 };
    while (wire_next(&w, &f))
        if (wire_is(&f, 1, WIRE_LEN))
            text = f.bytes;
    return w.bad ? malformed(what, e) : bundle_text(b, text, what, ret, e);
}

enum weft_code bundle_strings_value(struct bundle *b, struct bytes message, const char *what,
                                    struct bundle_strings *ret, struct weft_err *e)
{
    struct wire w = wire_of(message);
    struct wire_field f;
    size_t count = 0, n = 0;
    while (wire_next(&w, &f))
        count += wire_is(&f, 1, WIRE_LEN) ? 1 : 0;
    if (w.bad)
        return malformed(what, e);
    const char **at = arena_alloc(&b->arena, (count + 1) * sizeof(*at));
    w = wire_of(message);
    while (wire_next(&w, &f))
        if (wire_is(&f, 1, WIRE_LEN))
            WEFT_TRY(bundle_text(b, f.bytes, what, &at[n++], e));
    *ret = (struct bundle_strings){ at, count };
    return WEFT_OK;
}

enum weft_code bundle_number_value(struct bytes message, const char *what, uint64_t *ret,
                                   struct weft_err *e)
{
    struct wire w = wire_of(message);
    struct wire_field f;
    uint64_t n = 0;
    while (wire_next(&w, &f))
        if (wire_is(&f, 1, WIRE_VARINT))
            n = f.varint;
    if (w.bad)
        return malformed(what, e);
    *ret = n;
    return WEFT_OK;
}
