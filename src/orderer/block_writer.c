#include "orderer/block_writer.h"

#include "base/log.h"
#include "net/net_msg.h"
#include "orderer/block_cutter.h"
#include "proto/metadata.h"
#include "proto/wire.h"

#include <inttypes.h>

LOG_DEFINE(logger, "orderer.commmon.multichannel");

/* What work[] is used for. */
enum {
    WORK_LAST_CONFIG, /* slot 1 */
    WORK_SIGNATURES,  /* slot 0 */
    WORK_VALUE,
    WORK_MESSAGE,
};

/* LastConfig { 1 index } */
static void put_last_config(struct buf *b, uint64_t number)
{
    if (number > 0)
        wire_put_varint(b, 1, number);
}

void block_writer_value(uint64_t last_config, struct bytes consenter, struct buf *out)
{
    WEFT_CLEANUP(buf_done) struct buf inner = { 0 };
    put_last_config(&inner, last_config);
    wire_put_bytes(out, 1, buf_bytes(&inner)); /* a message that is there, if empty */
    if (consenter.len == 0)
        return;
    buf_clear(&inner);
    wire_put_bytes(&inner, 1, consenter); /* Metadata { value } */
    wire_put_bytes(out, 2, buf_bytes(&inner));
}

enum weft_code block_writer_init(struct block_writer *w, const struct block_writer_deps *deps,
                                 const struct block_view *last, uint64_t sequence,
                                 struct weft_err *e)
{
    uint64_t last_config = 0;
    if (last->number > 0) {
        enum weft_code rc = block_last_config(last, &last_config, e);
        if (rc != WEFT_OK)
            return weft_err_wrap(e, WEFT_CORRUPT,
                                 "Error extracting last config block from block metadata");
    }
    *w = (struct block_writer){ .deps = *deps,
                                .number = last->number,
                                .hash = block_header_hash(last),
                                .last_config = last_config,
                                .last_config_sequence = sequence };
    return WEFT_OK;
}

void block_writer_done(struct block_writer *w)
{
    block_view_done(&w->view);
    for (size_t i = 0; i < WEFT_ARRAY_LEN(w->work); i++)
        buf_done(&w->work[i]);
}

/* Slot 0, for a view whose header is set. */
static enum weft_code put_signatures(struct block_writer *w, struct bytes value, struct buf *out,
                                     struct weft_err *e)
{
    uint8_t nonce[BLOCK_WRITER_NONCE];
    WEFT_CLEANUP(buf_done) struct buf header = { 0 };
    WEFT_CLEANUP(buf_done) struct buf signature = { 0 };
    WEFT_TRY(w->deps.nonce(w->deps.ctx, nonce, e));
    wire_put_bytes(&header, 1, w->deps.creator);
    wire_put_bytes(&header, 2, bytes_of(nonce, sizeof(nonce)));

    struct buf *message = &w->work[WORK_MESSAGE];
    buf_clear(message);
    buf_put(message, value);
    buf_put(message, buf_bytes(&header));
    block_header_der(&w->view, message);
    WEFT_TRY(w->deps.sign(w->deps.ctx, buf_bytes(message), &signature, e));

    buf_clear(message); /* now the MetadataSignature */
    wire_put_bytes(message, 1, buf_bytes(&header));
    wire_put_bytes(message, 2, buf_bytes(&signature));
    wire_put_bytes(out, 1, value);
    wire_put_bytes(out, 2, buf_bytes(message));
    return WEFT_OK;
}

static void put_metadata_of(struct buf *out, struct bytes value)
{
    if (value.len > 0)
        wire_put_bytes(out, 1, value);
}

/* Fills the view but for its metadata. */
static void set_content(struct block_writer *w, const struct batch *batch, struct digest *data_hash)
{
    struct block_view *v = &w->view;
    block_view_reset(v);
    v->has_header = v->has_data = v->has_metadata = true;
    v->number = w->number + 1;
    v->previous_hash = digest_bytes(&w->hash);
    for (size_t i = 0; i < batch->count; i++)
        bytes_list_add(&v->txs, net_msg_bytes(batch->at[i]));
    *data_hash = block_data_hash(v);
    v->data_hash = digest_bytes(data_hash);
}

enum weft_code block_writer_write(struct block_writer *w, const struct batch *batch,
                                  struct bytes consenter, uint64_t sequence, struct weft_err *e)
{
    struct digest data_hash;
    set_content(w, batch, &data_hash);
    uint64_t last_config = sequence > w->last_config_sequence ? w->view.number : w->last_config;

    struct buf *value = &w->work[WORK_VALUE], *slot0 = &w->work[WORK_SIGNATURES],
               *slot1 = &w->work[WORK_LAST_CONFIG];
    buf_clear(value);
    put_last_config(value, last_config);
    buf_clear(slot1);
    put_metadata_of(slot1, buf_bytes(value));
    buf_clear(value);
    block_writer_value(last_config, consenter, value);
    buf_clear(slot0);
    WEFT_TRY(put_signatures(w, buf_bytes(value), slot0, e));
    bytes_list_add(&w->view.slots, buf_bytes(slot0));
    bytes_list_add(&w->view.slots, buf_bytes(slot1));
    while (w->view.slots.count < BLOCK_SLOT_NR)
        bytes_list_add(&w->view.slots, bytes_of(NULL, 0));

    struct digest hash = block_header_hash(&w->view);
    WEFT_TRY(w->deps.append(w->deps.ctx, &w->view, e));
    w->number = w->view.number;
    w->hash = hash;
    w->last_config = last_config;
    if (sequence > w->last_config_sequence)
        w->last_config_sequence = sequence;
    LOG_DEBUG(&logger, "Wrote block [%" PRIu64 "]", w->number);
    return WEFT_OK;
}
