#include "crypto/aes_gcm_provider.h"

#include "base/rand.h"
#include "weft_test.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>

enum {
    IV = 12,
    TAG = 16,
    TEXT_MAX = 20000,
    TLS12_AAD = 13,
    TLS12_ROOM = 8 + TAG, /* IV before, tag behind */
};

static const char *const names[] = { "AES-128-GCM", "AES-256-GCM" };

/* Ours and OpenSSL's own. */
struct pair {
    EVP_CIPHER *ours, *theirs;
    size_t key_len;
};

static struct pair fetch(int size)
{
    const char *query = aes_gcm_provider_query();
    if (query == NULL) {
        print_message("no ipsec-mb here, or a CPU without VAES and AVX-512\n");
        skip();
    }
    struct pair p = { .ours = EVP_CIPHER_fetch(NULL, names[size], query),
                      .theirs = EVP_CIPHER_fetch(NULL, names[size], "provider=default"),
                      .key_len = size == 0 ? 16 : 32 };
    EXPECT(p.ours != NULL && p.theirs != NULL && p.ours != p.theirs);
    return p;
}

static void pair_done(struct pair *p)
{
    EVP_CIPHER_free(p->ours);
    EVP_CIPHER_free(p->theirs);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct pair, pair_done)

static void fill(struct weft_rand *rand, uint8_t *to, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (uint8_t)weft_rand_next(rand);
}

/* One message and what it is encrypted with. */
struct message {
    uint8_t key[32], iv[IV], aad[64], text[TEXT_MAX], tag[TAG];
    size_t aad_len, len;
    bool in_place;
    struct weft_rand *cuts; /* NULL: in one piece */
};

static size_t piece(const struct message *m, size_t left)
{
    return m->cuts == NULL || left < 2 ? left : 1 + weft_rand_below(m->cuts, left);
}

static bool put(EVP_CIPHER_CTX *ctx, const struct message *m, uint8_t *out, const uint8_t *in,
                size_t n)
{
    for (size_t done = 0, some; done < n; done += some) {
        int got = 0;
        some = piece(m, n - done);
        if (EVP_CipherUpdate(ctx, out != NULL ? out + done : NULL, &got, in + done, (int)some) != 1)
            return false;
        EXPECT_EQ(got, some);
    }
    return true;
}

/* m->text becomes the other one.  The tag is made, or asked for. */
static bool run(const EVP_CIPHER *cipher, bool encrypts, struct message *m)
{
    static uint8_t apart[TEXT_MAX];
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t *out = m->in_place ? m->text : apart, none[TAG];
    int n = 0;
    EXPECT_EQ(EVP_CipherInit_ex(ctx, cipher, NULL, m->key, NULL, encrypts), 1);
    EXPECT_EQ(EVP_CipherInit_ex(ctx, NULL, NULL, NULL, m->iv, encrypts), 1);
    if (!encrypts)
        EXPECT_EQ(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG, m->tag), 1);
    bool ok = put(ctx, m, NULL, m->aad, m->aad_len) && put(ctx, m, out, m->text, m->len) &&
              EVP_CipherFinal_ex(ctx, none, &n) == 1;
    if (ok && encrypts)
        EXPECT_EQ(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG, m->tag), 1);
    if (!m->in_place)
        memcpy(m->text, apart, m->len);
    EVP_CIPHER_CTX_free(ctx);
    ERR_clear_error();
    return ok;
}

static void from_hex(const char *hex, uint8_t *to, size_t *ret_n)
{
    EXPECT_EQ(OPENSSL_hexstr2buf_ex(to, TEXT_MAX, ret_n, hex, '\0'), 1);
}

