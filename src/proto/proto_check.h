/* proto_check.h - outside bytes are looked over before protobuf-c unpacks them.
 *
 * protobuf-c follows nesting without a bound, does not look at strings and
 * allocates for every field it meets.  So whatever comes from outside is first
 * walked here, against the descriptor that protoc-c generated:
 *
 *     WEFT_CLEANUP(arena_done) struct arena a = { 0 };
 *     void *msg = NULL;
 *     WEFT_TRY(proto_unpack(&gossip__envelope__descriptor, bytes, &a, &msg, e));
 *     const Gossip__Envelope *envelope = msg;       lives as long as the arena
 *
 * What is the same as in golang/protobuf: a field of another wire type than
 * the .proto says counts as unknown, unknown fields are passed over, packed
 * and unpacked lists are both read, a string must be UTF-8.
 *
 * Go origin   vendor/github.com/golang/protobuf/proto/table_unmarshal.go
 * Differs     nesting, size and number of fields are limited.  Before
 *             unpacking three more things are refused that no encoder writes:
 *             a field of a wrong wire type, a string with a zero byte in it
 *             (it would end there), and a second occurrence of a message field
 *             that is not repeated (merging many costs quadratic memory)
 * Owner       any thread
 * Memory      a check allocates nothing; what is unpacked lies in the arena
 * Limits      LIMIT_PROTO_DEPTH, LIMIT_PROTO_BYTES, LIMIT_PROTO_FIELDS
 */
#ifndef WEFT_PROTO_PROTO_CHECK_H
#define WEFT_PROTO_PROTO_CHECK_H

#include "base/arena.h"
#include "proto/wire.h"

#include <protobuf-c/protobuf-c.h>

/* Would golang/protobuf take the bytes for a message of this type?  `depth` is
 * how many messages lie around it already.  WEFT_INVALID, WEFT_LIMIT. */
enum weft_code proto_check(const ProtobufCMessageDescriptor *type, struct bytes b, unsigned depth,
                           struct weft_err *e) WEFT_MUST_CHECK;

/* Checks and unpacks; the message is of the struct that belongs to `type`. */
enum weft_code proto_unpack(const ProtobufCMessageDescriptor *type, struct bytes b, struct arena *a,
                            void **ret_msg, struct weft_err *e) WEFT_MUST_CHECK;

/* The wire type of one value of the field. */
enum wire_type proto_wire_type(const ProtobufCFieldDescriptor *f);

/* Does this field of the bytes belong to `f`: one value of it, or a packed list? */
bool proto_field_is(const struct wire_field *w, const ProtobufCFieldDescriptor *f);

/* A map<> is a list of entries { key, value } to protobuf-c. */
bool proto_field_is_map(const ProtobufCMessageDescriptor *type, const ProtobufCFieldDescriptor *f);

#endif
