#include "config/config_table.h"

#include "weft_test.h"

#include "base/log.h"

struct settings {
    const char *name, *path;
    bool on;
    int64_t wait_ns, shift_ns;
    uint32_t count, bytes;
    uint16_t port;
    double ratio;
    struct config_strings words, files;
};

#define AT(member) offsetof(struct settings, member)
static const struct config_field fields[] = {
    { "s.Name", FIELD_STRING, FIELD_ZERO_UNSET, AT(name), "nobody" },
    { "s.Path", FIELD_PATH, 0, AT(path), NULL },
    { "s.On", FIELD_BOOL, 0, AT(on), "true" },
    { "s.Wait", FIELD_DURATION, FIELD_ZERO_UNSET, AT(wait_ns), "5s" },
    { "s.Shift", FIELD_SHIFT, 0, AT(shift_ns), NULL },
    { "s.Count", FIELD_COUNT, 0, AT(count), "10" },
    { "s.Size", FIELD_SIZE, FIELD_ZERO_UNSET, AT(bytes), "100 MB" },
    { "s.Port", FIELD_PORT, FIELD_ZERO_UNSET | FIELD_TOLD, AT(port), "7050" },
    { "s.Ratio", FIELD_RATIO, 0, AT(ratio), "0.75" },
    { "s.Words", FIELD_STRINGS, 0, AT(words), NULL },
    { "s.Files", FIELD_PATHS, 0, AT(files), NULL },
};
static const char *const sections[] = { "s.Free", "other.deep.section", NULL };
static struct config_table table = { .fields = fields,
                                     .count = WEFT_ARRAY_LEN(fields),
                                     .sections = sections };

static struct arena arena;

static const char *item(struct config_strings l, size_t i)
{
    return l.items != NULL && i < l.count ? l.items[i] : "(none)";
}

static enum weft_code fill(const char *text, const char *const *env, struct settings *out,
                           struct weft_err *e)
{
    static const char *const none[] = { NULL };
    WEFT_CLEANUP(config_source_free) struct config_source *src = NULL;
    *out = (struct settings){ 0 };
    WEFT_TRY(config_source_parse(bytes_of_str(text), "/c/x.yaml", "X", env != NULL ? env : none,
                                 &src, e));
    return config_table_fill(&table, src, out, &arena, e);
}

TEST(nothing_set_gives_the_fallbacks)
{
    struct weft_err e;
    struct settings s;
    EXPECT_OK(fill("", NULL, &s, &e));
    EXPECT_STR(s.name, "nobody");
    EXPECT_STR(s.path, "");
    EXPECT(s.on);
    EXPECT_EQ(s.wait_ns, 5000000000);
    EXPECT_EQ(s.shift_ns, 0);
    EXPECT_EQ(s.count, 10);
    EXPECT_EQ(s.bytes, 100 << 20);
    EXPECT_EQ(s.port, 7050);
    EXPECT(s.ratio == 0.75);
    EXPECT_EQ(s.words.count, 0);
}

TEST(each_type_from_the_file)
{
    struct weft_err e;
    struct settings s;
    EXPECT_OK(fill("s:\n  name: 5\n  path: tls/x\n  on: no\n  wait: 250ms\n  shift: -1h\n"
                   "  count: 7_0\n  size: 10 MB\n  port: '80'\n  ratio: 1\n"
                   "  words: [a, 2, true]\n  files:\n    - a/b\n    - /c\n",
                   NULL, &s, &e));
    EXPECT_STR(s.name, "5");
    EXPECT_STR(s.path, "/c/tls/x");
    EXPECT(!s.on);
    EXPECT_EQ(s.wait_ns, 250000000);
    EXPECT_EQ(s.shift_ns, -3600000000000);
    EXPECT_EQ(s.count, 70);
    EXPECT_EQ(s.bytes, 10 << 20);
    EXPECT_EQ(s.port, 80);
    EXPECT(s.ratio == 1);
    EXPECT_EQ(s.words.count, 3);
    EXPECT_STR(item(s.words, 2), "true");
    EXPECT_EQ(s.files.count, 2);
    EXPECT_STR(item(s.files, 0), "/c/a/b");
    EXPECT_STR(item(s.files, 1), "/c");
}

