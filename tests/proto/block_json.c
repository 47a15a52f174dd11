/* block_json block|envelope FILE...: each file's message as JSON, a line end
 * after it; for the system test that holds it against Fabric's own. */
#include "os/file.h"
#include "proto/json.h"

static enum weft_code print_one(const char *kind, const char *path, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf in = { 0 };
    WEFT_CLEANUP(buf_done) struct buf out = { 0 };
    WEFT_TRY(file_read_all(path, SIZE_MAX / 8, &in, e));
    WEFT_TRY(strcmp(kind, "block") == 0 ? json_block(buf_bytes(&in), &out, e)
                                        : json_envelope(buf_bytes(&in), &out, e));
    buf_put_u8(&out, '\n');
    if (fwrite(out.data, 1, out.len, stdout) != out.len)
        return WEFT_FAIL(e, WEFT_IO, "standard output is closed");
    return WEFT_OK;
}

int main(int argc, char **argv)
{
    if (argc < 3 || (strcmp(argv[1], "block") != 0 && strcmp(argv[1], "envelope") != 0)) {
        (void)fprintf(stderr, "usage: %s block|envelope FILE...\n", argv[0]);
        return 2;
    }
    for (int i = 2; i < argc; i++) {
        struct weft_err e = { 0 };
        if (print_one(argv[1], argv[i], &e) != WEFT_OK) {
            (void)fprintf(stderr, "%s: %s\n", argv[i], e.msg);
            return 1;
        }
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
