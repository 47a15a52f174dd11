#include "os/signals.h"

#include "weft_test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

TEST(a_signal_is_an_event_not_an_end)
{
    struct weft_err e;
    WEFT_CLEANUP(signals_close) struct signals *s = NULL;
    EXPECT_OK(signals_open(&s, &e));
    EXPECT_EQ(signals_take(s), 0);
    EXPECT_EQ(kill(getpid(), SIGTERM), 0);
    struct pollfd p = { .fd = signals_fd(s), .events = POLLIN };
    EXPECT_EQ(poll(&p, 1, 1000), 1);
    EXPECT_EQ(signals_take(s), SIGTERM);
    EXPECT_EQ(signals_take(s), 0);
}

TEST(takes_each_kind)
{
    static const int kinds[] = { SIGINT, SIGUSR1, SIGTERM };
    struct weft_err e;
    WEFT_CLEANUP(signals_close) struct signals *s = NULL;
    EXPECT_OK(signals_open(&s, &e));
    for (size_t i = 0; i < WEFT_ARRAY_LEN(kinds); i++) {
        EXPECT_EQ(kill(getpid(), kinds[i]), 0);
        EXPECT_EQ(signals_wait(s, 1000), kinds[i]);
    }
    EXPECT_EQ(signals_wait(s, 0), 0);
}

static void *send_usr1(void *arg)
{
    WEFT_ASSERT(kill(getpid(), SIGUSR1) == 0);
    return arg;
}

TEST(a_thread_started_later_does_not_take_it)
{
    struct weft_err e;
    WEFT_CLEANUP(signals_close) struct signals *s = NULL;
    EXPECT_OK(signals_open(&s, &e));
    pthread_t thread;
    EXPECT_EQ(pthread_create(&thread, NULL, send_usr1, NULL), 0);
    EXPECT_EQ(signals_wait(s, 1000), SIGUSR1);
    EXPECT_EQ(pthread_join(thread, NULL), 0);
}

TEST(a_write_to_nobody_is_an_error)
{
    struct weft_err e;
    WEFT_CLEANUP(signals_close) struct signals *s = NULL;
    EXPECT_OK(signals_open(&s, &e));
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    EXPECT_EQ(close(ends[0]), 0);
    errno = 0;
    EXPECT(write(ends[1], "x", 1) < 0 && errno == EPIPE);
    EXPECT_EQ(close(ends[1]), 0);
}

/* What ended the child: 0 if it came through. */
static int child_ended_by(void (*body)(void))
{
    pid_t pid = fork();
    EXPECT(pid >= 0);
    if (pid == 0) {
        body();
        _exit(0);
    }
    int status = 0;
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void end_after_close(void)
{
    struct signals *s = NULL;
    if (signals_open(&s, NULL) != WEFT_OK)
        _exit(1);
    (void)raise(SIGTERM); /* waits, and is dropped */
    signals_close(s);
    (void)raise(SIGINT);
}

static void end_as_child(void)
{
    struct signals *s = NULL;
    if (signals_open(&s, NULL) != WEFT_OK)
        _exit(1);
    signals_reset_for_child();
    (void)raise(SIGUSR1);
}

TEST(after_close_they_end_the_process_again)
{
    EXPECT_EQ(child_ended_by(end_after_close), SIGINT);
}

TEST(a_program_that_is_started_can_be_ended)
{
    EXPECT_EQ(child_ended_by(end_as_child), SIGUSR1);
}

TEST(names_are_gos)
{
    EXPECT_STR(signals_name(15), "terminated");
    EXPECT_STR(signals_name(SIGINT), "interrupt");
    EXPECT_STR(signals_name(SIGUSR1), "user defined signal 1");
}
