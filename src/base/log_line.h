/* log_line.h - the line that is being written: bounded, always ended well.
 *
 * What does not fit LOG_LINE_MAX is left out from there on, never within a
 * character or an escape, and a few bytes are kept back so that quotes and
 * braces can still be closed: a cut line of json is json.
 *
 * Go origin   none (go.uber.org/zap/buffer; escapes as its encoders write them)
 * Owner       whoever holds it
 * Memory      the line, in place: 16 KB
 * Limits      LOG_LINE_MAX
 */
#ifndef WEFT_BASE_LOG_LINE_H
#define WEFT_BASE_LOG_LINE_H

#include "base/bytes.h"

enum {
    LOG_LINE_MAX = 16 << 10,
    LOG_LINE_KEPT_BACK = 16
};

struct log_line {
    size_t len;
    bool cut; /* something was left out; nothing more is taken */
    char text[LOG_LINE_MAX];
};

/* All of it or, at the limit, as much as there is room for. */
void log_line_put(struct log_line *l, struct bytes what);
void log_line_put_str(struct log_line *l, const char *s);
void log_line_printf(struct log_line *l, const char *fmt, ...) WEFT_PRINTF(2, 3);

/* The text as it stands inside the quotes of json and logfmt; what is not
 * UTF-8 becomes \ufffd. */
void log_line_put_escaped(struct log_line *l, struct bytes text);
/* A value of logfmt: in quotes if it has blanks, '=', '"' or controls. */
void log_line_put_value(struct log_line *l, struct bytes text);

/* Closing marks, out of what was kept back. */
void log_line_close(struct log_line *l, const char *marks);

#endif
