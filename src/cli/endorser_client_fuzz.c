/* Fuzz target for what nodes answer the command line: a ProposalResponse and a
 * BroadcastResponse are read inside their bytes, or refused in words. */
#include "cli/broadcast_client.h"
#include "cli/endorser_client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool lies_inside(struct bytes part, struct bytes whole)
{
    return part.len == 0 ||
           (part.data >= whole.data && part.data + part.len <= whole.data + whole.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes b = bytes_of(data, size), info = { 0 };
    struct proposal_answer a = { 0 };
    struct weft_err e = { 0 };
    uint64_t status = 0;
    if (proposal_answer_parse(b, &a, &e) == WEFT_OK)
        WEFT_ASSERT(lies_inside(a.message, b) && lies_inside(a.payload, b));
    else
        WEFT_ASSERT(e.msg[0] != '\0' && a.payload.len == 0);
    if (broadcast_response_parse(b, &status, &info, &e) == WEFT_OK)
        WEFT_ASSERT(lies_inside(info, b));
    return 0;
}
