/* How fast a peer catches up with the bulk chain, everything looked into: our `peer`, as a process,
 * joins an orderer of ours in the way that an operator does it, and commits what it gets.
 *
 *     peer_catch_up_bench [FOLDER]       of the bulk chain, unpacked (or WEFT_BULK)
 *     WEFT_ORIGINAL=FOLDER               with `peer` of the original: in turns with ours, from
 *                                        the same orderer, with the same settings
 *
 * What is measured runs from `peer channel join` to the last block, by what the peer says of each in
 * its log ("Committed block [7] with 100 transaction(s)").  A transaction of the bulk chain has
 * three signatures: the CPU is set beside that of three bare checks, as OpenSSL does them.  A run of
 * the original takes a minute or more.
 *
 * Written in C as catch_up_bench is: the checks are those of src/crypto. */
#include "base/log.h"
#include "bench.h"
#include "bench_orderer.h"
#include "crypto/ecdsa.h"
#include "crypto/sha256.h"
#include "os/dirs.h"
#include "os/file.h"
#include "os/process_stat.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define NODE BENCH_ORG_FOLDER "/peers/peer0.org1.example.com"

enum {
    TURNS = 3,
    CHECKS_A_TX = 3,
    BARE_CHECKS = 6000,
    ENV_MAX = 32,
    LINE_MAX_BYTES = 4096,
    SETTINGS_MAX = 1 << 20,
};

/* ---- bare checks ----------------------------------------------------------------------------- */

/* Seconds of CPU of three checks. */
static double time_bare(void)
{
    struct private_key *key = NULL;
    struct digest digest = sha256_of(bytes_of_str("message"));
    WEFT_CLEANUP(buf_done) struct buf der = { 0 };
    struct ecdsa_signature signature; /* lies in der */
    if (private_key_generate(EC_CURVE_P256, &key, NULL) != WEFT_OK ||
        private_key_sign(key, digest_bytes(&digest), &der, NULL) != WEFT_OK ||
        ecdsa_signature_parse(buf_bytes(&der), &signature, NULL) != WEFT_OK)
        WEFT_ASSERT(false);
    double start = bench_cpu();
    for (int i = 0; i < BARE_CHECKS; i++)
        if (!ecdsa_verify_plain(private_key_public(key), digest_bytes(&digest), &signature))
            WEFT_ASSERT(false);
    double s = bench_cpu() - start;
    private_key_unref(key);
    return s / BARE_CHECKS * CHECKS_A_TX;
}

/* ---- the machine ------------------------------------------------------------------------------- */

/* Seconds that its cores were busy since it came up, all processes: /proc/stat's first line. */
static double machine_busy(void)
{
    double user = 0, nice = 0, system = 0, irq = 0, softirq = 0;
    FILE *f = fopen("/proc/stat", "re");
    WEFT_ASSERT(f != NULL);
    int n = fscanf(f, "cpu %lf %lf %lf %*f %*f %lf %lf", &user, &nice, /* NOLINT(cert-err34-c) */
                   &system, &irq, &softirq);
    (void)fclose(f);
    WEFT_ASSERT(n == 5);
    return (user + nice + system + irq + softirq) / (double)sysconf(_SC_CLK_TCK);
}

/* ---- a peer ---------------------------------------------------------------------------------------- */

struct program {
    const char *name, *path;
    double tx_per_s; /* in the last turn */
};

struct peer {
    char *env[ENV_MAX];
    pid_t pid;
    FILE *log;
    char line[LINE_MAX_BYTES]; /* its last one */
};

/* core.yaml of the samples, where this orderer is found instead of the one that the chain's
 * configuration names; the original takes no list from the environment. */
