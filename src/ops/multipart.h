/* multipart.h - a form with files in it, as a browser or osnadmin sends it.
 *
 *     Content-Type: multipart/form-data; boundary=xyz
 *
 *     --xyz
 *     Content-Disposition: form-data; name="config-block"; filename="genesis.block"
 *     Content-Type: application/octet-stream
 *
 *     <the bytes of the file>
 *     --xyz--
 *
 *     multipart_boundary(content_type, &boundary, e)
 *     multipart_parse(boundary, body, parts, WEFT_ARRAY_LEN(parts), &count, e)
 *     parts[0].name "config-block", parts[0].is_file
 *
 * Go origin   none (mime, mime/multipart)
 * Differs     no encodings of names and no folded headers; a part without a name
 *             is passed over, as there
 * Owner       any thread
 * Memory      parts borrow the body
 * Limits      as many parts as there is room for; MULTIPART_HEADER_BYTES of one part
 */
#ifndef WEFT_OPS_MULTIPART_H
#define WEFT_OPS_MULTIPART_H

#include "base/bytes.h"

enum {
    MULTIPART_HEADER_BYTES = 4096,
    MULTIPART_BOUNDARY_MAX = 70 /* RFC 2046's */
};

struct multipart_part {
    struct bytes name, data;
    bool is_file; /* it has a file name */
};

/* From "multipart/form-data; boundary=...". */
enum weft_code multipart_boundary(const char *content_type, struct bytes *ret_boundary,
                                  struct weft_err *e) WEFT_MUST_CHECK;

/* WEFT_LIMIT when there are more than `room` parts with a name. */
enum weft_code multipart_parse(struct bytes boundary, struct bytes body,
                               struct multipart_part *ret_parts, size_t room, size_t *ret_count,
                               struct weft_err *e) WEFT_MUST_CHECK;

#endif
