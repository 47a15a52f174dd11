#include "bundle/bundle.h"

#include "channel/config_envelope.h"
#include "channel/config_group.h"
#include "proto/block.h"
#include "proto/envelope.h"
#include "proto/metadata.h"
#include "proto/wire.h"
#include "test_channel.h"
#include "weft_test.h"

static struct bundle *bundle_from(struct test_channel *c, uint64_t sequence)
{
    struct weft_err e = { 0 };
    struct bundle *b = NULL;
    EXPECT_OK(bundle_new("ch", sequence, test_channel_bytes(c), &b, &e));
    return b;
}

TEST(a_bundle_says_what_the_configuration_holds)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(test_channel_free) struct test_channel *c = test_channel_new();
    WEFT_CLEANUP(bundle_unref) struct bundle *b = bundle_from(c, 7);
    EXPECT_STR(bundle_channel_id(b), "ch");
    EXPECT_EQ(bundle_sequence(b), 7);
    EXPECT_OK(bundle_check_supported(b, &e));
    EXPECT_EQ(bundle_channel(b)->capabilities.msp_version, MSP_1_4_3);
    EXPECT_EQ(bundle_channel(b)->orderer_addresses.count, 1);
    EXPECT_STR(bundle_channel(b)->orderer_addresses.at[0], "127.0.0.1:7050");
    EXPECT_STR(bundle_channel(b)->consortium, "SampleConsortium");
    const struct bundle_orderer *o = bundle_orderer(b);
    EXPECT_STR(o->consensus_type, "solo");
    EXPECT_EQ(o->consensus_state, CONSENSUS_NORMAL);
    EXPECT_EQ(o->batch_size.max_messages, 10);
    EXPECT_EQ(o->batch_size.absolute_max_bytes, 1 << 20);
    EXPECT_EQ(o->batch_size.preferred_max_bytes, 64 << 10);
    EXPECT_EQ(o->batch_timeout_ns, INT64_C(2000000000));
    EXPECT(o->capabilities.use_channel_creation_policy_as_admins);
    EXPECT_EQ(o->org_count, 1);
    EXPECT_STR(o->orgs[0].mspid, "OrdererMSP");
    const struct bundle_application *a = bundle_application(b);
    EXPECT_EQ(a->org_count, 2);
    EXPECT_STR(a->orgs[1].name, "Org2MSP");
    EXPECT(a->capabilities.lifecycle_v20);
    EXPECT(bundle_consortiums(b) == NULL);
    EXPECT_EQ(msp_manager_count(bundle_msps(b)), 3);
}

/* ---- what is refused ----------------------------------------------------------------------- */

typedef void change_fn(struct test_channel *c);

static void batch(struct test_channel *c, uint64_t count, uint64_t absolute, uint64_t preferred)
{
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    wire_put_varint(&b, 1, count);
    wire_put_varint(&b, 2, absolute);
    wire_put_varint(&b, 3, preferred);
    test_channel_set(c, "Orderer", "BatchSize", buf_bytes(&b));
}

static void no_messages(struct test_channel *c)
{
    batch(c, 0, 10, 10);
}

static void no_absolute(struct test_channel *c)
{
    batch(c, 1, 0, 10);
}

static void no_preferred(struct test_channel *c)
{
    batch(c, 1, 10, 0);
}

static void preferred_over_absolute(struct test_channel *c)
{
    batch(c, 1, 10, 11);
}

static void no_unit(struct test_channel *c)
{
    test_channel_set_text(c, "Orderer", "BatchTimeout", "2");
}

static void zero_timeout(struct test_channel *c)
{
    test_channel_set_text(c, "Orderer", "BatchTimeout", "0s");
}

static void negative_timeout(struct test_channel *c)
{
    test_channel_set_text(c, "Orderer", "BatchTimeout", "-2s");
}

static void broker_without_port(struct test_channel *c)
{
    test_channel_set_text(c, "Orderer", "KafkaBrokers", "kafka0");
}

