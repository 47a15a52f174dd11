#include "bundle_cases.h"

#include "channel/config_update.h"
#include "proto/wire.h"

#include <stdio.h>

enum {
    LINE_MAX_BYTES = 16384,
    WORDS_MAX = 8
};

/* One case while it is read. */
struct reading {
    const struct test_channel *plain;
    struct test_channel *now, *next;
    struct config_update_view update;
    bool has_update;
    char signers[128], id[64];
    struct bundle_case c;
};

struct line {
    char text[LINE_MAX_BYTES];
    char *word[WORDS_MAX];
    const char *rest[WORDS_MAX]; /* from this word to the end of the line */
    size_t count;
};

static void bad(const struct reading *r, const struct line *l)
{
    (void)fprintf(stderr, "case %s: %s?\n", r->c.name, l->word[0]);
    abort();
}

static void split(struct bytes text, struct line *l)
{
    static char copy[LINE_MAX_BYTES];
    WEFT_ASSERT(text.len < LINE_MAX_BYTES);
    memcpy(l->text, text.data, text.len);
    l->text[text.len] = '\0';
    memcpy(copy, l->text, sizeof(copy));
    l->count = 0;
    size_t at = 0;
    while (l->count < WORDS_MAX) {
        at += strspn(l->text + at, " ");
        if (l->text[at] == '\0')
            break;
        l->rest[l->count] = copy + at;
        l->word[l->count++] = l->text + at;
        at += strcspn(l->text + at, " ");
        if (l->text[at] != '\0')
            l->text[at++] = '\0';
    }
}

static void shift(struct line *l)
{
    memmove(l->word, l->word + 1, --l->count * sizeof(l->word[0]));
    memmove(l->rest, l->rest + 1, l->count * sizeof(l->rest[0]));
}

static void put_hex(const char *hex, struct buf *out)
{
    struct bytes h = bytes_of_str(hex);
    if (strcmp(hex, "-") == 0)
        return;
    WEFT_ASSERT(bytes_from_hex(h, buf_reserve(out, h.len / 2)));
    out->len += h.len / 2;
}

static const char *path_of(const char *word)
{
    return strcmp(word, "-") == 0 ? "" : word;
}

/* ---- changes ----------------------------------------------------------------------------------- */

static enum config_item_kind kind_of(const char *word)
{
    return word[0] == 'v'   ? CONFIG_ITEM_VALUE
           : word[0] == 'p' ? CONFIG_ITEM_POLICY
                            : CONFIG_ITEM_GROUP;
}

static struct config_item *member(struct config_item *group, const char *kind, const char *name)
{
    if (kind[0] == '.')
        return group;
    struct config_item *found =
        (struct config_item *)config_group_find(group, kind_of(kind), bytes_of_str(name));
    WEFT_ASSERT(found != NULL);
    return found;
}

static struct bytes keep_str(struct test_channel *c, const char *s)
{
    return bytes_of_str(arena_dup_str(&c->arena, bytes_of_str(s)));
}

static void set_member(struct config_item *group, const struct config_item *item)
{
    const struct config_item **members = (const struct config_item **)group->members;
    for (size_t i = 0; i < group->count; i++)
        if (members[i]->kind == item->kind && bytes_eq(members[i]->name, item->name))
            members[i] = item;
}

static void take_away(struct config_item *group, enum config_item_kind kind, const char *name)
{
    const struct config_item **members = (const struct config_item **)group->members;
    size_t n = 0;
    for (size_t i = 0; i < group->count; i++)
        if (members[i]->kind != kind || !bytes_eq(members[i]->name, bytes_of_str(name)))
            members[n++] = members[i];
    group->count = n;
}

static void set_policy(struct test_channel *c, const char *group, const char *name,
                       const char *type, const char *hex)
{
    WEFT_CLEANUP(buf_done) struct buf value = { 0 };
    test_channel_meta_policy(c, group, name, "Readers", 0);
    struct config_item *p = member(test_channel_group(c, group), "p", name);
    put_hex(hex, &value);
    p->policy_type = (int32_t)strtol(type, NULL, 10);
    p->has_policy = p->policy_type >= 0;
    if (!p->has_policy)
        p->policy_type = 0;
    p->value = bytes_of(arena_dup_str(&c->arena, buf_bytes(&value)), value.len);
}

static void set_capabilities(struct test_channel *c, const struct line *l)
{
    WEFT_CLEANUP(buf_done) struct buf all = { 0 };
    for (size_t i = 2; i < l->count; i++) {
        WEFT_CLEANUP(buf_done) struct buf entry = { 0 };
        wire_put_bytes(&entry, 1, bytes_of_str(l->word[i]));
        wire_put_bytes(&entry, 2, bytes_of_str(""));
        wire_put_bytes(&all, 1, buf_bytes(&entry));
    }
    test_channel_set(c, path_of(l->word[1]), "Capabilities",
                     all.len > 0 ? buf_bytes(&all) : bytes_of_str(""));
}

