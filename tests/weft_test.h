/* weft_test.h - tests that read as claims.
 *
 *     TEST(gives_out_blocks_in_order)
 *     {
 *         EXPECT_EQ(payload_buffer_next(pb), 10);
 *     }
 *
 * Each TEST registers itself; weft_test.c has main and runs them under cmocka
 * in the order of the file.  A program's arguments choose tests by a part of
 * their name.
 *
 * Go origin   none
 * Owner       the test's main thread
 */
#ifndef WEFT_TESTS_WEFT_TEST_H
#define WEFT_TESTS_WEFT_TEST_H

#include "base/bytes.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

typedef void weft_test_fn(void);
void weft_test_register(const char *name, weft_test_fn *fn);

#define TEST(name)                                                      \
    static void test_##name(void);                                      \
    __attribute__((constructor)) static void test_register_##name(void) \
    {                                                                   \
        weft_test_register(#name, test_##name);                         \
    }                                                                   \
    static void test_##name(void)

#define EXPECT(cond) _assert_true((cond) ? 1 : 0, #cond, __FILE__, __LINE__)
#define EXPECT_EQ(a, b) \
    weft_test_expect_eq((uint64_t)(a), (uint64_t)(b), #a " == " #b, __FILE__, __LINE__)
#define EXPECT_STR(a, b)   _assert_string_equal((a), (b), __FILE__, __LINE__)
#define EXPECT_BYTES(a, b) weft_test_expect_bytes((a), (b), #a " == " #b, __FILE__, __LINE__)
/* The call succeeds; if not, its error is printed.  Wants a struct weft_err e. */
#define EXPECT_OK(expr)         weft_test_expect_code((expr), WEFT_OK, &e, #expr, __FILE__, __LINE__)
#define EXPECT_CODE(expr, code) weft_test_expect_code((expr), (code), &e, #expr, __FILE__, __LINE__)
/* The error's words contain this. */
#define EXPECT_WORDS(e, part) weft_test_expect_words((e).msg, (part), __FILE__, __LINE__)

void weft_test_expect_eq(uint64_t a, uint64_t b, const char *what, const char *file, int line);
void weft_test_expect_bytes(struct bytes a, struct bytes b, const char *what, const char *file,
                            int line);
void weft_test_expect_code(enum weft_code got, enum weft_code want, const struct weft_err *e,
                           const char *what, const char *file, int line);
void weft_test_expect_words(const char *text, const char *part, const char *file, int line);

/* What is logged from here on goes, in this format, to weft_test_log_taken, which ends it: the
 * lines, as a string; the caller ends it with buf_done. */
void weft_test_log_catch(const char *format);
struct buf weft_test_log_taken(void);

/* The path of a file beside the project (../shared/fixtures/...); when it is
 * not there the test is skipped with a message.  Static storage, one at a time. */
const char *weft_test_fixture(const char *path);
/* The path of a file of ours below tests/. */
const char *weft_test_file(const char *path);
/* The file's bytes; fails the test if it cannot be read.  Caller frees. */
struct buf weft_test_read(const char *path);
/* Names and contents of a folder's files, to compare.  Caller frees. */
struct buf weft_test_read_dir(const char *path);
/* A new empty directory, removed when the program ends.  Caller frees the name. */
char *weft_test_dir(void);
/* The same in memory, where there is such a place: for small files that are
 * synced again and again. */
char *weft_test_fast_dir(void);

#endif
