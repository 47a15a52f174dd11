#include "os/dirs.h"

#include "os/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

static enum weft_code failed(struct weft_err *e, const char *what, const char *path)
{
    char words[128];
    enum weft_code code = errno == ENOENT ? WEFT_NOT_FOUND : WEFT_IO;
    return WEFT_FAIL(e, code, "%s %s: %s", what, path, strerror_r(errno, words, sizeof(words)));
}

bool path_is_dir(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool path_exists(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

/* "a/b/c" -> "a/b", "/a" -> "/", "a" -> "." */
static char *parent_of(const char *path)
{
    char *parent = weft_strdup(path);
    size_t n = strlen(parent);
    while (n > 1 && parent[n - 1] == '/')
        parent[--n] = '\0';
    char *slash = strrchr(parent, '/');
    if (slash == NULL) {
        free(parent);
        return weft_strdup(".");
    }
    slash[slash == parent ? 1 : 0] = '\0';
    return parent;
}

enum weft_code dir_sync(const char *path, struct weft_err *e)
{
    WEFT_CLEANUP(file_close) int fd = -1;
    WEFT_TRY(file_open(path, O_RDONLY | O_DIRECTORY, 0, &fd, e));
    return file_sync(fd, path, e);
}

enum weft_code dir_sync_parent(const char *path, struct weft_err *e)
{
    WEFT_FREE char *parent = parent_of(path);
    return dir_sync(parent, e);
}

static enum weft_code make_one(const char *path, struct weft_err *e)
{
    if (mkdir(path, 0755) == 0)
        return dir_sync_parent(path, e);
    if (errno == EEXIST && path_is_dir(path))
        return WEFT_OK;
    return failed(e, "can't make the folder", path);
}

enum weft_code dir_make(const char *path, struct weft_err *e)
{
    if (path_is_dir(path))
        return WEFT_OK;
    WEFT_FREE char *part = weft_strdup(path);
    for (char *slash = strchr(part + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        WEFT_TRY(make_one(part, e));
        *slash = '/';
    }
    return make_one(path, e);
}

void dir_list_done(struct dir_list *l)
{
    for (size_t i = 0; i < l->count; i++)
        free(l->names[i]);
    free(l->names);
    *l = (struct dir_list){ 0 };
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

enum weft_code dir_list(const char *path, struct dir_list *ret, struct weft_err *e)
{
    DIR *dir = opendir(path);
    if (dir == NULL)
        return failed(e, "can't list", path);

    struct dir_list l = { 0 };
    const struct dirent *d;
    errno = 0;
    while ((d = readdir(dir)) != NULL) { /* NOLINT(concurrency-mt-unsafe): our own stream */
        if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
            continue;
        l.names = weft_realloc(l.names, (l.count + 1) * sizeof(*l.names));
        l.names[l.count++] = weft_strdup(d->d_name);
    }
    int error = errno;
    (void)closedir(dir);
    if (error != 0) {
        dir_list_done(&l);
        errno = error;
        return failed(e, "can't list", path);
    }
    if (l.count > 0)
        qsort(l.names, l.count, sizeof(*l.names), by_name);
    *ret = l;
    return WEFT_OK;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st, (void)kind, (void)ftw;
    return remove(path);
}

enum weft_code dir_remove_tree(const char *path, struct weft_err *e)
{
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): safe without FTW_CHDIR */
    if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT)
        return failed(e, "can't remove", path);
    return WEFT_OK;
}

enum weft_code dir_empty(const char *path, struct weft_err *e)
{
    WEFT_CLEANUP(dir_list_done) struct dir_list l = { 0 };
    if (!path_is_dir(path))
        return WEFT_OK;
    WEFT_TRY(dir_list(path, &l, e));
    for (size_t i = 0; i < l.count; i++) {
        WEFT_FREE char *in = weft_asprintf("%s/%s", path, l.names[i]);
        WEFT_TRY(dir_remove_tree(in, e));
    }
    return dir_sync(path, e);
}

enum weft_code dir_make_temporary(const char *prefix, char **ret_path, struct weft_err *e)
{
    const char *base = secure_getenv("TMPDIR");
    char *path = weft_asprintf("%s/%s-XXXXXX", base != NULL ? base : "/tmp", prefix);
    if (mkdtemp(path) == NULL) {
        enum weft_code rc = failed(e, "can't make a temporary folder", path);
        free(path);
        return rc;
    }
    *ret_path = path;
    return WEFT_OK;
}
