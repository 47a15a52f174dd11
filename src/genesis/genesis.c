#include "genesis/genesis.h"

#include "channel/config_update.h"
#include "crypto/random.h"
#include "genesis/config_encoder.h"
#include "proto/block.h"
#include "proto/envelope.h"
#include "proto/wire.h"

enum {
    NONCE_BYTES = 24
};

/* ---- envelopes ---------------------------------------------------------------------------------------- */

/* ChannelHeader { 1 type, 2 version, 3 timestamp, 4 channel_id, 5 tx_id } */
static void put_channel_header(struct buf *out, enum header_type type, uint64_t version,
                               const char *channel_id, const char *tx_id, int64_t now_s)
{
    WEFT_CLEANUP(buf_done) struct buf stamp = { 0 };
    wire_put_varint(&stamp, 1, (uint64_t)now_s);
    wire_put_varint(out, 1, (uint64_t)type);
    if (version != 0)
        wire_put_varint(out, 2, version);
    wire_put_bytes(out, 3, buf_bytes(&stamp));
    wire_put_bytes(out, 4, bytes_of_str(channel_id));
    if (tx_id != NULL)
        wire_put_bytes(out, 5, bytes_of_str(tx_id));
}

/* Envelope { payload { header { channel, signature }, data } }, without a signature. */
static void put_envelope(struct buf *out, const struct buf *channel, const struct buf *signature,
                         const struct buf *data)
{
    WEFT_CLEANUP(buf_done) struct buf header = { 0 };
    WEFT_CLEANUP(buf_done) struct buf payload = { 0 };
    wire_put_bytes(&header, 1, buf_bytes(channel));
    if (signature != NULL)
        wire_put_bytes(&header, 2, buf_bytes(signature));
    wire_put_bytes(&payload, 1, buf_bytes(&header));
    wire_put_bytes(&payload, 2, buf_bytes(data));
    wire_put_bytes(out, 1, buf_bytes(&payload));
}

/* ---- the first block ------------------------------------------------------------------------------------ */

static enum weft_code check_foreign(const struct configtx_orgs *orgs, struct weft_err *e)
{
    for (size_t i = 0; i < orgs->count; i++)
        if (orgs->at[i].skip_as_foreign)
            return WEFT_FAIL(e, WEFT_INVALID,
                             "all org definitions must be local during bootstrapping: organization "
                             "'%s' is marked to be skipped as foreign",
                             orgs->at[i].name);
    return WEFT_OK;
}

static enum weft_code check_local(const struct configtx_profile *p, struct weft_err *e)
{
    if (p->orderer != NULL)
        WEFT_TRY(check_foreign(&p->orderer->orgs, e));
    if (p->application != NULL)
        WEFT_TRY(check_foreign(&p->application->orgs, e));
    for (size_t i = 0; i < p->consortium_count; i++)
        WEFT_TRY(check_foreign(&p->consortiums[i].orgs, e));
    return WEFT_OK;
}

/* CONFIG, header version 1; its id is of the nonce alone, since nobody made it. */
static enum weft_code put_config(struct buf *out, const struct buf *group, const char *channel_id,
                                 int64_t now_s, struct weft_err *e)
{
    uint8_t nonce[NONCE_BYTES];
    char tx_id[TX_ID_LEN + 1];
    WEFT_CLEANUP(buf_done) struct buf config = { 0 };
    WEFT_CLEANUP(buf_done) struct buf envelope = { 0 };
    WEFT_CLEANUP(buf_done) struct buf channel = { 0 };
    WEFT_CLEANUP(buf_done) struct buf signature = { 0 };
    WEFT_TRY(random_bytes(nonce, sizeof(nonce), e));
    tx_id_compute(bytes_of(nonce, sizeof(nonce)), bytes_of(NULL, 0), tx_id);
    wire_put_bytes(&config, 2, buf_bytes(group));
    wire_put_bytes(&envelope, 1, buf_bytes(&config));
    put_channel_header(&channel, HEADER_CONFIG, 1, channel_id, tx_id, now_s);
    wire_put_bytes(&signature, 2, bytes_of(nonce, sizeof(nonce)));
    put_envelope(out, &channel, &signature, &envelope);
    return WEFT_OK;
}

static enum weft_code bootstrap_group(const struct configtx_profile *p, struct arena *arena,
                                      struct config_item **ret, struct weft_err *e)
{
    WEFT_TRY(check_local(p, e));
    enum weft_code rc = config_encode_channel(p, arena, ret, e);
    return rc == WEFT_OK ? rc : weft_err_wrap(e, rc, "could not create channel group");
}