static void broker_with_bad_port(struct test_channel *c)
{
    test_channel_set_text(c, "Orderer", "KafkaBrokers", "kafka0:70000");
}

static void broker_with_bad_host(struct test_channel *c)
{
    test_channel_set_text(c, "Orderer", "KafkaBrokers", "-kafka0:9092");
}

static void other_group(struct test_channel *c)
{
    (void)test_channel_add_group(c, "", "Bystanders");
}

static void other_value(struct test_channel *c)
{
    test_channel_set_text(c, "Orderer", "Colour", "red");
}

static void other_hash(struct test_channel *c)
{
    test_channel_set_text(c, "", "HashingAlgorithm", "MD5");
}

static void narrow_tree(struct test_channel *c)
{
    test_channel_set_text(c, "", "BlockDataHashingStructure", "not a number");
}

static void channel_ahead_of_orderer(struct test_channel *c)
{
    test_channel_set(c, "Orderer", "Capabilities", bytes_of(NULL, 0));
}

static void application_ahead_of_orderer(struct test_channel *c)
{
    test_channel_set(c, "", "Capabilities", bytes_of(NULL, 0));
    channel_ahead_of_orderer(c);
}

static void nowhere_to_go(struct test_channel *c)
{
    test_channel_set_capability(c, "", "V1_1");
    test_channel_set(c, "", "OrdererAddresses", bytes_of(NULL, 0));
}

static void early_endpoints(struct test_channel *c)
{
    test_channel_set_capability(c, "", "V1_3");
    test_channel_set_text(c, "Orderer/OrdererMSP", "Endpoints", "o:7050");
}

static void early_acls(struct test_channel *c)
{
    test_channel_set_capability(c, "Application", "V1_1");
    test_channel_set(c, "Application", "ACLs", bytes_of_str(""));
}

static void group_in_orderer_org(struct test_channel *c)
{
    (void)test_channel_add_group(c, "Orderer/OrdererMSP", "Sub");
}

static void group_in_application_org(struct test_channel *c)
{
    (void)test_channel_add_group(c, "Application/Org1MSP", "Sub");
}

static void without_msp(struct test_channel *c)
{
    test_channel_set(c, "Application/Org1MSP", "MSP", bytes_of(NULL, 0));
}

static void bad_name(struct test_channel *c)
{
    test_channel_meta_policy(c, "Application", "what?", "Readers", 0);
}

static void odd_type(struct test_channel *c)
{
    test_channel_meta_policy(c, "Application", "Readers", "Readers", 0);
    ((struct config_item *)config_group_find(test_channel_group(c, "Application"),
                                             CONFIG_ITEM_POLICY, bytes_of_str("Readers")))
        ->policy_type = 2;
}

/* The same name, another form. */
static void two_msps(struct test_channel *c)
{
    struct bytes one = config_group_find(test_channel_group(c, "Application/Org1MSP"),
                                         CONFIG_ITEM_VALUE, bytes_of_str("MSP"))
                           ->value;
    struct bytes name = bytes_of_str("Org1MSP");
    WEFT_CLEANUP(buf_done) struct buf other = { 0 };
    WEFT_CLEANUP(buf_done) struct buf fabric = { 0 };
    struct wire w = wire_of(one);
    struct wire_field f;
    while (wire_next(&w, &f))
        if (wire_is(&f, 2, WIRE_LEN))
            buf_put(&fabric, f.bytes);
    wire_put_bytes(&fabric, 1, name); /* once more: the same name in other bytes */
    wire_put_bytes(&other, 2, buf_bytes(&fabric));
    test_channel_set(c, "Orderer/OrdererMSP", "MSP", buf_bytes(&other));
}

