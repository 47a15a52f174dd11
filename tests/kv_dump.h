/* kv_dump.h - a LevelDB held against a list of what should be in it.
 *
 *     # peer ledgersData/pvtdataStore
 *     6d796368616e6e656c0001 -> 4e  # "mychannel\x00\x01"
 *
 * Keys and values in hex, in the order of the keys; sections begin with a heading.
 *
 *     kv_dump_expect(kv, weft_test_fixture("..."), "# peer ledgersData/pvtdataStore");
 *
 * Go origin   none
 * Owner       the test
 */
#ifndef WEFT_TESTS_KV_DUMP_H
#define WEFT_TESTS_KV_DUMP_H

#include "ledger/kv.h"

struct kv_dump {
    struct buf text;
    const char *at;
    struct buf key, value; /* of the last line */
};

/* The list, or its section; no heading: all of it. */
void kv_dump_open(struct kv_dump *d, const char *path, const char *heading);
void kv_dump_done(struct kv_dump *d);
WEFT_DEFINE_CLEANUP_IN_PLACE(struct kv_dump, kv_dump_done)
/* The next line; false at the end of the section. */
bool kv_dump_next(struct kv_dump *d);

/* Nothing is in the database that is not in the list, and the other way round; returns how many
 * lines there are. */
size_t kv_dump_expect(struct kv *kv, const char *path, const char *heading);
/* The same of a closed database's folder. */
size_t kv_dump_expect_dir(const char *dir, const char *path, const char *heading);

#endif
