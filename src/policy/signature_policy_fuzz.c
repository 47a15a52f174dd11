/* Fuzz target for policy/signature_policy: whatever is read can be evaluated. */
#include "policy/signature_policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool satisfies(void *ctx, size_t i, struct bytes principal)
{
    (void)ctx;
    return principal.len > 0 && principal.data[0] % 4 == i;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
    const struct signature_policy *p = NULL;
    struct policy_signers few = { NULL, 1, satisfies }, many = { NULL, 4, satisfies };
    if (signature_policy_parse(bytes_of(data, size), &arena, &p, NULL) == WEFT_OK) {
        (void)signature_policy_satisfied(p, &few);
        (void)signature_policy_satisfied(p, &many);
    }
    return 0;
}
