#include "orderer/msg_processor.h"

#include "channel/config_envelope.h"
#include "channel/config_group.h"
#include "msp/signed_envelope.h"
#include "orderer/channel_template.h"
#include "orderer/etcdraft_metadata.h"
#include "orderer/maintenance_filter.h"
#include "orderer/msg_filter.h"

#include <inttypes.h>

static const int64_t second_ns = 1000000000;

enum msg_class msg_classify(int32_t header_type)
{
    switch (header_type) {
    case HEADER_CONFIG_UPDATE:
        return MSG_CONFIG_UPDATE;
    case HEADER_CONFIG:
    case HEADER_ORDERER_TRANSACTION:
        return MSG_CONFIG;
    default:
        return MSG_NORMAL;
    }
}

/* ---- filters ---------------------------------------------------------------------------------- */

static enum weft_code run_filters(const struct msg_processor *p, const struct msg_update *u,
                                  struct bytes envelope, struct weft_err *e)
{
    struct msg_filter_config config = { .no_expiration_checks = p->no_expiration_checks,
                                        .now_s = u->now_ns / second_ns };
    struct msg_view m;
    msg_view_of(envelope, &m);
    return msg_filter_all(u->now, &m, &config, e);
}

static enum weft_code wrap(const struct msg_processor *p, const struct msg_update *u,
                           enum header_type type, const char *channel_id, struct bytes data,
                           struct buf *ret, struct weft_err *e)
{
    struct envelope_plan plan = {
        .type = type, .channel_id = channel_id, .now_ns = u->now_ns, .data = data
    };
    return signed_envelope(p->signer, &plan, ret, e);
}

/* Failures of an update itself are the client's fault, whichever they are. */
static enum weft_code as_invalid(struct weft_err *e, enum weft_code rc)
{
    if (e != NULL)
        e->code = WEFT_INVALID;
    return rc == WEFT_OK ? rc : WEFT_INVALID;
}

/* ---- another configuration for a channel ------------------------------------------------------- */

static enum weft_code bundle_of_config(const char *channel_id, struct bytes config_envelope,
                                       struct bundle **ret, struct weft_err *e)
{
    struct config_envelope_view v = { 0 };
    WEFT_TRY(config_envelope_parse(config_envelope, &v, e));
    return bundle_new(channel_id, v.sequence, v.channel_group, ret, e);
}

static enum weft_code check_resources(const struct bundle *next, struct weft_err *e)
{
    const struct bundle_orderer *o = bundle_orderer(next);
    bundle_log_sanity(next);
    if (o == NULL)
        return WEFT_FAIL(e, WEFT_INVALID, "config does not contain orderer config");
    const char *level = o->capabilities.unsupported != NULL ? "orderer" : "channel";
    struct weft_err why;
    if (bundle_check_supported_by_orderer(next, &why) == WEFT_OK)
        return WEFT_OK;
    return WEFT_FAIL(e, WEFT_INVALID, "config requires unsupported %s capabilities: %s: %s", level,
                     why.msg, why.msg); /* twice, as there */
}

/* The ConfigEnvelope that the update leads to, and the bundle of it. */
static enum weft_code propose(const struct msg_update *u, struct buf *ret_config,
                              struct bundle **ret_next, struct weft_err *e)
{
    WEFT_CLEANUP(bundle_unref) struct bundle *next = NULL;
    WEFT_TRY(bundle_propose(u->now, u->envelope, ret_config, e));
    WEFT_TRY(bundle_of_config(bundle_channel_id(u->now), buf_bytes(ret_config), &next, e));
    enum weft_code rc = check_resources(next, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "config update is not compatible");
    WEFT_TRY(bundle_check_next(u->now, next, e));
    rc = etcdraft_check_update(u->now, next, false, u->now_ns / second_ns, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc,
                             "consensus metadata update for channel config update is invalid");
    *ret_next = WEFT_TAKE(next);
    return WEFT_OK;
}

static enum weft_code process_existing(const struct msg_processor *p, const struct msg_update *u,
                                       struct buf *ret, struct weft_err *e)
{
    static const char existing[] = "config update for existing channel did not pass";
    const char *id = bundle_channel_id(u->now);
    WEFT_CLEANUP(buf_done) struct buf config = { 0 };
    WEFT_CLEANUP(buf_done) struct buf envelope = { 0 };
    WEFT_CLEANUP(bundle_unref) struct bundle *next = NULL;
    enum weft_code rc = run_filters(p, u, u->envelope, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "%s initial checks", existing);
    rc = propose(u, &config, &next, e);
    if (rc != WEFT_OK)
        return as_invalid(
            e, weft_err_wrap(e, rc, "error applying config update to existing channel '%s'", id));
    WEFT_TRY(wrap(p, u, HEADER_CONFIG, id, buf_bytes(&config), &envelope, e));
    rc = run_filters(p, u, buf_bytes(&envelope), e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "%s final checks", existing);
    rc = maintenance_filter(u->now, next, u->envelope, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "%s maintenance checks: config transaction inspection failed",
                             existing);
    buf_put(ret, buf_bytes(&envelope));
    return WEFT_OK;
}

