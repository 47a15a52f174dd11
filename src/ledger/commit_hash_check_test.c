#include "ledger/commit_hash_check.h"

#include "chain.h"
#include "proto/wire.h"
#include "weft_test.h"

/* ---- blocks of our own ------------------------------------------------------------ */

static void nest(struct buf *b, uint32_t number)
{
    struct buf inner = *b;
    *b = (struct buf){ 0 };
    wire_put_bytes(b, number, buf_bytes(&inner));
    buf_done(&inner);
}

/* KVWrite or KVWriteHash { key, is_delete, value } as field `number` of `out`. */
static void put_write(struct buf *out, uint32_t number, struct bytes key, bool is_delete,
                      struct bytes value)
{
    WEFT_CLEANUP(buf_done) struct buf w = { 0 };
    wire_put_bytes(&w, 1, key);
    if (is_delete)
        wire_put_varint(&w, 2, 1);
    if (value.len > 0)
        wire_put_bytes(&w, 3, value);
    wire_put_bytes(out, number, buf_bytes(&w));
}

/* The key's metadata { "VALIDATION_PARAMETER", "x" }. */
static void put_metadata_write(struct buf *out, struct bytes key)
{
    WEFT_CLEANUP(buf_done) struct buf entry = { 0 };
    WEFT_CLEANUP(buf_done) struct buf w = { 0 };
    wire_put_bytes(&entry, 1, bytes_of_str("VALIDATION_PARAMETER"));
    wire_put_bytes(&entry, 2, bytes_of_str("x"));
    wire_put_bytes(&w, 1, key);
    wire_put_bytes(&w, 2, buf_bytes(&entry));
    wire_put_bytes(out, 4, buf_bytes(&w));
}

/* Turns a KVRWSet and a collection's HashedRWSet into an envelope. */
static void finish_tx(struct buf *rwset, const char *ns, struct buf *hashed, struct buf *out)
{
    WEFT_CLEANUP(buf_done) struct buf set = { 0 };
    WEFT_CLEANUP(buf_done) struct buf data = { 0 };
    WEFT_CLEANUP(buf_done) struct buf header = { 0 };
    wire_put_bytes(&set, 1, bytes_of_str(ns));
    wire_put_bytes(&set, 2, buf_bytes(rwset));
    if (hashed->len > 0) {
        WEFT_CLEANUP(buf_done) struct buf coll = { 0 };
        wire_put_bytes(&coll, 1, bytes_of_str("coll"));
        wire_put_bytes(&coll, 2, buf_bytes(hashed));
        wire_put_bytes(&set, 3, buf_bytes(&coll));
    }
    nest(&set, 2);
    chain_put_transaction(buf_bytes(&set), &data);
    wire_put_varint(&header, 1, 3);
    nest(&header, 1);
    wire_put_bytes(&header, 2, bytes_of_str("\x0a\x01x"));
    nest(&header, 1);
    wire_put_bytes(&header, 2, buf_bytes(&data));
    wire_put_bytes(out, 1, buf_bytes(&header));
}

struct made {
    struct buf envelopes[4], slot;
    uint8_t flags[4];
    struct block_view v;
};

static void made_done(struct made *m)
{
    for (size_t i = 0; i < WEFT_ARRAY_LEN(m->envelopes); i++)
        buf_done(&m->envelopes[i]);
    buf_done(&m->slot);
    block_view_done(&m->v);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct made, made_done)

/* What the peer stored: a hash in hex. */
static const struct block_view *made_block(struct made *m, uint64_t number, size_t txs,
                                           const char *hash)
{
    uint8_t raw[SHA256_BYTES];
    WEFT_ASSERT(bytes_from_hex(bytes_of_str(hash), raw));
    buf_clear(&m->slot);
    wire_put_bytes(&m->slot, 1, bytes_of(raw, sizeof(raw)));
    block_view_reset(&m->v);
    m->v.number = number;
    m->v.has_header = m->v.has_data = m->v.has_metadata = true;
    for (size_t i = 0; i < txs; i++)
        bytes_list_add(&m->v.txs, buf_bytes(&m->envelopes[i]));
    for (int i = 0; i < BLOCK_SLOT_NR; i++)
        bytes_list_add(&m->v.slots, i == BLOCK_SLOT_FLAGS         ? bytes_of(m->flags, txs)
                                    : i == BLOCK_SLOT_COMMIT_HASH ? buf_bytes(&m->slot)
                                                                  : bytes_of(NULL, 0));
    return &m->v;
}

static const char first_hash[] = "3731420a6d69374c62497733e276be31699e5df9a06d3ac76e6d6a6a7b8ab702";
static const char second_hash[] =
    "9d8cf15ce935d7d93a6979822f69acccda4470a7664100e8bc1910865e815894";
