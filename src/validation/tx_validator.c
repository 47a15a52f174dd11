#include "validation/tx_validator.h"

#include "base/log.h"
#include "bundle/bundle.h"
#include "msp/msp_manager.h"
#include "proto/block.h"
#include "validation/block_validation.h"
#include "validation/dispatch.h"
#include "validation/lscc_rules.h"

LOG_DEFINE(logger, "committer.txvalidator");

struct tx_validator {
    struct tx_validator_deps deps;
    struct policy_judge *judge; /* of the bundle that was last; NULL: none yet */
};

struct tx_validator *tx_validator_new(const struct tx_validator_deps *deps)
{
    struct tx_validator *tv = weft_alloc(sizeof(*tv));
    tv->deps = *deps;
    return tv;
}

void tx_validator_free(struct tx_validator *tv)
{
    if (tv == NULL)
        return;
    policy_judge_free(tv->judge);
    free(tv);
}

/* ---- one transaction ------------------------------------------------------------------------------ */

/* One whose header names another channel: its creator is looked up there. */
static bool foreign_creator_is_good(const struct tx_validator *tv, const struct block_tx *tx,
                                    struct tx_endorser *ret)
{
    const struct tx_check *c = &tx->check;
    struct msp_manager *m =
        tv->deps.msps_of != NULL ? tv->deps.msps_of(tv->deps.ctx, c->channel_id) : NULL;
    WEFT_CLEANUP(msp_identity_unref) struct msp_identity *id = NULL;
    *ret = (struct tx_endorser){ .serialized = c->creator };
    return m != NULL && c->signature.data != NULL &&
           msp_manager_deserialize(m, c->creator, &id, NULL) == WEFT_OK &&
           msp_identity_validate(id, NULL) == WEFT_OK &&
           msp_identity_verify(id, NULL, c->payload, c->signature, NULL) == WEFT_OK;
}

static enum weft_code decide_endorsed(struct judgement *j, const struct block_tx *tx,
                                      enum tx_validation_code *ret, struct weft_err *e)
{
    bool is_known = false;
    WEFT_TRY(j->state->has_tx_id(j->state->ctx, tx->check.tx_id, &is_known, e));
    *ret = is_known ? TX_DUPLICATE_TXID : tx->check.code_in_turn;
    if (*ret != TX_VALID)
        return WEFT_OK;
    return j->rules.v20 ? dispatch_v20(j, tx, ret, e) : dispatch_v14(j, tx, ret, e);
}

static enum weft_code decide_one(const struct tx_validator *tv, struct judgement *j,
                                 const struct block *b, size_t i, const struct block_tx *tx,
                                 enum tx_validation_code *ret, struct weft_err *e)
{
    struct tx_endorser creator;
    *ret = tx->check.code;
    if (*ret != TX_VALID)
        return WEFT_OK;
    *ret = TX_BAD_CREATOR_SIGNATURE;
    if (tx->is_foreign ? !foreign_creator_is_good(tv, tx, &creator) : !tx->creator_is_good)
        return WEFT_OK;
    *ret = tx->check.code_after_creator;
    if (*ret != TX_VALID)
        return WEFT_OK;
    if (tx->check.type == HEADER_ENDORSER_TRANSACTION)
        return decide_endorsed(j, tx, ret, e);
    enum weft_code rc = tv->deps.apply_config(tv->deps.ctx, b, i, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "error validating config which passed initial validity checks");
    return WEFT_OK;
}

/* ---- the block's own rules ---------------------------------------------------------------------------- */

static void mark_duplicates(const struct block_validation *v, size_t count, uint8_t *codes)
{
    WEFT_CLEANUP(byte_map_done) struct byte_map seen = { 0 };
    for (size_t i = 0; i < count; i++) {
        struct bytes id = block_validation_tx(v, i)->tx_id;
        if (codes[i] != TX_VALID || id.len == 0)
            continue;
        void **at = byte_map_at(&seen, id);
        if (*at != NULL)
            codes[i] = TX_DUPLICATE_TXID;
        *at = codes;
    }
}

