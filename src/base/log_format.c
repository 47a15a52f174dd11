#include "base/log_format.h"

#include "base/limits.h"
#include "base/log_spec.h"
#include "base/time_layout.h"

enum {
    PLACES_MAX = 999
};

enum verb {
    VERB_TEXT,
    VERB_COLOR,
    VERB_ID,
    VERB_LEVEL,
    VERB_MESSAGE,
    VERB_MODULE,
    VERB_FUNC,
    VERB_TIME
};

/* The letters of fmt.Printf after the '%': flags, width, precision, verb. */
struct letters {
    bool minus, plus, blank, sharp, zero;
    int width, precision; /* -1: not given */
    char verb;            /* 0: none */
    const char *tail;     /* what follows is text */
};

struct segment {
    enum verb verb;
    char *text; /* VERB_TEXT's, VERB_TIME's layout, else the option */
    struct letters letters;
};

enum encoding {
    ENCODING_SEGMENTS,
    ENCODING_JSON,
    ENCODING_LOGFMT
};

struct log_format {
    enum encoding encoding;
    struct segment *segments;
    size_t count;
};

static const struct verb_row {
    const char *name;
    enum verb verb;
    const char *option; /* when none is given */
} verb_rows[] = {
    { "color", VERB_COLOR, "" },
    { "id", VERB_ID, "d" },
    { "level", VERB_LEVEL, "s" },
    { "message", VERB_MESSAGE, "s" },
    { "module", VERB_MODULE, "s" },
    { "shortfunc", VERB_FUNC, "s" },
    { "time", VERB_TIME, "2006-01-02T15:04:05.999Z07:00" },
};

static const char *const capital_names[LOG_LEVEL_NR] = {
    [LOG_LEVEL_PAYLOAD] = "PAYLOAD", [LOG_LEVEL_DEBUG] = "DEBUG", [LOG_LEVEL_INFO] = "INFO",
    [LOG_LEVEL_WARN] = "WARN",       [LOG_LEVEL_ERROR] = "ERROR", [LOG_LEVEL_DPANIC] = "DPANIC",
    [LOG_LEVEL_PANIC] = "PANIC",     [LOG_LEVEL_FATAL] = "FATAL",
};

/* SGR numbers; 0 is the terminal's own colour. */
static const int colors[LOG_LEVEL_NR] = {
    [LOG_LEVEL_PAYLOAD] = 0, [LOG_LEVEL_DEBUG] = 36, [LOG_LEVEL_INFO] = 34,
    [LOG_LEVEL_WARN] = 33,   [LOG_LEVEL_ERROR] = 31, [LOG_LEVEL_DPANIC] = 35,
    [LOG_LEVEL_PANIC] = 35,  [LOG_LEVEL_FATAL] = 35,
};

/* ---- parsing -------------------------------------------------------- */

static const char *read_places(const char *s, int *ret_n)
{
    int n = 0;
    for (; *s >= '0' && *s <= '9'; s++)
        n = n * 10 + (*s - '0') > PLACES_MAX ? PLACES_MAX : n * 10 + (*s - '0');
    *ret_n = n;
    return s;
}

static struct letters letters_parse(const char *s)
{
    struct letters l = { .width = -1, .precision = -1 };
    for (; *s != '\0' && strchr("-+ #0", *s) != NULL; s++) {
        l.minus = l.minus || *s == '-';
        l.plus = l.plus || *s == '+';
        l.blank = l.blank || *s == ' ';
        l.sharp = l.sharp || *s == '#';
        l.zero = l.zero || *s == '0';
    }
    l.zero = l.zero && !l.minus;
    if (*s >= '0' && *s <= '9')
        s = read_places(s, &l.width);
    if (*s == '.')
        s = read_places(s + 1, &l.precision);
    l.verb = *s;
    l.tail = *s != '\0' ? s + 1 : s;
    return l;
}

static void add_segment(struct log_format *f, enum verb verb, struct bytes text)
{
    if (text.len == 0 && verb == VERB_TEXT)
        return;
    if ((f->count & (f->count - 1)) == 0) /* doubles at powers of two */
        f->segments =
            weft_realloc(f->segments, (f->count > 0 ? 2 * f->count : 1) * sizeof(*f->segments));
    struct segment *s = &f->segments[f->count++];
    *s = (struct segment){ .verb = verb, .text = bytes_dup_str(text) };
    s->letters = letters_parse(s->text);
}

