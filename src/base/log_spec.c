#include "base/log_spec.h"

#include "base/limits.h"

static const char *const level_names[LOG_LEVEL_NR] = {
    [LOG_LEVEL_PAYLOAD] = "payload", [LOG_LEVEL_DEBUG] = "debug", [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_WARN] = "warn",       [LOG_LEVEL_ERROR] = "error", [LOG_LEVEL_DPANIC] = "dpanic",
    [LOG_LEVEL_PANIC] = "panic",     [LOG_LEVEL_FATAL] = "fatal",
};

/* Every spelling that a spec may use, all lower or all upper case. */
static const struct level_word {
    const char *lower, *upper;
    enum log_level level;
} level_words[] = {
    { "payload", "PAYLOAD", LOG_LEVEL_PAYLOAD }, { "debug", "DEBUG", LOG_LEVEL_DEBUG },
    { "info", "INFO", LOG_LEVEL_INFO },          { "notice", "NOTICE", LOG_LEVEL_INFO },
    { "warn", "WARN", LOG_LEVEL_WARN },          { "warning", "WARNING", LOG_LEVEL_WARN },
    { "error", "ERROR", LOG_LEVEL_ERROR },       { "critical", "CRITICAL", LOG_LEVEL_ERROR },
    { "dpanic", "DPANIC", LOG_LEVEL_DPANIC },    { "panic", "PANIC", LOG_LEVEL_PANIC },
    { "fatal", "FATAL", LOG_LEVEL_FATAL },
};

const char *log_level_name(enum log_level level)
{
    WEFT_ASSERT(level >= 0 && level < LOG_LEVEL_NR);
    return level_names[level];
}

static bool level_parse(struct bytes word, enum log_level *ret_level)
{
    for (size_t i = 0; i < WEFT_ARRAY_LEN(level_words); i++) {
        const struct level_word *w = &level_words[i];
        if (bytes_eq(word, bytes_of_str(w->lower)) || bytes_eq(word, bytes_of_str(w->upper))) {
            *ret_level = w->level;
            return true;
        }
    }
    return false;
}

/* Parts of [A-Za-z0-9_#:-]+ with a dot between two, one more at the end if
 * exactly this logger is meant. */
static bool logger_valid(struct bytes name)
{
    if (name.len > 0 && name.data[name.len - 1] == '.')
        name.len--;
    bool in_part = false;
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.data[i];
        bool good = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                    c == '_' || c == '#' || c == ':' || c == '-';
        if (!good && !(c == '.' && in_part))
            return false;
        in_part = good;
    }
    return in_part;
}

/* Cuts the text up to the separator off the front of *rest; false when *rest
 * has been used up. */
static bool next_part(struct bytes *rest, char separator, struct bytes *ret_part)
{
    if (rest->data == NULL)
        return false;
    const uint8_t *at = rest->len > 0 ? memchr(rest->data, separator, rest->len) : NULL;
    if (at == NULL) {
        *ret_part = *rest;
        rest->data = NULL;
        return true;
    }
    *ret_part = bytes_of(rest->data, (size_t)(at - rest->data));
    *rest = bytes_skip(*rest, ret_part->len + 1);
    return true;
}

static enum weft_code add_loggers(struct log_spec *spec, const char *text, struct bytes loggers,
                                  enum log_level level, struct weft_err *e)
{
    struct bytes logger;
    while (next_part(&loggers, ',', &logger)) {
        if (!logger_valid(logger))
            return WEFT_FAIL(e, WEFT_INVALID,
                             "invalid logging specification '%s': bad logger name '%.*s'", text,
                             (int)logger.len, (const char *)logger.data);
        if ((spec->count & (spec->count - 1)) == 0) /* doubles at powers of two */
            spec->entries = weft_realloc(spec->entries, (spec->count > 0 ? 2 * spec->count : 1) *
                                                            sizeof(*spec->entries));
        spec->entries[spec->count] = (struct log_spec_entry){ .logger = bytes_dup_str(logger),
                                                              .level = level,
                                                              .place = spec->count };
        spec->count++;
    }
    return WEFT_OK;
}

static enum weft_code parse_field(struct log_spec *spec, const char *text, struct bytes field,
                                  struct weft_err *e)
{
    struct bytes rest = field, loggers, word, extra;
    (void)next_part(&rest, '=', &loggers); /* the first part is always there */
    bool has_level = next_part(&rest, '=', &word);
    enum log_level level = LOG_LEVEL_INFO;

