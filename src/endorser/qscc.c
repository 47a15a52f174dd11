/* qscc: blocks and transactions of a channel.
 *
 * Go origin   core/scc/qscc/query.go
 */
#include "base/log.h"
#include "endorser/go_words.h"
#include "endorser/peer_support.h"
#include "endorser/scc.h"
#include "kvledger/kv_ledger.h"
#include "proto/wire.h"

#include <inttypes.h>

LOG_DEFINE(logger, "qscc");

enum {
    RESOURCE_MAX = 256 /* longer names guard nothing */
};

/* What a client is told of a block or transaction that is not there. */
static const char *words(enum weft_code rc, const struct weft_err *e)
{
    return rc == WEFT_NOT_FOUND ? "Entry not found in index" : e->msg;
}

/* common.BlockchainInfo { 1 height, 2 currentBlockHash, 3 previousBlockHash } */
static void chain_info(struct block_store *bs, struct bytes unused, struct scc_reply *ret)
{
    struct block_store_info info;
    (void)unused;
    block_store_info(bs, &info);
    wire_put_varint(&ret->payload, 1, info.height);
    wire_put_bytes(&ret->payload, 2, digest_bytes(&info.current_hash));
    if (info.height > 1)
        wire_put_bytes(&ret->payload, 3, digest_bytes(&info.previous_hash));
}

static void by_number(struct block_store *bs, struct bytes text, struct scc_reply *ret)
{
    WEFT_CLEANUP(block_unref) struct block *b = NULL;
    struct weft_err e = { 0 };
    uint64_t n = 0;
    if (go_parse_uint(text, &n, &e) != WEFT_OK) {
        scc_error(ret, "Failed to parse block number with error %s", e.msg);
        return;
    }
    enum weft_code rc = block_store_read(bs, n, &b, &e);
    if (rc != WEFT_OK)
        scc_error(ret, "Failed to get block number %" PRIu64 ", error %s", n, words(rc, &e));
    else
        block_encode(&b->v, &ret->payload);
}

static void by_hash(struct block_store *bs, struct bytes hash, struct scc_reply *ret)
{
    WEFT_CLEANUP(block_unref) struct block *b = NULL;
    struct weft_err e = { 0 };
    enum weft_code rc = block_store_read_by_hash(bs, hash, &b, &e);
    if (rc != WEFT_OK)
        scc_error(ret, "Failed to get block hash %.*s, error %s", (int)hash.len,
                  (const char *)hash.data, words(rc, &e));
    else
        block_encode(&b->v, &ret->payload);
}

static void by_tx_id(struct block_store *bs, struct bytes id, struct scc_reply *ret)
{
    WEFT_CLEANUP(block_unref) struct block *b = NULL;
    struct weft_err e = { 0 };
    enum weft_code rc = block_store_read_by_tx_id(bs, id, &b, &e);
    if (rc != WEFT_OK)
        scc_error(ret, "Failed to get block for txID %.*s, error %s", (int)id.len,
                  (const char *)id.data, words(rc, &e));
    else
        block_encode(&b->v, &ret->payload);
}

/* protos.ProcessedTransaction { 1 transactionEnvelope, 2 validationCode } */
static void transaction(struct block_store *bs, struct bytes id, struct scc_reply *ret)
{
    WEFT_CLEANUP(buf_done) struct buf envelope = { 0 };
    struct weft_err e = { 0 };
    int32_t code = 0;
    enum weft_code rc = block_store_read_tx_by_id(bs, id, &envelope, &e);
    if (rc == WEFT_OK)
        rc = block_store_validation_code(bs, id, &code, &e);
    if (rc != WEFT_OK) {
        scc_error(ret, "Failed to get transaction with id %.*s, error %s", (int)id.len,
                  (const char *)id.data, words(rc, &e));
        return;
    }
    wire_put_bytes(&ret->payload, 1, buf_bytes(&envelope));
    if (code != 0)
        wire_put_varint(&ret->payload, 2, (uint64_t)code);
}

static const struct {
    const char *name;
    void (*answer)(struct block_store *bs, struct bytes arg, struct scc_reply *ret);
} functions[] = {
    { "GetChainInfo", chain_info }, { "GetBlockByNumber", by_number },
    { "GetBlockByHash", by_hash },  { "GetTransactionByID", transaction },
    { "GetBlockByTxID", by_tx_id },
};

static void answer(struct block_store *bs, struct bytes f, struct bytes arg, struct scc_reply *ret)
{
    for (size_t i = 0; i < WEFT_ARRAY_LEN(functions); i++) {
        if (bytes_eq(f, bytes_of_str(functions[i].name))) {
            functions[i].answer(bs, arg, ret);
            return;
        }
    }
    /* A channel's ACLs may name what there is not. */
    scc_error(ret, "Requested function %.*s not found.", (int)f.len, (const char *)f.data);
}

void qscc_invoke(const struct scc_call *c, struct scc_reply *ret)
{
    const struct proposal *p = c->proposal;
    WEFT_CLEANUP(peer_channel_view_done) struct peer_channel_view ch = { 0 };
    struct weft_err e = { 0 };
    char resource[RESOURCE_MAX];
    if (p->arg_count < 2) {
        scc_error(ret, "Incorrect number of arguments, %zu", p->arg_count);
        return;
    }
    struct bytes f = p->args[0], id = p->args[1];
    int f_len = (int)f.len, id_len = (int)id.len;
    const char *f_text = (const char *)f.data, *id_text = (const char *)id.data;
    if (!bytes_eq(f, bytes_of_str("GetChainInfo")) && p->arg_count < 3) {
        scc_error(ret, "missing 3rd argument for %.*s", f_len, f_text);
        return;
    }
    if (!c->support->find(c->support->ctx, id, &ch)) {
        scc_error(ret, "Invalid chain ID, %.*s", id_len, id_text);
        return;
    }
    LOG_DEBUG(&logger, "Invoke function: %.*s on chain: %s", f_len < 100 ? f_len : 100, f_text,
              ch.id);
    (void)snprintf(resource, sizeof(resource), "qscc/%.*s", f_len, f_text);
    if (acl_check_on(ch.bundle, resource, &c->by, &e) != WEFT_OK)
        scc_error(ret, "access denied for [%.*s][%.*s]: [%s]", f_len, f_text, id_len, id_text,
                  e.msg);
    else
        answer(kv_ledger_blocks(ch.ledger), f, p->arg_count > 2 ? p->args[2] : bytes_of(NULL, 0),
               ret);
}
