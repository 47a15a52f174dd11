#include "proto/identity.h"

#include "proto/proto_check.h"

#include <msp/identities.pb-c.h>

enum weft_code serialized_identity_parse(struct bytes b, struct serialized_identity *ret,
                                         struct weft_err *e)
{
    WEFT_TRY(proto_check(&msp__serialized_identity__descriptor, b, 0, e));
    struct serialized_identity id = { 0 };
    struct wire w = wire_of(b);
    struct wire_field f;
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_LEN))
            id.mspid = f.bytes;
        else if (wire_is(&f, 2, WIRE_LEN))
            id.id_bytes = f.bytes;
    }
    *ret = id;
    return WEFT_OK;
}

void serialized_identity_encode(const struct serialized_identity *id, struct buf *out)
{
    if (id->mspid.len > 0)
        wire_put_bytes(out, 1, id->mspid);
    if (id->id_bytes.len > 0)
        wire_put_bytes(out, 2, id->id_bytes);
}
