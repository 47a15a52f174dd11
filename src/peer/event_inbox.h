/* event_inbox.h - what an orderer has sent and nobody has looked at yet.
 *
 * Blocks that wait here are read and hashed together, sixteen for the price of five
 * (sha256_many.h), before the first of them is looked at:
 *
 *     put ->  [ 23 22 21 20 | 19 18 ... 8 ]  -> pop       8 is next: 8 to 23 are hashed now
 *               not yet       read ahead
 *
 * Who has enough to do may let more of them come first (event_inbox_may_grow).
 *
 * Go origin   none
 * Owner       the channel's thread (chan:<id>)
 * Memory      the events; at most what an orderer_stream lets out
 * Limits      SHA256_LANES blocks at a time
 */
#ifndef WEFT_PEER_EVENT_INBOX_H
#define WEFT_PEER_EVENT_INBOX_H

#include "base/bytes.h"

struct block;
struct orderer_event;

struct event_inbox {
    struct orderer_event *first, *last;
    size_t count, bytes;
};

/* Takes it. */
void event_inbox_put(struct event_inbox *in, struct orderer_event *ev);
/* The first, which is the caller's now; NULL: there is none. */
struct orderer_event *event_inbox_pop(struct event_inbox *in);
/* The first is a block that was not read yet, and more may come before it is. */
bool event_inbox_may_grow(const struct event_inbox *in);
/* Reads and hashes the first and those behind it, unless that was done.  What is no block is
 * left alone: what is wrong with it is said when its turn comes. */
void event_inbox_read_ahead(struct event_inbox *in);

/* The event's block, whose bytes are these: as it was read ahead, or else read now.  It is part
 * of the message and stays where it is. */
enum weft_code orderer_event_block(const struct orderer_event *ev, struct bytes bytes,
                                   struct block **ret, struct weft_err *e) WEFT_MUST_CHECK;

#endif
