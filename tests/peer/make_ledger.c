/* make_ledger LEDGERS_DATA BLOCK: a channel as a peer has it that has just joined.
 *
 * For tests that want a peer which resumes a channel, without a join through its services.
 */
#include "kvledger/kv_ledger.h"
#include "os/dirs.h"
#include "os/file.h"
#include "proto/block.h"
#include "proto/wire.h"

#include <stdio.h>

static enum weft_code with_flags(struct bytes wire, struct block **ret, struct weft_err *e)
{
    WEFT_CLEANUP(block_unref) struct block *b = NULL;
    WEFT_CLEANUP(buf_done) struct buf out = { 0 };
    WEFT_TRY(block_parse(wire, &b, e));
    struct block_view v = b->v;
    v.slots = (struct bytes_list){ 0 };
    for (size_t i = 0; i < BLOCK_SLOT_NR; i++)
        bytes_list_add(&v.slots, i == BLOCK_SLOT_FLAGS ? bytes_of("", 1)
                                                       : block_slot(&b->v, (enum block_slot)i));
    v.has_metadata = true;
    block_encode(&v, &out);
    free(v.slots.at);
    return block_parse(buf_bytes(&out), ret, e);
}

static enum weft_code make(const char *root, const char *path, struct weft_err *e)
{
    const struct kv_ledgers_config config = { .mspid = "Org1MSP",
                                              .history = true,
                                              .purge_interval = 100 };
    WEFT_CLEANUP(buf_done) struct buf wire = { 0 };
    WEFT_CLEANUP(block_unref) struct block *b = NULL;
    WEFT_CLEANUP(kv_ledgers_close) struct kv_ledgers *all = NULL;
    WEFT_CLEANUP(kv_ledger_close) struct kv_ledger *l = NULL;
    WEFT_TRY(file_read_all(path, 100 << 20, &wire, e));
    WEFT_TRY(with_flags(buf_bytes(&wire), &b, e));
    WEFT_TRY(dir_make(root, e));
    WEFT_TRY(kv_ledgers_open(root, &config, &all, e));
    return kv_ledgers_create(all, b, &l, e);
}

int main(int argc, char **argv)
{
    struct weft_err e = { 0 };
    if (argc == 3 && make(argv[1], argv[2], &e) == WEFT_OK)
        return 0;
    (void)fprintf(stderr, "make_ledger: %s\n", argc == 3 ? e.msg : "LEDGERS_DATA BLOCK");
    return 1;
}
