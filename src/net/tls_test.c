#include "net/tls.h"

#include "base/rand.h"
#include "crypto/cert_make.h"
#include "crypto/pem.h"
#include "weft_test.h"

#include <openssl/ssl.h>
#include <time.h>

/* Our end, and at the other one OpenSSL as others use it: with its own AES. */
struct ends {
    struct tls_context *context;
    struct tls_conn *ours;
    struct buf out; /* of ours */
    SSL_CTX *plain_ctx;
    SSL *plain;
    BIO *to_plain, *from_plain;
    struct buf fed; /* what ours reads; lent until it has */
};

static struct buf cert, key;

static void make_certificate(void)
{
    struct weft_err e;
    static const char *const names[] = { "localhost" };
    WEFT_CLEANUP(private_key_unref) struct private_key *k = NULL;
    WEFT_CLEANUP(buf_done) struct buf der = { 0 };
    const struct cert_plan plan = { .subject.common_name = "localhost",
                                    .usage = CERT_DIGITAL_SIGNATURE,
                                    .server_auth = true,
                                    .names = { names, 1 },
                                    .not_before_s = time(NULL) - 3600,
                                    .not_after_s = time(NULL) + 3600 };
    if (cert.len > 0)
        return;
    EXPECT_OK(private_key_generate(EC_CURVE_P256, &k, &e));
    EXPECT_OK(cert_make(&plan, private_key_public(k), NULL, k, &der, &e));
    pem_encode("CERTIFICATE", buf_bytes(&der), &cert);
    buf_clear(&der);
    EXPECT_OK(private_key_encode(k, &der, &e));
    pem_encode("PRIVATE KEY", buf_bytes(&der), &key);
}

static SSL_CTX *plain_context(enum tls_side side)
{
    static const unsigned char h2[] = { 2, 'h', '2' };
    SSL_CTX *ctx = SSL_CTX_new(side == TLS_SERVER ? TLS_server_method() : TLS_client_method());
    BIO *c = BIO_new_mem_buf(cert.data, (int)cert.len),
        *k = BIO_new_mem_buf(key.data, (int)key.len);
    X509 *x = PEM_read_bio_X509(c, NULL, NULL, NULL);
    EVP_PKEY *pkey = PEM_read_bio_PrivateKey(k, NULL, NULL, NULL);
    EXPECT_EQ(SSL_CTX_use_certificate(ctx, x), 1);
    EXPECT_EQ(SSL_CTX_use_PrivateKey(ctx, pkey), 1);
    EXPECT_EQ(SSL_CTX_set_alpn_protos(ctx, h2, sizeof(h2)), 0);
    X509_free(x);
    EVP_PKEY_free(pkey);
    BIO_free(c);
    BIO_free(k);
    return ctx;
}

static void ends_init(struct ends *w, enum tls_side ours, int version)
{
    struct weft_err e;
    make_certificate();
    const struct bytes root = buf_bytes(&cert);
    const struct tls_config config = {
        .cert_pem = root, .key_pem = buf_bytes(&key), .roots_pem = &root, .roots_count = 1
    };
    *w = (struct ends){ 0 };
    EXPECT_OK(tls_context_new(ours, &config, &w->context, &e));
    w->ours =
        tls_conn_new(w->context, ours == TLS_CLIENT ? "localhost" : NULL, time(NULL), &w->out);
    w->plain_ctx = plain_context(ours == TLS_CLIENT ? TLS_SERVER : TLS_CLIENT);
    EXPECT_EQ(SSL_CTX_set_max_proto_version(w->plain_ctx, version), 1);
}

static void plain_begins(struct ends *w, enum tls_side side)
{
    w->plain = SSL_new(w->plain_ctx);
    w->to_plain = BIO_new(BIO_s_mem());
    w->from_plain = BIO_new(BIO_s_mem());
    SSL_set_bio(w->plain, w->to_plain, w->from_plain);
    if (side == TLS_SERVER)
        SSL_set_accept_state(w->plain);
    else
        SSL_set_connect_state(w->plain);
}

