#include "sim/disk_model.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PAGE = 4096,
};
#define NO_NODE SIZE_MAX

/* ---- nodes and names ------------------------------------------------------------- */

static size_t new_node(struct disk_model *m, bool folder, ino_t ino)
{
    m->nodes = weft_realloc(m->nodes, (m->count + 1) * sizeof(*m->nodes));
    m->nodes[m->count] = (struct disk_node){ .folder = folder, .ino = ino };
    return m->count++;
}

void disk_model_init(struct disk_model *m)
{
    *m = (struct disk_model){ 0 };
    (void)new_node(m, true, 0);
}

void disk_model_done(struct disk_model *m)
{
    for (size_t i = 0; i < m->count; i++) {
        buf_done(&m->nodes[i].data);
        buf_done(&m->nodes[i].synced);
        free(m->nodes[i].unsynced);
    }
    free(m->nodes);
    *m = (struct disk_model){ 0 };
}

void disk_model_copy(const struct disk_model *from, struct disk_model *ret)
{
    ret->count = from->count;
    ret->nodes = weft_alloc(from->count * sizeof(*ret->nodes));
    for (size_t i = 0; i < from->count; i++) {
        struct disk_node *n = &ret->nodes[i];
        *n = from->nodes[i];
        n->data = n->synced = (struct buf){ 0 };
        buf_put(&n->data, buf_bytes(&from->nodes[i].data));
        buf_put(&n->synced, buf_bytes(&from->nodes[i].synced));
        n->unsynced = weft_alloc((n->unsynced_cap + 1) * sizeof(const struct disk_op *));
        for (size_t k = 0; k < n->unsynced_count; k++)
            n->unsynced[k] = from->nodes[i].unsynced[k];
    }
}

static size_t find_name(const struct disk_names *names, const char *name, size_t len)
{
    for (size_t i = 0; i < names->count; i++)
        if (strlen(names->at[i].name) == len && memcmp(names->at[i].name, name, len) == 0)
            return i;
    return NO_NODE;
}

static void put_name(struct disk_names *names, const char *name, size_t node)
{
    size_t i = find_name(names, name, strlen(name));
    if (i == NO_NODE) {
        i = names->count++;
        WEFT_ASSERT(i < DISK_NAMES_MAX && strlen(name) < sizeof(names->at[i].name));
        (void)snprintf(names->at[i].name, sizeof(names->at[i].name), "%s", name);
    }
    names->at[i].node = node;
}

static void drop_name(struct disk_names *names, const char *name)
{
    size_t i = find_name(names, name, strlen(name));
    WEFT_ASSERT(i != NO_NODE);
    names->at[i] = names->at[--names->count];
}

/* The folder that a path lies in, and the last part of the path. */
static struct disk_names *folder_of(struct disk_model *m, const char *path, const char **ret_name)
{
    size_t node = 0;
    for (;;) {
        const char *slash = strchr(path, '/');
        if (slash == NULL)
            break;
        const struct disk_names *names = &m->nodes[node].now;
        size_t i = find_name(names, path, (size_t)(slash - path));
        WEFT_ASSERT(i != NO_NODE);
        node = names->at[i].node;
        path = slash + 1;
    }
    *ret_name = path;
    return &m->nodes[node].now;
}

static size_t node_at(struct disk_model *m, const char *path)
{
    if (path[0] == '\0')
        return 0;
    const char *name = NULL;
    const struct disk_names *names = folder_of(m, path, &name);
    size_t i = find_name(names, name, strlen(name));
    WEFT_ASSERT(i != NO_NODE);
    return names->at[i].node;
}

/* An inode's number may have been used before: the newest one counts. */
static struct disk_node *file_of(struct disk_model *m, ino_t ino)
{
    for (size_t i = m->count; i > 0; i--)
        if (!m->nodes[i - 1].folder && m->nodes[i - 1].ino == ino)
            return &m->nodes[i - 1];
    return NULL;
}

/* ---- operations -------------------------------------------------------------------- */

static void apply_data(struct buf *b, const struct disk_op *op, size_t part)
{
    if (op->kind == DISK_TRUNCATE) {
        size_t size = (size_t)op->number;
        if (size > b->len)
            memset(buf_reserve(b, size - b->len), 0, size - b->len);
        b->len = size;
        return;
    }
    size_t at = (size_t)op->number, end = at + part;
    if (end > b->len) {
        memset(buf_reserve(b, end - b->len), 0, end - b->len);
        b->len = end;
    }
    if (part > 0)
        memcpy(b->data + at, op->data.data, part);
}

