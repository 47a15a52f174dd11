#include "proto/json.h"

#include "base/limits.h"
#include "proto/block.h"
#include "proto/wire.h"
#include "weft_test.h"

#include <common/configtx.pb-c.h>
#include <common/configuration.pb-c.h>
#include <common/policies.pb-c.h>
#include <ledger/rwset/rwset.pb-c.h>
#include <orderer/configuration.pb-c.h>
#include <peer/configuration.pb-c.h>

/* The JSON of a message with all space between its parts taken out. */
static void expect_json(const ProtobufCMessageDescriptor *type, struct bytes wire, const char *want)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(buf_done) struct buf out = { 0 };
    EXPECT_OK(json_message(type, wire, &out, &e));
    size_t len = 0;
    for (size_t i = 0; i < out.len; i++)
        if (out.data[i] != '\n' && out.data[i] != '\t' && out.data[i] != ' ')
            out.data[len++] = out.data[i];
    EXPECT_BYTES(bytes_of(out.data, len), bytes_of_str(want));
}

/* A message from fields: put(&b, 1, inner), each inner one given up. */
static struct buf message(uint32_t number, struct buf inner)
{
    struct buf b = { 0 };
    wire_put_bytes(&b, number, buf_bytes(&inner));
    buf_done(&inner);
    return b;
}

static struct buf text(uint32_t number, const char *s)
{
    struct buf b = { 0 };
    wire_put_bytes(&b, number, bytes_of_str(s));
    return b;
}

static struct buf number(uint32_t field, uint64_t n)
{
    struct buf b = { 0 };
    wire_put_varint(&b, field, n);
    return b;
}

static struct buf both(struct buf a, struct buf b)
{
    buf_put(&a, buf_bytes(&b));
    buf_done(&b);
    return a;
}

/* Payload of a transaction of this header type. */
static struct buf payload(uint64_t header_type, struct buf data)
{
    struct buf header = message(1, message(1, number(1, header_type)));
    return both(header, message(2, data));
}

TEST(writes_messages_in_bytes_fields_as_what_they_are)
{
    WEFT_CLEANUP(buf_done) struct buf b = message(1, payload(2, text(1, "")));
    expect_json(&common__envelope__descriptor, buf_bytes(&b),
                "{\"payload\":{\"data\":{\"config_update\":{\"channel_id\":\"\","
                "\"isolated_data\":{},\"read_set\":null,\"write_set\":null},\"signatures\":[]},"
                "\"header\":{\"channel_header\":{\"channel_id\":\"\",\"epoch\":\"0\","
                "\"extension\":null,\"timestamp\":null,\"tls_cert_hash\":null,\"tx_id\":\"\","
                "\"type\":2,\"version\":0},\"signature_header\":null}},\"signature\":null}");
}

TEST(tells_absent_bytes_from_empty_ones)
{
    expect_json(&common__block_header__descriptor, bytes_of("\x12\0", 2),
                "{\"data_hash\":null,\"number\":\"0\",\"previous_hash\":\"\"}");
    expect_json(&common__block__descriptor, bytes_of("\x12\x02\x0a\0\x1a\0", 6),
                "{\"data\":{\"data\":[{\"payload\":null,\"signature\":null}]},\"header\":null,"
                "\"metadata\":{\"metadata\":[]}}");
}

TEST(gives_bytes_that_are_not_the_message_as_base64)
{
    WEFT_CLEANUP(buf_done) struct buf cut = text(1, "\x0a\x7f!");
    expect_json(&common__envelope__descriptor, buf_bytes(&cut),
                "{\"payload\":\"Cn8h\",\"signature\":null}");
    /* No header: nobody knows what the data is, though it could be a message
     * of type 0, a ConfigValue. */
    WEFT_CLEANUP(buf_done) struct buf no_header = message(2, number(1, 1));
    expect_json(&common__payload__descriptor, buf_bytes(&no_header),
                "{\"data\":\"CAE=\",\"header\":null}");
    WEFT_CLEANUP(buf_done) struct buf unknown_policy = both(number(1, 2), text(2, "ab"));
    expect_json(&common__policy__descriptor, buf_bytes(&unknown_policy),
                "{\"type\":2,\"value\":\"YWI=\"}");
}

