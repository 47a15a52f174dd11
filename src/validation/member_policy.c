#include "validation/member_policy.h"

#include "proto/proto_check.h"

#include <common/policies.pb-c.h>

static int by_name(const void *a, const void *b)
{
    return bytes_cmp(*(const struct bytes *)a, *(const struct bytes *)b);
}

/* MSPPrincipal { 2 principal = MSPRole { 1 msp_identifier } }: the class is ROLE and the role
 * MEMBER, both zero. */
static void put_member(struct bytes mspid, struct buf *out)
{
    WEFT_CLEANUP(buf_done) struct buf role = { 0 };
    WEFT_CLEANUP(buf_done) struct buf principal = { 0 };
    wire_put_bytes(&role, 1, mspid);
    wire_put_bytes(&principal, 2, buf_bytes(&role));
    wire_put_bytes(out, 3, buf_bytes(&principal));
}

void member_policy_encode(struct bytes *mspids, size_t count, size_t needed, struct buf *out)
{
    WEFT_CLEANUP(buf_done) struct buf gate = { 0 };
    WEFT_CLEANUP(buf_done) struct buf rule = { 0 };
    if (count > 1)
        qsort(mspids, count, sizeof(*mspids), by_name);
    wire_put_varint(&gate, 1, needed);
    for (size_t i = 0; i < count; i++) {
        WEFT_CLEANUP(buf_done) struct buf leaf = { 0 };
        wire_put_varint(&leaf, 1, i);
        wire_put_bytes(&gate, 2, buf_bytes(&leaf));
    }
    wire_put_bytes(&rule, 2, buf_bytes(&gate));
    wire_put_bytes(out, 2, buf_bytes(&rule));
    for (size_t i = 0; i < count; i++)
        put_member(mspids[i], out);
}

bool signature_policy_envelope_is_one(struct bytes b)
{
    return proto_check(&common__signature_policy_envelope__descriptor, b, 0, NULL) == WEFT_OK;
}
