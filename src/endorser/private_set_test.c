#include "endorser/private_set.h"

#include "kvledger/tx_pvt_rwset.h"
#include "weft_test.h"

static void put(struct buf *out, const char *ns, const char *coll)
{
    WEFT_CLEANUP(tx_pvt_writer_done) struct tx_pvt_writer w = { 0 };
    struct pvt_write_set set = { 0, bytes_of_str(ns), bytes_of_str(coll), bytes_of_str("rwset") };
    tx_pvt_writer_add(&w, &set);
    tx_pvt_writer_end(&w, out);
}

/* Fields 1 and 3 as a Fabric peer (2.2.15) of Org1MSP kept them, with its sample's core.yaml. */
TEST(the_collection_of_the_own_organisation_comes_with_the_set)
{
    static const char config[] =
        "1a460a0a5f6c6966656379636c6512380a360a340a155f696d706c696369745f6f72675f4f7267314d535012"
        "190a17120812060801120208001a0b12090a074f7267314d53502001";
    WEFT_CLEANUP(buf_done) struct buf set_bytes = { 0 };
    WEFT_CLEANUP(buf_done) struct buf room = { 0 };
    struct weft_err e = { 0 };
    put(&set_bytes, "_lifecycle", "_implicit_org_Org1MSP");
    struct private_set set = { bytes_of_str("tx"), 1, buf_bytes(&set_bytes) };
    EXPECT_OK(private_set_add_config(&set, "Org1MSP", &(struct dissemination){ 0, 1 }, &room, &e));
    WEFT_FREE char *got = bytes_to_hex(set.bytes);
    WEFT_FREE char *inner = bytes_to_hex(buf_bytes(&set_bytes));
    WEFT_FREE char *want = weft_asprintf("080112%02x%s%s", (unsigned)set_bytes.len, inner, config);
    EXPECT_STR(got, want);
}

TEST(of_any_other_collection_nothing_is_known)
{
    WEFT_CLEANUP(buf_done) struct buf others = { 0 };
    WEFT_CLEANUP(buf_done) struct buf chaincode = { 0 };
    WEFT_CLEANUP(buf_done) struct buf room = { 0 };
    struct weft_err e = { 0 };
    put(&others, "_lifecycle", "_implicit_org_Org2MSP");
    put(&chaincode, "mycc", "_implicit_org_Org1MSP");
    struct private_set set = { bytes_of_str("tx"), 1, buf_bytes(&others) };
    const struct dissemination d = { 0, 1 };
    EXPECT_CODE(private_set_add_config(&set, "Org1MSP", &d, &room, &e), WEFT_INVALID);
    set.bytes = buf_bytes(&chaincode);
    EXPECT_CODE(private_set_add_config(&set, "Org1MSP", &d, &room, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "no collection config for chaincode \"mycc\"");
    EXPECT_EQ(room.len, 0);
}
