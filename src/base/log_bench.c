/* What a line costs, beside the bare write(2) of as many bytes, and what a
 * question costs that is answered no. */
#include "base/log.h"

#include "bench.h"

#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

enum {
    LINES = 200000,
    QUESTIONS = 50000000
};

LOG_DEFINE(bench_log, "gossip.state");

static double bare_writes_per_s(int fd, size_t len)
{
    char text[512];
    memset(text, 'x', sizeof(text));
    double t = bench_now();
    for (int i = 0; i < LINES; i++)
        WEFT_ASSERT(write(fd, text, len) == (ssize_t)len);
    return LINES / (bench_now() - t);
}

static double lines_per_s(const char *format)
{
    WEFT_ASSERT(log_set_format(format, NULL) == WEFT_OK);
    double t = bench_now();
    for (int i = 0; i < LINES; i++)
        LOG_INFO(&bench_log, "Received block [%d] from buffer" LOG_KV "channel=%s", i, "mychannel");
    return LINES / (bench_now() - t);
}

static double questions_ns(const char *spec)
{
    WEFT_ASSERT(log_set_spec(spec, NULL) == WEFT_OK);
    double t = bench_now();
    for (int i = 0; i < QUESTIONS; i++)
        LOG_DEBUG(&bench_log, "not written %d", i);
    return (bench_now() - t) / QUESTIONS * 1e9;
}

int main(void)
{
    static const char *const formats[] = { NULL, "json", "logfmt" };
    int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    WEFT_ASSERT(fd >= 0);
    log_set_fd(fd);
    double bare = bare_writes_per_s(fd, 130);
    bench_print("write(2) of 130 bytes to /dev/null", bare, "lines/s", NULL);
    for (size_t i = 0; i < WEFT_ARRAY_LEN(formats); i++) {
        char remark[64];
        double rate = lines_per_s(formats[i]);
        (void)snprintf(remark, sizeof(remark), "%.2f of the bare write", rate / bare);
        bench_print(formats[i] != NULL ? formats[i] : "default format", rate, "lines/s", remark);
    }
    bench_print("a debug line, nobody writes debug", questions_ns("info"), "ns", NULL);
    bench_print("a debug line, another logger writes debug", questions_ns("other=debug:info"), "ns",
                "counted as checked");
    return 0;
}
