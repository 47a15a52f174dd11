#include "endorser/endorser.h"

#include "base/log.h"
#include "bundle/bundle.h"
#include "endorser/chaincode_info.h"
#include "endorser/go_words.h"
#include "endorser/peer_support.h"
#include "endorser/tx_simulator.h"
#include "kvledger/kv_ledger.h"
#include "msp/signing_identity.h"
#include "os/clock.h"
#include "proto/identity.h"
#include "proto/wire.h"
#include "state/state_db.h"

#include <inttypes.h>

LOG_DEFINE(logger, "endorser");

static const char syscc_version[] = "syscc";

enum {
    TX_ID_SHORT = 8 /* so much of a transaction's id is logged */
};

/* A proposal on its way. */
struct work {
    const struct endorser *en;
    struct proposal p;
    struct arena arena;
    struct peer_channel_view channel;
    bool has_channel;
    struct state_snapshot *snapshot;
    struct tx_simulator *simulator;
    struct state_reader reader;
    struct scc_reply response;
    struct buf results, payload;
    struct endorser_answer *ret;
};

static void work_done(struct work *w)
{
    tx_simulator_free(w->simulator);
    state_snapshot_free(w->snapshot);
    if (w->has_channel)
        peer_channel_view_done(&w->channel);
    scc_reply_done(&w->response);
    buf_done(&w->results);
    buf_done(&w->payload);
    arena_done(&w->arena);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct work, work_done)

void endorser_init(struct endorser *en, const struct endorser_config *config)
{
    en->config = *config;
    en->acl = (struct acl){ .support = config->support, .local_msp = config->local_msp };
}

void endorser_answer_done(struct endorser_answer *a)
{
    buf_done(&a->refusal);
    buf_done(&a->reply);
    free(WEFT_TAKE(a->facts.channel));
    free(WEFT_TAKE(a->facts.chaincode));
}

/* ---- answers ------------------------------------------------------------------------------- */

static void refuse(struct work *w, enum grpc_code code, const char *fmt, ...) WEFT_PRINTF(3, 4);
static void refuse(struct work *w, enum grpc_code code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    buf_vprintf(&w->ret->refusal, fmt, args);
    va_end(args);
    w->ret->code = code;
}

/* Response { 1 status, 2 message, 3 payload } */
static void put_response(const struct scc_reply *r, uint32_t number, struct buf *out)
{
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    if (r->status != 0)
        wire_put_varint(&b, 1, (uint64_t)r->status);
    if (r->message.len > 0)
        wire_put_bytes(&b, 2, buf_bytes(&r->message));
    if (r->payload.len > 0)
        wire_put_bytes(&b, 3, buf_bytes(&r->payload));
    wire_put_bytes(out, number, buf_bytes(&b));
}

/* ProposalResponse { 4 response } */
static void reply_without_payload(struct work *w)
{
    put_response(&w->response, 4, &w->ret->reply);
}

/* An answer whose status is 500, with what went wrong. */
static void fail(struct work *w, const char *fmt, ...) WEFT_PRINTF(2, 3);
static void fail(struct work *w, const char *fmt, ...)
{
    WEFT_CLEANUP(scc_reply_done) struct scc_reply r = { .status = SCC_ERROR };
    va_list args;
    va_start(args, fmt);
    buf_vprintf(&r.message, fmt, args);
    va_end(args);
    LOG_WARN(&logger,
             "Failed to invoke chaincode" LOG_KV "channel=%s" LOG_KV "chaincode=%s" LOG_KV
             "error=\"%.*s\"",
             w->ret->facts.channel, w->ret->facts.chaincode,
             (int)(r.message.len < 400 ? r.message.len : 400), (const char *)r.message.data);
    put_response(&r, 4, &w->ret->reply);
}

/* ---- before anything runs --------------------------------------------------------------------- */

