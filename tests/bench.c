#include "bench.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static double seconds_of(clockid_t clock)
{
    struct timespec t;
    (void)clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

double bench_now(void)
{
    return seconds_of(CLOCK_MONOTONIC);
}

double bench_cpu(void)
{
    return seconds_of(CLOCK_PROCESS_CPUTIME_ID);
}

double bench_rss_peak_mb(void)
{
    struct rusage u;
    (void)getrusage(RUSAGE_SELF, &u);
    return (double)u.ru_maxrss / 1024;
}

void bench_print(const char *name, double figure, const char *unit, const char *remark)
{
    (void)printf("%-52s %12.2f %-10s %s\n", name, figure, unit, remark != NULL ? remark : "");
    (void)fflush(stdout);
}

const char *bench_fixture(const char *path)
{
    static char whole[1024];
    (void)snprintf(whole, sizeof(whole), "%s/fixtures/%s", WEFT_SHARED_DIR, path);
    if (access(whole, R_OK) == 0)
        return whole;
    (void)printf("no fixture %s beside the project: left out\n", path);
    return NULL;
}

bool bench_unpack(const char *packed, const char *dir)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        (void)execlp("tar", "tar", "--use-compress-program=zstd -d --long=27", "-xf", packed, "-C",
                     dir, (char *)NULL);
        _exit(127);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}
