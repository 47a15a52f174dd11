/* go_words.h - what Go says where a message does not parse: part of answers that clients see.
 *
 *     go_unmarshal("Proposal", &protos__proposal__descriptor, bytes, e)
 *         "error unmarshaling Proposal: unexpected EOF"
 *         "error unmarshaling ChannelHeader: proto: field "common.ChannelHeader.channel_id"
 *          contains invalid UTF-8"
 *
 * Go origin   protoutil/unmarshalers.go
 *             vendor/github.com/golang/protobuf/proto/table_unmarshal.go
 * Differs     every break of the wire format is an unexpected EOF; Go has four kinds of them
 * Owner       any thread
 */
#ifndef WEFT_ENDORSER_GO_WORDS_H
#define WEFT_ENDORSER_GO_WORDS_H

#include "proto/proto_check.h"

/* WEFT_INVALID, or WEFT_LIMIT for what Go would take. */
enum weft_code go_unmarshal(const char *name, const ProtobufCMessageDescriptor *type,
                            struct bytes b, struct weft_err *e) WEFT_MUST_CHECK;
/* The same without "error unmarshaling Name: ". */
enum weft_code go_proto_check(const ProtobufCMessageDescriptor *type, struct bytes b,
                              struct weft_err *e) WEFT_MUST_CHECK;

/* As strconv.Quote writes it: "a\"\n\x01". */
void go_quote(struct bytes text, struct buf *out);

/* strconv.ParseUint(text, 10, 64); "strconv.ParseUint: parsing \"one\": invalid syntax". */
enum weft_code go_parse_uint(struct bytes text, uint64_t *ret, struct weft_err *e) WEFT_MUST_CHECK;

#endif
