#include "peer/block_verifier.h"

#include "base/arena.h"
#include "base/limits.h"
#include "base/varint.h"
#include "bundle/bundle.h"
#include "proto/envelope.h"
#include "proto/metadata.h"
#include "proto/wire.h"

#include <inttypes.h>

enum {
    SIGNERS = 64, /* identities kept: a channel has a few orderers */
};

struct block_verifier {
    char *channel_id;
    struct key_tables *tables;
    struct bundle *bundle; /* whose identities these are; NULL: none yet */
    struct identity_cache *cache;
};

struct block_verifier *block_verifier_new(const char *channel_id, struct key_tables *tables)
{
    struct block_verifier *v = weft_alloc(sizeof(*v));
    v->channel_id = weft_strdup(channel_id);
    v->tables = tables;
    return v;
}

static void turn_to_bundle(struct block_verifier *v, struct bundle *b)
{
    if (v->bundle == b)
        return;
    identity_cache_free(WEFT_TAKE(v->cache));
    bundle_unref(WEFT_TAKE(v->bundle));
    if (b == NULL)
        return;
    v->bundle = bundle_ref(b);
    v->cache = identity_cache_new(bundle_msps(b), SIGNERS);
}

void block_verifier_free(struct block_verifier *v)
{
    if (v == NULL)
        return;
    turn_to_bundle(v, NULL);
    free(v->channel_id);
    free(v);
}

/* ---- the transactions ------------------------------------------------------------------ */

/* Of the first transaction: whose channel, and what type. */
static enum weft_code read_channel_header(const struct block_view *block,
                                          struct channel_header_view *ret, struct weft_err *e)
{
    struct envelope_view envelope;
    struct payload_view payload;
    if (block->txs.count == 0)
        return WEFT_FAIL(e, WEFT_INVALID, "failed to retrieve channel id - block is empty");
    WEFT_TRY(envelope_parse(block->txs.at[0], &envelope, e));
    WEFT_TRY(payload_parse(envelope.payload, &payload, e));
    if (!payload.has_header)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "failed to retrieve channel id - payload header is empty");
    return channel_header_parse(payload.channel_header, ret, e);
}

static size_t plain_len(struct bytes content)
{
    return 1 + uvarint_len(content.len) + content.len;
}

/* Payload, signature, then what nobody knows: as golang/protobuf would write it. */
static enum weft_code check_well_formed(size_t i, struct bytes tx, struct weft_err *e)
{
    struct wire w = wire_of(tx);
    struct wire_field f;
    struct bytes payload = { 0 }, signature = { 0 };
    size_t unknown = 0;
    bool in_order = true;
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_LEN)) {
            in_order = in_order && signature.len == 0 && unknown == 0;
            payload = f.bytes;
        } else if (wire_is(&f, 2, WIRE_LEN)) {
            in_order = in_order && unknown == 0;
            signature = f.bytes;
        } else {
            unknown += f.whole.len;
        }
    }
    if (w.bad)
        return WEFT_FAIL(e, WEFT_INVALID, "transaction %zu is invalid: it is no Envelope", i);
    if (payload.len == 0)
        return WEFT_FAIL(e, WEFT_INVALID, "transaction %zu has no payload", i);
    if (signature.len == 0)
        return WEFT_FAIL(e, WEFT_INVALID, "transaction %zu has no signature", i);
    size_t plain = plain_len(payload) + plain_len(signature) + unknown;
    if (plain < tx.len)
        return WEFT_FAIL(e, WEFT_INVALID, "transaction %zu has %zu trailing bytes", i,
                         tx.len - plain);
    if (!in_order)
        return WEFT_FAIL(e, WEFT_INVALID, "transaction %zu does not match its raw form", i);
    return WEFT_OK;
}

static enum weft_code check_transactions(const struct block_view *block, int32_t first_type,
                                         struct weft_err *e)
{
    bool is_config = block->txs.count == 1 &&
                     (first_type == HEADER_CONFIG || first_type == HEADER_ORDERER_TRANSACTION);
    for (size_t i = 0; !is_config && i < block->txs.count; i++) {
        enum weft_code rc = check_well_formed(i, block->txs.at[i], e);
        if (rc != WEFT_OK)
            return weft_err_wrap(e, rc, "block has malformed transactions");
    }
    return WEFT_OK;
}

/* ---- the signatures ---------------------------------------------------------------------- */

