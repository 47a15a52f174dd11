/* make_chain orderer|peer CHANNEL SEED DIR: a signed chain of six blocks, as
 * DIR/N.block.  tests/vectors/ledger-tiny was made with it. */
#include "base/number.h"
#include "chain.h"
#include "os/file.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    BLOCKS = 6
};

static enum weft_code write_all(const struct chain *c, const char *dir, struct weft_err *e)
{
    for (size_t i = 0; i < c->count; i++) {
        WEFT_FREE char *path = weft_asprintf("%s/%zu.block", dir, i);
        WEFT_TRY(file_write_plain(path, c->blocks[i]->raw, 0644, e));
    }
    return WEFT_OK;
}

int main(int argc, char **argv)
{
    struct weft_err e = { 0 };
    struct chain c;
    uint64_t seed = 0;
    bool peer = argc == 5 && strcmp(argv[1], "peer") == 0;
    if (argc != 5 || (!peer && strcmp(argv[1], "orderer") != 0) ||
        !number_parse_u64(argv[3], &seed)) {
        (void)fprintf(stderr, "usage: make_chain orderer|peer CHANNEL SEED DIR\n");
        return 2;
    }
    chain_init_signed(&c, argv[2], seed, peer ? CHAIN_OF_PEER : CHAIN_OF_ORDERER);
    for (size_t i = 0; i < BLOCKS; i++)
        if (i == 3)
            (void)chain_next_config(&c, 60);
        else
            (void)chain_next(&c, i, 40);
    enum weft_code rc = write_all(&c, argv[4], &e);
    chain_done(&c);
    if (rc != WEFT_OK)
        (void)fprintf(stderr, "Error: %s\n", e.msg);
    return rc == WEFT_OK ? 0 : 1;
}