TEST(each_type_from_the_environment)
{
    struct weft_err e;
    struct settings s;
    const char *const env[] = { "X_S_NAME=n",    "X_S_PATH=p",  "X_S_ON=0",
                                "X_S_WAIT=10",   "X_S_COUNT=0", "X_S_SIZE=1k",
                                "X_S_PORT=81",   "X_S_RATIO=0", "X_S_WORDS=[a b, c ,,d]",
                                "X_S_FILES=f g", NULL };
    EXPECT_OK(fill("s: { files: [q] }", env, &s, &e));
    EXPECT_STR(s.name, "n");
    EXPECT_STR(s.path, "/c/p");
    EXPECT(!s.on);
    EXPECT_EQ(s.wait_ns, 10);
    EXPECT_EQ(s.count, 0);
    EXPECT_EQ(s.bytes, 1024);
    EXPECT_EQ(s.port, 81);
    EXPECT_EQ(s.words.count, 3);
    EXPECT_STR(item(s.words, 0), "a b");
    EXPECT_STR(item(s.words, 1), "c");
    EXPECT_EQ(s.files.count, 1);
    EXPECT_STR(item(s.files, 0), "/c/f g");
}

TEST(a_peers_lists_are_split_at_blanks)
{
    struct weft_err e;
    struct settings s;
    const char *const env[] = { "X_S_FILES= f  g ", NULL };
    table.split_at_blanks = true;
    enum weft_code rc = fill("s: { words: b c }", env, &s, &e);
    table.split_at_blanks = false;
    EXPECT_OK(rc);
    EXPECT_EQ(s.files.count, 2);
    EXPECT_STR(item(s.files, 1), "/c/g");
    EXPECT_EQ(s.words.count, 2);
}

TEST(zero_means_unset_only_where_the_table_says_so)
{
    struct weft_err e;
    struct settings s;
    EXPECT_OK(fill("s: { name: '', wait: 0, count: 0, size: 0, port: 0, ratio: 0, on: '' }", NULL,
                   &s, &e));
    EXPECT_STR(s.name, "nobody");
    EXPECT_EQ(s.wait_ns, 5000000000);
    EXPECT_EQ(s.count, 0);
    EXPECT_EQ(s.bytes, 100 << 20);
    EXPECT_EQ(s.port, 7050);
    EXPECT(s.ratio == 0);
    EXPECT(!s.on);
}

TEST(each_type_is_refused_in_one_line)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        { "s:\n  name: [a]", "s.Name is a list: want a text" },
        { "s:\n  path: { a: b }", "s.Path is a section: want a path" },
        { "s:\n  on: maybe", "s.On is \"maybe\": want true or false" },
        { "s:\n  on: 'yes'", "s.On is \"yes\": want true or false" },
        { "s:\n  wait: 5 s", "s.Wait is \"5 s\": want a duration such as 5s, 250ms or 1h30m" },
        { "s:\n  wait: -5s", "s.Wait is \"-5s\": want a duration such as 5s, 250ms or 1h30m" },
        { "s:\n  shift: x", "s.Shift is \"x\": want a duration such as 5s or -1h30m" },
        { "s:\n  count: -1", "s.Count is \"-1\": want a whole number from 0 to 2147483647" },
        { "s:\n  count: 2147483648",
          "s.Count is \"2147483648\": want a whole number from 0 to 2147483647" },
        { "s:\n  size: 4 GB",
          "s.Size is \"4 GB\": want a size such as 104857600, 512 KB or 100 MB, below 4 GB" },
        { "s:\n  port: 70500", "s.Port is \"70500\": want a port number from 0 to 65535" },
        { "s:\n  port: [1]", "s.Port is a list: want a port number from 0 to 65535" },
        { "s:\n  ratio: 1.5", "s.Ratio is \"1.5\": want a number from 0 to 1" },
        { "s:\n  words: { a: b }", "s.Words is a section: want a list of texts" },
        { "s:\n  files: [[a]]", "s.Files is a list: want a list of paths" },
    };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(cases); i++) {
        struct weft_err e;
        struct settings s;
        WEFT_FREE char *want = weft_asprintf("/c/x.yaml:2: %s", cases[i].why);
        EXPECT_CODE(fill(cases[i].text, NULL, &s, &e), WEFT_INVALID);
        EXPECT_STR(e.msg, want);
    }
}

TEST(a_wrong_variable_is_named)
{
    struct weft_err e;
    struct settings s;
    const char *const env[] = { "X_S_PORT=http", NULL };
    EXPECT_CODE(fill("", env, &s, &e), WEFT_INVALID);
    EXPECT_STR(e.msg, "environment variable X_S_PORT is \"http\" (s.Port of /c/x.yaml): want a "
                      "port number from 0 to 65535");
}

TEST(a_section_must_be_one)
{
    struct weft_err e;
    struct settings s;
    EXPECT_CODE(fill("\ns: 5", NULL, &s, &e), WEFT_INVALID);
    EXPECT_STR(e.msg, "/c/x.yaml:2: s is \"5\": want a section of 'key: value' lines");
    EXPECT_CODE(fill("other: { deep: [] }", NULL, &s, &e), WEFT_INVALID);
    EXPECT_OK(fill("s:\nother:\n", NULL, &s, &e));
}

