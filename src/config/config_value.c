#include "config/config_value.h"

#include "base/duration.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static bool is_one_of(const char *text, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (strcmp(text, *words) == 0)
            return true;
    }
    return false;
}

bool config_parse_bool(const char *text, bool plain, bool *ret)
{
    static const char *const yes[] = { "1", "t", "T", "true", "TRUE", "True", NULL };
    static const char *const no[] = { "0", "f", "F", "false", "FALSE", "False", NULL };
    static const char *const plain_yes[] = {
        "y", "Y", "yes", "Yes", "YES", "on", "On", "ON", NULL
    };
    static const char *const plain_no[] = { "n", "N", "no", "No", "NO", "off", "Off", "OFF", NULL };
    if (is_one_of(text, yes) || (plain && is_one_of(text, plain_yes)))
        *ret = true;
    else if (is_one_of(text, no) || (plain && is_one_of(text, plain_no)))
        *ret = false;
    else
        return false;
    return true;
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'z' ? c - 'a' + 10 : 99;
}

/* "0x1f", "0b11", "0o17", "017", "17" */
static const char *take_base(const char *s, int *ret_base)
{
    *ret_base = 10;
    if (s[0] != '0' || s[1] == '\0')
        return s;
    char kind = (char)(s[1] | 0x20);
    *ret_base = kind == 'x' ? 16 : kind == 'b' ? 2 : 8;
    return kind == 'x' || kind == 'b' || kind == 'o' ? s + 2 : s + 1;
}

bool config_parse_int(const char *text, bool plain, int64_t *ret)
{
    bool negative = *text == '-';
    if (negative || *text == '+')
        text++;
    int base;
    int64_t n = 0;
    const char *s = take_base(text, &base);
    if (*s == '\0' || *s == '_')
        return false;
    for (; *s != '\0'; s++) {
        if (plain && *s == '_')
            continue;
        int digit = digit_of(*s);
        if (digit >= base || __builtin_mul_overflow(n, base, &n) ||
            __builtin_sub_overflow(n, digit, &n)) /* downwards: the lowest fits */
            return false;
    }
    if (!negative && n == INT64_MIN)
        return false;
    *ret = negative ? n : -n;
    return true;
}

bool config_parse_ratio(const char *text, double *ret)
{
    if (*text == '\0' || strspn(text, "0123456789.eE+-") != strlen(text))
        return false;
    char *end;
    double d = strtod(text, &end);
    if (*end != '\0' || !isfinite(d))
        return false;
    *ret = d;
    return true;
}

bool config_parse_size(const char *text, bool plain, uint64_t *ret_bytes)
{
    int64_t n;
    if (config_parse_int(text, plain, &n)) {
        if (n < 0)
            return false;
        *ret_bytes = (uint64_t)n;
        return true;
    }
    char number[24];
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits >= sizeof(number))
        return false;
    (void)snprintf(number, sizeof(number), "%.*s", (int)digits, text);
    const char *unit = text + digits + strspn(text + digits, " \t");
    char kind = (char)(unit[0] | 0x20);
    unsigned shift = kind == 'k' ? 10 : kind == 'm' ? 20 : kind == 'g' ? 30 : 0;
    bool ends = shift > 0 && (unit[1] == '\0' || ((unit[1] | 0x20) == 'b' && unit[2] == '\0'));
    if (!ends || !config_parse_int(number, false, &n) || n > INT64_MAX >> shift)
        return false;
    *ret_bytes = (uint64_t)n << shift;
    return true;
}

bool config_parse_duration(const char *text, bool plain, int64_t *ret_ns)
{
    return duration_parse(bytes_of_str(text), ret_ns) || config_parse_int(text, plain, ret_ns);
}
