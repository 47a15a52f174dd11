/* What a channel's configuration costs: reading one of 100 organisations, the
 * memory that it keeps, and asking a policy about 1, 3 and 10 signatures against
 * the bare signature checks, as `openssl speed ecdsap256` does them. */
#include "bench.h"
#include "bundle/bundle.h"
#include "crypto/ecdsa.h"
#include "crypto/key_tables.h"
#include "msp/msp_config.h"
#include "proto/envelope.h"
#include "proto/wire.h"
#include "test_channel.h"

#include <malloc.h>
#include <stdio.h>

enum {
    ORGS = 100,
    PARSES = 20,
    CHECKS = 2000,
    ASKS = 50, /* in a turn */
    WARM_TURNS = 8,
    TURNS = 40,
    SIGNERS = 10
};

/* ---- many organisations -------------------------------------------------------------------- */

/* As cryptogen and configtxgen make them: a root, a TLS root, the root's
 * certificate again in each node OU. */
static void put_msp(const struct made_cert *ca, const struct made_cert *tls, const char *name,
                    struct buf *out)
{
    struct bytes root = made_cert_pem(ca), tls_root = made_cert_pem(tls);
    struct msp_config m = {
        .name = bytes_of_str(name),
        .roots = { &root, 1 },
        .tls_roots = { &tls_root, 1 },
        .has_node_ous = true,
        .node_ous_enabled = true,
        .node_ous = { [MSP_ROLE_ADMIN] = { true, root, bytes_of_str("admin") },
                      [MSP_ROLE_CLIENT] = { true, root, bytes_of_str("client") },
                      [MSP_ROLE_PEER] = { true, root, bytes_of_str("peer") },
                      [MSP_ROLE_ORDERER] = { true, root, bytes_of_str("orderer") } },
    };
    msp_config_encode(&m, out);
}

/* Every other organisation's root has a high s, as half of Go's certificates. */
static void add_org(struct test_channel *c, size_t i)
{
    static const char *const policies[] = { "Readers", "Writers", "Admins", "Endorsement" };
    WEFT_FREE char *name = weft_asprintf("Org%zuMSP", i + 10);
    WEFT_FREE char *path = weft_asprintf("Application/%s", name);
    WEFT_CLEANUP(buf_done) struct buf msp = { 0 };
    WEFT_CLEANUP(made_cert_free)
    struct made_cert *ca = cert_make(
        &(struct cert_order){ .name = name, .is_ca = true, .odd = i % 2 == 0 ? 0 : CERT_HIGH_S });
    WEFT_CLEANUP(made_cert_free)
    struct made_cert *tls = cert_make(&(struct cert_order){ .name = name, .is_ca = true });
    struct config_item *like = test_channel_group(c, "Application/Org1MSP");
    put_msp(ca, tls, name, &msp);
    struct config_item *org = test_channel_add_group(c, "Application", name);
    test_channel_set(c, path, "MSP", buf_bytes(&msp));
    const struct config_item **members =
        arena_alloc(&c->arena, (1 + WEFT_ARRAY_LEN(policies)) * sizeof(*members));
    members[0] = org->members[0];
    for (size_t p = 0; p < WEFT_ARRAY_LEN(policies); p++)
        members[1 + p] = config_group_find(like, CONFIG_ITEM_POLICY, bytes_of_str(policies[p]));
    org->members = members;
    org->count = 1 + WEFT_ARRAY_LEN(policies);
    config_group_sort(members, org->count);
}

static struct bundle *make_bundle(struct bytes group)
{
    struct weft_err e = { 0 };
    struct bundle *b = NULL;
    if (bundle_new("ch", 0, group, &b, &e) != WEFT_OK)
        weft_fatal(&e);
    return b;
}

static size_t heap_bytes(void)
{
    struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
}

static void bench_parse(double check_s)
{
    WEFT_CLEANUP(test_channel_free) struct test_channel *c = test_channel_new();
    for (size_t i = 0; i < ORGS; i++)
        add_org(c, i);
    struct bytes group = test_channel_bytes(c);
    bundle_unref(make_bundle(group));
    double t = bench_cpu();
    for (int i = 0; i < PARSES; i++)
        bundle_unref(make_bundle(group));
    double each = (bench_cpu() - t) / PARSES;
    size_t before = heap_bytes();
    struct bundle *b = make_bundle(group);
    size_t after = heap_bytes();
    bundle_unref(b);
    WEFT_FREE char *remark = weft_asprintf("%zu bytes; %.1f signature checks an organisation",
                                           group.len, each / ORGS / check_s);
    WEFT_FREE char *kept =
        weft_asprintf("%.1f KB an organisation", (double)(after - before) / ORGS / 1e3);
    bench_print("configuration of 103 organisations", each * 1e3, "ms", remark);
    bench_print("memory of that bundle", (double)(after - before) / 1e6, "MB", kept);
}

/* ---- policies -------------------------------------------------------------------------------- */

struct signed_one {
    struct made_cert *cert;
    struct buf identity, signature;
};