TEST(a_failure_over_a_path_names_the_longest_key_that_has_it)
{
    struct weft_err e = { 0 };
    struct settings s;
    EXPECT_OK(fill("s: { path: msp, files: [msp/ca.pem, b] }", NULL, &s, &e));
    (void)WEFT_FAIL(&e, WEFT_IO, "open /c/msp/ca.pem: no such file");
    config_table_blame(&table, &s, "/c/x.yaml", &e);
    EXPECT_STR(e.msg, "open /c/msp/ca.pem: no such file "
                      "(s.Files in /c/x.yaml or the environment: want good paths)");
    (void)WEFT_FAIL(&e, WEFT_IO, "open /c/msp/signcerts: no such file");
    config_table_blame(&table, &s, "/c/x.yaml", &e);
    EXPECT_STR(e.msg, "open /c/msp/signcerts: no such file "
                      "(s.Path in /c/x.yaml or the environment: want a good path)");
}

TEST(a_failure_over_something_else_stays_as_it_is)
{
    struct weft_err e = { 0 };
    struct settings s;
    EXPECT_OK(fill("s: { files: [b] }", NULL, &s, &e));
    (void)WEFT_FAIL(&e, WEFT_IO, "no port is free");
    config_table_blame(&table, &s, "/c/x.yaml", &e);
    EXPECT_STR(e.msg, "no port is free");
    (void)WEFT_FAIL(&e, WEFT_INVALID, "in /c/b: no such provider (s.Name: want nobody)");
    config_table_blame(&table, &s, "/c/x.yaml", &e);
    EXPECT_STR(e.msg, "in /c/b: no such provider (s.Name: want nobody)");
}

TEST(unknown_keys_and_unset_ports_are_told_and_passed_over)
{
    struct weft_err e;
    struct settings s;
    EXPECT_OK(log_set_spec("debug", &e));
    weft_test_log_catch("%{level} %{message}");
    enum weft_code rc = fill(
        "s:\n  Nam: x\n  free: { any: 1 }\nT: { u: 1 }\nother: { deep: { section: [1], y: 2 } }\n",
        NULL, &s, &e);
    WEFT_CLEANUP(buf_done) struct buf got = weft_test_log_taken();
    EXPECT_OK(rc);
    EXPECT_STR((const char *)got.data, "DEBUG /c/x.yaml:2: unknown key s.Nam, ignoring it\n"
                                       "DEBUG /c/x.yaml:4: unknown key T, ignoring it\n"
                                       "DEBUG /c/x.yaml:5: unknown key other.deep.y, ignoring it\n"
                                       "INFO s.Port unset, setting to 7050\n");
}

static const struct config_idle idle[] = {
    { "s.Name", NULL, "a" },
    { "s.On", NULL, "b" },
    { "s.Wait", "7s", "c" },
    { "s.Count", "20", "d" },
    { "s.Ratio", NULL, "e" },
    { "s.Words", "x:1", "f" },
    { "s.Shift", "-1h", "this peer has no clock" },
};

/* What is said of this file, a line each. */
static void expect_told(const char *text, const char *want)
{
    LOG_DEFINE(log, "config");
    struct weft_err e;
    struct settings s;
    EXPECT_OK(fill(text, NULL, &s, &e));
    weft_test_log_catch("%{level} %{message}");
    config_table_tell_idle(&table, idle, WEFT_ARRAY_LEN(idle), &s, &log);
    WEFT_CLEANUP(buf_done) struct buf got = weft_test_log_taken();
    EXPECT_STR((const char *)got.data, want);
}

TEST(keys_without_effect_are_told_if_somebody_set_them)
{
    expect_told("", "");
    expect_told("s: { wait: 5s, count: 10, ratio: 0.75, on: true, name: nobody }", "");
    expect_told("s: { wait: 7s, count: 20, words: 'x:1', shift: -60m }", ""); /* as in a sample */
    expect_told("s: { wait: 7001ms, count: 21, words: [a, b], shift: 1h, on: false, name: me }",
                "WARN s.Name = \"me\" has no effect: a\n"
                "WARN s.On = false has no effect: b\n"
                "WARN s.Wait = 7.001s has no effect: c\n"
                "WARN s.Count = 21 has no effect: d\n"
                "WARN s.Words = [a b] has no effect: f\n"
                "WARN s.Shift = 1h0m0s has no effect: this peer has no clock\n");
}
