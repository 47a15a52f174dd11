#include "base/log_format.h"

#include "weft_test.h"

/* Lines with %{id} and the letters of fmt were compared with a Fabric 2.2
 * orderer's under the same FABRIC_LOGGING_FORMAT. */

static struct log_line line;

static struct log_record record(enum log_level level, const char *message)
{
    return (struct log_record){ .level = level,
                                .wall_ns = 1795340641744624600,
                                .logger = "orderer.common.server",
                                .file = "src/orderer/server/main.c",
                                .func = "serve",
                                .line = 941,
                                .message = bytes_of_str(message) };
}

/* The line that comes of it, as number 1 + before. */
static const char *write_line(const char *format, const struct log_record *r, uint64_t before)
{
    struct weft_err e;
    WEFT_CLEANUP(log_format_free) struct log_format *f = NULL;
    EXPECT_OK(log_format_parse(format, &f, &e));
    log_format_write(f, r, &before, &line);
    EXPECT(line.len > 0 && line.len < LOG_LINE_MAX && line.text[line.len - 1] == '\n');
    line.text[line.len] = '\0';
    return line.text;
}

static void expect(const char *format, enum log_level level, const char *message, const char *want)
{
    struct log_record r = record(level, message);
    EXPECT_STR(write_line(format, &r, 1), want);
}

TEST(the_default_line)
{
    EXPECT_EQ(setenv("TZ", "UTC", 1), 0); /* NOLINT(concurrency-mt-unsafe): one thread */
    expect(LOG_FORMAT_DEFAULT, LOG_LEVEL_INFO,
           "Beginning to serve requests" LOG_KV "channel=ch" LOG_KV "node=1",
           "\x1b[34m2026-11-22 09:44:01.744 UTC [orderer.common.server] serve -> INFO 002\x1b[0m "
           "Beginning to serve requests channel=ch node=1\n");
}

TEST(each_level_has_its_colour_and_four_letters)
{
    static const char *const want[] = { "\x1b[0mPAYL",  "\x1b[36mDEBU", "\x1b[34mINFO",
                                        "\x1b[33mWARN", "\x1b[31mERRO", "\x1b[35mDPAN",
                                        "\x1b[35mPANI", "\x1b[35mFATA" };
    for (int level = 0; level < LOG_LEVEL_NR; level++) {
        WEFT_FREE char *text = weft_asprintf("%s\n", want[level]);
        expect("%{color}%{level:.4s}", (enum log_level)level, "", text);
    }
    expect("%{color:bold}%{level}%{color:reset}", LOG_LEVEL_INFO, "", "\x1b[34;1mINFO\x1b[0m\n");
    expect("%{color:bold}", LOG_LEVEL_PAYLOAD, "", "\x1b[0m\n");
}

TEST(a_strings_letters)
{
    static const struct {
        const char *format, *want;
    } cases[] = {
        { "%{level:-8s}|", "INFO    |\n" },
        { "%{level:8s}|", "    INFO|\n" },
        { "%{level:010s}|", "000000INFO|\n" },
        { "%{level:.2s}", "IN\n" },
        { "%{level:.9q}", "\"INFO\"\n" },
        { "%{level:8q}", "  \"INFO\"\n" },
        { "%{level:v}", "INFO\n" },
        { "%{level:X}", "494E464F\n" },
        { "%{module:.2x}", "6f72\n" },
        { "%{shortfunc:q}", "\"serve\"\n" },
        { "%{level:}", "INFO\n" },
        { "%{level:d}", "%!d(string=INFO)\n" },
        { "%{level:-.3}", "%!(NOVERB)%!(EXTRA string=INFO)\n" },
        { "%{level:s and more}", "INFO and more\n" },
        { "%{message:.3s}", "\xc3\xa9t\xc3\xa9\n" },
    };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(cases); i++)
        expect(cases[i].format, LOG_LEVEL_INFO, "\xc3\xa9t\xc3\xa9s", cases[i].want);
}

TEST(a_numbers_letters)
{
    static const struct {
        const char *format, *want;
        uint64_t id;
    } cases[] = {
        { "%{id}", "2\n", 2 },
        { "%{id:06d}", "000003\n", 3 },
        { "%{id:X}", "C\n", 12 },
        { "%{id:-6x}|", "5     |\n", 5 },
        { "%{id:03x}", "02a\n", 42 },
        { "%{id:03x}", "1000\n", 4096 },
        { "%{id:#x}", "0x3\n", 3 },
        { "%{id:+d}", "+4\n", 4 },
        { "%{id: d}", " 14\n", 14 },
        { "%{id:.4d}", "0012\n", 12 },
        { "%{id:5.3x}", "  00d\n", 13 },
        { "%{id:o}", "10\n", 8 },
        { "%{id:08b}", "00000111\n", 7 },
        { "%{id:v}", "6\n", 6 },
        { "%{id:+06d}", "+00009\n", 9 },
        { "%{id:-06d}|", "9     |\n", 9 },
        { "%{id:s}", "%!s(uint64=2)\n", 2 },
    };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(cases); i++) {
        struct log_record r = record(LOG_LEVEL_INFO, "");
        EXPECT_STR(write_line(cases[i].format, &r, cases[i].id - 1), cases[i].want);
    }
}

TEST(every_id_counts)
{
    expect("%{id} %{id} %{message}", LOG_LEVEL_INFO, "x", "2 3 x\n");
}