static enum weft_code write_settings(const struct bench_orderer *o, const char *to,
                                     struct weft_err *e)
{
    static const char key[] = "\n        addressOverrides:\n";
    WEFT_CLEANUP(buf_done) struct buf text = { 0 };
    WEFT_FREE char *path = weft_asprintf("%s/core.yaml", to);
    WEFT_TRY(file_read_all(WEFT_TESTS_DIR "/../sampleconfig/core.yaml", SETTINGS_MAX, &text, e));
    buf_put_u8(&text, 0);
    char *at = strstr((char *)text.data, key);
    if (at == NULL)
        return WEFT_FAIL(e, WEFT_CORRUPT, "no addressOverrides in core.yaml");
    *at = '\0';
    WEFT_FREE char *changed = weft_asprintf(
        "%s%s          - from: " BENCH_CONFIGURED
        "\n            to: %s\n            caCertsFile: %s/" BENCH_ORDERER_FOLDER "/tls/ca.crt\n%s",
        (char *)text.data, key, o->address, o->folder, at + strlen(key));
    return file_write_plain(path, bytes_of_str(changed), 0644, e);
}

static void make_env(struct peer *p, const struct bench_orderer *o, const char *to)
{
    const char *f = o->folder;
    uint16_t port = bench_free_port(), chaincode = bench_free_port();
    char *env[] = {
        weft_asprintf("FABRIC_CFG_PATH=%s", to),
        weft_asprintf("FABRIC_LOGGING_SPEC=nodeCmd,kvledger=info:error"),
        weft_asprintf("FABRIC_LOGGING_FORMAT=%%{message}"),
        weft_asprintf("CORE_PEER_ID=peer0.org1.example.com"),
        weft_asprintf("CORE_PEER_ADDRESS=127.0.0.1:%u", port),
        weft_asprintf("CORE_PEER_LISTENADDRESS=127.0.0.1:%u", port),
        weft_asprintf("CORE_PEER_CHAINCODELISTENADDRESS=127.0.0.1:%u", chaincode),
        weft_asprintf("CORE_PEER_LOCALMSPID=Org1MSP"),
        weft_asprintf("CORE_PEER_MSPCONFIGPATH=%s/" NODE "/msp", f),
        weft_asprintf("CORE_PEER_FILESYSTEMPATH=%s", to),
        weft_asprintf("CORE_PEER_TLS_ENABLED=true"),
        weft_asprintf("CORE_PEER_TLS_CERT_FILE=%s/" NODE "/tls/server.crt", f),
        weft_asprintf("CORE_PEER_TLS_KEY_FILE=%s/" NODE "/tls/server.key", f),
        weft_asprintf("CORE_PEER_TLS_ROOTCERT_FILE=%s/" NODE "/tls/ca.crt", f),
        weft_asprintf("CORE_PEER_GOSSIP_BOOTSTRAP=127.0.0.1:%u", port),
        weft_asprintf("CORE_PEER_GOSSIP_EXTERNALENDPOINT=127.0.0.1:%u", port),
        weft_asprintf("CORE_PEER_GOSSIP_USELEADERELECTION=false"),
        weft_asprintf("CORE_PEER_GOSSIP_ORGLEADER=true"),
        /* the original would look for private data that nobody has for a minute a block */
        weft_asprintf("CORE_PEER_GOSSIP_PVTDATA_PULLRETRYTHRESHOLD=0s"),
        weft_asprintf("CORE_OPERATIONS_LISTENADDRESS=127.0.0.1:0"),
        weft_asprintf("CORE_METRICS_PROVIDER=disabled"),
    };
    memcpy(p->env, env, sizeof(env)); /* the rest is NULL */
}

static bool peer_start(struct peer *p, const struct program *program)
{
    int ends[2];
    WEFT_ASSERT(pipe(ends) == 0); /* NOLINT(android-cloexec-pipe) */
    p->pid = fork();
    if (p->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* should the benchmark die */
        (void)dup2(ends[1], STDERR_FILENO);
        (void)close(ends[0]);
        (void)close(ends[1]);
        (void)execle(program->path, "peer", "node", "start", (char *)NULL, p->env);
        _exit(127);
    }
    (void)close(ends[1]);
    p->log = fdopen(ends[0], "r");
    return p->pid > 0 && p->log != NULL;
}

