/* What has to be endorsed by whom, seen through what the validator says to whole transactions. */
#include "validation/endorsement.h"

#include "validation_world.h"
#include "weft_test.h"

static void start(struct vworld *w, const char *capability)
{
    vworld_init(w, capability);
    vworld_define(w, "asset", "OR('Org1MSP.peer','Org2MSP.peer')", NULL);
    vworld_deploy(w, "asset", "1.0", "OR('Org1MSP.peer','Org2MSP.peer')");
}

/* Writes some keys of "asset", endorsed by these. */
static struct tx_order writes(struct buf *results, const char *keys, const struct tx_person *one,
                              const struct tx_person *two)
{
    struct rwset_maker m = { 0 };
    struct tx_order o = { .chaincode = "asset" };
    rwset_namespace(&m, "asset");
    for (; *keys != '\0'; keys++)
        rwset_write(&m, bytes_of(keys, 1), bytes_of_str("value"));
    buf_clear(results);
    rwset_end(&m, results);
    o.results = buf_bytes(results);
    o.signed_by[o.signers++].who = one;
    if (two != NULL)
        o.signed_by[o.signers++].who = two;
    return o;
}

static void set_policy(struct vworld *w, const char *key, const char *policy)
{
    WEFT_CLEANUP(buf_done) struct buf p = vworld_policy(policy);
    map_state_put_policy(w->state, "asset", "", bytes_of_str(key), buf_bytes(&p));
}

TEST(a_keys_own_policy_counts_instead_of_the_chaincodes)
{
    static const char *const capabilities[] = { "V2_0", "V1_4_2", "V1_3" };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(capabilities); i++) {
        WEFT_CLEANUP(vworld_done) struct vworld w;
        WEFT_CLEANUP(buf_done) struct buf b = { 0 };
        start(&w, capabilities[i]);
        set_policy(&w, "a", "AND('Org1MSP.peer','Org2MSP.peer')");
        struct tx_order o = writes(&b, "a", w.peer1, NULL);
        EXPECT_EQ(vworld_judge(&w, &o), TX_ENDORSEMENT_POLICY_FAILURE);
        o = writes(&b, "a", w.peer1, w.peer2);
        EXPECT_EQ(vworld_judge(&w, &o), TX_VALID);
        o = writes(&b, "b", w.peer1, NULL);
        EXPECT_EQ(vworld_judge(&w, &o), TX_VALID);
        o = writes(&b, "ba", w.peer1, NULL);
        EXPECT_EQ(vworld_judge(&w, &o), TX_ENDORSEMENT_POLICY_FAILURE);
    }
}

/* Where a key's policy is satisfied, and no other key is written, the chaincode's is not asked. */
TEST(a_keys_policy_may_be_less_than_the_chaincodes)
{
    WEFT_CLEANUP(vworld_done) struct vworld w;
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    start(&w, "V2_0");
    set_policy(&w, "a", "OR('Org1MSP.client')");
    struct tx_order o = writes(&b, "a", w.client, NULL);
    EXPECT_EQ(vworld_judge(&w, &o), TX_VALID);
    o = writes(&b, "", w.client, NULL); /* nothing is written: the chaincode's */
    EXPECT_EQ(vworld_judge(&w, &o), TX_ENDORSEMENT_POLICY_FAILURE);
}

TEST(before_1_3_keys_have_no_policies)
{
    WEFT_CLEANUP(vworld_done) struct vworld w;
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    start(&w, "V1_2");
    set_policy(&w, "a", "AND('Org1MSP.admin')");
    struct tx_order o = writes(&b, "a", w.peer1, NULL);
    EXPECT_EQ(vworld_judge(&w, &o), TX_VALID);
}

TEST(metadata_that_cannot_be_read_ends_the_work_on_the_channel)
{
    WEFT_CLEANUP(vworld_done) struct vworld w;
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    uint8_t codes[VWORLD_TXS];
    struct weft_err e = { 0 };
    start(&w, "V2_0");
    map_state_put_metadata(w.state, "asset", "", bytes_of_str("a"), bytes_of_str("\xff"));
    struct tx_order o = writes(&b, "a", w.peer1, NULL);
    vworld_add(&w, &o);
    EXPECT_CODE(vworld_decide(&w, codes, &e), WEFT_UNAVAILABLE);
    map_state_put_policy(w.state, "asset", "", bytes_of_str("a"), bytes_of_str("\xff"));
    vworld_add(&w, &o);
    EXPECT_CODE(vworld_decide(&w, codes, &e), WEFT_UNAVAILABLE);
    EXPECT_WORDS(e, "could not translate policy");
}

/* ---- in one block ---------------------------------------------------------------------------------- */

static struct tx_order sets_policy(struct buf *results, const char *key,
                                   const struct tx_person *endorser)
{
    struct rwset_maker m = { 0 };
    struct tx_order o = { .chaincode = "asset" };
    WEFT_CLEANUP(buf_done) struct buf p = vworld_policy("OR('Org1MSP.peer')");
    rwset_namespace(&m, "asset");
    rwset_metadata(&m, bytes_of_str(key), "VALIDATION_PARAMETER", buf_bytes(&p));
    buf_clear(results);
    rwset_end(&m, results);
    o.results = buf_bytes(results);
    o.signed_by[o.signers++].who = endorser;
    return o;
}

