/* participation_door.h - the registrar's part of channel participation and of
 * health, asked from another thread.
 *
 *     operations:  deps.join ---- mail ----> main: registrar_join
 *                  waits     <--- mail ----
 *
 * The operations thread may wait: it has nothing else to do that is urgent.
 * Main never waits for it, and closes the door before it ends the endpoint: then
 * whoever waits goes on with WEFT_CANCELLED, and what was asked is done or not.
 *
 * Go origin   none (a mutex in orderer/common/multichannel)
 * Owner       new, close and free: main; deps: the operations thread
 * Memory      a question belongs to both threads, and is freed by the later one
 * Limits      one question at a time
 */
#ifndef WEFT_ORDERER_PARTICIPATION_DOOR_H
#define WEFT_ORDERER_PARTICIPATION_DOOR_H

#include "orderer/participation.h"

struct participation_door;

/* main: its mailbox, with any owner. */
struct participation_door *participation_door_new(struct mailbox *main, struct registrar *r);
/* After close, and after the operations thread has ended. */
void participation_door_free(struct participation_door *d);
WEFT_DEFINE_CLEANUP(struct participation_door *, participation_door_free)

struct participation_deps participation_door_deps(struct participation_door *d);
/* An operations_check_fn; ctx is the door. */
bool participation_door_health(void *ctx, struct buf *reason);
void participation_door_close(struct participation_door *d);

#endif