/* Test cases 4 and 16 of "The Galois/Counter Mode of Operation". */
TEST(gives_the_answers_of_the_paper)
{
    static const char key[] = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";
    static const char text[] = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
                               "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39";
    static const char *const want[][2] = {
        { "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
          "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091",
          "5bc94fbc3221a5db94fae95ae7121a47" },
        { "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
          "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
          "76fc6ece0f4e1768cddf8853bb2d551b" },
    };
    static uint8_t wanted[TEXT_MAX];
    for (int size = 0; size < 2; size++) {
        WEFT_CLEANUP(pair_done) struct pair p = fetch(size);
        struct message m = { .in_place = true };
        size_t n;
        from_hex(key, m.key, &n);
        from_hex("cafebabefacedbaddecaf888", m.iv, &n);
        from_hex("feedfacedeadbeeffeedfacedeadbeefabaddad2", m.aad, &m.aad_len);
        from_hex(text, m.text, &m.len);
        EXPECT(run(p.ours, true, &m));
        from_hex(want[size][0], wanted, &n);
        EXPECT_BYTES(bytes_of(m.text, m.len), bytes_of(wanted, n));
        from_hex(want[size][1], wanted, &n);
        EXPECT_BYTES(bytes_of(m.tag, TAG), bytes_of(wanted, n));
    }
}

static void make_message(struct message *m, struct weft_rand *rand, int i)
{
    m->len = i < 600 ? (size_t)i : weft_rand_below(rand, TEXT_MAX);
    m->aad_len = weft_rand_below(rand, sizeof(m->aad) + 1);
    m->in_place = weft_rand_below(rand, 2) == 0;
    m->cuts = weft_rand_below(rand, 3) > 0 ? rand : NULL;
    fill(rand, m->key, sizeof(m->key));
    fill(rand, m->iv, IV);
    fill(rand, m->aad, m->aad_len);
    fill(rand, m->text, m->len);
}

TEST(encrypts_and_decrypts_as_openssl_whatever_the_lengths_and_the_pieces)
{
    struct weft_rand rand = weft_rand_of(1);
    static struct message m, ours, theirs;
    for (int i = 0; i < 4000; i++) {
        WEFT_CLEANUP(pair_done) struct pair p = fetch(i % 2);
        make_message(&m, &rand, i / 2);
        ours = theirs = m;
        EXPECT(run(p.ours, true, &ours) && run(p.theirs, true, &theirs));
        EXPECT_BYTES(bytes_of(ours.text, m.len), bytes_of(theirs.text, m.len));
        EXPECT_BYTES(bytes_of(ours.tag, TAG), bytes_of(theirs.tag, TAG));
        EXPECT(run(p.ours, false, &ours));
        EXPECT_BYTES(bytes_of(ours.text, m.len), bytes_of(m.text, m.len));
    }
}

TEST(believes_nothing_of_which_a_bit_was_changed)
{
    struct weft_rand rand = weft_rand_of(2);
    static struct message m, bad;
    for (int i = 0; i < 2000; i++) {
        WEFT_CLEANUP(pair_done) struct pair p = fetch(i % 2);
        make_message(&m, &rand, i);
        EXPECT(run(p.theirs, true, &m));
        struct {
            uint8_t *at;
            size_t len;
        } parts[] = { { bad.text, m.len },
                      { bad.aad, m.aad_len },
                      { bad.tag, TAG },
                      { bad.iv, IV },
                      { bad.key, p.key_len } };
        bad = m;
        size_t k = weft_rand_below(&rand, WEFT_ARRAY_LEN(parts));
        if (parts[k].len == 0)
            continue;
        parts[k].at[weft_rand_below(&rand, parts[k].len)] ^= (uint8_t)(1U << (i % 8));
        EXPECT(!run(p.ours, false, &bad));
        EXPECT(run(p.ours, false, &m));
    }
}

TEST(says_of_itself_what_openssls_says)
{
    for (int size = 0; size < 2; size++) {
        WEFT_CLEANUP(pair_done) struct pair p = fetch(size);
        EXPECT_EQ(EVP_CIPHER_get_mode(p.ours), EVP_CIPHER_get_mode(p.theirs));
        EXPECT_EQ(EVP_CIPHER_get_nid(p.ours), EVP_CIPHER_get_nid(p.theirs));
        EXPECT_EQ(EVP_CIPHER_get_key_length(p.ours), p.key_len);
        EXPECT_EQ(EVP_CIPHER_get_iv_length(p.ours), EVP_CIPHER_get_iv_length(p.theirs));
        EXPECT_EQ(EVP_CIPHER_get_block_size(p.ours), EVP_CIPHER_get_block_size(p.theirs));
        EXPECT_EQ(EVP_CIPHER_get_flags(p.ours) & EVP_CIPH_FLAG_AEAD_CIPHER,
                  EVP_CIPH_FLAG_AEAD_CIPHER);
    }
}

