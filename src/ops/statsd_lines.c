#include "ops/statsd_lines.h"

struct statsd_lines {
    struct metrics *metrics;
    char *prefix;
    struct metric_sum *last, *now; /* sorted alike; now: while they are written */
    size_t last_count, last_cap, last_at, now_count, now_cap;
    struct buf *out;
};

struct statsd_lines *statsd_lines_new(struct metrics *m, const char *prefix)
{
    struct statsd_lines *l = weft_alloc(sizeof(*l));
    size_t len = strlen(prefix);
    l->metrics = m;
    l->prefix = weft_asprintf("%s%s", prefix, len > 0 && prefix[len - 1] != '.' ? "." : "");
    return l;
}

void statsd_lines_free(struct statsd_lines *l)
{
    if (l == NULL)
        return;
    free(l->prefix);
    free(l->last);
    free(l->now);
    free(l);
}

/* ---- names ------------------------------------------------------------------------------------ */

/* Where the dots fall: behind these beginnings; longer ones first. */
static const char *const parts[][2] = {
    { "cluster_comm_", "cluster.comm." },
    { "consensus_etcdraft_", "consensus.etcdraft." },
    { "gossip_comm_", "gossip.comm." },
    { "gossip_leader_election_", "gossip.leader_election." },
    { "gossip_membership_", "gossip.membership." },
    { "gossip_payload_buffer_", "gossip.payload_buffer." },
    { "gossip_privdata_", "gossip.privdata." },
    { "gossip_state_", "gossip.state." },
    { "grpc_comm_", "grpc.comm." },
    { "grpc_server_", "grpc.server." },
    { "fabric_version", "fabric_version" },
};

static void put_name(struct buf *out, const char *name)
{
    for (size_t i = 0; i < WEFT_ARRAY_LEN(parts); i++) {
        size_t len = strlen(parts[i][0]);
        if (strncmp(name, parts[i][0], len) != 0)
            continue;
        buf_printf(out, "%s%s", parts[i][1], name + len);
        return;
    }
    const char *first = strchr(name, '_');
    WEFT_ASSERT(first != NULL);
    buf_printf(out, "%.*s.%s", (int)(first - name), name, first + 1);
}

/* The value of a label, from where it is printed: name="value". */
static void put_label(struct buf *out, const char *printed, const char *name)
{
    size_t len = strlen(name);
    const char *at = printed;
    while (strncmp(at, name, len) != 0 || strncmp(at + len, "=\"", 2) != 0) {
        for (at = strchr(at, '"') + 1; *at != '"'; at++) /* over another one's value */
            at += *at == '\\' ? 1 : 0;
        at += at[1] == ',' ? 2 : 1;
        WEFT_ASSERT(*at != '\0');
    }
    for (at += len + 2; *at != '"'; at++) {
        bool is_escaped = *at == '\\';
        at += is_escaped ? 1 : 0;
        bool breaks = is_escaped ? *at == 'n' : strchr(".|: \t\n\v\f\r", *at) != NULL;
        buf_put_u8(out, breaks ? '_' : (uint8_t)*at);
    }
}

static void put_line(struct statsd_lines *l, const struct metric_sum *s, double value,
                     const char *kind)
{
    buf_put_str(l->out, l->prefix);
    put_name(l->out, s->def->name);
    for (size_t i = 0; i < s->def->label_count; i++) {
        buf_put_u8(l->out, '.');
        put_label(l->out, s->labels, s->def->labels[i]);
    }
    buf_printf(l->out, ":%f|%s", value, kind);
}

/* ---- numbers ----------------------------------------------------------------------------------- */

static int compare(const struct metric_sum *a, const struct metric_sum *b)
{
    if (a->def != b->def)
        return a->def < b->def ? -1 : 1;
    return strcmp(a->labels, b->labels);
}

/* The number of the last time; none is 0. */
static struct metric_sum before(struct statsd_lines *l, const struct metric_sum *s)
{
    while (l->last_at < l->last_count && compare(&l->last[l->last_at], s) < 0)
        l->last_at++;
    if (l->last_at < l->last_count && compare(&l->last[l->last_at], s) == 0)
        return l->last[l->last_at];
    return (struct metric_sum){ 0 };
}

static void write_one(void *ctx, const struct metric_sum *s)
{
    struct statsd_lines *l = ctx;
    if (strncmp(s->def->name, "process_", strlen("process_")) == 0)
        return; /* Prometheus' own */
    struct metric_sum was = before(l, s);
    uint64_t more = s->count - was.count;
    if (s->def->kind == METRIC_GAUGE) {
        put_line(l, s, s->value, "g\n");
    } else if (s->def->kind == METRIC_COUNTER && more > 0) {
        put_line(l, s, (double)more, "c\n");
    } else if (s->def->kind == METRIC_HISTOGRAM && more > 0) {
        put_line(l, s, (s->value - was.value) / (double)more, "ms");
        if (more > 1)
            buf_printf(l->out, "|@%.9g", 1 / (double)more);
        buf_put_u8(l->out, '\n');
    }
    if (l->now_count == l->now_cap) {
        l->now_cap = l->now_cap * 2 + 64;
        l->now = weft_realloc(l->now, l->now_cap * sizeof(*l->now));
    }
    l->now[l->now_count++] = *s;
}

void statsd_lines_write(struct statsd_lines *l, struct buf *out)
{
    l->out = out;
    l->now_count = l->last_at = 0;
    metrics_each(l->metrics, write_one, l);
    struct metric_sum *was = l->last;
    size_t cap = l->last_cap;
    l->last = l->now;
    l->last_count = l->now_count;
    l->last_cap = l->now_cap;
    l->now = was;
    l->now_cap = cap;
}
