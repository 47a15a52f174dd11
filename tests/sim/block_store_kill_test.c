/* A real process that is killed with SIGKILL while it appends, again and again
 * in one folder, with an index that is large enough for LevelDB to compact it
 * beside the appending: that is when goleveldb begins to pass over part of the
 * log.  Every opening of the store happens in a process of its own, since
 * LevelDB's thread does not live on in a child. */
#include "sim/go_view.h"

#include "base/log.h"
#include "chain.h"
#include "os/dirs.h"
#include "sim/disk.h"
#include "weft_test.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum {
    KILLS = 2,
    BLOCKS_A_LIFE = 60
}; /* slower, and not what the sanitizers are for */
#else
enum {
    KILLS = 5,
    BLOCKS_A_LIFE = 600
}; /* at most; 320 fill LevelDB's write buffer */
#endif

enum {
    TXS = 100,
    GROUP = 10,
    FILE_BYTES = 400000, /* some 20 blocks */
};

static void quit(const char *what, const struct weft_err *e)
{
    (void)fprintf(stderr, "%s: %s\n", what, e->msg);
    _exit(1);
}

/* The chain's next block, whatever was appended before. */
static struct block *next_block(struct chain *c)
{
    c->rand = weft_rand_of(c->count);
    return chain_next(c, TXS, 20);
}

/* Appends until it is killed; tells each height that was announced. */
static void live(const char *dir, int report)
{
    struct weft_err e = { 0 };
    struct block_stores *stores = NULL;
    struct block_store *bs = NULL;
    struct chain c;
    if (block_stores_open(dir, LEDGER_PEER, &stores, &e) != WEFT_OK)
        quit("open", &e);
    block_stores_set_file_bytes(stores, FILE_BYTES);
    if (block_store_open(stores, "ch", &bs, &e) != WEFT_OK)
        quit("open", &e);
    chain_init(&c, "ch", 0);
    while (c.count < block_store_height(bs))
        (void)next_block(&c);
    for (;;) {
        for (int i = 0; i < GROUP; i++)
            if (block_store_append(bs, &next_block(&c)->v, BLOCK_APPEND_LATER, &e) != WEFT_OK)
                quit("append", &e);
        if (block_store_sync(bs, &e) != WEFT_OK)
            quit("sync", &e);
        uint64_t height = block_store_height(bs);
        if (write(report, &height, sizeof(height)) != sizeof(height))
            _exit(1);
    }
}

/* Holds everything that is there against the chain. */
static void look(const char *dir, uint64_t announced)
{
    struct weft_err e = { 0 };
    struct block_stores *stores = NULL;
    struct block_store *bs = NULL;
    struct chain c;
    if (go_view_check(dir, LEDGER_PEER, "ch", &e) != WEFT_OK)
        quit("a Go node", &e);
    if (block_stores_open(dir, LEDGER_PEER, &stores, &e) != WEFT_OK ||
        block_store_open(stores, "ch", &bs, &e) != WEFT_OK)
        quit("open", &e);
    uint64_t height = block_store_height(bs);
    if (height < announced)
        quit("announced blocks are gone", &e);
    chain_init(&c, "ch", 0);
    for (uint64_t n = 0; n < height; n++) {
        struct block *b = NULL, *by_id = NULL;
        char id[65];
        (void)next_block(&c);
        chain_tx_id(&c, n, n % TXS, id);
        if (block_store_read(bs, n, &b, &e) != WEFT_OK ||
            block_store_read_by_tx_id(bs, bytes_of_str(id), &by_id, &e) != WEFT_OK)
            quit("read", &e);
        chain_expect(&c, n, &b->v);
        chain_expect(&c, n, &by_id->v);
        block_unref(b);
        block_unref(by_id);
    }
    _exit(0); /* as if killed: nothing is closed */
}

/* Lets one live for a while; what it announced last. */
static uint64_t kill_one(const char *dir, uint64_t blocks)
{
    int pipes[2];
    uint64_t height = 0, first = 0;
    EXPECT_EQ(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0)
        live(dir, pipes[1]);
    (void)close(pipes[1]);
    while (height < first + blocks &&
           read(pipes[0], &height, sizeof(height)) == (ssize_t)sizeof(height))
        first = first == 0 ? height : first;
    EXPECT_EQ(kill(child, SIGKILL), 0);
    while (read(pipes[0], &height, sizeof(height)) == (ssize_t)sizeof(height))
        continue;
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT(WIFSIGNALED(status));
    (void)close(pipes[0]);
    return height;
}

TEST(a_killed_node_leaves_what_it_announced_and_what_a_go_node_can_trust)
{
    struct weft_err e = { 0 };
    struct weft_rand rand = weft_rand_of(21);
    WEFT_FREE char *dir = disk_new_dir();
    EXPECT_OK(log_set_spec("panic", &e));
    for (int i = 0; i < KILLS; i++) {
        uint64_t announced = kill_one(dir, weft_rand_below(&rand, BLOCKS_A_LIFE));
        pid_t child = fork();
        if (child == 0)
            look(dir, announced);
        int status = -1;
        EXPECT_EQ(waitpid(child, &status, 0), child);
        EXPECT_EQ(status, 0);
    }
    EXPECT_OK(dir_remove_tree(dir, &e));
}