TEST(refuses_with_fabrics_words)
{
    static const struct {
        change_fn *change;
        const char *words;
    } rows[] = {
        { no_messages, "Attempted to set the batch size max message count to an invalid value: 0" },
        { no_absolute,
          "Attempted to set the batch size absolute max bytes to an invalid value: 0" },
        { no_preferred, "the batch size preferred max bytes to an invalid value: 0" },
        { preferred_over_absolute, "preferred max bytes (11) greater than the absolute max bytes "
                                   "(10)." },
        { no_unit, "Attempted to set the batch timeout to a invalid value: " },
        { zero_timeout, "Attempted to set the batch timeout to a non-positive value: 0s" },
        { negative_timeout, "Attempted to set the batch timeout to a non-positive value: -2s" },
        { broker_without_port, "Invalid broker entry: kafka0" },
        { broker_with_bad_port, "Invalid broker entry: kafka0:70000" },
        { broker_with_bad_host, "Invalid broker entry: -kafka0:9092" },
        { other_group, "initializing channelconfig failed: Disallowed channel group: " },
        { other_value, "could not create channel Orderer sub-group config: failed to deserialize "
                       "values: Unexpected key Colour" },
        { other_hash, "Unknown hashing algorithm type: MD5" },
        { narrow_tree, "BlockDataHashStructure width only supported at MaxUint32 in this version" },
        { channel_ahead_of_orderer,
          "cannot enable channel capabilities without orderer support first" },
        { application_ahead_of_orderer,
          "cannot enable application capabilities without orderer support first" },
        { nowhere_to_go, "Must set some OrdererAddresses" },
        { early_endpoints, "Orderer Org OrdererMSP cannot contain endpoints value until V1_4_2+ "
                           "capabilities have been enabled" },
        { early_acls, "ACLs may not be specified without the required capability" },
        { group_in_orderer_org, "OrdererOrg config does not allow sub-groups" },
        { group_in_application_org, "ApplicationOrg config does not allow sub-groups" },
        { without_msp, "setting up the MSP manager failed" },
        { bad_name, "initializing configtx manager failed: error converting config to map: " },
        { odd_type, "initializing policymanager failed: policy Readers at path "
                    "Channel/Application has unknown policy type: 2" },
        { two_msps, "Attempted to define two different versions of MSP: Org1MSP" },
    };
    WEFT_CLEANUP(test_channel_free) struct test_channel *good = test_channel_new();
    for (size_t i = 0; i < WEFT_ARRAY_LEN(rows); i++) {
        struct weft_err e = { 0 };
        struct bundle *b = NULL;
        WEFT_CLEANUP(test_channel_free) struct test_channel *c = test_channel_copy(good);
        rows[i].change(c);
        EXPECT_CODE(bundle_new("ch", 0, test_channel_bytes(c), &b, &e), WEFT_INVALID);
        EXPECT_WORDS(e, rows[i].words);
    }
}

