#include "proto/block.h"

#include "base/limits.h"
#include "proto/wire.h"
#include "weft_test.h"

#include <sys/resource.h>

static struct buf from_hex(const char *hex)
{
    struct buf b = { 0 };
    size_t n = strlen(hex) / 2;
    EXPECT(bytes_from_hex(bytes_of_str(hex), buf_reserve(&b, n)));
    b.len = n;
    return b;
}

static void expect_hex(struct bytes b, const char *hex)
{
    WEFT_FREE char *got = bytes_to_hex(b);
    EXPECT_STR(got, hex);
}

static void expect_digest(struct digest d, const char *hex)
{
    expect_hex(digest_bytes(&d), hex);
}

#define DATA_HASH "b75fa4cca73a24cc129213c6e064b971533e2fa3eb0d118e3f484a7ae4a70fd3"
#define HASH_0    "acd5a38f32aadf61ebaefb331a67afaaf53587e716d4c14cbf3a9ae0d6b5406d"

/* ---- the wire form in pieces ------------------------------------------------------------- */

static void expect_pieces(const struct block_view *v)
{
    WEFT_CLEANUP(buf_done) struct buf whole = { 0 };
    WEFT_CLEANUP(buf_done) struct buf joined = { 0 };
    WEFT_CLEANUP(buf_done) struct buf own = { 0 };
    struct bytes_list pieces = { 0 };
    buf_put_str(&whole, "head");
    block_encode(v, &whole);
    block_encode_pieces(v, bytes_of_str("head"), &own, &pieces);
    for (size_t i = 0; i < pieces.count; i++) {
        EXPECT(pieces.at[i].len > 0);
        buf_put(&joined, pieces.at[i]);
    }
    EXPECT_BYTES(buf_bytes(&joined), buf_bytes(&whole));
    for (size_t t = 0; t < v->txs.count && v->has_data; t++) {
        bool found = v->txs.at[t].len == 0;
        for (size_t i = 0; i < pieces.count; i++)
            found = found || pieces.at[i].data == v->txs.at[t].data;
        EXPECT(found); /* it lies where it lay */
    }
    free(pieces.at);
}

TEST(in_pieces_it_is_the_same_and_the_envelopes_stay_where_they_are)
{
    static uint8_t large[70000];
    WEFT_CLEANUP(block_view_done) struct block_view v = { .number = 300 };
    memset(large, 7, sizeof(large));
    expect_pieces(&v);
    v.has_header = v.has_data = v.has_metadata = true;
    expect_pieces(&v);
    v.previous_hash = bytes_of(large, 32);
    v.data_hash = bytes_of(large + 32, 32);
    for (size_t i = 0; i < BLOCK_SLOT_NR; i++)
        bytes_list_add(&v.slots, bytes_of(large, i * 100));
    expect_pieces(&v);
    for (size_t len = 0; len < sizeof(large); len += 1 + len)
        bytes_list_add(&v.txs, bytes_of(large + len / 3, len / 2));
    expect_pieces(&v);
    for (size_t i = 0; i < 1000; i++)
        bytes_list_add(&v.txs, bytes_of(large + i, 1));
    expect_pieces(&v);
    v.has_data = false;
    expect_pieces(&v);
}

/* ---- hashes (spec 20, 18.1 and 18.2) ---------------------------------------------------- */

TEST(hashes_are_those_of_the_specification)
{
    WEFT_CLEANUP(block_view_done) struct block_view v = { .has_header = true };
    WEFT_CLEANUP(buf_done) struct buf data_hash = from_hex(DATA_HASH);
    WEFT_CLEANUP(buf_done) struct buf hash_0 = from_hex(HASH_0);
    WEFT_CLEANUP(buf_done) struct buf der = { 0 };
    bytes_list_add(&v.txs, bytes_of_str("tx1"));
    bytes_list_add(&v.txs, bytes_of_str("tx2"));
    expect_digest(block_data_hash(&v), DATA_HASH);

    v.data_hash = buf_bytes(&data_hash);
    block_header_der(&v, &der);
    expect_hex(buf_bytes(&der), "302702010004000420" DATA_HASH);
    expect_digest(block_header_hash(&v), HASH_0);

    v.number = 300;
    v.previous_hash = buf_bytes(&hash_0);
    buf_clear(&der);
    block_header_der(&v, &der);
    expect_hex(buf_bytes(&der), "30480202012c0420" HASH_0 "0420" DATA_HASH);
    expect_digest(block_header_hash(&v),
                  "857177658f38de35b083dcb5093531e3319ac941a95c092ac538a7a1b0971877");

    v.number = UINT64_MAX;
    v.previous_hash = bytes_of(NULL, 0);
    expect_digest(block_header_hash(&v),
                  "ee15a8b0c580a71bf226c9a1d25148df1da5b1852177b2607527d9e0f063d383");
}