static const char message[] = "what all of them have signed";

/* A key that is ready and a signature of it: checked by OpenSSL, it is what
 * `openssl speed` measures. */
struct bare {
    struct private_key *key;
    struct digest digest;
    struct buf der;
    struct ecdsa_signature signature; /* lies in der */
};

static void bare_init(struct bare *b)
{
    b->digest = sha256_of(bytes_of_str(message));
    if (private_key_generate(EC_CURVE_P256, &b->key, NULL) != WEFT_OK ||
        private_key_sign(b->key, digest_bytes(&b->digest), &b->der, NULL) != WEFT_OK ||
        ecdsa_signature_parse(buf_bytes(&b->der), &b->signature, NULL) != WEFT_OK)
        abort();
}

/* CPU seconds that `count` checks take. */
static double time_checks(const struct bare *b, size_t count)
{
    double t = bench_cpu();
    for (size_t i = 0; i < count; i++)
        if (!ecdsa_verify_plain(private_key_public(b->key), digest_bytes(&b->digest),
                                &b->signature))
            abort();
    return bench_cpu() - t;
}

static void sign_all(const struct test_channel *c, struct signed_one *all, struct signed_data *data,
                     size_t count)
{
    const struct test_org *org = test_channel_org(c, "Org1MSP");
    for (size_t i = 0; i < count; i++) {
        WEFT_FREE char *name = weft_asprintf("client%zu", i);
        all[i].cert =
            cert_make(&(struct cert_order){ .name = name, .issuer = org->ca, .units = "client" });
        wire_put_bytes(&all[i].identity, 1, bytes_of_str("Org1MSP"));
        wire_put_bytes(&all[i].identity, 2, made_cert_pem(all[i].cert));
        made_cert_sign(all[i].cert, bytes_of_str(message), false, &all[i].signature);
        data[i] = (struct signed_data){ bytes_of_str(message), buf_bytes(&all[i].identity),
                                        buf_bytes(&all[i].signature) };
    }
}

static double time_asks(struct bundle *b, const struct signed_data *data, size_t count,
                        struct identity_cache *cache, struct key_tables *tables)
{
    struct weft_err e = { 0 };
    double t = bench_cpu();
    for (int i = 0; i < ASKS; i++)
        if (bundle_evaluate(b, "/Channel/Writers", data, count, cache, tables, &e) != WEFT_OK)
            weft_fatal(&e);
    return bench_cpu() - t;
}

/* In turns with the bare checks, so that what else the machine does meets both; the
 * first turns, in which identities get known and keys their tables, do not count. */
static void bench_policy(struct bundle *b, const struct test_channel *c, size_t count,
                         struct key_tables *tables, const struct bare *one)
{
    struct signed_one all[SIGNERS] = { 0 };
    struct signed_data data[SIGNERS];
    double asked = 0, bare = 0;
    sign_all(c, all, data, count);
    WEFT_CLEANUP(identity_cache_free)
    struct identity_cache *cache = identity_cache_new(bundle_msps(b), IDENTITY_CACHE_DEFAULT);
    for (int turn = 0; turn < WARM_TURNS + TURNS; turn++) {
        double a = time_asks(b, data, count, cache, tables), o = time_checks(one, ASKS * count);
        asked += turn >= WARM_TURNS ? a : 0;
        bare += turn >= WARM_TURNS ? o : 0;
    }
    WEFT_FREE char *name =
        weft_asprintf("policy, %zu signatures, %s", count, tables ? "key tables" : "no tables");
    WEFT_FREE char *remark =
        weft_asprintf("%+.1f %% against %zu bare checks of %.1f us", 100 * (asked / bare - 1),
                      count, bare / TURNS / ASKS / (double)count * 1e6);
    bench_print(name, asked / TURNS / ASKS * 1e6, "us", remark);
    for (size_t i = 0; i < count; i++) {
        made_cert_free(all[i].cert);
        buf_done(&all[i].identity);
        buf_done(&all[i].signature);
    }
}

int main(void)
{
    static const size_t counts[] = { 1, 3, 10 };
    struct bare one = { 0 };
    bare_init(&one);
    double check_s = time_checks(&one, CHECKS) / CHECKS;
    WEFT_CLEANUP(test_channel_free) struct test_channel *c = test_channel_new();
    WEFT_CLEANUP(bundle_unref) struct bundle *b = make_bundle(test_channel_bytes(c));
    WEFT_CLEANUP(key_tables_free)
    struct key_tables *tables =
        key_tables_new(&(struct key_tables_config){ .budget_bytes = KEY_TABLES_BUDGET_DEFAULT });
    bench_print("one check by OpenSSL", check_s * 1e6, "us", "as `openssl speed ecdsap256`");
    bench_parse(check_s);
    for (size_t i = 0; i < WEFT_ARRAY_LEN(counts); i++) {
        bench_policy(b, c, counts[i], NULL, &one);
        bench_policy(b, c, counts[i], tables, &one);
    }
    private_key_unref(one.key);
    buf_done(&one.der);
    return 0;
}
