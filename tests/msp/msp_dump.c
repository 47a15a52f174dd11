/* msp_dump FOLDER: every case of tests/msp_cases.h as files, and our answers,
 * one a line, so that another implementation can be asked the same.
 * msp_dump MSP-FOLDER ID: the MSPConfig that we make of it. */
#include "msp/msp_dir.h"
#include "msp_cases.h"
#include "os/dirs.h"
#include "os/file.h"

#include <stdio.h>

static int dump_dir(const char *dir, const char *id)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
    WEFT_CLEANUP(buf_done) struct buf out = { 0 };
    struct msp_config config;
    if (msp_dir_read(dir, id, MSP_DIR_VERIFYING, &arena, &config, &e) != WEFT_OK) {
        (void)fprintf(stderr, "%s\n", e.msg);
        return 1;
    }
    msp_config_encode(&config, &out);
    return fwrite(out.data, 1, out.len, stdout) == out.len ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct weft_err e = { 0 };
    if (argc == 3)
        return dump_dir(argv[1], argv[2]);
    if (argc != 2 || dir_make(argv[1], &e) != WEFT_OK) {
        (void)fprintf(stderr, "usage: msp_dump FOLDER %s\n", e.msg);
        return 2;
    }
    WEFT_CLEANUP(msp_world_free) struct msp_world *w = msp_world_new();
    for (size_t i = 0; i < msp_case_count; i++) {
        WEFT_FREE char *dir = weft_asprintf("%s/%04zu", argv[1], i);
        struct weft_err said = { 0 };
        enum weft_code rc = msp_case_dump(w, &msp_cases[i], dir, &e);
        if (rc != WEFT_OK) {
            (void)fprintf(stderr, "%s: %s\n", dir, e.msg);
            return 1;
        }
        rc = msp_case_ask(w, &msp_cases[i], &said);
        (void)printf("%04zu\t%s\n", i, rc == WEFT_OK ? "OK" : said.msg);
    }
    return 0;
}