/* Who signed, is he somebody, and did he? */
static enum weft_code check_creator(const struct work *w, struct weft_err *e)
{
    const struct proposal *p = &w->p;
    WEFT_CLEANUP(msp_identity_unref) struct msp_identity *id = NULL;
    struct serialized_identity who = { 0 };
    struct weft_err why = { 0 };
    const char *what = "access denied";
    enum weft_code rc = serialized_identity_parse(p->signer.creator, &who, NULL);
    if (rc != WEFT_OK)
        return WEFT_FAIL(e, WEFT_FORBIDDEN,
                         "access denied: channel [%.*s] creator org unknown, creator is malformed",
                         (int)p->channel.channel_id.len, (const char *)p->channel.channel_id.data);
    if (w->has_channel)
        rc = msp_manager_deserialize(bundle_msps(w->channel.bundle), p->signer.creator, &id, &why);
    else
        rc = msp_identity_deserialize(w->en->config.local_msp, p->signer.creator, &id, &why);
    if (rc == WEFT_OK) {
        what = "access denied: identity is not valid";
        rc = msp_identity_validate(id, &why);
    }
    if (rc == WEFT_OK) {
        what = "access denied: creator's signature over the proposal is not valid";
        rc = msp_identity_verify(id, NULL, p->bytes, p->signature, &why);
    }
    if (rc == WEFT_OK)
        return rc;
    LOG_WARN(&logger, "%s" LOG_KV "channel=%s" LOG_KV "error=\"%s\"", what, w->ret->facts.channel,
             why.msg);
    return WEFT_FAIL(e, WEFT_FORBIDDEN, "access denied: channel [%s] creator org [%.*s]",
                     w->ret->facts.channel, (int)(who.mspid.len < 200 ? who.mspid.len : 200),
                     (const char *)who.mspid.data);
}

/* False: it is in the ledger already. */
static bool check_is_new(struct work *w)
{
    int32_t code = 0;
    if (block_store_validation_code(kv_ledger_blocks(w->channel.ledger), w->p.channel.tx_id, &code,
                                    NULL) != WEFT_OK)
        return true;
    WEFT_FREE char *creator = bytes_to_hex(w->p.signer.creator);
    w->ret->facts.is_duplicate = true;
    refuse(w, GRPC_UNKNOWN, "duplicate transaction found [%.*s]. Creator [%s]",
           (int)w->p.channel.tx_id.len, (const char *)w->p.channel.tx_id.data, creator);
    return false;
}

static bool check_acl(struct work *w)
{
    struct signed_data by = proposal_signed_data(&w->p);
    struct weft_err e = { 0 };
    if (acl_check_on(w->channel.bundle, "peer/Propose", &by, &e) == WEFT_OK)
        return true;
    w->ret->facts.acl_failed = true;
    refuse(w, GRPC_UNKNOWN, "%s", e.msg);
    return false;
}

static bool pre_process(struct work *w)
{
    struct weft_err e = { 0 };
    enum weft_code rc = proposal_check(&w->p, &e);
    if (rc == WEFT_OK)
        rc = check_creator(w, &e);
    if (rc != WEFT_OK) {
        w->ret->facts.validation_failed = true;
        refuse(w, GRPC_UNKNOWN, "error validating proposal: %s", e.msg);
        return false;
    }
    return !w->has_channel ||
           (check_is_new(w) && (scc_find(w->p.chaincode) != SCC_NR || check_acl(w)));
}

/* ---- running it ---------------------------------------------------------------------------------- */

/* qscc and cscc read no state. */
static bool needs_state(const struct work *w)
{
    return w->has_channel && !bytes_eq(w->p.chaincode, bytes_of_str("qscc")) &&
           !bytes_eq(w->p.chaincode, bytes_of_str("cscc"));
}

