#include "os/signals.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

struct signals {
    int fd;
    sigset_t ours, mask_before;
    struct sigaction pipe_before;
};

static sigset_t our_set(void)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGUSR1);
    return set;
}

enum weft_code signals_open(struct signals **ret, struct weft_err *e)
{
    struct signals *s = weft_alloc(sizeof(*s));
    s->ours = our_set();
    s->fd = signalfd(-1, &s->ours, SFD_CLOEXEC | SFD_NONBLOCK);
    if (s->fd < 0) {
        int why = errno;
        free(s);
        return WEFT_FAIL(e, WEFT_IO, "can't wait for signals: %s", strerrordesc_np(why));
    }
    /* Neither can fail with arguments like these. */
    (void)pthread_sigmask(SIG_BLOCK, &s->ours, &s->mask_before);
    struct sigaction ignore = { 0 };
    ignore.sa_handler = SIG_IGN;
    (void)sigaction(SIGPIPE, &ignore, &s->pipe_before);
    *ret = s;
    return WEFT_OK;
}

void signals_close(struct signals *s)
{
    if (s == NULL)
        return;
    while (signals_take(s) != 0)
        ;
    (void)close(s->fd);
    (void)sigaction(SIGPIPE, &s->pipe_before, NULL);
    (void)pthread_sigmask(SIG_SETMASK, &s->mask_before, NULL);
    free(s);
}

int signals_fd(const struct signals *s)
{
    return s->fd;
}

int signals_take(struct signals *s)
{
    struct signalfd_siginfo info;
    ssize_t n = read(s->fd, &info, sizeof(info));
    return n == (ssize_t)sizeof(info) ? (int)info.ssi_signo : 0;
}

int signals_wait(struct signals *s, int timeout_ms)
{
    struct pollfd p = { .fd = s->fd, .events = POLLIN };
    for (;;) {
        int n = poll(&p, 1, timeout_ms);
        int number = n > 0 ? signals_take(s) : 0;
        if (number != 0 || n == 0 || (n < 0 && errno != EINTR))
            return number;
    }
}

const char *signals_name(int number)
{
    switch (number) {
    case SIGTERM:
        return "terminated";
    case SIGINT:
        return "interrupt";
    case SIGUSR1:
        return "user defined signal 1";
    default:
        return "unknown";
    }
}

void signals_reset_for_child(void)
{
    sigset_t none;
    (void)sigemptyset(&none);
    (void)pthread_sigmask(SIG_SETMASK, &none, NULL);
    struct sigaction plain = { 0 };
    plain.sa_handler = SIG_DFL;
    (void)sigaction(SIGPIPE, &plain, NULL);
}
