#include "crypto/x509.h"

#include "crypto/pem.h"
#include "weft_test.h"

static struct x509_cert *read_cert(const char *name)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *path = weft_asprintf("vectors/x509/%s", name);
    WEFT_CLEANUP(buf_done) struct buf text = weft_test_read(weft_test_file(path));
    struct x509_cert *cert = NULL;
    EXPECT_OK(x509_cert_parse_pem(buf_bytes(&text), &cert, &e));
    return cert;
}

static void expect_hex(struct bytes got, const char *hex)
{
    WEFT_FREE char *text = bytes_to_hex(got);
    EXPECT_STR(text, hex);
}

TEST(reads_a_nodes_certificate)
{
    WEFT_CLEANUP(x509_cert_unref) struct x509_cert *cert = read_cert("node.pem");
    EXPECT_STR(cert->subject, "CN=peer0.org1.example.com,OU=a\\, b,OU=peer,L=San Francisco,"
                              "ST=California,C=US");
    EXPECT_STR(cert->issuer, "CN=ca.org1.example.com,O=org1.example.com,C=US");
    EXPECT_STR(cert->common_name, "peer0.org1.example.com");
    EXPECT_EQ(cert->ou_count, 2);
    EXPECT_STR(cert->ous[0], "peer");
    EXPECT_STR(cert->ous[1], "a, b");
    EXPECT_STR(cert->serial_text, "1234567890123456789012345");
    expect_hex(cert->serial, "01056e0f36a6443de2df79");
    EXPECT_EQ(cert->not_before, 1795341231);
    EXPECT_EQ(cert->not_after, 4948941231);
    expect_hex(cert->ski, "5f7dd0930a827eb2a73482f50deae4a237026079");
    expect_hex(cert->aki, "11ba4b3a7e0ce10e113f83e10784fe3e5ec779ad");
    EXPECT(cert->has_basic_constraints && !cert->is_ca);
    EXPECT(cert->has_key_usage);
    EXPECT_EQ(cert->key_usage, X509_USE_DIGITAL_SIGNATURE);
    EXPECT(cert->key != NULL);
    EXPECT_EQ(public_key_curve(cert->key), EC_CURVE_P256);
    EXPECT(!x509_cert_is_self_issued(cert));
}

TEST(reads_a_cas_certificate)
{
    WEFT_CLEANUP(x509_cert_unref) struct x509_cert *cert = read_cert("ca.pem");
    EXPECT(cert->is_ca);
    EXPECT_EQ(cert->path_len, 1);
    EXPECT_EQ(cert->key_usage, X509_USE_DIGITAL_SIGNATURE | X509_USE_CERT_SIGN | X509_USE_CRL_SIGN);
    EXPECT_EQ(cert->ou_count, 0);
    expect_hex(cert->serial, "c0ffee0000000000000001"); /* no byte for the sign */
    EXPECT(x509_cert_is_self_issued(cert));

    WEFT_CLEANUP(buf_done) struct buf text = { 0 };
    x509_cert_print(cert, &text);
    buf_put_u8(&text, 0);
    weft_test_expect_words((char *)text.data, "not after   2126-10-29 09:53:19 UTC", __FILE__,
                           __LINE__);
    weft_test_expect_words((char *)text.data, "key         ECDSA P-256\n", __FILE__, __LINE__);
}

TEST(a_certificate_that_cannot_verify_has_no_key)
{
    WEFT_CLEANUP(x509_cert_unref) struct x509_cert *cert = read_cert("rsa.pem");
    EXPECT(cert->key == NULL);
    EXPECT_STR(cert->subject, "CN=rsa");
}

TEST(refuses_what_go_refuses)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(buf_done)
    struct buf text = weft_test_read(weft_test_file("vectors/x509/secp256k1.pem"));
    struct x509_cert *cert = NULL;
    EXPECT_CODE(x509_cert_parse_pem(buf_bytes(&text), &cert, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "unsupported public key");

    WEFT_CLEANUP(x509_cert_unref) struct x509_cert *node = read_cert("node.pem");
    WEFT_CLEANUP(buf_done) struct buf longer = { 0 };
    buf_put(&longer, node->der);
    buf_put_u8(&longer, 0);
    EXPECT_CODE(x509_cert_parse(buf_bytes(&longer), &cert, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "trailing data");
    EXPECT_CODE(x509_cert_parse(bytes_of_str(""), &cert, &e), WEFT_INVALID);
    EXPECT_CODE(x509_cert_parse_pem(bytes_of_str("no pem"), &cert, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "could not decode pem bytes");
    EXPECT(cert == NULL);
}

/* Cut anywhere it is refused and leaves nothing behind. */
TEST(refuses_every_beginning_of_a_certificate)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(x509_cert_unref) struct x509_cert *node = read_cert("node.pem");
    for (size_t n = 0; n < node->der.len; n++) {
        struct x509_cert *cert = NULL;
        EXPECT_CODE(x509_cert_parse(bytes_of(node->der.data, n), &cert, &e), WEFT_INVALID);
    }
}
