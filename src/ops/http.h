/* http.h - a request and its answer, without a socket.
 *
 * What handlers of the operations endpoint see: the whole request is there,
 * the answer is put together in memory.
 *
 *     static void version(void *ctx, const struct http_request *rq, struct http_response *rs)
 *     {
 *         buf_put_str(http_answer_json(rs, 200), "{\"Version\":\"0.1.0\"}");
 *     }
 *
 * Go origin   none (net/http)
 * Owner       the operations thread
 * Memory      a request borrows; a response is ended with http_response_done
 * Limits      HTTP_HEADERS_MAX headers in an answer
 */
#ifndef WEFT_OPS_HTTP_H
#define WEFT_OPS_HTTP_H

#include "base/bytes.h"

enum {
    HTTP_HEADERS_MAX = 8
};

struct http_request {
    const char *method, *path;                      /* path: without ? and what follows */
    const char *content_type, *accept, *request_id; /* headers; NULL: there is none */
    struct bytes body;
    bool body_is_cut; /* it was longer than allowed; the rest is gone */
    bool has_cert;    /* TLS, and a client certificate that was verified */
};

struct http_header {
    const char *name;
    char *value;
};

struct http_response {
    unsigned status; /* 0: nobody has answered yet */
    struct buf body;
    struct http_header headers[HTTP_HEADERS_MAX];
    size_t header_count;
};

typedef void http_handler_fn(void *ctx, const struct http_request *rq, struct http_response *rs);

void http_response_done(struct http_response *rs);
WEFT_DEFINE_CLEANUP_IN_PLACE(struct http_response, http_response_done)

/* Status and "Content-Type: application/json"; returns the body to be filled. */
struct buf *http_answer_json(struct http_response *rs, unsigned status);
/* {"error":"why"} and the end of line that Go's encoder puts; `key` is "error". */
void http_answer_error(struct http_response *rs, unsigned status, const char *key, const char *why);
/* Go's answer to a path that nobody serves. */
void http_answer_not_found(struct http_response *rs);
void http_add_header(struct http_response *rs, const char *name, const char *value);

/* Text as a JSON string, quotes and all; what is no UTF-8 becomes U+FFFD. */
void http_put_json_string(struct buf *out, struct bytes text);

#endif