    if (!has_level) {
        if (field.len > 0 && !level_parse(field, &level))
            goto bad;
        spec->fallback = level;
        return WEFT_OK;
    }
    if (next_part(&rest, '=', &extra))
        goto bad;
    if (loggers.len == 0)
        return WEFT_FAIL(
            e, WEFT_INVALID,
            "invalid logging specification '%s': no logger specified in segment '%.*s'", text,
            (int)field.len, (const char *)field.data);
    if (!level_parse(word, &level))
        goto bad;
    return add_loggers(spec, text, loggers, level, e);

bad:
    return WEFT_FAIL(e, WEFT_INVALID, "invalid logging specification '%s': bad segment '%.*s'",
                     text, (int)field.len, (const char *)field.data);
}

static int entry_order(const void *a, const void *b)
{
    const struct log_spec_entry *x = a, *y = b;
    int c = strcmp(x->logger, y->logger);
    return c != 0 ? c : (x->place > y->place) - (x->place < y->place);
}

/* Sorts, and of several entries for one logger keeps the last. */
static void settle(struct log_spec *spec)
{
    size_t kept = 0;
    if (spec->count > 0)
        qsort(spec->entries, spec->count, sizeof(*spec->entries), entry_order);
    for (size_t i = 0; i < spec->count; i++) {
        if (i + 1 < spec->count &&
            strcmp(spec->entries[i].logger, spec->entries[i + 1].logger) == 0)
            free(spec->entries[i].logger);
        else
            spec->entries[kept++] = spec->entries[i];
    }
    spec->count = kept;
    spec->lowest = spec->fallback;
    for (size_t i = 0; i < spec->count; i++) {
        if (spec->entries[i].level < spec->lowest)
            spec->lowest = spec->entries[i].level;
    }
}

enum weft_code log_spec_parse(const char *text, struct log_spec *ret, struct weft_err *e)
{
    WEFT_CLEANUP(log_spec_done)
    struct log_spec spec = { .fallback = LOG_LEVEL_INFO };
    struct bytes rest = bytes_of_str(text), field;
    if (rest.len > LIMIT_LOG_SPEC)
        return WEFT_FAIL(e, WEFT_LIMIT, "logging specification of %zu bytes, at most %d are read",
                         rest.len, LIMIT_LOG_SPEC);
    while (next_part(&rest, ':', &field))
        WEFT_TRY(parse_field(&spec, text, field, e));
    settle(&spec);
    *ret = spec;
    spec = (struct log_spec){ 0 };
    return WEFT_OK;
}

void log_spec_done(struct log_spec *spec)
{
    for (size_t i = 0; i < spec->count; i++)
        free(spec->entries[i].logger);
    free(spec->entries);
    *spec = (struct log_spec){ 0 };
}

/* How much of the logger's name the entry speaks for; 0 is not at all, more
 * than the name's length is "exactly this one". */
static size_t entry_reach(const char *entry, const char *logger, size_t logger_len)
{
    size_t n = strlen(entry);
    if (n == logger_len + 1)
        return entry[n - 1] == '.' && memcmp(entry, logger, logger_len) == 0 ? n : 0;
    if (n > logger_len || memcmp(entry, logger, n) != 0)
        return 0;
    return n == logger_len || logger[n] == '.' ? n : 0;
}

enum log_level log_spec_level(const struct log_spec *spec, const char *logger)
{
    size_t len = strlen(logger), best = 0;
    enum log_level level = spec->fallback;
    for (size_t i = 0; i < spec->count; i++) {
        size_t reach = entry_reach(spec->entries[i].logger, logger, len);
        if (reach > best) {
            best = reach;
            level = spec->entries[i].level;
        }
    }
    return level;
}

static int text_order(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char *log_spec_text(const struct log_spec *spec)
{
    WEFT_FREE char **fields = weft_alloc((spec->count + 1) * sizeof(*fields));
    for (size_t i = 0; i < spec->count; i++)
        fields[i] =
            weft_asprintf("%s=%s", spec->entries[i].logger, log_level_name(spec->entries[i].level));
    qsort(fields, spec->count, sizeof(*fields), text_order);

    struct buf text = { 0 };
    for (size_t i = 0; i < spec->count; i++) {
        buf_printf(&text, "%s:", fields[i]);
        free(fields[i]);
    }
    buf_put_str(&text, log_level_name(spec->fallback));
    buf_put_u8(&text, 0);
    return (char *)text.data;
}
