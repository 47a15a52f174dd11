#include "orderer/participation.h"

#include "weft_test.h"

/* A registrar of two channels and what it was asked. */
struct world {
    struct participation_api api;
    struct http_response rs;
    char *body;
    const char *names[3];
    bool system;
    enum participation says;
    struct weft_err why;
    char asked[300];
};

static enum participation world_list(void *ctx, const char *only, struct channel_infos *ret,
                                     struct weft_err *e)
{
    const struct world *w = ctx;
    (void)e;
    *ret = (struct channel_infos){ .at = weft_alloc(3 * sizeof(*ret->at)) };
    for (size_t i = 0; w->names[i] != NULL; i++)
        if (only == NULL || strcmp(only, w->names[i]) == 0)
            ret->at[ret->count++] = (struct channel_info){ .name = weft_strdup(w->names[i]),
                                                           .is_system = w->system && i == 0,
                                                           .relation = "consenter",
                                                           .status = "active",
                                                           .height = 7 + i };
    return PARTICIPATION_OK;
}

static enum participation world_join(void *ctx, const char *id, struct bytes block,
                                     struct weft_err *e)
{
    struct world *w = ctx;
    (void)snprintf(w->asked, sizeof(w->asked), "join %s %zu", id, block.len);
    *e = w->why;
    return w->says;
}

static enum participation world_remove(void *ctx, const char *id, struct weft_err *e)
{
    struct world *w = ctx;
    (void)snprintf(w->asked, sizeof(w->asked), "remove %s", id);
    *e = w->why;
    return w->says;
}

static struct world start(void)
{
    return (struct world){ .names = { "bar", "foo", NULL } };
}

static void finish(struct world *w)
{
    http_response_done(&w->rs);
    free(w->body);
}

static unsigned ask_with(struct world *w, const struct http_request *rq)
{
    finish(w);
    w->api = (struct participation_api){ true, { w, world_list, world_join, world_remove } };
    participation_answer(&w->api, rq, &w->rs);
    w->body = bytes_dup_str(buf_bytes(&w->rs.body));
    return w->rs.status;
}

static unsigned ask(struct world *w, const char *method, const char *path)
{
    return ask_with(w, &(struct http_request){ .method = method, .path = path });
}

static const char *header(const struct world *w, const char *name)
{
    for (size_t i = 0; i < w->rs.header_count; i++)
        if (strcmp(w->rs.headers[i].name, name) == 0)
            return w->rs.headers[i].value;
    return "";
}

TEST(lists_all_channels)
{
    struct world w = start();
    EXPECT_EQ(ask(&w, "GET", "/participation/v1/channels"), 200);
    EXPECT_STR(w.body, "{\"systemChannel\":null,\"channels\":["
                       "{\"name\":\"bar\",\"url\":\"/participation/v1/channels/bar\"},"
                       "{\"name\":\"foo\",\"url\":\"/participation/v1/channels/foo\"}]}\n");
    EXPECT_STR(header(&w, "Cache-Control"), "no-store");
    w.system = true;
    w.names[1] = NULL;
    EXPECT_EQ(ask(&w, "GET", "/participation/v1/channels"), 200);
    EXPECT_STR(w.body, "{\"systemChannel\":{\"name\":\"bar\",\"url\":"
                       "\"/participation/v1/channels/bar\"},\"channels\":null}\n");
    finish(&w);
}

TEST(tells_about_one_channel)
{
    struct world w = start();
    EXPECT_EQ(ask(&w, "GET", "/participation/v1/channels/foo"), 200);
    EXPECT_STR(w.body, "{\"name\":\"foo\",\"url\":\"/participation/v1/channels/foo\","
                       "\"consensusRelation\":\"consenter\",\"status\":\"active\",\"height\":8}\n");
    EXPECT_EQ(ask(&w, "GET", "/participation/v1/channels/baz"), 404);
    EXPECT_STR(w.body, "{\"error\":\"channel does not exist\"}\n");
    EXPECT_EQ(ask(&w, "GET", "/participation/v1/channels/Foo"), 400);
    EXPECT_STR(w.body, "{\"error\":\"invalid channel ID: 'Foo' contains illegal characters\"}\n");
    finish(&w);
}

TEST(removes_a_channel)
{
    struct world w = start();
    EXPECT_EQ(ask(&w, "DELETE", "/participation/v1/channels/foo"), 204);
    EXPECT_STR(w.asked, "remove foo");
    w.says = PARTICIPATION_NO_SUCH_CHANNEL;
    WEFT_IGNORE(WEFT_FAIL(&w.why, WEFT_NOT_FOUND, "cannot remove: channel does not exist"));
    EXPECT_EQ(ask(&w, "DELETE", "/participation/v1/channels/foo"), 404);
    w.says = PARTICIPATION_SYSTEM_CHANNEL_EXISTS;
    EXPECT_EQ(ask(&w, "DELETE", "/participation/v1/channels/foo"), 405);
    EXPECT_STR(header(&w, "Allow"), "GET");
    w.says = PARTICIPATION_REFUSED;
    EXPECT_EQ(ask(&w, "DELETE", "/participation/v1/channels/foo"), 400);
    w.why.code = WEFT_CANCELLED;
    EXPECT_EQ(ask(&w, "DELETE", "/participation/v1/channels/foo"), 503);
    finish(&w);
}

