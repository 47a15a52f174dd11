/* log.h - log lines as Fabric's nodes write them.
 *
 *     LOG_DEFINE(state_log, "gossip.state");
 *     LOG_INFO(&state_log, "Received block [%" PRIu64 "]" LOG_KV "channel=%s", n, id);
 *
 *   2020-07-09 12:00:00.000 UTC [gossip.state] take_block -> INFO 02a Received block [7] channel=ch
 *
 * The words are Fabric's where Fabric has them: operators and their tools
 * search for them.  What comes after LOG_KV are fields, key=value, one LOG_KV
 * before each; the formats json and logfmt keep them apart.
 *
 * FABRIC_LOGGING_SPEC ("info", "gossip,peer=debug:warn") says which loggers
 * write from which level on (log_spec.h), FABRIC_LOGGING_FORMAT how a line
 * looks (log_format.h).  Text from outside goes through log_quote().
 *
 * Go origin   common/flogging/logging.go common/flogging/global.go
 *             common/flogging/core.go common/flogging/zap.go
 * Differs     the function is the C function's name
 * Owner       any thread; one line is one write(2) to standard error
 * Memory      none kept but the spec and the format
 * Limits      a line is cut at 16 KB
 */
#ifndef WEFT_BASE_LOG_H
#define WEFT_BASE_LOG_H

#include "base/bytes.h"

#include <stdatomic.h>

enum log_level {
    LOG_LEVEL_PAYLOAD,
    LOG_LEVEL_DEBUG,
    LOG_LEVEL_INFO,
    LOG_LEVEL_WARN,
    LOG_LEVEL_ERROR,
    LOG_LEVEL_DPANIC,
    LOG_LEVEL_PANIC,
    LOG_LEVEL_FATAL,
    LOG_LEVEL_NR,
};

/* A named logger; its level is looked up once per change of the spec. */
struct log {
    const char *name;
    _Atomic unsigned cached; /* generation of the spec and the level it gave */
};

#define LOG_DEFINE(var, logger_name) static struct log var = { .name = (logger_name) }
#define LOG_KV                       "\x1f"

/* Reads both environment variables.  A bad spec or format is an error. */
enum weft_code log_init_from_env(struct weft_err *e);

/* Sets the spec ("" is "info"); Fabric's words on a bad one. */
enum weft_code log_set_spec(const char *text, struct weft_err *e);
/* The spec in force, normalised; caller frees. */
char *log_spec(void);
/* "json", "logfmt" or a format of %{verbs}; NULL is Fabric's default. */
enum weft_code log_set_format(const char *text, struct weft_err *e);

/* Where lines go instead of standard error: tests and tools. */
void log_set_fd(int fd);

/* Does a line of this level get written?  Cheap; takes no lock unless the spec
 * changed since the last question. */
bool log_enabled(struct log *log, enum log_level level);
/* Writes it, asked or not.  Use the macros. */
void log_write(struct log *log, enum log_level level, const char *file, int line, const char *func,
               const char *fmt, ...) WEFT_PRINTF(6, 7);

#define LOG_AT(log, level, ...)                                                   \
    do {                                                                          \
        if (log_enabled((log), (level)))                                          \
            log_write((log), (level), __FILE__, __LINE__, __func__, __VA_ARGS__); \
    } while (0)
#define LOG_DEBUG(log, ...) LOG_AT(log, LOG_LEVEL_DEBUG, __VA_ARGS__)
#define LOG_INFO(log, ...)  LOG_AT(log, LOG_LEVEL_INFO, __VA_ARGS__)
#define LOG_WARN(log, ...)  LOG_AT(log, LOG_LEVEL_WARN, __VA_ARGS__)
#define LOG_ERROR(log, ...) LOG_AT(log, LOG_LEVEL_ERROR, __VA_ARGS__)

/* Text from outside, in quotes, what is not printable escaped, cut at 200
 * bytes ("..." follows the quote).  Writes into `out`, returns it. */
enum {
    LOG_QUOTE_MAX = 820
};
const char *log_quote(struct bytes text, char out[LOG_QUOTE_MAX]);
/* A name from outside: as it is if it consists of letters, digits and _-.: and is not longer than
 * 200 bytes, else quoted. */
const char *log_name(struct bytes text, char out[LOG_QUOTE_MAX]);

/* Counted by level, for logging_entries_checked and _written: questions that
 * the spec's lowest level let through, and lines. */
uint64_t log_entries_checked(enum log_level level);
uint64_t log_entries_written(enum log_level level);

#endif
