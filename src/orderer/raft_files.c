#include "orderer/raft_files.h"

#include "base/crc32c.h"
#include "base/log.h"
#include "os/dirs.h"
#include "os/file.h"
#include "proto/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

LOG_DEFINE(logger, "orderer.consensus.etcdraft");

enum {
    TERM = 1,
    OUR_LOG_MOST = 1024, /* bytes; that of a Go orderer begins with 64 MB of room */
    INDEX_DIGITS = 16,
};

/* walpb.Record's types */
enum record_type {
    RECORD_METADATA = 1,
    RECORD_STATE = 3,
    RECORD_CHECKSUM = 4,
    RECORD_SNAPSHOT = 5,
};

/* ---- the log ----------------------------------------------------------------------------- */

struct log_writer {
    struct crc32c tables;
    uint32_t crc; /* of all data so far */
    struct buf *out;
};

/* A record is its length, little-endian and 8 bytes, then Record { 1 type, 2 crc, 3 data },
 * then zeros up to the next 8 bytes; how many of them is in the length's highest byte. */
static void put_record(struct log_writer *w, enum record_type type, const struct buf *data)
{
    WEFT_CLEANUP(buf_done) struct buf record = { 0 };
    static const uint8_t zeros[8];
    wire_put_varint(&record, 1, type);
    if (data != NULL)
        w->crc = crc32c_of(&w->tables, w->crc, buf_bytes(data));
    wire_put_varint(&record, 2, w->crc);
    if (data != NULL)
        wire_put_bytes(&record, 3, buf_bytes(data));
    size_t pad = (8 - record.len % 8) % 8;
    uint64_t length = record.len | (pad > 0 ? (uint64_t)(0x80 | pad) << 56 : 0);
    for (int shift = 0; shift < 64; shift += 8)
        buf_put_u8(w->out, (uint8_t)(length >> shift));
    buf_put(w->out, buf_bytes(&record));
    buf_put(w->out, bytes_of(zeros, pad));
}

/* walpb.Snapshot { 1 index, 2 term } */
static void put_snapshot_record(struct log_writer *w, uint64_t index, uint64_t term)
{
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    wire_put_varint(&b, 1, index);
    wire_put_varint(&b, 2, term);
    put_record(w, RECORD_SNAPSHOT, &b);
}

void raft_files_encode_log(const struct raft_place *p, struct buf *out)
{
    struct log_writer w = { .out = out };
    WEFT_CLEANUP(buf_done) struct buf state = { 0 };
    const struct buf nothing = { 0 };
    crc32c_init(&w.tables);
    put_record(&w, RECORD_CHECKSUM, NULL);
    put_record(&w, RECORD_METADATA, &nothing);
    put_snapshot_record(&w, 0, 0);
    wire_put_varint(&state, 1, TERM); /* raftpb.HardState { 1 term, 2 vote, 3 commit } */
    wire_put_varint(&state, 2, p->node);
    wire_put_varint(&state, 3, p->index);
    put_record(&w, RECORD_STATE, &state);
    put_snapshot_record(&w, p->index, TERM);
}

/* snappb.Snapshot { 1 crc, 2 raftpb.Snapshot { 1 data, 2 { 1 { 1 nodes }, 2 index, 3 term } } } */
void raft_files_encode_snapshot(const struct raft_place *p, struct bytes block, struct buf *out)
{
    struct crc32c tables;
    WEFT_CLEANUP(buf_done) struct buf nodes = { 0 };
    WEFT_CLEANUP(buf_done) struct buf about = { 0 };
    WEFT_CLEANUP(buf_done) struct buf snapshot = { 0 };
    wire_put_varint(&nodes, 1, p->node);
    wire_put_bytes(&about, 1, buf_bytes(&nodes));
    wire_put_varint(&about, 2, p->index);
    wire_put_varint(&about, 3, TERM);
    wire_put_bytes(&snapshot, 1, block);
    wire_put_bytes(&snapshot, 2, buf_bytes(&about));
    crc32c_init(&tables);
    wire_put_varint(out, 1, crc32c_of(&tables, 0, buf_bytes(&snapshot)));
    wire_put_bytes(out, 2, buf_bytes(&snapshot));
}

/* ---- folders ------------------------------------------------------------------------------- */

static char *folder(const char *above, const struct raft_files *f)
{
    return weft_asprintf("%s/%s", above, f->channel);
}

static enum weft_code write_file(const char *dir, uint64_t first, uint64_t second, const char *end,
                                 const struct buf *what, struct weft_err *e)
{
    WEFT_FREE char *path =
        weft_asprintf("%s/%016" PRIx64 "-%016" PRIx64 ".%s", dir, first, second, end);
    WEFT_TRY(dir_make(dir, e));
    return file_write_atomic(path, buf_bytes(what), 0600, e);
}

