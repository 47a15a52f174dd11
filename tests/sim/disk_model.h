/* disk_model.h - what a crash leaves of a folder.
 *
 * The operations of a disk_trace are applied one by one.  The model keeps, for
 * every file, what was written and what of it was synced, and for every folder
 * its names now, at the last sync of that folder, and at the last sync of
 * anything.  At any point disk_model_crash writes the folder that a machine
 * would find after a crash at that point:
 *
 *   names                                   data not synced
 *   DISK_NAMES_NOW      all of them         DISK_DATA_ALL    is there (a killed process)
 *   DISK_NAMES_JOURNAL  those before the    DISK_DATA_NONE   is gone
 *     last sync of whatever file: a file    DISK_DATA_TORN   is there up to some byte,
 *     system with a journal, as ext4          in the order it was written
 *   DISK_NAMES_STRICT   only what a sync    DISK_DATA_ZERO   is zeros, the size is new
 *     of the folder itself made last        DISK_DATA_PAGES  some pages are there, some
 *   DISK_NAMES_MIXED    each name as now      are zeros, the size is new
 *     or as in STRICT, by lot
 *
 * What is honest about it: POSIX promises STRICT with NONE and no more; ext4
 * and xfs give JOURNAL with NONE, TORN or ZERO; MIXED and PAGES are worse than
 * any of these.  A file's data and its size are one: a synced file is whole.
 * Not modelled: sectors that come back with old or foreign content, and a disk
 * that lies about a sync.
 *
 * Go origin   none
 * Owner       the test's main thread
 * Memory      a copy of every file twice; borrows the operations of the trace
 * Limits      DISK_NAMES_MAX names a folder
 */
#ifndef WEFT_TESTS_SIM_DISK_MODEL_H
#define WEFT_TESTS_SIM_DISK_MODEL_H

#include "base/rand.h"
#include "sim/disk.h"

enum {
    DISK_NAMES_MAX = 64,
};

struct disk_names {
    struct {
        char name[56];
        size_t node;
    } at[DISK_NAMES_MAX];
    size_t count;
};

struct disk_node {
    bool folder;
    ino_t ino;
    struct disk_names now, journal, strict; /* of a folder */
    struct buf data, synced;                /* of a file */
    const struct disk_op **unsynced;        /* writes and truncations since the last sync */
    size_t unsynced_count, unsynced_cap;
};

struct disk_model {
    struct disk_node *nodes; /* the first is the watched folder */
    size_t count;
};

void disk_model_init(struct disk_model *m);
void disk_model_done(struct disk_model *m);
void disk_model_copy(const struct disk_model *from, struct disk_model *ret);

/* Applies the next operation, or the first `part` bytes of it if it is a write. */
void disk_model_apply(struct disk_model *m, const struct disk_op *op);
void disk_model_apply_part(struct disk_model *m, const struct disk_op *op, size_t part,
                           struct disk_op *ret_cut);

enum disk_names_model {
    DISK_NAMES_NOW,
    DISK_NAMES_JOURNAL,
    DISK_NAMES_STRICT,
    DISK_NAMES_MIXED,
};
enum disk_data_model {
    DISK_DATA_ALL,
    DISK_DATA_NONE,
    DISK_DATA_TORN,
    DISK_DATA_ZERO,
    DISK_DATA_PAGES,
};

/* What is left, as a tree in memory: written to `dir` (empty, existing) by
 * disk_left_write.  The hash is the same for two trees with the same names
 * and content. */
struct disk_left {
    struct disk_left_file {
        char *path;
        bool folder;
        struct buf data;
        size_t node;
    } * at;
    size_t count;
    uint64_t hash;
};
void disk_model_crash(const struct disk_model *m, enum disk_names_model names,
                      enum disk_data_model data, struct weft_rand *rand, struct disk_left *ret);
void disk_left_done(struct disk_left *left);
WEFT_DEFINE_CLEANUP_IN_PLACE(struct disk_left, disk_left_done)
void disk_left_write(const struct disk_left *left, const char *dir);

/* The files of `left` lie in `dir` now: operations that are recorded there can
 * be applied to the model. */
void disk_model_moved(struct disk_model *m, const struct disk_left *left, const char *dir);

#endif