static void ends_done(struct ends *w)
{
    tls_conn_free(w->ours);
    tls_context_unref(w->context);
    SSL_free(w->plain);
    SSL_CTX_free(w->plain_ctx);
    buf_done(&w->out);
    buf_done(&w->fed);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct ends, ends_done)

static void carry_to_plain(struct ends *w)
{
    if (w->out.len > 0)
        EXPECT_EQ(BIO_write(w->to_plain, w->out.data, (int)w->out.len), w->out.len);
    buf_clear(&w->out);
}

static void carry_to_ours(struct ends *w)
{
    char *data = NULL;
    long n = BIO_get_mem_data(w->from_plain, &data);
    buf_clear(&w->fed);
    buf_put(&w->fed, bytes_of(data, (size_t)n));
    (void)BIO_reset(w->from_plain);
    tls_conn_feed(w->ours, buf_bytes(&w->fed));
}

static void shake_hands(struct ends *w)
{
    struct weft_err e;
    bool done = false;
    for (int i = 0; i < 10 && !(done && SSL_is_init_finished(w->plain)); i++) {
        (void)SSL_do_handshake(w->plain);
        if (!done) {
            carry_to_ours(w);
            EXPECT_OK(tls_conn_handshake(w->ours, &done, &e));
        }
        carry_to_plain(w);
    }
    EXPECT(done && SSL_is_init_finished(w->plain));
}

/* Each end sends the other some bytes. */
static void expect_bytes_both_ways(struct ends *w, struct weft_rand *rand, size_t n)
{
    static uint8_t text[100000], got[200000];
    struct weft_err e;
    size_t have = 0, some = 0;
    for (size_t i = 0; i < n; i++)
        text[i] = (uint8_t)weft_rand_next(rand);
    EXPECT_OK(tls_conn_write(w->ours, bytes_of(text, n), &e));
    carry_to_plain(w);
    while (have < n && SSL_read_ex(w->plain, got + have, sizeof(got) - have, &some) == 1)
        have += some;
    EXPECT_BYTES(bytes_of(got, have), bytes_of(text, n));

    EXPECT_EQ(SSL_write(w->plain, text, (int)n), n);
    carry_to_ours(w);
    memset(got, 0, sizeof(got));
    for (have = 0, some = 1; have < n && some > 0; have += some)
        EXPECT_OK(tls_conn_read(w->ours, got + have, sizeof(got) - have, &some, &e));
    EXPECT_BYTES(bytes_of(got, have), bytes_of(text, n));
}

