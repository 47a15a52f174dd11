#include "ledger/kv_log.h"

#include "base/crc32c.h"

enum {
    BLOCK_BYTES = 32768,
    HEADER_BYTES = 7,
    TYPE_WHOLE = 1,
    TYPE_FIRST = 2,
    TYPE_LAST = 4,
};

/* LevelDB keeps checksums of checksums apart: a stored one is turned and moved. */
static uint32_t stored_form(uint32_t crc)
{
    return (crc >> 15 | crc << 17) + 0xa282ead8U;
}

static bool is_good(const struct crc32c *tables, struct bytes record)
{
    const uint8_t *h = record.data;
    uint32_t stored =
        (uint32_t)h[0] | (uint32_t)h[1] << 8 | (uint32_t)h[2] << 16 | (uint32_t)h[3] << 24;
    return h[6] >= TYPE_WHOLE && h[6] <= TYPE_LAST &&
           stored_form(crc32c_of(tables, 0, bytes_skip(record, HEADER_BYTES - 1))) == stored;
}

/* The length of the record that begins here, 0 if it is bad. */
static size_t good_record_len(const struct crc32c *tables, struct bytes block)
{
    size_t len = HEADER_BYTES + ((size_t)block.data[4] | (size_t)block.data[5] << 8);
    return len <= block.len && is_good(tables, bytes_of(block.data, len)) ? len : 0;
}

/* What was seen of the log so far, and now this block of it.  Behind something bad a record
 * may begin anywhere: its length is not to be trusted. */
static enum kv_log_state look_into(const struct crc32c *tables, struct bytes block,
                                   enum kv_log_state seen)
{
    /* What is shorter than a header is a block's padding, or the log's end. */
    while (block.len >= HEADER_BYTES && seen != KV_LOG_DAMAGED) {
        uint8_t type = block.data[6];
        size_t len = good_record_len(tables, block);
        if (len == 0) {
            seen = KV_LOG_TORN;
            len = 1;
        } else if (type == TYPE_WHOLE || type == TYPE_FIRST) {
            seen = seen == KV_LOG_TORN ? KV_LOG_DAMAGED : KV_LOG_WHOLE;
        }
        block = bytes_skip(block, len);
    }
    return seen;
}

enum kv_log_state kv_log_look(struct bytes log)
{
    struct crc32c tables;
    enum kv_log_state seen = KV_LOG_EMPTY;
    crc32c_init(&tables);
    while (log.len > 0 && seen != KV_LOG_DAMAGED) {
        size_t len = log.len < BLOCK_BYTES ? log.len : BLOCK_BYTES;
        seen = look_into(&tables, bytes_of(log.data, len), seen);
        log = bytes_skip(log, len);
    }
    return seen;
}

size_t kv_log_good_len(struct bytes log)
{
    struct crc32c tables;
    size_t good = 0;
    crc32c_init(&tables);
    while (good < log.len) {
        size_t in_block = BLOCK_BYTES - good % BLOCK_BYTES;
        if (in_block > log.len - good)
            in_block = log.len - good;
        if (in_block < HEADER_BYTES) { /* a block's padding, or the log's end */
            good += in_block;
            continue;
        }
        size_t len = good_record_len(&tables, bytes_of(log.data + good, in_block));
        if (len == 0)
            return good;
        good += len;
    }
    return good;
}
