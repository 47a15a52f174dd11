#include "cli/catch_up.h"

#include "weft_test.h"

static void expect_line(const struct catch_up *c, uint64_t now_ms, const char *want)
{
    WEFT_CLEANUP(buf_done) struct buf line = { 0 };
    catch_up_put_line(c, now_ms, &line);
    EXPECT_BYTES(buf_bytes(&line), bytes_of_str(want));
}

TEST(is_over_when_the_orderers_height_is_reached)
{
    struct catch_up c;
    catch_up_start(&c, "mychannel", 1000);
    EXPECT(!catch_up_at(&c, 1, 642, 1000));
    EXPECT(!catch_up_at(&c, 311, 642, 2000));
    expect_line(&c, 2000, "mychannel: block 311 of 642, 310 blocks/s, 0:01 left");
    EXPECT(!catch_up_at(&c, 642, 650, 3000)); /* the chain grew meanwhile */
    EXPECT(catch_up_at(&c, 650, 650, 4000));
    WEFT_CLEANUP(buf_done) struct buf end = { 0 };
    catch_up_put_end(&c, 4000, &end);
    EXPECT_BYTES(buf_bytes(&end), bytes_of_str("mychannel: height 650 after 3.0 s"));
}

TEST(waits_for_ever_for_an_orderers_height)
{
    struct catch_up c;
    catch_up_start(&c, "mychannel", 1000);
    EXPECT(!catch_up_at(&c, 5, 642, 1000));
    EXPECT(!catch_up_at(&c, 5, 642, 1000 + 100 * CATCH_UP_STANDS_MS));
    expect_line(&c, 2000, "mychannel: block 5 of 642, 0 blocks/s");
}

TEST(without_an_orderer_a_height_that_stands_is_the_end)
{
    struct catch_up c;
    catch_up_start(&c, "mychannel", 1000);
    EXPECT(!catch_up_at(&c, 1, 0, 1000));
    EXPECT(!catch_up_at(&c, 1, 0, 3999));
    EXPECT(!catch_up_at(&c, 2, 0, 4000));
    expect_line(&c, 2000, "mychannel: block 2, 1 blocks/s");
    EXPECT(!catch_up_at(&c, 2, 0, 6999));
    EXPECT(catch_up_at(&c, 2, 0, 7000));
}
