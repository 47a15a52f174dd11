/* memory.h - how a daemon's memory is taken from the system, and given back.
 *
 * Two things cost a node more than they need to.  Blocks come and go by the hundred
 * kilobytes, and malloc gives so large a piece back to the system at once: the next one
 * is new pages, zeroed one page fault at a time.  And what only starting needed stays:
 * free memory between what is used, and pages of program and libraries that were run
 * once.
 *
 *     int main()      memory_keep_warm(4 << 20);   blocks are read into memory that is there
 *     serving         memory_give_back();          an orderer goes from 14 MB to 5
 *
 * The second drops only what can come back by itself: parts of files that are mapped
 * and never written to.  Whatever of them is used again is found in the page cache.
 *
 * Go origin   none
 * Owner       memory_keep_warm: main, before threads.  memory_give_back: any thread; what is free at
 *             the end of a heap goes back from the thread whose heap it is, and from main's
 * Memory      what memory_keep_warm says stays with malloc at the end of each of its heaps
 */
#ifndef WEFT_OS_MEMORY_H
#define WEFT_OS_MEMORY_H

enum {
    MEMORY_WARM_BYTES = 4 << 20,
    MEMORY_WARM_PEER_BYTES = 32 << 20, /* as much as it has on its way when it is behind */
};

/* So many bytes stay at the end of each heap. */
void memory_keep_warm(int bytes);
/* Takes some milliseconds, and what is used next a few more: for the end of starting, or of
 * work that was much more than what is ahead. */
void memory_give_back(void);

#endif
