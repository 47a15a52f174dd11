#include "base/crc32c.h"

static const uint32_t polynomial = 0x82f63b78; /* Castagnoli's, reflected */

void crc32c_init(struct crc32c *c)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ ((crc & 1) != 0 ? polynomial : 0);
        c->table[0][i] = crc;
    }
    for (size_t k = 1; k < 8; k++)
        for (size_t i = 0; i < 256; i++) {
            uint32_t last = c->table[k - 1][i];
            c->table[k][i] = c->table[0][last & 0xff] ^ last >> 8;
        }
}

static uint32_t four(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

uint32_t crc32c_of(const struct crc32c *c, uint32_t crc, struct bytes b)
{
    const uint32_t(*t)[256] = c->table;
    const uint8_t *p = b.data;
    size_t n = b.len;
    crc = ~crc;
    for (; n >= 8; n -= 8, p += 8) {
        uint32_t low = four(p) ^ crc, high = four(p + 4);
        crc = t[7][low & 0xff] ^ t[6][low >> 8 & 0xff] ^ t[5][low >> 16 & 0xff] ^ t[4][low >> 24] ^
              t[3][high & 0xff] ^ t[2][high >> 8 & 0xff] ^ t[1][high >> 16 & 0xff] ^
              t[0][high >> 24];
    }
    for (; n > 0; n--, p++)
        crc = t[0][(crc ^ *p) & 0xff] ^ crc >> 8;
    return ~crc;
}
