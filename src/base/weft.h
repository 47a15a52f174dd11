/* weft.h - the vocabulary every file speaks: errors, cleanup, assertions.
 *
 *     enum weft_code thing_open(const char *path, struct thing **ret, struct weft_err *e)
 *     {
 *         WEFT_CLEANUP(thing_free) struct thing *t = weft_alloc(sizeof(*t));
 *         WEFT_TRY(file_open(path, O_RDONLY, 0, &t->fd, e));
 *         *ret = WEFT_TAKE(t);
 *         return WEFT_OK;
 *     }
 *
 * Includes nothing of ours.  Everything here is prefixed weft_/WEFT_; every
 * other symbol in the tree is prefixed by its module's name instead.
 *
 * Go origin   none
 * Owner       any thread
 */
#ifndef WEFT_BASE_WEFT_H
#define WEFT_BASE_WEFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define WEFT_MUST_CHECK   __attribute__((warn_unused_result))
#define WEFT_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define WEFT_NORETURN     __attribute__((noreturn))

/* ---- errors --------------------------------------------------------- */

/* What kind of failure it was: the only part a program may branch on.
 * Each code has one row in the table of err.c: its name, its gRPC status
 * and its common.Status, so that the mapping is written once. */
enum weft_code {
    WEFT_OK = 0,
    WEFT_INVALID = -1,     /* outside bytes or arguments break the rules */
    WEFT_FORBIDDEN = -2,   /* well formed, but no right to it */
    WEFT_NOT_FOUND = -3,   /* asked for something that is not there */
    WEFT_UNAVAILABLE = -4, /* not now; retrying may help */
    WEFT_IO = -5,          /* the disk or the network failed us */
    WEFT_CORRUPT = -6,     /* our own files break their format */
    WEFT_CANCELLED = -7,   /* we were told to stop */
    WEFT_LIMIT = -8,       /* more than base/limits.h allows */
    WEFT_EXISTS = -9,      /* is there already */
};

/* Why it failed, for people.  Lives on the caller's stack. */
struct weft_err {
    enum weft_code code;
    int line;         /* where it was first raised */
    const char *file; /* static string */
    char msg[512];    /* "could not verify block [7]: bad data hash" */
};

/* Fills *e (which may be NULL); its value is the code: return WEFT_FAIL(...). */
void weft_err_set(struct weft_err *e, enum weft_code code, const char *file, int line,
                  const char *fmt, ...) WEFT_PRINTF(5, 6);

void weft_err_add_context(struct weft_err *e, enum weft_code code, const char *fmt, ...)
    WEFT_PRINTF(3, 4);

/* Puts "context: " before the message; its value is the code, unchanged. */
/* NOLINTNEXTLINE(readability-identifier-naming): reads as a function, and analysers see the code */
#define weft_err_wrap(e, code, ...) (weft_err_add_context((e), (code), __VA_ARGS__), (code))

#define WEFT_FAIL(e, code, ...) (weft_err_set((e), (code), __FILE__, __LINE__, __VA_ARGS__), (code))

/* The code's name ("NOT_FOUND"), gRPC status number and common.Status number. */
const char *weft_code_name(enum weft_code code);
int weft_code_grpc_status(enum weft_code code);
int weft_code_common_status(enum weft_code code);

/* Returns early on failure.  Safe because locals free themselves. */
#define WEFT_TRY(expr)                    \
    do {                                  \
        enum weft_code weft_rc_ = (expr); \
        if (weft_rc_ != WEFT_OK)          \
            return weft_rc_;              \
    } while (0)

/* For an error that is told elsewhere, or that nobody can do anything about:
 * say which beside it. */
#define WEFT_IGNORE(expr) ((void)!(expr))

/* ---- cleanup -------------------------------------------------------- */

/* WEFT_CLEANUP(block_unref) struct block *b = NULL;
 * needs WEFT_DEFINE_CLEANUP(struct block *, block_unref) beside block_unref. */
#define WEFT_CLEANUP(fn) __attribute__((cleanup(fn##_cleanup_)))

#define WEFT_DEFINE_CLEANUP(type, fn)               \
    static inline void fn##_cleanup_(type const *p) \
    {                                               \
        fn(*p);                                     \
    }

/* The same for things that are embedded and end with _done(&x). */
#define WEFT_DEFINE_CLEANUP_IN_PLACE(type, fn) \
    static inline void fn##_cleanup_(type *p)  \
    {                                          \
        fn(p);                                 \
    }

#define WEFT_FREE __attribute__((cleanup(weft_free_cleanup)))
static inline void weft_free_cleanup(void *p)
{
    free(*(void **)p);
}

/* Hands a local's value over to its next owner: return WEFT_TAKE(b); */
#define WEFT_TAKE(p)                \
    __extension__({                 \
        __typeof__(p) taken_ = (p); \
        (p) = NULL;                 \
        taken_;                     \
    })

/* ---- assertions: our bugs, never a peer's bytes --------------------- */

WEFT_NORETURN void weft_assert_failed(const char *file, int line, const char *cond);

#define WEFT_ASSERT(cond) ((cond) ? (void)0 : weft_assert_failed(__FILE__, __LINE__, #cond))

/* A disk error on the commit path: says why and ends the process with exit
 * status 2, as a Go panic does.  Only in *_main.c and committer.c. */
WEFT_NORETURN void weft_fatal(const struct weft_err *e);

/* ---- memory ---------------------------------------------------------- */

/* Zeroed; never NULL; out of memory ends the process.  For sizes that we
 * chose.  A size that came from the wire is checked against a limit first. */
void *weft_alloc(size_t n) __attribute__((malloc, returns_nonnull));
void *weft_realloc(void *p, size_t n) __attribute__((returns_nonnull));
char *weft_strdup(const char *s) __attribute__((malloc, returns_nonnull));
char *weft_asprintf(const char *fmt, ...) WEFT_PRINTF(1, 2) __attribute__((returns_nonnull));

#define WEFT_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* The struct that this member lies in. */
#define WEFT_CONTAINER_OF(ptr, type, member) \
    ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#endif
