/* Whatever passes the check is unpacked without harm, and packs again to
 * bytes that pass as well.  The first byte says as what it is taken. */
#include "proto/proto_check.h"

#include <common/common.pb-c.h>
#include <common/configtx.pb-c.h>
#include <common/policies.pb-c.h>
#include <gossip/message.pb-c.h>
#include <msp/msp_config.pb-c.h>
#include <orderer/ab.pb-c.h>
#include <orderer/cluster.pb-c.h>
#include <orderer/etcdraft/configuration.pb-c.h>
#include <orderer/etcdraft/metadata.pb-c.h>
#include <peer/events.pb-c.h>
#include <peer/lifecycle/lifecycle.pb-c.h>
#include <peer/proposal.pb-c.h>

static const ProtobufCMessageDescriptor *const types[] = {
    &gossip__envelope__descriptor,
    &gossip__gossip_message__descriptor,
    &common__config_envelope__descriptor,
    &common__config_update__descriptor,
    &common__signature_policy_envelope__descriptor,
    &msp__fabric_mspconfig__descriptor,
    &orderer__seek_info__descriptor,
    &orderer__step_request__descriptor,
    &etcdraft__config_metadata__descriptor,
    &etcdraft__block_metadata__descriptor,
    &protos__deliver_response__descriptor,
    &protos__signed_proposal__descriptor,
    &protos__chaincode_proposal_payload__descriptor,
    &lifecycle__approve_chaincode_definition_for_my_org_args__descriptor,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const ProtobufCMessageDescriptor *type = types[data[0] % WEFT_ARRAY_LEN(types)];
    struct bytes b = bytes_of(data + 1, size - 1);
    bool passes = proto_check(type, b, 0, NULL) == WEFT_OK;

    WEFT_CLEANUP(arena_done) struct arena a = { 0 };
    void *msg = NULL;
    if (proto_unpack(type, b, &a, &msg, NULL) != WEFT_OK)
        return 0;
    WEFT_ASSERT(passes);
    size_t len = protobuf_c_message_get_packed_size(msg);
    WEFT_FREE uint8_t *again = weft_alloc(len + 1);
    WEFT_ASSERT(protobuf_c_message_pack(msg, again) == len);
    WEFT_ASSERT(proto_unpack(type, bytes_of(again, len), &a, &msg, NULL) == WEFT_OK);
    return 0;
}
