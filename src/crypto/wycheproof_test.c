/* The Wycheproof vectors, by every path there is.  The files lie beside the
 * project, not in it; without them the tests are skipped. */
#include "crypto/ecdsa.h"
#include "crypto/key_tables.h"
#include "crypto/openssl_glue.h"
#include "crypto/p256_fast.h"
#include "crypto/signature_batch.h"
#include "weft_test.h"

#include <limits.h>

/* Where Weft says otherwise than Wycheproof, as Go and so Fabric do: a valid
 * signature with more elements or bytes behind s, inside the SEQUENCE.  The
 * numbers are the same in both files; docs/signatures.md has the table. */
static const struct {
    unsigned id;
    const char *comment;
} taken_though_invalid[] = {
    { 23, "appending 0's to sequence [r, s]" },
    { 25, "appending unused 0's to sequence [r, s]" },
    { 26, "appending null value to sequence [r, s]" },
    { 47, "sequence [r, s] of size " },
    { 55, "append empty sequence" },
    { 56, "append zero" },
    { 57, "append garbage with high tag number" },
    { 58, "append null with explicit tag" },
    { 59, "append null with implicit tag" },
    { 62, "repeating element in sequence" },
};

static bool is_exception(unsigned id, const char *comment)
{
    for (size_t i = 0; i < WEFT_ARRAY_LEN(taken_though_invalid); i++) {
        const char *c = taken_though_invalid[i].comment;
        if (taken_though_invalid[i].id == id)
            return strncmp(comment, c, strlen(c)) == 0;
    }
    return false;
}

/* ---- just enough JSON: "name": value, in the order of the file ------------ */

struct scanner {
    const char *at;
};

/* The value after the next "name" before `end`; NULL when there is none.
 * A string without its quotes (there are no escapes in what we read). */
static const char *scan(struct scanner *s, const char *name, const char *end, size_t *ret_len)
{
    WEFT_FREE char *quoted = weft_asprintf("\"%s\": ", name);
    const char *at = strstr(s->at, quoted);
    if (at == NULL || (end != NULL && at >= end))
        return NULL;
    at += strlen(quoted);
    const char *stop = at;
    if (*at == '"') {
        at++;
        stop = strchr(at, '"');
    } else {
        stop += strspn(at, "0123456789");
    }
    *ret_len = (size_t)(stop - at);
    s->at = stop;
    return at;
}

static struct buf scan_hex(struct scanner *s, const char *name)
{
    size_t len = 0;
    const char *at = scan(s, name, NULL, &len);
    EXPECT(at != NULL);
    struct buf b = { 0 };
    EXPECT(bytes_from_hex(bytes_of(at, len), buf_reserve(&b, len / 2 + 1)));
    b.len = len / 2;
    return b;
}

static char *scan_text(struct scanner *s, const char *name)
{
    size_t len = 0;
    const char *at = scan(s, name, NULL, &len);
    EXPECT(at != NULL);
    return bytes_dup_str(bytes_of(at, len));
}

/* ---- one vector ------------------------------------------------------------ */

struct vector {
    unsigned id;
    char *comment;
    struct buf sig;
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned digest_len;
    bool valid;
    enum signature_verdict verdict;
};

enum {
    VECTORS_MAX = 1024
};

struct run {
    struct key_tables *tables; /* NULL: plain */
    struct signature_batch *batch;
    const EVP_MD *md;
    struct vector vectors[VECTORS_MAX];
    size_t count, exceptions;
};

/* OpenSSL's own word on the bytes as they are. */
static bool openssl_takes(struct public_key *key, const struct vector *v)
{
    struct bytes spki = public_key_spki(key);
    const unsigned char *at = spki.data;
    WEFT_CLEANUP(EVP_PKEY_free) EVP_PKEY *pkey = d2i_PUBKEY(NULL, &at, (long)spki.len);
    WEFT_CLEANUP(EVP_PKEY_CTX_free) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
    EXPECT(ctx != NULL && EVP_PKEY_verify_init(ctx) == 1);
    int said = EVP_PKEY_verify(ctx, v->sig.data, v->sig.len, v->digest, v->digest_len);
    ERR_clear_error();
    return said == 1;
}