TEST(writes_wide_numbers_as_strings_and_enums_by_name)
{
    WEFT_CLEANUP(buf_done) struct buf big = number(1, UINT64_MAX);
    expect_json(&common__last_config__descriptor, buf_bytes(&big),
                "{\"index\":\"18446744073709551615\"}");
    /* An int32 that is too wide loses its upper half, as in Go. */
    WEFT_CLEANUP(buf_done) struct buf wide = number(1, UINT64_C(0x1ffffffff));
    expect_json(&common__policy__descriptor, buf_bytes(&wide), "{\"type\":-1,\"value\":null}");
    WEFT_CLEANUP(buf_done) struct buf rule = number(2, 2);
    expect_json(&common__implicit_meta_policy__descriptor, buf_bytes(&rule),
                "{\"rule\":\"MAJORITY\",\"sub_policy\":\"\"}");
    WEFT_CLEANUP(buf_done) struct buf unknown = number(2, 77);
    expect_json(&common__implicit_meta_policy__descriptor, buf_bytes(&unknown),
                "{\"rule\":77,\"sub_policy\":\"\"}");
}

TEST(takes_the_last_of_what_occurs_twice_and_joins_messages)
{
    WEFT_CLEANUP(buf_done) struct buf twice = both(text(1, "a"), text(1, "b"));
    expect_json(&common__consortium__descriptor, buf_bytes(&twice), "{\"name\":\"b\"}");
    WEFT_CLEANUP(buf_done)
    struct buf parts = both(message(1, number(1, 7)), message(1, text(3, "h")));
    expect_json(&common__block__descriptor, buf_bytes(&parts),
                "{\"data\":null,\"header\":{\"data_hash\":\"aA==\",\"number\":\"7\","
                "\"previous_hash\":null},\"metadata\":null}");
}

TEST(writes_the_member_of_a_oneof_that_comes_last)
{
    WEFT_CLEANUP(buf_done) struct buf last = both(message(2, number(1, 1)), number(1, 0));
    expect_json(&common__signature_policy__descriptor, buf_bytes(&last), "{\"signed_by\":0}");
    expect_json(&common__signature_policy__descriptor, (struct bytes){ 0 }, "{}");
    /* And not joined with an earlier one of its kind. */
    WEFT_CLEANUP(buf_done)
    struct buf two = both(message(2, number(1, 9)), message(2, message(2, number(1, 3))));
    expect_json(&common__signature_policy__descriptor, buf_bytes(&two),
                "{\"n_out_of\":{\"n\":0,\"rules\":[{\"signed_by\":3}]}}");
}

static struct buf entry(uint32_t field, const char *key, struct buf value)
{
    return message(field, both(text(1, key), message(2, value)));
}

TEST(writes_the_keys_of_a_map_in_order_and_the_last_of_equal_ones)
{
    struct buf first = both(entry(1, "b", (struct buf){ 0 }), entry(1, "a", text(1, "old")));
    WEFT_CLEANUP(buf_done) struct buf b = both(first, entry(1, "a", text(1, "new")));
    expect_json(&protos__acls__descriptor, buf_bytes(&b),
                "{\"acls\":{\"a\":{\"policy_ref\":\"new\"},\"b\":{\"policy_ref\":\"\"}}}");
    WEFT_CLEANUP(buf_done) struct buf no_value = message(1, text(1, "a"));
    expect_json(&protos__acls__descriptor, buf_bytes(&no_value), "{\"acls\":{}}");
}

static struct buf group_with(const char *name, struct buf inner)
{
    return entry(2, name, inner);
}