TEST(a_key_whose_policy_changed_in_the_block_is_not_written_any_more)
{
    WEFT_CLEANUP(vworld_done) struct vworld w;
    WEFT_CLEANUP(buf_done) struct buf set = { 0 };
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    uint8_t codes[VWORLD_TXS];
    struct weft_err e;
    start(&w, "V2_0");
    struct tx_order o = writes(&b, "a", w.peer1, NULL);
    vworld_add(&w, &o);
    o = sets_policy(&set, "a", w.peer1);
    vworld_add(&w, &o);
    o = writes(&b, "a", w.peer1, w.peer2);
    vworld_add(&w, &o);
    o = writes(&b, "b", w.peer1, NULL);
    vworld_add(&w, &o);
    o = sets_policy(&set, "a", w.peer1);
    vworld_add(&w, &o);
    EXPECT_OK(vworld_decide(&w, codes, &e));
    EXPECT_EQ(codes[0], TX_VALID);
    EXPECT_EQ(codes[1], TX_VALID);
    EXPECT_EQ(codes[2], TX_ENDORSEMENT_POLICY_FAILURE);
    EXPECT_EQ(codes[3], TX_VALID);
    EXPECT_EQ(codes[4], TX_ENDORSEMENT_POLICY_FAILURE);
}

/* Of the second kind the original never hears again, and waits for ever. */
TEST(a_change_that_was_not_endorsed_or_not_even_asked_about_changes_nothing)
{
    WEFT_CLEANUP(vworld_done) struct vworld w;
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    WEFT_CLEANUP(buf_done) struct buf set = { 0 };
    uint8_t codes[VWORLD_TXS];
    struct weft_err e;
    start(&w, "V2_0");
    struct tx_order o = sets_policy(&set, "a", w.client);
    vworld_add(&w, &o);
    o = sets_policy(&set, "a", w.peer1);
    o.how = SIGNED_OTHER;
    vworld_add(&w, &o);
    o = sets_policy(&set, "a", w.peer1);
    o.flaw = FLAW_EVENT;
    vworld_add(&w, &o);
    o = writes(&b, "a", w.peer1, NULL);
    vworld_add(&w, &o);
    EXPECT_OK(vworld_decide(&w, codes, &e));
    EXPECT_EQ(codes[0], TX_ENDORSEMENT_POLICY_FAILURE);
    EXPECT_EQ(codes[1], TX_BAD_CREATOR_SIGNATURE);
    EXPECT_EQ(codes[2], TX_INVALID_OTHER_REASON);
    EXPECT_EQ(codes[3], TX_VALID);
}

/* ---- collections ------------------------------------------------------------------------------------- */

static struct tx_order writes_to(struct buf *results, const char *collection,
                                 const struct tx_person *endorser)
{
    struct rwset_maker m = { 0 };
    struct tx_order o = { .chaincode = "pdc" };
    rwset_namespace(&m, "pdc");
    rwset_collection(&m, collection);
    rwset_write(&m, bytes_of_str("hash of a key"), bytes_of_str("hash"));
    buf_clear(results);
    rwset_end(&m, results);
    o.results = buf_bytes(results);
    o.signed_by[o.signers++].who = endorser;
    return o;
}

TEST(a_collections_policy_counts_instead_of_the_chaincodes)
{
    WEFT_CLEANUP(vworld_done) struct vworld w;
    WEFT_CLEANUP(buf_done) struct buf package = { 0 };
    WEFT_CLEANUP(buf_done) struct buf own = vworld_application_policy("OR('Org2MSP.peer')");
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    vworld_init(&w, "V2_0");
    vworld_collection(&package, "c1", NULL);
    vworld_collection(&package, "c2", &own);
    vworld_define(&w, "pdc", "OR('Org1MSP.peer')", &package);
    struct tx_order o = writes_to(&b, "c1", w.peer1);
    EXPECT_EQ(vworld_judge(&w, &o), TX_VALID);
    o = writes_to(&b, "c2", w.peer1);
    EXPECT_EQ(vworld_judge(&w, &o), TX_ENDORSEMENT_POLICY_FAILURE);
    o = writes_to(&b, "c2", w.peer2);
    EXPECT_EQ(vworld_judge(&w, &o), TX_VALID);
    o = writes_to(&b, "c3", w.peer1);
    EXPECT_EQ(vworld_judge(&w, &o), TX_ENDORSEMENT_POLICY_FAILURE);
    o = writes_to(&b, "_implicit_org_Org2MSP", w.peer2);
    EXPECT_EQ(vworld_judge(&w, &o), TX_VALID);
    o = writes_to(&b, "_implicit_org_Org2MSP", w.peer1);
    EXPECT_EQ(vworld_judge(&w, &o), TX_ENDORSEMENT_POLICY_FAILURE);
    o = writes_to(&b, "_implicit_org_Org9MSP", w.peer1);
    EXPECT_EQ(vworld_judge(&w, &o), TX_ENDORSEMENT_POLICY_FAILURE);
}

TEST(a_private_keys_own_policy_counts_instead_of_its_collections)
{
    WEFT_CLEANUP(vworld_done) struct vworld w;
    WEFT_CLEANUP(buf_done) struct buf package = { 0 };
    WEFT_CLEANUP(buf_done) struct buf own = vworld_policy("OR('Org2MSP.peer')");
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    vworld_init(&w, "V2_0");
    vworld_collection(&package, "c1", NULL);
    vworld_define(&w, "pdc", "OR('Org1MSP.peer')", &package);
    map_state_put_policy(w.state, "pdc", "c1", bytes_of_str("hash of a key"), buf_bytes(&own));
    struct tx_order o = writes_to(&b, "c1", w.peer1);
    EXPECT_EQ(vworld_judge(&w, &o), TX_ENDORSEMENT_POLICY_FAILURE);
    o = writes_to(&b, "c1", w.peer2);
    EXPECT_EQ(vworld_judge(&w, &o), TX_VALID);
    /* Once the collection is not defined any more, its keys' policies do not count. */
    vworld_define(&w, "pdc", "OR('Org1MSP.peer')", NULL);
    EXPECT_EQ(vworld_judge(&w, &o), TX_ENDORSEMENT_POLICY_FAILURE);
}