static void change_file(struct disk_model *m, const struct disk_op *op)
{
    struct disk_node *n = file_of(m, op->ino);
    if (n == NULL)
        return; /* opened before the recording began, or unlinked since */
    apply_data(&n->data, op, op->data.len);
    if (n->unsynced_count == n->unsynced_cap) {
        n->unsynced_cap = n->unsynced_cap > 0 ? 2 * n->unsynced_cap : 8;
        n->unsynced = weft_realloc(n->unsynced, n->unsynced_cap * sizeof(const struct disk_op *));
    }
    n->unsynced[n->unsynced_count++] = op;
}

/* The journal is written: every name so far lasts. */
static void commit(struct disk_model *m)
{
    for (size_t i = 0; i < m->count; i++)
        if (m->nodes[i].folder)
            m->nodes[i].journal = m->nodes[i].now;
}

static void sync_file(struct disk_model *m, ino_t ino)
{
    struct disk_node *n = file_of(m, ino);
    commit(m);
    if (n == NULL)
        return;
    buf_clear(&n->synced);
    buf_put(&n->synced, buf_bytes(&n->data));
    n->unsynced_count = 0;
}

static void rename_node(struct disk_model *m, const struct disk_op *op)
{
    const char *name = NULL;
    size_t node = node_at(m, op->path);
    struct disk_names *folder = folder_of(m, op->path, &name);
    drop_name(folder, name);
    folder = folder_of(m, op->to, &name);
    put_name(folder, name, node);
}

void disk_model_apply(struct disk_model *m, const struct disk_op *op)
{
    struct disk_names *folder = NULL;
    const char *name = NULL;
    size_t node = 0;
    switch (op->kind) {
    case DISK_CREATE:
    case DISK_MKDIR:
        node = new_node(m, op->kind == DISK_MKDIR, op->ino);
        folder = folder_of(m, op->path, &name);
        put_name(folder, name, node);
        break;
    case DISK_WRITE:
    case DISK_TRUNCATE:
        change_file(m, op);
        break;
    case DISK_SYNC:
        sync_file(m, op->ino);
        break;
    case DISK_SYNC_DIR:
        commit(m);
        node = node_at(m, op->path);
        m->nodes[node].strict = m->nodes[node].now;
        break;
    case DISK_RENAME:
        rename_node(m, op);
        break;
    case DISK_UNLINK:
        folder = folder_of(m, op->path, &name);
        drop_name(folder, name);
        break;
    case DISK_MARK:
        break;
    }
}

void disk_model_apply_part(struct disk_model *m, const struct disk_op *op, size_t part,
                           struct disk_op *ret_cut)
{
    WEFT_ASSERT(op->kind == DISK_WRITE && part <= op->data.len);
    *ret_cut = *op;
    ret_cut->data.len = part;
    disk_model_apply(m, ret_cut);
}

/* ---- the crash ----------------------------------------------------------------------- */

static void zero(struct buf *b, size_t from, size_t to)
{
    if (to > b->len)
        to = b->len;
    if (from < to)
        memset(b->data + from, 0, to - from);
}

/* Pages that were written and not synced: by lot they are zeros. */
static void lose_pages(struct buf *b, const struct disk_op *op, uint64_t lot)
{
    size_t at = (size_t)op->number, end = at + op->data.len;
    while (at < end) {
        size_t page_end = (at / PAGE + 1) * PAGE;
        struct weft_rand r = weft_rand_of(lot ^ (at / PAGE)); /* a page has one fate */
        if (weft_rand_next(&r) % 2 == 0)
            zero(b, at, page_end < end ? page_end : end);
        at = page_end;
    }
}

static void file_after(const struct disk_node *n, enum disk_data_model model,
                       struct weft_rand *rand, struct buf *ret)
{
    size_t keep = n->unsynced_count;
    uint64_t lot = weft_rand_next(rand);
    if (model == DISK_DATA_NONE || model == DISK_DATA_TORN)
        buf_put(ret, buf_bytes(&n->synced));
    else
        buf_put(ret, buf_bytes(&n->data));
    if (model == DISK_DATA_TORN && n->unsynced_count > 0)
        keep = (size_t)(lot % n->unsynced_count);
    for (size_t i = 0; i < n->unsynced_count; i++) {
        const struct disk_op *op = n->unsynced[i];
        size_t end = (size_t)op->number + op->data.len;
        if (model == DISK_DATA_TORN && i <= keep)
            apply_data(ret, op,
                       i < keep || op->data.len == 0
                           ? op->data.len
                           : (size_t)(weft_rand_next(rand) % op->data.len));
        else if (model == DISK_DATA_ZERO && op->kind == DISK_WRITE)
            zero(ret, (size_t)op->number, end);
        else if (model == DISK_DATA_PAGES && op->kind == DISK_WRITE)
            lose_pages(ret, op, lot);
    }
}

