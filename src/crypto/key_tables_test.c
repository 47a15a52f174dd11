#include "crypto/key_tables.h"

#include "crypto/ecdsa.h"
#include "crypto/openssl_glue.h"
#include "crypto/p256_fast.h"
#include "weft_test.h"

#include <openssl/ec.h>

static struct public_key *key_of_point(struct bytes point)
{
    static const uint8_t head[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                    0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                    0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00 };
    uint8_t spki[sizeof(head) + P256_POINT_BYTES];
    struct weft_err e = { 0 };
    struct public_key *key = NULL;
    EXPECT_EQ(point.len, P256_POINT_BYTES);
    memcpy(spki, head, sizeof(head));
    memcpy(spki + sizeof(head), point.data, point.len);
    EXPECT_OK(public_key_parse(bytes_of(spki, sizeof(spki)), &key, &e));
    return key;
}

/* 1G, 2G, 3G, ... as keys: cheap to make, and no two alike. */
static void make_keys(struct public_key **ret, size_t count)
{
    EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    EC_POINT *point = EC_POINT_new(group);
    WEFT_CLEANUP(BN_CTX_free) BN_CTX *ctx = BN_CTX_new();
    for (size_t i = 0; i < count; i++) {
        uint8_t raw[P256_POINT_BYTES];
        EXPECT(EC_POINT_add(group, point, point, EC_GROUP_get0_generator(group), ctx) == 1);
        EXPECT(EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, raw, sizeof(raw),
                                  ctx) == sizeof(raw));
        ret[i] = key_of_point(bytes_of(raw, sizeof(raw)));
    }
    EC_POINT_free(point);
    EC_GROUP_free(group);
}

static void free_keys(struct public_key **keys, size_t count)
{
    for (size_t i = 0; i < count; i++)
        public_key_unref(keys[i]);
}

static struct key_tables *tables_of(size_t places, unsigned threshold, bool unpaid)
{
    struct key_tables *kt = key_tables_new(
        &(struct key_tables_config){ .budget_bytes = places * p256_table_bytes(P256_LANES_MOST),
                                     .threshold = threshold,
                                     .unpaid = unpaid });
    if (places > 0 && key_tables_fast(kt) == NULL) {
        key_tables_free(kt);
        print_message("skipped: this OpenSSL has no tables\n");
        skip();
    }
    return kt;
}

/* One check of the key; whether it went by table. */
static bool use(struct key_tables *kt, struct public_key *key)
{
    struct key_lease lease = key_tables_borrow(kt, key, 1);
    key_tables_return(kt, lease);
    return lease.table != NULL;
}

static void use_often(struct key_tables *kt, struct public_key *key, unsigned times)
{
    for (unsigned i = 0; i < times; i++)
        (void)use(kt, key);
}

TEST(a_key_gets_its_table_when_it_was_seen_often_enough)
{
    struct public_key *keys[2];
    make_keys(keys, 2);
    WEFT_CLEANUP(key_tables_free) struct key_tables *kt = tables_of(4, 0, false);
    for (unsigned i = 0; i < KEY_TABLES_THRESHOLD_DEFAULT; i++)
        EXPECT(!use(kt, keys[0]));
    EXPECT(use(kt, keys[0]));
    EXPECT(!use(kt, keys[1]));

    struct key_tables_stats s = key_tables_stats(kt);
    EXPECT_EQ(s.made, 1);
    EXPECT_EQ(s.live, 1);
    EXPECT_EQ(s.by_table, 1);
    EXPECT_EQ(s.plain, KEY_TABLES_THRESHOLD_DEFAULT + 1);
    free_keys(keys, 2);
}

TEST(without_a_budget_there_are_no_tables)
{
    struct public_key *key;
    make_keys(&key, 1);
    WEFT_CLEANUP(key_tables_free) struct key_tables *kt = tables_of(0, 1, true);
    EXPECT(key_tables_fast(kt) == NULL);
    for (int i = 0; i < 200; i++)
        EXPECT(!use(kt, key));
    EXPECT(key_tables_borrow(NULL, key, 1).table == NULL);
    public_key_unref(key);
}

TEST(other_curves_have_no_tables)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(private_key_unref) struct private_key *key = NULL;
    EXPECT_OK(private_key_generate(EC_CURVE_P384, &key, &e));
    WEFT_CLEANUP(key_tables_free) struct key_tables *kt = tables_of(4, 1, true);
    for (int i = 0; i < 10; i++)
        EXPECT(!use(kt, private_key_public(key)));
    EXPECT_EQ(key_tables_stats(kt).made, 0);
    EXPECT_EQ(key_tables_stats(kt).failed, 0);
}

TEST(one_table_serves_the_same_key_under_several_certificates)
{
    struct public_key *keys[8];
    make_keys(&keys[0], 1);
    for (int i = 1; i < 8; i++)
        keys[i] = key_of_point(public_key_point(keys[0]));
    WEFT_CLEANUP(key_tables_free) struct key_tables *kt = tables_of(8, 16, true);
    for (int i = 0; i < 7; i++)
        use_often(kt, keys[i], 17);
    key_tables_return(kt, key_tables_borrow(kt, keys[7], 20)); /* a whole batch at once */
    for (int i = 0; i < 8; i++)
        EXPECT(use(kt, keys[i]));
    EXPECT_EQ(key_tables_stats(kt).made, 1);
    free_keys(keys, 8);
}

/* Two places; the third key takes that of the second, which was used less
 * recently than the first, and only after it was idle for a while. */
