/* block_feed.h - what the streams of one net loop read: each block once, encoded once.
 *
 * A stream asks for blocks from a number on and gets some of them, as many as go into a
 * batch.  Where they come from is the feed's business:
 *
 *     cache        what was read or asked for lately, in the form in which it is sent
 *     the tip      the store's newest block, which is still in memory
 *     a read       that is under way for somebody else and begins with the same block
 *     a new read   by an iterator that stands there already or a new one: on the loop, when the
 *                  system has it in its cache; else on a worker
 *
 * So a hundred streams that began together are read for as one, ten thousand that wait for
 * the next block get the same message, and one that reads from the disk finds the next batch
 * read ahead while it sends the one before.  Streams that are far apart share nothing, and hold
 * nothing but what they are about to send.
 *
 * What is cached is read by the loop itself: that takes less than to wake a worker and to get the
 * bytes out of its core's cache.  A batch is smaller then, and still in the cache of the loop's
 * core when it is encrypted.  After a read that would have had to wait, FEED_COLD_READS go to the
 * workers before the loop tries again.
 *
 * Go origin   common/deliver/deliver.go deliverBlocks (an iterator a stream)
 * Owner       the loop's thread; encode runs on workers, too
 * Memory      FEED_CACHE_BYTES of messages (less for few streams: one alone has no use for
 *             what it has sent, and is faster while memory is warm), FEED_ITERS idle
 *             iterators with a window each (block_file.h), the batches that are on their way.
 *             When all messages of the process are FEED_TIGHT_BYTES, a stream gets one block at
 *             a time (or FEED_TIGHT_BATCH_BYTES of small ones), and nothing is read ahead or kept
 * Limits      FEED_BATCH_BYTES, FEED_HERE_BYTES, FEED_BATCH_BLOCKS: what one read gives.
 *             FEED_READS are under way, the others wait: a hundred streams that are far apart
 *             could otherwise all have a block read before the loop has sent the first
 */
#ifndef WEFT_DELIVER_BLOCK_FEED_H
#define WEFT_DELIVER_BLOCK_FEED_H

#include "base/bytes.h"
#include "ledger/block_store.h"

struct block_feed;
struct jobs;
struct mailbox;
struct memory_rest;
struct net_msg;

enum {
    FEED_BATCH_BYTES = 512 << 10,
    FEED_BATCH_BLOCKS = 64,
    FEED_CACHE_BYTES = 8 << 20,          /* at most, and */
    FEED_CACHE_STREAM_BYTES = 512 << 10, /* for each stream, and once more */
    FEED_CACHE_BLOCKS = 256,
    FEED_ITERS = 4,
    FEED_READS = 4,
    FEED_HERE_STREAMS = FEED_ITERS, /* with more of them the loop has no time to read */
    FEED_HERE_BYTES = 256 << 10,    /* of what the loop reads itself */
    FEED_COLD_READS = 16,
    FEED_TIGHT_BYTES = 12 << 20,
    FEED_TIGHT_BATCH_BYTES = 64 << 10,
};

/* What a batch holds, in order from the first block that was asked for; borrowed. */
struct feed_batch {
    struct net_msg *const *messages;
    size_t count;
    enum weft_code rc; /* not OK: behind these comes no more */
    bool is_bad_form;  /* because a block could not be made into a message */
    const struct weft_err *why;
};

/* Who asks; embedded in what the stream keeps, until `give` was called. */
struct feed_reader {
    struct feed_reader *next;
    uint64_t first, last;
};

/* Where it reads: `key` is the channel, and keeps the store open while it is retained. */
struct feed_source {
    void *key;
    struct block_store *store;
};

/* For a form that is personal: who asks, and what the channel was then. */
struct feed_person {
    void *snapshot;
    struct net_msg *request;
};

struct block_feed_config {
    struct jobs *jobs;
    bool is_light;      /* encode takes less than to read the block: the loop may do it, too */
    struct mailbox *mb; /* the loop's */
    struct memory_rest *rest; /* the loop's; may be NULL */
    /* On a worker, mostly; snapshot and request are a person's, or empty.  NULL: *e says why. */
    struct net_msg *(*encode)(void *snapshot, struct bytes request, struct block *b,
                              struct weft_err *e);
    void (*free_snapshot)(void *snapshot);
    /* On the loop.  All of them, once for each that asked. */
    void (*give)(struct feed_reader *r, const struct feed_batch *batch);
    void (*drop)(struct feed_reader *r); /* at shutdown, instead of give */
    void (*retain)(void *key);
    void (*release)(void *key);
};

struct block_feed *block_feed_new(const struct block_feed_config *config);
/* After the mailbox and the workers. */
void block_feed_free(struct block_feed *f);
WEFT_DEFINE_CLEANUP(struct block_feed *, block_feed_free)

/* Blocks first to last, which are there, or the first of them; what `person` (may be
 * NULL) holds is taken.  False: too many reads wait; nothing will be given. */
bool block_feed_read(struct block_feed *f, const struct feed_source *source, struct feed_reader *r,
                     uint64_t first, uint64_t last,
                     const struct feed_person *person) WEFT_MUST_CHECK;

/* The channel is going: nothing of it is kept.  Reads that are under way retain it still. */
void block_feed_forget(struct block_feed *f, const void *key);
/* So many streams there are now.  None: what was kept for them is freed, and goes back to the
 * system when no more come for a while. */
void block_feed_streams(struct block_feed *f, size_t n);

/* Much is on its way: a stream had better send all it has before it asks for more. */
bool block_feed_is_tight(void);

/* For tests and the report. */
struct block_feed_stats {
    uint64_t reads, joined, from_cache, read_ahead; /* batches */
    uint64_t here;                                  /* of the reads, on the loop */
    uint64_t from_tip;                              /* blocks */
    size_t cache_bytes;
};
void block_feed_stats(const struct block_feed *f, struct block_feed_stats *ret);

#endif