/* False: the reply says why. */
static bool run(struct work *w, enum scc which)
{
    struct scc_call call = {
        .support = w->en->config.support,
        .acl = &w->en->acl,
        .proposal = &w->p,
        .by = proposal_signed_data(&w->p),
        .channel = w->has_channel ? &w->channel : NULL,
        .simulator = w->simulator,
        .mspid = w->en->config.mspid,
    };
    struct bytes id = w->p.channel.tx_id;
    const char *tx = (const char *)id.data;
    uint64_t start = clock_monotonic_ns();
    WEFT_FREE char *why = NULL;
    w->response.status = SCC_OK;
    if (w->p.is_init)
        why = weft_asprintf("failed to execute transaction %.*s: invalid invocation: chaincode "
                            "'%s' does not require initialization but called as init",
                            (int)id.len, tx, scc_name(which));
    else if (!w->en->config.enabled[which])
        why = weft_asprintf("failed to execute transaction %.*s: could not launch chaincode "
                            "%s.%s: it is not enabled",
                            (int)id.len, tx, scc_name(which), syscc_version);
    else
        scc_invoke(which, &call, &w->response);
    if (why == NULL && !wire_utf8(buf_bytes(&w->response.message)))
        why = weft_strdup("transaction returned with failure: failed to marshal response: proto: "
                          "field \"protos.Response.Message\" contains invalid UTF-8");
    LOG_INFO(&logger,
             "finished chaincode: %s duration: %" PRIu64 "ms" LOG_KV "channel=%s" LOG_KV
             "txID=%.*s",
             scc_name(which), (clock_monotonic_ns() - start) / 1000000, w->ret->facts.channel,
             TX_ID_SHORT, tx);
    if (why == NULL)
        return true;
    LOG_ERROR(&logger,
              "failed to invoke chaincode %s, error: %s" LOG_KV "channel=%s" LOG_KV "txID=%.*s",
              scc_name(which), why, w->ret->facts.channel, TX_ID_SHORT, tx);
    w->ret->facts.simulation_failed = true;
    fail(w, "error in simulation: %s", why);
    return false;
}

/* What was written privately is in the answer by its hash only.  False: the reply says why. */
static bool keep_private(struct work *w)
{
    const struct endorser_config *config = &w->en->config;
    WEFT_CLEANUP(buf_done) struct buf private = { 0 };
    WEFT_CLEANUP(buf_done) struct buf with_config = { 0 };
    struct weft_err e = { 0 };
    if (w->simulator != NULL)
        tx_simulator_private_results(w->simulator, &private);
    if (private.len == 0)
        return true;
    struct private_set set = {
        .tx_id = w->p.channel.tx_id,
        .height = block_store_height(kv_ledger_blocks(w->channel.ledger)),
        .bytes = buf_bytes(&private),
    };
    enum weft_code rc =
        private_set_add_config(&set, config->mspid, &config->implicit, &with_config, &e);
    if (rc == WEFT_OK && config->keep_private == NULL)
        rc = WEFT_FAIL(&e, WEFT_UNAVAILABLE, "this peer keeps no private data");
    if (rc == WEFT_OK)
        rc = config->keep_private(config->keep_ctx, &w->channel, &set, &e);
    if (rc == WEFT_OK)
        return true;
    w->ret->facts.simulation_failed = true;
    fail(w, "error in simulation: %s", e.msg);
    return false;
}

/* ChaincodeAction { 1 results, 3 response, 4 ChaincodeID { 2 name, 3 version } }
 * in ProposalResponsePayload { 1 proposal_hash, 2 extension } */
static void make_payload(struct work *w)
{
    WEFT_CLEANUP(buf_done) struct buf action = { 0 };
    WEFT_CLEANUP(buf_done) struct buf id = { 0 };
    if (w->simulator != NULL)
        tx_simulator_results(w->simulator, &w->results);
    if (w->results.len > 0)
        wire_put_bytes(&action, 1, buf_bytes(&w->results));
    put_response(&w->response, 3, &action);
    wire_put_bytes(&id, 2, w->p.chaincode);
    wire_put_bytes(&id, 3, bytes_of_str(syscc_version));
    wire_put_bytes(&action, 4, buf_bytes(&id));
    wire_put_bytes(&w->payload, 1, digest_bytes(&w->p.hash));
    wire_put_bytes(&w->payload, 2, buf_bytes(&action));
}

/* ProposalResponse { 1 version, 4 response, 5 payload, 6 Endorsement { 1 endorser, 2 signature } } */
static void endorse(struct work *w)
{
    struct bytes me = signing_identity_bytes(w->en->config.me);
    WEFT_CLEANUP(buf_done) struct buf message = { 0 };
    WEFT_CLEANUP(buf_done) struct buf signature = { 0 };
    WEFT_CLEANUP(buf_done) struct buf endorsement = { 0 };
    struct weft_err e = { 0 };
    buf_put(&message, buf_bytes(&w->payload));
    buf_put(&message, me);
    if (signing_identity_sign(w->en->config.me, buf_bytes(&message), &signature, &e) != WEFT_OK) {
        w->ret->facts.endorsement_failed = true;
        fail(w, "endorsing with plugin failed: %s", e.msg);
        return;
    }
    wire_put_bytes(&endorsement, 1, me);
    wire_put_bytes(&endorsement, 2, buf_bytes(&signature));
    wire_put_varint(&w->ret->reply, 1, 1);
    put_response(&w->response, 4, &w->ret->reply);
    wire_put_bytes(&w->ret->reply, 5, buf_bytes(&w->payload));
    wire_put_bytes(&w->ret->reply, 6, buf_bytes(&endorsement));
    w->ret->facts.success = true;
}

