#include "crypto/sha256.h"

#include "weft_test.h"

static void expect_hash(struct bytes what, const char *hex)
{
    struct digest d = sha256_of(what);
    WEFT_FREE char *got = bytes_to_hex(digest_bytes(&d));
    EXPECT_STR(got, hex);
}

/* FIPS 180-2, and the transaction id of the specification's example. */
TEST(hashes_the_standards_examples)
{
    expect_hash(bytes_of(NULL, 0),
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect_hash(bytes_of_str("abc"),
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect_hash(bytes_of_str("noncecreator"),
                "709184f9d24f6ade8fcd4d6521a6eef295fef6c2e67216c58b68ac15e8946492");
}

TEST(pieces_give_the_hash_of_the_whole)
{
    struct digest whole = sha256_of(bytes_of_str("tx1tx2"));
    struct sha256 h;
    sha256_init(&h);
    sha256_add(&h, bytes_of_str("tx1"));
    sha256_add(&h, bytes_of(NULL, 0));
    sha256_add(&h, bytes_of_str("tx2"));
    struct digest pieces = sha256_end(&h);
    EXPECT_BYTES(digest_bytes(&pieces), digest_bytes(&whole));
}
