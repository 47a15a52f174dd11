#include "kv_dump.h"

#include "weft_test.h"

void kv_dump_open(struct kv_dump *d, const char *path, const char *heading)
{
    *d = (struct kv_dump){ .text = weft_test_read(path) };
    buf_put_u8(&d->text, '\0');
    d->at = (const char *)d->text.data;
    if (heading != NULL) {
        d->at = strstr(d->at, heading);
        EXPECT(d->at != NULL);
        d->at = strchr(d->at, '\n');
    }
    while (d->at != NULL && *d->at == '\n')
        d->at++;
}

void kv_dump_done(struct kv_dump *d)
{
    buf_done(&d->text);
    buf_done(&d->key);
    buf_done(&d->value);
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static void take_hex(struct kv_dump *d, struct buf *ret)
{
    const char *start = d->at;
    while (is_hex(*d->at))
        d->at++;
    struct bytes hex = bytes_of(start, (size_t)(d->at - start));
    buf_clear(ret);
    EXPECT(bytes_from_hex(hex, buf_reserve(ret, hex.len / 2 + 1)));
    ret->len = hex.len / 2;
}

bool kv_dump_next(struct kv_dump *d)
{
    if (!is_hex(*d->at))
        return false;
    take_hex(d, &d->key);
    EXPECT(strncmp(d->at, " -> ", 4) == 0);
    d->at += 4;
    take_hex(d, &d->value);
    const char *end = strchr(d->at, '\n');
    d->at = end != NULL ? end + 1 : "";
    return true;
}

size_t kv_dump_expect(struct kv *kv, const char *path, const char *heading)
{
    struct weft_err e = { 0 };
    struct bytes key, value;
    bool found = false;
    size_t lines = 0;
    WEFT_CLEANUP(kv_dump_done) struct kv_dump d;
    WEFT_CLEANUP(kv_iter_free) struct kv_iter *it = kv_iter_new(kv, bytes_of(NULL, 0));
    for (kv_dump_open(&d, path, heading); kv_dump_next(&d); lines++) {
        EXPECT_OK(kv_iter_next(it, &found, &key, &value, &e));
        EXPECT(found);
        EXPECT_BYTES(key, buf_bytes(&d.key));
        EXPECT_BYTES(value, buf_bytes(&d.value));
    }
    EXPECT_OK(kv_iter_next(it, &found, &key, &value, &e));
    EXPECT(!found);
    return lines;
}

size_t kv_dump_expect_dir(const char *dir, const char *path, const char *heading)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(kv_close) struct kv *kv = NULL;
    EXPECT_OK(kv_open_copy(dir, &kv, &e));
    return kv_dump_expect(kv, path, heading);
}