enum weft_code genesis_block(const struct configtx_profile *p, const char *channel_id,
                             int64_t now_s, struct buf *out, struct weft_err *e)
{
    static const uint8_t no_last_config[] = { 0x0a, 0x02, 0x0a, 0x00 };
    WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
    WEFT_CLEANUP(block_view_done) struct block_view v = { 0 };
    WEFT_CLEANUP(buf_done) struct buf group = { 0 };
    WEFT_CLEANUP(buf_done) struct buf envelope = { 0 };
    struct config_item *root = NULL;
    enum weft_code rc = bootstrap_group(p, &arena, &root, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "could not create bootstrapper");
    if (p->orderer == NULL)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "refusing to generate block which is missing orderer section");
    config_group_encode(root, &group);
    WEFT_TRY(put_config(&envelope, &group, channel_id, now_s, e));
    v.has_header = v.has_data = v.has_metadata = true;
    bytes_list_add(&v.txs, buf_bytes(&envelope));
    bytes_list_add(&v.slots, bytes_of(no_last_config, sizeof(no_last_config)));
    while (v.slots.count < BLOCK_SLOT_NR)
        bytes_list_add(&v.slots, bytes_of(NULL, 0));
    struct digest hash = block_data_hash(&v);
    v.data_hash = digest_bytes(&hash);
    block_encode(&v, out);
    return WEFT_OK;
}

/* ---- updates ------------------------------------------------------------------------------------------------ */

static void put_update(struct buf *out, struct config_update_view *u, const char *channel_id,
                       int64_t now_s)
{
    WEFT_CLEANUP(buf_done) struct buf update = { 0 };
    WEFT_CLEANUP(buf_done) struct buf envelope = { 0 };
    WEFT_CLEANUP(buf_done) struct buf channel = { 0 };
    u->channel_id = bytes_of_str(channel_id);
    config_update_encode(u, &update);
    wire_put_bytes(&envelope, 1, buf_bytes(&update));
    put_channel_header(&channel, HEADER_CONFIG_UPDATE, 0, channel_id, NULL, now_s);
    put_envelope(out, &channel, NULL, &envelope);
}

static struct config_item *group_of(struct config_item *parent, const char *name)
{
    return (struct config_item *)config_group_find(parent, CONFIG_ITEM_GROUP, bytes_of_str(name));
}

/* The profile without what its Application section says besides its members. */
static enum weft_code default_template(const struct configtx_profile *p, struct arena *arena,
                                       struct config_item **ret, struct weft_err *e)
{
    enum weft_code rc = config_encode_channel(p, arena, ret, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(
            e, rc, "could not generate default config template: error parsing configuration");
    struct config_item *application = group_of(*ret, "Application");
    if (application == NULL)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "could not generate default config template: channel template configs "
                         "must contain an application section");
    for (size_t i = application->count; i-- > 0;) {
        const struct config_item *m = application->members[i];
        WEFT_FREE char *name = bytes_dup_str(m->name);
        if (m->kind != CONFIG_ITEM_GROUP)
            config_encode_remove(application, m->kind, name, arena);
    }
    return WEFT_OK;
}

/* What the orderer will start from: the system channel, and the consortium's members. */
static enum weft_code template_from(const struct configtx_profile *p,
                                    const struct configtx_profile *base, struct arena *arena,
                                    struct config_item **ret, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf name = { 0 };
    struct config_item *root = NULL;
    enum weft_code rc = config_encode_channel(base, arena, &root, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "could not parse system channel config");
    struct config_item *all = group_of(root, "Consortiums");
    struct config_item *consortium = all != NULL ? group_of(all, p->consortium) : NULL;
    if (all == NULL)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "could not create config template: supplied system channel group does not "
                         "appear to be system channel (missing consortiums group)");
    if (consortium == NULL)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "could not create config template: supplied system channel group is "
                         "missing '%s' consortium",
                         p->consortium);
    if (p->application == NULL)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "could not create config template: supplied channel creation profile does "
                         "not contain an application section");
    struct config_item *application = arena_alloc(arena, sizeof(*application));
    struct config_item *admins = arena_alloc(arena, sizeof(*admins));
    *application =
        (struct config_item){ .kind = CONFIG_ITEM_GROUP, .name = bytes_of_str("Application") };
    *admins = (struct config_item){ .kind = CONFIG_ITEM_POLICY, .name = bytes_of_str("Admins") };
    config_encode_put(application, admins, arena);
    for (size_t i = 0; i < p->application->orgs.count; i++) {
        struct config_item *org = group_of(consortium, p->application->orgs.at[i].name);
        if (org == NULL)
            return WEFT_FAIL(e, WEFT_INVALID,
                             "could not create config template: consortium %s does not contain "
                             "member org %s",
                             p->consortium, p->application->orgs.at[i].name);
        config_encode_put(application, org, arena);
    }
    config_encode_remove(root, CONFIG_ITEM_GROUP, "Consortiums", arena);
    config_encode_put(root, application, arena);
    wire_put_bytes(&name, 1, bytes_of_str(p->consortium));
    config_encode_put(root, config_encode_value("Consortium", buf_bytes(&name), "Admins", arena),
                      arena);
    *ret = root;
    return WEFT_OK;
}

