/* signed_envelope.h - makes an Envelope: headers, payload, our signature.
 *
 *     struct envelope_plan p = { .type = HEADER_DELIVER_SEEK_INFO, .channel_id = "mychannel",
 *                                .now_ns = clock_wall_ns(), .data = seek_info };
 *     signed_envelope(me, &p, &out, e)
 *
 * Go origin   protoutil/txutils.go CreateSignedEnvelopeWithTLSBinding
 * Owner       any thread
 * Memory      appends to the caller's buffer
 */
#ifndef WEFT_MSP_SIGNED_ENVELOPE_H
#define WEFT_MSP_SIGNED_ENVELOPE_H

#include "msp/signing_identity.h"
#include "proto/envelope.h"

struct envelope_plan {
    enum header_type type;
    const char *channel_id;
    int64_t now_ns;
    struct bytes tls_cert_hash; /* may be empty */
    struct bytes data;
};

/* The nonce is 24 random bytes. */
enum weft_code signed_envelope(const struct signing_identity *id, const struct envelope_plan *plan,
                               struct buf *out, struct weft_err *e) WEFT_MUST_CHECK;

#endif
