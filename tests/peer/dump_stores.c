/* dump_stores LEDGERS_DATA: every key and value of a peer's databases, a line each, in hex.
 *
 *     stateLeveldb 6d796368616e6e656c0073 014e0101
 *
 * For tests that hold two ledgers against each other: two peers that have committed the same
 * blocks and were stopped say the same, however often they were killed on the way.
 */
#include "ledger/kv.h"

#include <stdio.h>

static const char *const databases[] = {
    "stateLeveldb", "historyLeveldb", "pvtdataStore",   "configHistory",
    "bookkeeper",   "chains/index",   "ledgerProvider",
};

static enum weft_code dump(const char *root, const char *name, struct weft_err *e)
{
    WEFT_FREE char *path = weft_asprintf("%s/%s", root, name);
    WEFT_CLEANUP(kv_close) struct kv *kv = NULL;
    WEFT_TRY(kv_open_copy(path, &kv, e));
    WEFT_CLEANUP(kv_iter_free) struct kv_iter *it = kv_iter_new(kv, bytes_of(NULL, 0));
    for (;;) {
        struct bytes key, value;
        bool found = false;
        WEFT_TRY(kv_iter_next(it, &found, &key, &value, e));
        if (!found)
            return WEFT_OK;
        WEFT_FREE char *k = bytes_to_hex(key);
        WEFT_FREE char *v = bytes_to_hex(value);
        (void)printf("%s %s %s\n", name, k, v);
    }
}

int main(int argc, char **argv)
{
    struct weft_err e = { .msg = "LEDGERS_DATA" };
    enum weft_code rc = argc == 2 ? WEFT_OK : WEFT_INVALID;
    for (size_t i = 0; i < WEFT_ARRAY_LEN(databases) && rc == WEFT_OK; i++)
        rc = dump(argv[1], databases[i], &e);
    if (rc == WEFT_OK)
        return 0;
    (void)fprintf(stderr, "dump_stores: %s\n", e.msg);
    return 1;
}