static void names_after(const struct disk_node *n, enum disk_names_model model,
                        struct weft_rand *rand, struct disk_names *ret)
{
    *ret = model == DISK_NAMES_JOURNAL ? n->journal : model == DISK_NAMES_NOW ? n->now : n->strict;
    if (model != DISK_NAMES_MIXED)
        return;
    for (size_t i = 0; i < n->now.count; i++)
        if (weft_rand_next(rand) % 2 == 0)
            put_name(ret, n->now.at[i].name, n->now.at[i].node);
    for (size_t i = 0; i < n->strict.count; i++) {
        const char *name = n->strict.at[i].name;
        if (find_name(&n->now, name, strlen(name)) == NO_NODE && weft_rand_next(rand) % 2 == 0)
            drop_name(ret, name);
    }
}

static int by_path(const void *a, const void *b)
{
    const struct disk_left_file *x = a, *y = b;
    return strcmp(x->path, y->path);
}

static uint64_t mix(uint64_t hash, struct bytes b)
{
    struct weft_rand r = weft_rand_of(hash ^ b.len);
    hash = weft_rand_next(&r);
    for (size_t i = 0; i < b.len; i++)
        hash = (hash ^ b.data[i]) * 0x100000001b3U;
    return hash;
}

/* Takes the path. */
static void leave(struct disk_left *left, char *path, /* NOLINT(readability-non-const-parameter) */
                  bool folder, size_t node)
{
    left->at = weft_realloc(left->at, (left->count + 1) * sizeof(*left->at));
    left->at[left->count++] =
        (struct disk_left_file){ .path = path, .folder = folder, .node = node };
}

void disk_model_crash(const struct disk_model *m, enum disk_names_model names,
                      enum disk_data_model data, struct weft_rand *rand, struct disk_left *ret)
{
    struct disk_left left = { 0 };
    struct disk_names here;
    leave(&left, weft_strdup(""), true, 0);
    for (size_t i = 0; i < left.count; i++) { /* grows while it is walked */
        const struct disk_node *n = &m->nodes[left.at[i].node];
        if (!n->folder) {
            file_after(n, data, rand, &left.at[i].data);
            continue;
        }
        names_after(n, names, rand, &here);
        for (size_t k = 0; k < here.count; k++) {
            const char *in = left.at[i].path;
            size_t node = here.at[k].node;
            leave(&left, weft_asprintf("%s%s%s", in, in[0] != '\0' ? "/" : "", here.at[k].name),
                  m->nodes[node].folder, node);
        }
    }
    qsort(left.at, left.count, sizeof(*left.at), by_path);
    for (size_t i = 0; i < left.count; i++) {
        left.hash = mix(left.hash, bytes_of_str(left.at[i].path));
        left.hash = mix(left.hash, buf_bytes(&left.at[i].data));
    }
    *ret = left;
}

void disk_left_done(struct disk_left *left)
{
    for (size_t i = 0; i < left->count; i++) {
        free(left->at[i].path);
        buf_done(&left->at[i].data);
    }
    free(left->at);
    *left = (struct disk_left){ 0 };
}

void disk_left_write(const struct disk_left *left, const char *dir)
{
    for (size_t i = 0; i < left->count; i++) {
        const struct disk_left_file *f = &left->at[i];
        WEFT_FREE char *path = weft_asprintf("%s/%s", dir, f->path);
        if (f->folder) {
            WEFT_ASSERT(f->path[0] == '\0' || mkdir(path, 0755) == 0);
            continue;
        }
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        WEFT_ASSERT(fd >= 0);
        WEFT_ASSERT(f->data.len == 0 ||
                    write(fd, f->data.data, f->data.len) == (ssize_t)f->data.len);
        (void)close(fd);
    }
}

void disk_model_moved(struct disk_model *m, const struct disk_left *left, const char *dir)
{
    for (size_t i = 0; i < m->count; i++)
        m->nodes[i].ino = 0;
    for (size_t i = 0; i < left->count; i++) {
        WEFT_FREE char *path = weft_asprintf("%s/%s", dir, left->at[i].path);
        struct stat st;
        WEFT_ASSERT(stat(path, &st) == 0);
        m->nodes[left->at[i].node].ino = st.st_ino;
    }
}
