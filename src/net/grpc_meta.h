/* grpc_meta.h - gRPC's header fields: metadata, status, time-outs.
 *
 * A struct grpc_meta is a list of (name, value) in one buffer, in the order of
 * arrival.  Names are lower case; values of names that end in "-bin" are raw
 * bytes here and base64 on the wire.
 *
 *     grpc_meta_add(&md, bytes_of_str("x-trace-bin"), bytes_of("\x00\x01", 2));
 *     for (struct grpc_meta_item i = { 0 }; grpc_meta_next(&md, &i);) ... i.name, i.value
 *
 * Go origin   none (vendored google.golang.org/grpc/metadata)
 * Owner       whoever holds it
 * Memory      one buffer, freed by grpc_meta_done; items borrow from it
 * Limits      header_bytes and header_fields of net_limits, at the receiver
 */
#ifndef WEFT_NET_GRPC_META_H
#define WEFT_NET_GRPC_META_H

#include "base/bytes.h"

struct grpc_meta {
    struct buf items;
    size_t count;
};

struct grpc_meta_item {
    struct bytes name, value;
    size_t next; /* where the following one begins */
};

void grpc_meta_done(struct grpc_meta *m);
WEFT_DEFINE_CLEANUP_IN_PLACE(struct grpc_meta, grpc_meta_done)
void grpc_meta_add(struct grpc_meta *m, struct bytes name, struct bytes value);
bool grpc_meta_next(const struct grpc_meta *m, struct grpc_meta_item *item);
/* The first value of that name; false if there is none. */
bool grpc_meta_get(const struct grpc_meta *m, const char *name, struct bytes *ret_value);

/* From and to the wire's form; false: not base64 (or not a name one may send). */
bool grpc_meta_add_wire(struct grpc_meta *m, struct bytes name, struct bytes value);
void grpc_meta_encode_value(struct bytes name, struct bytes value, struct buf *out);
/* Lower-case letters, digits, - _ . and none of gRPC's or HTTP's own names. */
bool grpc_meta_name_is_valid(struct bytes name);

/* Status codes, as in google.golang.org/grpc/codes. */
enum grpc_code {
    GRPC_OK = 0,
    GRPC_CANCELLED = 1,
    GRPC_UNKNOWN = 2,
    GRPC_INVALID_ARGUMENT = 3,
    GRPC_DEADLINE_EXCEEDED = 4,
    GRPC_NOT_FOUND = 5,
    GRPC_ALREADY_EXISTS = 6,
    GRPC_PERMISSION_DENIED = 7,
    GRPC_RESOURCE_EXHAUSTED = 8,
    GRPC_FAILED_PRECONDITION = 9,
    GRPC_ABORTED = 10,
    GRPC_OUT_OF_RANGE = 11,
    GRPC_UNIMPLEMENTED = 12,
    GRPC_INTERNAL = 13,
    GRPC_UNAVAILABLE = 14,
    GRPC_DATA_LOSS = 15,
    GRPC_UNAUTHENTICATED = 16,
};

const char *grpc_code_name(int code);
/* When there is no grpc-status: what HTTP said. */
enum grpc_code grpc_code_of_http_status(unsigned status);
enum grpc_code grpc_code_of_h2_error(uint32_t error);

/* grpc-message: everything but printable ASCII, and %, as %XX. */
void grpc_message_encode(const char *text, struct buf *out);
/* Takes what is broken as it stands. */
void grpc_message_decode(struct bytes wire, struct buf *out);

/* "20S", "100m": milliseconds, rounded up; false when it is neither. */
bool grpc_timeout_parse(struct bytes text, uint64_t *ret_ms);
void grpc_timeout_print(uint64_t ms, char out[16]);

#endif
