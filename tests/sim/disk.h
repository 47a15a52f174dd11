/* disk.h - the test stands between the program and its disk.
 *
 * The test executable defines open, write, fsync, rename and their like
 * itself, so that every call goes through here: ours, and those of LevelDB,
 * which is a shared library and finds our functions first.  What concerns
 * files below the watched folder is
 *
 *   recorded   disk_record_start ... disk_record_stop: a list of operations
 *              from which disk_model.h makes what a crash would have left
 *   spoilt     disk_fault: the n-th call of a kind fails, or writes less
 *
 * and passed on to the kernel otherwise.  While a folder is watched, fsync is
 * passed on to nobody: the real disk is not what is tested.
 *
 * Reading by mmap and what libc does inside itself (a FILE's writes: LevelDB's
 * text log) are not seen.
 *
 * Go origin   none
 * Owner       watch, record, fault: the test's main thread; the calls: any
 * Memory      a recording holds what was written; disk_trace_done frees it
 */
#ifndef WEFT_TESTS_SIM_DISK_H
#define WEFT_TESTS_SIM_DISK_H

#include "base/bytes.h"

#include <sys/types.h>

/* A new empty folder, in memory where there is such a place; the caller frees
 * the name and removes the folder. */
char *disk_new_dir(void);

enum disk_op_kind {
    DISK_CREATE,
    DISK_WRITE,
    DISK_TRUNCATE,
    DISK_SYNC,
    DISK_SYNC_DIR,
    DISK_RENAME,
    DISK_UNLINK, /* a folder too */
    DISK_MKDIR,
    DISK_MARK, /* the test says something: `number` */
};

struct disk_op {
    enum disk_op_kind kind;
    char *path, *to; /* below the watched folder; of CREATE, SYNC_DIR, RENAME, UNLINK, MKDIR */
    ino_t ino;       /* of CREATE, WRITE, TRUNCATE, SYNC */
    uint64_t number; /* where it is written, the new size, or the mark */
    struct bytes data;
    uint8_t *owned; /* the data's memory */
};

struct disk_trace {
    struct disk_op *ops;
    size_t count, cap;
};
void disk_trace_done(struct disk_trace *t);
WEFT_DEFINE_CLEANUP_IN_PLACE(struct disk_trace, disk_trace_done)

/* Watches a folder (an absolute path); NULL ends it. */
void disk_watch(const char *root);

/* From here on operations below the folder go to `t`, until the stop. */
void disk_record_start(struct disk_trace *t);
void disk_mark(uint64_t number);
void disk_record_stop(void);

/* ---- faults ------------------------------------------------------------------ */

enum disk_call {
    DISK_CALL_OPEN,
    DISK_CALL_READ, /* read, pread, preadv2 */
    DISK_CALL_WRITE,
    DISK_CALL_SYNC, /* of files and folders */
    DISK_CALL_TRUNCATE,
    DISK_CALL_RENAME,
    DISK_CALL_UNLINK,
    DISK_CALL_MKDIR,
    DISK_CALL_NR,
};

struct disk_fault {
    enum disk_call call;
    uint64_t nth;                  /* the first one that fails, from 0 on */
    bool lasting;                  /* all later ones too */
    int error;                     /* errno; 0: a write or read of half the bytes that succeeds */
    bool half;                     /* half the bytes are written before it fails */
    const char *part;              /* only paths that contain this; NULL: all */
    const struct disk_fault *also; /* strikes every time, or NULL */
    void (*then)(void *ctx);       /* called after a write that was struck, or NULL */
    void *ctx;
};

/* Sets the fault and counts from 0; NULL ends it.  Keeps the pointer. */
void disk_fault_set(const struct disk_fault *f);
/* How often the fault struck since it was set. */
uint64_t disk_fault_hits(void);
/* Calls of a kind below the folder since the last disk_watch or disk_fault_set. */
uint64_t disk_calls(enum disk_call call);

#endif