static const char other_hash[] = "0000000000000000000000000000000000000000000000000000000000000001";

/* Block 1 of the specification (18.4). */
static void make_first(struct made *m)
{
    WEFT_CLEANUP(buf_done) struct buf none = { 0 };
    WEFT_CLEANUP(buf_done) struct buf one = { 0 };
    WEFT_CLEANUP(buf_done) struct buf two = { 0 };
    WEFT_CLEANUP(buf_done) struct buf three = { 0 };
    WEFT_CLEANUP(buf_done) struct buf hashed = { 0 };
    struct digest k = sha256_of(bytes_of_str("k")), v = sha256_of(bytes_of_str("v"));
    put_write(&one, 3, bytes_of_str("key1"), false, bytes_of_str("value1"));
    put_write(&two, 3, bytes_of_str("key2"), true, bytes_of(NULL, 0));
    put_write(&hashed, 2, digest_bytes(&k), false, digest_bytes(&v));
    put_write(&three, 3, bytes_of_str("key1"), false, bytes_of_str("too late"));
    finish_tx(&one, "ns1", &none, &m->envelopes[0]);
    finish_tx(&two, "ns1", &hashed, &m->envelopes[1]);
    finish_tx(&three, "ns1", &none, &m->envelopes[2]);
    memcpy(m->flags, (uint8_t[]){ 0, 0, 11 }, 3);
}

TEST(hashes_are_those_of_the_specification)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(commit_hash_check_free) struct commit_hash_check *c = commit_hash_check_new();
    WEFT_CLEANUP(made_done) struct made first = { 0 }, second = { 0 };
    make_first(&first);
    EXPECT_OK(commit_hash_check_block(c, made_block(&first, 1, 3, first_hash), &e));
    WEFT_CLEANUP(buf_done) struct buf none = { 0 };
    finish_tx(&none, "ns1", &none, &second.envelopes[0]);
    EXPECT_OK(commit_hash_check_block(c, made_block(&second, 2, 1, second_hash), &e));
    EXPECT_EQ(commit_hash_check_matched(c), 2);
    EXPECT_EQ(commit_hash_check_skipped(c), 0);
}

TEST(another_flag_another_hash_or_another_predecessor_is_refused)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(commit_hash_check_free) struct commit_hash_check *c = commit_hash_check_new();
    WEFT_CLEANUP(made_done) struct made m = { 0 }, next = { 0 };
    make_first(&m);
    EXPECT_CODE(commit_hash_check_block(c, made_block(&m, 1, 3, other_hash), &e), WEFT_CORRUPT);
    EXPECT_WORDS(e, "block [1]: metadata slot COMMIT_HASH");
    m.flags[2] = 12;
    EXPECT_CODE(commit_hash_check_block(c, made_block(&m, 1, 3, first_hash), &e), WEFT_CORRUPT);
    m.flags[2] = 0;
    EXPECT_CODE(commit_hash_check_block(c, made_block(&m, 1, 3, first_hash), &e), WEFT_CORRUPT);
    WEFT_CLEANUP(buf_done) struct buf none = { 0 };
    finish_tx(&none, "ns1", &none, &next.envelopes[0]);
    EXPECT_CODE(commit_hash_check_block(c, made_block(&next, 2, 1, second_hash), &e), WEFT_CORRUPT);
}

/* The update would repeat a value that only the state has; the hash is believed
 * and the next block proves it. */
TEST(a_block_that_needs_the_state_is_skipped_but_its_hash_counts_in_the_next)
{
    struct weft_err e = { 0 };
    for (int kind = 0; kind < 3; kind++) {
        WEFT_CLEANUP(commit_hash_check_free) struct commit_hash_check *c = commit_hash_check_new();
        WEFT_CLEANUP(made_done) struct made m = { 0 }, next = { 0 };
        WEFT_CLEANUP(buf_done) struct buf set = { 0 };
        WEFT_CLEANUP(buf_done) struct buf none = { 0 };
        if (kind == 0) {
            put_metadata_write(&set, bytes_of_str("key1"));
        } else if (kind == 1) { /* the same key twice in one transaction */
            put_write(&set, 3, bytes_of_str("key1"), false, bytes_of_str("a"));
            put_write(&set, 3, bytes_of_str("key1"), false, bytes_of_str("b"));
        } else { /* not a read-write set at all */
            buf_put_str(&set, "\xff\xff");
        }
        finish_tx(&set, "ns1", &none, &m.envelopes[0]);
        EXPECT_OK(commit_hash_check_block(c, made_block(&m, 1, 1, first_hash), &e));
        EXPECT_EQ(commit_hash_check_skipped(c), 1);
        finish_tx(&none, "ns1", &none, &next.envelopes[0]);
        EXPECT_OK(commit_hash_check_block(c, made_block(&next, 2, 1, second_hash), &e));
        EXPECT_EQ(commit_hash_check_matched(c), 1);
        EXPECT_CODE(commit_hash_check_block(c, made_block(&next, 3, 1, second_hash), &e),
                    WEFT_CORRUPT);
    }
}

