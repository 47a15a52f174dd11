#include "crypto/aes_gcm.h"

#include "base/rand.h"
#include "weft_test.h"

enum {
    TEXT_MAX = 20000,
};

static const size_t key_lens[] = { 16, 32 };

/* One message and what it is encrypted with. */
struct message {
    uint8_t key[32], iv[AES_GCM_IV], aad[64], text[TEXT_MAX], tag[AES_GCM_TAG];
    size_t key_len, aad_len, len;
    bool in_place;
    struct weft_rand *cuts; /* NULL: in one piece */
};

typedef struct aes_gcm *maker(const uint8_t *key, size_t key_len, enum aes_gcm_use use);

/* m->text becomes the other one.  The tag is made, or asked for. */
static bool run(maker *make, enum aes_gcm_use use, struct message *m)
{
    static uint8_t apart[TEXT_MAX];
    bool ok = true;
    uint8_t *out = m->in_place ? m->text : apart;
    WEFT_CLEANUP(aes_gcm_free) struct aes_gcm *g = make(m->key, m->key_len, use);
    aes_gcm_begin(g, m->iv, bytes_of(m->aad, m->aad_len));
    for (size_t done = 0, some; done < m->len; done += some) {
        some = m->cuts == NULL ? m->len : 1 + weft_rand_below(m->cuts, m->len - done);
        aes_gcm_text(g, m->text + done, out + done, some);
    }
    if (use == AES_GCM_ENCRYPTS)
        aes_gcm_seal(g, m->tag);
    else
        ok = aes_gcm_open(g, m->tag);
    if (!m->in_place)
        memcpy(m->text, apart, m->len);
    return ok;
}

static void fill(struct weft_rand *rand, uint8_t *to, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (uint8_t)weft_rand_next(rand);
}

static void random_message(struct message *m, struct weft_rand *rand, size_t len)
{
    fill(rand, m->key, sizeof(m->key));
    fill(rand, m->iv, sizeof(m->iv));
    fill(rand, m->aad, sizeof(m->aad));
    fill(rand, m->text, len);
    m->key_len = key_lens[weft_rand_below(rand, 2)];
    m->aad_len = weft_rand_below(rand, sizeof(m->aad) + 1);
    m->len = len;
    m->in_place = weft_rand_below(rand, 2) == 0;
    m->cuts = weft_rand_below(rand, 2) == 0 ? rand : NULL;
}

static void from_hex(const char *hex, uint8_t *to)
{
    EXPECT(bytes_from_hex(bytes_of_str(hex), to));
}

static maker *const makers[] = { aes_gcm_new, aes_gcm_new_plain };

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
    static struct message m;
    uint8_t wanted[60], wanted_tag[AES_GCM_TAG];
    for (size_t i = 0; i < WEFT_ARRAY_LEN(want) * WEFT_ARRAY_LEN(makers); i++) {
        m = (struct message){ .key_len = key_lens[i / 2], .aad_len = 20, .len = sizeof(wanted) };
        from_hex(key, m.key);
        from_hex("cafebabefacedbaddecaf888", m.iv);
        from_hex("feedfacedeadbeeffeedfacedeadbeefabaddad2", m.aad);
        from_hex(text, m.text);
        from_hex(want[i / 2][0], wanted);
        from_hex(want[i / 2][1], wanted_tag);
        EXPECT(run(makers[i % 2], AES_GCM_ENCRYPTS, &m));
        EXPECT_BYTES(bytes_of(m.text, m.len), bytes_of(wanted, sizeof(wanted)));
        EXPECT_BYTES(bytes_of(m.tag, AES_GCM_TAG), bytes_of(wanted_tag, AES_GCM_TAG));
    }
}

TEST(the_fast_one_says_what_openssl_says_whatever_the_lengths_and_the_pieces)
{
    static struct message m, ours, theirs;
    struct weft_rand rand = weft_rand_of(7);
    if (!aes_gcm_is_fast())
        print_message("no ipsec-mb here, or a CPU without VAES and AVX-512\n");
    for (size_t i = 0; i < 3000; i++) {
        random_message(&m, &rand, i < 600 ? i : weft_rand_below(&rand, TEXT_MAX));
        ours = theirs = m;
        EXPECT(run(aes_gcm_new, AES_GCM_ENCRYPTS, &ours));
        EXPECT(run(aes_gcm_new_plain, AES_GCM_ENCRYPTS, &theirs));
        EXPECT_BYTES(bytes_of(ours.text, m.len), bytes_of(theirs.text, m.len));
        EXPECT_BYTES(bytes_of(ours.tag, AES_GCM_TAG), bytes_of(theirs.tag, AES_GCM_TAG));
        EXPECT(run(aes_gcm_new, AES_GCM_DECRYPTS, &theirs));
        EXPECT(run(aes_gcm_new_plain, AES_GCM_DECRYPTS, &ours));
        EXPECT_BYTES(bytes_of(ours.text, m.len), bytes_of(m.text, m.len));
        EXPECT_BYTES(bytes_of(theirs.text, m.len), bytes_of(m.text, m.len));
    }
}

TEST(believes_nothing_of_which_a_bit_was_changed)
{
    static struct message m, spoilt;
    struct weft_rand rand = weft_rand_of(8);
    for (size_t i = 0; i < 200; i++) {
        random_message(&m, &rand, 1 + weft_rand_below(&rand, 300));
        m.aad_len = 5;
        EXPECT(run(makers[i % 2], AES_GCM_ENCRYPTS, &m));
        uint8_t *const parts[] = { spoilt.text, spoilt.tag, spoilt.aad, spoilt.iv, spoilt.key };
        const size_t lens[] = { m.len, AES_GCM_TAG, m.aad_len, AES_GCM_IV, m.key_len };
        for (size_t p = 0; p < WEFT_ARRAY_LEN(parts); p++) {
            spoilt = m;
            parts[p][weft_rand_below(&rand, lens[p])] ^= (uint8_t)(1 << weft_rand_below(&rand, 8));
            EXPECT(!run(makers[i % 2], AES_GCM_DECRYPTS, &spoilt));
        }
        EXPECT(run(makers[i % 2], AES_GCM_DECRYPTS, &m));
    }
}

TEST(one_goes_on_with_message_after_message_and_with_another_key)
{
    static struct message m;
    struct weft_rand rand = weft_rand_of(9);
    for (size_t make = 0; make < WEFT_ARRAY_LEN(makers); make++) {
        random_message(&m, &rand, 100);
        WEFT_CLEANUP(aes_gcm_free)
        struct aes_gcm *one = makers[make](m.key, m.key_len, AES_GCM_ENCRYPTS);
        for (size_t i = 0; i < 50; i++) {
            uint8_t got[300], tag[AES_GCM_TAG];
            size_t key_len = m.key_len;
            random_message(&m, &rand, sizeof(got));
            m.key_len = key_len;
            aes_gcm_set_key(one, m.key);
            aes_gcm_begin(one, m.iv, bytes_of(m.aad, m.aad_len));
            aes_gcm_text(one, m.text, got, sizeof(got));
            aes_gcm_seal(one, tag);
            EXPECT(run(aes_gcm_new_plain, AES_GCM_ENCRYPTS, &m));
            EXPECT_BYTES(bytes_of(got, sizeof(got)), bytes_of(m.text, m.len));
            EXPECT_BYTES(bytes_of(tag, AES_GCM_TAG), bytes_of(m.tag, AES_GCM_TAG));
        }
    }
}
