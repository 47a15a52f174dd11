/* number.h - text to number, all of it or not at all.
 *
 *     uint64_t n;
 *     if (!number_parse_u64("42", &n)) ...      "42x", "", "-1", "+1": false
 *
 * Go origin   none
 * Owner       any thread
 */
#ifndef WEFT_BASE_NUMBER_H
#define WEFT_BASE_NUMBER_H

#include "base/weft.h"

/* Decimal digits only; false when it is anything else or does not fit. */
bool number_parse_u64(const char *s, uint64_t *ret_n);

#endif
