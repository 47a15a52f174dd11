/* adversary_world.h - what the adversary knows: who there is, and what the state should be.
 *
 * Go origin   none
 * Owner       the adversary
 */
#ifndef WEFT_TESTS_VALIDATION_ADVERSARY_WORLD_H
#define WEFT_TESTS_VALIDATION_ADVERSARY_WORLD_H

#include "channel_chain.h"
#include "rwset_maker.h"
#include "tx_maker.h"
#include "validation/adversary.h"

enum {
    ORGS = 3,
    KEYS = 60,        /* of a namespace */
    PRIVATE_KEYS = 8, /* of a collection */
    COLLECTIONS = 4,  /* c1 .. c3, and an implicit one */
    EFFECTS_MAX = 64,
    TXS_MAX = 24,
};

enum role {
    ROLE_PEER0,
    ROLE_PEER1,
    ROLE_CLIENT,
    ROLE_ADMIN,
    ROLES,
};

/* Chaincodes.  The first is always defined, and easy to endorse; the last never is. */
enum {
    NS_OPEN,
    NS_ASSET,
    NS_STRICT,
    NS_PDC,
    NS_SPARE,
    NS_GHOST,
    NS_NR,
};
extern const char *const ns_names[NS_NR];
extern const char *const collection_names[COLLECTIONS];

enum definition {
    NOT_DEFINED,
    DEFINED,
    DEFINED_BADLY, /* without plugin or policy */
};

struct known_key {
    bool exists;
    struct made_version version;
};

struct known_ns {
    enum definition definition, legacy;
    unsigned sequence, collections, legacy_version, legacy_collections;
    struct known_key keys[KEYS], private_keys[COLLECTIONS][PRIVATE_KEYS];
};

enum effect_kind {
    EFFECT_WRITE,
    EFFECT_DELETE,
    EFFECT_METADATA,
    EFFECT_DEFINE, /* `key` is an enum definition, and its collections above that */
    EFFECT_DEPLOY, /* its version, and its collections above that */
};

enum {
    DEPLOYED_COLLECTIONS = 16,
    IMPLICIT = 1 << (COLLECTIONS - 1), /* there for whatever is defined */
};

struct effect {
    enum effect_kind kind;
    int ns, collection; /* -1: public */
    int key;
};

/* What a transaction of the block does if it is valid. */
struct intent {
    struct effect effects[EFFECTS_MAX];
    size_t count;
};

struct adversary {
    struct weft_rand rand;
    bool is_wild;
    enum adversary_kind kind, now; /* of the application's capability */
    struct channel_chain *chain;
    struct test_org third;
    bool third_is_in, lifecycle_policy_is_in, some_are_revoked;
    struct tx_person *people[ORGS][ROLES], *orderer, *stranger, *impostor, *alias;
    struct made_cert *stranger_ca;
    struct known_ns ns[NS_NR];
    struct intent intents[TXS_MAX];
    struct buf envelopes[TXS_MAX]; /* of the block being made */
    bool may_come_again[TXS_MAX];
    bool is_private, is_flawed;           /* the transaction being made */
    struct weft_rand private_rand;        /* decides nothing else */
    unsigned blocks_to_live[COLLECTIONS]; /* 0: for ever; never changes, as by the original */
    struct made_private private[TXS_MAX]; /* of the block being made */
    size_t count;
    bool has_deletes; /* the block being made */
    struct buf old;   /* an envelope of a block before */
    unsigned event;   /* which change of configuration comes next */
};

/* 0 .. n-1; true in `percent` of all cases. */
static inline size_t pick(struct adversary *a, size_t n)
{
    return (size_t)weft_rand_below(&a->rand, n);
}
static inline bool chance(struct adversary *a, unsigned percent)
{
    return weft_rand_below(&a->rand, 100) < percent;
}

void adversary_effect(struct adversary *a, enum effect_kind kind, int ns, int collection, int key);
struct buf adversary_key(int key);
struct digest adversary_private_key(int collection, int key);

/* Reads and writes of a namespace and its collections, and policies of keys. */
void adversary_touch(struct adversary *a, int ns, bool writes, bool may_set_policy,
                     struct rwset_maker *m);

/* The transaction being made is the one before it once more. */
void adversary_private_again(struct adversary *a);

/* Chaincodes' definitions: the writes that make one, or its approval by an organisation. */
void adversary_define(struct adversary *a, int ns, struct rwset_maker *m);
void adversary_approve(struct adversary *a, int ns, const char *mspid, struct rwset_maker *m);
/* A call of lscc that deploys or upgrades, and its writes. */
void adversary_deploy(struct adversary *a, int ns, struct rwset_maker *m, struct buf *proposal);

/* A SignaturePolicyEnvelope, and an ApplicationPolicy that may be one or a path. */
void adversary_signature_policy(struct adversary *a, bool is_sound, struct buf *out);
void adversary_application_policy(struct adversary *a, struct buf *out);

#endif