TEST(a_channels_name_is_checked)
{
    struct weft_err e = { 0 };
    struct bundle *b = NULL;
    WEFT_CLEANUP(test_channel_free) struct test_channel *c = test_channel_new();
    EXPECT_CODE(bundle_new("Big", 0, test_channel_bytes(c), &b, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "initializing configtx manager failed: bad channel ID: 'Big' contains illegal "
                    "characters");
    EXPECT_CODE(bundle_new("ch", 0, bytes_of(NULL, 0), &b, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "config must contain a channel group");
}

TEST(capabilities_that_are_not_known_are_kept_and_refused_later)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(test_channel_free) struct test_channel *c = test_channel_new();
    test_channel_set_capability(c, "Application", "V9_9");
    WEFT_CLEANUP(bundle_unref) struct bundle *b = bundle_from(c, 0);
    EXPECT_CODE(bundle_check_supported(b, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "Application capability V9_9 is required but not supported");
}

/* ---- policies --------------------------------------------------------------------------------- */

static enum weft_code ask(struct test_channel *c, const struct bundle *b, const char *path,
                          const char *mspid, bool admin, const char *spoil, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf envelope = { 0 };
    struct envelope_headers h = { 0 };
    test_envelope(c, mspid, admin, HEADER_MESSAGE, "ch", bytes_of_str("data"), &envelope);
    WEFT_TRY(envelope_headers_parse(buf_bytes(&envelope), &h, e));
    struct signed_data d = { h.envelope.payload, h.signature.creator, h.envelope.signature };
    if (spoil != NULL)
        d.data = bytes_of_str(spoil);
    return bundle_evaluate(b, path, &d, 1, NULL, NULL, e);
}

TEST(policies_are_evaluated_over_good_signatures)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(test_channel_free) struct test_channel *c = test_channel_new();
    WEFT_CLEANUP(bundle_unref) struct bundle *b = bundle_from(c, 0);
    EXPECT_OK(ask(c, b, "/Channel/Writers", "Org1MSP", false, NULL, &e));
    EXPECT_OK(ask(c, b, "/Channel/Orderer/BlockValidation", "OrdererMSP", false, NULL, &e));
    EXPECT_CODE(ask(c, b, "/Channel/Orderer/Writers", "Org1MSP", false, NULL, &e), WEFT_FORBIDDEN);
    EXPECT_WORDS(e, "implicit policy evaluation failed - 0 sub-policies were satisfied, but this "
                    "policy requires 1 of the 'Writers' sub-policies to be satisfied");
    EXPECT_CODE(ask(c, b, "/Channel/Writers", "Org1MSP", false, "other data", &e), WEFT_FORBIDDEN);
    EXPECT_OK(ask(c, b, "/Channel/Application/Org2MSP/Admins", "Org2MSP", true, NULL, &e));
    EXPECT_CODE(ask(c, b, "/Channel/Application/Org2MSP/Admins", "Org2MSP", false, NULL, &e),
                WEFT_FORBIDDEN);
    EXPECT_CODE(ask(c, b, "/Channel/Nobody", "Org1MSP", false, NULL, &e), WEFT_NOT_FOUND);
}

/* One signature twice is one: a majority of three admins needs two organisations. */
TEST(who_signs_twice_counts_once)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(test_channel_free) struct test_channel *c = test_channel_new();
    WEFT_CLEANUP(test_channel_free) struct test_channel *next = test_channel_copy(c);
    WEFT_CLEANUP(bundle_unref) struct bundle *b = bundle_from(c, 0);
    WEFT_CLEANUP(buf_done) struct buf update = { 0 };
    WEFT_CLEANUP(buf_done) struct buf once = { 0 };
    WEFT_CLEANUP(buf_done) struct buf result = { 0 };
    test_channel_set_text(next, "", "Consortium", "Another");
    test_update(c, next, "ch", "Org1MSP Org1MSP", &once);
    EXPECT_CODE(bundle_propose(b, buf_bytes(&once), &result, &e), WEFT_FORBIDDEN);
    EXPECT_WORDS(e, "error authorizing update: error validating DeltaSet: policy for [Value]  "
                    "/Channel/Consortium not satisfied: implicit policy evaluation failed");
}

/* ---- from one to the next ------------------------------------------------------------------------ */

