#include "proto/proto_check.h"

#include "base/limits.h"
#include "weft_test.h"

#include <common/common.pb-c.h>
#include <common/configtx.pb-c.h>
#include <common/policies.pb-c.h>
#include <orderer/etcdraft/metadata.pb-c.h>
#include <peer/chaincode.pb-c.h>
#include <sys/resource.h>

static long peak_kb(void)
{
    struct rusage u;
    EXPECT(getrusage(RUSAGE_SELF, &u) == 0);
    return u.ru_maxrss;
}

/* Field `number` holding a message that holds ... `levels` times, the
 * innermost of no bytes; written from its end. */
static struct buf nested(uint32_t number, size_t levels)
{
    size_t room = levels * 6;
    WEFT_FREE uint8_t *text = weft_alloc(room);
    size_t at = room;
    for (size_t i = 0; i < levels; i++) {
        WEFT_CLEANUP(buf_done) struct buf head = { 0 };
        buf_put_uvarint(&head, (uint64_t)number << 3 | WIRE_LEN);
        buf_put_uvarint(&head, room - at);
        at -= head.len;
        memcpy(text + at, head.data, head.len);
    }
    struct buf b = { 0 };
    buf_put(&b, bytes_of(text + at, room - at));
    return b;
}

TEST(unpacks_into_the_arena)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(arena_done) struct arena a = { 0 };
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    wire_put_bytes(&b, 1, bytes_of_str("mychannel"));
    wire_put_bytes(&b, 2,
                   bytes_of_str("\x2a\x03"
                                "Org"));
    void *msg = NULL;
    EXPECT_OK(proto_unpack(&common__config_update__descriptor, buf_bytes(&b), &a, &msg, &e));
    const Common__ConfigUpdate *update = msg;
    EXPECT_STR(update->channel_id, "mychannel");
    EXPECT(update->read_set != NULL && update->write_set == NULL);
}

TEST(unpacks_no_bytes_to_an_empty_message)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(arena_done) struct arena a = { 0 };
    void *msg = NULL;
    EXPECT_OK(proto_unpack(&common__envelope__descriptor, (struct bytes){ 0 }, &a, &msg, &e));
    EXPECT_EQ(((const Common__Envelope *)msg)->payload.len, 0);
}

TEST(takes_messages_that_nest_up_to_the_limit_and_no_deeper)
{
    struct weft_err e = { 0 };
    const ProtobufCMessageDescriptor *type = &common__signature_policy__descriptor;
    /* SignaturePolicy and its NOutOf take turns, both with the next in field
     * 2: with the outermost one that is levels + 1 messages. */
    WEFT_CLEANUP(buf_done) struct buf fits = nested(2, LIMIT_PROTO_DEPTH - 1);
    WEFT_CLEANUP(buf_done) struct buf deep = nested(2, LIMIT_PROTO_DEPTH);
    EXPECT_OK(proto_check(type, buf_bytes(&fits), 0, &e));
    EXPECT_CODE(proto_check(type, buf_bytes(&deep), 0, &e), WEFT_LIMIT);
    EXPECT_CODE(proto_check(type, buf_bytes(&fits), 1, &e), WEFT_LIMIT);
    EXPECT_WORDS(e, "messages in each other");
}

TEST(refuses_a_million_nested_messages_with_no_more_memory)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(arena_done) struct arena a = { 0 };
    WEFT_CLEANUP(buf_done) struct buf b = nested(2, 1000000);
    const ProtobufCMessageDescriptor *type = &common__signature_policy__descriptor;
    void *msg = NULL;
    long before = peak_kb();
    EXPECT_CODE(proto_check(type, buf_bytes(&b), 0, &e), WEFT_LIMIT);
    EXPECT_CODE(proto_unpack(type, buf_bytes(&b), &a, &msg, &e), WEFT_LIMIT);
    EXPECT(msg == NULL && a.first == NULL);
    EXPECT(peak_kb() - before < 1024);
}

TEST(refuses_more_fields_than_the_limit_even_of_no_bytes)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(arena_done) struct arena a = { 0 };
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    for (size_t i = 0; i < LIMIT_PROTO_FIELDS; i++)
        wire_put_bytes(&b, 1, (struct bytes){ 0 });
    void *msg = NULL;
    EXPECT_OK(proto_unpack(&common__block_data__descriptor, buf_bytes(&b), &a, &msg, &e));
    EXPECT_EQ(((const Common__BlockData *)msg)->n_data, LIMIT_PROTO_FIELDS);

    wire_put_bytes(&b, 9, (struct bytes){ 0 }); /* an unknown one counts as well */
    EXPECT_CODE(proto_unpack(&common__block_data__descriptor, buf_bytes(&b), &a, &msg, &e),
                WEFT_LIMIT);
    EXPECT_WORDS(e, "more than 262144 fields");
}

