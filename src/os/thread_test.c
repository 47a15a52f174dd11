#include "os/thread.h"

#include "weft_test.h"

#include <pthread.h>
#include <signal.h>

struct seen {
    char name[32];
    bool term_blocked;
};

static void look(void *arg)
{
    struct seen *s = arg;
    sigset_t mask;
    WEFT_ASSERT(pthread_getname_np(pthread_self(), s->name, sizeof(s->name)) == 0);
    WEFT_ASSERT(pthread_sigmask(SIG_BLOCK, NULL, &mask) == 0);
    s->term_blocked = sigismember(&mask, SIGTERM) == 1;
}

TEST(runs_under_its_name_and_takes_no_signals)
{
    struct weft_err e;
    struct seen s = { 0 };
    struct thread *t;
    EXPECT_OK(thread_start("chain:mychannel", look, &s, &t, &e));
    thread_join(t);
    EXPECT_STR(s.name, "chain:mychannel");
    EXPECT(s.term_blocked);
}

TEST(a_long_name_is_cut)
{
    struct weft_err e;
    struct seen s = { 0 };
    struct thread *t;
    EXPECT_OK(thread_start("commit:averylongchannel", look, &s, &t, &e));
    thread_join(t);
    EXPECT_STR(s.name, "commit:averylon");
}

TEST(leaves_the_callers_signals_alone)
{
    struct weft_err e;
    struct seen s = { 0 };
    struct thread *t;
    sigset_t mask;
    EXPECT_EQ(sigemptyset(&mask), 0);
    EXPECT_EQ(sigaddset(&mask, SIGINT), 0);
    EXPECT_EQ(pthread_sigmask(SIG_SETMASK, &mask, NULL), 0);
    EXPECT_OK(thread_start("x", look, &s, &t, &e));
    thread_join(t);
    EXPECT_EQ(pthread_sigmask(SIG_BLOCK, NULL, &mask), 0);
    EXPECT_EQ(sigismember(&mask, SIGTERM), 0);
    EXPECT_EQ(sigismember(&mask, SIGINT), 1);
}
