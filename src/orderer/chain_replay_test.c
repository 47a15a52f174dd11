/* What the journal gives back after a crash. */
#include "ordering_world.h"

#include "weft_test.h"

TEST(what_was_answered_and_is_in_no_block_is_ordered_after_a_crash)
{
    struct world w;
    world_init(&w);
    world_keep_journal(&w);
    world_open(&w);
    world_message(&w, "a");
    world_message(&w, "b");
    world_end_turn(&w);
    EXPECT_LOG(&w, "0:ok 1:ok ");
    world_crash(&w);
    EXPECT_EQ(chain_pending(w.chain), 2);
    world_crash(&w); /* again, with nothing in between */
    world_pass(&w, 2 * SECOND);
    EXPECT_LOG(&w, "1[ab] sync ");
    world_crash(&w);
    EXPECT_EQ(chain_pending(w.chain), 0);
    world_done(&w);
}

TEST(nothing_is_ordered_twice)
{
    struct world w;
    world_init(&w);
    world_keep_journal(&w);
    world_open(&w);
    world_message(&w, "a");
    world_message(&w, "a"); /* two that are equal are two */
    world_end_turn(&w);
    world_message(&w, "c");
    world_end_turn(&w);
    world_message(&w, "d");
    world_end_turn(&w);
    EXPECT_LOG(&w, "0:ok 1:ok 1[aac] sync 2:ok 3:ok ");
    world_crash(&w);
    EXPECT_EQ(chain_pending(w.chain), 1);
    world_pass(&w, 2 * SECOND);
    EXPECT_LOG(&w, "2[d] sync ");
    world_done(&w);
}

TEST(what_stays_after_a_cut_is_kept_although_as_many_were_kept_before)
{
    struct world w;
    world_init(&w);
    world_keep_journal(&w);
    world_open(&w);
    world_message(&w, "a");
    world_end_turn(&w);
    world_message(&w, "b");
    world_message(&w, "c");
    world_message(&w, "d");
    world_end_turn(&w);
    EXPECT_LOG(&w, "0:ok 1[abc] sync 1:ok 2:ok 3:ok ");
    world_crash(&w);
    EXPECT_EQ(chain_pending(w.chain), 1);
    world_done(&w);
}

/* The block was synced, then the process ended before it wrote anything else. */
TEST(a_journal_of_a_block_that_was_written_is_old)
{
    struct world w;
    world_init(&w);
    world_keep_journal(&w);
    world_open(&w);
    world_message(&w, "a");
    world_end_turn(&w);
    world_pass(&w, 2 * SECOND);
    world_crash(&w);
    EXPECT_EQ(chain_pending(w.chain), 0);
    EXPECT_EQ(w.synced, 2);
    world_done(&w);
}

/* A block that was cut and not synced: its messages were not answered, but the
 * pending ones before it were. */
TEST(a_block_that_was_lost_gives_its_answered_messages_back)
{
    struct world w;
    world_init(&w);
    world_keep_journal(&w);
    world_open(&w);
    world_message(&w, "a");
    world_message(&w, "b");
    world_end_turn(&w);
    world_message(&w, "c");
    EXPECT_LOG(&w, "0:ok 1:ok 1[abc] ");
    world_crash(&w);
    world_pass(&w, 2 * SECOND);
    EXPECT_LOG(&w, "1[ab] sync ");
    world_done(&w);
}

/* Another orderer, which knows nothing of the journal, has written a block. */
TEST(messages_keep_their_turn_behind_a_block_of_somebody_else)
{
    struct world w;
    world_init(&w);
    world_keep_journal(&w);
    world_open(&w);
    world_message(&w, "a");
    world_end_turn(&w);
    chain_free(WEFT_TAKE(w.chain));
    char *kept = WEFT_TAKE(w.journal_path);
    world_open(&w);
    world_message(&w, "o");
    world_message(&w, "t");
    world_message(&w, "h");
    world_end_turn(&w);
    w.journal_path = kept;
    world_crash(&w);
    world_crash(&w); /* the journal has been written anew */
    world_pass(&w, 2 * SECOND);
    EXPECT_LOG(&w, "2[a] sync ");
    world_crash(&w);
    EXPECT_EQ(chain_pending(w.chain), 0);
    world_done(&w);
}

TEST(many_messages_are_looked_for_in_many_blocks_at_once)
{
    struct world w;
    world_init(&w);
    world_keep_journal(&w);
    world_open(&w);
    world_message(&w, "a");
    world_message(&w, "b");
    world_end_turn(&w);
    chain_free(WEFT_TAKE(w.chain));
    char *kept = WEFT_TAKE(w.journal_path);
    world_open(&w);
    for (int i = 0; i < 30; i++)
        world_message(&w, "o");
    world_end_turn(&w);
    w.journal_path = kept;
    w.reads = 0;
    world_crash(&w);
    EXPECT_EQ(w.reads, 10);
    EXPECT_EQ(chain_pending(w.chain), 2);
    world_done(&w);
}

TEST(a_replayed_message_of_an_older_configuration_is_filtered_again)
{
    struct world w;
    world_init(&w);
    world_keep_journal(&w);
    world_open(&w);
    world_message(&w, "a");
    world_end_turn(&w);
    world_make_bundle(&w, 5);
    w.reprocess_says = WEFT_FORBIDDEN;
    world_crash(&w);
    EXPECT_LOG(&w, "again ");
    EXPECT_EQ(chain_pending(w.chain), 0);
    w.reprocess_says = WEFT_OK;
    world_crash(&w);
    EXPECT_LOG(&w, "");
    world_done(&w);
}

TEST(a_journal_that_is_switched_off_is_emptied_first)
{
    struct world w;
    world_init(&w);
    world_keep_journal(&w);
    world_open(&w);
    world_message(&w, "a");
    world_end_turn(&w);
    w.journal_ends = true;
    world_crash(&w);
    EXPECT_LOG(&w, "1[a] sync ");
    world_message(&w, "b");
    world_end_turn(&w);
    world_crash(&w);
    EXPECT_EQ(chain_pending(w.chain), 0); /* as in Fabric */
    world_done(&w);
}

TEST(a_read_only_channel_keeps_its_journal)
{
    struct world w;
    world_init(&w);
    world_keep_journal(&w);
    world_open(&w);
    world_message(&w, "a");
    world_end_turn(&w);
    test_channel_set_text(w.config, "Orderer", "ConsensusType", "kafka");
    world_make_bundle(&w, 4);
    world_crash(&w);
    EXPECT_EQ(chain_pending(w.chain), 0);
    test_channel_set_text(w.config, "Orderer", "ConsensusType", "solo");
    world_make_bundle(&w, 4);
    world_crash(&w);
    EXPECT_EQ(chain_pending(w.chain), 1);
    world_done(&w);
}
