#include "base/log_line.h"

#include "base/utf8.h"

#include <stdarg.h>

static size_t room(const struct log_line *l)
{
    return l->cut ? 0 : LOG_LINE_MAX - LOG_LINE_KEPT_BACK - l->len;
}

/* All or nothing. */
static void put_whole(struct log_line *l, const void *data, size_t len)
{
    if (len > room(l)) {
        l->cut = true;
        return;
    }
    if (len > 0)
        memcpy(l->text + l->len, data, len);
    l->len += len;
}

void log_line_put(struct log_line *l, struct bytes what)
{
    size_t n = what.len < room(l) ? what.len : room(l);
    if (n < what.len) { /* not within a character */
        while (n > 0 && (what.data[n] & 0xc0) == 0x80)
            n--;
    }
    put_whole(l, what.data, n);
    l->cut = l->cut || n < what.len;
}

void log_line_put_str(struct log_line *l, const char *s)
{
    log_line_put(l, bytes_of_str(s));
}

void log_line_printf(struct log_line *l, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    WEFT_ASSERT(n >= 0);
    log_line_put(l, bytes_of(text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1));
}

static void put_escape(struct log_line *l, uint8_t c)
{
    char text[8];
    int n;
    if (c == '"' || c == '\\')
        n = snprintf(text, sizeof(text), "\\%c", c);
    else if (c == '\n' || c == '\r' || c == '\t')
        n = snprintf(text, sizeof(text), "\\%c", c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
    else
        n = snprintf(text, sizeof(text), "\\u%04x", c);
    put_whole(l, text, (size_t)n);
}

void log_line_put_escaped(struct log_line *l, struct bytes text)
{
    while (text.len > 0 && !l->cut) {
        uint32_t rune;
        size_t n = utf8_decode(text, &rune);
        if (n == 0)
            put_whole(l, "\\ufffd", 6);
        else if (rune < 0x20 || rune == '"' || rune == '\\')
            put_escape(l, text.data[0]);
        else
            put_whole(l, text.data, n);
        text = bytes_skip(text, n > 0 ? n : 1);
    }
}

static bool needs_quotes(struct bytes text)
{
    while (text.len > 0) {
        uint32_t rune;
        size_t n = utf8_decode(text, &rune);
        if (n == 0 || rune <= ' ' || rune == '=' || rune == '"' || rune == 0xfffd)
            return true;
        text = bytes_skip(text, n);
    }
    return false;
}

void log_line_put_value(struct log_line *l, struct bytes text)
{
    bool quotes = needs_quotes(text);
    if (quotes && room(l) > 0)
        put_whole(l, "\"", 1);
    else
        quotes = false;
    log_line_put_escaped(l, text);
    if (quotes)
        log_line_close(l, "\"");
}

void log_line_close(struct log_line *l, const char *marks)
{
    size_t n = strlen(marks);
    WEFT_ASSERT(n <= LOG_LINE_MAX - l->len);
    memcpy(l->text + l->len, marks, n);
    l->len += n;
}