/* What a message has twice, the later one holds: more bytes change a field. */
static void add_to_msp(struct test_channel *c, const char *group, const char *hex)
{
    WEFT_CLEANUP(buf_done) struct buf fabric = { 0 };
    WEFT_CLEANUP(buf_done) struct buf msp = { 0 };
    struct wire w = wire_of(member(test_channel_group(c, group), "v", "MSP")->value);
    struct wire_field f;
    while (wire_next(&w, &f))
        if (wire_is(&f, 2, WIRE_LEN))
            buf_put(&fabric, f.bytes);
    put_hex(hex, &fabric);
    wire_put_bytes(&msp, 2, buf_bytes(&fabric));
    test_channel_set(c, group, "MSP", buf_bytes(&msp));
}

static void copy_group(struct test_channel *c, const char *group, const char *name,
                       const char *from)
{
    const struct config_item *source = test_channel_group(c, from);
    struct config_item *copy = test_channel_add_group(c, group, name);
    struct bytes kept = copy->name;
    *copy = *source;
    copy->name = kept;
}

static bool change_member(struct test_channel *c, const struct line *l)
{
    const char *op = l->word[0], *group = l->count > 1 ? path_of(l->word[1]) : "";
    struct config_item *g = test_channel_group(c, group);
    if (strcmp(op, "mod") == 0 || strcmp(op, "version") == 0) {
        struct config_item *copy = arena_alloc(&c->arena, sizeof(*copy)), *was = NULL;
        was = member(g, l->word[2], l->word[3]);
        *copy = *was;
        if (op[0] == 'v')
            copy->version = strtoull(l->word[4], NULL, 10);
        else
            copy->mod_policy = keep_str(c, strcmp(l->word[4], "-") == 0 ? "" : l->word[4]);
        if (was == g)
            *g = *copy;
        else
            set_member(g, copy);
    } else if (strcmp(op, "nogroup") == 0) {
        take_away(g, CONFIG_ITEM_GROUP, l->word[2]);
    } else if (strcmp(op, "nopolicy") == 0) {
        take_away(g, CONFIG_ITEM_POLICY, l->word[2]);
    } else {
        return false;
    }
    return true;
}

static bool change_value(struct test_channel *c, const struct line *l)
{
    const char *op = l->word[0], *group = l->count > 1 ? path_of(l->word[1]) : "";
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    if (strcmp(op, "hex") == 0) {
        put_hex(l->word[3], &b);
        test_channel_set(c, group, l->word[2], b.len > 0 ? buf_bytes(&b) : bytes_of_str(""));
    } else if (strcmp(op, "text") == 0) {
        test_channel_set_text(c, group, l->word[2], l->count > 3 ? l->rest[3] : "");
    } else if (strcmp(op, "drop") == 0) {
        test_channel_set(c, group, l->word[2], bytes_of(NULL, 0));
    } else if (strcmp(op, "caps") == 0) {
        set_capabilities(c, l);
    } else if (strcmp(op, "msp") == 0) {
        add_to_msp(c, group, l->word[2]);
    } else if (strcmp(op, "copymsp") == 0) {
        test_channel_set(c, group, "MSP",
                         member(test_channel_group(c, l->word[2]), "v", "MSP")->value);
    } else {
        return false;
    }
    return true;
}

static bool change(struct test_channel *c, const struct line *l)
{
    const char *op = l->word[0], *group = l->count > 1 ? path_of(l->word[1]) : "";
    if (change_value(c, l) || change_member(c, l))
        return true;
    if (strcmp(op, "group") == 0)
        (void)test_channel_add_group(c, group, l->word[2]);
    else if (strcmp(op, "copygroup") == 0)
        copy_group(c, group, l->word[2], l->word[3]);
    else if (strcmp(op, "policy") == 0)
        set_policy(c, group, l->word[2], l->word[3], l->word[4]);
    else if (strcmp(op, "meta") == 0)
        test_channel_meta_policy(c, group, l->word[2], l->word[3],
                                 (int)strtol(l->word[4], NULL, 10));
    else
        return false;
    return true;
}

/* ---- updates ------------------------------------------------------------------------------------- */

static void compute(struct reading *r)
{
    struct weft_err e;
    WEFT_ASSERT(r->now != NULL && r->next != NULL);
    if (r->has_update)
        return;
    r->has_update = true;
    if (config_update_compute(r->now->root, r->next->root, &r->now->arena, &r->update, &e) ==
        WEFT_OK)
        return;
    r->update.read_set = r->now->root; /* an update that changes nothing */
    r->update.write_set = r->now->root;
}

static struct config_item *group_in(const struct config_item *root, const char *path)
{
    while (*path != '\0') {
        size_t n = strcspn(path, "/");
        root = config_group_find(root, CONFIG_ITEM_GROUP, bytes_of(path, n));
        WEFT_ASSERT(root != NULL);
        path += n + (path[n] == '/' ? 1 : 0);
    }
    return (struct config_item *)root; /* lies in an arena of ours */
}

