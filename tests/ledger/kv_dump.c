/* kv_dump DIR: the keys and values of a LevelDB folder in hex, a line each,
 * without changing it. */
#include "ledger/kv.h"

#include <stdio.h>

static enum weft_code print_all(const char *dir, struct weft_err *e)
{
    WEFT_CLEANUP(kv_close) struct kv *kv = NULL;
    WEFT_TRY(kv_open_copy(dir, &kv, e));
    WEFT_CLEANUP(kv_iter_free) struct kv_iter *it = kv_iter_new(kv, bytes_of(NULL, 0));
    for (;;) {
        struct bytes key, value;
        bool found = false;
        WEFT_TRY(kv_iter_next(it, &found, &key, &value, e));
        if (!found)
            return WEFT_OK;
        WEFT_FREE char *left = bytes_to_hex(key);
        WEFT_FREE char *right = bytes_to_hex(value);
        (void)printf("%s -> %s\n", left, right);
    }
}

int main(int argc, char **argv)
{
    struct weft_err e = { 0 };
    if (argc != 2) {
        (void)fprintf(stderr, "usage: kv_dump DIR\n");
        return 2;
    }
    if (print_all(argv[1], &e) != WEFT_OK || fflush(stdout) != 0) {
        (void)fprintf(stderr, "Error: %s\n", e.msg);
        return 1;
    }
    return 0;
}
