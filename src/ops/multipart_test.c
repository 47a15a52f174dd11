#include "ops/multipart.h"

#include "weft_test.h"

static struct multipart_part parts[2];
static size_t count;

static enum weft_code parse(const char *body, struct weft_err *e)
{
    count = 0;
    return multipart_parse(bytes_of_str("xyz"), bytes_of_str(body), parts, WEFT_ARRAY_LEN(parts),
                           &count, e);
}

TEST(finds_a_file)
{
    struct weft_err e = { 0 };
    EXPECT_OK(
        parse("preamble\r\n--xyz\r\n"
              "Content-Disposition: form-data; name=\"config-block\"; filename=\"a.block\"\r\n"
              "Content-Type: application/octet-stream\r\n"
              "\r\n"
              "line 1\r\nline --xyz 2\r\n"
              "\r\n--xyz--\r\n",
              &e));
    EXPECT_EQ(count, 1);
    EXPECT_BYTES(parts[0].name, bytes_of_str("config-block"));
    EXPECT_BYTES(parts[0].data, bytes_of_str("line 1\r\nline --xyz 2\r\n"));
    EXPECT(parts[0].is_file);
}

TEST(tells_files_from_fields_and_leaves_out_the_nameless)
{
    struct weft_err e = { 0 };
    EXPECT_OK(parse("--xyz\nContent-Disposition: form-data; name=a\n\nA\n"
                    "--xyz\nX: y\n\nnobody\n"
                    "--xyz\ncontent-disposition: form-data; filename=f; name=\"b c\"\n\n\n--xyz--",
                    &e));
    EXPECT_EQ(count, 2);
    EXPECT_BYTES(parts[0].data, bytes_of_str("A"));
    EXPECT(!parts[0].is_file);
    EXPECT_BYTES(parts[1].name, bytes_of_str("b c"));
    EXPECT_BYTES(parts[1].data, bytes_of_str(""));
    EXPECT(parts[1].is_file);
}

TEST(refuses_what_has_no_end)
{
    struct weft_err e = { 0 };
    EXPECT_CODE(parse("", &e), WEFT_INVALID);
    EXPECT_STR(e.msg, "multipart: NextPart: EOF");
    EXPECT_CODE(parse("--xyz\r\n\r\nx", &e), WEFT_INVALID);
    EXPECT_CODE(parse("--xyz\r\nno colon\r\n\r\nx\r\n--xyz--", &e), WEFT_INVALID);
    EXPECT_CODE(parse("--xyz\r\nA: b\r\n--xyz--", &e), WEFT_INVALID);
}

TEST(refuses_too_many_parts)
{
    struct weft_err e = { 0 };
#define PART "--xyz\nContent-Disposition: form-data; name=a\n\nA\n"
    EXPECT_OK(parse(PART PART "--xyz--", &e));
    EXPECT_CODE(parse(PART PART PART "--xyz--", &e), WEFT_LIMIT);
}

TEST(reads_the_boundary)
{
    struct weft_err e = { 0 };
    struct bytes b = { 0 };
    EXPECT_OK(multipart_boundary("multipart/form-data; boundary=abc", &b, &e));
    EXPECT_BYTES(b, bytes_of_str("abc"));
    EXPECT_OK(multipart_boundary("Multipart/Form-Data;charset=x; Boundary=\"a b;c\" ", &b, &e));
    EXPECT_BYTES(b, bytes_of_str("a b;c"));
    EXPECT_CODE(multipart_boundary("multipart/form-data", &b, &e), WEFT_INVALID);
    EXPECT_CODE(multipart_boundary("multipart/form-data; boundary=", &b, &e), WEFT_INVALID);
    EXPECT_CODE(multipart_boundary("text/plain; boundary=a", &b, &e), WEFT_INVALID);
}
