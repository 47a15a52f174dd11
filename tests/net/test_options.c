#include "test_options.h"

#include "os/file.h"

#include <stddef.h>

static const struct {
    const char *name;
    size_t offset;
} limit_names[] = {
#define LIMIT(name)                              \
    {                                            \
#        name, offsetof(struct net_limits, name) \
    }
    LIMIT(connections),          LIMIT(handshake_ms),       LIMIT(streams),
    LIMIT(header_bytes),         LIMIT(header_fields),      LIMIT(continuations),
    LIMIT(message_recv_bytes),   LIMIT(message_send_bytes), LIMIT(partial_bytes),
    LIMIT(stream_window),        LIMIT(conn_window),        LIMIT(held_bytes),
    LIMIT(stranger_percent),     LIMIT(outbound_bytes),     LIMIT(outbound_low_bytes),
    LIMIT(outbound_acks),        LIMIT(settings_entries),   LIMIT(resets_burst),
    LIMIT(resets_per_s),         LIMIT(glitches_burst),     LIMIT(glitches_per_s),
    LIMIT(ping_min_interval_ms), LIMIT(ping_strikes),       LIMIT(keepalive_ms),
    LIMIT(keepalive_timeout_ms), LIMIT(linger_ms),
#undef LIMIT
};

WEFT_NORETURN static void usage(const char *what)
{
    (void)fprintf(stderr, "unknown option or value: %s\n", what);
    exit(2); /* NOLINT(concurrency-mt-unsafe): one thread yet */
}

static void set_limit(struct net_limits *l, const char *text)
{
    const char *equals = strchr(text, '=');
    for (size_t i = 0; equals != NULL && i < WEFT_ARRAY_LEN(limit_names); i++)
        if (strlen(limit_names[i].name) == (size_t)(equals - text) &&
            strncmp(limit_names[i].name, text, (size_t)(equals - text)) == 0) {
            uint32_t n = (uint32_t)strtoul(equals + 1, NULL, 10);
            memcpy((char *)l + limit_names[i].offset, &n, sizeof(n));
            return;
        }
    usage(text);
}

static enum tls_client_auth auth_of(const char *text)
{
    if (strcmp(text, "require") == 0)
        return TLS_CLIENT_REQUIRE;
    if (strcmp(text, "request") == 0)
        return TLS_CLIENT_REQUEST;
    return TLS_CLIENT_NONE;
}

void test_options_parse(struct test_options *o, int argc, char **argv)
{
    *o =
        (struct test_options){ .address = "127.0.0.1:0", .loops = 1, .limits = NET_LIMITS_DEFAULT };
    int i = 1;
    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        const char *name = argv[i];
        if (strcmp(name, "--verbose") == 0) {
            o->verbose = true;
            continue;
        }
        if (++i >= argc)
            usage(name);
        if (strcmp(name, "--listen") == 0 || strcmp(name, "--connect") == 0)
            o->address = argv[i];
        else if (strcmp(name, "--cert") == 0)
            o->cert = argv[i];
        else if (strcmp(name, "--key") == 0)
            o->key = argv[i];
        else if (strcmp(name, "--roots") == 0)
            o->roots = argv[i];
        else if (strcmp(name, "--host") == 0)
            o->host = argv[i];
        else if (strcmp(name, "--loops") == 0)
            o->loops = (unsigned)strtoul(argv[i], NULL, 10);
        else if (strcmp(name, "--client-auth") == 0)
            o->client_auth = auth_of(argv[i]);
        else if (strcmp(name, "--time-shift") == 0)
            o->time_shift_s = strtol(argv[i], NULL, 10);
        else if (strcmp(name, "--set") == 0)
            set_limit(&o->limits, argv[i]);
        else
            usage(name);
    }
    o->rest = i;
}

static struct buf read_pem(const char *path)
{
    struct buf b = { 0 };
    struct weft_err e;
    if (path != NULL && file_read_all(path, 1 << 20, &b, &e) != WEFT_OK) {
        (void)fprintf(stderr, "Error: %s\n", e.msg);
        exit(1); /* NOLINT(concurrency-mt-unsafe): one thread yet */
    }
    return b;
}

struct tls_context *test_tls_context(enum tls_side side, const struct test_options *o)
{
    struct tls_context *tls = NULL;
    struct weft_err e;
    if ((side == TLS_SERVER ? o->cert : o->roots) == NULL)
        return NULL;
    WEFT_CLEANUP(buf_done) struct buf cert = read_pem(o->cert);
    WEFT_CLEANUP(buf_done) struct buf key = read_pem(o->key);
    WEFT_CLEANUP(buf_done) struct buf roots = read_pem(o->roots);
    const struct bytes roots_pem = buf_bytes(&roots);
    const struct tls_config config = { .cert_pem = buf_bytes(&cert),
                                       .key_pem = buf_bytes(&key),
                                       .roots_pem = &roots_pem,
                                       .roots_count = o->roots != NULL ? 1 : 0,
                                       .client_auth = o->client_auth,
                                       .time_shift_s = o->time_shift_s };
    if (tls_context_new(side, &config, &tls, &e) != WEFT_OK) {
        (void)fprintf(stderr, "Error: %s\n", e.msg);
        exit(1); /* NOLINT(concurrency-mt-unsafe): one thread yet */
    }
    return tls;
}

bool test_two_numbers(const char *text, unsigned *ret_a, size_t *ret_b)
{
    char *end = NULL;
    unsigned long a = strtoul(text, &end, 10);
    if (*end != ' ')
        return false;
    *ret_a = (unsigned)a;
    *ret_b = strtoul(end + 1, &end, 10);
    return *end == '\0';
}
