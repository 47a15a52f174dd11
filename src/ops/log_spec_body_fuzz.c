/* Fuzz target for ops/log_spec_body: whatever is put to /logspec is either
 * refused in words or becomes a spec that the logger judges. */
#include "base/log_spec.h"
#include "ops/http.h"
#include "ops/log_spec_body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    WEFT_FREE char *spec = NULL;
    WEFT_FREE char *again = NULL;
    WEFT_CLEANUP(buf_done) struct buf body = { 0 };
    struct weft_err e = { 0 };
    if (log_spec_body_parse(bytes_of(data, size), &spec, &e) != WEFT_OK) {
        WEFT_ASSERT(e.msg[0] != '\0' && spec == NULL);
        return 0;
    }
    /* Written as JSON it reads the same. */
    buf_put_str(&body, "{\"spec\":");
    http_put_json_string(&body, bytes_of_str(spec));
    buf_put_str(&body, "}");
    if (body.len <= 4096) {
        WEFT_ASSERT(log_spec_body_parse(buf_bytes(&body), &again, &e) == WEFT_OK);
        WEFT_ASSERT(strcmp(spec, again) == 0);
    }
    struct log_spec parsed = { 0 };
    if (log_spec_parse(spec, &parsed, &e) == WEFT_OK)
        log_spec_done(&parsed);
    return 0;
}
