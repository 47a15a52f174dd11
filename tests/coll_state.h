/* coll_state.h - a state in memory with chaincodes and their collections.
 *
 *     struct coll_state s;
 *     coll_state_init(&s);
 *     coll_state_define(&s, "pdc", 1, (struct coll_spec[]){ { "collBtl", "Org1MSP", 6 } }, 1);
 *     collections_new(&s.reader, "Org1MSP")
 *
 * Go origin   none
 * Owner       the test
 */
#ifndef WEFT_TESTS_COLL_STATE_H
#define WEFT_TESTS_COLL_STATE_H

#include "state/state_overlay.h"

struct coll_state {
    struct update_batch *updates; /* all there is */
    struct state_overlay overlay;
    struct state_reader reader;
};

struct coll_spec {
    const char *name;
    const char *mspid; /* any member of it; NULL: nobody is asked for */
    uint64_t block_to_live;
};

void coll_state_init(struct coll_state *s);
void coll_state_done(struct coll_state *s);
WEFT_DEFINE_CLEANUP_IN_PLACE(struct coll_state, coll_state_done)

/* CollectionConfigPackage */
void coll_package(const struct coll_spec *specs, size_t count, struct buf *out);
/* As the new lifecycle keeps a definition, and as lscc did; into these updates. */
void coll_state_define(struct update_batch *to, const char *chaincode, uint64_t sequence,
                       const struct coll_spec *specs, size_t count);
void coll_state_define_legacy(struct update_batch *to, const char *chaincode,
                              const struct coll_spec *specs, size_t count);
void coll_state_put(struct update_batch *to, const struct state_key *key, struct bytes value,
                    struct state_version version);

#endif
