#include "base/log.h"

#include "base/log_format.h"
#include "base/log_spec.h"
#include "base/utf8.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <unistd.h>

/* A word that every question reads: the spec's generation, and below it the
 * lowest level that anyone writes.  A logger keeps the same word with its own
 * level in it; if the generations differ, it asks again under the lock. */
enum {
    LEVEL_BITS = 4,
    LEVEL_MASK = (1 << LEVEL_BITS) - 1
};
static _Atomic unsigned in_force = (1U << LEVEL_BITS) | LOG_LEVEL_INFO;

static _Atomic uint64_t checked[LOG_LEVEL_NR], written[LOG_LEVEL_NR];

/* All else is behind the lock. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct log_spec spec = { .fallback = LOG_LEVEL_INFO, .lowest = LOG_LEVEL_INFO };
static struct log_format *format; /* NULL: not yet asked for, the default */
static uint64_t sequence;
static int out_fd = STDERR_FILENO;
static struct log_line out_line;

enum weft_code log_set_spec(const char *text, struct weft_err *e)
{
    struct log_spec fresh;
    WEFT_TRY(log_spec_parse(text, &fresh, e));

    (void)pthread_mutex_lock(&lock);
    struct log_spec old = spec;
    spec = fresh;
    unsigned generation = (atomic_load(&in_force) >> LEVEL_BITS) + 1;
    atomic_store(&in_force, generation << LEVEL_BITS | (unsigned)spec.lowest);
    (void)pthread_mutex_unlock(&lock);

    log_spec_done(&old);
    return WEFT_OK;
}

char *log_spec(void)
{
    (void)pthread_mutex_lock(&lock);
    char *text = log_spec_text(&spec);
    (void)pthread_mutex_unlock(&lock);
    return text;
}

enum weft_code log_set_format(const char *text, struct weft_err *e)
{
    struct log_format *fresh;
    WEFT_TRY(
        log_format_parse(text != NULL && *text != '\0' ? text : LOG_FORMAT_DEFAULT, &fresh, e));

    (void)pthread_mutex_lock(&lock);
    struct log_format *old = format;
    format = fresh;
    (void)pthread_mutex_unlock(&lock);

    log_format_free(old);
    return WEFT_OK;
}

enum weft_code log_init_from_env(struct weft_err *e)
{
    /* NOLINTBEGIN(concurrency-mt-unsafe): at start, before there are threads */
    const char *spec_text = getenv("FABRIC_LOGGING_SPEC");
    const char *format_text = getenv("FABRIC_LOGGING_FORMAT");
    /* NOLINTEND(concurrency-mt-unsafe) */
    WEFT_TRY(log_set_format(format_text, e));
    return log_set_spec(spec_text != NULL ? spec_text : "", e);
}

void log_set_fd(int fd)
{
    (void)pthread_mutex_lock(&lock);
    out_fd = fd;
    (void)pthread_mutex_unlock(&lock);
}

/* The spec changed since this logger last asked. */
static unsigned ask_again(struct log *log)
{
    (void)pthread_mutex_lock(&lock);
    unsigned generation = atomic_load(&in_force) >> LEVEL_BITS;
    unsigned fresh = generation << LEVEL_BITS | (unsigned)log_spec_level(&spec, log->name);
    (void)pthread_mutex_unlock(&lock);
    atomic_store_explicit(&log->cached, fresh, memory_order_relaxed);
    return fresh;
}

bool log_enabled(struct log *log, enum log_level level)
{
    unsigned now = atomic_load_explicit(&in_force, memory_order_relaxed);
    if ((unsigned)level < (now & LEVEL_MASK))
        return false;
    (void)atomic_fetch_add_explicit(&checked[level], 1, memory_order_relaxed);
    unsigned mine = atomic_load_explicit(&log->cached, memory_order_relaxed);
    if (mine >> LEVEL_BITS != now >> LEVEL_BITS)
        mine = ask_again(log);
    return (unsigned)level >= (mine & LEVEL_MASK);
}

