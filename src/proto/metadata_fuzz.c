/* What a view of a block's metadata says is what protobuf-c unpacks.  The
 * input is the value of slot 0, 1 or 3 (by its first byte) or that slot. */
#include "proto/metadata.h"
#include "proto/proto_check.h"

#include <common/common.pb-c.h>

static bool same(struct bytes b, ProtobufCBinaryData model)
{
    return bytes_eq(b, bytes_of(model.data, model.len));
}

static void expect_metadata(struct bytes b)
{
    WEFT_CLEANUP(arena_done) struct arena a = { 0 };
    struct metadata_view m;
    struct bytes item;
    void *msg = NULL;
    bool parsed = metadata_parse(b, &m, NULL) == WEFT_OK;
    if (proto_unpack(&common__metadata__descriptor, b, &a, &msg, NULL) != WEFT_OK)
        return;
    const Common__Metadata *model = msg;
    WEFT_ASSERT(parsed && same(m.value, model->value));
    WEFT_ASSERT(m.signatures.count == model->n_signatures);
    for (size_t i = 0; repeated_next(&m.signatures, &item); i++) {
        WEFT_ASSERT(same(metadata_signature_of(item).signature, model->signatures[i]->signature));
        WEFT_ASSERT(same(metadata_signature_of(item).signature_header,
                         model->signatures[i]->signature_header));
    }
}

static void expect_orderer_metadata(struct bytes b)
{
    WEFT_CLEANUP(arena_done) struct arena a = { 0 };
    struct orderer_block_metadata m;
    void *msg = NULL;
    bool parsed = orderer_block_metadata_parse(b, &m, NULL) == WEFT_OK;
    if (proto_unpack(&common__orderer_block_metadata__descriptor, b, &a, &msg, NULL) != WEFT_OK)
        return;
    const Common__OrdererBlockMetadata *model = msg;
    WEFT_ASSERT(parsed && same(m.consenter_metadata, model->consenter_metadata));
    WEFT_ASSERT(m.has_last_config == (model->last_config != NULL));
    WEFT_ASSERT(!m.has_last_config || m.last_config == model->last_config->index);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct bytes b = bytes_of(data + 1, size - 1);
    expect_metadata(b);
    expect_orderer_metadata(b);

    WEFT_CLEANUP(buf_done) struct buf slot = { 0 };
    if (data[0] & 4)
        wire_put_bytes(&slot, 1, b);
    else
        buf_put(&slot, b);
    struct bytes slots[BLOCK_SLOT_NR] = { { 0 } };
    slots[data[0] % 4] = buf_bytes(&slot);
    struct block_view v = {
        .slots = { slots, BLOCK_SLOT_NR, BLOCK_SLOT_NR },
        .has_metadata = true,
    };
    uint64_t number = 0;
    uint8_t flag = 0;
    struct bytes own = { 0 };
    enum weft_code rc = block_last_config(&v, &number, NULL);
    WEFT_ASSERT(rc == WEFT_OK || rc == WEFT_INVALID);
    rc = block_consenter_metadata(&v, &own, NULL);
    WEFT_ASSERT(rc == WEFT_OK || rc == WEFT_INVALID);
    for (size_t i = 0; block_tx_flag(&v, i, &flag); i++)
        (void)tx_validation_code_name(flag);
    return 0;
}