TEST(counts_the_values_of_a_packed_list_as_fields)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(arena_done) struct arena a = { 0 };
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    WEFT_FREE uint8_t *zeros = weft_alloc(LIMIT_PROTO_FIELDS);
    wire_put_bytes(&b, 1, bytes_of(zeros, LIMIT_PROTO_FIELDS));
    wire_put_varint(&b, 1, 0);
    void *msg = NULL;
    EXPECT_CODE(proto_unpack(&etcdraft__block_metadata__descriptor, buf_bytes(&b), &a, &msg, &e),
                WEFT_LIMIT);
}

TEST(refuses_bytes_over_the_limit_unread)
{
    struct weft_err e = { 0 };
    uint8_t one = 0;
    struct bytes huge = bytes_of(&one, (size_t)LIMIT_PROTO_BYTES + 1);
    EXPECT_CODE(proto_check(&common__envelope__descriptor, huge, 0, &e), WEFT_LIMIT);
}

TEST(refuses_a_string_that_is_not_utf8)
{
    struct weft_err e = { 0 };
    struct bytes b = bytes_of_str("\x0a\x02\xc3\x28");
    EXPECT_CODE(proto_check(&protos__chaincode_id__descriptor, b, 0, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "protos.ChaincodeID: a string is not UTF-8");
}

TEST(refuses_to_unpack_a_string_with_a_zero_byte_but_passes_it)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(arena_done) struct arena a = { 0 };
    struct bytes b = bytes_of("\x0a\x03"
                              "a\0b",
                              5);
    void *msg = NULL;
    EXPECT_OK(proto_check(&protos__chaincode_id__descriptor, b, 0, &e));
    EXPECT_CODE(proto_unpack(&protos__chaincode_id__descriptor, b, &a, &msg, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "zero byte");
}

TEST(passes_a_field_of_another_wire_type_but_does_not_unpack_it)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(arena_done) struct arena a = { 0 };
    struct bytes b = bytes_of_str("\x08\x01"); /* Envelope.payload as a number */
    void *msg = NULL;
    EXPECT_OK(proto_check(&common__envelope__descriptor, b, 0, &e));
    EXPECT_CODE(proto_unpack(&common__envelope__descriptor, b, &a, &msg, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "wrong wire type");
}

TEST(refuses_to_unpack_a_message_that_comes_in_two_parts)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(arena_done) struct arena a = { 0 };
    struct bytes b = bytes_of("\x0a\0\x0a\0", 4); /* Payload.header twice */
    void *msg = NULL;
    EXPECT_OK(proto_check(&common__payload__descriptor, b, 0, &e));
    EXPECT_CODE(proto_unpack(&common__payload__descriptor, b, &a, &msg, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "a message field twice");
}

TEST(looks_into_the_messages_of_a_map)
{
    struct weft_err e = { 0 };
    const ProtobufCMessageDescriptor *type = &common__config_group__descriptor;
    /* groups { "A": { mod_policy: <not UTF-8> } } */
    struct bytes bad = bytes_of_str("\x12\x08\x0a\x01"
                                    "A\x12\x03\x2a\x01\xff");
    EXPECT_CODE(proto_check(type, bad, 0, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "common.ConfigGroup: a string");
    /* a number where the map should be */
    EXPECT_CODE(proto_check(type, bytes_of_str("\x10\x01"), 0, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "map");
}

TEST(knows_a_map_from_a_list_of_messages)
{
    const ProtobufCMessageDescriptor *group = &common__config_group__descriptor;
    EXPECT(proto_field_is_map(group, protobuf_c_message_descriptor_get_field(group, 2)));
    EXPECT(!proto_field_is_map(group, protobuf_c_message_descriptor_get_field(group, 5)));
    const ProtobufCMessageDescriptor *rule = &common__signature_policy_envelope__descriptor;
    EXPECT(!proto_field_is_map(rule, protobuf_c_message_descriptor_get_field(rule, 3)));
}

TEST(reads_lists_of_numbers_packed_or_not_and_refuses_a_cut_one)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(arena_done) struct arena a = { 0 };
    const ProtobufCMessageDescriptor *type = &etcdraft__block_metadata__descriptor;
    void *msg = NULL;
    EXPECT_OK(proto_unpack(type, bytes_of_str("\x0a\x03\x01\xac\x02\x08\x05"), &a, &msg, &e));
    const Etcdraft__BlockMetadata *m = msg;
    EXPECT_EQ(m->n_consenter_ids, 3);
    EXPECT_EQ(m->consenter_ids[1], 300);
    EXPECT_EQ(m->consenter_ids[2], 5);
    EXPECT_CODE(proto_check(type, bytes_of_str("\x0a\x02\x01\xac"), 0, &e), WEFT_INVALID);
}

TEST(refuses_bytes_that_end_within_a_field)
{
    struct weft_err e = { 0 };
    EXPECT_CODE(proto_check(&common__envelope__descriptor, bytes_of_str("\x0a\x05xy"), 0, &e),
                WEFT_INVALID);
    EXPECT_WORDS(e, "common.Envelope: broken or cut short");
}
