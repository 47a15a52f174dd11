/* adversary_run SEED KIND BLOCKS TO FROM [wild]: asks somebody else about an adversary's chain.
 *
 * Writes each block to the file TO, its length before it as four bytes, little endian, and
 * reads the answer from FROM, a line:
 *
 *     NUMBER CODES COMMIT_HASH        in hex; "-" where a block has none
 *
 * and at the end, when TO was closed, "state KEYS DIGEST".  Prints the answers as vectors.
 */
#include "validation/adversary.h"

#include "base/number.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fail(const char *what, const char *detail)
{
    (void)fprintf(stderr, "%s: %s\n", what, detail);
    exit(1); /* NOLINT(concurrency-mt-unsafe): one thread */
}

static void send_block(FILE *to, const struct block *b)
{
    struct buf wire = { 0 };
    block_encode(&b->v, &wire);
    uint32_t n = (uint32_t)wire.len;
    if (fwrite(&n, sizeof(n), 1, to) != 1 || fwrite(wire.data, 1, wire.len, to) != wire.len ||
        fflush(to) != 0)
        fail("write", "failed");
    buf_done(&wire);
}

static void read_answer(FILE *from, const struct block *b, uint8_t *codes)
{
    char line[512], number[32], hex[256];
    uint64_t n;
    if (fgets(line, sizeof(line), from) == NULL)
        fail("no answer", "");
    if (sscanf(line, "%31s %255s", number, hex) != 2 || !number_parse_u64(number, &n) ||
        n != b->v.number || strlen(hex) != 2 * b->v.txs.count ||
        !bytes_from_hex(bytes_of_str(hex), codes))
        fail("answer", line);
    (void)fputs(line, stdout);
}

int main(int argc, char **argv)
{
    if (argc != 6 && (argc != 7 || strcmp(argv[6], "wild") != 0))
        fail("usage", "adversary_run SEED KIND BLOCKS TO FROM [wild]");
    struct adversary *a =
        adversary_new(strtoull(argv[1], NULL, 10), (enum adversary_kind)strtoul(argv[2], NULL, 10));
    if (argc == 7)
        adversary_go_wild(a);
    unsigned long count = strtoul(argv[3], NULL, 10);
    FILE *to = fopen(argv[4], "wb"), *from = fopen(argv[5], "rb");
    if (to == NULL || from == NULL)
        fail("open", argv[4]);
    (void)printf("chain %s %s %s\n", argv[1], argv[2], argv[3]);
    for (unsigned long i = 0; i < count; i++) {
        uint8_t codes[256];
        struct block *b = adversary_next(a);
        send_block(to, b);
        read_answer(from, b, codes);
        adversary_learn(a, codes);
    }
    (void)fclose(to);
    char line[512];
    if (fgets(line, sizeof(line), from) == NULL)
        fail("no state", "");
    (void)fputs(line, stdout);
    (void)fclose(from);
    adversary_free(a);
    return 0;
}
