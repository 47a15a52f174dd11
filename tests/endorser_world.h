/* endorser_world.h - the peer around an endorser, made of the fixtures' ledger.
 *
 *     struct endorser_world w;
 *     endorser_world_open(&w);              skips the test where the fixtures are not there
 *     endorser_process(&w.endorser, request, now_ns, &answer);
 *     endorser_world_done(&w);
 *
 * It is peer0 of Org1 with all 79 blocks of mychannel, on a copy of its ledger.  A join does
 * what a peer's does, as far as the answer goes.
 *
 * Go origin   none
 * Owner       the test
 */
#ifndef WEFT_TESTS_ENDORSER_WORLD_H
#define WEFT_TESTS_ENDORSER_WORLD_H

#include "base/arena.h"
#include "endorser/endorser.h"
#include "endorser/peer_support.h"
#include "kvledger/kv_ledger.h"

struct endorser_world {
    char *dir;
    struct kv_ledgers *ledgers;
    struct kv_ledger *ledger;
    struct bundle *bundle;
    struct msp *local;
    struct signing_identity *me;
    struct peer_support support;
    struct endorser endorser;
    bool rebuilding;
    size_t kept;         /* private write sets */
    struct buf kept_set; /* the last of them */
};

void endorser_world_open(struct endorser_world *w);
void endorser_world_done(struct endorser_world *w);
WEFT_DEFINE_CLEANUP_IN_PLACE(struct endorser_world, endorser_world_done)

/* Of the fixtures' organisations: "org1.example.com/users/Admin@org1.example.com". */
struct signing_identity *endorser_world_identity(const char *mspid, const char *of);

#endif
