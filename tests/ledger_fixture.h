/* ledger_fixture.h - a real network's channel: blocks as the orderer and as a peer of Org1 had them,
 * and the private data that the peer had.
 *
 * Where the fixtures are not there, the first question skips the test.
 *
 * Go origin   none
 * Owner       the test
 * Memory      private data until fixture_pvt_done
 */
#ifndef WEFT_TESTS_LEDGER_FIXTURE_H
#define WEFT_TESTS_LEDGER_FIXTURE_H

#include "base/arena.h"
#include "kvledger/kv_ledger.h"

#define FIXTURE_DIR     "ledger-small/"
#define FIXTURE_CHANNEL "mychannel"
#define FIXTURE_PEER    FIXTURE_DIR "peer0.org1.example.com/ledgersData"

enum {
    FIXTURE_BLOCKS = 79,
};

enum fixture_form {
    FIXTURE_OF_ORDERER,
    FIXTURE_OF_PEER, /* with flags and commit hash */
};
struct block *fixture_block(enum fixture_form form, uint64_t n);

struct fixture_pvt_block {
    struct kv_pvt_data txs[16];
    size_t count;
};

struct fixture_pvt {
    struct arena arena;
    struct fixture_pvt_block blocks[FIXTURE_BLOCKS];
};

void fixture_pvt_read(struct fixture_pvt *p);
void fixture_pvt_done(struct fixture_pvt *p);
WEFT_DEFINE_CLEANUP_IN_PLACE(struct fixture_pvt, fixture_pvt_done)

/* All files below a folder into another, which is there. */
void copy_dir(const char *from, const char *to);

#endif
