#include "orderer/bootstrap.h"

#include "base/limits.h"
#include "bundle/bundle.h"
#include "os/file.h"
#include "proto/envelope.h"

enum weft_code bootstrap_read(const char *path, struct block **ret, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf wire = { 0 };
    enum weft_code rc = file_read_all(path, LIMIT_BLOCK_BYTES, &wire, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc,
                             "unable to bootstrap orderer. Error reading genesis block file");
    rc = block_parse(buf_bytes(&wire), ret, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc,
                             "unable to bootstrap orderer. Error unmarshalling genesis block");
    return WEFT_OK;
}

static enum weft_code check(const struct block_view *v, struct bundle **ret, struct weft_err *e)
{
    struct envelope_view envelope;
    WEFT_CLEANUP(bundle_unref) struct bundle *b = NULL;
    if (v->txs.count == 0)
        return WEFT_FAIL(e, WEFT_INVALID, "empty block data");
    enum weft_code rc = envelope_parse(v->txs.at[0], &envelope, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "failed extracting envelope from block");
    WEFT_TRY(bundle_of_envelope(v->txs.at[0], &b, e));
    if (bundle_consortiums(b) == NULL)
        return WEFT_FAIL(
            e, WEFT_INVALID,
            "the block isn't a system channel block because it lacks ConsortiumsConfig");
    *ret = WEFT_TAKE(b);
    return WEFT_OK;
}

enum weft_code bootstrap_check(const struct block_view *v, struct bundle **ret, struct weft_err *e)
{
    enum weft_code rc = check(v, ret, e);
    return rc == WEFT_OK ? rc : weft_err_wrap(e, rc, "Failed validating bootstrap block");
}
