/* crc32c.h - a checksum against torn and rotten bytes, not against people.
 *
 *     struct crc32c c;
 *     crc32c_init(&c);                               the tables, once
 *     crc32c_of(&c, 0, bytes_of_str("123456789"))    e3069283
 *
 * Go origin   none (hash/crc32 Castagnoli)
 * Owner       whoever holds the tables; they do not change once made
 * Memory      8 KB of tables
 */
#ifndef WEFT_BASE_CRC32C_H
#define WEFT_BASE_CRC32C_H

#include "base/bytes.h"

struct crc32c {
    uint32_t table[8][256];
};

void crc32c_init(struct crc32c *c);
/* Goes on from `crc`, which is 0 for the first bytes. */
uint32_t crc32c_of(const struct crc32c *c, uint32_t crc, struct bytes b);

#endif
