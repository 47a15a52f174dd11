#include "gossip/leader_election.h"

#include "base/log.h"

LOG_DEFINE(logger, "gossip.election");

static const struct sm_state states[ELECTION_NR] = {
    [ELECTION_STOPPED] = { "STOPPED", SM_BIT(ELECTION_SETTLING) },
    [ELECTION_SETTLING] = { "SETTLING", SM_BIT(ELECTION_ELECTING) | SM_BIT(ELECTION_FOLLOWING) |
                                            SM_BIT(ELECTION_STOPPED) },
    [ELECTION_ELECTING] = { "ELECTING", SM_BIT(ELECTION_LEADING) | SM_BIT(ELECTION_FOLLOWING) |
                                            SM_BIT(ELECTION_STOPPED) },
    [ELECTION_FOLLOWING] = { "FOLLOWING", SM_BIT(ELECTION_ELECTING) | SM_BIT(ELECTION_FOLLOWING) |
                                              SM_BIT(ELECTION_STOPPED) },
    [ELECTION_LEADING] = { "LEADING", SM_BIT(ELECTION_FOLLOWING) | SM_BIT(ELECTION_STOPPED) },
};

void leader_election_init(struct leader_election *l, const struct leader_election_config *config,
                          const struct leader_election_deps *deps, void *ctx)
{
    *l = (struct leader_election){ .sm = { "leader_election", states, ELECTION_STOPPED },
                                   .config = config,
                                   .deps = deps,
                                   .ctx = ctx };
}

/* ---- what it turns to ---------------------------------------------------------------------- */

static bool yields(const struct leader_election *l, int64_t now_ns)
{
    return l->yields_until_ns != 0 && now_ns < l->yields_until_ns;
}

static void follow(struct leader_election *l)
{
    sm_move(&l->sm, ELECTION_FOLLOWING);
    l->best_len = 0;
    l->leader_exists = false;
    l->deps->report(l->ctx, false);
    l->deps->wait(l->ctx, l->config->alive_ns);
}

/* As leader: says so, and soon again. */
static void declare(struct leader_election *l)
{
    l->deps->send(l->ctx, true);
    l->deps->report(l->ctx, true);
    l->deps->wait(l->ctx, l->config->alive_ns / 2);
}

/* A round: an election if no leader is known. */
static void begin_round(struct leader_election *l, int64_t now_ns)
{
    if (l->leader_exists)
        l->yields_until_ns = 0;
    if (l->leader_exists || yields(l, now_ns)) {
        follow(l);
        return;
    }
    sm_move(&l->sm, ELECTION_ELECTING);
    l->deps->send(l->ctx, false);
    l->deps->wait(l->ctx, l->config->election_ns);
}

static void end_election(struct leader_election *l)
{
    struct bytes best = bytes_of(l->best, l->best_len);
    if (l->leader_exists)
        LOG_INFO(&logger, "%s : Some peer is already a leader", l->config->name);
    if (l->leader_exists || (best.len > 0 && bytes_cmp(best, l->config->id) < 0)) {
        follow(l);
        return;
    }
    LOG_INFO(&logger, "%s : Becoming a leader", l->config->name);
    sm_move(&l->sm, ELECTION_LEADING);
    l->leader_exists = true;
    l->deps->leads(l->ctx, true);
    declare(l);
}

static void stop_leading(struct leader_election *l)
{
    LOG_INFO(&logger, "%s Stopped being a leader", l->config->name);
    l->deps->leads(l->ctx, false);
}

/* ---- events ------------------------------------------------------------------------------------ */

void leader_election_start(struct leader_election *l, int64_t now_ns)
{
    sm_move(&l->sm, ELECTION_SETTLING);
    l->settled_by_ns = now_ns + l->config->grace_ns;
    l->view = l->deps->peers(l->ctx);
    l->deps->wait(l->ctx, l->config->sample_ns);
}

void leader_election_stop(struct leader_election *l)
{
    if (l->sm.state == ELECTION_STOPPED)
        return;
    if (leader_election_leads(l))
        stop_leading(l);
    sm_move(&l->sm, ELECTION_STOPPED);
}

static void look_round(struct leader_election *l, int64_t now_ns)
{
    size_t view = l->deps->peers(l->ctx);
    if (view == l->view || now_ns > l->settled_by_ns || l->leader_exists) {
        begin_round(l, now_ns);
        return;
    }
    l->view = view;
    l->deps->wait(l->ctx, l->config->sample_ns);
}

void leader_election_timer(struct leader_election *l, int64_t now_ns)
{
    switch ((enum leader_election_state)l->sm.state) {
    case ELECTION_SETTLING:
        look_round(l, now_ns);
        break;
    case ELECTION_ELECTING:
        end_election(l);
        break;
    case ELECTION_FOLLOWING:
        begin_round(l, now_ns);
        break;
    case ELECTION_LEADING:
        declare(l);
        break;
    case ELECTION_STOPPED:
    case ELECTION_NR:
        break;
    }
}

static void note_proposal(struct leader_election *l, struct bytes from)
{
    if (from.len > LEADER_ID_MAX || from.len == 0)
        return;
    if (l->best_len > 0 && bytes_cmp(bytes_of(l->best, l->best_len), from) <= 0)
        return;
    memcpy(l->best, from.data, from.len);
    l->best_len = from.len;
}

void leader_election_message(struct leader_election *l, struct bytes from, bool is_declaration)
{
    if (l->sm.state == ELECTION_STOPPED)
        return;
    if (!is_declaration) {
        note_proposal(l, from);
        return;
    }
    l->leader_exists = true;
    if (l->sm.state == ELECTION_ELECTING) {
        end_election(l);
    } else if (leader_election_leads(l)) {
        if (bytes_cmp(from, l->config->id) < 0) {
            stop_leading(l);
            follow(l);
        } else {
            declare(l); /* both believe they lead: the other one hears of us at once */
        }
    }
}

void leader_election_yield(struct leader_election *l, int64_t now_ns)
{
    if (!leader_election_leads(l))
        return;
    l->yields_until_ns = now_ns + 6 * l->config->alive_ns;
    stop_leading(l);
    follow(l);
}
