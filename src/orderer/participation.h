/* participation.h - joining and leaving channels by HTTP, as osnadmin does it.
 *
 *     GET    /participation/v1/channels        200 {"systemChannel":null,"channels":[...]}
 *     POST   /participation/v1/channels        201, form with the file "config-block"
 *     GET    /participation/v1/channels/foo    200 {"name":"foo","url":...,"height":1}, 404
 *     DELETE /participation/v1/channels/foo    204, 404
 *
 * What it may not do now is 405 with an Allow header, an unreadable request 400,
 * {"error":"why"} beside them.
 *
 *     struct participation_api api = { .enabled = true, .deps = ... };
 *     operations_add_handler(o, PARTICIPATION_PATH, LIMIT_JOIN_BYTES, participation_answer, &api);
 *
 * Go origin   orderer/common/channelparticipation/restapi.go
 *             orderer/common/channelparticipation/validator.go

 * Differs     the semantics are those of 2.3, which serves it on a listener of its own;
 *             the form may have LIMIT_JOIN_BYTES (there: MaxRequestBodySize, 1 MB)
 * Owner       the operations thread; what it asks for is done by deps (participation_door.h)
 * Memory      api outlives the endpoint
 * Limits      LIMIT_JOIN_BYTES
 */
#ifndef WEFT_ORDERER_PARTICIPATION_H
#define WEFT_ORDERER_PARTICIPATION_H

#include "ops/http.h"
#include "orderer/registrar.h"

#define PARTICIPATION_PATH "/participation/v1/"

/* registrar_list, _join and _remove, wherever they run.  e->code WEFT_CANCELLED:
 * nobody does that any more, the orderer ends (503). */
struct participation_deps {
    void *ctx;
    enum participation (*list)(void *ctx, const char *only, struct channel_infos *ret,
                               struct weft_err *e);
    enum participation (*join)(void *ctx, const char *id, struct bytes block, struct weft_err *e);
    enum participation (*remove)(void *ctx, const char *id, struct weft_err *e);
};

struct participation_api {
    bool enabled; /* ChannelParticipation.Enabled; else all is 503 */
    struct participation_deps deps;
};

/* A handler for operations_add_handler; ctx is the api. */
void participation_answer(void *ctx, const struct http_request *rq, struct http_response *rs);

#endif
