/* bytes.h - a borrowed run of bytes, and a buffer that grows.
 *
 * struct bytes is what every parser takes and gives: a pointer and a length,
 * owned by somebody else, never terminated by a zero.  struct buf is what
 * every encoder writes into.
 *
 *     struct buf b = { 0 };
 *     buf_put_uvarint(&b, 300);            b = ac 02
 *     buf_put(&b, bytes_of_str("abc"));    b = ac 02 61 62 63
 *     buf_done(&b);
 *
 * Go origin   none ([]byte and bytes.Buffer)
 * Owner       whoever holds it; not shared
 * Memory      bytes borrow; a buf owns its memory until buf_done or buf_take
 */
#ifndef WEFT_BASE_BYTES_H
#define WEFT_BASE_BYTES_H

#include "base/weft.h"

#include <stdarg.h>
#include <string.h>

struct bytes {
    const uint8_t *data;
    size_t len;
};

static inline struct bytes bytes_of(const void *data, size_t len)
{
    return (struct bytes){ data, len };
}

static inline struct bytes bytes_of_str(const char *s)
{
    return (struct bytes){ (const uint8_t *)s, strlen(s) };
}

static inline bool bytes_eq(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* As memcmp, then the shorter first. */
int bytes_cmp(struct bytes a, struct bytes b);

static inline bool bytes_start_with(struct bytes a, struct bytes prefix)
{
    return a.len >= prefix.len && bytes_eq(bytes_of(a.data, prefix.len), prefix);
}

/* The rest after the first n bytes; n may not be more than there is. */
static inline struct bytes bytes_skip(struct bytes b, size_t n)
{
    WEFT_ASSERT(n <= b.len);
    return (struct bytes){ n > 0 ? b.data + n : b.data, b.len - n };
}

/* A zero-terminated copy; the caller frees it.  Embedded zeros stay. */
char *bytes_dup_str(struct bytes b);

/* Lower-case hex, zero-terminated, caller frees. */
char *bytes_to_hex(struct bytes b);

/* Reads hex of either case into out (len/2 bytes); false if it is not hex. */
bool bytes_from_hex(struct bytes hex, uint8_t *out);

/* Their beginning is read soon: the CPU may fetch it meanwhile, from wherever another thread has
 * left it. */
static inline void bytes_soon(struct bytes b)
{
    for (size_t i = 0; i < b.len && i < 256; i += 64)
        __builtin_prefetch(b.data + i);
}

struct buf {
    uint8_t *data;
    size_t len, cap;
};

void buf_done(struct buf *b);
WEFT_DEFINE_CLEANUP_IN_PLACE(struct buf, buf_done)

/* Room for n more bytes at the end: returns where they go. */
uint8_t *buf_reserve(struct buf *b, size_t n);
void buf_put(struct buf *b, struct bytes what);
void buf_put_u8(struct buf *b, uint8_t byte);
void buf_put_str(struct buf *b, const char *s);
void buf_printf(struct buf *b, const char *fmt, ...) WEFT_PRINTF(2, 3);
void buf_vprintf(struct buf *b, const char *fmt, va_list args) WEFT_PRINTF(2, 0);

/* Base-128 varint as in protobuf, and a length before bytes. */
void buf_put_uvarint(struct buf *b, uint64_t n);
void buf_put_len_bytes(struct buf *b, struct bytes what);

static inline void buf_clear(struct buf *b)
{
    b->len = 0;
}

static inline struct bytes buf_bytes(const struct buf *b)
{
    return (struct bytes){ b->data, b->len };
}

#endif
