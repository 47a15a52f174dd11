/* How fast a peer takes a channel's blocks from an orderer if it looks into no transaction: TLS,
 * gRPC, Fabric's checks of a block, block files and index.  In turns with it, on the same
 * orderer, `weft bench deliver`, which only counts blocks: what can be had at all.  And on the
 * same disk as many bytes that are only written, with a sync each file: what can be kept at all.
 *
 *     catch_up_bench [FOLDER]      of the bulk chain, unpacked (or WEFT_BULK): crypto, genesis,
 *                                  orderer/data
 *
 * The orderer is a process of ours; the peer's parts run here:
 *
 *     orderer ==TLS==> net loop --> chan: block_puller, block_verifier
 *                                     | blocks in order        ^ as they are stored
 *                                     v                        |
 *                                   store: block_store; syncs as the committer's, on sync's thread
 *
 * Only this program goes round the validation: each transaction is stored as valid. */
#include "base/log.h"
#include "base/rand.h"
#include "bench.h"
#include "bench_orderer.h"
#include "bundle/bundle.h"
#include "config/core_config.h"
#include "crypto/key_tables.h"
#include "ledger/block_file.h"
#include "ledger/block_store.h"
#include "msp/signing_identity.h"
#include "node/net_loop.h"
#include "os/dirs.h"
#include "os/file.h"
#include "os/jobs.h"
#include "os/loop.h"
#include "os/memory.h"
#include "os/process_stat.h"
#include "os/thread.h"
#include "peer/block_puller.h"
#include "peer/block_verifier.h"
#include "peer/committer.h"
#include "peer/orderer_overrides.h"
#include "peer/peer_tls.h"

#include <fcntl.h>
#include <stdio.h>

enum {
    MAIL = 4096,
    OUT_BYTES = 16 << 20, /* on their way to the store, as in chan_thread.h */
    BUSY_BYTES = 4 << 20, /* likewise */
    STORED_MORE = 4096,   /* of a block's record: flags, lengths */
    WRITE_BYTES = 1 << 20,
    TURNS = 3,
};

/* ---- a peer ------------------------------------------------------------------------------------------- */

struct peer {
    struct core_config *config;
    struct signing_identity *signer;
    struct peer_tls *tls;
    struct orderer_overrides overrides;
    struct net_loop *net;
    struct puller_world world;
    struct bundle *bundle;
    struct key_tables *tables;
    struct block_verifier *verifier;
    struct block_puller *puller;

    /* chan, the main thread's */
    struct mailbox *mb;
    struct loop *loop;
    uint64_t next, out_bytes, bytes, want;

    /* store's */
    struct block_stores *stores;
    struct block_store *blocks;
    struct mailbox *store_mb;
    struct loop *store_loop;
    struct thread *store;
    struct mail *held, **held_end; /* blocks that wait for the sync that is out */
    uint64_t unsynced_bytes;
    bool sync_is_out;
    _Atomic uint64_t stored, waiting; /* blocks */

    /* sync's. */
    struct jobs *syncs;
    struct job sync;
    struct mail all_is_synced;
};

struct block_mail {
    struct mail mail;
    struct block *block;
};

static void block_dropped(struct mail *m)
{
    struct block_mail *b = WEFT_CONTAINER_OF(m, struct block_mail, mail);
    block_unref(b->block);
    free(b);
}

static uint64_t bytes_of_held(const struct mail *m)
{
    return WEFT_CONTAINER_OF(m, struct block_mail, mail)->block->raw.len;
}

static void must(enum weft_code rc, const struct weft_err *e)
{
    if (rc == WEFT_OK)
        return;
    (void)fprintf(stderr, "%s\n", e->msg);
    exit(1); /* NOLINT(concurrency-mt-unsafe) */
}

/* ---- its store ----------------------------------------------------------------------------------------- */

static void append(struct peer *p, const struct block_view *from, struct weft_err *e)
{
    struct bytes slots[BLOCK_SLOT_NR] = { 0 };
    struct block_view v = *from;
    WEFT_FREE uint8_t *flags = weft_alloc(v.txs.count + 1);
    for (size_t i = 0; i < v.slots.count && i < BLOCK_SLOT_NR; i++)
        slots[i] = v.slots.at[i];
    slots[BLOCK_SLOT_FLAGS] = bytes_of(flags, v.txs.count);
    v.has_metadata = true;
    v.slots = (struct bytes_list){ slots, BLOCK_SLOT_NR, BLOCK_SLOT_NR };
    must(block_store_append(p->blocks, &v, BLOCK_APPEND_LATER, e), e);
}