/* One call unless the system takes only a part. */
static void write_out(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n >= 0) {
            data += n;
            len -= (size_t)n;
        } else if (errno == EAGAIN) {
            (void)poll(&(struct pollfd){ .fd = fd, .events = POLLOUT }, 1, -1);
        } else if (errno != EINTR) {
            return; /* nobody is left who could be told */
        }
    }
}

void log_write(struct log *log, enum log_level level, const char *file, int line, const char *func,
               const char *fmt, ...)
{
    int saved_errno = errno;
    char message[LOG_LINE_MAX];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);
    WEFT_ASSERT(n >= 0);
    size_t len = (size_t)n < sizeof(message) ? (size_t)n : sizeof(message) - 1;
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);

    (void)pthread_mutex_lock(&lock);
    if (format == NULL && log_format_parse(LOG_FORMAT_DEFAULT, &format, NULL) != WEFT_OK)
        WEFT_ASSERT(false);
    log_format_write(format,
                     &(struct log_record){ .level = level,
                                           .wall_ns = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec,
                                           .logger = log->name,
                                           .file = file,
                                           .line = line,
                                           .func = func,
                                           .message = bytes_of(message, len) },
                     &sequence, &out_line);
    write_out(out_fd, out_line.text, out_line.len);
    (void)pthread_mutex_unlock(&lock);
    (void)atomic_fetch_add_explicit(&written[level], 1, memory_order_relaxed);
    errno = saved_errno;
}

/* Line ends of their own, and what turns the direction of writing around:
 * letters that are none. */
static bool printable(uint32_t rune)
{
    return rune >= 0x20 && !(rune >= 0x7f && rune < 0xa0) && !(rune >= 0x200e && rune <= 0x200f) &&
           !(rune >= 0x2028 && rune <= 0x202e) && !(rune >= 0x2066 && rune <= 0x2069);
}

const char *log_quote(struct bytes text, char out[LOG_QUOTE_MAX])
{
    enum {
        TEXT_MAX = 200
    };
    size_t len = 0, taken = 0;
    out[len++] = '"';
    while (taken < text.len && taken < TEXT_MAX) {
        uint32_t rune = 0;
        size_t n = utf8_decode(bytes_skip(text, taken), &rune);
        const uint8_t *c = text.data + taken;
        if (n > 0 && taken + n > TEXT_MAX)
            break;
        if (n == 1 && (rune == '"' || rune == '\\')) {
            len += (size_t)snprintf(out + len, LOG_QUOTE_MAX - len, "\\%c", *c);
        } else if (n > 0 && printable(rune)) {
            memcpy(out + len, c, n);
            len += n;
        } else {
            n = n > 0 ? n : 1;
            for (size_t i = 0; i < n; i++)
                len += (size_t)snprintf(out + len, LOG_QUOTE_MAX - len, "\\x%02x", c[i]);
        }
        taken += n;
    }
    (void)snprintf(out + len, LOG_QUOTE_MAX - len, taken < text.len ? "\"..." : "\"");
    return out;
}

const char *log_name(struct bytes text, char out[LOG_QUOTE_MAX])
{
    static const char in_names[] =
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-.:";
    bool is_name = text.len <= 200;
    for (size_t i = 0; is_name && i < text.len; i++)
        is_name = text.data[i] != '\0' && strchr(in_names, text.data[i]) != NULL;
    if (!is_name)
        return log_quote(text, out);
    (void)snprintf(out, LOG_QUOTE_MAX, "%.*s", (int)text.len, (const char *)text.data);
    return out;
}

uint64_t log_entries_checked(enum log_level level)
{
    return atomic_load_explicit(&checked[level], memory_order_relaxed);
}

uint64_t log_entries_written(enum log_level level)
{
    return atomic_load_explicit(&written[level], memory_order_relaxed);
}