TEST(the_table_unused_for_longest_goes)
{
    struct public_key *keys[3];
    make_keys(keys, 3);
    WEFT_CLEANUP(key_tables_free) struct key_tables *kt = tables_of(2, 4, true);
    use_often(kt, keys[0], 4);
    use_often(kt, keys[1], 4);
    EXPECT(use(kt, keys[1]));
    EXPECT(use(kt, keys[0]));
    use_often(kt, keys[2], 16);
    EXPECT(!use(kt, keys[2])); /* both are too fresh */
    EXPECT(use(kt, keys[0]));
    use_often(kt, keys[2], 17);
    EXPECT(use(kt, keys[2]));
    EXPECT(use(kt, keys[0]));
    EXPECT(!use(kt, keys[1]));
    EXPECT_EQ(key_tables_stats(kt).evicted, 1);
    free_keys(keys, 3);
}

/* A newcomer wants the only place forty times, while its owner is at home:
 * neither is that paid for, nor is anything paid back that was not paid. */
TEST(wanting_a_table_in_vain_costs_nothing)
{
    struct public_key *keys[40];
    make_keys(keys, 40);
    WEFT_CLEANUP(key_tables_free) struct key_tables *kt = tables_of(1, 4, false);
    use_often(kt, keys[0], 4);
    for (int i = 0; i < 40; i++) {
        use_often(kt, keys[1], 4);
        EXPECT(use(kt, keys[0]));
    }
    use_often(kt, keys[1], 20);
    EXPECT(use(kt, keys[1]));

    for (int i = 2; i < 40; i++)
        use_often(kt, keys[i], 24);
    /* As many as are free, and what the checks have earned. */
    struct key_tables_stats s = key_tables_stats(kt);
    uint64_t cost = p256_table_cost(key_tables_fast(kt));
    uint64_t earned = (s.plain + 16 * s.by_table) / (32 * cost);
    EXPECT(s.made >= 16 && s.made <= 16 + earned && s.made < 40);
    free_keys(keys, 40);
}

/* The lease outlives the place; the newcomer waits for the last user. */
TEST(a_table_in_use_stays_until_it_is_given_back)
{
    struct public_key *keys[2];
    make_keys(keys, 2);
    WEFT_CLEANUP(key_tables_free) struct key_tables *kt = tables_of(1, 4, true);
    use_often(kt, keys[0], 4);
    struct key_lease lease = key_tables_borrow(kt, keys[0], 1);
    EXPECT(lease.table != NULL);

    use_often(kt, keys[1], 40);
    EXPECT_EQ(key_tables_stats(kt).evicted, 1);
    EXPECT(!use(kt, keys[0])); /* dying: nobody enters any more */
    EXPECT(!use(kt, keys[1]));
    EXPECT_EQ(key_tables_stats(kt).made, 1);

    /* G's own multiples: 1*G is a good x for e = 0, r = x, s = x, key G. */
    struct bytes x = bytes_of(public_key_point(keys[0]).data + 1, ECDSA_P256_BYTES);
    struct p256_check check = { .table = lease.table, .r = x, .s = x };
    p256_fast_check(key_tables_fast(kt), &check, 1);
    EXPECT_EQ(check.outcome, P256_GOOD_R);

    key_tables_return(kt, lease);
    use_often(kt, keys[1], 8);
    EXPECT(use(kt, keys[1]));
    EXPECT_EQ(key_tables_stats(kt).made, 2);
    free_keys(keys, 2);
}

/* What ten thousand keys may cost: a twentieth of the plain checks. */
static void expect_cheap(const struct key_tables *kt)
{
    struct key_tables_stats s = key_tables_stats(kt);
    print_message("%" PRIu64 " tables made in %" PRIu64 " checks\n", s.made, s.plain + s.by_table);
    EXPECT(s.made * p256_table_cost(key_tables_fast(kt)) <= (s.plain + s.by_table) / 20);
}

enum {
    MANY = 10000
};

TEST(ten_thousand_keys_in_turn_make_no_tables)
{
    static struct public_key *keys[MANY];
    make_keys(keys, MANY);
    WEFT_CLEANUP(key_tables_free) struct key_tables *kt = tables_of(102, 0, false);
    for (int round = 0; round < 130; round++)
        for (size_t i = 0; i < MANY; i++)
            EXPECT(!use(kt, keys[i]));
    EXPECT_EQ(key_tables_stats(kt).made, 0);
    free_keys(keys, MANY);
}

/* The worst order: each key comes just often enough to want a table, and
 * never again. */
TEST(ten_thousand_keys_that_come_and_go_make_few_tables)
{
    static struct public_key *keys[MANY];
    make_keys(keys, MANY);
    WEFT_CLEANUP(key_tables_free) struct key_tables *kt = tables_of(102, 0, false);
    for (size_t i = 0; i < MANY; i++)
        use_often(kt, keys[i], 65);
    expect_cheap(kt);
    free_keys(keys, MANY);
}

/* A channel's handful of signers among strangers. */
TEST(hot_keys_keep_their_tables_among_strangers)
{
    static struct public_key *keys[1000];
    make_keys(keys, 1000);
    WEFT_CLEANUP(key_tables_free) struct key_tables *kt = tables_of(8, 0, false);
    for (unsigned hot = 0; hot < 8; hot++)
        use_often(kt, keys[hot], 65);
    for (unsigned i = 8; i < 1000; i++) {
        use_often(kt, keys[i], 65);
        for (unsigned hot = 0; hot < 8; hot++)
            EXPECT(use(kt, keys[hot]));
    }
    EXPECT_EQ(key_tables_stats(kt).evicted, 0);
    free_keys(keys, 1000);
}
