/* leader_election.h - which of an organisation's peers pulls a channel's blocks?
 *
 *                 start             the view is quiet            nobody better, nobody there
 *   +---------+ --------> +----------+ --------> +----------+ ----------> +---------+
 *   | STOPPED |           | SETTLING |           | ELECTING |             | LEADING |--+ declares,
 *   +---------+           +----------+           +----------+             +---------+<-+ again
 *        ^                      | a leader is known   | a leader is known,     |
 *   stop |                      v                     v somebody better        | declared by a
 *        |                 +-----------+ <------------+                        | lower id; yields
 *        +---------------- | FOLLOWING | <-------------------------------------+
 *                          +-----------+ --> ELECTING, when no leader was heard of
 *
 * Among candidates the lowest id wins, byte by byte.  A leader that yields (its orderers can't
 * be reached) keeps away from elections for six times the time after which a leader that is
 * silent counts as gone, or until there is another one.
 *
 *     alone, with the defaults: leads 6 s after the start (1 s to look round, 5 s of election)
 *
 * Go origin   gossip/election/election.go
 * Owner       the channel's thread (chan:<id>)
 * I/O         none: see struct leader_election_deps
 * Memory      the lowest id that proposed itself
 * Limits      LEADER_ID_MAX bytes of an id
 */
#ifndef WEFT_GOSSIP_LEADER_ELECTION_H
#define WEFT_GOSSIP_LEADER_ELECTION_H

#include "base/bytes.h"
#include "base/sm.h"

enum leader_election_state {
    ELECTION_STOPPED,
    ELECTION_SETTLING,
    ELECTION_ELECTING,
    ELECTION_FOLLOWING,
    ELECTION_LEADING,
    ELECTION_NR,
};

enum {
    LEADER_ID_MAX = 64, /* a PKI-ID has 32 */
};

struct leader_election_config {
    const char *name;    /* of this peer, for the log */
    struct bytes id;     /* of this peer */
    int64_t grace_ns;    /* peer.gossip.election.startupGracePeriod */
    int64_t sample_ns;   /* membershipSampleInterval */
    int64_t alive_ns;    /* leaderAliveThreshold */
    int64_t election_ns; /* leaderElectionDuration */
};

/* Calls do not re-enter the election. */
struct leader_election_deps {
    /* Own peers that are in the channel, without us. */
    size_t (*peers)(void *ctx);
    /* To all of them: a proposal or, with is_declaration, "I lead". */
    void (*send)(void *ctx, bool is_declaration);
    void (*leads)(void *ctx, bool yes);
    /* leader_election_timer after so long; a new one takes the old one's place. */
    void (*wait)(void *ctx, int64_t ns);
    /* gossip_leader_election_leader */
    void (*report)(void *ctx, bool leads);
};

struct leader_election {
    struct sm sm;
    const struct leader_election_config *config;
    const struct leader_election_deps *deps;
    void *ctx;
    bool leader_exists;
    size_t view;             /* peers at the last look */
    int64_t settled_by_ns;   /* the grace's end */
    int64_t yields_until_ns; /* 0: does not yield */
    size_t best_len;         /* the lowest id that proposed itself; 0: nobody did */
    uint8_t best[LEADER_ID_MAX];
};

void leader_election_init(struct leader_election *l, const struct leader_election_config *config,
                          const struct leader_election_deps *deps, void *ctx);

void leader_election_start(struct leader_election *l, int64_t now_ns);
/* Leads no more; says so by deps.leads. */
void leader_election_stop(struct leader_election *l);
void leader_election_timer(struct leader_election *l, int64_t now_ns);
/* From a peer that is in the view. */
void leader_election_message(struct leader_election *l, struct bytes from, bool is_declaration);
/* Gives leadership away, if we have it. */
void leader_election_yield(struct leader_election *l, int64_t now_ns);

static inline bool leader_election_leads(const struct leader_election *l)
{
    return l->sm.state == ELECTION_LEADING;
}

#endif
