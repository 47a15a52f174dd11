/* json_writer.h - JSON text, laid out as Go's encoding/json does with tabs.
 *
 *     json_open(&w, '{');
 *     json_key(&w, bytes_of_str("version"));
 *     json_put_raw(&w, "0");
 *     json_close(&w, '}');
 *
 * gives {, a line with a tab and "version": 0, and }; an empty one is {}.
 *
 * Go origin   none (encoding/json Encoder with SetIndent)
 * Owner       whoever holds it
 * Memory      writes into the buffer it was given
 * Limits      what would go over `most` is dropped, and `full` is set for good
 */
#ifndef WEFT_PROTO_JSON_WRITER_H
#define WEFT_PROTO_JSON_WRITER_H

#include "base/bytes.h"

struct json_writer {
    struct buf *out;
    size_t most; /* `out` may become so long */
    unsigned depth;
    bool full;
};

void json_open(struct json_writer *w, char bracket);
void json_close(struct json_writer *w, char bracket);
/* Begins the next member of an object, or element of an array. */
void json_key(struct json_writer *w, struct bytes name);
void json_element(struct json_writer *w);

/* Values. */
void json_put_raw(struct json_writer *w, const char *text);
void json_put_string(struct json_writer *w, struct bytes utf8);
void json_put_base64(struct json_writer *w, struct bytes b);
/* RFC 3339, UTC, with 0, 3, 6 or 9 digits after the second; false (and
 * nothing is written) when the nanoseconds are not 0 .. 999999999. */
bool json_put_time(struct json_writer *w, int64_t seconds, int32_t nanos);

#endif