static void in_struct(struct mail *m)
{
    (void)m; /* its owner's */
}

static void block_is_stored(struct mail *m, void *owner)
{
    struct block_mail *b = WEFT_CONTAINER_OF(m, struct block_mail, mail);
    struct peer *p = owner;
    p->out_bytes -= b->block->raw.len;
    block_dropped(m);
    block_puller_work(p->puller);
}

static void all_is_synced(struct mail *m, void *owner)
{
    (void)m;
    loop_stop(((struct peer *)owner)->loop);
}

static void run_sync(struct job *j)
{
    struct peer *p = WEFT_CONTAINER_OF(j, struct peer, sync);
    struct weft_err e = { 0 };
    must(block_store_flush_file(p->blocks, &e), &e);
    must(block_store_flush_index(p->blocks, &e), &e);
    must(block_store_flush_tables(p->blocks, &e), &e);
}

/* Of the block that waits first; 0: there is none. */
static uint64_t next_bytes(const struct peer *p)
{
    return p->held == NULL ? 0 : bytes_of_held(p->held) + STORED_MORE;
}

/* One at a time: what comes meanwhile belongs to the next. */
static void sync_if_due(struct peer *p)
{
    struct weft_err e = { 0 };
    bool any = false;
    uint64_t next = next_bytes(p);
    if (p->sync_is_out || p->unsynced_bytes == 0 ||
        (p->unsynced_bytes < COMMITTER_UNSYNCED_BYTES && atomic_load(&p->waiting) > 0 &&
         block_store_has_room(p->blocks, next)))
        return;
    must(block_store_flush_begin(p->blocks, next, &any, &e), &e);
    p->unsynced_bytes = 0;
    p->sync_is_out = any;
    if (any)
        WEFT_ASSERT(jobs_submit(p->syncs, &p->sync));
}

/* As the committer does: two groups at most, and another file when nothing is out. */
static bool may_append(const struct peer *p, const struct block *b)
{
    return !p->sync_is_out || (p->unsynced_bytes < COMMITTER_BEHIND_BYTES &&
                               block_store_has_room(p->blocks, b->raw.len + STORED_MORE));
}

static void store_held(struct peer *p)
{
    struct weft_err e = { 0 };
    while (p->held != NULL) {
        struct block_mail *b = WEFT_CONTAINER_OF(p->held, struct block_mail, mail);
        if (!may_append(p, b->block))
            return;
        p->held = b->mail.next;
        if (p->held == NULL)
            p->held_end = &p->held;
        append(p, &b->block->v, &e);
        p->unsynced_bytes += b->block->raw.len;
        atomic_store(&p->stored, b->block->v.number + 1);
        atomic_fetch_sub(&p->waiting, 1);
        b->mail.handle = block_is_stored;
        WEFT_ASSERT(mailbox_put(p->mb, &b->mail));
        sync_if_due(p);
    }
}

static void store_block(struct mail *m, void *owner)
{
    struct peer *p = owner;
    m->next = NULL;
    *p->held_end = m;
    p->held_end = &m->next;
    store_held(p);
}

static void sync_done(struct mail *m, void *owner)
{
    struct peer *p = owner;
    (void)m;
    p->sync_is_out = false;
    block_store_flush_end(p->blocks, true);
    block_store_announce(p->blocks);
    if (block_store_height(p->blocks) == p->want)
        WEFT_ASSERT(mailbox_put(p->mb, &p->all_is_synced));
    sync_if_due(p);
    store_held(p);
}

static void run_store(void *arg)
{
    loop_run(((struct peer *)arg)->store_loop);
}

static void take_stop(struct mail *m, void *owner)
{
    (void)m;
    loop_stop(((struct peer *)owner)->store_loop);
}

/* ---- its channel ------------------------------------------------------------------------------------------ */