/* "%{id:03x}..." at s: the verb's row, its option, and how long it all is. */
static const struct verb_row *verb_at(const char *s, struct bytes *ret_option, size_t *ret_len)
{
    for (size_t i = 0; i < WEFT_ARRAY_LEN(verb_rows); i++) {
        size_t n = strlen(verb_rows[i].name);
        if (strncmp(s, "%{", 2) != 0 || strncmp(s + 2, verb_rows[i].name, n) != 0)
            continue;
        const char *option = s + 2 + n;
        size_t option_len = 0;
        if (*option == ':')
            option_len = strcspn(++option, "}\n");
        if (option[option_len] != '}')
            continue;
        *ret_option =
            option_len > 0 ? bytes_of(option, option_len) : bytes_of_str(verb_rows[i].option);
        *ret_len = (size_t)(option + option_len + 1 - s);
        return &verb_rows[i];
    }
    return NULL;
}

static enum weft_code parse_segments(struct log_format *f, const char *text, struct weft_err *e)
{
    const char *start = text;
    while (*text != '\0') {
        struct bytes option;
        size_t len;
        const struct verb_row *row = verb_at(text, &option, &len);
        if (row == NULL) {
            text++;
            continue;
        }
        if (row->verb == VERB_COLOR && option.len > 0 && !bytes_eq(option, bytes_of_str("bold")) &&
            !bytes_eq(option, bytes_of_str("reset")))
            return WEFT_FAIL(e, WEFT_INVALID, "invalid color option: %.*s", (int)option.len,
                             (const char *)option.data);
        add_segment(f, VERB_TEXT, bytes_of(start, (size_t)(text - start)));
        add_segment(f, row->verb, option);
        text += len;
        start = text;
    }
    add_segment(f, VERB_TEXT, bytes_of(start, (size_t)(text - start)));
    return WEFT_OK;
}

enum weft_code log_format_parse(const char *text, struct log_format **ret, struct weft_err *e)
{
    if (strlen(text) > LIMIT_LOG_FORMAT)
        return WEFT_FAIL(e, WEFT_LIMIT, "logging format of %zu bytes, at most %d are read",
                         strlen(text), LIMIT_LOG_FORMAT);
    WEFT_CLEANUP(log_format_free) struct log_format *f = weft_alloc(sizeof(*f));
    if (strcmp(text, "json") == 0)
        f->encoding = ENCODING_JSON;
    else if (strcmp(text, "logfmt") == 0)
        f->encoding = ENCODING_LOGFMT;
    else
        WEFT_TRY(parse_segments(f, text, e));
    *ret = WEFT_TAKE(f);
    return WEFT_OK;
}

void log_format_free(struct log_format *f)
{
    if (f == NULL)
        return;
    for (size_t i = 0; i < f->count; i++)
        free(f->segments[i].text);
    free(f->segments);
    free(f);
}

/* ---- fields --------------------------------------------------------- */

struct field {
    struct bytes key, value;
};

static bool key_char(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-';
}

/* How long the key is at s, where LOG_KV has just been; 0: no field begins
 * here, so that mark came in with somebody's text. */
static size_t key_len(struct bytes s)
{
    size_t n = 0;
    while (n < s.len && key_char(s.data[n]))
        n++;
    return n < s.len && s.data[n] == '=' ? n : 0;
}

/* The place of the next field's LOG_KV, or the end. */
static size_t next_mark(struct bytes s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] == (uint8_t)LOG_KV[0] && key_len(bytes_skip(s, i + 1)) > 0)
            return i;
    }
    return s.len;
}

static struct bytes take_message(struct bytes *rest)
{
    size_t n = next_mark(*rest);
    struct bytes message = bytes_of(rest->data, n);
    *rest = bytes_skip(*rest, n);
    return message;
}

static bool take_field(struct bytes *rest, struct field *ret)
{
    if (rest->len == 0)
        return false;
    struct bytes s = bytes_skip(*rest, 1);
    ret->key = bytes_of(s.data, key_len(s));
    s = bytes_skip(s, ret->key.len + 1);
    ret->value = bytes_of(s.data, next_mark(s));
    *rest = bytes_skip(s, ret->value.len);
    return true;
}

static void put_logfmt_field(struct log_line *l, const char *between, struct field f)
{
    if (l->cut)
        return;
    log_line_put_str(l, between);
    log_line_put(l, f.key);
    log_line_put_str(l, "=");
    log_line_put_value(l, f.value);
}

/* ---- json and logfmt ------------------------------------------------ */

static bool gives_back(double s, int places, char text[40])
{
    (void)snprintf(text, 40, "%.*f", places, s);
    return strtod(text, NULL) == s;
}

/* Seconds since 1970 as the shortest number that gives back the same double,
 * which is what Go writes.  In this century that has six or seven places. */
static void seconds_text(int64_t wall_ns, char text[40])
{
    double s = (double)wall_ns / 1e9;
    int places = 7;
    while (places < 9 && !gives_back(s, places, text))
        places++;
    while (places > 0 && gives_back(s, places - 1, text))
        places--;
    (void)snprintf(text, 40, "%.*f", places, s);
}

