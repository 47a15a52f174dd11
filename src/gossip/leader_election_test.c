#include "gossip/leader_election.h"

#include "base/duration.h"
#include "weft_test.h"

/* One peer of an organisation, with a virtual clock.  What it does, in order: p proposes,
 * d declares, L leads, f leads no more. */
struct world {
    struct leader_election e;
    size_t peers;
    int64_t now_ns, fires_ns;
    char log[256];
    size_t at;
    bool reported;
};

static void note(struct world *w, char what)
{
    if (w->at + 1 < sizeof(w->log))
        w->log[w->at++] = what;
    w->log[w->at] = '\0';
}

static size_t peers(void *ctx)
{
    return ((struct world *)ctx)->peers;
}

static void send_message(void *ctx, bool is_declaration)
{
    note(ctx, is_declaration ? 'd' : 'p');
}

static void leads(void *ctx, bool yes)
{
    note(ctx, yes ? 'L' : 'f');
}

static void wait_for(void *ctx, int64_t ns)
{
    struct world *w = ctx;
    w->fires_ns = w->now_ns + ns;
}

static void report(void *ctx, bool yes)
{
    ((struct world *)ctx)->reported = yes;
}

static const struct leader_election_deps deps = { peers, send_message, leads, wait_for, report };

static const struct leader_election_config *config(void)
{
    static struct leader_election_config c = { .name = "peer0",
                                               .grace_ns = 15 * DURATION_S,
                                               .sample_ns = DURATION_S,
                                               .alive_ns = 10 * DURATION_S,
                                               .election_ns = 5 * DURATION_S };
    c.id = bytes_of_str("m");
    return &c;
}

static void begin(struct world *w)
{
    *w = (struct world){ 0 };
    leader_election_init(&w->e, config(), &deps, w);
    leader_election_start(&w->e, 0);
}

static void pass(struct world *w, int64_t ns)
{
    int64_t end = w->now_ns + ns;
    while (w->fires_ns <= end) {
        w->now_ns = w->fires_ns;
        leader_election_timer(&w->e, w->now_ns);
    }
    w->now_ns = end;
}

static void hear(struct world *w, const char *from, bool is_declaration)
{
    leader_election_message(&w->e, bytes_of_str(from), is_declaration);
}

TEST(a_peer_that_is_alone_leads_after_six_seconds_and_goes_on_saying_so)
{
    struct world w;
    begin(&w);
    pass(&w, 6 * DURATION_S - 1);
    EXPECT_STR(w.log, "p");
    pass(&w, 1);
    EXPECT_STR(w.log, "pLd");
    EXPECT(w.reported);
    pass(&w, 10 * DURATION_S);
    EXPECT_STR(w.log, "pLddd");
}

TEST(it_waits_while_peers_keep_coming_but_not_for_ever)
{
    struct world w;
    begin(&w);
    for (int i = 0; i < 20 && w.log[0] == '\0'; i++) {
        w.peers++;
        pass(&w, DURATION_S);
    }
    EXPECT_STR(w.log, "p");
    EXPECT_EQ(w.now_ns, 16 * DURATION_S);
}

TEST(the_lower_id_wins_the_election)
{
    struct world w;
    begin(&w);
    pass(&w, 2 * DURATION_S);
    hear(&w, "z", false);
    pass(&w, 4 * DURATION_S);
    EXPECT_STR(w.log, "pLd");
    begin(&w);
    pass(&w, 2 * DURATION_S);
    hear(&w, "a", false);
    hear(&w, "z", false);
    pass(&w, 4 * DURATION_S);
    EXPECT_STR(w.log, "p"); /* follows */
    hear(&w, "a", true);
    pass(&w, 10 * DURATION_S);
    EXPECT_STR(w.log, "p");
}

TEST(a_leader_that_is_there_is_followed_and_replaced_when_it_is_silent)
{
    struct world w;
    begin(&w);
    pass(&w, 2 * DURATION_S);
    hear(&w, "z", true);
    EXPECT_STR(w.log, "p");
    for (int i = 0; i < 10; i++) {
        pass(&w, 5 * DURATION_S);
        hear(&w, "z", true);
    }
    EXPECT_STR(w.log, "p");
    pass(&w, 25 * DURATION_S);
    EXPECT_STR(w.log, "ppLd");
}

TEST(of_two_leaders_the_lower_id_stays)
{
    struct world w;
    begin(&w);
    pass(&w, 6 * DURATION_S);
    hear(&w, "z", true);
    EXPECT_STR(w.log, "pLdd"); /* z hears of us */
    hear(&w, "a", true);
    EXPECT_STR(w.log, "pLddf");
    EXPECT(!w.reported);
}

TEST(who_yields_keeps_away_for_a_minute_and_leads_again_when_nobody_else_does)
{
    struct world w;
    begin(&w);
    pass(&w, 6 * DURATION_S);
    leader_election_yield(&w.e, w.now_ns);
    leader_election_yield(&w.e, w.now_ns);
    EXPECT_STR(w.log, "pLdf");
    pass(&w, 59 * DURATION_S);
    EXPECT_STR(w.log, "pLdf");
    pass(&w, 6 * DURATION_S);
    EXPECT_STR(w.log, "pLdfpLd");
}

TEST(stopping_ends_leadership_and_nothing_follows)
{
    struct world w;
    begin(&w);
    pass(&w, 6 * DURATION_S);
    leader_election_stop(&w.e);
    leader_election_stop(&w.e);
    hear(&w, "z", true);
    leader_election_timer(&w.e, w.now_ns);
    EXPECT_STR(w.log, "pLdf");
}
