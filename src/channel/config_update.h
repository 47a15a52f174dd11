/* config_update.h - from one configuration to the next.
 *
 * A CONFIG_UPDATE says which elements it relies on (read set, with versions)
 * and what it wants (write set).  What is in the write set with another version
 * than in the read set is the delta; each element of it must have the version
 * that follows, and the element's present mod_policy must be satisfied.
 *
 *     now        Orderer v0 { BatchSize v0 = 10 }
 *     read set   Orderer v0 { }
 *     write set  Orderer v0 { BatchSize v1 = 15, mod_policy Admins }
 *     delta      /Channel/Orderer/BatchSize      allowed by /Channel/Orderer/Admins?
 *     then       Orderer v0 { BatchSize v1 = 15 }
 *
 * config_update_apply is what an orderer does with an update, and a peer again
 * with the config block; config_update_compute is what a tool does to make one.
 *
 * Go origin   common/configtx/update.go authorizeUpdate
 *             common/configtx/configmap.go
 *             internal/configtxlator/update/update.go Compute
 * Differs     the first element that is refused is the first by path (Go: any)
 * Owner       any thread
 * Memory      the result lies in the arena and borrows from what it was made of
 * Limits      those of config_group.h
 */
#ifndef WEFT_CHANNEL_CONFIG_UPDATE_H
#define WEFT_CHANNEL_CONFIG_UPDATE_H

#include "channel/config_group.h"

/* ConfigUpdate, read. */
struct config_update_view {
    struct bytes channel_id;
    const struct config_item *read_set, *write_set; /* NULL: not there */
};

enum weft_code config_update_parse(struct bytes b, struct arena *arena,
                                   struct config_update_view *ret,
                                   struct weft_err *e) WEFT_MUST_CHECK;
void config_update_encode(const struct config_update_view *u, struct buf *out);

/* Do the update's signatures satisfy the policy at this absolute path, such as
 * "/Channel/Orderer/Admins"?  WEFT_NOT_FOUND: there is none. */
struct config_update_policies {
    void *ctx;
    enum weft_code (*satisfied)(void *ctx, const char *path, struct weft_err *e);
};

/* The configuration that the update makes of `current`.  WEFT_INVALID for one
 * that does not fit, WEFT_FORBIDDEN for a policy, with Fabric's words. */
enum weft_code config_update_apply(const struct config_item *current, const char *channel_id,
                                   const struct config_update_view *update,
                                   const struct config_update_policies *policies,
                                   struct arena *arena, const struct config_item **ret,
                                   struct weft_err *e) WEFT_MUST_CHECK;

/* The update that leads from one to the other; channel_id is left empty.
 * WEFT_INVALID "no differences detected between original and updated config". */
enum weft_code config_update_compute(const struct config_item *original,
                                     const struct config_item *updated, struct arena *arena,
                                     struct config_update_view *ret,
                                     struct weft_err *e) WEFT_MUST_CHECK;

/* Names of channels, and of elements of a configuration; Fabric's words. */
enum weft_code channel_id_check(struct bytes id, struct weft_err *e) WEFT_MUST_CHECK;
/* All names of a configuration's elements. */
enum weft_code config_names_check(const struct config_item *root,
                                  struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code config_id_check(struct bytes id, struct weft_err *e) WEFT_MUST_CHECK;

#endif
