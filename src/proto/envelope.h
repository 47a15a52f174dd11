/* envelope.h - a signed transaction's wrapping, layer by layer.
 *
 *     Envelope { payload, signature }
 *       payload = Payload { header { channel_header, signature_header }, data }
 *         channel_header = ChannelHeader { type, channel_id, tx_id, ... }
 *         signature_header = SignatureHeader { creator, nonce }
 *
 * Each layer is bytes inside the one around it; each _parse reads one layer
 * and borrows.  What Go's Unmarshal refuses (bad wire format, a string that
 * is not UTF-8) is refused here.
 *
 * Go origin   protoutil/commonutils.go protoutil/txutils.go
 * Owner       whoever holds the view
 * Memory      borrows
 */
#ifndef WEFT_PROTO_ENVELOPE_H
#define WEFT_PROTO_ENVELOPE_H

#include "base/bytes.h"
#include "crypto/sha256.h"

/* ChannelHeader.type */
enum header_type {
    HEADER_MESSAGE = 0,
    HEADER_CONFIG = 1,
    HEADER_CONFIG_UPDATE = 2,
    HEADER_ENDORSER_TRANSACTION = 3,
    HEADER_ORDERER_TRANSACTION = 4,
    HEADER_DELIVER_SEEK_INFO = 5,
    HEADER_CHAINCODE_PACKAGE = 6,
    HEADER_PEER_ADMIN_OPERATION = 8,
};

/* "CONFIG"; a number that has no name is written into `room`. */
enum {
    HEADER_TYPE_NAME_MAX = 12
};
const char *header_type_name(int32_t type, char room[HEADER_TYPE_NAME_MAX]);

struct envelope_view {
    struct bytes payload, signature;
};

struct payload_view {
    bool has_header;
    struct bytes channel_header, signature_header; /* of the header */
    struct bytes data;
};

struct channel_header_view {
    int32_t type, version;
    bool has_timestamp;
    int64_t timestamp_s;
    int32_t timestamp_ns;
    struct bytes channel_id, tx_id;
    uint64_t epoch;
    struct bytes extension, tls_cert_hash;
};

struct signature_header_view {
    struct bytes creator, nonce;
};

enum weft_code envelope_parse(struct bytes b, struct envelope_view *ret,
                              struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code payload_parse(struct bytes b, struct payload_view *ret,
                             struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code channel_header_parse(struct bytes b, struct channel_header_view *ret,
                                    struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code signature_header_parse(struct bytes b, struct signature_header_view *ret,
                                      struct weft_err *e) WEFT_MUST_CHECK;

/* All four at once, for the many who need them. */
struct envelope_headers {
    struct envelope_view envelope;
    struct payload_view payload;
    struct channel_header_view channel;
    struct signature_header_view signature;
};
enum weft_code envelope_headers_parse(struct bytes b, struct envelope_headers *ret,
                                      struct weft_err *e) WEFT_MUST_CHECK;

/* Lower-case hex of SHA-256(nonce, creator), 64 characters and a zero. */
enum {
    TX_ID_LEN = 64
};
void tx_id_compute(struct bytes nonce, struct bytes creator, char out[TX_ID_LEN + 1]);

/* The id that a block's index files an envelope under: the channel header's
 * tx_id, or if that is empty the computed one (written to `room`).  Fails when
 * the envelope cannot be read. */
enum weft_code envelope_tx_id(struct bytes b, char room[TX_ID_LEN + 1], struct bytes *ret_id,
                              struct weft_err *e) WEFT_MUST_CHECK;

#endif
