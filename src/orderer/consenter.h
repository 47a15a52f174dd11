/* consenter.h - how the messages of a channel get their order.
 *
 * A chain gives accepted messages to its consenter; the consenter decides when
 * which of them become a block, and calls back to have it written.
 *
 *     chain                                    consenter
 *     ops->order(message)  ------------------>
 *                          <------------------ support->write(batch, metadata)
 *                          <------------------ support->accepted(message)
 *     ops->timer()         ------------------>
 *                          <------------------ support->write(...)
 *
 * Three of them: solo, etcdraft with a single consenter (both order here and at
 * once), and "inactive", for channels whose consensus we can't take part in.  A
 * consenter that asks other nodes keeps the message, and calls write when they
 * have agreed.
 *
 * Everything is stepped: there is no thread, clock or socket in a consenter.
 *
 * Go origin   orderer/consensus/consensus.go Consenter Chain ConsenterSupport
 * Owner       chain:<id>
 * Memory      a consenter belongs to its chain
 */
#ifndef WEFT_ORDERER_CONSENTER_H
#define WEFT_ORDERER_CONSENTER_H

#include "orderer/block_cutter.h"
#include "orderer/order_request.h"
#include "orderer/raft_files.h"

struct bundle;
struct consenter;
struct x509_cert;

/* A message on its way into a block. */
struct order_item {
    enum order_kind kind;
    struct ordered_message message; /* given away with order */
    uint64_t config_sequence;       /* under which it was filtered */
    struct order_request *request;  /* who waits for the answer; NULL: nobody (replay) */
};

/* What a consenter gets from its chain.  Nothing here calls the consenter back,
 * but write_config: its configured. */
struct consenter_support {
    void *ctx;
    const char *channel;
    struct block_cutter *cutter;
    const struct bundle *(*bundle)(void *ctx); /* in force */
    uint64_t (*last_block)(void *ctx);         /* number of the newest one */
    /* What the consenter wrote into a block that is stored; appended. */
    enum weft_code (*metadata)(void *ctx, uint64_t number, struct buf *ret, struct weft_err *e);
    /* Runs the filters on the item again, as its configuration is no longer in
     * force; a config message becomes another one.  Not OK: `item` is as before. */
    enum weft_code (*reprocess)(void *ctx, struct order_item *item, struct weft_err *e);
    /* The next block; takes the batch.  `metadata` is the consenter's own. */
    void (*write)(void *ctx, struct batch *batch, struct bytes metadata, uint64_t now_ns);
    /* The same with a config message, which takes effect, or makes a channel.
     * WEFT_INVALID, WEFT_UNAVAILABLE: it does not fit, and there is no block. */
    enum weft_code (*write_config)(void *ctx, struct net_msg *config, struct bytes metadata,
                                   uint64_t now_ns, struct weft_err *e);
    /* The item will be in exactly one block: its client gets to know once that
     * is durable. */
    void (*accepted)(void *ctx, struct order_item *item);
    /* It won't. */
    void (*refused)(void *ctx, struct order_item *item, enum weft_code rc,
                    const struct weft_err *why);
    /* ops->timer at this time; 0: not any more. */
    void (*set_timer)(void *ctx, uint64_t at_ns);
};

/* What channel participation shows, and what Broadcast and Deliver go by. */
struct consenter_status {
    const char *relation; /* "other" (solo), "consenter", "config-tracker"; a literal */
    const char *status;   /* "active", "inactive"; a literal */
    bool is_errored;      /* Deliver: SERVICE_UNAVAILABLE */
    const char *refuses;  /* Broadcast: SERVICE_UNAVAILABLE, why; NULL: takes messages */
    struct raft_place raft;
};

struct consenter_ops {
    void (*start)(struct consenter *c, uint64_t now_ns);
    /* Ends in support->accepted or ->refused, now or later. */
    void (*order)(struct consenter *c, struct order_item *item, uint64_t now_ns);
    void (*timer)(struct consenter *c, uint64_t now_ns);
    /* Another configuration is in force. */
    void (*configured)(struct consenter *c, uint64_t now_ns);
    /* The process ends: whatever waits becomes a block now, if it can. */
    void (*flush)(struct consenter *c, uint64_t now_ns);
    void (*status)(const struct consenter *c, struct consenter_status *ret);
    void (*free)(struct consenter *c);
};

struct consenter {
    const struct consenter_ops *ops;
    struct consenter_support support;
};

static inline void consenter_free(struct consenter *c)
{
    if (c != NULL)
        c->ops->free(c);
}
WEFT_DEFINE_CLEANUP(struct consenter *, consenter_free)

/* What a new consenter is given besides its support. */
struct consenter_config {
    struct bytes last_metadata;      /* the consenter's own, in the newest block */
    uint64_t raft_index;             /* at least there was the end of Raft's log; 0: nobody knows */
    const struct x509_cert *cluster; /* our certificate as a server of the cluster; or NULL */
};

/* The one that the configuration in force asks for.  WEFT_INVALID: "etcdraft options
 * have not been provided".  A type that we don't know is inactive. */
enum weft_code consenter_new(const struct consenter_support *support,
                             const struct consenter_config *config, struct consenter **ret,
                             struct weft_err *e) WEFT_MUST_CHECK;

struct consenter *consenter_solo_new(const struct consenter_support *support);
enum weft_code consenter_etcdraft_new(const struct consenter_support *support,
                                      const struct consenter_config *config, struct consenter **ret,
                                      struct weft_err *e) WEFT_MUST_CHECK;
/* Says `why` to everybody; copied. */
struct consenter *consenter_inactive_new(const struct consenter_support *support, const char *why);

#endif
