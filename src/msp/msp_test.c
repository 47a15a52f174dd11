#include "msp/msp.h"

#include "base/limits.h"
#include "cert_maker.h"
#include "crypto/x509.h"
#include "msp/identity_cache.h"
#include "msp_cases.h"
#include "proto/wire.h"
#include "weft_test.h"

TEST(answers_as_fabric_does)
{
    WEFT_CLEANUP(msp_world_free) struct msp_world *w = msp_world_new();
    size_t wrong = 0;
    for (size_t i = 0; i < msp_case_count; i++) {
        const struct msp_case *c = &msp_cases[i];
        struct weft_err e = { 0 };
        bool yes = msp_case_ask(w, c, &e) == WEFT_OK;
        if (yes == (c->no == NULL) && (yes || strstr(e.msg, c->no) != NULL))
            continue;
        wrong++;
        print_error("MSP %s, identity %s, question %s: %s\n", c->msp, c->identity, c->question,
                    yes ? "yes" : e.msg);
    }
    EXPECT_EQ(wrong, 0);
    EXPECT(msp_case_count >= 100);
}

/* An MSP of the world, or another one with its parts. */
static struct msp *msp_of(const struct msp_world *w, const char *name, const char *id)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
    struct msp_config config;
    struct msp_options options = { 0 };
    struct msp *msp = NULL;
    msp_world_config(w, name, &arena, &config, &options.version);
    config.name = bytes_of_str(id);
    EXPECT_OK(msp_new(&config, &options, &msp, &e));
    return msp;
}

static struct msp_identity *get(struct identity_cache *c, const struct msp_world *w,
                                const char *identity)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    struct msp_identity *id = NULL;
    msp_world_identity(w, identity, &b);
    EXPECT_OK(identity_cache_get(c, buf_bytes(&b), &id, &e));
    return id;
}

static enum weft_code get_fails(struct identity_cache *c, const struct msp_world *w,
                                const char *identity, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    struct msp_identity *id = NULL;
    msp_world_identity(w, identity, &b);
    return identity_cache_get(c, buf_bytes(&b), &id, e);
}

TEST(a_channel_finds_each_identitys_msp)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(msp_world_free) struct msp_world *w = msp_world_new();
    struct msp *msps[] = { msp_of(w, "enforced", "Org1MSP"), msp_of(w, "high", "Org9MSP"),
                           msp_of(w, "p384", "Org1MSP"), msp_of(w, "enforced", "Org1MSP") };
    WEFT_CLEANUP(msp_manager_unref)
    struct msp_manager *m = msp_manager_new(msps, WEFT_ARRAY_LEN(msps));
    WEFT_CLEANUP(identity_cache_free) struct identity_cache *c = identity_cache_new(m, 8);
    EXPECT_EQ(msp_manager_count(m), 2);
    EXPECT(msp_manager_find(m, bytes_of_str("Org1MSP")) == msps[3]); /* the last of that name */
    EXPECT(msp_manager_find(m, bytes_of_str("Org2MSP")) == NULL);

    WEFT_CLEANUP(msp_identity_unref) struct msp_identity *a = get(c, w, "client");
    WEFT_CLEANUP(msp_identity_unref)
    struct msp_identity *b = get(c, w, "@Org9MSP client-of-high");
    EXPECT(msp_identity_msp(a) == msps[3]);
    EXPECT(msp_identity_msp(b) == msps[1]);
    EXPECT_CODE(get_fails(c, w, "client-of-high", &e), WEFT_FORBIDDEN);
    EXPECT_CODE(get_fails(c, w, "@Org2MSP client", &e), WEFT_NOT_FOUND);
    EXPECT_WORDS(e, "MSP Org2MSP is not defined on channel");
    for (size_t i = 0; i < WEFT_ARRAY_LEN(msps); i++)
        msp_unref(msps[i]);
}

