#include "base/number.h"

bool number_parse_u64(const char *s, uint64_t *ret_n)
{
    uint64_t n = 0;
    if (*s == '\0')
        return false;
    for (; *s != '\0'; s++) {
        if (*s < '0' || *s > '9')
            return false;
        if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, *s - '0', &n))
            return false;
    }
    *ret_n = n;
    return true;
}
