#include "ledger/kv_log.h"

#include "ledger/kv.h"
#include "os/dirs.h"
#include "weft_test.h"

/* What LevelDB makes of values of these lengths, a write each. */
static struct buf log_of(const size_t *lengths, size_t count)
{
    struct weft_err e = { 0 };
    struct buf ret = { 0 };
    WEFT_FREE char *dir = weft_test_fast_dir();
    WEFT_FREE char *path = weft_asprintf("%s/db", dir);
    WEFT_CLEANUP(kv_close) struct kv *kv = NULL;
    WEFT_CLEANUP(dir_list_done) struct dir_list l = { 0 };
    EXPECT_OK(kv_open(path, "", &kv, &e));
    for (size_t i = 0; i < count; i++) {
        WEFT_CLEANUP(kv_batch_free) struct kv_batch *b = kv_batch_new();
        WEFT_FREE uint8_t *value = weft_alloc(lengths[i]);
        memset(value, 0xa5, lengths[i]);
        kv_batch_put(b, bytes_of_str("key"), bytes_of(value, lengths[i]));
        EXPECT_OK(kv_write(kv, b, false, &e));
    }
    EXPECT_OK(dir_list(path, &l, &e));
    for (size_t i = 0; i < l.count; i++) {
        if (strstr(l.names[i], ".log") == NULL)
            continue;
        WEFT_FREE char *file = weft_asprintf("%s/%s", path, l.names[i]);
        ret = weft_test_read(file);
    }
    return ret;
}

static size_t log_of_one_len(size_t length)
{
    WEFT_CLEANUP(buf_done) struct buf log = log_of(&length, 1);
    return log.len;
}

static enum kv_log_state look_at_part(const struct buf *log, size_t len)
{
    return kv_log_look(bytes_of(log->data, len));
}

static enum kv_log_state look_with(const struct buf *log, uint8_t byte, size_t at, size_t count)
{
    WEFT_CLEANUP(buf_done) struct buf copy = { 0 };
    buf_put(&copy, bytes_of(log->data, at));
    for (size_t i = 0; i < count; i++)
        buf_put_u8(&copy, byte);
    buf_put(&copy, bytes_skip(buf_bytes(log), at + count));
    return kv_log_look(buf_bytes(&copy));
}

static size_t good_len_with_a_hole(const struct buf *log, size_t at)
{
    WEFT_CLEANUP(buf_done) struct buf copy = { 0 };
    buf_put(&copy, bytes_of(log->data, at));
    buf_put_u8(&copy, 0); /* of a value, whose bytes are 0xa5 */
    buf_put(&copy, bytes_skip(buf_bytes(log), at + 1));
    return kv_log_good_len(buf_bytes(&copy));
}

TEST(what_leveldb_wrote_is_whole)
{
    static const size_t lengths[] = { 1, 100, 40000, 32700, 1, 70000, 5 };
    WEFT_CLEANUP(buf_done) struct buf log = log_of(lengths, WEFT_ARRAY_LEN(lengths));
    EXPECT(log.len > 140000);
    EXPECT_EQ(kv_log_look(buf_bytes(&log)), KV_LOG_WHOLE);
    EXPECT_EQ(kv_log_look(bytes_of(NULL, 0)), KV_LOG_EMPTY);
}

TEST(the_last_write_may_be_torn_anywhere)
{
    static const size_t lengths[] = { 100, 70000 };
    WEFT_CLEANUP(buf_done) struct buf log = log_of(lengths, WEFT_ARRAY_LEN(lengths));
    size_t last = log.len - 70000;
    for (size_t at = last; at + 4096 < log.len; at += 4096)
        EXPECT_EQ(look_with(&log, 0, at, 4096), KV_LOG_TORN);
    for (size_t len = last + 1; len < log.len; len += 997) {
        enum kv_log_state is = look_at_part(&log, len);
        EXPECT(is == KV_LOG_TORN || is == KV_LOG_WHOLE); /* cut between two of its records */
    }
}

TEST(a_write_behind_something_bad_means_damage)
{
    static const size_t near[] = { 100, 100, 100 }, far[] = { 40000, 100 };
    WEFT_CLEANUP(buf_done) struct buf small = log_of(near, WEFT_ARRAY_LEN(near));
    WEFT_CLEANUP(buf_done) struct buf large = log_of(far, WEFT_ARRAY_LEN(far));
    size_t one = small.len / 3;
    EXPECT_EQ(look_with(&small, 0, one + 20, 8), KV_LOG_DAMAGED);
    EXPECT_EQ(look_with(&small, 0, 2 * one + 20, 8), KV_LOG_TORN);
    EXPECT_EQ(look_with(&large, 0, 4096, 4096), KV_LOG_DAMAGED);
    EXPECT_EQ(look_with(&small, 0xff, 5, 1), KV_LOG_DAMAGED); /* a length */
}

TEST(what_stands_in_front_of_something_bad_is_good)
{
    static const size_t lengths[] = { 100, 70000, 100 };
    WEFT_CLEANUP(buf_done) struct buf log = log_of(lengths, WEFT_ARRAY_LEN(lengths));
    size_t first = log_of_one_len(100), page = 36864;
    EXPECT_EQ(kv_log_good_len(buf_bytes(&log)), log.len);
    EXPECT_EQ(kv_log_good_len(bytes_of(log.data, first)), first);
    EXPECT_EQ(kv_log_good_len(bytes_of(log.data, first + 3)), first + 3); /* no room for a record */
    EXPECT_EQ(kv_log_good_len(bytes_of(log.data, first + 50)), first);
    EXPECT_EQ(good_len_with_a_hole(&log, first - 1), 0);
    /* in the middle part of the long one, which has a block to itself */
    EXPECT_EQ(good_len_with_a_hole(&log, page), 32768);
}
