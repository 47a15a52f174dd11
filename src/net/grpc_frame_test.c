#include "net/grpc_frame.h"

#include "weft_test.h"

static const uint8_t two[] = { 0, 0, 0, 0, 3, 'a', 'b', 'c', 0, 0, 0, 0, 0 };

static enum grpc_deframe step(struct grpc_deframer *d, struct bytes *data, size_t most,
                              struct net_msg **ret)
{
    *ret = NULL;
    return grpc_deframer_step(d, data, most, ret);
}

TEST(finds_messages_however_the_bytes_are_cut)
{
    for (size_t cut = 0; cut <= sizeof(two); cut++) {
        struct grpc_deframer d = { 0 };
        struct net_msg *m[2] = { NULL };
        size_t got = 0;
        struct bytes pieces[2] = { bytes_of(two, cut), bytes_skip(bytes_of(two, 13), cut) };
        for (size_t i = 0; i < 2; i++)
            while (pieces[i].len > 0)
                if (step(&d, &pieces[i], 100, &m[got]) == GRPC_DEFRAME_MESSAGE)
                    got++;
        EXPECT_EQ(got, 2);
        EXPECT_BYTES(net_msg_bytes(m[0]), bytes_of_str("abc"));
        EXPECT_EQ(net_msg_bytes(m[1]).len, 0);
        EXPECT(!grpc_deframer_is_inside(&d));
        net_msg_unref(m[0]);
        net_msg_unref(m[1]);
    }
}

TEST(refuses_a_message_over_the_limit_by_its_length_alone)
{
    struct grpc_deframer d = { 0 };
    struct net_msg *m;
    const uint8_t prefix[] = { 0, 0, 0, 0, 101 };
    struct bytes data = bytes_of(prefix, 5);
    EXPECT_EQ(step(&d, &data, 100, &m), GRPC_DEFRAME_TOO_LARGE);
    EXPECT_EQ(grpc_deframer_partial(&d), 101);
}

TEST(takes_no_more_memory_than_what_has_arrived_needs)
{
    struct grpc_deframer d = { 0 };
    struct net_msg *m;
    const uint8_t prefix[] = { 0, 0x06, 0, 0, 0, 'x' }; /* promises 96 MB */
    struct bytes data = bytes_of(prefix, 6);
    EXPECT_EQ(step(&d, &data, 100 << 20, &m), GRPC_DEFRAME_MORE);
    EXPECT(d.room <= 1 << 20);
    EXPECT(grpc_deframer_is_inside(&d));
    grpc_deframer_done(&d);
}

TEST(tells_compressed_messages_from_broken_ones)
{
    struct grpc_deframer a = { 0 }, b = { 0 };
    struct net_msg *m;
    const uint8_t one[] = { 1, 0, 0, 0, 0 }, bad[] = { 2, 0, 0, 0, 0 };
    struct bytes data = bytes_of(one, 5);
    EXPECT_EQ(step(&a, &data, 100, &m), GRPC_DEFRAME_COMPRESSED);
    data = bytes_of(bad, 5);
    EXPECT_EQ(step(&b, &data, 100, &m), GRPC_DEFRAME_BAD_FLAG);
}

static void count_release(void *owner)
{
    ++*(int *)owner;
}

TEST(reads_a_message_of_parts_as_one_run_of_bytes)
{
    int released = 0;
    const struct bytes pieces[] = { bytes_of_str("he"), bytes_of_str("ll"), bytes_of_str("o") };
    struct net_msg *m = net_msg_gather(pieces, 3, count_release, &released);
    const uint8_t want[] = { 0, 0, 0, 0, 5, 'h', 'e', 'l', 'l', 'o' };
    EXPECT_EQ(m->len, 5);
    for (size_t from = 0; from < sizeof(want); from++)
        for (size_t n = 0; n <= sizeof(want) - from; n++) {
            uint8_t got[sizeof(want)];
            struct net_msg_reader r = { 0 }; /* each of those who send it has one */
            net_msg_read(m, &r, got, from);
            net_msg_read(m, &r, got, n);
            EXPECT_BYTES(bytes_of(got, n), bytes_of(want + from, n));
        }
    net_msg_unref(net_msg_ref(m));
    EXPECT_EQ(released, 0);
    net_msg_unref(m);
    EXPECT_EQ(released, 1);
}
