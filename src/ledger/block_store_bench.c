/* Appending and reading blocks as large as a busy channel's: 100 transactions
 * of 4 KB.  Appending is held against plain writes of the same bytes with
 * syncs at the same places, in turns in one run. */
#include "ledger/block_store.h"

#include "bench.h"
#include "chain.h"
#include "ledger/block_record.h"
#include "os/dirs.h"
#include "os/file.h"
#include "proto/envelope.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    BLOCKS = 160,
    TXS = 100,
    TX_BYTES = 4000,
    GROUP = 16,
    SMALL_BLOCKS = 300,
    TURNS = 3,
    READS = 3000,
};

static struct weft_err e;

static void must(enum weft_code rc)
{
    if (rc != WEFT_OK) {
        (void)fprintf(stderr, "%s\n", e.msg);
        exit(1); /* NOLINT(concurrency-mt-unsafe): no other thread */
    }
}

struct bench {
    char *dir;
    unsigned runs;
    struct chain large, small;
};

struct opened {
    char *dir;
    struct block_stores *stores;
    struct block_store *bs;
};

static void open_store(struct opened *o, char *dir)
{
    o->dir = dir;
    must(block_stores_open(dir, LEDGER_PEER, &o->stores, &e));
    must(block_store_open(o->stores, "ch", &o->bs, &e));
}

static void close_store(struct opened *o)
{
    block_store_close(o->bs);
    block_stores_close(o->stores);
    free(o->dir);
}

static char *new_dir(struct bench *b)
{
    char *dir = weft_asprintf("%s/%u", b->dir, b->runs++);
    must(dir_make(dir, &e));
    return dir;
}

/* ---- appending --------------------------------------------------------------------- */

static double append_seconds(struct bench *b, const struct chain *c, size_t group)
{
    struct opened o;
    open_store(&o, new_dir(b));
    double start = bench_now();
    for (size_t i = 0; i < c->count; i++) {
        must(block_store_append(o.bs, &c->blocks[i]->v,
                                group > 1 ? BLOCK_APPEND_LATER : BLOCK_APPEND_SYNC, &e));
        if (group > 1 && ((i + 1) % group == 0 || i + 1 == c->count))
            must(block_store_sync(o.bs, &e));
    }
    double seconds = bench_now() - start;
    close_store(&o);
    return seconds;
}

/* What `dd conv=fsync` would do: the records, written and synced, no more. */
static double plain_seconds(struct bench *b, const struct chain *c, size_t group,
                            uint64_t *ret_bytes)
{
    WEFT_FREE char *dir = new_dir(b);
    WEFT_FREE char *path = weft_asprintf("%s/plain", dir);
    WEFT_CLEANUP(file_close) int fd = -1;
    struct buf *records = weft_alloc(c->count * sizeof(*records));
    size_t txs_at = 0;
    *ret_bytes = 0;
    for (size_t i = 0; i < c->count; i++) {
        block_record_encode(&c->blocks[i]->v, &records[i], &txs_at);
        *ret_bytes += records[i].len;
    }
    must(file_open(path, O_WRONLY | O_CREAT | O_APPEND, 0644, &fd, &e));
    double start = bench_now();
    for (size_t i = 0; i < c->count; i++) {
        must(file_write(fd, path, buf_bytes(&records[i]), &e));
        if ((i + 1) % group == 0 || i + 1 == c->count)
            must(file_sync(fd, path, &e));
    }
    double seconds = bench_now() - start;
    for (size_t i = 0; i < c->count; i++)
        buf_done(&records[i]);
    free(records);
    return seconds;
}

static void bench_append(struct bench *b, const struct chain *c, size_t group, const char *what)
{
    double ours = 1e9, plain = 1e9;
    uint64_t bytes = 0;
    for (int turn = 0; turn < TURNS; turn++) {
        double t = append_seconds(b, c, group);
        ours = t < ours ? t : ours;
        t = plain_seconds(b, c, group, &bytes);
        plain = t < plain ? t : plain;
    }
    double mb = (double)bytes / 1e6;
    WEFT_FREE char *name = weft_asprintf("append, %s", what);
    WEFT_FREE char *plain_name = weft_asprintf("plain writes, %s", what);
    WEFT_FREE char *blocks = weft_asprintf("%.0f blocks/s", (double)c->count / ours);
    WEFT_FREE char *plain_blocks = weft_asprintf("%.0f blocks/s", (double)c->count / plain);
    bench_print(name, mb / ours, "MB/s", blocks);
    bench_print(plain_name, mb / plain, "MB/s", plain_blocks);
    bench_print("  ratio", plain / ours, "", group > 1 ? "goal 0.70" : NULL);
}

