/* banned.h - functions that nobody here may call; forced into every file.
 *
 * Each has a safer way: strcpy/strcat/sprintf -> snprintf or struct buf,
 * strtok -> bytes, gmtime/localtime -> the _r forms, rand -> base/rand.h,
 * atoi/strtol -> base/number.h, alloca -> weft_alloc.
 *
 * Go origin   none
 * Owner       the compiler
 */
#ifndef WEFT_BASE_BANNED_H
#define WEFT_BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#pragma GCC poison strcpy strcat sprintf vsprintf strtok gets srand atoi atol atoll
#pragma GCC poison gmtime localtime asctime ctime tmpnam mktemp
/* Not poisoned: OpenSSL's headers have parameters of this name. */
#define rand() rand_is_banned /* NOLINT(readability-identifier-naming) */

#endif
