#include "base/time_layout.h"

#include <time.h>

enum element {
    YEAR,
    YEAR_2,
    MONTH,
    MONTH_2,
    MONTH_NAME,
    MONTH_SHORT,
    DAY,
    DAY_2,
    DAY_BLANK,
    YEARDAY_3,
    YEARDAY_BLANK,
    WEEKDAY_NAME,
    WEEKDAY_SHORT,
    HOUR_2,
    HOUR_12,
    HOUR_12_2,
    MINUTE,
    MINUTE_2,
    SECOND,
    SECOND_2,
    HALF_UPPER,
    HALF_LOWER,
    ZONE_NAME,
    OFFSET,
    LITERAL,
};

/* The words of a layout; where one begins another the longer stands first. */
static const struct word {
    char text[10];
    enum element element;
    bool not_in_word; /* only where no lower-case letter follows */
    /* offsets: Z for UTC, colons, how many of hours, minutes, seconds */
    bool z, colon;
    int places;
} words[] = {
    { .text = "January", .element = MONTH_NAME },
    { .text = "Jan", .element = MONTH_SHORT, .not_in_word = true },
    { .text = "Monday", .element = WEEKDAY_NAME },
    { .text = "Mon", .element = WEEKDAY_SHORT, .not_in_word = true },
    { .text = "MST", .element = ZONE_NAME },
    { .text = "002", .element = YEARDAY_3 },
    { .text = "01", .element = MONTH_2 },
    { .text = "02", .element = DAY_2 },
    { .text = "03", .element = HOUR_12_2 },
    { .text = "04", .element = MINUTE_2 },
    { .text = "05", .element = SECOND_2 },
    { .text = "06", .element = YEAR_2 },
    { .text = "15", .element = HOUR_2 },
    { .text = "1", .element = MONTH },
    { .text = "2006", .element = YEAR },
    { .text = "2", .element = DAY },
    { .text = "_2006", .element = LITERAL }, /* a bar, then the year */
    { .text = "_2", .element = DAY_BLANK },
    { .text = "__2", .element = YEARDAY_BLANK },
    { .text = "3", .element = HOUR_12 },
    { .text = "4", .element = MINUTE },
    { .text = "5", .element = SECOND },
    { .text = "PM", .element = HALF_UPPER },
    { .text = "pm", .element = HALF_LOWER },
    { .text = "-070000", .element = OFFSET, .places = 3 },
    { .text = "-07:00:00", .element = OFFSET, .colon = true, .places = 3 },
    { .text = "-0700", .element = OFFSET, .places = 2 },
    { .text = "-07:00", .element = OFFSET, .colon = true, .places = 2 },
    { .text = "-07", .element = OFFSET, .places = 1 },
    { .text = "Z070000", .element = OFFSET, .z = true, .places = 3 },
    { .text = "Z07:00:00", .element = OFFSET, .z = true, .colon = true, .places = 3 },
    { .text = "Z0700", .element = OFFSET, .z = true, .places = 2 },
    { .text = "Z07:00", .element = OFFSET, .z = true, .colon = true, .places = 2 },
    { .text = "Z07", .element = OFFSET, .z = true, .places = 1 },
};

static const char *const month_names[] = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December",
};
static const char *const weekday_names[] = {
    "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
};

struct out {
    char *at;
    size_t len, room;
};

static void put(struct out *o, const char *text, size_t len)
{
    if (len > o->room - o->len)
        len = o->room - o->len;
    memcpy(o->at + o->len, text, len);
    o->len += len;
}

static void put_text(struct out *o, const char *text)
{
    put(o, text, strlen(text));
}

static void put_number(struct out *o, int n, int digits, char pad)
{
    char text[24];
    int len = pad == '0' ? snprintf(text, sizeof(text), "%0*d", digits, n)
                         : snprintf(text, sizeof(text), "%*d", digits, n);
    put(o, text, (size_t)len);
}

static void put_offset(struct out *o, const struct word *w, int offset_s)
{
    if (w->z && offset_s == 0) {
        put_text(o, "Z");
        return;
    }
    put_text(o, offset_s < 0 ? "-" : "+");
    int s = offset_s < 0 ? -offset_s : offset_s;
    const int places[] = { s / 3600, s / 60 % 60, s % 60 };
    for (int i = 0; i < w->places && i < 3; i++) {
        if (i > 0 && w->colon)
            put_text(o, ":");
        put_number(o, places[i], 2, '0');
    }
}

static void put_date(struct out *o, enum element element, const struct time_parts *t)
{
    if (element == YEAR)
        put_number(o, t->year, 4, '0');
    else if (element == YEAR_2)
        put_number(o, t->year % 100, 2, '0');
    else if (element == MONTH || element == MONTH_2)
        put_number(o, t->month, element == MONTH ? 1 : 2, '0');
    else if (element == MONTH_NAME)
        put_text(o, month_names[t->month - 1]);
    else if (element == MONTH_SHORT)
        put(o, month_names[t->month - 1], 3);
    else if (element == DAY || element == DAY_2)
        put_number(o, t->day, element == DAY ? 1 : 2, '0');
    else if (element == DAY_BLANK)
        put_number(o, t->day, 2, ' ');
    else if (element == YEARDAY_3 || element == YEARDAY_BLANK)
        put_number(o, t->yearday, 3, element == YEARDAY_3 ? '0' : ' ');
    else if (element == WEEKDAY_NAME)
        put_text(o, weekday_names[t->weekday]);
    else
        put(o, weekday_names[t->weekday], 3);
}

