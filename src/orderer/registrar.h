/* registrar.h - all channels of an orderer: opened, made, joined, removed.
 *
 *     registrar_open      reads the folder; block 0 of BootstrapFile if it is empty
 *     registrar_fill      a net loop's table of what there is
 *     registrar_start     a thread a channel
 *       ... the system channel's thread asks for a new channel, by mail:
 *           ledger, block 0, thread; then all net loops know it; then it goes on
 *     registrar_stop      all pending messages into blocks, all threads joined
 *
 * The system channel is the one whose configuration has Consortiums; it makes
 * other channels, and there is at most one.  Without it channels are joined:
 * somebody brings their block 0.
 *
 * A channel's configuration is that of its last config block, which its newest
 * block names.  One whose consensus we cannot take part in is served read-only.
 *
 * Go origin   orderer/common/multichannel/registrar.go
 *             orderer/common/server/main.go initializeBootstrapChannel extractSystemChannel
 * Differs     an empty ledger is passed over, where Go panics; join and remove as
 *             in later releases; nothing is replicated from other orderers
 * Owner       main; create_channel: the system channel's thread, which waits for main
 * Memory      everything of the channels, until registrar_free
 * Limits      LIMIT_CHANNELS
 */
#ifndef WEFT_ORDERER_REGISTRAR_H
#define WEFT_ORDERER_REGISTRAR_H

#include "orderer/chain_thread.h"

struct orderer_config;
struct registrar;

struct registrar_config {
    const struct orderer_config *orderer;
    const struct signing_identity *signer;
    struct metrics *metrics; /* may be NULL */
    struct mailbox *mb;      /* main's, which drains it with the registrar as owner */
    void *ctx;
    enum weft_code (*reprocess)(void *ctx, const struct bundle *bundle, enum order_kind kind,
                                struct bytes envelope, struct net_msg **ret, struct weft_err *e);
    /* On main: a ledger failed, the process is to end. */
    void (*failed)(void *ctx, const struct weft_err *why);
};

/* Errors have the words of the original's panics. */
enum weft_code registrar_open(const struct registrar_config *config, struct registrar **ret,
                              struct weft_err *e) WEFT_MUST_CHECK;
void registrar_free(struct registrar *r);
WEFT_DEFINE_CLEANUP(struct registrar *, registrar_free)

/* Before start: what there is, into a loop's table. */
void registrar_fill(const struct registrar *r, struct orderer_channels *table);
/* The loops, which run or are about to; copied. */
enum weft_code registrar_start(struct registrar *r, const struct channel_listeners *listeners,
                               struct weft_err *e) WEFT_MUST_CHECK;
/* While the loops still run. */
void registrar_stop(struct registrar *r);
/* How many there are; any thread. */
size_t registrar_channels(const struct registrar *r);
/* A line a channel into the log. */
void registrar_report(const struct registrar *r);

/* False: a channel that was in order takes nothing any more, e says which and why. */
bool registrar_is_well(const struct registrar *r, struct weft_err *e);

/* ---- channel participation (2.3 and later), on main ---------------------------------------- */

/* What may go wrong: the code says which HTTP status (in brackets). */
enum participation {
    PARTICIPATION_OK,
    PARTICIPATION_SYSTEM_CHANNEL_EXISTS, /* (405) "system channel exists" */
    PARTICIPATION_CHANNEL_EXISTS,        /* (405) "channel already exists" */
    PARTICIPATION_APP_CHANNELS_EXIST,    /* (403) "application channels already exist" */
    PARTICIPATION_NO_SUCH_CHANNEL,       /* (404) "channel does not exist" */
    PARTICIPATION_REFUSED,               /* (400) anything else */
};

struct channel_info {
    char *name;
    bool is_system;
    const char *relation; /* consensusRelation: "consenter", "other", "config-tracker" */
    const char *status;   /* "active", "inactive" */
    uint64_t height;
};
struct channel_infos {
    struct channel_info *at;
    size_t count;
};
void channel_infos_done(struct channel_infos *l);
WEFT_DEFINE_CLEANUP_IN_PLACE(struct channel_infos, channel_infos_done)

/* All of them, or the one named `only`: none if there is no such. */
void registrar_list(const struct registrar *r, const char *only, struct channel_infos *ret);
/* Joins a channel with its block 0.  e has the words. */
enum participation registrar_join(struct registrar *r, const char *id, struct bytes block,
                                  struct weft_err *e) WEFT_MUST_CHECK;
/* Ends the channel, and removes its ledger. */
enum participation registrar_remove(struct registrar *r, const char *id,
                                    struct weft_err *e) WEFT_MUST_CHECK;

#endif
