#include "orderer/participation.h"

#include "base/limits.h"
#include "base/log.h"
#include "channel/config_update.h"
#include "ops/multipart.h"
#include "proto/block.h"
#include "proto/envelope.h"

#include <inttypes.h>

LOG_DEFINE(logger, "orderer.commmon.channelparticipation");

#define CHANNELS PARTICIPATION_PATH "channels"

enum {
    PARTS_MAX = 4
};

/* ---- answers ------------------------------------------------------------------------ */

static void answer_error(struct http_response *rs, unsigned status, const char *why)
{
    http_answer_error(rs, status, "error", why);
    buf_put_str(&rs->body, "\n");
}

static void answer_not_allowed(struct http_response *rs, const char *why, const char *allow)
{
    answer_error(rs, 405, why);
    http_add_header(rs, "Allow", allow);
}

/* What join or remove said no to.  allow_again: what may still be done about a
 * channel that is there. */
static void answer_refused(struct http_response *rs, enum participation what,
                           const struct weft_err *e)
{
    LOG_DEBUG(&logger, "Refused: %s", e->msg);
    if (e->code == WEFT_CANCELLED) {
        answer_error(rs, 503, e->msg);
        return;
    }
    switch (what) {
    case PARTICIPATION_SYSTEM_CHANNEL_EXISTS:
        answer_not_allowed(rs, e->msg, "GET");
        break;
    case PARTICIPATION_CHANNEL_EXISTS:
        answer_not_allowed(rs, e->msg, "GET, DELETE");
        break;
    case PARTICIPATION_APP_CHANNELS_EXIST:
        answer_error(rs, 403, e->msg);
        break;
    case PARTICIPATION_NO_SUCH_CHANNEL:
        answer_error(rs, 404, e->msg);
        break;
    case PARTICIPATION_OK:
    case PARTICIPATION_REFUSED:
        answer_error(rs, 400, e->msg);
        break;
    }
}

static void put_name(struct buf *out, const char *name)
{
    buf_put_str(out, "{\"name\":");
    http_put_json_string(out, bytes_of_str(name));
    buf_put_str(out, ",\"url\":");
    WEFT_FREE char *url = weft_asprintf(CHANNELS "/%s", name);
    http_put_json_string(out, bytes_of_str(url));
}

static void put_info(struct buf *out, const struct channel_info *c)
{
    put_name(out, c->name);
    buf_printf(out, ",\"consensusRelation\":\"%s\",\"status\":\"%s\",\"height\":%" PRIu64 "}\n",
               c->relation, c->status, c->height);
}

/* ---- list ------------------------------------------------------------------------------ */

static void put_list(struct buf *out, const struct channel_infos *l)
{
    size_t n = 0;
    bool has_system = false;
    buf_put_str(out, "{\"systemChannel\":");
    for (size_t i = 0; i < l->count; i++)
        if (l->at[i].is_system) {
            put_name(out, l->at[i].name);
            buf_put_str(out, "}");
            has_system = true;
        }
    buf_put_str(out, has_system ? ",\"channels\":" : "null,\"channels\":");
    for (size_t i = 0; i < l->count; i++) {
        if (l->at[i].is_system)
            continue;
        buf_put_str(out, n++ == 0 ? "[" : ",");
        put_name(out, l->at[i].name);
        buf_put_str(out, "}");
    }
    buf_put_str(out, n == 0 ? "null}\n" : "]}\n");
}

static void list(const struct participation_api *api, const char *only, struct http_response *rs)
{
    WEFT_CLEANUP(channel_infos_done) struct channel_infos l = { 0 };
    struct weft_err e = { 0 };
    enum participation rc = api->deps.list(api->deps.ctx, only, &l, &e);
    if (rc != PARTICIPATION_OK) {
        answer_refused(rs, rc, &e);
        return;
    }
    if (only != NULL && l.count == 0) {
        answer_error(rs, 404, "channel does not exist");
        return;
    }
    struct buf *out = http_answer_json(rs, 200);
    http_add_header(rs, "Cache-Control", "no-store");
    if (only != NULL)
        put_info(out, &l.at[0]);
    else
        put_list(out, &l);
}

/* ---- join ------------------------------------------------------------------------------- */

/* The one file of the form. */
static enum weft_code read_form(const struct http_request *rq, struct bytes *ret_block,
                                struct weft_err *e)
{
    struct multipart_part parts[PARTS_MAX];
    struct bytes boundary = { 0 };
    const struct multipart_part *block = NULL;
    size_t count = 0;
    enum weft_code rc = multipart_boundary(rq->content_type, &boundary, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "cannot parse Mime media type");
    rc = rq->body_is_cut ? WEFT_FAIL(e, WEFT_LIMIT, "http: request body too large")
                         : multipart_parse(boundary, rq->body, parts, PARTS_MAX, &count, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "cannot read form from request body");
    for (size_t i = 0; i < count; i++)
        if (parts[i].is_file && bytes_eq(parts[i].name, bytes_of_str("config-block")))
            block = &parts[i];
    if (block == NULL)
        return WEFT_FAIL(e, WEFT_INVALID, "form does not contains part key: config-block");
    if (count != 1)
        return WEFT_FAIL(e, WEFT_INVALID, "form contains too many parts");
    *ret_block = block->data;
    return WEFT_OK;
}