static uint64_t dep_height(void *ctx)
{
    return atomic_load(&((struct peer *)ctx)->stored);
}

static bool dep_has_room(void *ctx)
{
    const struct peer *p = ctx;
    return p->out_bytes < OUT_BYTES;
}

/* The store has enough to do for a few milliseconds. */
static bool dep_is_busy(void *ctx)
{
    const struct peer *p = ctx;
    return p->out_bytes >= BUSY_BYTES;
}

static enum weft_code dep_take(void *ctx, struct block *b, struct weft_err *e)
{
    struct peer *p = ctx;
    WEFT_TRY(block_verify(p->verifier, p->bundle, p->next, b, e));
    struct block_mail *m = weft_alloc(sizeof(*m));
    m->mail = (struct mail){ .handle = store_block, .drop = block_dropped };
    m->block = block_ref(b);
    p->next++;
    p->bytes += b->raw.len;
    p->out_bytes += b->raw.len;
    atomic_fetch_add(&p->waiting, 1);
    WEFT_ASSERT(mailbox_put(p->store_mb, &m->mail));
    return WEFT_OK;
}

static void dep_gave_up(void *ctx)
{
    (void)ctx;
}

static const struct block_puller_deps deps = { dep_height, dep_has_room, dep_is_busy, dep_take,
                                               dep_gave_up };

/* ---- its life ----------------------------------------------------------------------------------------------- */

static enum weft_code configure(struct peer *p, const struct bench_orderer *at, struct weft_err *e)
{
    const char *f = at->folder;
    const char *node = BENCH_ORG_FOLDER "/peers/peer0.org1.example.com";
    char *env[] = {
        weft_asprintf("FABRIC_CFG_PATH=%s/../sampleconfig", WEFT_TESTS_DIR),
        weft_asprintf("CORE_PEER_LOCALMSPID=Org1MSP"),
        weft_asprintf("CORE_PEER_MSPCONFIGPATH=%s/%s/msp", f, node),
        weft_asprintf("CORE_PEER_TLS_ENABLED=true"),
        weft_asprintf("CORE_PEER_TLS_CERT_FILE=%s/%s/tls/server.crt", f, node),
        weft_asprintf("CORE_PEER_TLS_KEY_FILE=%s/%s/tls/server.key", f, node),
        weft_asprintf("CORE_PEER_TLS_ROOTCERT_FILE=%s/%s/tls/ca.crt", f, node),
        weft_asprintf("CORE_PEER_DELIVERYCLIENT_ADDRESSOVERRIDES=[{from: '" BENCH_CONFIGURED
                      "', to: '%s', caCertsFile: '%s/" BENCH_ORDERER_FOLDER "/tls/ca.crt'}]",
                      at->address, f),
        NULL,
    };
    enum weft_code rc = core_config_load((const char *const *)env, &p->config, e);
    for (size_t i = 0; env[i] != NULL; i++)
        free(env[i]);
    WEFT_TRY(rc);
    const struct core_peer_config *c = &p->config->peer;
    WEFT_TRY(signing_identity_load_from(c->msp_config_path, c->local_msp_id, c->bccsp.key_store,
                                        &p->signer, e));
    WEFT_TRY(peer_tls_load(c, &p->tls, e));
    orderer_overrides_load(&p->config->deliver_client, &p->overrides);
    return WEFT_OK;
}

static enum weft_code take_first(struct peer *p, const struct bench_orderer *at, const char *to,
                                 struct weft_err *e)
{
    WEFT_FREE char *path = weft_asprintf("%s/genesis/" BENCH_CHANNEL ".block", at->folder);
    WEFT_CLEANUP(buf_done) struct buf bytes = { 0 };
    WEFT_CLEANUP(block_unref) struct block *b = NULL;
    WEFT_TRY(file_read_all(path, OUT_BYTES, &bytes, e));
    WEFT_TRY(block_parse(buf_bytes(&bytes), &b, e));
    WEFT_TRY(bundle_of_block(&b->v, &p->bundle, e));
    WEFT_TRY(block_stores_open(to, LEDGER_PEER, &p->stores, e));
    WEFT_TRY(block_store_open(p->stores, BENCH_CHANNEL, &p->blocks, e));
    append(p, &b->v, e);
    p->next = 1;
    atomic_store(&p->stored, 1);
    return block_store_sync(p->blocks, e);
}

