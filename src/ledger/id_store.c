#include "ledger/id_store.h"

#include "base/log.h"
#include "ledger/kv.h"
#include "proto/wire.h"

LOG_DEFINE(logger, "kvledger");

static const char flag_key[] = "underConstructionLedgerKey";

struct id_store {
    struct kv *kv;
};

static void key_of(char kind, const char *channel, struct buf *out)
{
    buf_clear(out);
    buf_put_u8(out, (uint8_t)kind);
    buf_put_str(out, channel);
}

/* ---- opening --------------------------------------------------------------- */

static const char current[] = "2.0";
static const char not_closed[] = "2.0, not closed: start Weft's peer once more and stop it";

bool id_store_is_current(struct bytes format)
{
    return bytes_eq(format, bytes_of_str(current)) || bytes_eq(format, bytes_of_str(not_closed));
}

static enum weft_code put_format(struct kv *kv, const char *format, struct weft_err *e)
{
    WEFT_CLEANUP(kv_batch_free) struct kv_batch *b = kv_batch_new();
    kv_batch_put(b, bytes_of_str("f"), bytes_of_str(format));
    return kv_write(kv, b, true, e);
}

static enum weft_code has_any(struct kv *kv, bool *ret, struct weft_err *e)
{
    WEFT_CLEANUP(kv_iter_free) struct kv_iter *it = kv_iter_new(kv, bytes_of(NULL, 0));
    struct bytes key, first;
    return kv_iter_next(it, ret, &key, &first, e);
}

static enum weft_code unexpected_format(const char *path, const struct buf *format,
                                        const char *expected, struct weft_err *e)
{
    WEFT_FREE char *stored = bytes_dup_str(buf_bytes(format));
    return WEFT_FAIL(
        e, WEFT_INVALID,
        "unexpected format. db info = [leveldb for channel-IDs at [%s]], data format = "
        "[%s], expected format = [%s]",
        path, stored, expected);
}

static enum weft_code check_format(struct kv *kv, const char *path, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf value = { 0 };
    bool any = false, found = false;
    WEFT_TRY(has_any(kv, &any, e));
    if (!any)
        return put_format(kv, current, e);
    WEFT_TRY(kv_get(kv, bytes_of_str("f"), &found, &value, e));
    if (id_store_is_current(buf_bytes(&value)))
        return WEFT_OK;
    return unexpected_format(path, &value, current, e);
}

enum weft_code id_store_open(const char *path, struct id_store **ret, struct weft_err *e)
{
    WEFT_CLEANUP(kv_close) struct kv *kv = NULL;
    WEFT_TRY(kv_open_mending(path, "", &kv, e));
    WEFT_TRY(check_format(kv, path, e));
    struct id_store *s = weft_alloc(sizeof(*s));
    s->kv = WEFT_TAKE(kv);
    *ret = s;
    return WEFT_OK;
}

enum weft_code id_store_keep_off(struct id_store *s, bool *ret_was, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf value = { 0 };
    bool found = false;
    WEFT_TRY(kv_get(s->kv, bytes_of_str("f"), &found, &value, e));
    WEFT_TRY(put_format(s->kv, not_closed, e));
    kv_flush(s->kv); /* where a Go peer sees it after a kill */
    *ret_was = bytes_eq(buf_bytes(&value), bytes_of_str(not_closed));
    return WEFT_OK;
}

enum weft_code id_store_let_in(struct id_store *s, struct weft_err *e)
{
    return put_format(s->kv, current, e);
}

void id_store_close(struct id_store *s)
{
    if (s == NULL)
        return;
    kv_close(s->kv);
    free(s);
}

/* ---- from before 2.0 -------------------------------------------------------------- */

static enum weft_code give_status(struct kv *kv, const char *path, struct weft_err *e)
{
    WEFT_CLEANUP(kv_batch_free) struct kv_batch *b = kv_batch_new();
    WEFT_CLEANUP(kv_iter_free) struct kv_iter *it = kv_iter_new(kv, bytes_of_str("l"));
    WEFT_CLEANUP(buf_done) struct buf status = { 0 };
    struct bytes key, value;
    bool found = false;
    LOG_INFO(&logger, "Upgrading ledgerProvider database to the new format %s" LOG_KV "path=%s",
             current, path);
    kv_batch_put(b, bytes_of_str("f"), bytes_of_str(current));
    for (;;) {
        WEFT_TRY(kv_iter_next(it, &found, &key, &value, e));
        if (!found || key.data[0] != 'l')
            return kv_write(kv, b, true, e);
        buf_clear(&status);
        buf_put_u8(&status, 's');
        buf_put(&status, bytes_skip(key, 1));
        kv_batch_put(b, buf_bytes(&status), bytes_of(NULL, 0));
    }
}

enum weft_code id_store_upgrade(const char *path, struct weft_err *e)
{
    WEFT_CLEANUP(kv_close) struct kv *kv = NULL;
    WEFT_CLEANUP(buf_done) struct buf value = { 0 };
    bool any = false, found = false;
    WEFT_TRY(kv_open_mending(path, "", &kv, e));
    WEFT_TRY(has_any(kv, &any, e));
    if (!any) {
        LOG_WARN(&logger, "Ledger database %s is empty, nothing to upgrade", path);
        return WEFT_OK;
    }
    WEFT_TRY(kv_get(kv, bytes_of_str("f"), &found, &value, e));
    if (id_store_is_current(buf_bytes(&value)))
        return WEFT_OK;
    return value.len == 0 ? give_status(kv, path, e) : unexpected_format(path, &value, "", e);
}

