/* How long `weft ledger verify` takes over the bulk chain, beside sha256sum of
 * the same files, in turns, the best of several.  Debian's sha256sum does not
 * use the processor's SHA instructions; openssl does, as we do. */
#include "ledger/block_store.h"
#include "ledger/ledger_verify.h"

#include "bench.h"
#include "os/dirs.h"

#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    ROUNDS = 5
};

static void no_progress(void *ctx, uint64_t bytes)
{
    (void)ctx, (void)bytes;
}

static void no_note(void *ctx, const char *text)
{
    (void)ctx, (void)text;
}

/* ---- what is run in a process of its own ------------------------------------------------- */

static int sum_files(const char *const *arg)
{
    WEFT_FREE char *command = weft_asprintf("exec sha256sum %s/* >/dev/null", arg[0]);
    (void)execlp("sh", "sh", "-c", command, (char *)NULL);
    return 127;
}

static int sum_files_fast(const char *const *arg)
{
    WEFT_FREE char *command = weft_asprintf("exec openssl dgst -sha256 %s/* >/dev/null", arg[0]);
    (void)execlp("sh", "sh", "-c", command, (char *)NULL);
    return 127;
}

static int verify(const char *const *arg)
{
    const struct ledger_verify_deps deps = { .progress = no_progress, .note = no_note };
    struct weft_err e = { 0 };
    struct ledger_verified v;
    WEFT_CLEANUP(ledger_dir_done) struct ledger_dir d = { 0 };
    if (ledger_dir_open(arg[0], &d, &e) == WEFT_OK &&
        ledger_verify(&d, "bulk", &deps, &v, &e) == WEFT_OK)
        return 0;
    (void)fprintf(stderr, "%s\n", e.msg);
    return 1;
}

/* Opening the store builds the index. */
static int build_index(const char *const *arg)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(block_stores_close) struct block_stores *stores = NULL;
    WEFT_CLEANUP(block_store_close) struct block_store *bs = NULL;
    if (block_stores_open(arg[0], LEDGER_ORDERER, &stores, &e) == WEFT_OK &&
        block_store_open(stores, "bulk", &bs, &e) == WEFT_OK)
        return 0;
    (void)fprintf(stderr, "%s\n", e.msg);
    return 1;
}

struct cost {
    double wall_s, cpu_s, peak_mb;
};

/* Ends the benchmark when the child does not end well. */
static struct cost run(int (*what)(const char *const *arg), const char *a, const char *b)
{
    const char *const arg[] = { a, b };
    struct rusage u;
    int status = 0;
    double began = bench_now();
    pid_t pid = fork();
    if (pid == 0)
        _exit(what(arg));
    if (pid < 0 || wait4(pid, &status, 0, &u) != pid || status != 0) {
        (void)fprintf(stderr, "a part of the benchmark failed (%d)\n", status);
        _exit(1);
    }
    return (struct cost){ .wall_s = bench_now() - began,
                          .cpu_s = (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
                                   (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6,
                          .peak_mb = (double)u.ru_maxrss / 1024 };
}

static void keep_best(struct cost *best, struct cost c)
{
    if (best->cpu_s == 0 || c.cpu_s < best->cpu_s)
        best->cpu_s = c.cpu_s;
    if (best->wall_s == 0 || c.wall_s < best->wall_s)
        best->wall_s = c.wall_s;
    if (c.peak_mb > best->peak_mb)
        best->peak_mb = c.peak_mb;
}

/* ---- the two beside each other ------------------------------------------------------------ */

static void compare(const char *name, const char *root)
{
    WEFT_FREE char *files = weft_asprintf("%s/chains/bulk", root);
    WEFT_FREE char *line = NULL;
    WEFT_FREE char *line_fast = NULL;
    struct cost sum = { 0 }, fast = { 0 }, ours = { 0 };
    for (int i = 0; i < ROUNDS; i++) {
        keep_best(&sum, run(sum_files, files, NULL));
        keep_best(&ours, run(verify, root, NULL));
        keep_best(&fast, run(sum_files_fast, files, NULL));
    }
    (void)printf("%s\n", name);
    bench_print("  sha256sum of the files", sum.wall_s, "s", NULL);
    bench_print("  ledger_verify", ours.wall_s, "s", NULL);
    bench_print("  ledger_verify / sha256sum, wall", ours.wall_s / sum.wall_s, "x", "goal 1.3");
    line = weft_asprintf("goal 1.3; %.2f s against %.2f s", ours.cpu_s, sum.cpu_s);
    bench_print("  ledger_verify / sha256sum, CPU", ours.cpu_s / sum.cpu_s, "x", line);
    line_fast = weft_asprintf("%.2f s", fast.cpu_s);
    bench_print("  ledger_verify / openssl dgst, CPU", ours.cpu_s / fast.cpu_s, "x", line_fast);
    bench_print("  memory high-water of ledger_verify", ours.peak_mb, "MB", "goal 40");
}

static char *find_root(const char *dir)
{
    static const char *const places[] = { "", "/orderer", "/orderer/data", "/bulk/orderer/data",
                                          "/bulk/orderer" };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(places); i++) {
        WEFT_FREE char *root = weft_asprintf("%s%s", dir, places[i]);
        WEFT_FREE char *chain = weft_asprintf("%s/chains/bulk", root);
        if (path_is_dir(chain))
            return WEFT_TAKE(root);
    }
    return NULL;
}

int main(void)
{
    struct weft_err e = { 0 };
    const char *packed = bench_fixture("bulk/bulk.tar.zst");
    WEFT_FREE char *dir = NULL;
    if (packed == NULL)
        return 0;
    if (dir_make_temporary("weft-bench", &dir, &e) != WEFT_OK) {
        (void)fprintf(stderr, "%s\n", e.msg);
        return 1;
    }
    WEFT_FREE char *root = bench_unpack(packed, dir) ? find_root(dir) : NULL;
    if (root != NULL) {
        compare("orderer's files, no index", root);
        (void)run(build_index, root, NULL);
        compare("orderer's files and index", root);
    }
    if (dir_remove_tree(dir, &e) != WEFT_OK)
        (void)fprintf(stderr, "%s\n", e.msg);
    return root != NULL ? 0 : 1;
}
