#include "base/log_spec.h"

#include "weft_test.h"

#include "base/limits.h"

/* The normalised forms and the errors are what a Fabric 2.2 orderer answered
 * to the same text put to its /logspec. */

static void expect_text(const char *spec_text, const char *want)
{
    struct weft_err e;
    WEFT_CLEANUP(log_spec_done) struct log_spec s = { 0 };
    EXPECT_OK(log_spec_parse(spec_text, &s, &e));
    WEFT_FREE char *text = log_spec_text(&s);
    EXPECT_STR(text, want);
}

TEST(normalises_as_fabric_does)
{
    expect_text("", "info");
    expect_text(":", "info");
    expect_text("debug:", "info");
    expect_text("x.=debug:y=info", "x.=debug:y=info:info");
    expect_text("a#-_9.b=critical:a#-_9=warning:a=FATAL:info:dpanic",
                "a#-_9.b=error:a#-_9=warn:a=fatal:dpanic");
    expect_text("INFO:a=panic:a=error", "a=error:info");
    expect_text("NOTICE:b,a=debug", "a=debug:b=debug:info");
    expect_text("payload:a=PAYLOAD", "a=payload:payload"); /* there: Level(-2) */
}

TEST(refuses_in_fabrics_words)
{
    static const struct {
        const char *spec, *why;
    } cases[] = {
        { "a=b", "bad segment 'a=b'" },
        { "bogus", "bad segment 'bogus'" },
        { "x.=debug,y=info", "bad segment 'x.=debug,y=info'" },
        { "debug:=info", "no logger specified in segment '=info'" },
        { "=", "no logger specified in segment '='" },
        { "a=", "bad segment 'a='" },
        { "a..b=info", "bad logger name 'a..b'" },
        { "a..=info", "bad logger name 'a..'" },
        { ".a=info", "bad logger name '.a'" },
        { ".=info", "bad logger name '.'" },
        { "a=Debug", "bad segment 'a=Debug'" },
        { "a=debug=x", "bad segment 'a=debug=x'" },
        { "a:b=info", "bad segment 'a'" },
        { "a,=info", "bad logger name ''" },
        { ",a=info", "bad logger name ''" },
        { "a. =info", "bad logger name 'a. '" },
        { "a b=info", "bad logger name 'a b'" },
        { "info:\xc3\xa9=info", "bad logger name '\xc3\xa9'" },
    };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(cases); i++) {
        struct weft_err e;
        struct log_spec s = { .count = 77 };
        WEFT_FREE char *want =
            weft_asprintf("invalid logging specification '%s': %s", cases[i].spec, cases[i].why);
        EXPECT_CODE(log_spec_parse(cases[i].spec, &s, &e), WEFT_INVALID);
        EXPECT_STR(e.msg, want);
        EXPECT_EQ(s.count, 77);
    }
}

TEST(the_longest_entry_up_to_a_dot_decides)
{
    struct weft_err e;
    WEFT_CLEANUP(log_spec_done) struct log_spec s = { 0 };
    EXPECT_OK(log_spec_parse("gossip=debug:gossip.state.=warn:gossip.comm.x=fatal:error", &s, &e));
    EXPECT_EQ(log_spec_level(&s, "gossip"), LOG_LEVEL_DEBUG);
    EXPECT_EQ(log_spec_level(&s, "gossip.comm"), LOG_LEVEL_DEBUG);
    EXPECT_EQ(log_spec_level(&s, "gossip.state"), LOG_LEVEL_WARN);
    EXPECT_EQ(log_spec_level(&s, "gossip.state.x"), LOG_LEVEL_DEBUG);
    EXPECT_EQ(log_spec_level(&s, "gossip.comm.x.y"), LOG_LEVEL_FATAL);
    EXPECT_EQ(log_spec_level(&s, "gossip.comm.xy"), LOG_LEVEL_DEBUG);
    EXPECT_EQ(log_spec_level(&s, "gossips"), LOG_LEVEL_ERROR);
    EXPECT_EQ(log_spec_level(&s, "peer"), LOG_LEVEL_ERROR);
    EXPECT_EQ(s.lowest, LOG_LEVEL_DEBUG);
}

TEST(an_exact_entry_goes_before_the_same_name_without_the_dot)
{
    struct weft_err e;
    WEFT_CLEANUP(log_spec_done) struct log_spec s = { 0 };
    EXPECT_OK(log_spec_parse("a.=debug:a=warn", &s, &e));
    EXPECT_EQ(log_spec_level(&s, "a"), LOG_LEVEL_DEBUG);
    EXPECT_EQ(log_spec_level(&s, "a.b"), LOG_LEVEL_WARN);
}

TEST(a_spec_over_the_limit_is_refused)
{
    struct weft_err e;
    struct log_spec s;
    WEFT_FREE char *text = weft_alloc(LIMIT_LOG_SPEC + 2);
    memset(text, ':', LIMIT_LOG_SPEC + 1);
    EXPECT_CODE(log_spec_parse(text, &s, &e), WEFT_LIMIT);
}