/* "src/base/log.c:42" is "base/log.c:42". */
static void caller_text(const struct log_record *r, char *out, size_t room)
{
    const char *from = r->file;
    const char *slash = strrchr(r->file, '/');
    for (const char *p = r->file; slash != NULL && p < slash; p++) {
        if (*p == '/')
            from = p + 1;
    }
    (void)snprintf(out, room, "%s:%d", from, r->line);
}

static bool bare_in_json(struct bytes v)
{
    if (bytes_eq(v, bytes_of_str("true")) || bytes_eq(v, bytes_of_str("false")))
        return true;
    size_t i = v.len > 0 && v.data[0] == '-' ? 1 : 0;
    if (i == v.len || v.len - i > 20 || (v.data[i] == '0' && v.len > 1))
        return false;
    for (; i < v.len; i++) {
        if (v.data[i] < '0' || v.data[i] > '9')
            return false;
    }
    return true;
}

/* A key and a value, or nothing at all when the line is full. */
static void put_json(struct log_line *l, const char *before, struct bytes key, struct bytes value,
                     bool bare)
{
    size_t len = l->len;
    if (l->cut)
        return;
    log_line_put_str(l, before);
    log_line_put_str(l, "\"");
    log_line_put_escaped(l, key);
    log_line_put_str(l, bare ? "\":" : "\":\"");
    if (bare)
        log_line_put(l, value);
    if (l->cut) {
        l->len = len;
        return;
    }
    if (!bare) {
        log_line_put_escaped(l, value);
        log_line_close(l, "\"");
    }
}

static void write_json(const struct log_record *r, struct log_line *l)
{
    char seconds[40], caller[256];
    struct bytes rest = r->message, message = take_message(&rest);
    seconds_text(r->wall_ns, seconds);
    caller_text(r, caller, sizeof(caller));
    const struct head {
        const char *before, *key, *value;
    } head[] = {
        { "{", "level", log_level_name(r->level) },
        { ",", "ts", seconds },
        { ",", "name", r->logger },
        { ",", "caller", caller },
    };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(head); i++)
        put_json(l, head[i].before, bytes_of_str(head[i].key), bytes_of_str(head[i].value), i == 1);
    put_json(l, ",", bytes_of_str("msg"), message, false);
    struct field f;
    while (take_field(&rest, &f))
        put_json(l, ",", f.key, f.value, bare_in_json(f.value));
    log_line_close(l, "}\n");
}

static void write_logfmt(const struct log_record *r, struct log_line *l)
{
    char seconds[40], caller[256];
    struct bytes rest = r->message, message = take_message(&rest);
    seconds_text(r->wall_ns, seconds);
    caller_text(r, caller, sizeof(caller));
    log_line_printf(l, "ts=%s level=%s name=", seconds, log_level_name(r->level));
    log_line_put_value(l, bytes_of_str(r->logger));
    put_logfmt_field(l, " ", (struct field){ bytes_of_str("caller"), bytes_of_str(caller) });
    put_logfmt_field(l, " ", (struct field){ bytes_of_str("msg"), message });
    struct field f;
    while (take_field(&rest, &f))
        put_logfmt_field(l, " ", f);
    log_line_close(l, "\n");
}

/* ---- verbs ---------------------------------------------------------- */

static void put_padding(struct log_line *l, const char *with, size_t have, int width)
{
    for (size_t i = have; width > 0 && i < (size_t)width; i++)
        log_line_put_str(l, with);
}

/* Letters that do not fit the value, as fmt shows them. */
static void put_misfit(struct log_line *l, const struct letters *f, const char *type,
                       struct bytes value)
{
    if (f->verb == '\0')
        log_line_printf(l, "%%!(NOVERB)%%!(EXTRA %s=", type);
    else
        log_line_printf(l, "%%!%c(%s=", f->verb, type);
    log_line_put(l, value);
    log_line_put_str(l, ")");
}

/* Characters: a byte that follows another one of its character does not count. */
static size_t count_runes(struct bytes s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += (s.data[i] & 0xc0) != 0x80;
    return n;
}

static struct bytes first_runes(struct bytes s, int most)
{
    size_t i = 0;
    for (int n = 0; i < s.len; i++) {
        n += (s.data[i] & 0xc0) != 0x80;
        if (most >= 0 && n > most)
            break;
    }
    return bytes_of(s.data, i);
}

static void put_hex(struct log_line *l, char verb, struct bytes value)
{
    for (size_t i = 0; i < value.len && !l->cut; i++)
        log_line_printf(l, verb == 'x' ? "%02x" : "%02X", value.data[i]);
}