static struct buf capabilities_value(void)
{
    return entry(3, "Capabilities", message(2, entry(1, "V2_0", (struct buf){ 0 })));
}

#define PLAIN_GROUP(groups, values)                                                 \
    "{\"groups\":" groups ",\"mod_policy\":\"\",\"policies\":{},\"values\":" values \
    ",\"version\":\"0\"}"

TEST(reads_a_config_value_by_its_name_and_place)
{
    static const char known[] =
        "{\"Capabilities\":{\"mod_policy\":\"\",\"value\":{\"capabilities\":{\"V2_0\":{}}},"
        "\"version\":\"0\"}}";
    static const char unknown[] =
        "{\"Capabilities\":{\"mod_policy\":\"\",\"value\":\"CggKBFYyXzASAA==\","
        "\"version\":\"0\"}}";
    WEFT_CLEANUP(buf_done)
    struct buf b =
        message(2, both(both(capabilities_value(), group_with("Orderer", capabilities_value())),
                        group_with("Elsewhere", capabilities_value())));
    WEFT_FREE char *want = weft_asprintf(
        "{\"channel_group\":" PLAIN_GROUP(
            "{\"Elsewhere\":" PLAIN_GROUP("{}", "%s") ",\"Orderer\":" PLAIN_GROUP("{}", "%s") "}",
            "%s") ",\"sequence\":\"0\"}",
        unknown, known, known);
    expect_json(&common__config__descriptor, buf_bytes(&b), want);
}

TEST(reads_consensus_metadata_by_the_type_of_consensus)
{
    WEFT_CLEANUP(buf_done) struct buf raft = both(text(1, "etcdraft"), text(2, ""));
    expect_json(&orderer__consensus_type__descriptor, buf_bytes(&raft),
                "{\"metadata\":{\"consenters\":[],\"options\":null},\"state\":\"STATE_NORMAL\","
                "\"type\":\"etcdraft\"}");
    WEFT_CLEANUP(buf_done) struct buf solo = both(text(1, "solo"), text(2, ""));
    expect_json(&orderer__consensus_type__descriptor, buf_bytes(&solo),
                "{\"metadata\":{},\"state\":\"STATE_NORMAL\",\"type\":\"solo\"}");
}

TEST(does_not_look_into_a_read_write_set_of_another_model)
{
    struct buf ns = message(2, both(text(1, "cc"), text(2, "")));
    WEFT_CLEANUP(buf_done) struct buf b = both(number(1, 1), ns);
    expect_json(&rwset__tx_read_write_set__descriptor, buf_bytes(&b),
                "{\"data_model\":1,\"ns_rwset\":[{\"collection_hashed_rwset\":[],"
                "\"namespace\":\"cc\",\"rwset\":\"\"}]}");
}

TEST(gives_a_time_out_of_range_as_base64)
{
    WEFT_CLEANUP(buf_done) struct buf b = message(3, number(2, 1000000000));
    struct weft_err e = { 0 };
    WEFT_CLEANUP(buf_done) struct buf out = { 0 };
    EXPECT_OK(json_message(&common__channel_header__descriptor, buf_bytes(&b), &out, &e));
    buf_put_u8(&out, 0);
    EXPECT(strstr((const char *)out.data, "\"timestamp\": \"EICU69wD\"") != NULL);
}

/* An envelope whose payload is an orderer transaction: an envelope whose ... */
static struct buf nested_envelopes(size_t levels)
{
    struct buf b = { 0 };
    for (size_t i = 0; i < levels; i++)
        b = message(1, payload(4, b));
    return b;
}