/* Its next line; false: it ended. */
static bool peer_read(struct peer *p)
{
    char line[LINE_MAX_BYTES];
    if (fgets(line, sizeof(line), p->log) == NULL)
        return false;
    line[strcspn(line, "\n")] = '\0';
    memcpy(p->line, line, sizeof(line));
    return true;
}

/* Reads its log to a line with these words; false: it ended before. */
static bool peer_wait_for(struct peer *p, const char *words)
{
    while (peer_read(p))
        if (strstr(p->line, words) != NULL)
            return true;
    return false;
}

/* To the block with this number; false: it ended before. */
static bool peer_wait_for_block(struct peer *p, uint64_t last, uint64_t *ret_txs)
{
    static const char said[] = "Committed block [", with[] = "] with ";
    while (peer_read(p)) {
        const char *at = strstr(p->line, said);
        char *end = NULL;
        if (at == NULL)
            continue;
        uint64_t number = strtoull(at + strlen(said), &end, 10);
        if (strncmp(end, with, strlen(with)) == 0)
            *ret_txs += strtoull(end + strlen(with), NULL, 10);
        if (number >= last)
            return true;
    }
    return false;
}

/* With our CLI, as the organisation's admin. */
static bool peer_join(struct peer *p, const struct bench_orderer *o)
{
    WEFT_FREE char *block = weft_asprintf("%s/genesis/" BENCH_CHANNEL ".block", o->folder);
    WEFT_FREE char *admin = weft_asprintf("CORE_PEER_MSPCONFIGPATH=%s/" BENCH_ORG_FOLDER
                                          "/users/Admin@org1.example.com/msp",
                                          o->folder);
    char *env[ENV_MAX];
    memcpy(env, p->env, sizeof(env));
    for (size_t i = 0; env[i] != NULL; i++)
        if (strncmp(env[i], admin, strlen("CORE_PEER_MSPCONFIGPATH=")) == 0)
            env[i] = admin;
    const char *program = WEFT_PROGRAMS "/peer";
    const char *const argv[] = { program, "channel", "join", "-b", block, NULL };
    return bench_run(argv, env) == 0;
}

/* Its memory at most, in MB. */
static double peer_stop(struct peer *p)
{
    struct rusage used = { 0 };
    if (p->pid > 0) {
        (void)kill(p->pid, SIGTERM);
        (void)wait4(p->pid, NULL, 0, &used);
    }
    if (p->log != NULL)
        (void)fclose(p->log);
    for (size_t i = 0; p->env[i] != NULL; i++)
        free(p->env[i]);
    return (double)used.ru_maxrss / 1024;
}

/* ---- the benchmark ------------------------------------------------------------------------------------- */

struct figures {
    double s, cpu, busy, theirs, rss_mb, bare;
    uint64_t blocks, txs;
};

static void print(struct program *p, const struct figures *f)
{
    double us = f->cpu / (double)f->txs * 1e6;
    WEFT_FREE char *title = weft_asprintf("%s: %" PRIu64 " blocks, %" PRIu64 " transactions",
                                          p->name, f->blocks, f->txs);
    WEFT_FREE char *share =
        weft_asprintf("%.2f of three bare checks of %.0f us", us / (f->bare * 1e6), f->bare * 1e6);
    p->tx_per_s = (double)f->txs / f->s;
    bench_print(title, f->s, "s", NULL);
    bench_print("  validated and committed", p->tx_per_s, "tx/s", NULL);
    bench_print("", (double)f->blocks / f->s, "blocks/s", NULL);
    bench_print("  CPU of the peer", us, "us/tx", share);
    bench_print("  CPU of the orderer", f->theirs / (double)f->txs * 1e6, "us/tx", NULL);
    bench_print("  cores busy, all the machine's processes", f->busy / f->s, "cores", NULL);
    bench_print("  memory of the peer, at most", f->rss_mb, "MB", NULL);
}