/* Computed by hand: SHA-256(01 00 U), U = one write of key "e" in "ns1" at (1,0),
 * once as a delete (2.2.15) and once as no delete (2.2.0). */
TEST(an_empty_value_is_a_delete_or_a_value_as_the_release_has_it)
{
    static const uint8_t as_delete[] = { 1, 0,   0x0a, 15, 0x0a, 3, 'n', 's', '1', 0x1a,
                                         1, 'e', 0x20, 1,  0x32, 3, 1,   1,   0 };
    static const uint8_t as_value[] = { 1,    0, 0x0a, 13,   0x0a, 3, 'n', 's', '1',
                                        0x1a, 1, 'e',  0x32, 3,    1, 1,   0 };
    struct weft_err e = { 0 };
    WEFT_CLEANUP(made_done) struct made m = { 0 };
    WEFT_CLEANUP(buf_done) struct buf set = { 0 };
    WEFT_CLEANUP(buf_done) struct buf none = { 0 };
    put_write(&set, 3, bytes_of_str("e"), false, bytes_of(NULL, 0));
    finish_tx(&set, "ns1", &none, &m.envelopes[0]);
    struct digest both[] = { sha256_of(bytes_of(as_delete, sizeof(as_delete))),
                             sha256_of(bytes_of(as_value, sizeof(as_value))) };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(both); i++) {
        WEFT_CLEANUP(commit_hash_check_free) struct commit_hash_check *c = commit_hash_check_new();
        WEFT_FREE char *hex = bytes_to_hex(digest_bytes(&both[i]));
        EXPECT_OK(commit_hash_check_block(c, made_block(&m, 1, 1, hex), &e));
        EXPECT_EQ(commit_hash_check_matched(c), 1);
    }
}

/* The last write of a key counts, with the version of its transaction. */
TEST(of_several_writes_of_a_key_in_a_block_the_last_valid_one_counts)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(commit_hash_check_free) struct commit_hash_check *c = commit_hash_check_new();
    WEFT_CLEANUP(made_done) struct made m = { 0 };
    static const uint8_t last[] = { 3, 0,   0,    11, 0x0a, 17,   0x0a, 3, 'n', 's', '1', 0x1a,
                                    1, 'k', 0x2a, 1,  '1',  0x32, 4,    1, 1,   1,   1 };
    for (size_t i = 0; i < 3; i++) {
        WEFT_CLEANUP(buf_done) struct buf set = { 0 };
        WEFT_CLEANUP(buf_done) struct buf none = { 0 };
        uint8_t value = (uint8_t)('0' + i);
        put_write(&set, 3, bytes_of_str("k"), false, bytes_of(&value, 1));
        if (i == 1) /* new metadata beside the value is no matter */
            put_metadata_write(&set, bytes_of_str("k"));
        finish_tx(&set, "ns1", &none, &m.envelopes[i]);
    }
    memcpy(m.flags, (uint8_t[]){ 0, 0, 11 }, 3);
    struct digest d = sha256_of(bytes_of(last, sizeof(last)));
    WEFT_FREE char *hex = bytes_to_hex(digest_bytes(&d));
    EXPECT_OK(commit_hash_check_block(c, made_block(&m, 1, 3, hex), &e));
    EXPECT_EQ(commit_hash_check_matched(c), 1);
}

/* ---- a real peer's ----------------------------------------------------------------- */

static struct block *fixture_block(unsigned number)
{
    WEFT_FREE char *name = weft_asprintf("ledger-small/blocks/%u.block", number);
    WEFT_CLEANUP(buf_done) struct buf wire = weft_test_read(weft_test_fixture(name));
    struct block *b = NULL;
    struct weft_err e = { 0 };
    EXPECT_OK(block_parse(buf_bytes(&wire), &b, &e));
    return b;
}

TEST(the_hashes_of_a_real_peer_match)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(commit_hash_check_free) struct commit_hash_check *c = commit_hash_check_new();
    for (unsigned i = 0; i < 79; i++) {
        WEFT_CLEANUP(block_unref) struct block *b = fixture_block(i);
        uint64_t skipped = commit_hash_check_skipped(c);
        bool needs_state = i == 46 || i == 48 || i == 55; /* metadata only; a key twice */
        EXPECT_OK(commit_hash_check_block(c, &b->v, &e));
        EXPECT_EQ(commit_hash_check_skipped(c) - skipped, needs_state);
    }
    EXPECT_EQ(commit_hash_check_matched(c), 75);
}