/* ---- a new channel ------------------------------------------------------------------------------- */

/* What an orderer asks of a transaction that makes a channel (systemchannelfilter.go).
 * That its content is what the update leads to is so here: we have just made it. */
static enum weft_code check_creation(const struct msg_update *u, const struct bundle *template,
                                     const char *id, struct bytes config, struct weft_err *e)
{
    const struct bundle_orderer *o = bundle_orderer(u->now);
    WEFT_CLEANUP(bundle_unref) struct bundle *next = NULL;
    if (o->max_channels > 0 && u->channels > o->max_channels)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "channel creation would exceed maximimum number of channels: %" PRIu64,
                         o->max_channels);
    if (o->consensus_state != CONSENSUS_NORMAL)
        return WEFT_FAIL(e, WEFT_UNAVAILABLE,
                         "channel creation is not permitted: maintenance mode");
    enum weft_code rc = bundle_of_config(id, config, &next, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "config does not validly parse");
    rc = bundle_check_next(template, next, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "new bundle invalid");
    if (bundle_orderer(next) == NULL)
        return WEFT_FAIL(e, WEFT_INVALID, "config is missing orderer group");
    rc = etcdraft_check_update(u->now, next, true, u->now_ns / second_ns, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "consensus metadata update for channel creation is invalid");
    rc = bundle_check_supported_by_orderer(next, e);
    return rc == WEFT_OK ? rc : weft_err_wrap(e, rc, "config update is not compatible");
}

static enum weft_code process_creation(const struct msg_processor *p, const struct msg_update *u,
                                       const char *id, struct buf *ret, struct weft_err *e)
{
    WEFT_CLEANUP(bundle_unref) struct bundle *template = NULL;
    WEFT_CLEANUP(buf_done) struct buf config = { 0 };
    WEFT_CLEANUP(buf_done) struct buf inner = { 0 };
    WEFT_CLEANUP(buf_done) struct buf outer = { 0 };
    WEFT_TRY(channel_template(u->now, u->envelope, &template, e));
    enum weft_code rc = bundle_propose(template, u->envelope, &config, e);
    if (rc != WEFT_OK)
        return as_invalid(e, weft_err_wrap(e, rc,
                                           "error validating channel creation transaction for new "
                                           "channel '%s', could not successfully apply update to "
                                           "template configuration",
                                           id));
    WEFT_TRY(wrap(p, u, HEADER_CONFIG, id, buf_bytes(&config), &inner, e));
    WEFT_TRY(wrap(p, u, HEADER_ORDERER_TRANSACTION, bundle_channel_id(u->now), buf_bytes(&inner),
                  &outer, e));
    WEFT_TRY(run_filters(p, u, buf_bytes(&outer), e));
    WEFT_TRY(check_creation(u, template, id, buf_bytes(&config), e));
    buf_put(ret, buf_bytes(&outer));
    return WEFT_OK;
}

enum weft_code msg_process_update(const struct msg_processor *p, const struct msg_update *u,
                                  struct buf *ret, struct weft_err *e)
{
    struct envelope_headers h = { 0 };
    WEFT_TRY(envelope_headers_parse(u->envelope, &h, e));
    if (bytes_eq(h.channel.channel_id, bytes_of_str(bundle_channel_id(u->now))))
        return process_existing(p, u, ret, e);
    WEFT_FREE char *id = bytes_dup_str(h.channel.channel_id);
    return process_creation(p, u, id, ret, e);
}

/* ---- once more ------------------------------------------------------------------------------------ */

/* The update inside a CONFIG envelope, or inside the one in an ORDERER_TRANSACTION. */
static enum weft_code update_within(struct bytes envelope, struct bytes *ret, struct weft_err *e)
{
    struct envelope_headers h = { 0 };
    struct config_envelope_view v = { 0 };
    WEFT_TRY(envelope_headers_parse(envelope, &h, e));
    if (h.channel.type == HEADER_ORDERER_TRANSACTION)
        WEFT_TRY(envelope_headers_parse(h.payload.data, &h, e));
    if (h.channel.type != HEADER_CONFIG)
        return WEFT_FAIL(e, WEFT_INVALID, "unexpected envelope type %d", (int)h.channel.type);
    WEFT_TRY(config_envelope_parse(h.payload.data, &v, e));
    *ret = v.last_update;
    return WEFT_OK;
}

enum weft_code msg_reprocess(const struct msg_processor *p, enum order_kind kind,
                             const struct msg_update *u, struct buf *ret, struct weft_err *e)
{
    struct msg_update again = *u;
    if (kind == ORDER_NORMAL) {
        WEFT_TRY(msg_filter_maintenance(u->now, e));
        return run_filters(p, u, u->envelope, e);
    }
    WEFT_TRY(update_within(u->envelope, &again.envelope, e));
    return msg_process_update(p, &again, ret, e);
}