static enum weft_code start(struct peer *p, struct weft_err *e)
{
    const struct net_limits limits = NET_LIMITS_DEFAULT;
    memory_keep_warm(MEMORY_WARM_PEER_BYTES); /* as a peer does */
    p->mb = mailbox_new("chan", MAIL);
    p->store_mb = mailbox_new("store", MAIL);
    p->loop = loop_new(p->mb, p);
    p->store_loop = loop_new(p->store_mb, p);
    p->held_end = &p->held;
    p->syncs = jobs_new("sync", 1, 1);
    p->sync = (struct job){ .run = run_sync,
                            .back = p->store_mb,
                            .mail = { .handle = sync_done, .drop = in_struct } };
    p->all_is_synced = (struct mail){ .handle = all_is_synced, .drop = in_struct };
    p->net = net_loop_new(&(struct net_loop_config){ .limits = &limits });
    p->world = (struct puller_world){ .config = p->config,
                                      .signer = p->signer,
                                      .tls = p->tls,
                                      .loops = &p->net,
                                      .loop_count = 1,
                                      .overrides = p->overrides.at,
                                      .override_count = p->overrides.count };
    p->tables =
        key_tables_new(&(struct key_tables_config){ .budget_bytes = KEY_TABLES_BUDGET_DEFAULT });
    p->verifier = block_verifier_new(BENCH_CHANNEL, p->tables);
    p->puller = block_puller_new(
        &p->world, &(struct block_puller_place){ BENCH_CHANNEL, p->loop, p->mb }, &deps, p);
    block_puller_configure(p->puller, p->bundle);
    net_loop_serve(p->net, NULL, 0, NULL);
    WEFT_TRY(net_loop_start(p->net, e));
    WEFT_TRY(thread_start("store", run_store, p, &p->store, e));
    block_puller_start(p->puller);
    return WEFT_OK;
}

static void finish(struct peer *p)
{
    struct mail stop = { .handle = take_stop, .drop = in_struct };
    if (p->store != NULL) {
        block_puller_stop(p->puller);
        WEFT_ASSERT(mailbox_put(p->store_mb, &stop));
        thread_join(p->store);
    }
    jobs_free(p->syncs);
    if (p->net != NULL) {
        net_loop_ask_stop(p->net);
        net_loop_join(p->net);
        net_loop_close_calls(p->net);
    }
    block_puller_free(p->puller);
    net_loop_free(p->net);
    block_verifier_free(p->verifier);
    key_tables_free(p->tables);
    loop_free(p->loop);
    loop_free(p->store_loop);
    mailbox_free(p->mb);
    mailbox_free(p->store_mb);
    bundle_unref(p->bundle);
    block_store_close(p->blocks);
    block_stores_close(p->stores);
    orderer_overrides_done(&p->overrides);
    peer_tls_free(p->tls);
    signing_identity_free(p->signer);
    core_config_free(p->config);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct peer, finish)

/* ---- the disk alone ---------------------------------------------------------------------------------------- */

static enum weft_code write_file(const char *path, uint64_t bytes, struct weft_err *e)
{
    static uint64_t some[WRITE_BYTES / sizeof(uint64_t)];
    struct weft_rand r = weft_rand_of(1);
    for (size_t i = 0; i < WEFT_ARRAY_LEN(some); i++)
        some[i] = weft_rand_next(&r); /* zeros may cost a disk nothing */
    WEFT_CLEANUP(file_close) int fd = -1;
    WEFT_TRY(file_open(path, O_WRONLY | O_CREAT, 0600, &fd, e));
    for (uint64_t at = 0; at < bytes; at += sizeof(some)) {
        WEFT_TRY(file_write(fd, path, bytes_of((const uint8_t *)some, sizeof(some)), e));
        file_write_out(fd, at, sizeof(some));
    }
    return file_sync(fd, path, e);
}