static void put_string(struct log_line *l, const struct letters *f, struct bytes value)
{
    if (f->verb == '\0' || strchr("svqxX", f->verb) == NULL) {
        put_misfit(l, f, "string", value);
        log_line_put_str(l, f->tail);
        return;
    }
    value = first_runes(value, f->precision);
    size_t len = count_runes(value) + (f->verb == 'q' ? 2 : 0);
    if (!f->minus)
        put_padding(l, f->zero ? "0" : " ", len, f->width);
    if (f->verb == 'q') {
        log_line_put_str(l, "\"");
        log_line_put_escaped(l, value);
        log_line_put_str(l, "\"");
    } else if (f->verb == 'x' || f->verb == 'X') {
        put_hex(l, f->verb, value);
    } else {
        log_line_put(l, value);
    }
    if (f->minus)
        put_padding(l, " ", len, f->width);
    log_line_put_str(l, f->tail);
}

static void put_number(struct log_line *l, const struct letters *f, uint64_t n)
{
    char digits[72], prefix[4] = "", *at = digits + sizeof(digits);
    uint64_t rest = n;
    unsigned base = f->verb == 'x' || f->verb == 'X' ? 16
                    : f->verb == 'o'                 ? 8
                    : f->verb == 'b'                 ? 2
                                                     : 10;
    do {
        *--at = (f->verb == 'X' ? "0123456789ABCDEF" : "0123456789abcdef")[rest % base];
        rest /= base;
    } while (rest > 0);
    struct bytes text = bytes_of(at, (size_t)(digits + sizeof(digits) - at));
    if (f->verb == '\0' || strchr("dvxXob", f->verb) == NULL) {
        put_misfit(l, f, "uint64", text);
        log_line_put_str(l, f->tail);
        return;
    }
    if (f->plus || f->blank)
        prefix[0] = f->plus ? '+' : ' ';
    else if (f->sharp && base == 16)
        (void)snprintf(prefix, sizeof(prefix), "0%c", f->verb);
    int places = f->precision;
    if (places < 0 && f->zero)
        places = f->width - (f->plus || f->blank ? 1 : 0);
    size_t have = places > 0 && (size_t)places > text.len ? (size_t)places : text.len;
    have += strlen(prefix);
    if (!f->minus)
        put_padding(l, " ", have, f->width);
    log_line_put_str(l, prefix);
    put_padding(l, "0", text.len, places);
    log_line_put(l, text);
    if (f->minus)
        put_padding(l, " ", have, f->width);
    log_line_put_str(l, f->tail);
}

static void put_time(struct log_line *l, const char *layout, int64_t wall_ns)
{
    char text[1024];
    struct time_parts t = time_parts_local(wall_ns);
    log_line_put(l, bytes_of(text, time_layout_write(layout, &t, text, sizeof(text))));
}

static void put_color(struct log_line *l, const char *option, enum log_level level)
{
    int color = option[0] == 'r' ? 0 : colors[level];
    log_line_printf(l, color != 0 && option[0] == 'b' ? "\x1b[%d;1m" : "\x1b[%dm", color);
}

static void put_segment(struct log_line *l, const struct segment *s, const struct log_record *r,
                        struct bytes message, uint64_t *sequence)
{
    switch (s->verb) {
    case VERB_TEXT:
        log_line_put_str(l, s->text);
        break;
    case VERB_COLOR:
        put_color(l, s->text, r->level);
        break;
    case VERB_ID:
        put_number(l, &s->letters, ++*sequence);
        break;
    case VERB_LEVEL:
        put_string(l, &s->letters, bytes_of_str(capital_names[r->level]));
        break;
    case VERB_MESSAGE:
        put_string(l, &s->letters, message);
        break;
    case VERB_MODULE:
        put_string(l, &s->letters, bytes_of_str(r->logger));
        break;
    case VERB_FUNC:
        put_string(l, &s->letters, bytes_of_str(r->func));
        break;
    case VERB_TIME:
        put_time(l, s->text, r->wall_ns);
        break;
    }
}

static void write_segments(const struct log_format *f, const struct log_record *r,
                           uint64_t *sequence, struct log_line *l)
{
    struct bytes rest = r->message, message = take_message(&rest);
    while (message.len > 0 && message.data[message.len - 1] == '\n')
        message.len--;
    for (size_t i = 0; i < f->count; i++)
        put_segment(l, &f->segments[i], r, message, sequence);
    struct field field;
    while (take_field(&rest, &field))
        put_logfmt_field(l, l->len > 0 ? " " : "", field);
    log_line_close(l, l->cut ? "...\n" : "\n");
}

void log_format_write(const struct log_format *f, const struct log_record *r, uint64_t *sequence,
                      struct log_line *line)
{
    line->len = 0;
    line->cut = false;
    switch (f->encoding) {
    case ENCODING_SEGMENTS:
        write_segments(f, r, sequence, line);
        break;
    case ENCODING_JSON:
        write_json(r, line);
        break;
    case ENCODING_LOGFMT:
        write_logfmt(r, line);
        break;
    }
}
