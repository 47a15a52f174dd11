/* log_spec.h - which logger writes from which level on.
 *
 *     spec   = field { ":" field }
 *     field  = level | logger { "," logger } "=" level | nothing ("info")
 *
 * A logger's level is that of the longest entry that is its name or a part of
 * it up to a dot; an entry with a dot at its end means just that logger:
 *
 *     "gossip=debug:gossip.state.=warn:error"
 *         gossip            debug      gossip.state        warn
 *         gossip.comm       debug      gossip.state.x      debug
 *         peer              error
 *
 * Go origin   common/flogging/loggerlevels.go common/flogging/levels.go
 * Differs     PAYLOAD is written back as "payload"; Go writes "Level(-2)",
 *             which it cannot read again
 * Owner       whoever holds it
 * Memory      a copy of the names, until log_spec_done
 * Limits      LIMIT_LOG_SPEC bytes
 */
#ifndef WEFT_BASE_LOG_SPEC_H
#define WEFT_BASE_LOG_SPEC_H

#include "base/log.h"

struct log_spec_entry {
    char *logger;
    enum log_level level;
    size_t place; /* where it stood: of two for one logger the last holds */
};

struct log_spec {
    struct log_spec_entry *entries; /* sorted by logger */
    size_t count;
    enum log_level fallback; /* of loggers without an entry */
    enum log_level lowest;   /* nothing below this is written by anyone */
};

/* Fabric's words on a bad one; *ret is untouched then. */
enum weft_code log_spec_parse(const char *text, struct log_spec *ret,
                              struct weft_err *e) WEFT_MUST_CHECK;
void log_spec_done(struct log_spec *spec);
WEFT_DEFINE_CLEANUP_IN_PLACE(struct log_spec, log_spec_done)

enum log_level log_spec_level(const struct log_spec *spec, const char *logger);

/* Sorted, the fallback last: "a=debug:b=warn:info".  Caller frees. */
char *log_spec_text(const struct log_spec *spec);

/* "debug"; the names of json and logfmt lines and of the counters. */
const char *log_level_name(enum log_level level);

#endif