/* What an orderer makes of an update, a peer accepts; and only that. */
TEST(a_proposed_configuration_is_valid_and_a_changed_one_is_not)
{
    struct weft_err e = { 0 };
    struct config_envelope_view v = { 0 };
    struct bundle *changed = NULL;
    WEFT_CLEANUP(test_channel_free) struct test_channel *c = test_channel_new();
    WEFT_CLEANUP(test_channel_free) struct test_channel *next = test_channel_copy(c);
    WEFT_CLEANUP(bundle_unref) struct bundle *b = bundle_from(c, 4);
    WEFT_CLEANUP(buf_done) struct buf update = { 0 };
    WEFT_CLEANUP(buf_done) struct buf result = { 0 };
    batch(next, 77, 1000, 500);
    test_update(c, next, "ch", "OrdererMSP", &update);
    EXPECT_OK(bundle_propose(b, buf_bytes(&update), &result, &e));
    EXPECT_OK(bundle_validate(b, buf_bytes(&result), &e));
    EXPECT_OK(config_envelope_parse(buf_bytes(&result), &v, &e));
    EXPECT_EQ(v.sequence, 5);
    EXPECT_BYTES(v.last_update, buf_bytes(&update));
    EXPECT_OK(bundle_new("ch", v.sequence, v.channel_group, &changed, &e));
    EXPECT_EQ(bundle_orderer(changed)->batch_size.max_messages, 77);
    EXPECT_OK(bundle_check_next(b, changed, &e));
    EXPECT_CODE(bundle_validate(changed, buf_bytes(&result), &e), WEFT_INVALID);
    EXPECT_WORDS(e, "config currently at sequence 5, cannot validate config at sequence 5");

    WEFT_CLEANUP(buf_done) struct buf config = { 0 };
    WEFT_CLEANUP(buf_done) struct buf forged = { 0 };
    batch(next, 78, 1000, 500);
    wire_put_varint(&config, 1, 5);
    wire_put_bytes(&config, 2, test_channel_bytes(next));
    wire_put_bytes(&forged, 1, buf_bytes(&config));
    wire_put_bytes(&forged, 2, buf_bytes(&update));
    EXPECT_CODE(bundle_validate(b, buf_bytes(&forged), &e), WEFT_INVALID);
    EXPECT_WORDS(e, "ConfigEnvelope LastUpdate did not produce the supplied config result");
    bundle_unref(changed);
}

static void expect_not_next(struct test_channel *now, struct test_channel *next, const char *words)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(bundle_unref) struct bundle *a = bundle_from(now, 0);
    WEFT_CLEANUP(bundle_unref) struct bundle *b = bundle_from(next, 1);
    EXPECT_CODE(bundle_check_next(a, b, &e), WEFT_INVALID);
    EXPECT_WORDS(e, words);
}

TEST(what_may_not_change_is_refused)
{
    WEFT_CLEANUP(test_channel_free) struct test_channel *c = test_channel_new();
    WEFT_CLEANUP(test_channel_free) struct test_channel *old = test_channel_copy(c);
    WEFT_CLEANUP(test_channel_free) struct test_channel *raft = test_channel_copy(c);
    WEFT_CLEANUP(test_channel_free) struct test_channel *swapped = test_channel_copy(c);
    WEFT_CLEANUP(test_channel_free) struct test_channel *with = test_channel_copy(c);
    test_channel_set_capability(old, "", "V1_3");
    test_channel_set_text(raft, "Orderer", "ConsensusType", "etcdraft");
    expect_not_next(old, raft, "attempted to change consensus type from solo to etcdraft");
    test_channel_set(swapped, "Application/Org1MSP", "MSP",
                     config_group_find(test_channel_group(c, "Application/Org2MSP"),
                                       CONFIG_ITEM_VALUE, bytes_of_str("MSP"))
                         ->value);
    expect_not_next(c, swapped,
                    "application org Org1MSP attempted to change MSP ID from Org1MSP to Org2MSP");
    (void)test_channel_add_group(with, "", "Consortiums");
    expect_not_next(c, with, "current config has no consortiums section, but new config does");
    expect_not_next(with, c, "current config has consortiums section, but new config does not");
}

/* ---- what a real orderer wrote ------------------------------------------------------------------- */

static struct block *fixture_block(const char *name)
{
    struct weft_err e = { 0 };
    struct block *b = NULL;
    WEFT_CLEANUP(buf_done) struct buf wire = weft_test_read(weft_test_fixture(name));
    EXPECT_OK(block_parse(buf_bytes(&wire), &b, &e));
    return b;
}

/* The configurations of the channel follow from each other, with the signatures
 * that their updates bear; and who signed each block was allowed to. */