TEST(the_cache_keeps_what_was_used_last_and_no_failures)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(msp_world_free) struct msp_world *w = msp_world_new();
    WEFT_CLEANUP(msp_unref) struct msp *msp = msp_of(w, "enforced", "Org1MSP");
    WEFT_CLEANUP(msp_manager_unref) struct msp_manager *m = msp_manager_new(&msp, 1);
    WEFT_CLEANUP(identity_cache_free) struct identity_cache *c = identity_cache_new(m, 2);
    static const struct {
        const char *who;
        bool hit;
    } calls[] = { { "client", false }, { "peer", false },  { "client", true }, { "admin", false },
                  { "client", true },  { "peer", false },  { "admin", false }, { "peer", true },
                  { "admin", true },   { "client", false } };
    struct msp_identity *first = get(c, w, "orderer");
    for (size_t i = 0; i < WEFT_ARRAY_LEN(calls); i++) {
        uint64_t hits = identity_cache_stats(c).hits;
        struct msp_identity *id = get(c, w, calls[i].who);
        EXPECT_EQ(identity_cache_stats(c).hits - hits, calls[i].hit ? 1 : 0);
        EXPECT_OK(msp_identity_validate(id, &e));
        msp_identity_unref(id);
    }
    EXPECT_EQ(identity_cache_stats(c).count, 2);
    EXPECT_OK(msp_identity_validate(first, &e)); /* outlives its place */
    msp_identity_unref(first);

    uint64_t hits = identity_cache_stats(c).hits;
    EXPECT_CODE(get_fails(c, w, "bad-signature", &e), WEFT_FORBIDDEN);
    EXPECT_CODE(get_fails(c, w, "bad-signature", &e), WEFT_FORBIDDEN);
    EXPECT_CODE(get_fails(c, w, "=garbage", &e), WEFT_INVALID);
    /* Parsed, but of no CA of ours: an RSA signature is only checked later. */
    msp_identity_unref(get(c, w, "client-of-rsa"));
    msp_identity_unref(get(c, w, "client-of-rsa"));
    EXPECT_EQ(identity_cache_stats(c).hits, hits);
}

/* Anybody can make the second form; it must not be a second identity. */
TEST(both_forms_of_a_certificate_are_one_identity)
{
    WEFT_CLEANUP(msp_world_free) struct msp_world *w = msp_world_new();
    WEFT_CLEANUP(msp_unref) struct msp *msp = msp_of(w, "enforced", "Org1MSP");
    WEFT_CLEANUP(msp_manager_unref) struct msp_manager *m = msp_manager_new(&msp, 1);
    WEFT_CLEANUP(identity_cache_free) struct identity_cache *c = identity_cache_new(m, 8);
    WEFT_CLEANUP(msp_identity_unref) struct msp_identity *high = get(c, w, "high-s");
    struct bytes given = made_cert_der(msp_world_cert(w, "high-s"));
    struct bytes kept = msp_identity_cert(high)->der;
    EXPECT(!bytes_eq(given, kept));
    struct digest of_given = sha256_of(given), of_kept = sha256_of(kept);
    EXPECT_BYTES(msp_identity_id(high), digest_bytes(&of_kept));
    EXPECT(!bytes_eq(msp_identity_id(high), digest_bytes(&of_given)));
    WEFT_CLEANUP(msp_identity_unref) struct msp_identity *low = get(c, w, "client");
    EXPECT_BYTES(msp_identity_cert(low)->der, made_cert_der(msp_world_cert(w, "client")));
}

