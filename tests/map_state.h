/* map_state.h - a world state in memory, as a validator sees it.
 *
 *     struct map_state *m = map_state_new();
 *     map_state_put(m, "lscc", bytes_of_str("mycc"), value);
 *     tx_validator_decide(tv, v, map_state_view(m), codes, &e);
 *     map_state_commit(m, v, codes, &hash, &e);       the final codes, and the commit hash
 *
 * Go origin   none
 * Owner       the test
 * Memory      keeps every value that it ever had
 */
#ifndef WEFT_TESTS_MAP_STATE_H
#define WEFT_TESTS_MAP_STATE_H

#include "crypto/sha256.h"
#include "validation/validation_state.h"

struct block_validation;
struct map_state;

struct map_state *map_state_new(void);
void map_state_free(struct map_state *m);
WEFT_DEFINE_CLEANUP(struct map_state *, map_state_free)

const struct validation_state *map_state_view(struct map_state *m);

void map_state_put(struct map_state *m, const char *ns, struct bytes key, struct bytes value);
/* With these bytes as metadata; collection "": public. */
void map_state_put_metadata(struct map_state *m, const char *ns, const char *collection,
                            struct bytes key, struct bytes metadata);
/* With an entry VALIDATION_PARAMETER. */
void map_state_put_policy(struct map_state *m, const char *ns, const char *collection,
                          struct bytes key, struct bytes policy);
void map_state_put_id(struct map_state *m, struct bytes tx_id);
/* Every question about the namespace fails from now on, with this; "": about ids, too. */
void map_state_break(struct map_state *m, const char *ns, enum weft_code code);
/* Keys in collections of this name are gone after some blocks. */
void map_state_live(struct map_state *m, const char *collection, uint64_t blocks);

/* A block that was decided.  Block 0 has no commit hash: *ret_hash is all zeros. */
enum weft_code map_state_commit(struct map_state *m, const struct block_validation *v,
                                uint8_t *codes, struct digest *ret_hash,
                                struct weft_err *e) WEFT_MUST_CHECK;

/* The state as a channel's database has it, without its configuration: how many keys, and a
 * SHA-256 of all keys and values in order, each with its length before it (32 bits, little
 * endian). */
struct digest map_state_digest(struct map_state *m, const char *channel, size_t *ret_count);

#endif