static void answer(struct work *w)
{
    struct endorser_facts *facts = &w->ret->facts;
    make_payload(w);
    if (w->response.status >= SCC_ERROR) {
        put_response(&w->response, 4, &w->ret->reply);
        wire_put_bytes(&w->ret->reply, 5, buf_bytes(&w->payload));
    } else if (!w->has_channel) {
        reply_without_payload(w);
    } else if (w->response.status >= SCC_ERROR_THRESHOLD) {
        facts->endorsement_failed = facts->by_chaincode = true;
        reply_without_payload(w);
    } else {
        endorse(w);
    }
    facts->success |= !w->has_channel; /* as Fabric counts: nobody could have endorsed it */
}

static void process(struct work *w)
{
    struct weft_err e = { 0 };
    enum scc which = scc_find(w->p.chaincode);
    w->ret->facts.took_part = true;
    if (needs_state(w)) {
        w->snapshot = kv_ledger_snapshot(w->channel.ledger);
        w->reader = state_snapshot_reader(w->snapshot);
        w->simulator = tx_simulator_new(&w->reader);
    }
    if (which == SCC_NR) {
        chaincode_info_refusal(w->has_channel ? w->channel.bundle : NULL, w->simulator,
                               w->p.chaincode, &e);
        fail(w,
             "make sure the chaincode %s has been successfully defined on channel %s and try "
             "again: %s",
             w->ret->facts.chaincode, w->ret->facts.channel, e.msg);
        return;
    }
    if (run(w, which) && keep_private(w))
        answer(w);
}

/* ---- from the beginning ----------------------------------------------------------------------------- */

/* False: it is refused.  As the filters before the endorser: DefaultAuth lets everybody
 * through, then ExpirationCheck, then, while ledgers are rebuilt, nobody. */
static bool pass_filters(struct work *w, struct bytes request, int64_t now_ns)
{
    const struct peer_support *support = w->en->config.support;
    struct weft_err e = { 0 };
    if (proposal_open(request, &w->p, &e) != WEFT_OK) {
        refuse(w, GRPC_INTERNAL, "%s", e.msg);
        return false;
    }
    if (!w->en->config.any_age && proposal_check_expiry(&w->p, now_ns, &e) != WEFT_OK) {
        refuse(w, GRPC_UNKNOWN, "%s", e.msg);
        return false;
    }
    if (support->is_rebuilding(support->ctx)) {
        refuse(w, GRPC_UNKNOWN, "endorse requests are blocked while ledgers are being rebuilt");
        return false;
    }
    return true;
}

/* False: there is no such channel. */
static bool find_channel(struct work *w)
{
    const struct peer_support *support = w->en->config.support;
    struct bytes id = w->p.channel.channel_id;
    if (id.len == 0)
        return true;
    w->has_channel = support->find(support->ctx, id, &w->channel);
    if (w->has_channel)
        return true;
    w->response.status = SCC_ERROR;
    buf_printf(&w->response.message, "channel '%s' not found", w->ret->facts.channel);
    reply_without_payload(w);
    return false;
}

void endorser_process(const struct endorser *en, struct bytes request, int64_t now_ns,
                      struct endorser_answer *ret)
{
    WEFT_CLEANUP(work_done) struct work w = { .en = en, .ret = ret };
    struct weft_err e = { 0 };
    *ret = (struct endorser_answer){ .code = GRPC_OK };
    if (!pass_filters(&w, request, now_ns))
        return;
    if (proposal_unpack(&w.p, &w.arena, &e) != WEFT_OK) {
        ret->facts.validation_failed = true;
        refuse(&w, GRPC_UNKNOWN, "%s", e.msg);
        return;
    }
    ret->facts.channel = bytes_dup_str(w.p.channel.channel_id);
    ret->facts.chaincode = bytes_dup_str(w.p.chaincode);
    if (find_channel(&w) && pre_process(&w))
        process(&w);
}
