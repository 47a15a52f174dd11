/* Specs and formats: what is taken is a fixed point when written back, a
 * logger's level is what a slow second reading says, and every line ends well
 * within its limit. */
#include "base/log_format.h"
#include "base/log_spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As Fabric words it: the name with a dot, then one part less each time. */
static enum log_level slow_level(const struct log_spec *s, const char *logger)
{
    WEFT_FREE char *candidate = weft_asprintf("%s.", logger);
    for (;;) {
        for (size_t i = 0; i < s->count; i++) {
            if (strcmp(s->entries[i].logger, candidate) == 0)
                return s->entries[i].level;
        }
        char *dot = strrchr(candidate, '.');
        if (dot == NULL || dot == candidate)
            return s->fallback;
        *dot = '\0';
    }
}

static void fuzz_spec(const char *text)
{
    static const char *const names[] = { "a", "a.b", "a.b.c", "ab", "gossip.state", "peer" };
    WEFT_CLEANUP(log_spec_done) struct log_spec s = { 0 }, again = { 0 };
    if (log_spec_parse(text, &s, NULL) != WEFT_OK)
        return;
    WEFT_FREE char *first = log_spec_text(&s);
    WEFT_ASSERT(log_spec_parse(first, &again, NULL) == WEFT_OK);
    WEFT_FREE char *second = log_spec_text(&again);
    WEFT_ASSERT(strcmp(first, second) == 0 && s.lowest == again.lowest);
    for (size_t i = 0; i < WEFT_ARRAY_LEN(names); i++) {
        enum log_level level = log_spec_level(&s, names[i]);
        WEFT_ASSERT(level == slow_level(&s, names[i]) && level >= s.lowest);
    }
    for (size_t i = 0; i < s.count && i < 50; i++)
        WEFT_ASSERT(log_spec_level(&s, s.entries[i].logger) == slow_level(&s, s.entries[i].logger));
}

static void fuzz_format(const char *text, struct bytes message)
{
    static struct log_line line;
    static const char *const formats[] = { NULL, "json", "logfmt" };
    uint64_t sequence = 0;
    for (size_t i = 0; i < WEFT_ARRAY_LEN(formats); i++) {
        WEFT_CLEANUP(log_format_free) struct log_format *f = NULL;
        if (log_format_parse(i == 0 ? text : formats[i], &f, NULL) != WEFT_OK)
            continue;
        const struct log_record r = { .level = (enum log_level)(message.len % LOG_LEVEL_NR),
                                      .wall_ns = (int64_t)message.len * 1000000007,
                                      .logger = "gossip.state",
                                      .file = "src/a/b.c",
                                      .func = "f",
                                      .line = 1,
                                      .message = message };
        log_format_write(f, &r, &sequence, &line);
        WEFT_ASSERT(line.len > 0 && line.len <= LOG_LINE_MAX && line.text[line.len - 1] == '\n');
        if (i == 1) {
            WEFT_ASSERT(line.text[0] == '{' && line.text[line.len - 2] == '}');
            WEFT_ASSERT(memchr(line.text, '\n', line.len - 1) == NULL);
        }
    }
}

/* S<spec>, or F<format>NUL<message> */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    WEFT_FREE char *text = bytes_dup_str(bytes_of(data + 1, size - 1));
    if (data[0] == 'S') {
        fuzz_spec(text);
    } else {
        struct bytes message = bytes_skip(bytes_of(data, size), 1 + strlen(text));
        fuzz_format(text, message.len > 0 ? bytes_skip(message, 1) : message);
        char out[LOG_QUOTE_MAX];
        WEFT_ASSERT(strlen(log_quote(message, out)) < LOG_QUOTE_MAX);
    }
    return 0;
}