TEST(gives_what_lies_too_deep_as_base64)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(buf_done) struct buf b = nested_envelopes(1000);
    WEFT_CLEANUP(buf_done) struct buf out = { 0 };
    EXPECT_OK(json_envelope(buf_bytes(&b), &out, &e));
    size_t payloads = 0;
    buf_put_u8(&out, 0);
    for (const char *at = (const char *)out.data; (at = strstr(at, "\"payload\": {")) != NULL; at++)
        payloads++;
    /* An envelope and a payload each; the header of the last would be too deep. */
    EXPECT_EQ(payloads, LIMIT_PROTO_DEPTH / 2 - 1);
}

TEST(refuses_bytes_that_are_no_block_and_leaves_the_text_alone)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(buf_done) struct buf out = { 0 };
    buf_put_str(&out, "before");
    EXPECT_CODE(json_block(bytes_of_str("\x0a\x7f"), &out, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "common.Block");
    EXPECT_BYTES(buf_bytes(&out), bytes_of_str("before"));
}

TEST(refuses_a_map_of_too_many_keys_and_leaves_the_text_alone)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    WEFT_CLEANUP(buf_done) struct buf out = { 0 };
    for (size_t i = 0; i <= LIMIT_JSON_MAP; i++)
        wire_put_bytes(&b, 1, (struct bytes){ 0 });
    buf_put_str(&out, "before");
    EXPECT_CODE(json_message(&protos__acls__descriptor, buf_bytes(&b), &out, &e), WEFT_LIMIT);
    EXPECT_WORDS(e, "keys in a map");
    EXPECT_BYTES(buf_bytes(&out), bytes_of_str("before"));
}

TEST(refuses_messages_in_so_many_parts_that_joining_them_costs_too_much)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    WEFT_CLEANUP(buf_done) struct buf out = { 0 };
    /* 25 groups in each other, each in two parts: an empty one and the rest. */
    WEFT_FREE uint8_t *zeros = weft_alloc(8 << 20);
    wire_put_bytes(&b, 15, bytes_of(zeros, 8 << 20));
    for (int i = 0; i < 25; i++)
        b = message(2, both(message(2, (struct buf){ 0 }), message(2, b)));
    EXPECT_CODE(json_message(&common__config_group__descriptor, buf_bytes(&b), &out, &e),
                WEFT_LIMIT);
    EXPECT_WORDS(e, "in parts");
}

TEST(writes_the_same_for_a_view_as_for_its_wire_form)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(buf_done)
    struct buf wire = both(message(1, number(1, 5)), message(2, message(1, text(2, "sig"))));
    WEFT_CLEANUP(block_view_done) struct block_view v = { 0 };
    EXPECT_OK(block_view_parse(&v, buf_bytes(&wire), &e));
    WEFT_CLEANUP(buf_done) struct buf a = { 0 }, b = { 0 };
    EXPECT_OK(json_block(buf_bytes(&wire), &a, &e));
    EXPECT_OK(json_block_view(&v, &b, &e));
    EXPECT_BYTES(buf_bytes(&a), buf_bytes(&b));
}

/* Blocks made to have every message that may lie in one, every kind of absent
 * and empty field, and times from the first second to the last; the texts are
 * configtxlator's for them. */
TEST(gives_the_text_that_the_original_gives)
{
    static const char *const names[] = { "config_etcdraft", "config_kafka", "transactions",
                                         "times" };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(names); i++) {
        struct weft_err e = { 0 };
        WEFT_FREE char *block = weft_asprintf("vectors/json/%s.block", names[i]);
        WEFT_FREE char *json = weft_asprintf("vectors/json/%s.json", names[i]);
        WEFT_CLEANUP(buf_done) struct buf wire = weft_test_read(weft_test_file(block));
        WEFT_CLEANUP(buf_done) struct buf want = weft_test_read(weft_test_file(json));
        WEFT_CLEANUP(buf_done) struct buf out = { 0 };
        EXPECT_OK(json_block(buf_bytes(&wire), &out, &e));
        buf_put_u8(&out, '\n');
        EXPECT_BYTES(buf_bytes(&out), buf_bytes(&want));
    }
}
