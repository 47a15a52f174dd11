/* msg_filter.h - what a message must be to get onto a channel.
 *
 *     maintenance, empty, size, expiration     msg_filter_before: here and now
 *     signature                                msg_filter_signers: once it was checked
 *
 * The signature lies in between since it may be checked elsewhere, with many
 * others; the policy is then asked with those whose signatures are good:
 *
 *     /Channel/Writers, or /Channel/Orderer/Writers in maintenance
 *
 * Codes say the status: WEFT_INVALID 400, WEFT_FORBIDDEN 403, WEFT_UNAVAILABLE 503;
 * words are Fabric's.
 *
 * Go origin   orderer/common/msgprocessor/filter.go sizefilter.go expiration.go sigfilter.go
 * Owner       any thread
 * Memory      none
 */
#ifndef WEFT_ORDERER_MSG_FILTER_H
#define WEFT_ORDERER_MSG_FILTER_H

#include "bundle/bundle.h"
#include "proto/envelope.h"

/* What the filters look at. */
struct msg_view {
    struct envelope_view envelope;
    struct bytes creator;
    bool has_signed_data; /* payload and signature header could be read */
};

/* From an envelope's bytes; one that can't be read has no signed data. */
void msg_view_of(struct bytes envelope, struct msg_view *ret);
struct signed_data msg_signed_data(const struct msg_view *m);

/* Normal messages are not taken in maintenance. */
enum weft_code msg_filter_maintenance(const struct bundle *b, struct weft_err *e) WEFT_MUST_CHECK;

struct msg_filter_config {
    bool no_expiration_checks; /* General.Authentication.NoExpirationChecks */
    int64_t now_s;
};
/* Empty, size, expiration, and whether there is anything signed. */
enum weft_code msg_filter_before(const struct bundle *b, const struct msg_view *m,
                                 const struct msg_filter_config *config,
                                 struct identity_cache *cache, struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code msg_filter_signers(const struct bundle *b, const struct policy_signers *signers,
                                  struct weft_err *e) WEFT_MUST_CHECK;

/* All but maintenance, on this thread. */
enum weft_code msg_filter_all(const struct bundle *b, const struct msg_view *m,
                              const struct msg_filter_config *config,
                              struct weft_err *e) WEFT_MUST_CHECK;

#endif