static void read_vector(struct run *run, struct scanner *s, struct public_key *key)
{
    EXPECT(run->count < VECTORS_MAX);
    struct vector *v = &run->vectors[run->count++];
    WEFT_FREE char *id = scan_text(s, "tcId");
    v->id = (unsigned)strtoul(id, NULL, 10);
    v->comment = scan_text(s, "comment");
    WEFT_CLEANUP(buf_done) struct buf msg = scan_hex(s, "msg");
    v->sig = scan_hex(s, "sig");
    WEFT_FREE char *result = scan_text(s, "result");
    v->valid = strcmp(result, "valid") == 0;
    EXPECT(EVP_Digest(msg.data, msg.len, v->digest, &v->digest_len, run->md, NULL) == 1);
    EXPECT_EQ(openssl_takes(key, v), v->valid);
    /* Heat the key, so that it has its table before it counts. */
    for (int i = 0; run->tables != NULL && i < 4; i++)
        (void)signature_check(run->tables, key, bytes_of(v->digest, v->digest_len),
                              buf_bytes(&v->sig));
    signature_batch_add(run->batch, key, bytes_of(v->digest, v->digest_len), buf_bytes(&v->sig),
                        &v->verdict);
}

/* All groups of a file: a key, then its vectors. */
static void run_file(struct run *run, const char *path)
{
    WEFT_CLEANUP(buf_done) struct buf text = weft_test_read(path);
    buf_put_u8(&text, 0);
    struct scanner s = { strstr((const char *)text.data, "\"testGroups\"") };
    EXPECT(s.at != NULL);
    run->batch = signature_batch_new(run->tables);
    for (;;) {
        struct scanner look = s;
        size_t len;
        if (scan(&look, "publicKeyDer", NULL, &len) == NULL)
            break;
        WEFT_CLEANUP(buf_done) struct buf spki = scan_hex(&s, "publicKeyDer");
        WEFT_CLEANUP(public_key_unref) struct public_key *key = NULL;
        struct weft_err e = { 0 };
        EXPECT_OK(public_key_parse(buf_bytes(&spki), &key, &e));
        const char *end = strstr(s.at, "\"publicKeyDer\"");
        for (look = s; scan(&look, "tcId", end, &len) != NULL; look = s)
            read_vector(run, &s, key);
    }
    signature_batch_check(run->batch);
    signature_batch_free(run->batch);
}

static void expect_verdicts(struct run *run, size_t count)
{
    EXPECT_EQ(run->count, count);
    for (size_t i = 0; i < run->count; i++) {
        struct vector *v = &run->vectors[i];
        bool exception = is_exception(v->id, v->comment);
        bool want = exception || v->valid;
        if (want != (v->verdict == SIGNATURE_GOOD))
            fail_msg("vector %u, %s: verdict %d", v->id, v->comment, v->verdict);
        run->exceptions += exception && !v->valid;
        free(v->comment);
        buf_done(&v->sig);
    }
    EXPECT_EQ(run->exceptions, WEFT_ARRAY_LEN(taken_though_invalid));
}

TEST(p256_vectors_by_plain_verification)
{
    static struct run run;
    const char *path = weft_test_fixture("wycheproof/ecdsa_secp256r1_sha256_test.json");
    run = (struct run){ .md = EVP_sha256() };
    run_file(&run, path);
    expect_verdicts(&run, 484);
}

static void run_p256_with(unsigned threshold, struct key_tables_stats *ret_stats)
{
    static struct run run;
    const char *path = weft_test_fixture("wycheproof/ecdsa_secp256r1_sha256_test.json");
    WEFT_CLEANUP(key_tables_free)
    struct key_tables *tables = key_tables_new(&(struct key_tables_config){
        .budget_bytes = (size_t)256 * p256_table_bytes(P256_LANES_MOST),
        .threshold = threshold,
        .unpaid = true });
    if (key_tables_fast(tables) == NULL)
        skip();
    run = (struct run){ .md = EVP_sha256(), .tables = tables };
    run_file(&run, path);
    *ret_stats = key_tables_stats(tables);
    expect_verdicts(&run, 484);
}

/* A table for every key from its first sighting on. */
TEST(p256_vectors_by_table)
{
    struct key_tables_stats stats;
    run_p256_with(1, &stats);
    EXPECT_EQ(stats.failed, 0);
    EXPECT_EQ(stats.live, 111); /* 113 groups, two keys come twice */
    EXPECT(stats.by_table >= 5 * 484 - 2 * 113);
}

TEST(p256_vectors_in_a_batch_without_tables)
{
    struct key_tables_stats stats;
    run_p256_with(UINT_MAX, &stats);
    EXPECT_EQ(stats.by_table, 0);
}

TEST(p384_vectors_by_plain_verification)
{
    static struct run run;
    const char *path = weft_test_fixture("wycheproof/ecdsa_secp384r1_sha384_test.json");
    run = (struct run){ .md = EVP_sha384() };
    run_file(&run, path);
    expect_verdicts(&run, 504);
}
