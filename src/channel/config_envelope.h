/* config_envelope.h - what a config block holds: a configuration and the update
 * that led to it.
 *
 *     block.data[0] = Envelope { Payload { CONFIG header, data = ConfigEnvelope } }
 *     ConfigEnvelope { config { sequence, channel_group }, last_update = Envelope }
 *     last_update    = Envelope { Payload { CONFIG_UPDATE header, data = ConfigUpdateEnvelope } }
 *     ConfigUpdateEnvelope { config_update, signatures }
 *
 * Go origin   common/configtx/util.go protoutil/commonutils.go
 * Differs     a configuration that comes in two parts is refused; Go merges them
 * Owner       any thread
 * Memory      borrows
 */
#ifndef WEFT_CHANNEL_CONFIG_ENVELOPE_H
#define WEFT_CHANNEL_CONFIG_ENVELOPE_H

#include "base/bytes.h"

struct block_view;

struct config_envelope_view {
    bool has_config;
    uint64_t sequence;
    struct bytes channel_group; /* ConfigGroup */
    struct bytes last_update;   /* Envelope; empty in a genesis block */
};

enum weft_code config_envelope_parse(struct bytes b, struct config_envelope_view *ret,
                                     struct weft_err *e) WEFT_MUST_CHECK;
/* Of a config block.  WEFT_INVALID: it is none. */
enum weft_code config_envelope_of_block(const struct block_view *v,
                                        struct config_envelope_view *ret,
                                        struct weft_err *e) WEFT_MUST_CHECK;

/* The ConfigUpdate inside an envelope of type CONFIG_UPDATE; the signatures on
 * it one after the other with config_signature_next. */
struct config_update_envelope_view {
    struct bytes config_update;
    struct bytes signatures; /* where config_signature_next is */
};
enum weft_code config_update_envelope_parse(struct bytes envelope,
                                            struct config_update_envelope_view *ret,
                                            struct weft_err *e) WEFT_MUST_CHECK;

/* Signed are header and config_update, one after the other. */
struct config_signature_view {
    struct bytes header, signature; /* header: SignatureHeader */
};
/* False at the end. */
bool config_signature_next(struct config_update_envelope_view *u,
                           struct config_signature_view *ret);

#endif
