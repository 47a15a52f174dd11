/* YAML from anywhere, laid under a struct with one key of each type, and under
 * those of orderer.yaml and core.yaml: it is read or refused in words, in
 * bounded time, and what is read can be walked. */
#include "base/limits.h"
#include "base/log.h"
#include "config/core_config.h"
#include "config/orderer_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct settings {
    const char *name, *path;
    bool on;
    int64_t wait_ns, shift_ns;
    uint32_t count, bytes;
    uint16_t port;
    double ratio;
    struct config_strings words, files;
};

#define AT(member) offsetof(struct settings, member)
static const struct config_field fields[] = {
    { "a.n", FIELD_STRING, FIELD_ZERO_UNSET, AT(name), "x" },
    { "a.p", FIELD_PATH, 0, AT(path), NULL },
    { "a.b", FIELD_BOOL, 0, AT(on), "true" },
    { "a.w", FIELD_DURATION, FIELD_ZERO_UNSET, AT(wait_ns), "5s" },
    { "a.s", FIELD_SHIFT, 0, AT(shift_ns), NULL },
    { "a.c", FIELD_COUNT, 0, AT(count), "10" },
    { "a.z", FIELD_SIZE, FIELD_ZERO_UNSET, AT(bytes), "100 MB" },
    { "a.o", FIELD_PORT, FIELD_ZERO_UNSET, AT(port), "7050" },
    { "a.r", FIELD_RATIO, 0, AT(ratio), "0.75" },
    { "a.l", FIELD_STRINGS, 0, AT(words), NULL },
    { "a.f", FIELD_PATHS, 0, AT(files), NULL },
};

/* Every node by every way that leads to it: as many as the weight says, or
 * fewer where a key was replaced. */
static size_t walk(const struct config_node *n, size_t depth)
{
    size_t seen = 1, entries = 0;
    WEFT_ASSERT(depth <= 2 * LIMIT_YAML_DEPTH * LIMIT_YAML_ANCHORS && n->text != NULL);
    for (const struct config_entry *i = n->first; i != NULL; i = i->next, entries++) {
        WEFT_ASSERT((i->key != NULL) == (n->kind == CONFIG_MAP));
        seen += walk(i->value, depth + 1);
    }
    WEFT_ASSERT(entries == n->count && seen <= n->weight && n->weight <= LIMIT_YAML_NODES);
    return seen;
}

static void check_refusal(enum weft_code rc, const struct weft_err *e)
{
    WEFT_ASSERT(rc == WEFT_OK ||
                (e->code == rc && e->msg[0] != '\0' && strchr(e->msg, '\n') == NULL));
}

static void read_as_a_node(const struct config_source *src)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(orderer_config_free) struct orderer_config *o = NULL;
    WEFT_CLEANUP(core_config_free) struct core_config *c = NULL;
    WEFT_CLEANUP(buf_done) struct buf text = { 0 };
    check_refusal(orderer_config_read(src, &o, &e), &e);
    check_refusal(core_config_read(src, &c, &e), &e);
    if (o != NULL)
        orderer_config_print(o, &text);
    if (c != NULL)
        core_config_print(c, &text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const env[] = { "X_A_Q=1", NULL };
    WEFT_CLEANUP(config_source_free) struct config_source *src = NULL;
    WEFT_CLEANUP(arena_done) struct arena a = { 0 };
    struct settings s = { 0 };
    struct weft_err e = { 0 };
    const struct config_table table = { .fields = fields,
                                        .count = WEFT_ARRAY_LEN(fields),
                                        .split_at_blanks = size % 2 == 0 };
    static bool quiet;
    if (!quiet)
        WEFT_ASSERT(log_set_spec("fatal", NULL) == WEFT_OK);
    quiet = true;

    enum weft_code rc = config_source_parse(bytes_of(data, size), "/x.yaml", "X", env, &src, &e);
    if (rc == WEFT_OK) {
        (void)walk(config_source_root(src), 0);
        read_as_a_node(src);
        rc = config_table_fill(&table, src, &s, &a, &e);
    }
    check_refusal(rc, &e);
    if (rc != WEFT_OK)
        return 0;
    WEFT_ASSERT(s.name[0] != '\0' && s.wait_ns > 0 && s.bytes > 0 && s.port > 0);
    WEFT_ASSERT(s.ratio >= 0 && s.ratio <= 1 && (s.path[0] == '\0' || s.path[0] == '/'));
    for (size_t i = 0; i < s.files.count; i++)
        WEFT_ASSERT(s.files.items[i][0] == '/' || s.files.items[i][0] == '\0');
    return 0;
}