TEST(what_is_no_verb_stays_text)
{
    expect("%{}%{bogus} %{id:3\n} %{idx} %{level", LOG_LEVEL_INFO, "",
           "%{}%{bogus} %{id:3\n} %{idx} %{level\n");
    expect("100% %{message}", LOG_LEVEL_INFO, "m", "100% m\n");
}

TEST(refuses_an_unknown_colour_option)
{
    struct weft_err e;
    struct log_format *f = NULL;
    EXPECT_CODE(log_format_parse("%{message}%{color:blink}x", &f, &e), WEFT_INVALID);
    EXPECT_STR(e.msg, "invalid color option: blink");
    EXPECT(f == NULL);
}

TEST(line_ends_of_the_message_are_dropped_at_its_end_only)
{
    expect("%{message}|", LOG_LEVEL_INFO, "a\nb\n\n", "a\nb|\n");
}

TEST(fields_are_quoted_when_they_need_it)
{
    expect("%{message}", LOG_LEVEL_INFO,
           "m" LOG_KV "p=q=r" LOG_KV "a=plain" LOG_KV "b=two words" LOG_KV "c=" LOG_KV
           "d=x=\"y\\z\"" LOG_KV "e=\xff\xc3\xa9",
           "m p=\"q=r\" a=plain b=\"two words\" c= d=\"x=\\\"y\\\\z\\\"\" e=\"\\ufffd\xc3\xa9\"\n");
    expect("", LOG_LEVEL_INFO, "m" LOG_KV "a=1", "a=1\n");
}

TEST(a_mark_in_somebodys_text_begins_no_field)
{
    expect("json", LOG_LEVEL_INFO, "m\x1f x" LOG_KV "a=1\x1f" LOG_KV "b=2",
           "{\"level\":\"info\",\"ts\":1795340641.7446246,\"name\":\"orderer.common.server\","
           "\"caller\":\"server/main.c:941\",\"msg\":\"m\\u001f x\",\"a\":\"1\\u001f\",\"b\":2}\n");
}

TEST(json_as_zap_writes_it)
{
    expect("json", LOG_LEVEL_WARN,
           "one\n\"two\"\x01" LOG_KV "channel=ch" LOG_KV "n=42" LOG_KV "ok=true" LOG_KV
           "v=0x1" LOG_KV "z=007" LOG_KV "m=-5" LOG_KV "d=-",
           "{\"level\":\"warn\",\"ts\":1795340641.7446246,\"name\":\"orderer.common.server\","
           "\"caller\":\"server/main.c:941\",\"msg\":\"one\\n\\\"two\\\"\\u0001\","
           "\"channel\":\"ch\",\"n\":42,\"ok\":true,\"v\":\"0x1\",\"z\":\"007\",\"m\":-5,"
           "\"d\":\"-\"}\n");
}

TEST(logfmt_as_zap_logfmt_writes_it)
{
    expect("logfmt", LOG_LEVEL_ERROR, "could not" LOG_KV "channel=ch",
           "ts=1795340641.7446246 level=error name=orderer.common.server "
           "caller=server/main.c:941 msg=\"could not\" channel=ch\n");
}

TEST(seconds_are_as_short_as_they_can_be)
{
    static const struct {
        int64_t wall_ns;
        const char *want;
    } cases[] = {
        { 1795340641000000000, "ts=1795340641 level" },
        { 1795340641500000000, "ts=1795340641.5 level" },
        { 1795340641847787000, "ts=1795340641.847787 level" },
        { 1795340641744624600, "ts=1795340641.7446246 level" },
        { 1000000007, "ts=1.000000007 level" },
        { 0, "ts=0 level" },
    };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(cases); i++) {
        struct log_record r = record(LOG_LEVEL_INFO, "m");
        r.wall_ns = cases[i].wall_ns;
        write_line("logfmt", &r, 0);
        line.text[strlen(cases[i].want)] = '\0';
        EXPECT_STR(line.text, cases[i].want);
    }
}

/* A message of escapes, six bytes each, far over the limit, then a field. */
static void expect_cut(const char *format, const char *end)
{
    WEFT_FREE char *message = weft_alloc(LOG_LINE_MAX);
    memset(message, 1, 9000);
    memcpy(message + 9000, LOG_KV "a=1", 5);
    struct log_record r = record(LOG_LEVEL_INFO, message);
    const char *text = write_line(format, &r, 0);
    EXPECT(line.len > LOG_LINE_MAX - 2 * LOG_LINE_KEPT_BACK);
    EXPECT_STR(text + line.len - strlen(end), end);
}

TEST(a_line_that_is_cut_still_ends_well)
{
    expect_cut("json", "\\u0001\"}\n");
    expect_cut("logfmt", "\\u0001\"\n");
    expect_cut("%{message}%{message}", "\x01...\n");
}

TEST(is_not_cut_within_a_character)
{
    static const uint8_t euro[3] = { 0xe2, 0x82, 0xac };
    WEFT_FREE char *message = weft_alloc(LOG_LINE_MAX + 8);
    for (size_t odd = 0; odd < 3; odd++) {
        memset(message, 'x', odd);
        for (size_t i = odd; i + 3 < LOG_LINE_MAX; i += 3)
            memcpy(message + i, euro, sizeof(euro));
        struct log_record r = record(LOG_LEVEL_INFO, message);
        const char *text = write_line("%{message}", &r, 0);
        EXPECT_STR(text + line.len - 7, "\xe2\x82\xac...\n");
    }
}
