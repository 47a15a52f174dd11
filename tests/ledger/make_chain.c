/* make_chain orderer|peer CHANNEL SEED DIR [FAULT]: a signed chain of six blocks,
 * as DIR/N.block.  tests/vectors/ledger-tiny was made with it.  The faults, all of
 * them at block 3, a configuration, or 4:
 *
 *     stranger      block 4 is signed by Org1MSP, who is no orderer
 *     forged        block 4 is signed by a key that no MSP knows
 *     unsigned      block 4 carries no signature
 *     unauthorised  the update in block 3 is signed by an admin who may not
 *     unchanged     the configuration in block 3 is not what its update makes */
#include "base/number.h"
#include "chain_signer.h"
#include "channel_chain.h"
#include "os/file.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    BLOCKS = 6
};

static const char *const faults[] = { "",         "stranger",     "forged",
                                      "unsigned", "unauthorised", "unchanged" };

static enum weft_code write_all(const struct chain *c, const char *dir, struct weft_err *e)
{
    for (size_t i = 0; i < c->count; i++) {
        WEFT_FREE char *path = weft_asprintf("%s/%zu.block", dir, i);
        WEFT_TRY(file_write_plain(path, c->blocks[i]->raw, 0644, e));
    }
    return WEFT_OK;
}

static void spoil(struct channel_chain *c, const char *fault)
{
    bool four = c->chain.count == 4;
    if (strcmp(fault, "stranger") == 0)
        channel_chain_sign_as(c, four ? "Org1MSP" : "OrdererMSP");
    else if (strcmp(fault, "unauthorised") == 0)
        c->signers = "Org1MSP";
    else if (strcmp(fault, "unchanged") == 0 && c->chain.count == 3)
        test_channel_set_text(c->now, "Orderer", "BatchTimeout", "3s");
    if (strcmp(fault, "forged") == 0 && four) {
        chain_signer_free(c->chain.signer);
        c->chain.signer = chain_signer_new();
    } else if (strcmp(fault, "unsigned") == 0 && four) {
        chain_signer_free(WEFT_TAKE(c->chain.signer));
    } else if (c->chain.signer == NULL || (strcmp(fault, "forged") == 0 && c->chain.count == 5)) {
        channel_chain_sign_as(c, "OrdererMSP");
    }
}

static void make(struct channel_chain *c, const char *fault)
{
    for (size_t i = 0; i < BLOCKS; i++) {
        spoil(c, fault);
        if (i == 0 || i == 3)
            (void)chain_next_config(&c->chain, 0);
        else
            (void)chain_next(&c->chain, i, 40);
    }
}

static bool is_fault(const char *name)
{
    for (size_t i = 0; i < WEFT_ARRAY_LEN(faults); i++)
        if (strcmp(faults[i], name) == 0)
            return true;
    return false;
}

int main(int argc, char **argv)
{
    struct weft_err e = { 0 };
    uint64_t seed = 0;
    bool peer = argc >= 5 && strcmp(argv[1], "peer") == 0;
    const char *fault = argc == 6 ? argv[5] : "";
    if (argc < 5 || argc > 6 || (!peer && strcmp(argv[1], "orderer") != 0) ||
        !number_parse_u64(argv[3], &seed) || !is_fault(fault)) {
        (void)fprintf(stderr, "usage: make_chain orderer|peer CHANNEL SEED DIR [FAULT]\n");
        return 2;
    }
    WEFT_CLEANUP(channel_chain_free)
    struct channel_chain *c =
        channel_chain_new(argv[2], seed, peer ? CHAIN_OF_PEER : CHAIN_OF_ORDERER);
    make(c, fault);
    enum weft_code rc = write_all(&c->chain, argv[4], &e);
    if (rc != WEFT_OK)
        (void)fprintf(stderr, "Error: %s\n", e.msg);
    return rc == WEFT_OK ? 0 : 1;
}
