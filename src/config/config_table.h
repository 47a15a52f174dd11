/* config_table.h - a struct filled from a table of keys.
 *
 *     struct limits { uint16_t port; int64_t wait_ns; };
 *     { "General.ListenPort", FIELD_PORT, FIELD_ZERO_UNSET, offsetof(struct limits, port), "7050" },
 *     { "General.Wait", FIELD_DURATION, 0, offsetof(struct limits, wait_ns), "5s" },
 *
 * The table says everything there is to know about a key: how it is written,
 * its type, where it goes, and what holds if nobody sets it.  What is wrong
 * with a value is said in one line (config_source.h).  Keys that the table does
 * not have are passed over, with a line at DEBUG.
 *
 * Go origin   common/viperutil/config_util.go orderer/common/localconfig/config.go
 * Differs     an unknown key is no error (docs/decisions/0006)
 * Owner       any thread
 * Memory      texts are copied into the caller's arena
 */
#ifndef WEFT_CONFIG_CONFIG_TABLE_H
#define WEFT_CONFIG_CONFIG_TABLE_H

#include "config/config_source.h"

struct log;

struct config_strings {
    const char *const *items;
    size_t count;
};

/* The member's type in the struct. */
enum field_type {
    FIELD_STRING,   /* const char *, never NULL */
    FIELD_PATH,     /* const char *, absolute, or "" */
    FIELD_BOOL,     /* bool */
    FIELD_DURATION, /* int64_t nanoseconds, not negative */
    FIELD_SHIFT,    /* int64_t nanoseconds, may be negative */
    FIELD_COUNT,    /* uint32_t, at most 2^31 - 1 */
    FIELD_PORT,     /* uint16_t */
    FIELD_SIZE,     /* uint32_t bytes: 104857600, 100 MB */
    FIELD_RATIO,    /* double, 0 to 1 */
    FIELD_STRINGS,  /* struct config_strings */
    FIELD_PATHS,    /* the same, each as FIELD_PATH */
    FIELD_NR,
};

enum field_flags {
    FIELD_ZERO_UNSET = 1, /* 0 and "" mean the fallback, too */
    FIELD_TOLD = 2,       /* that the fallback is taken is said at INFO */
};

struct config_field {
    const char *key;
    enum field_type type;
    unsigned flags;
    size_t offset;
    const char *fallback; /* as it would stand in the environment; NULL is zero */
};

struct config_table {
    const struct config_field *fields;
    size_t count;
    const char *const *sections; /* that somebody reads otherwise; NULL ends it */
    bool split_at_blanks; /* "a b" in the environment is a list of two (peer), or one (orderer) */
};

/* A key that is read, printed, and changes nothing here.  Nobody need be told of it as long as it
 * has the fallback or the value that samples have. */
struct config_idle {
    const char *key;
    const char *usual; /* as in `fallback`; NULL: the fallback alone */
    const char *why;   /* "this peer does not gossip" */
};

enum weft_code config_table_fill(const struct config_table *t, const struct config_source *src,
                                 void *out, struct arena *a, struct weft_err *e) WEFT_MUST_CHECK;

/* Somebody failed over a path that stands in the words: adds whose value it is,
 *
 *     open /etc/msp/signcerts: No such file (General.LocalMSPDir in /etc/orderer.yaml ...)
 *
 * Words without such a path stay as they are. */
void config_table_blame(const struct config_table *t, const void *in, const char *file,
                        struct weft_err *e);

/* A warning for each of these keys that somebody has given a value of his own,
 *
 *     peer.gossip.pullInterval = 7s has no effect: this peer does not gossip */
void config_table_tell_idle(const struct config_table *t, const struct config_idle *idle,
                            size_t count, const void *in, struct log *log);

/* "\n\tGeneral.ListenPort = 7050" for each key: what holds in the end. */
void config_table_print(const struct config_table *t, const void *in, struct buf *out);

#endif
