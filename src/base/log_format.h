/* log_format.h - how a log line looks: FABRIC_LOGGING_FORMAT.
 *
 * "json", "logfmt", or a text with %{verb} or %{verb:option} in it:
 *
 *     color   SGR escape of the level's colour; options bold, reset
 *     id      number of the line, from 1; a number's printf letters (03x)
 *     level module shortfunc message      a string's printf letters (.4s)
 *     time    a layout of time_layout.h
 *
 *     "%{time:15:04:05} %{level:-5s} %{message}"     12:00:00 WARN  no such block
 *
 * What looks like a verb and is none stays text, as in Go; letters that do not
 * fit the value are shown as Go's fmt shows them: %!d(string=INFO).
 *
 * Go origin   common/flogging/fabenc/formatter.go common/flogging/fabenc/encoder.go
 *             vendor/go.uber.org/zap/zapcore/json_encoder.go
 *             vendor/github.com/sykesm/zap-logfmt/encoder.go
 * Differs     no "stacktrace" key on errors; fields are text, so that of them
 *             json shows whole numbers, true and false bare, all else quoted;
 *             of fmt's letters %s %v %q %x %X and %d %x %X %o %v
 * Owner       whoever holds it; immutable once parsed
 * Memory      the format's text, until log_format_free
 * Limits      LIMIT_LOG_FORMAT bytes, 999 places
 */
#ifndef WEFT_BASE_LOG_FORMAT_H
#define WEFT_BASE_LOG_FORMAT_H

#include "base/log.h"
#include "base/log_line.h"

#define LOG_FORMAT_DEFAULT                                                     \
    "%{color}%{time:2006-01-02 15:04:05.000 MST} [%{module}] %{shortfunc} -> " \
    "%{level:.4s} %{id:03x}%{color:reset} %{message}"

struct log_format;

/* One call of log_write. */
struct log_record {
    enum log_level level;
    int64_t wall_ns;
    const char *logger, *file, *func;
    int line;
    struct bytes message; /* with the fields after it, each behind LOG_KV */
};

enum weft_code log_format_parse(const char *text, struct log_format **ret,
                                struct weft_err *e) WEFT_MUST_CHECK;
void log_format_free(struct log_format *f);
WEFT_DEFINE_CLEANUP(struct log_format *, log_format_free)

/* Writes the whole line with its end; %{id} counts *sequence up. */
void log_format_write(const struct log_format *f, const struct log_record *r, uint64_t *sequence,
                      struct log_line *line);

#endif
