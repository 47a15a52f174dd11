/* validation_world.h - a channel, people, and a state, for tests of what judges transactions.
 *
 *     struct vworld w;
 *     vworld_init(&w, "V2_0");                       its application capability; NULL: none
 *     vworld_define(&w, "asset", "OR('Org1MSP.peer')", NULL);
 *     vworld_add(&w, &(struct tx_order){ .chaincode = "asset", .results = ... });
 *     vworld_decide(&w, codes, &e)                   the block of what was added
 *
 * Go origin   none
 * Owner       the test
 */
#ifndef WEFT_TESTS_VALIDATION_WORLD_H
#define WEFT_TESTS_VALIDATION_WORLD_H

#include "map_state.h"
#include "rwset_maker.h"
#include "test_channel.h"
#include "tx_maker.h"

struct block;
struct bundle;

enum {
    VWORLD_TXS = 40
};

struct vworld {
    struct test_channel *channel;
    struct bundle *bundle;
    struct tx_person *client, *admin, *peer1, *peer2, *stranger;
    struct made_cert *other_ca;
    struct map_state *state;
    struct weft_rand rand;
    struct buf envelopes[VWORLD_TXS];
    size_t count;
    uint64_t next_block;
    struct msp_manager *own; /* of the channel "" */
    unsigned configs;        /* that were to be applied */
    enum weft_code config_is;
};

void vworld_init(struct vworld *w, const char *capability);
void vworld_done(struct vworld *w);
WEFT_DEFINE_CLEANUP_IN_PLACE(struct vworld, vworld_done)

/* The bundle again, of what the channel's configuration is now. */
void vworld_reconfigure(struct vworld *w);

/* A policy as bytes: SignaturePolicyEnvelope, ApplicationPolicy with it, with a path.  Caller
 * frees. */
struct buf vworld_policy(const char *text);
struct buf vworld_application_policy(const char *text);
struct buf vworld_reference(const char *path);

/* Into the state: a chaincode of the new lifecycle, or of the old one. */
void vworld_define(struct vworld *w, const char *name, const char *policy,
                   const struct buf *collections);
void vworld_define_with(struct vworld *w, const char *name, struct bytes plugin,
                        struct bytes parameter, struct bytes collections);
void vworld_deploy(struct vworld *w, const char *name, const char *version, const char *policy);
/* Adds a StaticCollectionConfig to a package. */
void vworld_collection(struct buf *package, const char *name, const struct buf *policy);

/* One write of `key` to `ns`; a TxReadWriteSet. */
struct buf vworld_write(const char *ns, const char *key);

/* The order's channel is "ch" and its creator the client where it does not say; without
 * signers peer1 and peer2 sign.  Or any bytes. */
void vworld_add(struct vworld *w, const struct tx_order *o);
void vworld_add_bytes(struct vworld *w, struct bytes envelope);

/* The block that was added, which starts the next one. */
struct block *vworld_block(struct vworld *w);
enum weft_code vworld_decide(struct vworld *w, uint8_t *codes, struct weft_err *e) WEFT_MUST_CHECK;
/* Of one transaction alone. */
uint8_t vworld_judge(struct vworld *w, const struct tx_order *o);

#endif