TEST(numbers_are_minimal_integers_in_der)
{
    static const struct {
        uint64_t n;
        const char *der;
    } rows[] = {
        { 0, "020100" },
        { 1, "020101" },
        { 127, "02017f" },
        { 128, "02020080" },
        { 255, "020200ff" },
        { 256, "02020100" },
        { 65535, "020300ffff" },
        { 65536, "0203010000" },
        { 1ULL << 32, "02050100000000" },
        { 1ULL << 63, "0209008000000000000000" },
        { UINT64_MAX, "020900ffffffffffffffff" },
    };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(rows); i++) {
        struct block_view v = { .number = rows[i].n };
        WEFT_CLEANUP(buf_done) struct buf der = { 0 };
        WEFT_CLEANUP(buf_done) struct buf want = from_hex(rows[i].der);
        block_header_der(&v, &der);
        EXPECT_BYTES(bytes_of(der.data + 2, want.len), buf_bytes(&want));
        EXPECT_EQ(der.len, want.len + 6); /* and two empty strings */
    }
}

/* Nobody makes hashes of 200 or 70,000 bytes, but a block may say it has some. */
TEST(long_lengths_in_der_take_more_bytes)
{
    WEFT_FREE uint8_t *many = weft_alloc(70000);
    struct block_view v = { .previous_hash = bytes_of(many, 200) };
    WEFT_CLEANUP(buf_done) struct buf der = { 0 };
    block_header_der(&v, &der);
    expect_hex(bytes_of(der.data, 9), "3081d0"
                                      "020100"
                                      "0481c8");
    v.previous_hash.len = 70000;
    buf_clear(&der);
    block_header_der(&v, &der);
    expect_hex(bytes_of(der.data, 13), "308301117a"
                                       "020100"
                                       "0483011170");
}

/* ---- the wire form ------------------------------------------------------------------------ */

TEST(a_block_is_written_as_golang_protobuf_writes_it)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(block_view_done)
    struct block_view v = { .has_header = true, .has_data = true, .has_metadata = true };
    WEFT_CLEANUP(buf_done) struct buf wire = { 0 };
    v.number = 300;
    v.previous_hash = bytes_of_str("pp");
    v.data_hash = bytes_of_str("ddd");
    bytes_list_add(&v.txs, bytes_of_str("tx1"));
    bytes_list_add(&v.txs, bytes_of(NULL, 0));
    bytes_list_add(&v.slots, bytes_of(NULL, 0));
    bytes_list_add(&v.slots, bytes_of("\0", 1));
    block_encode(&v, &wire);
    expect_hex(buf_bytes(&wire), "0a0c08ac02120270701a03646464"
                                 "12070a03747831"
                                 "0a00"
                                 "1a050a000a0100");
    EXPECT_EQ(block_encoded_len(&v), wire.len);

    WEFT_CLEANUP(block_view_done) struct block_view back = { 0 };
    EXPECT_OK(block_view_parse(&back, buf_bytes(&wire), &e));
    EXPECT_EQ(back.number, 300);
    EXPECT_BYTES(back.data_hash, v.data_hash);
    EXPECT_EQ(back.txs.count, 2);
    EXPECT_BYTES(back.txs.at[0], bytes_of_str("tx1"));
    EXPECT_EQ(back.slots.count, 2);
    EXPECT_EQ(block_slot(&back, BLOCK_SLOT_LAST_CONFIG).len, 1);
    EXPECT_EQ(block_slot(&back, BLOCK_SLOT_COMMIT_HASH).len, 0);
}

/* Block 0 has no number field and no previous hash; a message that is there
 * but empty is not one that is missing. */