/* A form with one file, as curl -F and osnadmin make it. */
static unsigned post(struct world *w, const char *field, struct bytes file, const char *more)
{
    WEFT_CLEANUP(buf_done) struct buf body = { 0 };
    buf_printf(&body,
               "--b\r\nContent-Disposition: form-data; name=\"%s\"; filename=\"config.block\"\r\n"
               "Content-Type: application/octet-stream\r\n\r\n",
               field);
    buf_put(&body, file);
    buf_printf(&body, "\r\n%s--b--\r\n", more);
    const struct http_request rq = { .method = "POST",
                                     .path = "/participation/v1/channels",
                                     .content_type = "multipart/form-data; boundary=b",
                                     .body = buf_bytes(&body) };
    return ask_with(w, &rq);
}

TEST(joins_the_channel_of_the_block)
{
    WEFT_CLEANUP(buf_done)
    struct buf block = weft_test_read(weft_test_fixture("genesis/mychannel.block"));
    char want[64];
    struct world w = start();
    w.names[1] = "mychannel";
    EXPECT_EQ(post(&w, "config-block", buf_bytes(&block), ""), 201);
    (void)snprintf(want, sizeof(want), "join mychannel %zu", block.len);
    EXPECT_STR(w.asked, want);
    EXPECT_STR(header(&w, "Location"), "/participation/v1/channels/mychannel");
    EXPECT(strstr(w.body, "\"name\":\"mychannel\"") != NULL);

    w.says = PARTICIPATION_CHANNEL_EXISTS;
    WEFT_IGNORE(WEFT_FAIL(&w.why, WEFT_EXISTS, "cannot join: channel already exists"));
    EXPECT_EQ(post(&w, "config-block", buf_bytes(&block), ""), 405);
    EXPECT_STR(w.body, "{\"error\":\"cannot join: channel already exists\"}\n");
    EXPECT_STR(header(&w, "Allow"), "GET, DELETE");
    w.says = PARTICIPATION_APP_CHANNELS_EXIST;
    EXPECT_EQ(post(&w, "config-block", buf_bytes(&block), ""), 403);
    finish(&w);
}

TEST(refuses_forms_without_a_config_block)
{
    struct world w = start();
    struct bytes junk = bytes_of_str("\x0a\xff");
    EXPECT_EQ(post(&w, "block", junk, ""), 400);
    EXPECT_STR(w.body, "{\"error\":\"form does not contains part key: config-block\"}\n");
    EXPECT_EQ(post(&w, "config-block", junk,
                   "--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n"),
              400);
    EXPECT_STR(w.body, "{\"error\":\"form contains too many parts\"}\n");
    EXPECT_EQ(post(&w, "config-block", junk, ""), 400);
    EXPECT(strstr(w.body, "cannot unmarshal file part config-block into a block") != NULL);
    EXPECT_EQ(post(&w, "config-block", bytes_of_str(""), ""), 400);
    EXPECT_STR(w.body, "{\"error\":\"invalid join block: block is not a config block\"}\n");
    EXPECT_STR(w.asked, "");
    finish(&w);
}

TEST(says_what_it_takes)
{
    struct world w = start();
    EXPECT_EQ(ask(&w, "POST", "/participation/v1/channels"), 400);
    EXPECT_STR(w.body, "{\"error\":\"unsupported Content-Type: []\"}\n");
    EXPECT_EQ(ask(&w, "PUT", "/participation/v1/channels"), 405);
    EXPECT_STR(header(&w, "Allow"), "GET, POST");
    EXPECT_EQ(ask(&w, "POST", "/participation/v1/channels/foo"), 405);
    EXPECT_STR(header(&w, "Allow"), "GET, DELETE");
    EXPECT_EQ(ask(&w, "GET", "/participation/v1/"), 302);
    EXPECT_STR(header(&w, "Location"), "/participation/v1/channels");
    EXPECT_EQ(ask(&w, "GET", "/participation/v1/channels/a/b"), 404);
    const struct http_request html = { .method = "GET",
                                       .path = "/participation/v1/channels",
                                       .accept = "text/html" };
    EXPECT_EQ(ask_with(&w, &html), 406);
    w.api.enabled = false;
    finish(&w);
    participation_answer(&w.api, &html, &w.rs);
    EXPECT_EQ(w.rs.status, 503);
    w.body = NULL;
    finish(&w);
}
