#include "ops/log_spec_body.h"

#include "base/limits.h"
#include "weft_test.h"

static void reads(const char *body, const char *want)
{
    WEFT_FREE char *spec = NULL;
    struct weft_err e = { 0 };
    EXPECT_OK(log_spec_body_parse(bytes_of_str(body), &spec, &e));
    EXPECT_STR(spec, want);
}

static void refuses(const char *body, const char *words)
{
    char *spec = NULL;
    struct weft_err e = { 0 };
    EXPECT(log_spec_body_parse(bytes_of_str(body), &spec, &e) != WEFT_OK);
    EXPECT_STR(e.msg, words);
    EXPECT(spec == NULL);
}

TEST(reads_the_member_spec)
{
    reads("{\"spec\":\"gossip=debug:info\"}", "gossip=debug:info");
    reads(" \t\r\n{ \"spec\" : \"info\" , \"other\":[1,{\"spec\":3},-0.5e+7,[]],\"t\":true} ",
          "info");
    reads("{\"spec\":\"a\\u00e9\\ud83d\\ude00\\/\\n\\ud800x\"}",
          "a\xc3\xa9\xf0\x9f\x98\x80/\n\xef\xbf\xbdx");
}

/* What Go's decoder does, was seen with a Go orderer. */
TEST(is_as_generous_as_go)
{
    reads("{}", "");
    reads("null", "");
    reads("{\"spec\":null}", "");
    reads("{\"SpEc\":\"warn\"}", "warn");
    reads("{\"spec\":\"warn\",\"spec\":\"debug\"}", "debug");
    reads("{\"spec\":\"warn\"} and whatever follows", "warn");
    reads("{\"a\":{},\"b\":[],\"c\":{\"d\":[[]]},\"spec\":\"x\"}", "x");
}

TEST(says_what_is_wrong_in_the_words_of_go)
{
    refuses("", "EOF");
    refuses("  ", "EOF");
    refuses("{", "unexpected EOF");
    refuses("{\"spec\":\"x", "unexpected EOF");
    refuses("xx", "invalid character 'x' looking for beginning of value");
    refuses("{x", "invalid character 'x' looking for beginning of object key string");
    refuses("{\"spec\" 1}", "invalid character '1' after object key");
    refuses("{\"spec\":1 2}", "invalid character '2' after object key:value pair");
    refuses("{\"spec\":[1 2]}", "invalid character '2' after array element");
    refuses("{\"spec\":\"\n\"}", "invalid character '\\n' in string literal");
    refuses("{\"spec\":\"\\x\"}", "invalid character 'x' in string escape code");
    refuses("{\"spec\":\"\\u12g4\"}", "invalid character 'g' in \\u hexadecimal character escape");
    refuses("{\"spec\":nul}", "invalid character '}' in literal null (expecting 'l')");
    refuses("{\"spec\":-}", "invalid character '}' in numeric literal");
    refuses("{\"spec\":1.}", "invalid character '}' after decimal point in numeric literal");
    refuses("{\"spec\":1e}", "invalid character '}' in exponent of numeric literal");
    refuses("{\"spec\":5}", "json: cannot unmarshal number into Go struct field LogSpec.spec of "
                            "type string");
    refuses("{\"spec\":{}}", "json: cannot unmarshal object into Go struct field LogSpec.spec of "
                             "type string");
    refuses("[]", "json: cannot unmarshal array into Go value of type httpadmin.LogSpec");
    refuses("\"a\"", "json: cannot unmarshal string into Go value of type httpadmin.LogSpec");
    refuses("{,}", "invalid character ',' looking for beginning of object key string");
    refuses("{\"a\":1,}", "invalid character '}' looking for beginning of object key string");
    refuses("[1,]", "invalid character ']' looking for beginning of value");
}

TEST(refuses_what_is_too_deep_or_too_long)
{
    char deep[LIMIT_JSON_DEPTH + 2];
    memset(deep, '[', sizeof(deep));
    deep[sizeof(deep) - 1] = '\0';
    refuses(deep, "exceeded max depth");
    WEFT_FREE char *large = weft_alloc(LIMIT_LOG_SPEC + 2);
    memset(large, ' ', LIMIT_LOG_SPEC + 1);
    refuses(large, "http: request body too large");
}