/* The consortium stands in both sets, whatever changes. */
static void name_consortium(struct config_update_view *u, const char *consortium,
                            struct arena *arena)
{
    WEFT_CLEANUP(buf_done) struct buf name = { 0 };
    struct config_item *read = (struct config_item *)u->read_set; /* they lie in our arena */
    struct config_item *write = (struct config_item *)u->write_set;
    wire_put_bytes(&name, 1, bytes_of_str(consortium));
    config_encode_put(read, config_encode_value("Consortium", bytes_of(NULL, 0), "", arena), arena);
    config_encode_put(write, config_encode_value("Consortium", buf_bytes(&name), "", arena), arena);
}

enum weft_code genesis_channel_tx(const struct configtx_profile *p,
                                  const struct configtx_profile *base, const char *channel_id,
                                  int64_t now_s, struct buf *out, struct weft_err *e)
{
    WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
    struct config_item *template = NULL, *wanted = NULL;
    struct config_update_view u = { 0 };
    static const char failed[] = "config update generation failure";
    WEFT_TRY(base != NULL ? template_from(p, base, &arena, &template, e)
                          : default_template(p, &arena, &template, e));
    if (p->application == NULL)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "%s: cannot define a new channel with no Application section", failed);
    if (p->consortium[0] == '\0')
        return WEFT_FAIL(e, WEFT_INVALID,
                         "%s: cannot define a new channel with no Consortium value", failed);
    enum weft_code rc = config_encode_channel(p, &arena, &wanted, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "%s: could not turn parse profile into channel group", failed);
    rc = config_update_compute(template, wanted, &arena, &u, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "%s: could not compute update", failed);
    name_consortium(&u, p->consortium, &arena);
    put_update(out, &u, channel_id, now_s);
    return WEFT_OK;
}

enum weft_code genesis_anchor_update(const struct configtx_profile *p, const char *org,
                                     const char *channel_id, int64_t now_s, struct buf *out,
                                     struct weft_err *e)
{
    WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
    struct config_item *before = NULL, *after = NULL;
    struct config_update_view u = { 0 };
    if (p->application == NULL)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "cannot update anchor peers without an application section");
    enum weft_code rc = config_encode_channel(p, &arena, &before, e);
    if (rc == WEFT_OK)
        rc = config_encode_channel(p, &arena, &after, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "error parsing profile as channel group");
    group_of(before, "Application")->version = 1; /* as the channel's creation left it */
    group_of(after, "Application")->version = 1;
    struct config_item *own = group_of(group_of(before, "Application"), org);
    if (own == NULL)
        return WEFT_FAIL(e, WEFT_NOT_FOUND, "org with name '%s' does not exist in config", org);
    if (config_group_find(own, CONFIG_ITEM_VALUE, bytes_of_str("AnchorPeers")) == NULL)
        return WEFT_FAIL(e, WEFT_NOT_FOUND, "org '%s' does not have any anchor peers defined", org);
    config_encode_remove(own, CONFIG_ITEM_VALUE, "AnchorPeers", &arena);
    rc = config_update_compute(before, after, &arena, &u, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "could not compute update");
    put_update(out, &u, channel_id, now_s);
    return WEFT_OK;
}

enum weft_code genesis_org(const struct configtx_org *org, struct buf *out, struct weft_err *e)
{
    WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
    struct config_item *group = NULL;
    enum weft_code rc = config_encode_orderer_org(org, &arena, &group, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "bad org definition for org %s", org->name);
    config_group_encode(group, out);
    return WEFT_OK;
}
