/* Joining and leaving channels without a system channel.
 *
 * Go origin   orderer/common/channelparticipation/validator.go
 *             orderer/common/multichannel/registrar.go JoinChannel
 */
#include "base/log.h"
#include "bundle/bundle.h"
#include "ledger/block_store.h"
#include "orderer/registrar_private.h"
#include "os/dirs.h"
#include "os/file.h"
#include "proto/block.h"
#include "proto/envelope.h"

#include <inttypes.h>
#include <unistd.h>

LOG_DEFINE(logger, "orderer.commmon.multichannel");

void channel_infos_done(struct channel_infos *l)
{
    for (size_t i = 0; i < l->count; i++)
        free(l->at[i].name);
    free(l->at);
    *l = (struct channel_infos){ 0 };
}

void registrar_list(const struct registrar *r, const char *only, struct channel_infos *ret)
{
    *ret = (struct channel_infos){ .at = weft_alloc((r->count + 1) * sizeof(*ret->at)) };
    for (size_t i = 0; i < r->count; i++) {
        const struct chain_thread *t = r->chains[i];
        if (only != NULL && strcmp(only, chain_thread_id(t)) != 0)
            continue;
        ret->at[ret->count++] = (struct channel_info){
            .name = weft_strdup(chain_thread_id(t)),
            .is_system = chain_thread_is_system(t),
            .relation = chain_thread_relation(t),
            .status = chain_thread_condition(t),
            .height = block_store_height(chain_thread_store(t)),
        };
    }
}

/* ---- join ------------------------------------------------------------------------------------ */

static bool is_config_block(const struct block_view *v)
{
    struct envelope_headers h;
    return v->txs.count == 1 && envelope_headers_parse(v->txs.at[0], &h, NULL) == WEFT_OK &&
           (h.channel.type == HEADER_CONFIG || h.channel.type == HEADER_ORDERER_TRANSACTION);
}

static enum weft_code check_block(const char *id, const struct block_view *v, struct bundle **ret,
                                  struct weft_err *e)
{
    WEFT_CLEANUP(bundle_unref) struct bundle *b = NULL;
    if (!v->has_header || !is_config_block(v))
        return WEFT_FAIL(e, WEFT_INVALID, "block is not a config block");
    WEFT_TRY(bundle_of_envelope(v->txs.at[0], &b, e));
    if (strcmp(bundle_channel_id(b), id) != 0)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "config block channelID [%s] does not match passed channelID [%s]",
                         bundle_channel_id(b), id);
    if (bundle_consortiums(b) == NULL && bundle_application(b) == NULL)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "invalid config: must have at least one of application or consortiums");
    *ret = WEFT_TAKE(b);
    return WEFT_OK;
}

static enum weft_code check_joinable(const struct block_view *v, const struct bundle *b,
                                     struct weft_err *e)
{
    struct digest hash = block_data_hash(v);
    enum weft_code rc = registrar_check_bundle(b, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc,
                             "failed creating ledger resources: error checking bundle for channel: "
                             "%s",
                             bundle_channel_id(b));
    if (v->number > 0)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "the join block has number %" PRIu64
                         ": this version does not replicate channels from other orderers",
                         v->number);
    if (v->previous_hash.len > 0 || !bytes_eq(v->data_hash, digest_bytes(&hash)))
        return WEFT_FAIL(e, WEFT_INVALID, "the join block's hashes are not those of its content");
    return WEFT_OK;
}

static enum weft_code join(struct registrar *r, const struct block_view *v, struct bundle *b,
                           struct weft_err *e)
{
    struct chain_thread *t = NULL;
    WEFT_TRY(check_joinable(v, b, e));
    LOG_INFO(&logger, "Joining new channel %s", bundle_channel_id(b));
    WEFT_TRY(registrar_add_new(r, b, v, &t, e));
    return registrar_announce(r, t, e);
}

