/* json.h - blocks and envelopes as JSON, down to the last known field.
 *
 * The text is what Fabric's `configtxlator proto_decode` gives, byte for byte:
 * messages that lie in bytes fields are written out as what they are
 * (json_opaque.h), all fields are there, 64-bit numbers are strings, enums
 * names, other bytes base64, keys in order.  A bytes field that is absent is
 * null, one that is there and empty is "".
 *
 *     { "data": { "data": [ { "payload": { "data": { ... }, "header": ... } } ] },
 *       "header": { "data_hash": "...", "number": "7", "previous_hash": "..." }, ... }
 *
 * Nothing is unpacked: the raw bytes are walked along protoc-c's descriptors.
 *
 * Go origin   vendor/github.com/hyperledger/fabric-config/protolator/json.go DeepMarshalJSON
 *             vendor/github.com/golang/protobuf/jsonpb/jsonpb.go
 * Differs     bytes that are not the message which they should be are given
 *             as base64, where the original fails; so is what lies deeper than
 *             LIMIT_PROTO_DEPTH
 * Owner       any thread
 * Memory      the text, and the keys of the map that is being written
 * Limits      LIMIT_PROTO_BYTES in, LIMIT_JSON_BYTES out, LIMIT_PROTO_DEPTH
 *             deep, LIMIT_JSON_MAP keys in a map
 */
#ifndef WEFT_PROTO_JSON_H
#define WEFT_PROTO_JSON_H

#include "base/bytes.h"

#include <protobuf-c/protobuf-c.h>

struct block_view;

/* Each appends to `out`, without a line end; on failure `out` is as before.
 * WEFT_INVALID when the bytes are no such message, WEFT_LIMIT. */
enum weft_code json_block(struct bytes wire, struct buf *out, struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code json_block_view(const struct block_view *v, struct buf *out,
                               struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code json_envelope(struct bytes wire, struct buf *out,
                             struct weft_err *e) WEFT_MUST_CHECK;
/* A ConfigGroup that stands for an organisation under Orderer (DynamicOrdererOrgGroup). */
enum weft_code json_orderer_org(struct bytes wire, struct buf *out,
                                struct weft_err *e) WEFT_MUST_CHECK;
/* Any message that protoc-c has a descriptor of. */
enum weft_code json_message(const ProtobufCMessageDescriptor *type, struct bytes wire,
                            struct buf *out, struct weft_err *e) WEFT_MUST_CHECK;

#endif
