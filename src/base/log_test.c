#include "base/log.h"

#include "weft_test.h"

#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

/* Lines go into a socket that keeps each write(2) apart. */
static int ends[2] = { -1, -1 };

static void start(const char *spec, const char *format)
{
    struct weft_err e;
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    EXPECT_OK(log_set_spec(spec, &e));
    EXPECT_OK(log_set_format(format, &e));
    log_set_fd(ends[1]);
}

static void stop(void)
{
    log_set_fd(STDERR_FILENO);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

/* The next line, or NULL. */
static const char *next_line(void)
{
    static char text[32 << 10];
    ssize_t n = recv(ends[0], text, sizeof(text) - 1, MSG_DONTWAIT);
    if (n < 0)
        return NULL;
    text[n] = '\0';
    return text;
}

LOG_DEFINE(gossip_log, "gossip.state");
LOG_DEFINE(peer_log, "peer");

TEST(writes_a_line_with_its_function_and_fields)
{
    start("info", "%{module} %{shortfunc} %{level} %{message}");
    LOG_INFO(&gossip_log, "Received block [%d]" LOG_KV "channel=%s", 7, "ch");
    EXPECT_STR(next_line(), "gossip.state test_writes_a_line_with_its_function_and_fields INFO "
                            "Received block [7] channel=ch\n");
    EXPECT(next_line() == NULL);
    stop();
}

TEST(a_new_spec_holds_at_once)
{
    struct weft_err e;
    start("warn", "%{module} %{message}");
    LOG_INFO(&gossip_log, "no");
    LOG_INFO(&peer_log, "no");
    EXPECT(next_line() == NULL);

    EXPECT_OK(log_set_spec("gossip=debug:error", &e));
    LOG_DEBUG(&gossip_log, "yes");
    LOG_WARN(&peer_log, "no");
    LOG_ERROR(&peer_log, "yes");
    EXPECT_STR(next_line(), "gossip.state yes\n");
    EXPECT_STR(next_line(), "peer yes\n");
    EXPECT(next_line() == NULL);
    WEFT_FREE char *text = log_spec();
    EXPECT_STR(text, "gossip=debug:error");
    stop();
}

TEST(a_bad_spec_or_format_changes_nothing)
{
    struct weft_err e;
    start("peer=debug:warn", "%{level} %{message}");
    EXPECT_CODE(log_set_spec("peer=nonsense", &e), WEFT_INVALID);
    EXPECT_CODE(log_set_format("%{color:red}", &e), WEFT_INVALID);
    LOG_DEBUG(&peer_log, "still");
    EXPECT_STR(next_line(), "DEBUG still\n");
    WEFT_FREE char *text = log_spec();
    EXPECT_STR(text, "peer=debug:warn");
    stop();
}

/* NOLINTBEGIN(concurrency-mt-unsafe): one thread */
TEST(reads_the_environment)
{
    struct weft_err e;
    start("info", NULL);
    EXPECT_EQ(setenv("FABRIC_LOGGING_SPEC", "peer=debug", 1), 0);
    EXPECT_EQ(setenv("FABRIC_LOGGING_FORMAT", "<%{message}>", 1), 0);
    EXPECT_OK(log_init_from_env(&e));
    LOG_DEBUG(&peer_log, "x");
    EXPECT_STR(next_line(), "<x>\n");

    EXPECT_EQ(setenv("FABRIC_LOGGING_SPEC", "peer=loud", 1), 0);
    EXPECT_CODE(log_init_from_env(&e), WEFT_INVALID);
    EXPECT_STR(e.msg, "invalid logging specification 'peer=loud': bad segment 'peer=loud'");

    EXPECT_EQ(unsetenv("FABRIC_LOGGING_SPEC"), 0);
    EXPECT_EQ(unsetenv("FABRIC_LOGGING_FORMAT"), 0);
    EXPECT_OK(log_init_from_env(&e));
    WEFT_FREE char *text = log_spec();
    EXPECT_STR(text, "info");
    stop();
}
/* NOLINTEND(concurrency-mt-unsafe) */

TEST(counts_what_was_asked_and_what_was_written)
{
    start("gossip=info:error", "%{message}");
    uint64_t debug = log_entries_checked(LOG_LEVEL_DEBUG);
    uint64_t info = log_entries_checked(LOG_LEVEL_INFO);
    uint64_t info_written = log_entries_written(LOG_LEVEL_INFO);
    LOG_DEBUG(&gossip_log, "below everybody's level: not even counted");
    LOG_INFO(&peer_log, "somebody writes info, peer does not");
    LOG_INFO(&gossip_log, "written");
    EXPECT_EQ(log_entries_checked(LOG_LEVEL_DEBUG) - debug, 0);
    EXPECT_EQ(log_entries_checked(LOG_LEVEL_INFO) - info, 2);
    EXPECT_EQ(log_entries_written(LOG_LEVEL_INFO) - info_written, 1);
    stop();
}

TEST(a_long_line_is_cut_at_16_kb)
{
    start("info", "%{message}");
    WEFT_FREE char *text = weft_alloc(40001);
    memset(text, 'x', 40000);
    LOG_INFO(&peer_log, "%s", text);
    const char *got = next_line();
    size_t len = strlen(got);
    EXPECT(len <= 16384 && len > 16300);
    EXPECT_STR(got + len - 5, "x...\n");
    stop();
}

TEST(keeps_errno_when_the_line_cannot_be_written)
{
    start("info", NULL);
    log_set_fd(-1);
    errno = ENOENT;
    LOG_INFO(&peer_log, "x");
    EXPECT_EQ(errno, ENOENT);
    stop();
}

enum {
    WRITERS = 4,
    LINES = 300
};

static void *write_lines(void *arg)
{
    for (int i = 0; i < LINES; i++)
        LOG_INFO(&gossip_log, "thread %d line %d", *(int *)arg, i);
    return NULL;
}

static void *change_spec(void *arg)
{
    for (int i = 0; i < 100; i++) {
        WEFT_ASSERT(log_set_spec(i % 2 == 0 ? "debug" : "gossip.state=info:warn", NULL) == WEFT_OK);
        WEFT_ASSERT(log_set_format(i % 2 == 0 ? "%{id:d} %{message}" : "%{id:d} %{message:s}",
                                   NULL) == WEFT_OK);
        free(log_spec());
    }
    return arg;
}

TEST(lines_of_many_threads_stay_whole_and_numbered_in_order)
{
    start("debug", "%{id:d} %{message}");
    pthread_t writers[WRITERS], changer;
    int numbers[WRITERS], next[WRITERS] = { 0 };
    for (int i = 0; i < WRITERS; i++) {
        numbers[i] = i;
        EXPECT_EQ(pthread_create(&writers[i], NULL, write_lines, &numbers[i]), 0);
    }
    EXPECT_EQ(pthread_create(&changer, NULL, change_spec, NULL), 0);

    unsigned long long last = 0;
    for (int i = 0; i < WRITERS * LINES; i++) {
        char text[256];
        ssize_t n = recv(ends[0], text, sizeof(text) - 1, 0);
        EXPECT(n > 0);
        text[n] = '\0';
        unsigned long long id;
        int thread, line;
        /* NOLINTNEXTLINE(cert-err34-c): we wrote these numbers */
        EXPECT_EQ(sscanf(text, "%llu thread %d line %d\n", &id, &thread, &line), 3);
        EXPECT(thread >= 0 && thread < WRITERS);
        EXPECT_EQ(line, next[thread]);
        next[thread]++;
        EXPECT(last == 0 || id == last + 1);
        last = id;
    }
    for (int i = 0; i < WRITERS; i++)
        EXPECT_EQ(pthread_join(writers[i], NULL), 0);
    EXPECT_EQ(pthread_join(changer, NULL), 0);
    EXPECT(next_line() == NULL);
    stop();
}

static void expect_quoted(struct bytes text, const char *want)
{
    char out[LOG_QUOTE_MAX];
    EXPECT_STR(log_quote(text, out), want);
}

TEST(quotes_text_from_outside)
{
    expect_quoted(bytes_of_str("plain \xc3\xa9"), "\"plain \xc3\xa9\"");
    expect_quoted(bytes_of_str("a\"b\\c\n\x1b[31m\x7f"), "\"a\\\"b\\\\c\\x0a\\x1b[31m\\x7f\"");
    expect_quoted(bytes_of("\0\xff", 2), "\"\\x00\\xff\"");
    expect_quoted(bytes_of_str("\xe2\x80\xae"
                               "abc"),
                  "\"\\xe2\\x80\\xae"
                  "abc\""); /* right to left */
    expect_quoted(bytes_of_str("\xc2\x9b"
                               "31m"),
                  "\"\\xc2\\x9b"
                  "31m\""); /* CSI in C1 */
    expect_quoted(bytes_of(NULL, 0), "\"\"");
}

TEST(cuts_text_from_outside_at_200_bytes)
{
    char text[300], want[LOG_QUOTE_MAX], out[LOG_QUOTE_MAX];
    memset(text, 'x', sizeof(text));
    (void)snprintf(want, sizeof(want), "\"%.200s\"...", text);
    expect_quoted(bytes_of(text, 201), want);
    (void)snprintf(want, sizeof(want), "\"%.200s\"", text);
    expect_quoted(bytes_of(text, 200), want);

    memset(text, 0, sizeof(text)); /* the longest there is */
    EXPECT_EQ(strlen(log_quote(bytes_of(text, 300), out)), 1 + 800 + 4);
    text[199] = (char)0xc3; /* a character across the limit */
    text[200] = (char)0xa9;
    EXPECT_EQ(strlen(log_quote(bytes_of(text, 300), out)), 1 + 796 + 4);
}

TEST(names_from_outside_are_quoted_only_if_they_are_none)
{
    char long_name[201], out[LOG_QUOTE_MAX];
    memset(long_name, 'x', sizeof(long_name));
    EXPECT_STR(log_name(bytes_of_str("peer0.org1-a_b:7051"), out), "peer0.org1-a_b:7051");
    EXPECT_STR(log_name(bytes_of_str(""), out), "");
    EXPECT_STR(log_name(bytes_of_str("a b"), out), "\"a b\"");
    EXPECT_STR(log_name(bytes_of("a\0", 2), out), "\"a\\x00\"");
    EXPECT_EQ(strlen(log_name(bytes_of(long_name, 200), out)), 200);
    EXPECT_EQ(log_name(bytes_of(long_name, 201), out)[0], '"');
}