/* ---- reading ------------------------------------------------------------------------ */

static void bench_reads(const struct opened *o, const struct chain *c)
{
    struct weft_rand rand = weft_rand_of(1);
    char id[TX_ID_LEN + 1];
    double start = bench_now();
    for (size_t i = 0; i < READS; i++) {
        WEFT_CLEANUP(block_unref) struct block *block = NULL;
        must(block_store_read(o->bs, weft_rand_below(&rand, c->count), &block, &e));
    }
    bench_print("read a block by number, at random", READS / (bench_now() - start), "/s", NULL);
    double seconds = 0;
    for (size_t i = 0; i < READS; i++) {
        WEFT_CLEANUP(buf_done) struct buf tx = { 0 };
        chain_tx_id(c, weft_rand_below(&rand, c->count), weft_rand_below(&rand, TXS), id);
        start = bench_now();
        must(block_store_read_tx_by_id(o->bs, bytes_of_str(id), &tx, &e));
        seconds += bench_now() - start;
    }
    bench_print("read a transaction by its id, at random", READS / seconds, "/s", NULL);
}

/* Of this process only: getrusage counts what the parent had before the exec. */
static double memory_high_mb(void)
{
    char line[256];
    double kb = 0;
    FILE *f = fopen("/proc/self/status", "re");
    while (f != NULL && fgets(line, sizeof(line), f) != NULL)
        if (strncmp(line, "VmHWM:", 6) == 0)
            kb = strtod(line + 6, NULL);
    if (f != NULL)
        (void)fclose(f);
    return kb / 1024;
}

/* In a process of its own, which has no chain in memory: builds the index
 * again, reads everything. */
static int read_through(const char *dir)
{
    struct opened o;
    struct block *b = NULL;
    uint64_t bytes = 0;
    double start = bench_now();
    open_store(&o, weft_strdup(dir));
    double opened = bench_now();
    struct block_iter *it = block_iter_new(o.bs, 0);
    for (;;) {
        must(block_iter_next(it, &b, &e));
        if (b == NULL)
            break;
        bytes += b->raw.len;
        block_unref(b);
    }
    double done = bench_now();
    block_iter_free(it);
    close_store(&o);
    bench_print("index built again from the files", (double)bytes / 1e6 / (opened - start), "MB/s",
                NULL);
    bench_print("iterate from the first block to the last", (double)bytes / 1e6 / (done - opened),
                "MB/s", NULL);
    bench_print("memory high-water of both", memory_high_mb(), "MB", NULL);
    return 0;
}

static void bench_memory(const char *self, const char *dir)
{
    WEFT_FREE char *index = weft_asprintf("%s/chains/index", dir);
    must(dir_remove_tree(index, &e));
    pid_t child = fork();
    if (child == 0) {
        (void)execl(self, self, dir, (char *)NULL);
        _exit(127);
    }
    int status = 1;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        (void)printf("the reading process failed\n");
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return read_through(argv[1]);
    struct bench b = { 0 };
    must(dir_make_temporary("weft-bench", &b.dir, &e));
    chain_init(&b.large, "ch", 1);
    chain_init(&b.small, "ch", 2);
    for (size_t i = 0; i < BLOCKS; i++)
        (void)chain_next(&b.large, TXS, TX_BYTES);
    for (size_t i = 0; i < SMALL_BLOCKS; i++)
        (void)chain_next(&b.small, 10, 1000);
    bench_append(&b, &b.large, GROUP, "400 KB blocks, a sync each 16");
    bench_append(&b, &b.large, 1, "400 KB blocks, a sync each");
    bench_append(&b, &b.small, 1, "10 KB blocks, a sync each");

    struct opened o;
    open_store(&o, new_dir(&b));
    for (size_t i = 0; i < b.large.count; i++)
        must(block_store_append(o.bs, &b.large.blocks[i]->v, BLOCK_APPEND_LATER, &e));
    must(block_store_sync(o.bs, &e));
    bench_reads(&o, &b.large);
    WEFT_FREE char *dir = weft_strdup(o.dir);
    close_store(&o);
    bench_memory(argv[0], dir);
    chain_done(&b.large);
    chain_done(&b.small);
    must(dir_remove_tree(b.dir, &e));
    free(b.dir);
    return 0;
}