static void put_word(struct out *o, const struct word *w, const struct time_parts *t)
{
    int hour_12 = t->hour % 12 == 0 ? 12 : t->hour % 12;
    if (w->element <= WEEKDAY_SHORT)
        put_date(o, w->element, t);
    else if (w->element == HOUR_2)
        put_number(o, t->hour, 2, '0');
    else if (w->element == HOUR_12 || w->element == HOUR_12_2)
        put_number(o, hour_12, w->element == HOUR_12 ? 1 : 2, '0');
    else if (w->element == MINUTE || w->element == MINUTE_2)
        put_number(o, t->minute, w->element == MINUTE ? 1 : 2, '0');
    else if (w->element == SECOND || w->element == SECOND_2)
        put_number(o, t->second, w->element == SECOND ? 1 : 2, '0');
    else if (w->element == HALF_UPPER)
        put_text(o, t->hour >= 12 ? "PM" : "AM");
    else if (w->element == HALF_LOWER)
        put_text(o, t->hour >= 12 ? "pm" : "am");
    else if (w->element == ZONE_NAME)
        put_text(o, t->zone);
    else
        put_offset(o, w, t->offset_s);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const struct word *word_at(const char *layout)
{
    for (size_t i = 0; i < WEFT_ARRAY_LEN(words); i++) {
        const struct word *w = &words[i];
        if (w->text[0] != layout[0])
            continue;
        size_t n = strlen(w->text);
        if (strncmp(layout, w->text, n) == 0 &&
            !(w->not_in_word && layout[n] >= 'a' && layout[n] <= 'z'))
            return w;
    }
    return NULL;
}

/* ".000" or ",999": how long it is here, 0 if there is none. */
static size_t fraction_at(const char *layout)
{
    if ((layout[0] != '.' && layout[0] != ',') || (layout[1] != '0' && layout[1] != '9'))
        return 0;
    size_t n = 2;
    while (layout[n] == layout[1])
        n++;
    return is_digit(layout[n]) ? 0 : n;
}

/* Zeros keep their places, nines drop the zeros at the end, and the dot. */
static void put_fraction(struct out *o, const char *layout, size_t len, int nanosecond)
{
    char text[16];
    (void)snprintf(text, sizeof(text), "%c%09d", layout[0], nanosecond);
    len = len > 10 ? 10 : len;
    if (layout[1] == '9') {
        while (len > 1 && text[len - 1] == '0')
            len--;
        len = len == 1 ? 0 : len;
    }
    put(o, text, len);
}

size_t time_layout_write(const char *layout, const struct time_parts *t, char *out, size_t room)
{
    struct out o = { .room = room };
    o.at = out;
    while (*layout != '\0') {
        size_t fraction = fraction_at(layout);
        if (fraction > 0) {
            put_fraction(&o, layout, fraction, t->nanosecond);
            layout += fraction;
            continue;
        }
        const struct word *w = word_at(layout);
        if (w == NULL || w->element == LITERAL) {
            put(&o, layout++, 1);
            continue;
        }
        put_word(&o, w, t);
        layout += strlen(w->text);
    }
    return o.len;
}

static struct time_parts parts_of(const struct tm *tm, int64_t ns)
{
    struct time_parts t = {
        .year = tm->tm_year + 1900,
        .month = tm->tm_mon + 1,
        .day = tm->tm_mday,
        .weekday = tm->tm_wday,
        .yearday = tm->tm_yday + 1,
        .hour = tm->tm_hour,
        .minute = tm->tm_min,
        .second = tm->tm_sec,
        .nanosecond = (int)ns,
        .offset_s = (int)tm->tm_gmtoff,
    };
    (void)snprintf(t.zone, sizeof(t.zone), "%s", tm->tm_zone);
    return t;
}

static time_t split(int64_t wall_ns, int64_t *ret_ns)
{
    int64_t s = wall_ns / 1000000000, ns = wall_ns % 1000000000;
    if (ns < 0) {
        ns += 1000000000;
        s--;
    }
    *ret_ns = ns;
    return (time_t)s;
}

struct time_parts time_parts_local(int64_t wall_ns)
{
    int64_t ns;
    time_t s = split(wall_ns, &ns);
    struct tm tm;
    (void)localtime_r(&s, &tm); /* int64 nanoseconds are years 1677 to 2262: never fails */
    return parts_of(&tm, ns);
}

struct time_parts time_parts_utc(int64_t wall_ns)
{
    int64_t ns;
    time_t s = split(wall_ns, &ns);
    struct tm tm;
    (void)gmtime_r(&s, &tm);
    struct time_parts t = parts_of(&tm, ns);
    (void)snprintf(t.zone, sizeof(t.zone), "UTC");
    return t;
}
