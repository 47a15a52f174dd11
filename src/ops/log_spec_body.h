/* log_spec_body.h - what is put to /logspec: {"spec":"gossip=debug:info"}.
 *
 * As Go's decoder reads it into a struct with one member: the first JSON value
 * counts and what follows it does not; members of other names are passed over,
 * "SPEC" is "spec", of two the last holds; null is nothing; a missing one is "".
 *
 *     WEFT_FREE char *spec = NULL;
 *     log_spec_body_parse(body, &spec, e)      e: Go's words, "invalid character
 *                                              'x' looking for beginning of value"
 *
 * Go origin   common/flogging/httpadmin/spec.go
 * Differs     LIMIT_JSON_DEPTH levels (Go: 10000); a zero byte becomes U+FFFD
 * Owner       any thread
 * Memory      the caller frees the spec
 * Limits      LIMIT_LOG_SPEC, LIMIT_JSON_DEPTH
 */
#ifndef WEFT_OPS_LOG_SPEC_BODY_H
#define WEFT_OPS_LOG_SPEC_BODY_H

#include "base/bytes.h"

enum weft_code log_spec_body_parse(struct bytes body, char **ret_spec,
                                   struct weft_err *e) WEFT_MUST_CHECK;

#endif
