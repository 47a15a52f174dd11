/* adversary_run SEED KIND BLOCKS TO FROM [wild|private]: asks somebody else about an adversary's
 * chain.
 *
 * Writes each block to the file TO, its length before it as four bytes, little endian, and
 * reads the answer from FROM, a line:
 *
 *     NUMBER CODES COMMIT_HASH        in hex; "-" where a block has none
 *
 * and at the end, when TO was closed, "state KEYS DIGEST".  Prints the answers as vectors.
 *
 * With private data three more pieces come first, each behind its length: something to sign, a
 * peer's identity, its signature; and behind each block the number of private write sets, and
 * for each the transaction's number and the TxPvtReadWriteSet, numbers of eight bytes.  At the
 * end there is a line for each database: "store NAME KEYS DIGEST" (kv_ledger_adversary_test.c).
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

static void send_piece(FILE *to, struct bytes b)
{
    uint32_t n = (uint32_t)b.len;
    if (fwrite(&n, sizeof(n), 1, to) != 1 || fwrite(b.data, 1, b.len, to) != b.len)
        fail("write", "failed");
}

static void send_block(FILE *to, const struct block *b)
{
    struct buf wire = { 0 };
    block_encode(&b->v, &wire);
    send_piece(to, buf_bytes(&wire));
    buf_done(&wire);
}

static void send_peer(struct adversary *a, FILE *to)
{
    struct bytes data = bytes_of_str("here I am");
    struct buf id = { 0 }, signature = { 0 };
    adversary_peer(a, data, &id, &signature);
    send_piece(to, data);
    send_piece(to, buf_bytes(&id));
    send_piece(to, buf_bytes(&signature));
    buf_done(&id);
    buf_done(&signature);
}

/* Write sets on their way: their number goes first. */
struct sets {
    uint64_t tx[64], count;
    struct buf set[64];
};

static void take_set(void *ctx, uint64_t tx, struct bytes write_set)
{
    struct sets *s = ctx;
    s->tx[s->count] = tx;
    buf_put(&s->set[s->count++], write_set);
}

static void send_private(struct adversary *a, FILE *to)
{
    struct sets s = { 0 };
    adversary_private(a, take_set, &s);
    send_piece(to, bytes_of(&s.count, sizeof(s.count)));
    for (size_t i = 0; i < s.count; i++) {
        send_piece(to, bytes_of(&s.tx[i], sizeof(s.tx[i])));
        send_piece(to, buf_bytes(&s.set[i]));
        buf_done(&s.set[i]);
    }
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
    bool is_wild = argc == 7 && strcmp(argv[6], "wild") == 0,
         is_private = argc == 7 && strcmp(argv[6], "private") == 0;
    if (argc != 6 && !is_wild && !is_private)
        fail("usage", "adversary_run SEED KIND BLOCKS TO FROM [wild|private]");
    struct adversary *a =
        adversary_new(strtoull(argv[1], NULL, 10), (enum adversary_kind)strtoul(argv[2], NULL, 10));
    if (is_wild)
        adversary_go_wild(a);
    if (is_private)
        adversary_go_private(a);
    unsigned long count = strtoul(argv[3], NULL, 10);
    FILE *to = fopen(argv[4], "wb"), *from = fopen(argv[5], "rb");
    if (to == NULL || from == NULL)
        fail("open", argv[4]);
    if (is_private)
        send_peer(a, to);
    (void)printf("chain %s %s %s\n", argv[1], argv[2], argv[3]);
    for (unsigned long i = 0; i < count; i++) {
        uint8_t codes[256];
        struct block *b = adversary_next(a);
        send_block(to, b);
        if (is_private)
            send_private(a, to);
        if (fflush(to) != 0)
            fail("write", "failed");
        read_answer(from, b, codes);
        adversary_learn(a, codes);
    }
    (void)fclose(to);
    char line[512];
    bool any = false;
    for (; fgets(line, sizeof(line), from) != NULL; any = true)
        (void)fputs(line, stdout);
    if (!any)
        fail("no state", "");
    (void)fclose(from);
    adversary_free(a);
    return 0;
}
