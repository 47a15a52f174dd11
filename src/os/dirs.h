/* dirs.h - folders: made with their parents, listed, synced, removed.
 *
 * Go origin   common/ledger/util/ioutil.go
 * Differs     a new folder is synced with its parent
 * Owner       any thread; blocking
 * Memory      a listing belongs to the caller: dir_list_done
 */
#ifndef WEFT_OS_DIRS_H
#define WEFT_OS_DIRS_H

#include "base/weft.h"

/* mkdir -p, mode 0755; fine when it is there. */
enum weft_code dir_make(const char *path, struct weft_err *e) WEFT_MUST_CHECK;

/* fsync of the folder itself, so that names in it last. */
enum weft_code dir_sync(const char *path, struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code dir_sync_parent(const char *path, struct weft_err *e) WEFT_MUST_CHECK;

bool path_is_dir(const char *path);
bool path_exists(const char *path);

/* Names in a folder, sorted, without . and .. */
struct dir_list {
    char **names;
    size_t count;
};
void dir_list_done(struct dir_list *l);
WEFT_DEFINE_CLEANUP_IN_PLACE(struct dir_list, dir_list_done)
enum weft_code dir_list(const char *path, struct dir_list *ret, struct weft_err *e) WEFT_MUST_CHECK;

/* Removes a folder and all below it; fine when it is not there.  Does not
 * follow links. */
enum weft_code dir_remove_tree(const char *path, struct weft_err *e) WEFT_MUST_CHECK;

/* Removes all that is in a folder, and keeps the folder; fine when it is not there.  What was in
 * it stays away after a power failure, too. */
enum weft_code dir_empty(const char *path, struct weft_err *e) WEFT_MUST_CHECK;

/* A new folder below $TMPDIR or /tmp; caller frees the name. */
enum weft_code dir_make_temporary(const char *prefix, char **ret_path,
                                  struct weft_err *e) WEFT_MUST_CHECK;

#endif
