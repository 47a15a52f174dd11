#include "proto/json_writer.h"

#include "weft_test.h"

static struct json_writer writer_of(struct buf *out)
{
    return (struct json_writer){ .out = out, .most = 4096 };
}

static void expect_text(struct bytes in, const char *want)
{
    WEFT_CLEANUP(buf_done) struct buf out = { 0 };
    struct json_writer w = writer_of(&out);
    json_put_string(&w, in);
    EXPECT_BYTES(buf_bytes(&out), bytes_of_str(want));
}

static void expect_time(int64_t seconds, int32_t nanos, const char *want)
{
    WEFT_CLEANUP(buf_done) struct buf out = { 0 };
    struct json_writer w = writer_of(&out);
    EXPECT(json_put_time(&w, seconds, nanos));
    EXPECT_BYTES(buf_bytes(&out), bytes_of_str(want));
}

static void expect_base64(const char *in, const char *want)
{
    WEFT_CLEANUP(buf_done) struct buf out = { 0 };
    struct json_writer w = writer_of(&out);
    json_put_base64(&w, bytes_of_str(in));
    EXPECT_BYTES(buf_bytes(&out), bytes_of_str(want));
}

TEST(lays_out_with_a_tab_for_each_level)
{
    WEFT_CLEANUP(buf_done) struct buf out = { 0 };
    struct json_writer w = writer_of(&out);
    json_open(&w, '{');
    json_key(&w, bytes_of_str("a"));
    json_open(&w, '[');
    json_element(&w);
    json_put_raw(&w, "1");
    json_element(&w);
    json_put_raw(&w, "2");
    json_close(&w, ']');
    json_key(&w, bytes_of_str("b"));
    json_open(&w, '{');
    json_close(&w, '}');
    json_close(&w, '}');
    EXPECT_BYTES(buf_bytes(&out),
                 bytes_of_str("{\n\t\"a\": [\n\t\t1,\n\t\t2\n\t],\n\t\"b\": {}\n}"));
}

TEST(escapes_what_go_escapes)
{
    expect_text(bytes_of_str(""), "\"\"");
    expect_text(bytes_of_str("a\"b\\c"), "\"a\\\"b\\\\c\"");
    expect_text(bytes_of_str("\n\r\t"), "\"\\n\\r\\t\"");
    expect_text(bytes_of("\0\x08\x1f\x7f", 4), "\"\\u0000\\u0008\\u001f\x7f\"");
    expect_text(bytes_of_str("<a&b>"), "\"\\u003ca\\u0026b\\u003e\"");
    expect_text(bytes_of_str("\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xa9"),
                "\"\xe2\x80\xa7\\u2028\\u2029\"");
    expect_text(bytes_of_str("gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80"),
                "\"gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80\"");
}

TEST(pads_base64)
{
    expect_base64("", "\"\"");
    expect_base64("f", "\"Zg==\"");
    expect_base64("fo", "\"Zm8=\"");
    expect_base64("foo", "\"Zm9v\"");
    expect_base64("foob\xff\xfe", "\"Zm9vYv/+\"");
}

/* The wanted texts are those of Go's time.Unix(s, ns).UTC().Format(). */
TEST(writes_times_with_as_many_digits_as_they_need)
{
    expect_time(0, 0, "\"1970-01-01T00:00:00Z\"");
    expect_time(1594296000, 1, "\"2020-07-09T12:00:00.000000001Z\"");
    expect_time(1594296000, 120000000, "\"2020-07-09T12:00:00.120Z\"");
    expect_time(1594296000, 120300, "\"2020-07-09T12:00:00.000120300Z\"");
    expect_time(1594296000, 123000, "\"2020-07-09T12:00:00.000123Z\"");
}

TEST(knows_the_calendar)
{
    expect_time(951782400, 0, "\"2000-02-29T00:00:00Z\"");
    expect_time(951868800, 0, "\"2000-03-01T00:00:00Z\"");
    expect_time(4107542399, 0, "\"2100-02-28T23:59:59Z\"");
    expect_time(4107542400, 0, "\"2100-03-01T00:00:00Z\"");
    expect_time(1735603200, 0, "\"2024-12-31T00:00:00Z\"");
    expect_time(-1, 0, "\"1969-12-31T23:59:59Z\"");
    expect_time(-62135596800, 0, "\"0001-01-01T00:00:00Z\"");
    expect_time(-62135596801, 0, "\"0000-12-31T23:59:59Z\"");
    expect_time(-62167219201, 0, "\"-0001-12-31T23:59:59Z\"");
    expect_time(253402300800, 0, "\"10000-01-01T00:00:00Z\"");
}

TEST(has_no_time_for_nanoseconds_out_of_range)
{
    WEFT_CLEANUP(buf_done) struct buf out = { 0 };
    struct json_writer w = writer_of(&out);
    EXPECT(!json_put_time(&w, 0, -1));
    EXPECT(!json_put_time(&w, 0, 1000000000));
    EXPECT_EQ(out.len, 0);
}

TEST(stops_for_good_at_its_limit)
{
    WEFT_CLEANUP(buf_done) struct buf out = { 0 };
    struct json_writer w = { .out = &out, .most = 5 };
    json_put_string(&w, bytes_of_str("abc"));
    EXPECT(!w.full);
    json_put_raw(&w, "x");
    EXPECT(w.full);
    json_put_base64(&w, bytes_of_str(""));
    json_element(&w);
    EXPECT_BYTES(buf_bytes(&out), bytes_of_str("\"abc\""));
}