TEST(follows_the_fixtures_configurations_and_checks_every_blocks_signature)
{
    struct weft_err e = { 0 };
    struct bundle *now = NULL;
    size_t configs = 0;
    for (uint64_t n = 0; n < 79; n++) {
        WEFT_FREE char *name = weft_asprintf("ledger-small/blocks/%" PRIu64 ".block", n);
        WEFT_CLEANUP(block_unref) struct block *b = fixture_block(name);
        struct config_envelope_view v = { 0 };
        struct metadata_view m = { 0 };
        struct bytes item;
        for (size_t i = 0; n > 0 && i == 0; i++) {
            EXPECT_OK(block_metadata(&b->v, BLOCK_SLOT_SIGNATURES, &m, &e));
            EXPECT(repeated_next(&m.signatures, &item));
            struct metadata_signature s = metadata_signature_of(item);
            struct signature_header_view h = { 0 };
            WEFT_CLEANUP(buf_done) struct buf data = { 0 };
            EXPECT_OK(signature_header_parse(s.signature_header, &h, &e));
            buf_put(&data, m.value);
            buf_put(&data, s.signature_header);
            block_header_der(&b->v, &data);
            const struct signed_data d = { buf_bytes(&data), h.creator, s.signature };
            EXPECT_OK(
                bundle_evaluate(now, "/Channel/Orderer/BlockValidation", &d, 1, NULL, NULL, &e));
        }
        if (config_envelope_of_block(&b->v, &v, NULL) != WEFT_OK)
            continue;
        struct bundle *next = NULL;
        EXPECT_OK(bundle_of_block(&b->v, &next, &e));
        if (now != NULL) {
            struct envelope_headers h = { 0 };
            struct config_envelope_view again = { 0 };
            WEFT_CLEANUP(buf_done) struct buf made = { 0 };
            EXPECT_OK(envelope_headers_parse(b->v.txs.at[0], &h, &e));
            EXPECT_OK(bundle_validate(now, h.payload.data, &e));
            EXPECT_OK(bundle_check_next(now, next, &e));
            EXPECT_OK(bundle_propose(now, v.last_update, &made, &e));
            EXPECT_OK(config_envelope_parse(buf_bytes(&made), &again, &e));
            EXPECT_EQ(again.sequence, v.sequence);
            EXPECT_BYTES(again.last_update, v.last_update);
        }
        bundle_unref(now);
        now = next;
        configs++;
    }
    EXPECT_EQ(configs, 8);
    EXPECT_EQ(bundle_application(now)->org_count, 2);
    EXPECT_EQ(bundle_application(now)->orgs[0].anchor_count, 1);
    EXPECT_EQ(bundle_orderer(now)->batch_size.max_messages, 15);
    EXPECT_EQ(bundle_application(now)->acl_count, 2);
    bundle_unref(now);
}

TEST(reads_the_fixtures_genesis_blocks)
{
    static const char *const names[] = { "genesis/genesis-solo.block",
                                         "genesis/genesis-etcdraft.block" };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(names); i++) {
        struct weft_err e = { 0 };
        struct bundle *b = NULL;
        WEFT_CLEANUP(block_unref) struct block *block = fixture_block(names[i]);
        EXPECT_OK(bundle_of_block(&block->v, &b, &e));
        EXPECT_OK(bundle_check_supported(b, &e));
        EXPECT_STR(bundle_channel_id(b), "system-channel");
        EXPECT_STR(bundle_orderer(b)->consensus_type, i == 0 ? "solo" : "etcdraft");
        EXPECT(i == 0 || bundle_orderer(b)->consensus_metadata.len > 0);
        EXPECT_EQ(bundle_consortiums(b)->count, 1);
        EXPECT_EQ(bundle_consortiums(b)->at[0].org_count, 2);
        EXPECT(bundle_application(b) == NULL);
        bundle_unref(b);
    }
}
