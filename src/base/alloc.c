#include "base/weft.h"

#include <stdarg.h>

static void *must(void *p, size_t n)
{
    if (p == NULL) {
        (void)fprintf(stderr, "fatal: out of memory (%zu bytes)\n", n);
        abort();
    }
    return p;
}

void *weft_alloc(size_t n)
{
    return must(calloc(1, n > 0 ? n : 1), n);
}

void *weft_realloc(void *p, size_t n)
{
    return must(realloc(p, n > 0 ? n : 1), n);
}

char *weft_strdup(const char *s)
{
    return must(strdup(s), strlen(s));
}

char *weft_asprintf(const char *fmt, ...)
{
    char *s = NULL;
    va_list args;
    va_start(args, fmt);
    int n = vasprintf(&s, fmt, args);
    va_end(args);
    return must(n < 0 ? NULL : s, 0);
}
