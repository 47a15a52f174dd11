#include "ordering_world.h"

#include "bundle/bundle.h"
#include "proto/envelope.h"
#include "proto/metadata.h"
#include "weft_test.h"

/* ---- blocks and answers ------------------------------------------------------------------------- */

TEST(messages_are_answered_once_their_block_is_synced)
{
    struct world w;
    world_init(&w);
    world_open(&w);
    world_message(&w, "a");
    world_message(&w, "b");
    world_message(&w, "c");
    EXPECT_LOG(&w, "1[abc] ");
    world_end_turn(&w);
    EXPECT_LOG(&w, "sync 0:ok 1:ok 2:ok ");
    EXPECT_EQ(w.timer_at, 0);
    world_done(&w);
}

TEST(many_blocks_of_a_turn_share_a_sync)
{
    struct world w;
    world_init(&w);
    world_open(&w);
    for (int i = 0; i < 7; i++)
        world_message(&w, "x");
    world_end_turn(&w);
    EXPECT_LOG(&w, "1[xxx] 2[xxx] sync 0:ok 1:ok 2:ok 3:ok 4:ok 5:ok 6:ok ");
    EXPECT_EQ(w.syncs, 1);
    world_done(&w);
}

TEST(what_is_no_envelope_is_refused_at_once)
{
    struct world w;
    world_init(&w);
    world_open(&w);
    world_send(&w, ORDER_NORMAL, 4, bytes_of("\x0a\x7f", 2));
    EXPECT_LOG(&w, "0:INVALID ");
    world_done(&w);
}

/* ---- the batch timer --------------------------------------------------------------------------------- */

TEST(a_batch_waits_for_its_timeout)
{
    struct world w;
    world_init(&w);
    world_open(&w);
    world_message(&w, "a");
    world_end_turn(&w);
    EXPECT_LOG(&w, "0:ok ");
    world_pass(&w, 2 * SECOND - 1);
    EXPECT_LOG(&w, "");
    world_pass(&w, 1);
    EXPECT_LOG(&w, "1[a] sync ");
    EXPECT_EQ(w.timer_at, 0);
    world_done(&w);
}

TEST(the_timer_runs_from_the_first_message_and_a_cut_with_a_rest_leaves_it_alone)
{
    struct world w;
    world_init(&w);
    world_open(&w);
    world_message(&w, "a");
    uint64_t at = w.timer_at;
    EXPECT_EQ(at, w.now + 2 * SECOND);
    world_pass(&w, SECOND);
    WEFT_FREE char *large = weft_alloc(980);
    memset(large, 'L', 970);
    world_message(&w, large); /* does not fit beside a: a goes, it stays */
    EXPECT_EQ(w.appended, 2);
    EXPECT_EQ(chain_pending(w.chain), 1);
    EXPECT_EQ(w.timer_at, at);
    world_done(&w);
}

TEST(the_timer_stops_when_nothing_is_pending)
{
    struct world w;
    world_init(&w);
    world_open(&w);
    world_message(&w, "a");
    world_message(&w, "b");
    EXPECT(w.timer_at != 0);
    world_message(&w, "c");
    EXPECT_EQ(w.timer_at, 0);
    world_message(&w, "d");
    EXPECT_EQ(w.timer_at, w.now + 2 * SECOND);
    world_done(&w);
}

/* ---- the configuration ------------------------------------------------------------------------------- */

TEST(a_config_message_is_alone_and_everybody_knows_before_its_block_is_announced)
{
    struct world w;
    world_init(&w);
    world_open(&w);
    world_message(&w, "a");
    world_config_message(&w, 2);
    EXPECT_EQ(w.timer_at, 0);
    world_message(&w, "b"); /* under the new one */
    world_message(&w, "c");
    world_end_turn(&w);
    EXPECT_LOG(&w, "1[a] 2[config] configured(5) 3[bc] sync 0:ok 1:ok 2:ok 3:ok ");
    EXPECT_EQ(world_last_config(&w), 2);
    world_done(&w);
}

TEST(a_config_block_points_at_itself_and_those_before_it_at_the_old_one)
{
    struct weft_err e;
    struct world w;
    uint64_t n = 9;
    world_init(&w);
    world_open(&w);
    world_message(&w, "a");
    world_config_message(&w, 2);
    EXPECT_OK(block_last_config(&w.blocks[1]->v, &n, &e));
    EXPECT_EQ(n, 0);
    EXPECT_OK(block_last_config(&w.blocks[2]->v, &n, &e));
    EXPECT_EQ(n, 2);
    world_done(&w);
}