/* A chaincode's name and its channel's, as one key. */
static struct bytes chaincode_key(struct judgement *j, struct bytes name, struct bytes channel)
{
    uint8_t *key = arena_alloc(&j->arena, name.len + 1 + channel.len);
    memcpy(key, name.data, name.len);
    key[name.len] = '/';
    if (channel.len > 0)
        memcpy(key + name.len + 1, channel.data, channel.len);
    return bytes_of(key, name.len + 1 + channel.len);
}

/* 1.4: of several upgrades of a chaincode the last one counts, and nobody who invokes it.
 * `codes` as they were before duplicates were looked for are in `own`. */
static void mark_upgraded(struct judgement *j, const struct block_validation *v, size_t count,
                          const uint8_t *own, uint8_t *codes)
{
    WEFT_CLEANUP(byte_map_done) struct byte_map upgrades = { 0 };
    for (size_t i = 0; i < count; i++) {
        const struct block_tx *tx = block_validation_signed_tx(v, i);
        if (own[i] != TX_VALID || !bytes_eq(tx->check.chaincode, bytes_of_str("lscc")))
            continue;
        struct bytes name = lscc_upgraded_chaincode(tx, &j->arena);
        if (name.len == 0)
            continue;
        void **at = byte_map_at(&upgrades, chaincode_key(j, name, tx->check.channel_id));
        if (*at != NULL)
            *(uint8_t *)*at = TX_CHAINCODE_VERSION_CONFLICT;
        *at = &codes[i];
    }
    for (size_t i = 0; i < count && upgrades.count > 0; i++) {
        const struct tx_check *c = block_validation_tx(v, i);
        if (codes[i] != TX_VALID || c->chaincode.len == 0)
            continue;
        if (byte_map_find(&upgrades, chaincode_key(j, c->chaincode, c->channel_id)) != NULL)
            codes[i] = TX_CHAINCODE_VERSION_CONFLICT;
    }
}

static void mark_conflicts(struct judgement *j, const struct block_validation *v, size_t count,
                           uint8_t *codes)
{
    if (j->rules.v20) {
        mark_duplicates(v, count, codes);
        return;
    }
    uint8_t *own = arena_alloc(&j->arena, count);
    memcpy(own, codes, count);
    if (j->capabilities->forbid_duplicate_txid_in_block)
        mark_duplicates(v, count, codes);
    mark_upgraded(j, v, count, own, codes);
}

/* ---- the whole block ---------------------------------------------------------------------------------- */

static enum weft_code decide_all(const struct tx_validator *tv, struct judgement *j,
                                 const struct block_validation *v, uint8_t *codes,
                                 struct weft_err *e)
{
    const struct block *b = block_validation_block(v);
    size_t count = b->v.txs.count;
    for (size_t i = 0; i < count; i++) {
        enum tx_validation_code code = TX_NOT_VALIDATED;
        const struct block_tx *tx = block_validation_signed_tx(v, i);
        enum weft_code rc = decide_one(tv, j, b, i, tx, &code, e);
        if (rc != WEFT_OK)
            return weft_err_wrap(e, rc, "transaction %zu in block %llu", i,
                                 (unsigned long long)b->v.number);
        codes[i] = (uint8_t)code;
        if (code != TX_VALID)
            LOG_DEBUG(&logger, "Invalid transaction with index %zu: %s", i,
                      tx_validation_code_name(code));
    }
    if (count > 0)
        mark_conflicts(j, v, count, codes);
    return WEFT_OK;
}

enum weft_code tx_validator_decide(struct tx_validator *tv, const struct block_validation *v,
                                   const struct validation_state *state, uint8_t *codes,
                                   struct weft_err *e)
{
    struct bundle *b = block_validation_bundle(v);
    if (tv->judge == NULL || policy_judge_bundle(tv->judge) != b) {
        policy_judge_free(tv->judge);
        tv->judge = policy_judge_new(b);
    }
    struct judgement j = {
        .judge = tv->judge,
        .lifecycle = lifecycle_state_new(b, state),
        .state = state,
        .capabilities = &bundle_application(b)->capabilities,
    };
    j.rules = tx_rules_of(j.capabilities);
    enum weft_code rc = decide_all(tv, &j, v, codes, e);
    judgement_done(&j);
    return rc;
}