TEST(our_own_certificate_must_not_be_expired)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(msp_world_free) struct msp_world *w = msp_world_new();
    WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
    struct msp_config config;
    struct msp *msp = NULL;
    struct msp_options o = { 0 };
    msp_world_config(w, "enforced", &arena, &config, &o.version);
    config.has_signer = true;
    config.signer = made_cert_pem(msp_world_cert(w, "expired")); /* on 2020-01-03 */
    o.now_s = 1577836800 + 2 * 86400 + 3600 + 61;
    EXPECT_CODE(msp_new(&config, &o, &msp, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "signing identity expired 1h1m1s ago");
    o.now_s = 1577836800;
    EXPECT_OK(msp_new(&config, &o, &msp, &e));
    msp_unref(msp);
    o.now_s = 0;
    EXPECT_OK(msp_new(&config, &o, &msp, &e));
    msp_unref(msp);
    config.signer = made_cert_pem(msp_world_cert(w, "client-of-other"));
    EXPECT_CODE(msp_new(&config, &o, &msp, &e), WEFT_FORBIDDEN);
    config.type = MSP_TYPE_IDEMIX;
    EXPECT_CODE(msp_new(&config, &o, &msp, &e), WEFT_INVALID);
    EXPECT_WORDS(e, "unsupported msp type 1");
}

/* COMBINED in COMBINED, and one with very many in it. */
TEST(combined_principals_have_limits)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(msp_world_free) struct msp_world *w = msp_world_new();
    WEFT_CLEANUP(msp_unref) struct msp *msp = msp_of(w, "enforced", "Org1MSP");
    WEFT_CLEANUP(msp_manager_unref) struct msp_manager *m = msp_manager_new(&msp, 1);
    WEFT_CLEANUP(identity_cache_free) struct identity_cache *c = identity_cache_new(m, 8);
    WEFT_CLEANUP(msp_identity_unref) struct msp_identity *id = get(c, w, "client");
    WEFT_CLEANUP(buf_done) struct buf nominal = { 0 };
    wire_put_varint(&nominal, 1, 3);
    struct buf p = { 0 };
    buf_put(&p, buf_bytes(&nominal));
    for (unsigned depth = 1; depth <= LIMIT_PRINCIPAL_DEPTH + 1; depth++) {
        struct buf all = { 0 }, outer = { 0 };
        wire_put_bytes(&all, 1, buf_bytes(&p));
        wire_put_varint(&outer, 1, 4);
        wire_put_bytes(&outer, 2, buf_bytes(&all));
        buf_done(&p);
        buf_done(&all);
        p = outer;
        EXPECT_CODE(msp_identity_satisfies(id, buf_bytes(&p), &e),
                    depth <= LIMIT_PRINCIPAL_DEPTH ? WEFT_OK : WEFT_LIMIT);
    }
    buf_clear(&p);
    WEFT_CLEANUP(buf_done) struct buf many = { 0 };
    for (unsigned i = 0; i <= LIMIT_PRINCIPALS; i++)
        wire_put_bytes(&many, 1, buf_bytes(&nominal));
    wire_put_varint(&p, 1, 4);
    wire_put_bytes(&p, 2, buf_bytes(&many));
    EXPECT_CODE(msp_identity_satisfies(id, buf_bytes(&p), &e), WEFT_LIMIT);
    buf_done(&p);
}

TEST(an_identity_knows_when_it_expires)
{
    WEFT_CLEANUP(msp_world_free) struct msp_world *w = msp_world_new();
    WEFT_CLEANUP(msp_unref) struct msp *msp = msp_of(w, "enforced", "Org1MSP");
    WEFT_CLEANUP(msp_manager_unref) struct msp_manager *m = msp_manager_new(&msp, 1);
    WEFT_CLEANUP(identity_cache_free) struct identity_cache *c = identity_cache_new(m, 8);
    struct msp_identity *ids[] = { get(c, w, "expired"), get(c, w, "client") };
    EXPECT_EQ(msp_identity_expires_s(ids[0]), 1577836800 + 2 * 86400);
    EXPECT(msp_identities_satisfy(ids, 1, bytes_of("\x08\x03", 2)));
    EXPECT(!msp_identities_satisfy(ids, 0, bytes_of("\x08\x07", 2)));
    msp_identity_unref(ids[0]);
    msp_identity_unref(ids[1]);
}
