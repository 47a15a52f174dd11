/* identity_cache.h - identities that were parsed lately, by their bytes.
 *
 * The same few creators and endorsers come in every transaction.  Finding a
 * certificate's chain costs a signature check and parsing it twice; finding it
 * here costs a look at its bytes.
 *
 *     struct msp_identity *id;
 *     identity_cache_get(cache, creator, &id, e)     a reference of its own
 *
 * The least recently used one goes when there are too many.  Only identities
 * that chain to their MSP are kept; failures are not.  A cache belongs to one
 * set of MSPs: another configuration gets a new one.
 *
 * Go origin   msp/cache/cache.go
 * Differs     one cache for all MSPs; that an identity is valid is remembered in
 *             itself; answers about principals are not kept
 * Owner       one thread
 * Memory      a copy of each identity's bytes beside the identity
 * Limits      as many identities as it is told, of at most IDENTITY_CACHE_BYTES_MAX
 */
#ifndef WEFT_MSP_IDENTITY_CACHE_H
#define WEFT_MSP_IDENTITY_CACHE_H

#include "msp/msp_manager.h"

enum {
    IDENTITY_CACHE_DEFAULT = 1024,
    IDENTITY_CACHE_BYTES_MAX = 16 << 10
};

struct identity_cache;

/* Takes a reference of the manager. */
struct identity_cache *identity_cache_new(struct msp_manager *m, size_t limit);
void identity_cache_free(struct identity_cache *c);
WEFT_DEFINE_CLEANUP(struct identity_cache *, identity_cache_free)

/* As msp_manager_deserialize. */
enum weft_code identity_cache_get(struct identity_cache *c, struct bytes serialized,
                                  struct msp_identity **ret, struct weft_err *e) WEFT_MUST_CHECK;

struct identity_cache_stats {
    uint64_t hits, misses;
    size_t count;
};
struct identity_cache_stats identity_cache_stats(const struct identity_cache *c);

#endif
