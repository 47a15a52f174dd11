/* Any bytes as a LevelDB log: a longer one never looks better than its beginning. */
#include "ledger/kv_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum kv_log_state all = kv_log_look(bytes_of(data, size));
    size_t blocks = size / 32768 * 32768;
    if (kv_log_look(bytes_of(data, blocks)) == KV_LOG_DAMAGED && all != KV_LOG_DAMAGED)
        abort();
    return 0;
}