enum weft_code raft_files_write(const struct raft_files *f, const struct raft_place *p,
                                struct bytes block, struct weft_err *e)
{
    WEFT_FREE char *wal = folder(f->wal_dir, f);
    WEFT_FREE char *snap = folder(f->snap_dir, f);
    WEFT_CLEANUP(buf_done) struct buf log = { 0 };
    WEFT_CLEANUP(buf_done) struct buf snapshot = { 0 };
    raft_files_encode_log(p, &log);
    raft_files_encode_snapshot(p, block, &snapshot);
    WEFT_TRY(write_file(snap, TERM, p->index, "snap", &snapshot, e));
    return write_file(wal, 0, 0, "wal", &log, e); /* by which it is seen that there is a log */
}

/* Of 16 hex digits; 0: there are others among them. */
static uint64_t number_of(const char *text)
{
    static const char digits[] = "0123456789abcdef";
    uint64_t n = 0;
    for (size_t i = 0; i < INDEX_DIGITS; i++) {
        const char *d = text[i] != '\0' ? strchr(digits, text[i]) : NULL;
        if (d == NULL)
            return 0;
        n = n << 4 | (uint64_t)(d - digits);
    }
    return n;
}

/* 0: the name is another one. */
static uint64_t index_of(const char *name)
{
    static const char example[] = "0000000000000001-000000000000001f.snap";
    if (strlen(name) != strlen(example))
        return 0;
    const char *index = name + INDEX_DIGITS + 1;
    return strcmp(index + INDEX_DIGITS, ".snap") == 0 ? number_of(index) : 0;
}

static char *note_path(const struct raft_files *f)
{
    return weft_asprintf("%s/%s.place", f->snap_dir, f->channel);
}

enum weft_code raft_files_note(const struct raft_files *f, uint64_t index, struct weft_err *e)
{
    WEFT_FREE char *path = note_path(f);
    WEFT_FREE char *text = weft_asprintf("%016" PRIx64, index);
    WEFT_TRY(dir_make(f->snap_dir, e));
    return file_write_plain(path, bytes_of_str(text), 0600, e);
}

static uint64_t noted(const struct raft_files *f)
{
    WEFT_FREE char *path = note_path(f);
    WEFT_CLEANUP(buf_done) struct buf text = { 0 };
    if (!path_exists(path) || file_read_all(path, INDEX_DIGITS, &text, NULL) != WEFT_OK ||
        text.len != INDEX_DIGITS)
        return 0;
    buf_put_u8(&text, 0);
    return number_of((const char *)text.data);
}

uint64_t raft_files_index(const struct raft_files *f)
{
    WEFT_FREE char *snap = folder(f->snap_dir, f);
    WEFT_CLEANUP(dir_list_done) struct dir_list l = { 0 };
    uint64_t most = noted(f);
    if (!path_is_dir(snap) || dir_list(snap, &l, NULL) != WEFT_OK)
        return most;
    for (size_t i = 0; i < l.count; i++) {
        uint64_t index = index_of(l.names[i]);
        most = index > most ? index : most;
    }
    return most;
}

static bool is_ours(const char *wal)
{
    WEFT_CLEANUP(dir_list_done) struct dir_list l = { 0 };
    WEFT_CLEANUP(file_close) int fd = -1;
    uint64_t size = UINT64_MAX;
    if (!path_is_dir(wal))
        return true; /* we were killed while we wrote or removed: the snapshot alone */
    if (dir_list(wal, &l, NULL) != WEFT_OK || l.count > 1)
        return false;
    if (l.count == 0)
        return true;
    WEFT_FREE char *path = weft_asprintf("%s/%s", wal, l.names[0]);
    return file_open(path, O_RDONLY, 0, &fd, NULL) == WEFT_OK &&
           file_size(fd, path, &size, NULL) == WEFT_OK && size <= OUR_LOG_MOST;
}

static enum weft_code move_away(const char *dir, struct weft_err *e)
{
    WEFT_FREE char *to = weft_asprintf("%s.before", dir);
    if (!path_exists(dir))
        return WEFT_OK;
    WEFT_TRY(dir_remove_tree(to, e));
    if (rename(dir, to) != 0)
        return WEFT_FAIL(e, WEFT_IO, "can't move %s to %s", dir, to);
    LOG_INFO(&logger, "Raft's files of another orderer are out of date from now on, moved to %s",
             to);
    return dir_sync_parent(dir, e);
}

enum weft_code raft_files_set_aside(const struct raft_files *f, struct weft_err *e)
{
    WEFT_FREE char *wal = folder(f->wal_dir, f);
    WEFT_FREE char *snap = folder(f->snap_dir, f);
    WEFT_FREE char *note = note_path(f);
    if (unlink(note) != 0 && errno != ENOENT)
        return WEFT_FAIL(e, WEFT_IO, "can't remove %s", note);
    if (!is_ours(wal)) {
        WEFT_TRY(move_away(wal, e));
        return move_away(snap, e);
    }
    if (path_exists(wal)) {
        WEFT_TRY(dir_remove_tree(wal, e));
        WEFT_TRY(dir_sync_parent(wal, e));
    }
    return dir_remove_tree(snap, e);
}