static const struct {
    enum tls_side ours, plain;
    int version;
    const char *suite;
} ways[] = {
    { TLS_SERVER, TLS_CLIENT, TLS1_3_VERSION, "TLS_AES_128_GCM_SHA256" },
    { TLS_SERVER, TLS_CLIENT, TLS1_3_VERSION, "TLS_AES_256_GCM_SHA384" },
    { TLS_SERVER, TLS_CLIENT, TLS1_3_VERSION, "TLS_CHACHA20_POLY1305_SHA256" },
    { TLS_CLIENT, TLS_SERVER, TLS1_3_VERSION, "TLS_AES_128_GCM_SHA256" },
    { TLS_CLIENT, TLS_SERVER, TLS1_3_VERSION, "TLS_AES_256_GCM_SHA384" },
    { TLS_SERVER, TLS_CLIENT, TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256" },
    { TLS_SERVER, TLS_CLIENT, TLS1_2_VERSION, "ECDHE-ECDSA-AES256-GCM-SHA384" },
    { TLS_CLIENT, TLS_SERVER, TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256" },
    { TLS_CLIENT, TLS_SERVER, TLS1_2_VERSION, "ECDHE-ECDSA-AES256-GCM-SHA384" },
};

static void begin(struct ends *w, size_t way)
{
    ends_init(w, ways[way].ours, ways[way].version);
    if (ways[way].version == TLS1_3_VERSION)
        EXPECT_EQ(SSL_CTX_set_ciphersuites(w->plain_ctx, ways[way].suite), 1);
    else
        EXPECT_EQ(SSL_CTX_set_cipher_list(w->plain_ctx, ways[way].suite), 1);
    plain_begins(w, ways[way].plain);
    shake_hands(w);
    EXPECT_STR(SSL_get_cipher_name(w->plain), ways[way].suite);
}

TEST(speaks_with_plain_openssl_in_every_version_and_suite)
{
    static const size_t sizes[] = { 1, 16, 255, 4096, 16383, 16384, 16385, 98304 };
    struct weft_rand rand = weft_rand_of(1);
    for (size_t way = 0; way < WEFT_ARRAY_LEN(ways); way++) {
        WEFT_CLEANUP(ends_done) struct ends w;
        begin(&w, way);
        for (size_t i = 0; i < WEFT_ARRAY_LEN(sizes); i++)
            expect_bytes_both_ways(&w, &rand, sizes[i]);
        for (int i = 0; i < 200; i++)
            expect_bytes_both_ways(&w, &rand, 1 + weft_rand_below(&rand, 5000));
    }
}

TEST(goes_on_when_the_other_end_takes_new_keys)
{
    struct weft_rand rand = weft_rand_of(2);
    for (size_t way = 0; way < 5; way++) {
        WEFT_CLEANUP(ends_done) struct ends w;
        begin(&w, way);
        for (int i = 0; i < 3; i++) {
            EXPECT_EQ(SSL_key_update(w.plain, SSL_KEY_UPDATE_REQUESTED), 1);
            expect_bytes_both_ways(&w, &rand, 1000); /* the first update is on its way */
            expect_bytes_both_ways(&w, &rand, 30000);
        }
    }
}

TEST(no_byte_of_a_record_that_was_changed_is_given_out)
{
    struct weft_err e;
    static uint8_t text[300], got[TLS_READ_LEAST];
    for (size_t way = 0; way < WEFT_ARRAY_LEN(ways); way++) {
        for (size_t at = 5; at < 300; at += 50) {
            WEFT_CLEANUP(ends_done) struct ends w;
            size_t n = 77;
            begin(&w, way);
            EXPECT_EQ(SSL_write(w.plain, text, sizeof(text)), sizeof(text));
            carry_to_ours(&w);
            w.fed.data[at] ^= 1;
            EXPECT_CODE(tls_conn_read(w.ours, got, sizeof(got), &n, &e), WEFT_IO);
            EXPECT_EQ(n, 0);
        }
    }
}

/* What clients offer in their order, and what comes out. */
TEST(a_server_takes_the_cheapest_suite_that_both_know)
{
    static const struct {
        int version;
        const char *offer, *want;
    } cases[] = {
        { TLS1_3_VERSION,
          "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256",
          "TLS_AES_128_GCM_SHA256" },
        { TLS1_3_VERSION, "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256",
          "TLS_AES_256_GCM_SHA384" },
        { TLS1_3_VERSION, "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256",
          "TLS_CHACHA20_POLY1305_SHA256" },
        { TLS1_2_VERSION, "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256",
          "ECDHE-ECDSA-AES128-GCM-SHA256" },
    };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(cases); i++) {
        WEFT_CLEANUP(ends_done) struct ends w;
        ends_init(&w, TLS_SERVER, cases[i].version);
        if (cases[i].version == TLS1_3_VERSION)
            EXPECT_EQ(SSL_CTX_set_ciphersuites(w.plain_ctx, cases[i].offer), 1);
        else
            EXPECT_EQ(SSL_CTX_set_cipher_list(w.plain_ctx, cases[i].offer), 1);
        plain_begins(&w, TLS_CLIENT);
        shake_hands(&w);
        EXPECT_STR(SSL_get_cipher_name(w.plain), cases[i].want);
    }
}
