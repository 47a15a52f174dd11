#include "proto/json_writer.h"

#include <inttypes.h>

static bool has_room(struct json_writer *w, size_t n)
{
    if (w->out->len > w->most || n > w->most - w->out->len)
        w->full = true;
    return !w->full;
}

static void put(struct json_writer *w, const void *text, size_t len)
{
    if (has_room(w, len))
        buf_put(w->out, bytes_of(text, len));
}

void json_put_raw(struct json_writer *w, const char *text)
{
    put(w, text, strlen(text));
}

static void new_line(struct json_writer *w)
{
    if (!has_room(w, w->depth + 1))
        return;
    uint8_t *at = buf_reserve(w->out, w->depth + 1);
    at[0] = '\n';
    memset(at + 1, '\t', w->depth);
    w->out->len += w->depth + 1;
}

/* Nothing stands yet in the object or array that was opened last: no value
 * ends with an opening bracket. */
static bool is_empty(const struct json_writer *w)
{
    uint8_t last = w->out->data[w->out->len - 1];
    return last == '{' || last == '[';
}

void json_open(struct json_writer *w, char bracket)
{
    put(w, &bracket, 1);
    w->depth++;
}

void json_close(struct json_writer *w, char bracket)
{
    w->depth--;
    if (!w->full && !is_empty(w))
        new_line(w);
    put(w, &bracket, 1);
}

void json_element(struct json_writer *w)
{
    if (!w->full && !is_empty(w))
        put(w, ",", 1);
    new_line(w);
}

void json_key(struct json_writer *w, struct bytes name)
{
    json_element(w);
    json_put_string(w, name);
    put(w, ": ", 2);
}

/* Go escapes what could end a script in a web page, and the two line ends
 * that JavaScript knows but JSON does not.  Returns how many bytes it is for. */
static size_t escape_of(struct bytes rest, char out[8])
{
    static const char html[] = "<>&";
    uint8_t c = rest.data[0];
    if (c == '"' || c == '\\')
        (void)snprintf(out, 8, "\\%c", c);
    else if (c == '\n' || c == '\r' || c == '\t')
        (void)snprintf(out, 8, "\\%c", c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
    else if (c < 0x20 || memchr(html, c, sizeof(html) - 1) != NULL)
        (void)snprintf(out, 8, "\\u%04x", c);
    else if (bytes_start_with(rest, bytes_of("\xe2\x80\xa8", 3)) ||
             bytes_start_with(rest, bytes_of("\xe2\x80\xa9", 3)))
        (void)snprintf(out, 8, "\\u202%c", rest.data[2] == 0xa8 ? '8' : '9');
    else
        return 0;
    return c == 0xe2 ? 3 : 1;
}

void json_put_string(struct json_writer *w, struct bytes utf8)
{
    put(w, "\"", 1);
    size_t plain = 0; /* bytes that go out as they are */
    while (plain < utf8.len) {
        char escape[8];
        size_t n = escape_of(bytes_skip(utf8, plain), escape);
        if (n == 0) {
            plain++;
            continue;
        }
        put(w, utf8.data, plain);
        json_put_raw(w, escape);
        utf8 = bytes_skip(utf8, plain + n);
        plain = 0;
    }
    put(w, utf8.data, plain);
    put(w, "\"", 1);
}

void json_put_base64(struct json_writer *w, struct bytes b)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if (!has_room(w, (b.len / 3 + 1) * 4 + 2))
        return;
    uint8_t *at = buf_reserve(w->out, (b.len + 2) / 3 * 4 + 2), *start = at;
    *at++ = '"';
    for (size_t i = 0; i < b.len; i += 3) {
        size_t have = b.len - i < 3 ? b.len - i : 3;
        uint32_t three = (uint32_t)b.data[i] << 16;
        three |= have > 1 ? (uint32_t)b.data[i + 1] << 8 : 0;
        three |= have > 2 ? b.data[i + 2] : 0;
        *at++ = (uint8_t)digits[three >> 18];
        *at++ = (uint8_t)digits[three >> 12 & 63];
        *at++ = have > 1 ? (uint8_t)digits[three >> 6 & 63] : '=';
        *at++ = have > 2 ? (uint8_t)digits[three & 63] : '=';
    }
    *at++ = '"';
    w->out->len += (size_t)(at - start);
}

struct date {
    int64_t year;
    unsigned month, day;
};

/* Counts days as Go's package time does, from a year that is so early that
 * every int64 of seconds is after it (or wraps, as it does there): the
 * calendar repeats every 400 years of 146097 days. */
static struct date date_of(uint64_t days)
{
    static const int64_t absolute_zero_year = -292277022399;
    static const unsigned before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365 };
    uint64_t year = 400 * (days / 146097);
    unsigned d = (unsigned)(days % 146097);
    unsigned centuries = d / 36524 < 3 ? d / 36524 : 3; /* the fourth has a day more */
    d -= centuries * 36524;
    unsigned fours = d / 1461;
    d -= fours * 1461;
    unsigned ones = d / 365 < 3 ? d / 365 : 3;
    d -= ones * 365;
    year += 100 * centuries + 4 * fours + ones;

    /* Year 1 of 400 is not a leap year, the fourth is, the hundredth is not. */
    bool leap = ones == 3 && (fours != 24 || centuries == 3);
    struct date date = { .year = (int64_t)(year + (uint64_t)absolute_zero_year) };
    if (leap && d == 59) {
        date.month = 2;
        date.day = 29;
        return date;
    }
    if (leap && d > 59)
        d--;
    for (date.month = 1; before[date.month] <= d;)
        date.month++;
    date.day = d - before[date.month - 1] + 1;
    return date;
}

bool json_put_time(struct json_writer *w, int64_t seconds, int32_t nanos)
{
    static const uint64_t unix_to_absolute = UINT64_C(9223372028715321600);
    if (nanos < 0 || nanos > 999999999)
        return false;
    uint64_t absolute = (uint64_t)seconds + unix_to_absolute;
    struct date date = date_of(absolute / 86400);
    unsigned second = (unsigned)(absolute % 86400);
    char text[80];
    int n = snprintf(text, sizeof(text), "\"%s%04" PRIu64 "-%02u-%02uT%02u:%02u:%02u.%09d",
                     date.year < 0 ? "-" : "",
                     date.year < 0 ? (uint64_t)-date.year : (uint64_t)date.year, date.month,
                     date.day, second / 3600, second / 60 % 60, second % 60, nanos);
    WEFT_ASSERT(n > 0 && (size_t)n < sizeof(text));
    size_t len = (size_t)n;
    for (int i = 0; i < 2 && memcmp(text + len - 3, "000", 3) == 0; i++)
        len -= 3;
    if (memcmp(text + len - 4, ".000", 4) == 0)
        len -= 4;
    put(w, text, len);
    put(w, "Z\"", 2);
    return true;
}
