/* A policy as somebody wrote it: refused in words, or bytes that are a policy to
 * who evaluates it. */
#include "policy/policy_dsl.h"
#include "policy/signature_policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    WEFT_FREE char *text = bytes_dup_str(bytes_of(data, size));
    WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
    WEFT_CLEANUP(buf_done) struct buf signature = { 0 };
    WEFT_CLEANUP(buf_done) struct buf meta = { 0 };
    const struct signature_policy *parsed = NULL;
    struct weft_err e = { 0 };
    enum weft_code rc = policy_dsl_signature(text, &signature, &e);
    if (rc == WEFT_OK)
        WEFT_ASSERT(signature_policy_parse(buf_bytes(&signature), &arena, &parsed, &e) == WEFT_OK);
    else
        WEFT_ASSERT(e.code == rc && e.msg[0] != '\0' && signature.len == 0);
    rc = policy_dsl_implicit_meta(text, &meta, &e);
    if (rc != WEFT_OK)
        WEFT_ASSERT(e.code == rc && e.msg[0] != '\0' && meta.len == 0);
    return 0;
}