TEST(a_copy_goes_on_where_the_other_was)
{
    WEFT_CLEANUP(pair_done) struct pair p = fetch(0);
    const uint8_t key[16] = { 1 }, iv[IV] = { 2 }, text[100] = { 3 };
    uint8_t out[2][100], tag[2][TAG];
    EVP_CIPHER_CTX *ctx[2] = { EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_new() };
    int n;
    EXPECT_EQ(EVP_EncryptInit_ex(ctx[0], p.ours, NULL, key, iv), 1);
    EXPECT_EQ(EVP_EncryptUpdate(ctx[0], out[0], &n, text, 33), 1);
    EXPECT_EQ(EVP_CIPHER_CTX_copy(ctx[1], ctx[0]), 1);
    for (int i = 0; i < 2; i++) {
        EXPECT_EQ(EVP_EncryptUpdate(ctx[i], out[i] + 33, &n, text + 33, 67), 1);
        EXPECT_EQ(EVP_EncryptFinal_ex(ctx[i], out[i], &n), 1);
        EXPECT_EQ(EVP_CIPHER_CTX_ctrl(ctx[i], EVP_CTRL_AEAD_GET_TAG, TAG, tag[i]), 1);
        EVP_CIPHER_CTX_free(ctx[i]);
    }
    EXPECT_BYTES(bytes_of(out[1] + 33, 67), bytes_of(out[0] + 33, 67));
    EXPECT_BYTES(bytes_of(tag[1], TAG), bytes_of(tag[0], TAG));
}

TEST(an_iv_is_good_for_one_message)
{
    WEFT_CLEANUP(pair_done) struct pair p = fetch(0);
    const uint8_t key[16] = { 1 }, iv[IV] = { 2 };
    uint8_t out[32] = { 0 };
    int n;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    EXPECT_EQ(EVP_EncryptInit_ex(ctx, p.ours, NULL, key, NULL), 1);
    EXPECT_EQ(EVP_EncryptUpdate(ctx, out, &n, out, 5), 0); /* none at all */
    EXPECT_EQ(EVP_EncryptInit_ex(ctx, NULL, NULL, NULL, iv), 1);
    EXPECT_EQ(EVP_EncryptUpdate(ctx, out, &n, out, 5), 1);
    EXPECT_EQ(EVP_EncryptFinal_ex(ctx, out, &n), 1);
    EXPECT_EQ(EVP_EncryptUpdate(ctx, out, &n, out, 5), 0);
    EXPECT_EQ(EVP_EncryptFinal_ex(ctx, out, &n), 0);
    EVP_CIPHER_CTX_free(ctx);
    ERR_clear_error();
}

TEST(refuses_what_tls_does_not_want)
{
    WEFT_CLEANUP(pair_done) struct pair p = fetch(0);
    const uint8_t key[16] = { 1 }, iv[IV] = { 2 };
    uint8_t bytes[65] = { 0 };
    int n;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    EXPECT_EQ(EVP_DecryptInit_ex(ctx, p.ours, NULL, key, iv), 1);
    EXPECT(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, 16, NULL) <= 0);
    EXPECT(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, 12, bytes) <= 0);
    EXPECT(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_TLS1_AAD, TLS12_AAD, bytes) <= 0); /* too short */
    EXPECT_EQ(EVP_DecryptUpdate(ctx, NULL, &n, bytes, 65), 0);
    EXPECT_EQ(EVP_DecryptUpdate(ctx, NULL, &n, bytes, 64), 1);
    EXPECT_EQ(EVP_DecryptUpdate(ctx, bytes, &n, bytes, 1), 1);
    EXPECT_EQ(EVP_DecryptFinal_ex(ctx, bytes, &n), 0); /* nobody said what tag */
    EVP_CIPHER_CTX_free(ctx);
    ERR_clear_error();
}

