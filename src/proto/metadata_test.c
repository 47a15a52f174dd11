#include "proto/metadata.h"

#include "weft_test.h"

/* A block that has nothing but these metadata slots. */
static struct block_view block_of(struct bytes *slots, size_t count)
{
    return (struct block_view){ .slots = { slots, count, count }, .has_metadata = true };
}

static struct buf metadata_of(struct bytes value)
{
    struct buf b = { 0 };
    wire_put_bytes(&b, 1, value);
    return b;
}

static void put_signature(struct buf *b, const char *header, const char *signature)
{
    WEFT_CLEANUP(buf_done) struct buf s = { 0 };
    wire_put_bytes(&s, 1, bytes_of_str(header));
    wire_put_bytes(&s, 2, bytes_of_str(signature));
    wire_put_bytes(b, 2, buf_bytes(&s));
}

TEST(reads_value_and_signatures)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(buf_done) struct buf b = metadata_of(bytes_of_str("value"));
    put_signature(&b, "h1", "s1");
    put_signature(&b, "h2", "s2");
    struct metadata_view m;
    EXPECT_OK(metadata_parse(buf_bytes(&b), &m, &e));
    EXPECT_BYTES(m.value, bytes_of_str("value"));
    EXPECT_EQ(m.signatures.count, 2);
    struct bytes item = { 0 };
    EXPECT(repeated_next(&m.signatures, &item) && repeated_next(&m.signatures, &item));
    EXPECT_BYTES(metadata_signature_of(item).signature_header, bytes_of_str("h2"));
    EXPECT_BYTES(metadata_signature_of(item).signature, bytes_of_str("s2"));
    EXPECT(!repeated_next(&m.signatures, &item));
}

TEST(finds_the_last_config_in_slot_0)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(buf_done) struct buf b = metadata_of(bytes_of_str("\x0a\x02\x08\x2b"));
    struct block_view v = block_of((struct bytes[]){ buf_bytes(&b) }, 1);
    uint64_t number = 0;
    EXPECT_OK(block_last_config(&v, &number, &e));
    EXPECT_EQ(number, 43);
}

TEST(takes_the_genesis_block_for_the_last_config_when_that_is_what_slot_0_says)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(buf_done) struct buf b = metadata_of(bytes_of("\x0a\0", 2));
    struct block_view v = block_of((struct bytes[]){ buf_bytes(&b) }, 1);
    uint64_t number = 7;
    EXPECT_OK(block_last_config(&v, &number, &e));
    EXPECT_EQ(number, 0);
}

TEST(finds_the_last_config_in_slot_1_of_an_old_block)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(buf_done) struct buf b = metadata_of(bytes_of_str("\x08\x05"));
    struct block_view v = block_of((struct bytes[]){ { 0 }, buf_bytes(&b) }, 2);
    uint64_t number = 0;
    EXPECT_OK(block_last_config(&v, &number, &e));
    EXPECT_EQ(number, 5);
}

TEST(refuses_a_value_in_slot_0_without_a_last_config)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(buf_done) struct buf b = metadata_of(bytes_of("\x12\0", 2));
    struct block_view v = block_of((struct bytes[]){ buf_bytes(&b) }, 1);
    uint64_t number = 7;
    EXPECT_CODE(block_last_config(&v, &number, &e), WEFT_INVALID);
    EXPECT_EQ(number, 7);
}