TEST(zero_values_are_left_out_and_empty_parts_are_not)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(block_view_done) struct block_view v = { 0 };
    WEFT_CLEANUP(buf_done) struct buf wire = { 0 };
    EXPECT_OK(block_view_parse(&v, bytes_of(NULL, 0), &e));
    EXPECT(!v.has_header && !v.has_data && !v.has_metadata);
    block_encode(&v, &wire);
    EXPECT_EQ(wire.len, 0);
    EXPECT_OK(block_view_parse(&v, bytes_of("\x0a\0\x12\0\x1a\0", 6), &e));
    EXPECT(v.has_header && v.has_data && v.has_metadata);
    EXPECT_EQ(v.number, 0);
    block_encode(&v, &wire);
    expect_hex(buf_bytes(&wire), "0a0012001a00");
}

/* golang/protobuf merges a message that occurs twice. */
TEST(parts_that_occur_twice_are_merged)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(block_view_done) struct block_view v = { 0 };
    WEFT_CLEANUP(buf_done)
    struct buf b = from_hex("0a040801"
                            "1200"
                            "0a020802"
                            "12030a0161"
                            "12030a0162"
                            "4801");
    EXPECT_OK(block_view_parse(&v, buf_bytes(&b), &e));
    EXPECT_EQ(v.number, 2);
    EXPECT_EQ(v.txs.count, 2);
    EXPECT_BYTES(v.txs.at[1], bytes_of_str("b"));
}

TEST(a_view_is_used_again_without_remains)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(block_view_done) struct block_view v = { 0 };
    WEFT_CLEANUP(buf_done)
    struct buf full = from_hex("0a0608071a02aabb"
                               "12030a0161"
                               "1a020a00");
    EXPECT_OK(block_view_parse(&v, buf_bytes(&full), &e));
    EXPECT_EQ(v.number, 7);
    EXPECT_OK(block_view_parse(&v, bytes_of("\x12\0", 2), &e));
    EXPECT_EQ(v.number, 0);
    EXPECT_EQ(v.data_hash.len, 0);
    EXPECT_EQ(v.txs.count + v.slots.count, 0);
    EXPECT(!v.has_header && !v.has_metadata);
}

TEST(bad_wire_is_refused_in_each_part)
{
    static const struct {
        const char *hex, *words;
    } rows[] = {
        { "0a0108", "error unmarshalling block header" },
        { "12020a05", "error unmarshalling block transactions" },
        { "1a020a05", "error unmarshalling block metadata slots" },
        { "12050a", "error unmarshalling block" },
        { "00", "error unmarshalling block" },
    };
    struct weft_err e = { 0 };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(rows); i++) {
        WEFT_CLEANUP(block_view_done) struct block_view v = { 0 };
        WEFT_CLEANUP(buf_done) struct buf b = from_hex(rows[i].hex);
        EXPECT_CODE(block_view_parse(&v, buf_bytes(&b), &e), WEFT_INVALID);
        EXPECT_WORDS(e, rows[i].words);
    }
}

/* ---- limits --------------------------------------------------------------------------------- */

static long memory_high_kb(void)
{
    struct rusage u;
    (void)getrusage(RUSAGE_SELF, &u);
    return u.ru_maxrss;
}

/* A length of 100 MB with nothing behind it, as a block, its data, a
 * transaction. */
TEST(a_length_that_is_not_there_costs_nothing)
{
    struct weft_err e = { 0 };
    static const char *const lies[] = { "128080802f", "12060a8080802f61", "0a8080802f08" };
    long before = memory_high_kb();
    for (size_t i = 0; i < WEFT_ARRAY_LEN(lies); i++) {
        WEFT_CLEANUP(block_view_done) struct block_view v = { 0 };
        WEFT_CLEANUP(buf_done) struct buf b = from_hex(lies[i]);
        EXPECT_CODE(block_view_parse(&v, buf_bytes(&b), &e), WEFT_INVALID);
    }
    EXPECT(memory_high_kb() - before < 4096);
}

static void put_empty_fields(struct buf *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_put(b, bytes_of("\x0a\0", 2));
}

