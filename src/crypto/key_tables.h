/* key_tables.h - which public keys have a table, within a budget of bytes.
 *
 * A channel has few signers, who come back all the time: the orderer's key in
 * every block, a handful of endorsers in every transaction.  A table makes a
 * check three or four times as fast, but making one costs as much as forty
 * checks (in eight lanes, crypto/p256_lanes8.h) or five hundred.  So:
 *
 *   - a key gets a table when it was seen `threshold` times lately;
 *   - tables are made by a worker; until then checks go the plain way;
 *   - there are as many places as fit into the budget; when all are taken, the
 *     table unused for longest goes, if it was unused for long;
 *   - making tables must be paid for: each plain check earns a thirty-second
 *     of its own cost, each check by a table half of one; the first sixteen
 *     tables are free.  So even ten thousand keys that come in the worst order
 *     lose less than a twentieth against plain checking.
 *
 *     seen 64 times                 job done              a newcomer
 *   [no table] ---> [being made] ---> [live, n users] ---> [dying] ---> place is free
 *                                                            last user gone
 *
 * The same point in several certificates has one table.  No verdict depends on
 * any of this.
 *
 * Go origin   none
 * Owner       any thread: a place changes hands by compare-and-swap on one
 *             64-bit word, as in a snapshot; new and free from the wiring file
 * Memory      at most budget_bytes of tables, those in use by checks included
 * Limits      budget_bytes (default 16 MB, 0: no tables)
 */
#ifndef WEFT_CRYPTO_KEY_TABLES_H
#define WEFT_CRYPTO_KEY_TABLES_H

#include "base/weft.h"

struct jobs;
struct p256_fast;
struct p256_table;
struct public_key;
struct key_tables;

enum {
    KEY_TABLES_BUDGET_DEFAULT = 16 << 20,
    KEY_TABLES_THRESHOLD_DEFAULT = 64,
};

struct key_tables_config {
    size_t budget_bytes;
    unsigned threshold; /* 0: KEY_TABLES_THRESHOLD_DEFAULT */
    struct jobs *pool;  /* who makes them; NULL: whoever asks, at once */
    bool unpaid;        /* for tests: make tables whatever they cost */
    bool one_lane;      /* for comparisons: without the CPU's eight lanes */
};

struct key_tables *key_tables_new(const struct key_tables_config *config);
/* The pool must have ended: its jobs point here. */
void key_tables_free(struct key_tables *kt);
WEFT_DEFINE_CLEANUP(struct key_tables *, key_tables_free)

/* A table in use.  It lives until it is given back, whatever happens to its
 * place meanwhile. */
struct key_lease {
    const struct p256_table *table; /* NULL: check the plain way */
    uint32_t slot;
};

/* Counts `uses` checks of the key and lends its table, if it has one. */
struct key_lease key_tables_borrow(struct key_tables *kt, struct public_key *key, unsigned uses);
void key_tables_return(struct key_tables *kt, struct key_lease lease);

/* NULL when tables are off or this OpenSSL cannot. */
struct p256_fast *key_tables_fast(const struct key_tables *kt);

/* For metrics and tests. */
struct key_tables_stats {
    uint64_t made, failed, evicted; /* tables, since the start */
    uint64_t by_table, plain;       /* checks */
    size_t places, live;            /* tables that fit; that are there now */
};
struct key_tables_stats key_tables_stats(const struct key_tables *kt);

#endif