static bool change_update(struct reading *r, const struct line *l)
{
    const char *op = l->word[0];
    bool read = strcmp(op, "read") == 0;
    if (!read && strcmp(op, "write") != 0 && strcmp(op, "writemod") != 0)
        return false;
    compute(r);
    const struct config_item *root = read ? r->update.read_set : r->update.write_set;
    struct config_item *m = member(group_in(root, path_of(l->word[1])), l->word[2], l->word[3]);
    if (strcmp(op, "writemod") == 0)
        m->mod_policy = keep_str(r->now, strcmp(l->word[4], "-") == 0 ? "" : l->word[4]);
    else
        m->version = strtoull(l->word[4], NULL, 10);
    return true;
}

static void make_update(struct reading *r)
{
    WEFT_CLEANUP(buf_done) struct buf update = { 0 };
    /* The keys are the plain channel's. */
    compute(r);
    r->update.channel_id = bytes_of_str(r->id[0] != '\0' ? r->id : r->c.channel);
    config_update_encode(&r->update, &update);
    test_update_envelope((struct test_channel *)r->plain, buf_bytes(&update), r->c.channel,
                         r->signers, &r->c.update);
}

/* ---- cases ----------------------------------------------------------------------------------------- */

static void begin(struct reading *r, const char *name)
{
    r->now = test_channel_copy(r->plain);
    (void)snprintf(r->c.name, sizeof(r->c.name), "%s", name);
    (void)snprintf(r->c.channel, sizeof(r->c.channel), "ch");
}

static void answer(struct reading *r, const char *words)
{
    static const char same[] = "no: ", other[] = "no, otherwise: ";
    r->c.yes = strcmp(words, "yes") == 0;
    r->c.same_words = strncmp(words, same, strlen(same)) == 0;
    if (!r->c.yes)
        (void)snprintf(r->c.words, sizeof(r->c.words), "%s",
                       words + (r->c.same_words ? strlen(same) : strlen(other)));
}

static void end(struct reading *r, void (*run)(void *ctx, const struct bundle_case *c), void *ctx)
{
    WEFT_ASSERT(r->now != NULL);
    if (r->next == NULL)
        r->next = test_channel_copy(r->now);
    if (r->c.question == ASK_UPDATE)
        make_update(r);
    config_group_encode(r->now->root, &r->c.now);
    config_group_encode(r->next->root, &r->c.changed);
    run(ctx, &r->c);
    buf_done(&r->c.now);
    buf_done(&r->c.changed);
    buf_done(&r->c.update);
    test_channel_free(r->now);
    test_channel_free(r->next);
    *r = (struct reading){ .plain = r->plain };
}

static void read_line(struct reading *r, struct line *l)
{
    static const char *const questions[] = { "new", "supported", "next", "update" };
    const char *op = l->word[0];
    for (size_t i = 0; i < WEFT_ARRAY_LEN(questions); i++) {
        if (strcmp(op, questions[i]) == 0) {
            r->c.question = (enum bundle_question)i;
            return;
        }
    }
    if (strcmp(op, "now") == 0) {
        shift(l);
        if (!change(r->now, l))
            bad(r, l);
        return;
    }
    if (strcmp(op, "channel") == 0) {
        (void)snprintf(r->c.channel, sizeof(r->c.channel), "%s", l->count > 1 ? l->word[1] : "");
        return;
    }
    if (strcmp(op, "sign") == 0) {
        (void)snprintf(r->signers, sizeof(r->signers), "%s", l->count > 1 ? l->rest[1] : "");
        return;
    }
    if (strcmp(op, "id") == 0) {
        (void)snprintf(r->id, sizeof(r->id), "%s", l->word[1]);
        return;
    }
    if (r->next == NULL)
        r->next = test_channel_copy(r->now);
    if (!change_update(r, l) && !change(r->next, l))
        bad(r, l);
}

void bundle_cases_run(struct bytes text, void (*run)(void *ctx, const struct bundle_case *c),
                      void *ctx)
{
    WEFT_CLEANUP(test_channel_free) struct test_channel *plain = test_channel_new();
    struct reading r = { .plain = plain };
    static struct line l;
    while (text.len > 0) {
        const uint8_t *eol = memchr(text.data, '\n', text.len);
        size_t n = eol != NULL ? (size_t)(eol - text.data) : text.len;
        split(bytes_of(text.data, n), &l);
        text = bytes_skip(text, eol != NULL ? n + 1 : n);
        if (l.count == 0 || l.word[0][0] == '#')
            continue;
        if (strcmp(l.word[0], "case") == 0) {
            begin(&r, l.rest[1]);
            continue;
        }
        WEFT_ASSERT(r.now != NULL);
        if (strcmp(l.word[0], "=>") == 0) {
            answer(&r, l.rest[1]);
            end(&r, run, ctx);
        } else {
            read_line(&r, &l);
        }
    }
}
