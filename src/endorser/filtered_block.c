#include "endorser/filtered_block.h"

#include "base/log.h"
#include "endorser/go_words.h"
#include "proto/envelope.h"
#include "proto/metadata.h"
#include "proto/transaction.h"

#include <common/common.pb-c.h>

LOG_DEFINE(logger, "common.deliverevents");

/* ChaincodeEvent { 1 chaincode_id, 2 tx_id, 3 event_name }, in
 * FilteredChaincodeAction { 1 chaincode_event } */
static void put_event(const struct chaincode_event *ev, struct buf *out)
{
    WEFT_CLEANUP(buf_done) struct buf event = { 0 };
    WEFT_CLEANUP(buf_done) struct buf action = { 0 };
    const struct bytes fields[] = { ev->chaincode_id, ev->tx_id, ev->event_name };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(fields); i++)
        if (fields[i].len > 0)
            wire_put_bytes(&event, (uint32_t)i + 1, fields[i]);
    wire_put_bytes(&action, 1, buf_bytes(&event));
    wire_put_bytes(out, 1, buf_bytes(&action));
}

static enum weft_code put_action(struct bytes item, struct buf *out, struct weft_err *e)
{
    struct chaincode_action_payload payload;
    struct proposal_response_payload response;
    struct chaincode_action action;
    struct chaincode_event event;
    enum weft_code rc =
        chaincode_action_payload_parse(transaction_action_of(item).payload, &payload, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "error unmarshal transaction action payload for block event");
    if (!payload.has_action)
        return WEFT_OK;
    rc = proposal_response_payload_parse(payload.proposal_response_payload, &response, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "error unmarshal proposal response payload for block event");
    rc = chaincode_action_parse(response.extension, &action, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "error unmarshal chaincode action for block event");
    rc = chaincode_event_parse(action.events, &event, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "error unmarshal chaincode event for block event");
    if (event.chaincode_id.len > 0)
        put_event(&event, out);
    return WEFT_OK;
}

static enum weft_code put_actions(struct bytes data, struct buf *out, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf actions = { 0 };
    struct transaction_view tx;
    struct bytes item;
    enum weft_code rc = transaction_parse(data, &tx, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "error unmarshal transaction payload for block event");
    while (repeated_next(&tx.actions, &item))
        WEFT_TRY(put_action(item, &actions, e));
    wire_put_bytes(out, 4, buf_bytes(&actions)); /* there, even if it is empty */
    return WEFT_OK;
}

/* FilteredTransaction { 1 txid, 2 type, 3 tx_validation_code, 4 transaction_actions } */
static enum weft_code put_transaction(const struct payload_view *p, uint8_t flag,
                                      struct bytes *ret_channel, struct buf *out,
                                      struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf tx = { 0 };
    struct channel_header_view h;
    WEFT_TRY(
        go_unmarshal("ChannelHeader", &common__channel_header__descriptor, p->channel_header, e));
    WEFT_TRY(channel_header_parse(p->channel_header, &h, e));
    *ret_channel = h.channel_id;
    if (h.tx_id.len > 0)
        wire_put_bytes(&tx, 1, h.tx_id);
    if (h.type != 0)
        wire_put_varint(&tx, 2, (uint64_t)(int64_t)h.type);
    if (flag != TX_VALID)
        wire_put_varint(&tx, 3, flag);
    if (h.type == HEADER_ENDORSER_TRANSACTION)
        WEFT_TRY(put_actions(p->data, &tx, e));
    wire_put_bytes(out, 4, buf_bytes(&tx));
    return WEFT_OK;
}

static enum weft_code put_envelope(const struct block_view *v, size_t i, struct bytes *ret_channel,
                                   struct buf *out, struct weft_err *e)
{
    struct envelope_view envelope;
    struct payload_view payload;
    struct weft_err why = { 0 };
    uint8_t flag = 0;
    if (envelope_parse(v->txs.at[i], &envelope, &why) != WEFT_OK) {
        LOG_ERROR(&logger, "error getting tx from block, %s", why.msg);
        return WEFT_OK;
    }
    enum weft_code rc = go_unmarshal("Payload", &common__payload__descriptor, envelope.payload, e);
    if (rc == WEFT_OK)
        rc = payload_parse(envelope.payload, &payload, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "could not extract payload from envelope");
    if (!payload.has_header)
        return WEFT_OK;
    if (!block_tx_flag(v, i, &flag))
        return WEFT_FAIL(e, WEFT_CORRUPT, "transaction %zu has no validation code", i);
    return put_transaction(&payload, flag, ret_channel, out, e);
}

/* FilteredBlock { 1 channel_id, 2 number, 4 filtered_transactions } */
enum weft_code filtered_block_encode(const struct block_view *v, struct buf *out,
                                     struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf txs = { 0 };
    struct bytes channel = { 0 };
    for (size_t i = 0; i < v->txs.count; i++)
        WEFT_TRY(put_envelope(v, i, &channel, &txs, e));
    if (channel.len > 0)
        wire_put_bytes(out, 1, channel);
    if (v->number != 0)
        wire_put_varint(out, 2, v->number);
    buf_put(out, buf_bytes(&txs));
    return WEFT_OK;
}
