/* config_value.h - what a text in a configuration means.
 *
 *     "true" "T" "1"    yes on (only without quotes)       truth values
 *     "7050" "0x1b8a" "-3"    7_050 (only without quotes)  whole numbers
 *     "10 MB" "512k" "104857600"                           sizes: k, m, g times 1024
 *     "5s" "1m30s"    "10" is 10 nanoseconds               durations
 *
 * Go origin   common/viperutil/config_util.go
 * Differs     numbers that do not fit are refused, not cut
 * Owner       any thread
 * Memory      none
 */
#ifndef WEFT_CONFIG_CONFIG_VALUE_H
#define WEFT_CONFIG_CONFIG_VALUE_H

#include "base/weft.h"

/* `plain`: it stood in the file without quotes.  All or nothing. */
bool config_parse_bool(const char *text, bool plain, bool *ret);
bool config_parse_int(const char *text, bool plain, int64_t *ret);
bool config_parse_ratio(const char *text, double *ret);
bool config_parse_size(const char *text, bool plain, uint64_t *ret_bytes);
bool config_parse_duration(const char *text, bool plain, int64_t *ret_ns);

#endif
