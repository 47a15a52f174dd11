/* varint.h - base-128 varints, as protobuf and Fabric's block files use them.
 *
 * Seven bits a byte, least significant first, the top bit says "more":
 * 300 = ac 02.  At most ten bytes; what does not fit 64 bits is refused, and
 * so is a varint that the bytes end in.  Over-long forms (80 00 for 0) are
 * read, as Go's proto.DecodeVarint reads them.
 *
 * Go origin   vendor/github.com/golang/protobuf/proto/decode.go DecodeVarint
 * Owner       any thread
 * Memory      none
 */
#ifndef WEFT_BASE_VARINT_H
#define WEFT_BASE_VARINT_H

#include "base/bytes.h"

enum {
    UVARINT_LEN_MAX = 10
};

/* How many bytes n takes. */
static inline size_t uvarint_len(uint64_t n)
{
    return n == 0 ? 1 : (size_t)(63 - __builtin_clzll(n)) / 7 + 1;
}

/* Writes n, returns how many bytes were written. */
static inline size_t uvarint_encode(uint64_t n, uint8_t *out)
{
    size_t i = 0;
    for (; n >= 0x80; n >>= 7)
        out[i++] = (uint8_t)(n | 0x80);
    out[i++] = (uint8_t)n;
    return i;
}

/* Reads one; returns its length, or 0 when the bytes end in it or it does
 * not fit 64 bits. */
static inline size_t uvarint_decode(struct bytes in, uint64_t *ret_n)
{
    uint64_t n = 0;
    size_t most = in.len < UVARINT_LEN_MAX ? in.len : UVARINT_LEN_MAX;
    for (size_t i = 0; i < most; i++) {
        uint8_t byte = in.data[i];
        if (i == UVARINT_LEN_MAX - 1 && byte > 1)
            return 0;
        n |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            *ret_n = n;
            return i + 1;
        }
    }
    return 0;
}

#endif
