/* msp_manager.h - the MSPs of a channel, each found by its name.
 *
 *     Org1MSP, Org2MSP, OrdererMSP
 *     msp_manager_deserialize(mgr, creator, &id, e)
 *         "MSP Org9MSP is not defined on channel"
 *
 * Go origin   msp/mspmgrimpl.go
 * Owner       any thread: does not change once made
 * Memory      counted; holds a reference of each MSP
 * Limits      none: as many MSPs as the configuration had
 */
#ifndef WEFT_MSP_MSP_MANAGER_H
#define WEFT_MSP_MSP_MANAGER_H

#include "msp/msp_identity.h"

struct msp_manager;

/* Of two MSPs with one name the later one counts. */
struct msp_manager *msp_manager_new(struct msp *const *msps, size_t count);
struct msp_manager *msp_manager_ref(struct msp_manager *m);
void msp_manager_unref(struct msp_manager *m);
WEFT_DEFINE_CLEANUP(struct msp_manager *, msp_manager_unref)

size_t msp_manager_count(const struct msp_manager *m);
struct msp *msp_manager_at(const struct msp_manager *m, size_t i);
/* NULL: not there. */
struct msp *msp_manager_find(const struct msp_manager *m, struct bytes name);

enum weft_code msp_manager_deserialize(const struct msp_manager *m, struct bytes serialized,
                                       struct msp_identity **ret,
                                       struct weft_err *e) WEFT_MUST_CHECK;

#endif