static enum weft_code write_only(uint64_t bytes, double *ret_mb_per_s, struct weft_err *e)
{
    WEFT_FREE char *to = NULL;
    WEFT_TRY(dir_make_temporary("weft-bench", &to, e));
    uint64_t files = (bytes + BLOCK_FILE_BYTES_MAX - 1) / BLOCK_FILE_BYTES_MAX;
    double began = bench_now();
    enum weft_code rc = WEFT_OK;
    for (uint64_t i = 0; rc == WEFT_OK && i < files; i++) {
        WEFT_FREE char *path = block_file_path(to, i);
        rc = write_file(path, BLOCK_FILE_BYTES_MAX, e);
    }
    *ret_mb_per_s = (double)(files * BLOCK_FILE_BYTES_MAX) / 1e6 / (bench_now() - began);
    WEFT_TRY(rc);
    return dir_remove_tree(to, e);
}

/* ---- the benchmark ------------------------------------------------------------------------------------------ */

struct figures {
    double seconds, cpu_s, orderer_cpu_s, disk_mb_per_s;
};

static void print(const struct peer *p, const struct bench_orderer *at, const struct figures *f)
{
    double mb = (double)p->bytes / 1e6, s = f->seconds;
    WEFT_FREE char *remark = weft_asprintf("beside %.0f MB/s, goal 0.5", at->mb_per_s);
    WEFT_FREE char *disk = weft_asprintf("beside %.0f MB/s", f->disk_mb_per_s);
    bench_print("blocks taken, checked and kept", (double)p->next / s, "blocks/s", NULL);
    bench_print("", mb / s, "MB/s", NULL);
    bench_print("of what `weft bench deliver` gets", mb / s / at->mb_per_s, "x", remark);
    bench_print("of what the disk takes", mb / s / f->disk_mb_per_s, "x", disk);
    bench_print("CPU", f->cpu_s / mb * 1000, "s/GB", NULL);
    bench_print("CPU of the orderer", f->orderer_cpu_s / mb * 1000, "s/GB", NULL);
    bench_print("memory, at most", bench_rss_peak_mb(), "MB", "goal 64");
}

static enum weft_code take_all(const struct bench_orderer *at, struct weft_err *e)
{
    WEFT_FREE char *to = NULL;
    struct process_stat before = { 0 }, after = { 0 };
    WEFT_TRY(dir_make_temporary("weft-bench", &to, e));
    {
        WEFT_CLEANUP(finish) struct peer p = { .want = (uint64_t)at->blocks };
        WEFT_TRY(configure(&p, at, e));
        WEFT_TRY(take_first(&p, at, to, e));
        (void)process_stat_read((uint64_t)at->pid, &before);
        double began = bench_now(), cpu = bench_cpu();
        WEFT_TRY(start(&p, e));
        loop_run(p.loop);
        struct figures f = { .seconds = bench_now() - began, .cpu_s = bench_cpu() - cpu };
        (void)process_stat_read((uint64_t)at->pid, &after);
        f.orderer_cpu_s = after.cpu_s - before.cpu_s;
        WEFT_TRY(write_only(p.bytes, &f.disk_mb_per_s, e));
        print(&p, at, &f);
    }
    return dir_remove_tree(to, e);
}

static enum weft_code bench(struct bench_orderer *o, struct weft_err *e)
{
    enum weft_code rc = WEFT_OK;
    for (int i = 0; rc == WEFT_OK && i < TURNS; i++)
        rc = bench_orderer_count(o)
                 ? take_all(o, e)
                 : WEFT_FAIL(e, WEFT_UNAVAILABLE, "the orderer gives no blocks any more");
    return rc;
}

int main(int argc, char **argv)
{
    struct weft_err e = { 0 };
    struct bench_orderer o = { 0 };
    WEFT_FREE char *dir = NULL;
    enum weft_code rc = WEFT_OK;
    WEFT_IGNORE(log_set_spec("error", NULL));
    must(dir_make_temporary("weft-bench", &dir, &e), &e);
    if (bench_bulk_get(argc > 1 ? argv[1] : NULL, dir, &o))
        rc = bench_orderer_start(&o)
                 ? bench(&o, &e)
                 : WEFT_FAIL(&e, WEFT_UNAVAILABLE, "the orderer gives no blocks");
    bench_orderer_stop(&o);
    WEFT_IGNORE(dir_remove_tree(dir, NULL));
    must(rc, &e);
    return 0;
}
