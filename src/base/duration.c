#include "base/duration.h"

static const struct unit {
    const char *name;
    int64_t ns;
} units[] = {
    { "ns", 1 },
    { "us", DURATION_US },
    { "\xc2\xb5s", DURATION_US }, /* the micro sign */
    { "\xce\xbcs", DURATION_US }, /* the Greek letter */
    { "ms", DURATION_MS },
    { "s", DURATION_S },
    { "m", DURATION_M },
    { "h", DURATION_H },
};

static bool is_digit(struct bytes s)
{
    return s.len > 0 && s.data[0] >= '0' && s.data[0] <= '9';
}

/* Digits before the point; false when they do not fit 63 bits. */
static bool take_whole(struct bytes *s, uint64_t *ret_n)
{
    uint64_t n = 0;
    for (; is_digit(*s); *s = bytes_skip(*s, 1)) {
        if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, s->data[0] - '0', &n) ||
            n > (uint64_t)INT64_MAX + 1)
            return false;
    }
    *ret_n = n;
    return true;
}

/* Digits behind the point, as far as they count, and ten to their number. */
static uint64_t take_fraction(struct bytes *s, double *ret_scale)
{
    uint64_t n = 0;
    bool full = false;
    for (*ret_scale = 1; is_digit(*s); *s = bytes_skip(*s, 1)) {
        full = full || n > ((uint64_t)INT64_MAX - 9) / 10;
        if (full)
            continue;
        n = n * 10 + (uint64_t)(s->data[0] - '0');
        *ret_scale *= 10;
    }
    return n;
}

static const struct unit *take_unit(struct bytes *s)
{
    size_t n = 0;
    while (n < s->len && s->data[n] != '.' && !(s->data[n] >= '0' && s->data[n] <= '9'))
        n++;
    for (size_t i = 0; i < WEFT_ARRAY_LEN(units); i++) {
        if (bytes_eq(bytes_of(s->data, n), bytes_of_str(units[i].name))) {
            *s = bytes_skip(*s, n);
            return &units[i];
        }
    }
    return NULL;
}

/* One number with its unit: "1.5h". */
static bool take_part(struct bytes *s, uint64_t *ret_ns)
{
    uint64_t whole, fraction = 0, ns;
    double scale = 1;
    size_t before = s->len;
    if (!take_whole(s, &whole))
        return false;
    bool digits = s->len < before;
    if (s->len > 0 && s->data[0] == '.') {
        *s = bytes_skip(*s, 1);
        before = s->len;
        fraction = take_fraction(s, &scale);
        digits = digits || s->len < before;
    }
    const struct unit *unit = digits ? take_unit(s) : NULL;
    if (unit == NULL || __builtin_mul_overflow(whole, (uint64_t)unit->ns, &ns) ||
        ns > (uint64_t)INT64_MAX + 1)
        return false;
    ns += (uint64_t)((double)fraction * ((double)unit->ns / scale));
    *ret_ns = ns;
    return ns <= (uint64_t)INT64_MAX + 1;
}

bool duration_parse(struct bytes text, int64_t *ret_ns)
{
    uint64_t total = 0;
    bool negative = text.len > 0 && text.data[0] == '-';
    if (negative || (text.len > 0 && text.data[0] == '+'))
        text = bytes_skip(text, 1);
    if (bytes_eq(text, bytes_of_str("0"))) {
        *ret_ns = 0;
        return true;
    }
    if (text.len == 0)
        return false;
    while (text.len > 0) {
        uint64_t ns;
        if (!take_part(&text, &ns) || __builtin_add_overflow(total, ns, &total) ||
            total > (uint64_t)INT64_MAX + (negative ? 1 : 0))
            return false;
    }
    *ret_ns = negative ? (int64_t)(0 - total) : (int64_t)total;
    return true;
}

static void take_digits(struct bytes *s, size_t *count)
{
    for (; is_digit(*s); *s = bytes_skip(*s, 1))
        (*count)++;
}

/* As Go quotes a text in these messages. */
static void put_quoted(struct buf *out, struct bytes s)
{
    buf_put_u8(out, '"');
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.data[i];
        if (c >= 0x80 || c < ' ')
            buf_printf(out, "\\x%02x", c);
        else
            buf_printf(out, c == '"' || c == '\\' ? "\\%c" : "%c", c);
    }
    buf_put_u8(out, '"');
}

/* The first unit that is missing or unknown, as far as parts can be told apart. */
static bool find_bad_unit(struct bytes text, struct bytes *ret_unit)
{
    while (text.len > 0) {
        size_t digits = 0, n = 0;
        take_digits(&text, &digits);
        if (text.len > 0 && text.data[0] == '.') {
            text = bytes_skip(text, 1);
            take_digits(&text, &digits);
        }
        if (digits == 0)
            return false;
        while (n < text.len && text.data[n] != '.' && !is_digit(bytes_skip(text, n)))
            n++;
        *ret_unit = bytes_of(text.data, n);
        if (take_unit(&text) == NULL)
            return true;
    }
    return false;
}

void duration_explain(struct bytes text, struct buf *out)
{
    struct bytes rest = text, unit = { 0 };
    if (rest.len > 0 && (rest.data[0] == '-' || rest.data[0] == '+'))
        rest = bytes_skip(rest, 1);
    bool found = find_bad_unit(rest, &unit);
    buf_put_str(out, !found         ? "time: invalid duration "
                     : unit.len > 0 ? "time: unknown unit "
                                    : "time: missing unit in duration ");
    if (found && unit.len > 0) {
        put_quoted(out, unit);
        buf_put_str(out, " in duration ");
    }
    put_quoted(out, text);
}

/* "1.500" is "1.5", "2.000" is "2". */
static int put_decimal(char *out, size_t room, uint64_t n, uint64_t one)
{
    int len = snprintf(out, room, "%llu", (unsigned long long)(n / one));
    uint64_t rest = n % one;
    if (rest == 0)
        return len;
    out[len++] = '.';
    while (rest > 0) {
        rest *= 10;
        out[len++] = (char)('0' + rest / one);
        rest %= one;
    }
    out[len] = '\0';
    return len;
}

const char *duration_text(int64_t ns, char out[DURATION_TEXT_MAX])
{
    uint64_t n = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
    char number[40], *at = out;
    if (ns < 0)
        *at++ = '-';
    size_t room = (size_t)(out + DURATION_TEXT_MAX - at);
    if (n == 0)
        (void)snprintf(at, room, "0s");
    else if (n < (uint64_t)DURATION_US)
        (void)snprintf(at, room, "%lluns", (unsigned long long)n);
    else if (n < (uint64_t)DURATION_S) {
        bool micro = n < (uint64_t)DURATION_MS;
        (void)put_decimal(number, sizeof(number), n, (uint64_t)(micro ? DURATION_US : DURATION_MS));
        (void)snprintf(at, room, "%.20s%s", number, micro ? "\xc2\xb5s" : "ms");
    } else {
        uint64_t minutes = n / (uint64_t)DURATION_M;
        (void)put_decimal(number, sizeof(number), n % (uint64_t)DURATION_M, (uint64_t)DURATION_S);
        if (minutes >= 60)
            (void)snprintf(at, room, "%lluh%llum%.12ss", (unsigned long long)(minutes / 60),
                           (unsigned long long)(minutes % 60), number);
        else if (minutes > 0)
            (void)snprintf(at, room, "%llum%.12ss", (unsigned long long)minutes, number);
        else
            (void)snprintf(at, room, "%.12ss", number);
    }
    return out;
}
