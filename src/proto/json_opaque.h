/* json_opaque.h - which bytes fields hold messages, and of what type.
 *
 * Much of what Fabric stores is messages inside bytes fields of other
 * messages.  What they are is known in one of three ways:
 *
 *   by the field     Envelope.payload is always a Payload
 *   by a sibling     Payload.data goes by the type in its channel header
 *   by the place     ConfigValue.value goes by its name and by the group that
 *                    it lies in: "MSP" below Application/Org1MSP is an MSPConfig
 *
 * For the third, a message wears a dress that it was given by the message
 * around it: the group Channel/Orderer wears JSON_ORDERER.
 *
 * Go origin   vendor/github.com/hyperledger/fabric-config/protolator/protoext/decorate.go
 *             vendor/github.com/hyperledger/fabric-config/protolator/protoext/commonext/configuration.go
 * Differs     where Go has no type it fails; here the answer is "just bytes"
 * Owner       any thread
 * Memory      none; a scope borrows
 */
#ifndef WEFT_PROTO_JSON_OPAQUE_H
#define WEFT_PROTO_JSON_OPAQUE_H

#include "proto/proto_check.h"

enum json_dress {
    JSON_NAKED,
    /* Groups of a channel's configuration, and the values in them. */
    JSON_CHANNEL,
    JSON_CONSORTIUMS,
    JSON_CONSORTIUM,
    JSON_CONSORTIUM_ORG,
    JSON_ORDERER,
    JSON_ORDERER_ORG,
    JSON_APPLICATION,
    JSON_APPLICATION_ORG,
    /* A namespace of a read-write set whose data model is KV. */
    JSON_KV,
};

/* A message that is being written out. */
struct json_scope {
    const ProtobufCMessageDescriptor *type;
    struct bytes raw;
    enum json_dress dress;
    struct bytes name; /* of a ConfigValue: its key */
    bool plain;        /* what lies in a oneof is not looked into */
    unsigned depth;    /* how many messages lie around it */
};

/* The type of the message in the bytes field `f`, NULL for just bytes. */
const ProtobufCMessageDescriptor *json_opaque_type(const struct json_scope *s,
                                                   const ProtobufCFieldDescriptor *f);

/* The dress of the message in field `f` (under `key` if that is a map). */
enum json_dress json_dress_of(const struct json_scope *s, const ProtobufCFieldDescriptor *f,
                              struct bytes key);

#endif