/* Which channel a block is of; whether it may be joined is the registrar's to say. */
static enum weft_code read_channel(struct bytes block, char **ret_id, struct weft_err *e)
{
    WEFT_CLEANUP(block_view_done) struct block_view v = { 0 };
    struct envelope_headers h;
    enum weft_code rc = block_view_parse(&v, block, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "cannot unmarshal file part config-block into a block");
    if (v.txs.count != 1 || envelope_headers_parse(v.txs.at[0], &h, NULL) != WEFT_OK ||
        (h.channel.type != HEADER_CONFIG && h.channel.type != HEADER_ORDERER_TRANSACTION))
        return WEFT_FAIL(e, WEFT_INVALID, "invalid join block: block is not a config block");
    rc = channel_id_check(h.channel.channel_id, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "invalid join block");
    *ret_id = bytes_dup_str(h.channel.channel_id);
    return WEFT_OK;
}

static void join(const struct participation_api *api, const struct http_request *rq,
                 struct http_response *rs)
{
    WEFT_FREE char *id = NULL;
    WEFT_CLEANUP(channel_infos_done) struct channel_infos l = { 0 };
    struct bytes block = { 0 };
    struct weft_err e = { 0 };
    if (read_form(rq, &block, &e) != WEFT_OK || read_channel(block, &id, &e) != WEFT_OK) {
        answer_error(rs, 400, e.msg);
        return;
    }
    enum participation rc = api->deps.join(api->deps.ctx, id, block, &e);
    if (rc == PARTICIPATION_OK)
        rc = api->deps.list(api->deps.ctx, id, &l, &e);
    if (rc != PARTICIPATION_OK) {
        answer_refused(rs, rc, &e);
        return;
    }
    if (l.count == 0) { /* somebody was quick to remove it */
        answer_error(rs, 404, "channel does not exist");
        return;
    }
    WEFT_FREE char *url = weft_asprintf(CHANNELS "/%s", id);
    http_add_header(rs, "Location", url);
    put_info(http_answer_json(rs, 201), &l.at[0]);
    LOG_DEBUG(&logger, "Successfully joined channel: %s", url);
}

/* ---- remove -------------------------------------------------------------------------------- */

static void leave(const struct participation_api *api, const char *id, struct http_response *rs)
{
    struct weft_err e = { 0 };
    enum participation rc = api->deps.remove(api->deps.ctx, id, &e);
    if (rc == PARTICIPATION_OK) {
        LOG_DEBUG(&logger, "Successfully removed channel: %s", id);
        rs->status = 204;
        return;
    }
    answer_refused(rs, rc, &e);
}

/* ---- who is asked what ----------------------------------------------------------------------- */

static bool is_method(const struct http_request *rq, const char *method)
{
    return strcmp(rq->method, method) == 0;
}

static bool takes_json(const struct http_request *rq)
{
    const char *a = rq->accept;
    return a == NULL || a[0] == '\0' || strstr(a, "application/json") != NULL ||
           strstr(a, "application/*") != NULL || strstr(a, "*/*") != NULL;
}

static void bad_method(const struct http_request *rq, const char *allow, struct http_response *rs)
{
    WEFT_FREE char *why = weft_asprintf("invalid request method: %.100s", rq->method);
    answer_not_allowed(rs, why, allow);
}

static void answer_channels(const struct participation_api *api, const struct http_request *rq,
                            struct http_response *rs)
{
    bool form = rq->content_type != NULL && strstr(rq->content_type, "multipart/form-dat") != NULL;
    bool get = is_method(rq, "GET"), post = is_method(rq, "POST");
    if (!get && !post) {
        bad_method(rq, "GET, POST", rs);
    } else if (post && !form) {
        WEFT_FREE char *why = weft_asprintf("unsupported Content-Type: [%.200s]",
                                            rq->content_type != NULL ? rq->content_type : "");
        answer_error(rs, 400, why);
    } else if (!takes_json(rq)) {
        answer_error(rs, 406, "response Content-Type is application/json only");
    } else if (get) {
        list(api, NULL, rs);
    } else {
        join(api, rq, rs);
    }
}

static void answer_channel(const struct participation_api *api, const struct http_request *rq,
                           const char *id, struct http_response *rs)
{
    struct weft_err e = { 0 };
    bool get = is_method(rq, "GET");
    if (!get && !is_method(rq, "DELETE")) {
        bad_method(rq, "GET, DELETE", rs);
        return;
    }
    if (!takes_json(rq)) {
        answer_error(rs, 406, "response Content-Type is application/json only");
        return;
    }
    enum weft_code rc = channel_id_check(bytes_of_str(id), &e);
    if (rc != WEFT_OK) {
        WEFT_IGNORE(weft_err_wrap(&e, rc, "invalid channel ID")); /* told in the next line */
        answer_error(rs, 400, e.msg);
        return;
    }
    if (get)
        list(api, id, rs);
    else
        leave(api, id, rs);
}

void participation_answer(void *ctx, const struct http_request *rq, struct http_response *rs)
{
    const struct participation_api *api = ctx;
    static const char below[] = CHANNELS "/";
    const char *id =
        strncmp(rq->path, below, sizeof(below) - 1) == 0 ? rq->path + sizeof(below) - 1 : NULL;
    if (!api->enabled) {
        answer_error(rs, 503, "channel participation API is disabled");
    } else if (strcmp(rq->path, CHANNELS) == 0) {
        answer_channels(api, rq, rs);
    } else if (id != NULL && id[0] != '\0' && strchr(id, '/') == NULL) {
        answer_channel(api, rq, id, rs);
    } else if (strcmp(rq->path, PARTICIPATION_PATH) == 0 && is_method(rq, "GET")) {
        rs->status = 302;
        http_add_header(rs, "Location", CHANNELS);
        http_add_header(rs, "Content-Type", "text/html; charset=utf-8");
        buf_put_str(&rs->body, "<a href=\"" CHANNELS "\">Found</a>.\n\n");
    } else {
        http_answer_not_found(rs);
    }
}
