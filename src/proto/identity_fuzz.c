/* A view says what protobuf-c unpacks, and encodes to what it was read from. */
#include "proto/identity.h"
#include "proto/proto_check.h"

#include <msp/identities.pb-c.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct serialized_identity id, again;
    if (serialized_identity_parse(bytes_of(data, size), &id, NULL) != WEFT_OK)
        return 0;
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    serialized_identity_encode(&id, &b);
    WEFT_ASSERT(serialized_identity_parse(buf_bytes(&b), &again, NULL) == WEFT_OK);
    WEFT_ASSERT(bytes_eq(id.mspid, again.mspid) && bytes_eq(id.id_bytes, again.id_bytes));

    WEFT_CLEANUP(arena_done) struct arena a = { 0 };
    void *msg = NULL;
    if (proto_unpack(&msp__serialized_identity__descriptor, bytes_of(data, size), &a, &msg, NULL) !=
        WEFT_OK)
        return 0;
    const Msp__SerializedIdentity *model = msg;
    WEFT_ASSERT(bytes_eq(id.mspid, bytes_of_str(model->mspid)));
    WEFT_ASSERT(bytes_eq(id.id_bytes, bytes_of(model->id_bytes.data, model->id_bytes.len)));
    return 0;
}
