/* utf8.h - one character of UTF-8 at a time, checked.
 *
 *     size_t n = utf8_decode(rest, &rune);    "é" gives 2 and U+00E9
 *
 * Overlong forms, surrogates, what lies above U+10FFFF and what is cut off
 * are not UTF-8: 0, as Go's utf8.DecodeRune says RuneError.
 *
 * Go origin   none (unicode/utf8)
 * Owner       any thread
 * Memory      none
 */
#ifndef WEFT_BASE_UTF8_H
#define WEFT_BASE_UTF8_H

#include "base/bytes.h"

/* How many bytes the first character takes, or 0 if it is none. */
static inline size_t utf8_decode(struct bytes in, uint32_t *ret_rune)
{
    static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
    if (in.len == 0)
        return 0;
    uint8_t first = in.data[0];
    if (first < 0x80) {
        *ret_rune = first;
        return 1;
    }
    size_t n = first >= 0xf0 && first < 0xf8 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 0;
    if (n == 0 || first >= 0xf8 || in.len < n)
        return 0;
    uint32_t rune = first & (0xffU >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((in.data[i] & 0xc0) != 0x80)
            return 0;
        rune = rune << 6 | (in.data[i] & 0x3fU);
    }
    if (rune < smallest[n] || rune > 0x10ffff || (rune >= 0xd800 && rune < 0xe000))
        return 0;
    *ret_rune = rune;
    return n;
}

#endif
