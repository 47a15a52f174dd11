#include "endorser/filtered_block.h"

#include "endorser/event_service.h"
#include "net/net_msg.h"
#include "proto/envelope.h"
#include "proto/wire.h"
#include "weft_test.h"

enum {
    FIXTURE_BLOCKS = 79
};

/* Length and the first eight bytes of the hash, as the harness that asked the original does. */
static void put_sum(struct bytes b, struct buf *out)
{
    struct digest d = sha256_of(b);
    WEFT_FREE char *hex = bytes_to_hex(bytes_of(d.b, 8));
    buf_printf(out, "%zu:%s", b.len, hex);
}

/* vectors/endorser/filtered.tsv: what DeliverFiltered of a Fabric peer (2.2.15) sent for each
 * block of the fixtures. */
TEST(sends_what_the_original_sent_for_every_block)
{
    WEFT_CLEANUP(buf_done) struct buf got = { 0 };
    WEFT_CLEANUP(buf_done)
    struct buf want = weft_test_read(weft_test_file("vectors/endorser/filtered.tsv"));
    struct weft_err e;
    for (unsigned n = 0; n < FIXTURE_BLOCKS; n++) {
        WEFT_FREE char *name = weft_asprintf("ledger-small/blocks/%u.block", n);
        WEFT_CLEANUP(buf_done) struct buf wire = weft_test_read(weft_test_fixture(name));
        WEFT_CLEANUP(block_unref) struct block *b = NULL;
        EXPECT_OK(block_parse(buf_bytes(&wire), &b, &e));
        WEFT_CLEANUP(net_msg_unref)
        struct net_msg *m = event_form_filtered.encode(NULL, bytes_of(NULL, 0), b, &e);
        buf_printf(&got, "%u\t", n);
        put_sum(net_msg_bytes(m), &got);
        buf_put_u8(&got, '\n');
    }
    EXPECT_BYTES(buf_bytes(&got), buf_bytes(&want));
}

/* ---- made to order ----------------------------------------------------------------------------- */

/* A block 7 of these envelopes, each VALID. */
static struct block *block_of(const struct bytes *txs, size_t count)
{
    static const uint8_t flags[8] = { 0 };
    WEFT_CLEANUP(buf_done) struct buf wire = { 0 };
    struct bytes slots[BLOCK_SLOT_NR] = { [BLOCK_SLOT_FLAGS] = bytes_of(flags, count) };
    struct bytes list[8];
    struct block *b = NULL;
    struct weft_err e;
    memcpy(list, txs, count * sizeof(list[0]));
    struct block_view v = { .number = 7,
                            .txs = { .at = list, .count = count },
                            .slots = { .at = slots, .count = BLOCK_SLOT_NR },
                            .has_header = true,
                            .has_data = true,
                            .has_metadata = true };
    block_encode(&v, &wire);
    EXPECT_OK(block_parse(buf_bytes(&wire), &b, &e));
    return b;
}

/* Envelope { 1 Payload { 1 Header { 1 ChannelHeader { 1 type, 4 "ch", 5 "id" } }, 2 data } } */
static void put_envelope(enum header_type type, struct bytes data, struct buf *out)
{
    WEFT_CLEANUP(buf_done) struct buf channel = { 0 };
    WEFT_CLEANUP(buf_done) struct buf header = { 0 };
    WEFT_CLEANUP(buf_done) struct buf payload = { 0 };
    wire_put_varint(&channel, 1, (uint64_t)type);
    wire_put_bytes(&channel, 4, bytes_of_str("ch"));
    wire_put_bytes(&channel, 5, bytes_of_str("id"));
    wire_put_bytes(&header, 1, buf_bytes(&channel));
    wire_put_bytes(&payload, 1, buf_bytes(&header));
    wire_put_bytes(&payload, 2, data);
    wire_put_bytes(out, 1, buf_bytes(&payload));
}

TEST(leaves_out_what_is_no_envelope_or_has_no_header)
{
    static const uint8_t broken[] = { 0x0a, 0x50 };
    static const uint8_t want[] = "\x0a\x02"
                                  "ch\x10\x07\x22\x06\x0a\x02"
                                  "id\x10\x01";
    WEFT_CLEANUP(buf_done) struct buf config = { 0 };
    WEFT_CLEANUP(buf_done) struct buf out = { 0 };
    struct weft_err e;
    put_envelope(HEADER_CONFIG, bytes_of_str("x"), &config);
    const struct bytes txs[] = { bytes_of(broken, sizeof(broken)), bytes_of(NULL, 0),
                                 buf_bytes(&config) };
    WEFT_CLEANUP(block_unref) struct block *b = block_of(txs, WEFT_ARRAY_LEN(txs));
    EXPECT_OK(filtered_block_encode(&b->v, &out, &e));
    EXPECT_BYTES(buf_bytes(&out), bytes_of(want, sizeof(want) - 1));
}

TEST(cannot_tell_of_a_block_with_a_transaction_that_is_none)
{
    static const uint8_t broken[] = { 0x0a, 0x50 };
    WEFT_CLEANUP(buf_done) struct buf tx = { 0 };
    WEFT_CLEANUP(buf_done) struct buf out = { 0 };
    struct weft_err e;
    put_envelope(HEADER_ENDORSER_TRANSACTION, bytes_of(broken, sizeof(broken)), &tx);
    const struct bytes txs[] = { buf_bytes(&tx) };
    WEFT_CLEANUP(block_unref) struct block *b = block_of(txs, 1);
    EXPECT_CODE(filtered_block_encode(&b->v, &out, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "error unmarshal transaction payload for block event");
    EXPECT_EQ(out.len, 0);
}