/* ---- making a ledger --------------------------------------------------------- */

enum weft_code id_store_begin(struct id_store *s, const char *channel, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf key = { 0 };
    WEFT_CLEANUP(buf_done) struct buf value = { 0 };
    bool found = false;
    key_of('l', channel, &key);
    WEFT_TRY(kv_get(s->kv, buf_bytes(&key), &found, &value, e));
    if (found)
        return WEFT_FAIL(e, WEFT_EXISTS, "LedgerID already exists");
    WEFT_CLEANUP(kv_batch_free) struct kv_batch *b = kv_batch_new();
    kv_batch_put(b, bytes_of_str(flag_key), bytes_of_str(channel));
    return kv_write(s->kv, b, true, e);
}

enum weft_code id_store_finish(struct id_store *s, const char *channel, struct bytes block0,
                               struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf key = { 0 };
    WEFT_CLEANUP(kv_batch_free) struct kv_batch *b = kv_batch_new();
    key_of('l', channel, &key);
    kv_batch_put(b, buf_bytes(&key), block0);
    key_of('s', channel, &key);
    kv_batch_put(b, buf_bytes(&key), bytes_of(NULL, 0));
    kv_batch_delete(b, bytes_of_str(flag_key));
    return kv_write(s->kv, b, true, e);
}

enum weft_code id_store_abandon(struct id_store *s, struct weft_err *e)
{
    WEFT_CLEANUP(kv_batch_free) struct kv_batch *b = kv_batch_new();
    kv_batch_delete(b, bytes_of_str(flag_key));
    return kv_write(s->kv, b, true, e);
}

enum weft_code id_store_unfinished(struct id_store *s, char **ret, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf value = { 0 };
    bool found = false;
    WEFT_TRY(kv_get(s->kv, bytes_of_str(flag_key), &found, &value, e));
    *ret = found ? bytes_dup_str(buf_bytes(&value)) : NULL;
    return WEFT_OK;
}

/* ---- what is there ------------------------------------------------------------- */

/* LedgerMetadata { 1 status } */
static enum ledger_status status_of(struct bytes value)
{
    struct wire w = wire_of(value);
    struct wire_field f;
    uint64_t status = 0;
    while (wire_next(&w, &f))
        if (wire_is(&f, 1, WIRE_VARINT))
            status = f.varint;
    return status == 0 && !w.bad ? LEDGER_ACTIVE : LEDGER_INACTIVE;
}

enum weft_code id_store_get(struct id_store *s, const char *channel, struct buf *ret_block0,
                            enum ledger_status *ret_status, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf key = { 0 };
    WEFT_CLEANUP(buf_done) struct buf status = { 0 };
    bool found = false;
    key_of('s', channel, &key);
    WEFT_TRY(kv_get(s->kv, buf_bytes(&key), &found, &status, e));
    if (found) {
        key_of('l', channel, &key);
        WEFT_TRY(kv_get(s->kv, buf_bytes(&key), &found, ret_block0, e));
    }
    if (!found)
        return WEFT_FAIL(e, WEFT_NOT_FOUND, "LedgerID does not exist");
    *ret_status = status_of(buf_bytes(&status));
    return WEFT_OK;
}

enum weft_code id_store_set_status(struct id_store *s, const char *channel,
                                   enum ledger_status status, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf block0 = { 0 };
    WEFT_CLEANUP(buf_done) struct buf key = { 0 };
    WEFT_CLEANUP(buf_done) struct buf value = { 0 };
    enum ledger_status now;
    WEFT_TRY(id_store_get(s, channel, &block0, &now, e));
    if (status != LEDGER_ACTIVE)
        wire_put_varint(&value, 1, (uint64_t)status);
    WEFT_CLEANUP(kv_batch_free) struct kv_batch *b = kv_batch_new();
    key_of('s', channel, &key);
    kv_batch_put(b, buf_bytes(&key), buf_bytes(&value));
    return kv_write(s->kv, b, true, e);
}

enum weft_code id_store_list(struct id_store *s, struct dir_list *ret, struct weft_err *e)
{
    WEFT_CLEANUP(dir_list_done) struct dir_list l = { 0 };
    WEFT_CLEANUP(kv_iter_free) struct kv_iter *it = kv_iter_new(s->kv, bytes_of_str("s"));
    struct bytes key, value;
    bool found = false;
    for (;;) {
        WEFT_TRY(kv_iter_next(it, &found, &key, &value, e));
        if (!found || key.data[0] != 's')
            break;
        if (status_of(value) != LEDGER_ACTIVE)
            continue;
        l.names = weft_realloc(l.names, (l.count + 1) * sizeof(*l.names));
        l.names[l.count++] = bytes_dup_str(bytes_skip(key, 1));
    }
    *ret = (struct dir_list){ WEFT_TAKE(l.names), l.count };
    l.count = 0;
    return WEFT_OK;
}
