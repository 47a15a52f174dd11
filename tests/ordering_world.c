#include "ordering_world.h"

#include "bundle/bundle.h"
#include "crypto/x509.h"
#include "net/net_msg.h"
#include "orderer/journal.h"
#include "os/dirs.h"
#include "proto/envelope.h"
#include "proto/metadata.h"
#include "proto/wire.h"
#include "weft_test.h"

static void note(struct world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void note(struct world *w, const char *fmt, ...)
{
    va_list args;
    size_t at = strlen(w->log);
    va_start(args, fmt);
    (void)vsnprintf(w->log + at, sizeof(w->log) - at, fmt, args);
    va_end(args);
}

/* ---- what a chain needs --------------------------------------------------------------------- */

static enum weft_code dep_nonce(void *ctx, uint8_t ret[BLOCK_WRITER_NONCE], struct weft_err *e)
{
    (void)ctx, (void)e;
    memset(ret, 7, BLOCK_WRITER_NONCE);
    return WEFT_OK;
}

static enum weft_code dep_sign(void *ctx, struct bytes message, struct buf *out, struct weft_err *e)
{
    (void)ctx, (void)message, (void)e;
    buf_put_str(out, "signature");
    return WEFT_OK;
}

static void note_block(struct world *w, const struct block_view *v)
{
    note(w, "%u[", (unsigned)v->number);
    for (size_t i = 0; i < v->txs.count; i++) {
        struct envelope_headers h;
        WEFT_IGNORE(envelope_headers_parse(v->txs.at[i], &h, NULL));
        if (h.channel.type == HEADER_CONFIG || h.channel.type == HEADER_ORDERER_TRANSACTION)
            note(w, "config");
        else
            note(w, "%.*s", (int)h.payload.data.len, (const char *)h.payload.data.data);
    }
    note(w, "] ");
}

static enum weft_code dep_append(void *ctx, const struct block_view *v, struct weft_err *e)
{
    struct world *w = ctx;
    WEFT_CLEANUP(buf_done) struct buf wire = { 0 };
    if (w->append_says != WEFT_OK)
        return WEFT_FAIL(e, w->append_says, "no space left on device");
    EXPECT_EQ(v->number, w->appended);
    struct digest last = block_header_hash(&w->blocks[w->appended - 1]->v);
    EXPECT_BYTES(v->previous_hash, digest_bytes(&last));
    block_encode(v, &wire);
    EXPECT(block_parse(buf_bytes(&wire), &w->blocks[w->appended++], e) == WEFT_OK);
    note_block(w, v);
    return WEFT_OK;
}

static enum weft_code dep_sync(void *ctx, struct weft_err *e)
{
    struct world *w = ctx;
    (void)e;
    w->synced = w->appended;
    w->syncs++;
    note(w, "sync ");
    return WEFT_OK;
}

static enum weft_code dep_read(void *ctx, uint64_t number, struct block **ret, struct weft_err *e)
{
    struct world *w = ctx;
    (void)e;
    EXPECT(number < w->synced);
    w->reads++;
    *ret = block_ref(w->blocks[number]);
    return WEFT_OK;
}

static enum weft_code dep_create(void *ctx, struct bytes config_envelope, struct weft_err *e)
{
    struct world *w = ctx;
    if (w->create_says != WEFT_OK)
        return WEFT_FAIL(e, w->create_says, "no new channels today");
    note(w, "create(%.*s) ", (int)config_envelope.len, (const char *)config_envelope.data);
    return WEFT_OK;
}

static void dep_configured(void *ctx, struct bundle *b)
{
    struct world *w = ctx;
    EXPECT(w->synced < w->appended); /* nobody has seen the block yet */
    note(w, "configured(%u) ", (unsigned)bundle_sequence(b));
}

static void dep_status(void *ctx, const struct consenter_status *s)
{
    struct world *w = ctx;
    w->refuses = s->refuses != NULL;
    note(w, "%s ", s->refuses != NULL ? s->refuses : "open");
}

static enum weft_code dep_reprocess(void *ctx, const struct bundle *b, enum order_kind kind,
                                    struct bytes envelope, struct net_msg **ret, struct weft_err *e)
{
    struct world *w = ctx;
    (void)b, (void)kind, (void)envelope, (void)ret;
    note(w, "again ");
    return w->reprocess_says == WEFT_OK ? WEFT_OK : WEFT_FAIL(e, w->reprocess_says, "not any more");
}

static void dep_answer(void *ctx, struct order_request *r)
{
    struct world *w = ctx;
    note(w, "%zu:%s ", (size_t)(r - w->requests), r->rc == WEFT_OK ? "ok" : weft_code_name(r->rc));
}

static void dep_timer(void *ctx, uint64_t at_ns)
{
    ((struct world *)ctx)->timer_at = at_ns;
}

/* ---- the world -------------------------------------------------------------------------------- */

void world_open(struct world *w)
{
    struct weft_err e;
    WEFT_CLEANUP(journal_close) struct journal *journal = NULL;
    const struct digest first = block_header_hash(&w->blocks[0]->v);
    if (w->journal_path != NULL)
        EXPECT_OK(journal_open(w->journal_path, &first, &journal, &e));
    const struct chain_deps deps = {
        .ctx = w,
        .writer = { .ctx = w,
                    .creator = bytes_of_str("us"),
                    .nonce = dep_nonce,
                    .sign = dep_sign,
                    .append = dep_append },
        .sync = dep_sync,
        .read_block = dep_read,
        .create_channel = dep_create,
        .configured = dep_configured,
        .status = dep_status,
        .reprocess = dep_reprocess,
        .answer = dep_answer,
        .set_timer = dep_timer,
    };
    EXPECT_OK(chain_new(&(struct chain_config){ .id = "ch",
                                                .bundle = w->bundle,
                                                .last = &w->blocks[w->synced - 1]->v,
                                                .journal = WEFT_TAKE(journal),
                                                .journal_ends = w->journal_ends,
                                                .cluster = w->cluster },
                        &deps, &w->chain, &e));
    EXPECT_OK(chain_start(w->chain, w->now, &e));
}

static void set_batch(struct test_channel *c, uint64_t messages, uint64_t preferred)
{
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    wire_put_varint(&b, 1, messages);
    wire_put_varint(&b, 2, 1 << 20);
    wire_put_varint(&b, 3, preferred);
    test_channel_set(c, "Orderer", "BatchSize", buf_bytes(&b));
}

static void genesis(struct world *w)
{
    struct weft_err e;
    struct block_view v = { .has_header = true, .has_data = true, .has_metadata = true };
    WEFT_CLEANUP(buf_done) struct buf wire = { 0 };
    bytes_list_add(&v.txs, bytes_of_str("genesis"));
    for (size_t i = 0; i < BLOCK_SLOT_NR; i++)
        bytes_list_add(&v.slots, bytes_of(NULL, 0));
    struct digest d = block_data_hash(&v);
    v.data_hash = digest_bytes(&d);
    block_encode(&v, &wire);
    EXPECT_OK(block_parse(buf_bytes(&wire), &w->blocks[0], &e));
    block_view_done(&v);
    w->appended = w->synced = 1;
}

void world_make_bundle(struct world *w, uint64_t sequence)
{
    struct weft_err e;
    bundle_unref(w->bundle);
    EXPECT_OK(bundle_new("ch", sequence, test_channel_bytes(w->config), &w->bundle, &e));
}

void world_init(struct world *w)
{
    *w = (struct world){ .config = test_channel_new(), .now = 100 * SECOND };
    set_batch(w->config, 3, 1000);
    world_make_bundle(w, 4);
    genesis(w);
}

void world_done(struct world *w)
{
    chain_free(w->chain);
    for (size_t i = 0; i < w->appended; i++)
        block_unref(w->blocks[i]);
    for (size_t i = 0; i < w->request_count; i++)
        net_msg_unref(w->requests[i].envelope);
    bundle_unref(w->bundle);
    test_channel_free(w->config);
    x509_cert_unref(w->cluster);
    free(w->journal_path);
}

void world_keep_journal(struct world *w)
{
    WEFT_FREE char *dir = weft_test_fast_dir();
    w->journal_path = weft_asprintf("%s/ch", dir);
}

void world_put_envelope(int type, struct bytes data, struct buf *out)
{
    WEFT_CLEANUP(buf_done) struct buf channel = { 0 };
    WEFT_CLEANUP(buf_done) struct buf header = { 0 };
    WEFT_CLEANUP(buf_done) struct buf payload = { 0 };
    if (type != 0)
        wire_put_varint(&channel, 1, (uint64_t)type);
    wire_put_bytes(&channel, 4, bytes_of_str("ch"));
    wire_put_bytes(&header, 1, buf_bytes(&channel));
    wire_put_bytes(&payload, 1, buf_bytes(&header));
    wire_put_bytes(&payload, 2, data);
    wire_put_bytes(out, 1, buf_bytes(&payload));
    wire_put_bytes(out, 2, bytes_of_str("sig"));
}

void world_send(struct world *w, enum order_kind kind, uint64_t sequence, struct bytes envelope)
{
    struct order_request *r = &w->requests[w->request_count++];
    *r = (struct order_request){ .kind = kind,
                                 .config_sequence = sequence,
                                 .envelope = net_msg_copy(envelope) };
    chain_order(w->chain, r, w->now);
}

void world_message(struct world *w, const char *text)
{
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    world_put_envelope(HEADER_ENDORSER_TRANSACTION, bytes_of_str(text), &b);
    world_send(w, ORDER_NORMAL, bundle_sequence(chain_bundle(w->chain)), buf_bytes(&b));
}

void world_message_of(struct world *w, const char *text, uint64_t sequence)
{
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    world_put_envelope(HEADER_ENDORSER_TRANSACTION, bytes_of_str(text), &b);
    world_send(w, ORDER_NORMAL, sequence, buf_bytes(&b));
}

void world_config_message(struct world *w, uint64_t max_messages)
{
    struct weft_err e;
    WEFT_CLEANUP(test_channel_free) struct test_channel *next = test_channel_copy(w->config);
    WEFT_CLEANUP(buf_done) struct buf update = { 0 };
    WEFT_CLEANUP(buf_done) struct buf config = { 0 };
    WEFT_CLEANUP(buf_done) struct buf envelope = { 0 };
    set_batch(next, max_messages, 1000);
    test_update(w->config, next, "ch", "OrdererMSP", &update);
    EXPECT_OK(bundle_propose(chain_bundle(w->chain), buf_bytes(&update), &config, &e));
    world_put_envelope(HEADER_CONFIG, buf_bytes(&config), &envelope);
    world_send(w, ORDER_CONFIG, bundle_sequence(chain_bundle(w->chain)), buf_bytes(&envelope));
}

void world_end_turn(struct world *w)
{
    struct weft_err e;
    EXPECT_OK(chain_end_turn(w->chain, w->now, &e));
}

void world_pass(struct world *w, uint64_t ns)
{
    w->now += ns;
    if (w->timer_at == 0 || w->timer_at > w->now)
        return;
    w->timer_at = 0;
    chain_timer(w->chain, w->now);
    world_end_turn(w);
}

void world_crash(struct world *w)
{
    chain_free(WEFT_TAKE(w->chain));
    while (w->appended > w->synced)
        block_unref(w->blocks[--w->appended]);
    w->log[0] = '\0';
    w->timer_at = 0;
    world_open(w);
}

uint64_t world_last_config(const struct world *w)
{
    struct weft_err e;
    uint64_t n = 0;
    EXPECT_OK(block_last_config(&w->blocks[w->appended - 1]->v, &n, &e));
    return n;
}