static struct bytes signed_bytes(const struct metadata_view *m, struct bytes signature_header,
                                 struct bytes der, struct arena *arena)
{
    size_t len = m->value.len + signature_header.len + der.len, at = 0;
    uint8_t *to = arena_alloc(arena, len + 1);
    const struct bytes parts[] = { m->value, signature_header, der };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(parts); i++) {
        if (parts[i].len > 0)
            memcpy(to + at, parts[i].data, parts[i].len);
        at += parts[i].len;
    }
    return bytes_of(to, len);
}

static enum weft_code check_signatures(struct block_verifier *v, struct bundle *b,
                                       const struct block_view *block,
                                       const struct metadata_view *m, struct weft_err *e)
{
    WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
    WEFT_CLEANUP(buf_done) struct buf der = { 0 };
    struct signed_data set[LIMIT_POLICY_SIGNERS];
    struct weft_err why = { 0 };
    struct bytes item;
    size_t count = 0;
    block_header_der(block, &der);
    for (struct repeated r = m->signatures; repeated_next(&r, &item);) {
        struct metadata_signature s = metadata_signature_of(item);
        struct signature_header_view header;
        enum weft_code rc = signature_header_parse(s.signature_header, &header, &why);
        if (rc != WEFT_OK)
            return WEFT_FAIL(e, rc,
                             "Failed unmarshalling signature header for block with id [%" PRIu64
                             "] on channel [%s]: [%s]",
                             block->number, v->channel_id, why.msg);
        if (count < LIMIT_POLICY_SIGNERS)
            set[count++] = (struct signed_data){
                .data = signed_bytes(m, s.signature_header, buf_bytes(&der), &arena),
                .identity = header.creator,
                .signature = s.signature,
            };
    }
    turn_to_bundle(v, b);
    return bundle_evaluate(b, "/Channel/Orderer/BlockValidation", set, count, v->cache, v->tables,
                           e);
}

/* ---- the whole ---------------------------------------------------------------------------- */

static enum weft_code check_channel(const struct block_verifier *v, const struct block_view *block,
                                    int32_t *ret_type, struct weft_err *e)
{
    struct channel_header_view header;
    struct weft_err why = { 0 };
    enum weft_code rc = read_channel_header(block, &header, &why);
    if (rc != WEFT_OK)
        return WEFT_FAIL(e, rc,
                         "Failed getting channel id from block with id [%" PRIu64
                         "] on channel [%s]: [%s]",
                         block->number, v->channel_id, why.msg);
    if (!bytes_eq(header.channel_id, bytes_of_str(v->channel_id))) {
        WEFT_FREE char *given = bytes_dup_str(header.channel_id);
        return WEFT_FAIL(e, WEFT_INVALID,
                         "Invalid block's channel id. Expected [%s]. Given [%.200s]", v->channel_id,
                         given);
    }
    *ret_type = header.type;
    return WEFT_OK;
}

enum weft_code block_verify(struct block_verifier *v, struct bundle *b, uint64_t claimed,
                            const struct block *whole, struct weft_err *e)
{
    const struct block_view *block = &whole->v;
    struct metadata_view metadata;
    struct weft_err why = { 0 };
    int32_t first_type = 0;
    if (!block->has_header)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "Invalid Block on channel [%s]. Header must be different from nil.",
                         v->channel_id);
    if (claimed != block->number)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "Claimed seqNum is [%" PRIu64
                         "] but actual seqNum inside block is [%" PRIu64 "]",
                         claimed, block->number);
    WEFT_TRY(check_channel(v, block, &first_type, e));
    if (block->slots.count == 0)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "Block with id [%" PRIu64
                         "] on channel [%s] does not have metadata. Block not valid.",
                         block->number, v->channel_id);
    enum weft_code rc = block_metadata(block, BLOCK_SLOT_SIGNATURES, &metadata, &why);
    if (rc != WEFT_OK)
        return WEFT_FAIL(e, rc, "Failed unmarshalling medatata for signatures [%s]", why.msg);
    WEFT_TRY(check_transactions(block, first_type, e));
    struct digest hash = block_data_hash_of(whole);
    if (!bytes_eq(digest_bytes(&hash), block->data_hash))
        return WEFT_FAIL(e, WEFT_INVALID,
                         "Header.DataHash is different from Hash(block.Data) for block with id "
                         "[%" PRIu64 "] on channel [%s]",
                         block->number, v->channel_id);
    return check_signatures(v, b, block, &metadata, e);
}
