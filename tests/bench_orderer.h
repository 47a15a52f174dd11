/* bench_orderer.h - an orderer of ours that has the bulk chain, for benchmarks.
 *
 *     struct bench_orderer o = { 0 };
 *     if (bench_bulk_get(NULL, dir, &o) && bench_orderer_start(&o))
 *         ...                                 it listens at o.address, o.pid
 *     bench_orderer_stop(&o);
 *
 * The chain's configuration names the orderer as BENCH_CONFIGURED; it listens where nobody is.
 *
 * Go origin   none
 * Owner       the benchmark's main thread; the orderer is a process, and dies with the benchmark
 * Memory      its strings: until bench_orderer_stop
 */
#ifndef WEFT_TESTS_BENCH_ORDERER_H
#define WEFT_TESTS_BENCH_ORDERER_H

#include "base/weft.h"

#include <sys/types.h>

#define BENCH_CHANNEL        "bulk"
#define BENCH_CONFIGURED     "127.0.0.1:22450" /* what the chain's configuration says */
#define BENCH_ORDERER_FOLDER "crypto/ordererOrganizations/example.com/orderers/orderer.example.com"
#define BENCH_ORG_FOLDER     "crypto/peerOrganizations/org1.example.com"

struct bench_orderer {
    char *folder, *data; /* the chain as it came; the ledger that the orderer may change */
    char *address;
    pid_t pid;
    /* as `weft bench deliver` found them last: what can be had at all */
    double blocks, mb_per_s;
};

/* The bulk chain's folder (crypto, genesis, orderer/data) is what is given, or WEFT_BULK, or
 * the fixture, unpacked below `dir`; a copy of its ledger lies there, too.  False: there is none,
 * which was said. */
bool bench_bulk_get(const char *given, const char *dir, struct bench_orderer *ret);

uint16_t bench_free_port(void);

/* Runs a program to its end, as execvpe does; no output of it but errors.  Its exit status. */
int bench_run(const char *const argv[], char *const env[]);

/* False: it gives no blocks. */
bool bench_orderer_start(struct bench_orderer *o);
void bench_orderer_stop(struct bench_orderer *o);

/* Counts its blocks.  False: nobody answered. */
bool bench_orderer_count(struct bench_orderer *o);

#endif