static enum weft_code measure(struct peer *p, const struct bench_orderer *o, struct figures *f,
                              struct weft_err *e)
{
    struct process_stat before = { 0 }, after = { 0 }, ordered = { 0 }, theirs = { 0 };
    if (!peer_wait_for(p, "Started peer with ID="))
        return WEFT_FAIL(e, WEFT_UNAVAILABLE, "the peer does not start: %s", p->line);
    (void)process_stat_read((uint64_t)p->pid, &before);
    (void)process_stat_read((uint64_t)o->pid, &ordered);
    double busy = machine_busy(), began = bench_now();
    if (!peer_join(p, o) || !peer_wait_for_block(p, (uint64_t)o->blocks - 1, &f->txs))
        return WEFT_FAIL(e, WEFT_UNAVAILABLE, "the peer does not come to the end of the chain: %s",
                         p->line);
    f->s = bench_now() - began;
    f->busy = machine_busy() - busy;
    (void)process_stat_read((uint64_t)p->pid, &after);
    (void)process_stat_read((uint64_t)o->pid, &theirs);
    f->cpu = after.cpu_s - before.cpu_s;
    f->theirs = theirs.cpu_s - ordered.cpu_s;
    f->blocks = (uint64_t)o->blocks;
    return WEFT_OK;
}

/* One program, from the first block to the last. */
static enum weft_code run(const struct bench_orderer *o, const struct program *program,
                          struct figures *ret, struct weft_err *e)
{
    struct peer p = { 0 };
    WEFT_FREE char *to = NULL;
    *ret = (struct figures){ .bare = time_bare() };
    WEFT_TRY(dir_make_temporary("weft-bench", &to, e));
    enum weft_code rc = write_settings(o, to, e);
    make_env(&p, o, to);
    if (rc == WEFT_OK)
        rc = peer_start(&p, program) ? measure(&p, o, ret, e)
                                     : WEFT_FAIL(e, WEFT_IO, "can't start a process");
    ret->rss_mb = peer_stop(&p);
    WEFT_IGNORE(dir_remove_tree(to, NULL));
    return rc;
}

static enum weft_code bench(const struct bench_orderer *o, struct weft_err *e)
{
    const char *folder = getenv("WEFT_ORIGINAL"); /* NOLINT(concurrency-mt-unsafe): one thread */
    WEFT_FREE char *path = folder != NULL ? weft_asprintf("%s/peer", folder) : NULL;
    struct program ours = { .name = "ours", .path = WEFT_PROGRAMS "/peer" };
    struct program theirs = { .name = "the original", .path = path };
    struct figures f;
    for (int i = 0; i < TURNS; i++) {
        WEFT_TRY(run(o, &ours, &f, e));
        print(&ours, &f);
        if (path == NULL)
            continue;
        WEFT_TRY(run(o, &theirs, &f, e));
        print(&theirs, &f);
        bench_print("ours beside the original", ours.tx_per_s / theirs.tx_per_s, "x", NULL);
    }
    return WEFT_OK;
}

int main(int argc, char **argv)
{
    struct weft_err e = { 0 };
    struct bench_orderer o = { 0 };
    WEFT_FREE char *dir = NULL;
    enum weft_code rc = dir_make_temporary("weft-bench", &dir, &e);
    WEFT_IGNORE(log_set_spec("error", NULL));
    if (rc == WEFT_OK && bench_bulk_get(argc > 1 ? argv[1] : NULL, dir, &o))
        rc = bench_orderer_start(&o)
                 ? bench(&o, &e)
                 : WEFT_FAIL(&e, WEFT_UNAVAILABLE, "the orderer gives no blocks");
    bench_orderer_stop(&o);
    if (dir != NULL)
        WEFT_IGNORE(dir_remove_tree(dir, NULL));
    if (rc != WEFT_OK)
        (void)fprintf(stderr, "%s\n", e.msg);
    return rc == WEFT_OK ? 0 : 1;
}