enum participation registrar_join(struct registrar *r, const char *id, struct bytes block,
                                  struct weft_err *e)
{
    WEFT_CLEANUP(block_unref) struct block *parsed = NULL;
    WEFT_CLEANUP(bundle_unref) struct bundle *b = NULL;
    enum weft_code rc = block_parse(block, &parsed, e);
    if (rc != WEFT_OK) {
        WEFT_IGNORE(weft_err_wrap(e, rc, "cannot unmarshal file part config-block into a block"));
        return PARTICIPATION_REFUSED;
    }
    rc = check_block(id, &parsed->v, &b, e);
    if (rc != WEFT_OK) {
        WEFT_IGNORE(weft_err_wrap(e, rc, "invalid join block"));
        return PARTICIPATION_REFUSED;
    }
    if (r->system != NULL) {
        WEFT_IGNORE(WEFT_FAIL(e, WEFT_EXISTS, "cannot join: system channel exists"));
        return PARTICIPATION_SYSTEM_CHANNEL_EXISTS;
    }
    if (registrar_find(r, id) != NULL) {
        WEFT_IGNORE(WEFT_FAIL(e, WEFT_EXISTS, "cannot join: channel already exists"));
        return PARTICIPATION_CHANNEL_EXISTS;
    }
    if (bundle_application(b) == NULL && r->count > 0) {
        WEFT_IGNORE(WEFT_FAIL(e, WEFT_EXISTS, "cannot join: application channels already exist"));
        return PARTICIPATION_APP_CHANNELS_EXIST;
    }
    rc = join(r, &parsed->v, b, e);
    if (rc == WEFT_OK)
        return PARTICIPATION_OK;
    WEFT_IGNORE(weft_err_wrap(e, rc, "cannot join"));
    return PARTICIPATION_REFUSED;
}

/* ---- remove ------------------------------------------------------------------------------------- */

static void take_out(struct registrar *r, struct chain_thread *t)
{
    size_t i = 0;
    while (r->chains[i] != t)
        i++;
    r->chains[i] = r->chains[--r->count];
    registrar_show_count(r);
}

/* The thread ends first, so that no block comes; then the loops let go of it. */
static enum weft_code remove_channel(struct registrar *r, struct chain_thread *t,
                                     struct weft_err *e)
{
    WEFT_FREE char *id = weft_strdup(chain_thread_id(t));
    WEFT_FREE char *journal = weft_asprintf("%s/%s", r->journals, id);
    chain_thread_ask_stop(t);
    chain_thread_join(t);
    channel_news_send(&r->world.listeners,
                      &(struct channel_event){ .what = CHANNEL_REMOVED, .start = { .id = id } });
    take_out(r, t);
    enum weft_code rc = chain_thread_set_raft_aside(t, e);
    chain_thread_free(t);
    WEFT_TRY(rc);
    WEFT_TRY(block_stores_remove(r->stores, id, e));
    if (path_exists(journal) && unlink(journal) != 0)
        return WEFT_FAIL(e, WEFT_IO, "can't remove %s", journal);
    LOG_INFO(&logger, "Removed channel %s", id);
    return WEFT_OK;
}

enum participation registrar_remove(struct registrar *r, const char *id, struct weft_err *e)
{
    enum weft_code rc;
    if (r->system != NULL) {
        WEFT_IGNORE(WEFT_FAIL(e, WEFT_EXISTS, "cannot remove: system channel exists"));
        return PARTICIPATION_SYSTEM_CHANNEL_EXISTS;
    }
    struct chain_thread *t = registrar_find(r, id);
    if (t == NULL) {
        WEFT_IGNORE(WEFT_FAIL(e, WEFT_NOT_FOUND, "cannot remove: channel does not exist"));
        return PARTICIPATION_NO_SUCH_CHANNEL;
    }
    rc = remove_channel(r, t, e);
    if (rc == WEFT_OK)
        return PARTICIPATION_OK;
    WEFT_IGNORE(weft_err_wrap(e, rc, "cannot remove"));
    return PARTICIPATION_REFUSED;
}
