#include "validation_replay.h"

#include "bundle/bundle.h"
#include "crypto/key_tables.h"
#include "os/jobs.h"
#include "proto/block.h"
#include "validation/block_validation.h"
#include "validation/config_apply.h"
#include "validation/tx_validator.h"

#include <poll.h>

enum {
    WORKERS_MAX = 16
};

/* A worker's: its lane, and the parts that are its. */
struct share {
    struct job job;
    struct replay *r;
    struct validation_lane *lane;
    size_t first;
};

struct replay {
    struct map_state *state;
    struct bundle *bundle, *next;
    struct key_tables *tables;
    struct tx_validator *tv;
    struct block_validation *v;
    unsigned workers;
    struct jobs *pool;
    struct mailbox *back;
    struct share shares[WORKERS_MAX];
    unsigned done;
};

static enum weft_code apply_config(void *ctx, const struct block *b, size_t tx, struct weft_err *e)
{
    struct replay *r = ctx;
    bundle_unref(r->next);
    r->next = NULL;
    return config_apply(r->bundle, b->v.txs.at[tx], &r->next, e);
}

static void count_done(struct mail *m, void *owner)
{
    (void)m;
    ((struct replay *)owner)->done++;
}

static void drop(struct mail *m)
{
    (void)m;
}

/* Every n-th part; the lanes' order is no concern of anybody's. */
static void run_share(struct job *j)
{
    struct share *s = (struct share *)j;
    for (size_t i = s->first; i < block_validation_parts(s->r->v); i += s->r->workers)
        block_validation_run(s->r->v, i, s->lane);
}

static void run_shares(struct replay *r)
{
    r->done = 0;
    for (unsigned i = 0; i < r->workers; i++) {
        struct share *s = &r->shares[i];
        s->job = (struct job){ .run = run_share,
                               .back = r->back,
                               .mail = { .handle = count_done, .drop = drop } };
        if (!jobs_submit(r->pool, &s->job))
            WEFT_ASSERT(false);
    }
    while (r->done < r->workers) {
        struct pollfd p = { .fd = mailbox_fd(r->back), .events = POLLIN };
        (void)poll(&p, 1, -1);
        (void)mailbox_drain(r->back, r, r->workers);
    }
}

struct replay *replay_new(struct block *genesis, unsigned workers)
{
    struct replay *r = weft_alloc(sizeof(*r));
    struct weft_err e;
    r->state = map_state_new();
    r->tables = key_tables_new(&(struct key_tables_config){ .threshold = 4, .unpaid = true });
    r->tv = tx_validator_new(&(struct tx_validator_deps){ .ctx = r, .apply_config = apply_config });
    r->workers = workers;
    if (workers > 0) {
        r->pool = jobs_new("validate", workers, workers);
        r->back = mailbox_new("validated", workers);
    }
    for (unsigned i = 0; i < workers + 1; i++)
        r->shares[i] =
            (struct share){ .r = r, .lane = validation_lane_new(r->tables, 100), .first = i };
    uint8_t code = 0;
    struct digest none;
    if (bundle_of_block(&genesis->v, &r->bundle, &e) != WEFT_OK)
        WEFT_ASSERT(false);
    r->v = block_validation_new(genesis, r->bundle);
    block_validation_run_all(r->v, r->shares[0].lane);
    if (replay_commit(r, &code, &none, &e) != WEFT_OK)
        WEFT_ASSERT(false);
    return r;
}

void replay_free(struct replay *r)
{
    if (r == NULL)
        return;
    jobs_free(r->pool);
    mailbox_free(r->back);
    for (unsigned i = 0; i < r->workers + 1; i++)
        validation_lane_free(r->shares[i].lane);
    tx_validator_free(r->tv);
    block_validation_free(r->v);
    bundle_unref(r->next);
    bundle_unref(r->bundle);
    map_state_free(r->state);
    key_tables_free(r->tables);
    free(r);
}

struct map_state *replay_state(struct replay *r)
{
    return r->state;
}

struct bundle *replay_bundle(struct replay *r)
{
    return r->bundle;
}

enum weft_code replay_validate(struct replay *r, struct block *b, uint8_t *codes,
                               struct weft_err *e)
{
    block_validation_free(r->v);
    r->v = block_validation_new(b, r->bundle);
    if (r->workers > 0)
        run_shares(r);
    else
        block_validation_run_all(r->v, r->shares[0].lane);
    return tx_validator_decide(r->tv, r->v, map_state_view(r->state), codes, e);
}

enum weft_code replay_commit(struct replay *r, uint8_t *codes, struct digest *ret_hash,
                             struct weft_err *e)
{
    WEFT_TRY(map_state_commit(r->state, r->v, codes, ret_hash, e));
    if (r->next == NULL)
        return WEFT_OK;
    bundle_unref(r->bundle);
    r->bundle = WEFT_TAKE(r->next);
    return WEFT_OK;
}
