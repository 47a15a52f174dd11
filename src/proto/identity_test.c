#include "proto/identity.h"

#include "weft_test.h"

TEST(reads_what_it_wrote)
{
    struct weft_err e = { 0 };
    struct serialized_identity in = { bytes_of_str("Org1MSP"), bytes_of_str("a certificate") };
    struct serialized_identity out;
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    serialized_identity_encode(&in, &b);
    EXPECT_BYTES(buf_bytes(&b), bytes_of_str("\x0a\x07Org1MSP\x12\x0d"
                                             "a certificate"));
    EXPECT_OK(serialized_identity_parse(buf_bytes(&b), &out, &e));
    EXPECT_BYTES(out.mspid, in.mspid);
    EXPECT_BYTES(out.id_bytes, in.id_bytes);
}

TEST(leaves_out_what_is_empty)
{
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    serialized_identity_encode(&(struct serialized_identity){ 0 }, &b);
    EXPECT_EQ(b.len, 0);
}

TEST(refuses_an_msp_id_that_is_not_utf8_and_bytes_cut_short)
{
    struct weft_err e = { 0 };
    struct serialized_identity out = { .mspid = bytes_of_str("as before") };
    EXPECT_CODE(serialized_identity_parse(bytes_of_str("\x0a\x01\xff"), &out, &e), WEFT_INVALID);
    EXPECT_CODE(serialized_identity_parse(bytes_of_str("\x0a\x02x"), &out, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "msp.SerializedIdentity");
    EXPECT_BYTES(out.mspid, bytes_of_str("as before"));
}
