#include "endorser/join_block.h"

#include "base/limits.h"
#include "bundle/bundle.h"
#include "channel/config_envelope.h"
#include "endorser/go_words.h"
#include "proto/block.h"
#include "proto/envelope.h"
#include "proto/metadata.h"
#include "proto/repeated.h"

#include <common/common.pb-c.h>
#include <common/configtx.pb-c.h>

/* A block's first transaction, as far as its channel's name. */
static enum weft_code read_first(const struct block_view *v, struct payload_view *ret_payload,
                                 struct channel_header_view *ret_header, struct weft_err *e)
{
    struct envelope_view envelope;
    if (v->txs.count == 0)
        return WEFT_FAIL(e, WEFT_INVALID, "failed to retrieve channel id - block is empty");
    WEFT_TRY(go_unmarshal("Envelope", &common__envelope__descriptor, v->txs.at[0], e));
    WEFT_TRY(envelope_parse(v->txs.at[0], &envelope, e));
    WEFT_TRY(go_unmarshal("Payload", &common__payload__descriptor, envelope.payload, e));
    WEFT_TRY(payload_parse(envelope.payload, ret_payload, e));
    if (!ret_payload->has_header)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "failed to retrieve channel id - payload header is empty");
    WEFT_TRY(go_unmarshal("ChannelHeader", &common__channel_header__descriptor,
                          ret_payload->channel_header, e));
    return channel_header_parse(ret_payload->channel_header, ret_header, e);
}

/* ConfigGroup.groups: an entry { 1 key, 2 value } each. */
static enum weft_code check_groups(struct bytes group, struct weft_err *e)
{
    struct repeated groups = repeated_of(group, 2);
    struct bytes entry, key;
    bool has_application = false;
    if (groups.count == 0)
        return WEFT_FAIL(e, WEFT_INVALID, "No channel configuration groups are available");
    while (repeated_next(&groups, &entry))
        for (struct repeated k = repeated_of(entry, 1); repeated_next(&k, &key);)
            has_application |= bytes_eq(key, bytes_of_str("Application"));
    if (!has_application)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "Invalid configuration block, missing Application configuration group");
    return WEFT_OK;
}

/* The whole configuration is looked through here; the original finds out about some of it only
 * when the ledger is made already. */
static enum weft_code check_capabilities(const struct block_view *v, struct weft_err *e)
{
    static const char config_words[] = "initializing channelconfig failed: ";
    WEFT_CLEANUP(bundle_unref) struct bundle *b = NULL;
    struct weft_err why = { 0 };
    enum weft_code rc = bundle_of_block(v, &b, &why);
    if (rc == WEFT_OK)
        rc = bundle_check_supported_by_peer(b, &why);
    if (rc == WEFT_OK)
        return rc;
    bool is_config = strncmp(why.msg, config_words, sizeof(config_words) - 1) == 0;
    return WEFT_FAIL(e, rc, "Failed capabilities check: [%s%.400s]",
                     is_config ? "no valid channel configuration found: " : "",
                     is_config ? why.msg + sizeof(config_words) - 1 : why.msg);
}

static enum weft_code check_config_block(const struct block_view *v, const struct payload_view *p,
                                         const struct channel_header_view *h, struct weft_err *e)
{
    char room[HEADER_TYPE_NAME_MAX];
    struct config_envelope_view config;
    static const char bad[] = "Bad configuration envelope";
    if (h->type != HEADER_CONFIG)
        return WEFT_FAIL(e, WEFT_INVALID, "%s: invalid type %s, expected CONFIG", bad,
                         header_type_name(h->type, room));
    enum weft_code rc = go_proto_check(&common__config_envelope__descriptor, p->data, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "%s: error unmarshaling message for type CONFIG", bad);
    rc = config_envelope_parse(p->data, &config, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "%s", bad);
    if (!config.has_config)
        return WEFT_FAIL(e, WEFT_INVALID, "Nil config envelope Config");
    if (config.channel_group.data == NULL)
        return WEFT_FAIL(e, WEFT_INVALID, "Nil channel group");
    WEFT_TRY(check_groups(config.channel_group, e));
    return check_capabilities(v, e);
}

/* The block as it will be stored: five slots, every transaction valid. */
static enum weft_code with_flags(const struct block_view *v, struct block **ret, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf wire = { 0 };
    WEFT_CLEANUP(buf_done) struct buf flags = { 0 };
    struct block_view copy = *v;
    struct bytes slots[LIMIT_BLOCK_METADATA_SLOTS] = { 0 };
    size_t count = v->slots.count;
    WEFT_ASSERT(count <= LIMIT_BLOCK_METADATA_SLOTS);
    if (count > 0)
        memcpy(slots, v->slots.at, count * sizeof(slots[0]));
    if (slots[BLOCK_SLOT_FLAGS].len == 0) {
        memset(buf_reserve(&flags, v->txs.count), TX_VALID, v->txs.count);
        slots[BLOCK_SLOT_FLAGS] = bytes_of(flags.data, v->txs.count);
    }
    copy.slots =
        (struct bytes_list){ .at = slots, .count = count < BLOCK_SLOT_NR ? BLOCK_SLOT_NR : count };
    copy.has_metadata = true;
    block_encode(&copy, &wire);
    return block_parse(buf_bytes(&wire), ret, e);
}

void join_block_done(struct join_block *j)
{
    free(WEFT_TAKE(j->channel));
    block_unref(WEFT_TAKE(j->block));
}

enum weft_code join_block_read(struct bytes wire, struct join_block *ret, struct weft_err *e)
{
    WEFT_CLEANUP(block_unref) struct block *b = NULL;
    struct payload_view payload = { 0 };
    struct channel_header_view header = { 0 };
    struct weft_err why = { 0 };
    enum weft_code rc = go_unmarshal("Block", &common__block__descriptor, wire, &why);
    if (rc == WEFT_OK)
        rc = block_parse(wire, &b, &why);
    if (rc != WEFT_OK)
        return WEFT_FAIL(e, rc, "Failed to reconstruct the genesis block, %.400s", why.msg);
    rc = read_first(&b->v, &payload, &header, &why);
    if (rc != WEFT_OK)
        return WEFT_FAIL(e, rc,
                         "\"JoinChain\" request failed to extract channel id from the block due "
                         "to [%.400s]",
                         why.msg);
    WEFT_FREE char *id = bytes_dup_str(header.channel_id);
    rc = check_config_block(&b->v, &payload, &header, &why);
    if (rc != WEFT_OK)
        return WEFT_FAIL(e, rc,
                         "\"JoinChain\" for channelID = %.100s failed because of validation of "
                         "configuration block, because of %.300s",
                         id, why.msg);
    WEFT_TRY(with_flags(&b->v, &ret->block, e));
    ret->channel = WEFT_TAKE(id);
    return WEFT_OK;
}