TEST(too_many_empty_transactions_are_refused)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(buf_done) struct buf txs = { 0 };
    WEFT_CLEANUP(buf_done) struct buf wire = { 0 };
    WEFT_CLEANUP(block_view_done) struct block_view v = { 0 };
    put_empty_fields(&txs, LIMIT_BLOCK_TXS);
    wire_put_bytes(&wire, 2, buf_bytes(&txs));
    clock_t start = clock();
    EXPECT_OK(block_view_parse(&v, buf_bytes(&wire), &e));
    EXPECT_EQ(v.txs.count, LIMIT_BLOCK_TXS);
    put_empty_fields(&txs, 1);
    buf_clear(&wire);
    wire_put_bytes(&wire, 2, buf_bytes(&txs));
    EXPECT_CODE(block_view_parse(&v, buf_bytes(&wire), &e), WEFT_LIMIT);
    EXPECT(clock() - start < 5 * CLOCKS_PER_SEC);
}

TEST(too_many_slots_are_refused)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(buf_done) struct buf slots = { 0 };
    WEFT_CLEANUP(buf_done) struct buf wire = { 0 };
    WEFT_CLEANUP(block_view_done) struct block_view v = { 0 };
    put_empty_fields(&slots, LIMIT_BLOCK_METADATA_SLOTS + 1);
    wire_put_bytes(&wire, 3, buf_bytes(&slots));
    EXPECT_CODE(block_view_parse(&v, buf_bytes(&wire), &e), WEFT_LIMIT);
    EXPECT_WORDS(e, "block has more than 64 metadata slots");
}

TEST(a_block_over_the_limit_is_not_read)
{
    struct weft_err e = { 0 };
    struct block_view v = { 0 };
    struct block *b = NULL;
    struct bytes large = { (const uint8_t *)"", (size_t)LIMIT_BLOCK_BYTES + 1 };
    EXPECT_CODE(block_view_parse(&v, large, &e), WEFT_LIMIT);
    EXPECT_CODE(block_parse(large, &b, &e), WEFT_LIMIT);
}

/* ---- counted blocks ---------------------------------------------------------------------------- */

TEST(a_block_keeps_its_own_bytes_as_long_as_somebody_holds_it)
{
    struct weft_err e = { 0 };
    struct block *b = NULL;
    WEFT_CLEANUP(buf_done) struct buf wire = from_hex("0a0608071a02aabb");
    EXPECT_OK(block_parse(buf_bytes(&wire), &b, &e));
    memset(wire.data, 0, wire.len);
    struct block *second = block_ref(b);
    block_unref(b);
    expect_hex(second->v.data_hash, "aabb");
    EXPECT(second->v.data_hash.data > second->raw.data &&
           second->v.data_hash.data < second->raw.data + second->raw.len);
    block_unref(second);
    block_unref(NULL);
}

static void count_release(void *owner)
{
    ++*(int *)owner;
}

TEST(a_block_may_stay_where_it_is_and_gives_that_back_once)
{
    struct weft_err e = { 0 };
    struct block *b = NULL;
    int released = 0;
    WEFT_CLEANUP(buf_done) struct buf wire = from_hex("0a0608071a02aabb");
    EXPECT_OK(block_parse_in_place(buf_bytes(&wire), &released, count_release, &b, &e));
    EXPECT(b->raw.data == wire.data);
    expect_hex(b->v.data_hash, "aabb");
    block_unref(block_ref(b));
    EXPECT_EQ(released, 0);
    block_unref(b);
    EXPECT_EQ(released, 1);
    EXPECT_CODE(block_parse_in_place(bytes_of_str("\xff"), &released, count_release, &b, &e),
                WEFT_INVALID);
    EXPECT_EQ(released, 2);
}

TEST(data_hashes_of_many_are_those_of_each)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(block_unref) struct block *two = NULL;
    WEFT_CLEANUP(block_unref) struct block *none = NULL;
    WEFT_CLEANUP(buf_done)
    struct buf wire = from_hex("12080a03747831"
                               "0a01ff");
    EXPECT_OK(block_parse(buf_bytes(&wire), &two, &e));
    EXPECT_OK(block_parse(bytes_of(NULL, 0), &none, &e));
    struct digest of_two = block_data_hash(&two->v), of_none = block_data_hash(&none->v);
    struct digest before = block_data_hash_of(two);
    EXPECT_BYTES(digest_bytes(&before), digest_bytes(&of_two));
    blocks_hash_data((struct block *[]){ two, none }, 2);
    EXPECT(two->has_data_hash && none->has_data_hash);
    EXPECT_BYTES(digest_bytes(&two->data_hash), digest_bytes(&of_two));
    EXPECT_BYTES(digest_bytes(&none->data_hash), digest_bytes(&of_none));
    blocks_hash_data(NULL, 0);
}