TEST(a_message_of_an_older_configuration_is_filtered_again)
{
    struct world w;
    world_init(&w);
    world_open(&w);
    world_message_of(&w, "a", 3);
    EXPECT_LOG(&w, "again ");
    w.reprocess_says = WEFT_FORBIDDEN;
    world_message_of(&w, "b", 3);
    world_message_of(&w, "c", 4);
    world_end_turn(&w);
    EXPECT_LOG(&w, "again 1:FORBIDDEN 0:ok 2:ok ");
    world_pass(&w, 2 * SECOND);
    EXPECT_LOG(&w, "1[ac] sync ");
    world_done(&w);
}

TEST(a_config_message_that_does_not_follow_is_refused_and_no_block)
{
    struct world w;
    world_init(&w);
    world_open(&w);
    world_message(&w, "a");
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    world_put_envelope(HEADER_CONFIG, bytes_of_str(""), &b);
    world_send(&w, ORDER_CONFIG, 4, buf_bytes(&b));
    world_end_turn(&w);
    EXPECT_LOG(&w, "1[a] 1:INVALID sync 0:ok ");
    world_done(&w);
}

TEST(a_channel_is_made_before_the_block_that_says_so)
{
    struct world w;
    world_init(&w);
    world_open(&w);
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    world_put_envelope(HEADER_ORDERER_TRANSACTION, bytes_of_str("new one"), &b);
    world_send(&w, ORDER_CONFIG, 4, buf_bytes(&b));
    world_end_turn(&w);
    EXPECT_LOG(&w, "create(new one) 1[config] sync 0:ok ");
    EXPECT_EQ(world_last_config(&w), 0); /* not this channel's */
    w.create_says = WEFT_UNAVAILABLE;
    world_send(&w, ORDER_CONFIG, 4, buf_bytes(&b));
    world_end_turn(&w);
    EXPECT_LOG(&w, "1:UNAVAILABLE ");
    world_done(&w);
}

/* ---- a full disk ------------------------------------------------------------------------------------------- */

TEST(while_blocks_cannot_be_written_nothing_is_taken_and_nothing_lost)
{
    struct world w;
    world_init(&w);
    world_keep_journal(&w);
    world_open(&w);
    world_message(&w, "a");
    world_end_turn(&w);
    w.append_says = WEFT_IO;
    world_message(&w, "b");
    world_message(&w, "c"); /* cuts a block that nobody takes */
    world_end_turn(&w);
    EXPECT_LOG(&w, "0:ok channel ch can't write blocks: no space left on device ");
    world_message(&w, "d");
    EXPECT_LOG(&w, "3:UNAVAILABLE ");
    world_pass(&w, SECOND);
    EXPECT_LOG(&w, "");
    w.append_says = WEFT_OK;
    world_pass(&w, SECOND);
    EXPECT_LOG(&w, "1[abc] open sync 1:ok 2:ok ");
    world_message(&w, "e");
    world_end_turn(&w);
    EXPECT_LOG(&w, "4:ok ");
    world_pass(&w, 2 * SECOND);
    EXPECT_LOG(&w, "2[e] sync ");
    world_done(&w);
}

TEST(a_configuration_takes_effect_once_its_block_could_be_written)
{
    struct world w;
    world_init(&w);
    world_open(&w);
    world_message(&w, "a");
    w.append_says = WEFT_IO;
    world_config_message(&w, 1);
    world_end_turn(&w);
    EXPECT_EQ(bundle_sequence(chain_bundle(w.chain)), 4);
    w.append_says = WEFT_OK;
    w.log[0] = '\0';
    world_pass(&w, SECOND);
    EXPECT_LOG(&w, "1[a] 2[config] configured(5) open sync 0:ok 1:ok ");
    world_message(&w, "b");
    EXPECT_LOG(&w, "3[b] ");
    world_done(&w);
}

TEST(who_waits_for_a_full_disk_is_told_no_at_the_end)
{
    struct weft_err e;
    struct world w;
    world_init(&w);
    world_open(&w);
    w.append_says = WEFT_IO;
    for (int i = 0; i < 3; i++)
        world_message(&w, "x");
    world_end_turn(&w);
    w.log[0] = '\0';
    EXPECT_OK(chain_stop(w.chain, w.now, &e));
    EXPECT_LOG(&w, "0:UNAVAILABLE 1:UNAVAILABLE 2:UNAVAILABLE ");
    EXPECT_WORDS(w.requests[0].why, "channel ch can't write blocks: no space left on device");
    world_done(&w);
}

/* ---- the end -------------------------------------------------------------------------------------------------- */

TEST(what_is_pending_at_the_end_becomes_a_block)
{
    struct weft_err e;
    struct world w;
    world_init(&w);
    world_open(&w);
    world_message(&w, "a");
    EXPECT_OK(chain_stop(w.chain, w.now, &e));
    EXPECT_LOG(&w, "1[a] sync 0:ok ");
    EXPECT_EQ(w.timer_at, 0);
    world_done(&w);
}
