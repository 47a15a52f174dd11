/* snapshot.h - something immutable that many threads read, and one replaces by its next version.
 *
 *     struct snapshot *s = snapshot_new(bundle, &bundle_counting)      takes the reference
 *     struct bundle *b = snapshot_get(s);       any thread: a reference of its own
 *     snapshot_set(s, next);                    takes the reference, gives the old one back
 *
 * Who got one keeps it as long as he likes: it is the version of that moment.
 *
 * Go origin   common/channelconfig/bundlesource.go
 * Owner       get, set: any thread; new and free: one
 * Memory      one reference of the thing
 */
#ifndef WEFT_BASE_SNAPSHOT_H
#define WEFT_BASE_SNAPSHOT_H

#include "base/weft.h"

struct snapshot;

/* How the thing is counted, atomically. */
struct snapshot_ops {
    void *(*ref)(void *thing);
    void (*unref)(void *thing);
};

struct snapshot *snapshot_new(void *thing, const struct snapshot_ops *ops);
void snapshot_free(struct snapshot *s);
WEFT_DEFINE_CLEANUP(struct snapshot *, snapshot_free)

void *snapshot_get(struct snapshot *s);
void snapshot_set(struct snapshot *s, void *thing);

#endif
