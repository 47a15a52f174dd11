/* A journal of any bytes: what is read is whole, in order, and of one block. */
#include "orderer/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    WEFT_CLEANUP(journal_records_done) struct journal_records r;
    journal_parse(bytes_of(data, size), &r);
    const uint8_t *after = data + 64;
    for (size_t i = 0; i < r.count; i++) {
        const struct journal_record *this = &r.at[i];
        WEFT_ASSERT(this->index == i);
        WEFT_ASSERT(this->block == r.at[0].block);
        WEFT_ASSERT(this->envelope.len > 0);
        WEFT_ASSERT(this->envelope.data == after + 28);
        after = this->envelope.data + this->envelope.len;
        WEFT_ASSERT(after <= data + size);
    }
    WEFT_ASSERT(r.count == 0 || r.end == (size_t)(after - data));
    return 0;
}
