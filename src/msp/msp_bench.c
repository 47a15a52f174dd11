/* How long it takes to know somebody: from his bytes to "valid", without and with
 * a cache, against the bare signature check that a new face costs at least. */
#include "bench.h"
#include "crypto/ecdsa.h"
#include "crypto/x509_link.h"
#include "msp/identity_cache.h"
#include "msp/msp_dir.h"
#include "os/dirs.h"
#include "os/file.h"
#include "proto/identity.h"

#include <stdio.h>

enum {
    ROUNDS = 3000,
    CACHED_ROUNDS = 300000,
    SETUPS = 200,
    CERT_BYTES_MAX = 1 << 16
};

static struct msp *load(const char *dir, double *ret_seconds)
{
    WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
    struct weft_err e = { 0 };
    struct msp_config config;
    struct msp *msp = NULL;
    if (msp_dir_read(dir, "Org1MSP", MSP_DIR_VERIFYING, &arena, &config, &e) != WEFT_OK)
        weft_fatal(&e);
    double t = bench_now();
    for (int i = 0; i < SETUPS; i++) {
        msp_unref(msp);
        if (msp_new(&config, &(struct msp_options){ .version = MSP_1_4_3 }, &msp, &e) != WEFT_OK)
            weft_fatal(&e);
    }
    *ret_seconds = (bench_now() - t) / SETUPS;
    return msp;
}

/* The certificate of the folder's peer, as a SerializedIdentity. */
static void read_identity(const char *dir, struct buf *out)
{
    WEFT_CLEANUP(dir_list_done) struct dir_list l = { 0 };
    WEFT_CLEANUP(buf_done) struct buf pem = { 0 };
    struct weft_err e = { 0 };
    if (dir_list(dir, &l, &e) != WEFT_OK)
        weft_fatal(&e);
    WEFT_FREE char *path = weft_asprintf("%s/%s", dir, l.names[0]);
    if (file_read_all(path, CERT_BYTES_MAX, &pem, &e) != WEFT_OK)
        weft_fatal(&e);
    serialized_identity_encode(
        &(struct serialized_identity){ bytes_of_str("Org1MSP"), buf_bytes(&pem) }, out);
}

static double time_cold(struct msp *msp, struct bytes serialized)
{
    double t = bench_now();
    for (int i = 0; i < ROUNDS; i++) {
        struct msp_identity *id = NULL;
        if (msp_identity_deserialize(msp, serialized, &id, NULL) != WEFT_OK ||
            msp_identity_validate(id, NULL) != WEFT_OK)
            abort();
        msp_identity_unref(id);
    }
    return (bench_now() - t) / ROUNDS;
}

static double time_cached(struct msp *msp, struct bytes serialized)
{
    WEFT_CLEANUP(msp_manager_unref) struct msp_manager *m = msp_manager_new(&msp, 1);
    WEFT_CLEANUP(identity_cache_free)
    struct identity_cache *c = identity_cache_new(m, IDENTITY_CACHE_DEFAULT);
    double t = bench_now();
    for (int i = 0; i < CACHED_ROUNDS; i++) {
        struct msp_identity *id = NULL;
        if (identity_cache_get(c, serialized, &id, NULL) != WEFT_OK ||
            msp_identity_validate(id, NULL) != WEFT_OK)
            abort();
        msp_identity_unref(id);
    }
    return (bench_now() - t) / CACHED_ROUNDS;
}

/* MEMBER of Org1MSP */
static double time_principal(struct msp *msp, struct bytes serialized)
{
    static const char member[] = "\x12\x09\x0a\x07Org1MSP";
    struct msp_identity *id = NULL;
    if (msp_identity_deserialize(msp, serialized, &id, NULL) != WEFT_OK)
        abort();
    double t = bench_now();
    for (int i = 0; i < CACHED_ROUNDS; i++)
        if (msp_identity_satisfies(id, bytes_of(member, sizeof(member) - 1), NULL) != WEFT_OK)
            abort();
    double each = (bench_now() - t) / CACHED_ROUNDS;
    msp_identity_unref(id);
    return each;
}

/* One signature by OpenSSL: what a chain of two costs in any case. */
static double time_verify(void)
{
    struct private_key *key = NULL;
    WEFT_CLEANUP(buf_done) struct buf der = { 0 };
    struct ecdsa_signature s;
    struct digest d = sha256_of(bytes_of_str("message"));
    if (private_key_generate(EC_CURVE_P256, &key, NULL) != WEFT_OK ||
        private_key_sign(key, digest_bytes(&d), &der, NULL) != WEFT_OK ||
        ecdsa_signature_parse(buf_bytes(&der), &s, NULL) != WEFT_OK)
        abort();
    double t = bench_now();
    for (int i = 0; i < ROUNDS; i++)
        if (!ecdsa_verify_plain(private_key_public(key), digest_bytes(&d), &s))
            abort();
    double each = (bench_now() - t) / ROUNDS;
    private_key_unref(key);
    return each;
}

int main(void)
{
    const char *fixture = bench_fixture("crypto/peerOrganizations/org1.example.com");
    if (fixture == NULL)
        return 0;
    WEFT_FREE char *org = weft_strdup(fixture);
    WEFT_FREE char *dir = weft_asprintf("%s/msp", org);
    WEFT_FREE char *signcerts = weft_asprintf("%s/peers/peer0.org1.example.com/msp/signcerts", org);
    WEFT_CLEANUP(buf_done) struct buf id = { 0 };
    double setup = 0;
    WEFT_CLEANUP(msp_unref) struct msp *msp = load(dir, &setup);
    read_identity(signcerts, &id);
    double bare = time_verify(), cold = time_cold(msp, buf_bytes(&id));
    WEFT_FREE char *remark = weft_asprintf("%.2f of one signature check", cold / bare);
    bench_print("set up an MSP (one root, one TLS root, node OUs)", setup * 1e6, "us", NULL);
    bench_print("one ECDSA check by OpenSSL", bare * 1e6, "us", NULL);
    bench_print("identity, cold: parse, chain, validate", cold * 1e6, "us", remark);
    bench_print("identity, cached", time_cached(msp, buf_bytes(&id)) * 1e9, "ns", NULL);
    bench_print("is a member?", time_principal(msp, buf_bytes(&id)) * 1e9, "ns", NULL);
    return 0;
}