/* ---- TLS 1.2 ------------------------------------------------------------------ */

static EVP_CIPHER_CTX *tls12(const EVP_CIPHER *cipher, const uint8_t *key, bool encrypts)
{
    uint8_t fixed[4] = { 9, 8, 7, 6 };
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    EXPECT_EQ(EVP_CipherInit_ex(ctx, cipher, NULL, key, NULL, encrypts), 1);
    EXPECT_EQ(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_IV_FIXED, 4, fixed), 1);
    return ctx;
}

/* As libssl does: what goes beside it has the length of all but the tag, or of
 * all when it is received. */
static bool record(EVP_CIPHER_CTX *ctx, uint8_t number, uint8_t *bytes, size_t len, bool encrypts,
                   size_t *ret_n)
{
    size_t told = encrypts ? len - TAG : len;
    uint8_t aad[TLS12_AAD] = { [7] = number, [8] = 23, [9] = 3, [10] = 3 };
    int n = 0;
    aad[11] = (uint8_t)(told >> 8);
    aad[12] = (uint8_t)told;
    EXPECT_EQ(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_TLS1_AAD, sizeof(aad), aad), TAG);
    bool ok = EVP_CipherUpdate(ctx, bytes, &n, bytes, (int)len) == 1;
    *ret_n = (size_t)n;
    ERR_clear_error();
    return ok;
}

TEST(records_of_tls_1_2_are_read_by_openssl_and_the_other_way)
{
    struct weft_rand rand = weft_rand_of(3);
    static uint8_t text[TEXT_MAX], bytes[TEXT_MAX + TLS12_ROOM];
    for (int way = 0; way < 4; way++) {
        WEFT_CLEANUP(pair_done) struct pair p = fetch(way / 2);
        uint8_t key[32], last_iv[8] = { 0 };
        fill(&rand, key, sizeof(key));
        EVP_CIPHER_CTX *from = tls12(way % 2 == 0 ? p.ours : p.theirs, key, true);
        EVP_CIPHER_CTX *to = tls12(way % 2 == 0 ? p.theirs : p.ours, key, false);
        for (uint8_t i = 0; i < 100; i++) {
            size_t n, text_len = weft_rand_below(&rand, 16385), len = text_len + TLS12_ROOM;
            fill(&rand, text, text_len);
            memcpy(bytes + 8, text, text_len);
            EXPECT(record(from, i, bytes, len, true, &n));
            EXPECT_EQ(n, len);
            EXPECT(memcmp(bytes, last_iv, 8) != 0);
            memcpy(last_iv, bytes, 8);
            EXPECT(record(to, i, bytes, len, false, &n));
            EXPECT_EQ(n, text_len);
            EXPECT_BYTES(bytes_of(bytes + 8, n), bytes_of(text, text_len));
        }
        EVP_CIPHER_CTX_free(from);
        EVP_CIPHER_CTX_free(to);
    }
}

TEST(nothing_of_a_bad_record_of_tls_1_2_is_left)
{
    WEFT_CLEANUP(pair_done) struct pair p = fetch(0);
    const uint8_t key[16] = { 5 }, zeros[1000] = { 0 };
    uint8_t bytes[1000 + TLS12_ROOM];
    EVP_CIPHER_CTX *from = tls12(p.ours, key, true), *to = tls12(p.ours, key, false);
    size_t n;
    for (size_t bit = 0; bit < 8 * sizeof(bytes); bit += 7) {
        memset(bytes, 'x', sizeof(bytes));
        EXPECT(record(from, 1, bytes, sizeof(bytes), true, &n));
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
        EXPECT(!record(to, 1, bytes, sizeof(bytes), false, &n));
        EXPECT_BYTES(bytes_of(bytes + 8, 1000), bytes_of(zeros, 1000));
    }
    EVP_CIPHER_CTX_free(from);
    EVP_CIPHER_CTX_free(to);
}
