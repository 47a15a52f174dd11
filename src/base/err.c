#include "base/weft.h"

#include <stdarg.h>

/* One row a code.  gRPC numbers as in google.golang.org/grpc/codes, Fabric's
 * as in common.Status. */
static const struct code_row {
    const char *name;
    int grpc_status, common_status;
} code_table[] = {
    [-WEFT_OK] = { "OK", 0, 200 },
    [-WEFT_INVALID] = { "INVALID", 3, 400 },
    [-WEFT_FORBIDDEN] = { "FORBIDDEN", 7, 403 },
    [-WEFT_NOT_FOUND] = { "NOT_FOUND", 5, 404 },
    [-WEFT_UNAVAILABLE] = { "UNAVAILABLE", 14, 503 },
    [-WEFT_IO] = { "IO", 13, 500 },
    [-WEFT_CORRUPT] = { "CORRUPT", 13, 500 },
    [-WEFT_CANCELLED] = { "CANCELLED", 1, 503 },
    [-WEFT_LIMIT] = { "LIMIT", 8, 413 },
    [-WEFT_EXISTS] = { "EXISTS", 6, 400 },
};

static const struct code_row *row_of(enum weft_code code)
{
    WEFT_ASSERT(code <= 0 && (size_t)-code < WEFT_ARRAY_LEN(code_table));
    return &code_table[-code];
}

const char *weft_code_name(enum weft_code code)
{
    return row_of(code)->name;
}

int weft_code_grpc_status(enum weft_code code)
{
    return row_of(code)->grpc_status;
}

int weft_code_common_status(enum weft_code code)
{
    return row_of(code)->common_status;
}

void weft_err_set(struct weft_err *e, enum weft_code code, const char *file, int line,
                  const char *fmt, ...)
{
    if (e == NULL)
        return;
    va_list args;
    va_start(args, fmt);
    e->code = code;
    e->file = file;
    e->line = line;
    (void)vsnprintf(e->msg, sizeof(e->msg), fmt, args); /* a cut message is still a message */
    va_end(args);
}

void weft_err_add_context(struct weft_err *e, enum weft_code code, const char *fmt, ...)
{
    if (e == NULL)
        return;
    char inner[sizeof(e->msg)];
    memcpy(inner, e->msg, sizeof(inner));
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(e->msg, sizeof(e->msg), fmt, args);
    va_end(args);
    size_t used = strlen(e->msg);
    (void)snprintf(e->msg + used, sizeof(e->msg) - used, ": %s", inner);
    e->code = code;
}

void weft_assert_failed(const char *file, int line, const char *cond)
{
    (void)fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, cond);
    abort();
}

void weft_fatal(const struct weft_err *e)
{
    (void)fprintf(stderr, "panic: %s (%s:%d)\n", e->msg, e->file != NULL ? e->file : "?", e->line);
    _Exit(2);
}
