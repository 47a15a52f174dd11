/* p256_ladder8.h - multiplies eight points that have no table.
 *
 * Signed digits of four bits: the points' first eight multiples, then from the
 * highest digit down four doublings and one addition each, 252 and 64 of them.
 * The lanes have digits of their own, so each gathers its multiple.
 *
 * Go origin   none
 * Owner       any thread
 * Memory      8 KB of the stack
 */
#ifndef WEFT_CRYPTO_P256_LADDER8_H
#define WEFT_CRYPTO_P256_LADDER8_H

#include "crypto/p256_point8.h"

/* u*q, u below n; empty where u is 0. */
void ladder8_multiply(const struct affine8 *q, struct num8 u, struct point8 *ret);

#endif