TEST(says_which_slot_is_missing_or_broken)
{
    struct weft_err e = { 0 };
    uint64_t number = 0;
    struct block_view none = { 0 };
    EXPECT_CODE(block_last_config(&none, &number, &e), WEFT_INVALID);
    EXPECT_STR(e.msg, "failed to retrieve metadata: no metadata in block");
    struct block_view one = block_of((struct bytes[]){ { 0 } }, 1);
    EXPECT_CODE(block_last_config(&one, &number, &e), WEFT_INVALID);
    EXPECT_STR(e.msg, "failed to retrieve metadata: no metadata at index [LAST_CONFIG]");
    struct block_view broken = block_of((struct bytes[]){ bytes_of_str("\x0a\x7f") }, 1);
    EXPECT_CODE(block_last_config(&broken, &number, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "error unmarshaling metadata at index [SIGNATURES]: ");
}

TEST(finds_the_consenters_own_bytes_in_slot_0_or_else_slot_3)
{
    struct weft_err e = { 0 };
    struct bytes own = { 0 };
    WEFT_CLEANUP(buf_done) struct buf raft = metadata_of(bytes_of_str("raft"));
    WEFT_CLEANUP(buf_done) struct buf value = { 0 };
    wire_put_bytes(&value, 1, (struct bytes){ 0 });
    wire_put_bytes(&value, 2, buf_bytes(&raft));
    WEFT_CLEANUP(buf_done) struct buf slot = metadata_of(buf_bytes(&value));
    struct block_view v = block_of((struct bytes[]){ buf_bytes(&slot) }, 1);
    EXPECT_OK(block_consenter_metadata(&v, &own, &e));
    EXPECT_BYTES(own, bytes_of_str("raft"));

    struct block_view old = block_of((struct bytes[]){ { 0 }, { 0 }, { 0 }, buf_bytes(&raft) }, 4);
    EXPECT_OK(block_consenter_metadata(&old, &own, &e));
    EXPECT_BYTES(own, bytes_of_str("raft"));

    WEFT_CLEANUP(buf_done) struct buf solo = metadata_of(bytes_of("\x0a\0", 2));
    struct block_view without = block_of((struct bytes[]){ buf_bytes(&solo) }, 1);
    EXPECT_OK(block_consenter_metadata(&without, &own, &e));
    EXPECT_EQ(own.len, 0);
}

TEST(reads_a_transactions_flag_where_there_is_one)
{
    struct bytes flags = bytes_of("\0\x0b\xff", 3);
    struct block_view v = block_of((struct bytes[]){ { 0 }, { 0 }, flags }, 3);
    uint8_t code = 99;
    EXPECT(block_tx_flag(&v, 1, &code));
    EXPECT_EQ(code, TX_MVCC_READ_CONFLICT);
    EXPECT(block_tx_flag(&v, 2, &code));
    EXPECT_EQ(code, TX_INVALID_OTHER_REASON);
    EXPECT(!block_tx_flag(&v, 3, &code));
    EXPECT_EQ(code, TX_INVALID_OTHER_REASON);
}

TEST(names_validation_codes_as_fabric_does)
{
    EXPECT_STR(tx_validation_code_name(TX_VALID), "VALID");
    EXPECT_STR(tx_validation_code_name(TX_PHANTOM_READ_CONFLICT), "PHANTOM_READ_CONFLICT");
    EXPECT_STR(tx_validation_code_name(TX_NOT_VALIDATED), "NOT_VALIDATED");
    EXPECT_STR(tx_validation_code_name(TX_INVALID_OTHER_REASON), "INVALID_OTHER_REASON");
    EXPECT(tx_validation_code_name(26) == NULL);
    EXPECT(tx_validation_code_name(256) == NULL);
}

/* Block 50 of that channel was the last config before block 54. */
TEST(reads_the_metadata_of_a_real_block)
{
    struct weft_err e = { 0 };
    struct buf wire = weft_test_read(weft_test_fixture("ledger-small/blocks/54.block"));
    WEFT_CLEANUP(block_view_done) struct block_view v = { 0 };
    uint64_t last_config = 0;
    struct metadata_view signatures;
    struct bytes consenter;
    EXPECT_OK(block_view_parse(&v, buf_bytes(&wire), &e));
    EXPECT_OK(block_last_config(&v, &last_config, &e));
    EXPECT_EQ(last_config, 50);
    EXPECT_OK(block_metadata(&v, BLOCK_SLOT_SIGNATURES, &signatures, &e));
    EXPECT_EQ(signatures.signatures.count, 1);
    EXPECT_OK(block_consenter_metadata(&v, &consenter, &e));
    EXPECT(consenter.len > 0);
    uint8_t code = 0;
    EXPECT(block_tx_flag(&v, 6, &code));
    EXPECT_EQ(code, TX_BAD_RWSET);
    buf_done(&wire);
}
