#include "peer/channel_anchors.h"

#include "base/log.h"
#include "bundle/bundle.h"
#include "proto/wire.h"
#include "test_channel.h"
#include "weft_test.h"

/* AnchorPeers { 1 repeated AnchorPeer { 1 host, 2 port } } */
static void put_anchor(struct buf *out, const char *host, uint64_t port)
{
    WEFT_CLEANUP(buf_done) struct buf one = { 0 };
    wire_put_bytes(&one, 1, bytes_of_str(host));
    wire_put_varint(&one, 2, port);
    wire_put_bytes(out, 1, buf_bytes(&one));
}

/* What is said of this configuration, a line each. */
static void expect_told(struct channel_anchors *a, struct test_channel *c, uint64_t sequence,
                        const char *want)
{
    WEFT_CLEANUP(bundle_unref) struct bundle *b = NULL;
    struct weft_err e;
    EXPECT_OK(bundle_new("ch", sequence, test_channel_bytes(c), &b, &e));
    weft_test_log_catch("%{level} [%{module}] %{message}");
    channel_anchors_tell(a, b);
    WEFT_CLEANUP(buf_done) struct buf got = weft_test_log_taken();
    EXPECT_STR((const char *)got.data, want);
}

#define JOINING "INFO [gossip.gossip] Joining gossip network of channel ch with 2 organizations\n"
#define NONE_OF(org) \
    "INFO [gossip.gossip] No configured anchor peers of " org " for channel ch to learn about\n"

TEST(organisations_and_their_anchor_peers_are_told_when_they_change)
{
    WEFT_CLEANUP(test_channel_free) struct test_channel *c = test_channel_new();
    WEFT_CLEANUP(buf_done) struct buf anchors = { 0 };
    struct channel_anchors a = { .mspid = "Org1MSP",
                                 .endpoint = "peer0:7051",
                                 .external_endpoint = "peer0.org1:443" };
    expect_told(&a, c, 0, JOINING NONE_OF("Org1MSP") NONE_OF("Org2MSP"));
    expect_told(&a, c, 1, ""); /* something else has changed */
    put_anchor(&anchors, "peer0", 7051);
    put_anchor(&anchors, "peer0.org1", 443);
    put_anchor(&anchors, "peer1", 7051);
    put_anchor(&anchors, "a\nline", 7051);
    put_anchor(&anchors, "peer3", 0);
    put_anchor(&anchors, "", 5);
    test_channel_set(c, "Application/Org1MSP", "AnchorPeers", buf_bytes(&anchors));
    expect_told(
        &a, c, 2,
        JOINING
        "INFO [gossip.gossip] Anchor peer for channel ch with same endpoint, skipping "
        "connecting to myself\n"
        "INFO [gossip.gossip] Anchor peer for channel ch with same endpoint, skipping "
        "connecting to myself\n"
        "WARN [gossip.gossip] Got invalid port (0) for channel ch, skipping connecting to "
        "anchor peer {peer3 0}\n"
        "WARN [gossip.gossip] Got empty hostname for channel ch, skipping connecting to "
        "anchor peer { 5}\n"
        "INFO [gossip.gossip] Not connecting to the configured anchor peers of Org1MSP for "
        "channel ch: [{peer1 7051} {\"a\\x0aline\" 7051}]: this peer does not gossip\n" NONE_OF(
            "Org2MSP"));
    channel_anchors_done(&a);
}

TEST(a_channel_without_our_organisation_is_an_error)
{
    WEFT_CLEANUP(test_channel_free) struct test_channel *c = test_channel_new();
    struct channel_anchors a = { .mspid = "Org3MSP", .endpoint = "p:1", .external_endpoint = "" };
    expect_told(
        &a, c, 0,
        "ERROR [gossip.service] Tried joining channel ch but our org( Org3MSP ), isn't among "
        "the orgs of the channel: [Org1MSP Org2MSP] , aborting.\n");
    channel_anchors_done(&a);
}
