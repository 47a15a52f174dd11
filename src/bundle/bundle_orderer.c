/* The group Orderer. */
#include "base/duration.h"
#include "bundle/bundle_private.h"
#include "proto/wire.h"

#include <inttypes.h>

/* ---- values ---------------------------------------------------------------------------- */

/* ConsensusType { 1 type, 2 metadata, 3 state } */
static enum weft_code read_consensus(struct bundle *b, struct bytes message,
                                     struct bundle_orderer *o, struct weft_err *e)
{
    struct wire w = wire_of(message);
    struct wire_field f;
    struct bytes type = { 0 };
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_LEN))
            type = f.bytes;
        else if (wire_is(&f, 2, WIRE_LEN))
            o->consensus_metadata = f.bytes;
        else if (wire_is(&f, 3, WIRE_VARINT))
            o->consensus_state = (enum consensus_state)(int32_t)(uint32_t)f.varint;
    }
    if (w.bad)
        return WEFT_FAIL(e, WEFT_INVALID, "error unmarshalling ConsensusType");
    return bundle_text(b, type, "ConsensusType", &o->consensus_type, e);
}

/* BatchSize { 1 max_message_count, 2 absolute_max_bytes, 3 preferred_max_bytes } */
static enum weft_code read_batch_size(struct bytes message, struct bundle_orderer *o,
                                      struct weft_err *e)
{
    struct wire w = wire_of(message);
    struct wire_field f;
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_VARINT))
            o->batch_size.max_messages = (uint32_t)f.varint;
        else if (wire_is(&f, 2, WIRE_VARINT))
            o->batch_size.absolute_max_bytes = (uint32_t)f.varint;
        else if (wire_is(&f, 3, WIRE_VARINT))
            o->batch_size.preferred_max_bytes = (uint32_t)f.varint;
    }
    return w.bad ? WEFT_FAIL(e, WEFT_INVALID, "error unmarshalling BatchSize") : WEFT_OK;
}

/* Values that have to be looked at before they mean anything. */
struct orderer_texts {
    const char *batch_timeout;
    struct bundle_strings brokers;
};

static enum weft_code read_values(struct bundle *b, const struct config_item *g,
                                  struct bundle_orderer *o, struct orderer_texts *t,
                                  struct weft_err *e)
{
    static const char *const keys[] = { "ConsensusType", "BatchSize",           "BatchTimeout",
                                        "KafkaBrokers",  "ChannelRestrictions", "Capabilities" };
    WEFT_TRY(bundle_check_keys(g, keys, WEFT_ARRAY_LEN(keys), e));
    WEFT_TRY(read_consensus(b, bundle_value(g, "ConsensusType"), o, e));
    WEFT_TRY(read_batch_size(bundle_value(g, "BatchSize"), o, e));
    WEFT_TRY(bundle_text_value(b, bundle_value(g, "BatchTimeout"), "BatchTimeout",
                               &t->batch_timeout, e));
    WEFT_TRY(
        bundle_strings_value(b, bundle_value(g, "KafkaBrokers"), "KafkaBrokers", &t->brokers, e));
    WEFT_TRY(bundle_number_value(bundle_value(g, "ChannelRestrictions"), "ChannelRestrictions",
                                 &o->max_channels, e));
    return orderer_capabilities_parse(bundle_value(g, "Capabilities"), &b->arena, &o->capabilities,
                                      e);
}

/* ---- what they may be --------------------------------------------------------------------- */

static enum weft_code check_batch_size(const struct bundle_orderer *o, struct weft_err *e)
{
    if (o->batch_size.max_messages == 0)
        return WEFT_FAIL(
            e, WEFT_INVALID,
            "Attempted to set the batch size max message count to an invalid value: 0");
    if (o->batch_size.absolute_max_bytes == 0)
        return WEFT_FAIL(
            e, WEFT_INVALID,
            "Attempted to set the batch size absolute max bytes to an invalid value: 0");
    if (o->batch_size.preferred_max_bytes == 0)
        return WEFT_FAIL(
            e, WEFT_INVALID,
            "Attempted to set the batch size preferred max bytes to an invalid value: 0");
    if (o->batch_size.preferred_max_bytes > o->batch_size.absolute_max_bytes)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "Attempted to set the batch size preferred max bytes (%" PRIu32
                         ") greater than the absolute max bytes (%" PRIu32 ").",
                         o->batch_size.preferred_max_bytes, o->batch_size.absolute_max_bytes);
    return WEFT_OK;
}

static enum weft_code check_batch_timeout(const char *text, struct bundle_orderer *o,
                                          struct weft_err *e)
{
    char room[DURATION_TEXT_MAX];
    WEFT_CLEANUP(buf_done) struct buf why = { 0 };
    if (!duration_parse(bytes_of_str(text), &o->batch_timeout_ns)) {
        duration_explain(bytes_of_str(text), &why);
        return WEFT_FAIL(e, WEFT_INVALID,
                         "Attempted to set the batch timeout to a invalid value: %.*s",
                         why.len < 200 ? (int)why.len : 200, (const char *)why.data);
    }
    if (o->batch_timeout_ns <= 0)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "Attempted to set the batch timeout to a non-positive value: %s",
                         duration_text(o->batch_timeout_ns, room));
    return WEFT_OK;
}

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Letters, digits, dots and hyphens, with neither of the latter at an end; an
 * empty host passes in Fabric too. */
static bool is_host(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!is_alphanumeric(s[i]) && s[i] != '.' && s[i] != '-')
            return false;
    return n == 0 || (is_alphanumeric(s[0]) && is_alphanumeric(s[n - 1]));
}

static bool is_port(const char *s)
{
    uint32_t n = 0;
    const char *at = s;
    for (; *at >= '0' && *at <= '9' && n <= UINT16_MAX; at++)
        n = 10 * n + (uint32_t)(*at - '0');
    return at > s && *at == '\0' && n <= UINT16_MAX;
}

static enum weft_code check_brokers(const struct bundle_strings *brokers, struct weft_err *e)
{
    for (size_t i = 0; i < brokers->count; i++) {
        const char *broker = brokers->at[i], *colon = strchr(broker, ':');
        if (colon == NULL || !is_host(broker, (size_t)(colon - broker)) || !is_port(colon + 1))
            return WEFT_FAIL(e, WEFT_INVALID, "Invalid broker entry: %.200s", broker);
    }
    return WEFT_OK;
}

enum weft_code bundle_read_orderer(struct bundle *b, const struct config_item *group,
                                   struct weft_err *e)
{
    struct bundle_orderer *o = arena_alloc(&b->arena, sizeof(*o));
    struct orderer_texts t = { 0 };
    enum weft_code rc = read_values(b, group, o, &t, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "failed to deserialize values");
    WEFT_TRY(check_batch_size(o, e));
    WEFT_TRY(check_batch_timeout(t.batch_timeout, o, e));
    WEFT_TRY(check_brokers(&t.brokers, e));
    WEFT_TRY(bundle_read_orgs(b, group, ORG_ORDERER, &o->orgs, &o->org_count, e));
    b->orderer = o;
    return WEFT_OK;
}
