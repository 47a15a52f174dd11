#include "bench_orderer.h"

#include "bench.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    START_TRIES = 300,
    START_WAIT_US = 100000,
};

int bench_run(const char *const argv[], char *const env[])
{
    int status = -1;
    pid_t pid = fork();
    if (pid == 0) {
        (void)dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDOUT_FILENO);
        (void)execvpe(argv[0], (char *const *)argv, env);
        _exit(127);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status)
                                                                           : -1;
}

bool bench_bulk_get(const char *given, const char *dir, struct bench_orderer *ret)
{
    if (given == NULL)
        given = getenv("WEFT_BULK"); /* NOLINT(concurrency-mt-unsafe): there is one thread */
    const char *packed = given == NULL ? bench_fixture("bulk/bulk.tar.zst") : NULL;
    if (given == NULL && packed == NULL)
        return false;
    WEFT_FREE char *folder = weft_asprintf("%s", given != NULL ? given : dir);
    WEFT_FREE char *from = weft_asprintf("%s/orderer/data", folder);
    WEFT_FREE char *data = weft_asprintf("%s/ledger", dir);
    const char *const copy[] = { "cp", "-r", from, data, NULL };
    if ((packed != NULL && !bench_unpack(packed, dir)) || bench_run(copy, environ) != 0) {
        (void)printf("no bulk chain in %s: left out\n", folder);
        return false;
    }
    *ret = (struct bench_orderer){ .folder = WEFT_TAKE(folder), .data = WEFT_TAKE(data) };
    return true;
}

uint16_t bench_free_port(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    WEFT_ASSERT(fd >= 0 && bind(fd, (struct sockaddr *)&at, len) == 0);
    WEFT_ASSERT(getsockname(fd, (struct sockaddr *)&at, &len) == 0);
    (void)close(fd);
    return ntohs(at.sin_port);
}

/* In the child: never returns. */
static void be_orderer(const struct bench_orderer *o, uint16_t port)
{
    const char *f = o->folder;
    const char *node = BENCH_ORDERER_FOLDER;
    char *env[] = {
        weft_asprintf("FABRIC_CFG_PATH=%s/../sampleconfig", WEFT_TESTS_DIR),
        weft_asprintf("FABRIC_LOGGING_SPEC=error"),
        weft_asprintf("ORDERER_GENERAL_LISTENADDRESS=127.0.0.1"),
        weft_asprintf("ORDERER_GENERAL_LISTENPORT=%u", port),
        weft_asprintf("ORDERER_GENERAL_BOOTSTRAPFILE=%s/genesis/genesis-etcdraft.block", f),
        weft_asprintf("ORDERER_GENERAL_LOCALMSPDIR=%s/%s/msp", f, node),
        weft_asprintf("ORDERER_GENERAL_LOCALMSPID=OrdererMSP"),
        weft_asprintf("ORDERER_GENERAL_TLS_ENABLED=true"),
        weft_asprintf("ORDERER_GENERAL_TLS_PRIVATEKEY=%s/%s/tls/server.key", f, node),
        weft_asprintf("ORDERER_GENERAL_TLS_CERTIFICATE=%s/%s/tls/server.crt", f, node),
        weft_asprintf("ORDERER_GENERAL_TLS_ROOTCAS=[%s/%s/tls/ca.crt]", f, node),
        weft_asprintf("ORDERER_GENERAL_CLUSTER_CLIENTCERTIFICATE=%s/%s/tls/server.crt", f, node),
        weft_asprintf("ORDERER_GENERAL_CLUSTER_CLIENTPRIVATEKEY=%s/%s/tls/server.key", f, node),
        weft_asprintf("ORDERER_GENERAL_CLUSTER_ROOTCAS=[%s/%s/tls/ca.crt]", f, node),
        weft_asprintf("ORDERER_FILELEDGER_LOCATION=%s", o->data),
        weft_asprintf("ORDERER_CONSENSUS_WALDIR=%s/etcdraft/wal", o->data),
        weft_asprintf("ORDERER_CONSENSUS_SNAPDIR=%s/etcdraft/snapshot", o->data),
        weft_asprintf("ORDERER_OPERATIONS_LISTENADDRESS=127.0.0.1:0"),
        weft_asprintf("ORDERER_METRICS_PROVIDER=disabled"),
        NULL,
    };
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* should the benchmark die */
    (void)execle(WEFT_PROGRAMS "/orderer", "orderer", (char *)NULL, env);
    _exit(127);
}

void bench_orderer_stop(struct bench_orderer *o)
{
    if (o->pid > 0) {
        (void)kill(o->pid, SIGTERM);
        (void)waitpid(o->pid, NULL, 0);
    }
    free(o->address);
    free(o->folder);
    free(o->data);
    *o = (struct bench_orderer){ 0 };
}

static bool number_of(const char *json, const char *name, double *ret)
{
    WEFT_FREE char *key = weft_asprintf("\"%s\":", name);
    const char *at = strstr(json, key);
    char *end = NULL;
    if (at == NULL)
        return false;
    *ret = strtod(at + strlen(key), &end);
    return end > at + strlen(key);
}

bool bench_orderer_count(struct bench_orderer *o)
{
    WEFT_FREE char *command =
        weft_asprintf(WEFT_PROGRAMS "/weft bench deliver -c " BENCH_CHANNEL
                                    " -o %s --tls --cafile %s/" BENCH_ORDERER_FOLDER
                                    "/tls/ca.crt --mspid Org1MSP --mspdir %s/" BENCH_ORG_FOLDER
                                    "/users/Admin@org1.example.com/msp 2>/dev/null",
                      o->address, o->folder, o->folder);
    char json[4096] = "";
    FILE *out = popen(command, "r"); /* NOLINT(cert-env33-c): a benchmark, and paths of ours */
    WEFT_ASSERT(out != NULL);
    size_t n = fread(json, 1, sizeof(json) - 1, out);
    json[n] = '\0';
    return pclose(out) == 0 && number_of(json, "blocks", &o->blocks) &&
           number_of(json, "mb_per_s", &o->mb_per_s) && o->blocks > 1;
}

bool bench_orderer_start(struct bench_orderer *o)
{
    uint16_t port = bench_free_port();
    o->address = weft_asprintf("127.0.0.1:%u", port);
    o->pid = fork();
    if (o->pid == 0)
        be_orderer(o, port);
    for (int i = 0; o->pid > 0 && i < START_TRIES; i++) {
        if (bench_orderer_count(o))
            return true;
        if (waitpid(o->pid, NULL, WNOHANG) != 0)
            o->pid = 0;
        (void)usleep(START_WAIT_US);
    }
    return false;
}
