/* Fuzz target for the ways of checking a signature, against each other and
 * against ECDSA_do_verify.  Seeds: tests/corpus/signature_batch/.
 *
 * The first byte says how the input is read:
 *     even   a kind and a seed: one of tests/signature_cases.h's hard cases,
 *            with what is left of the input xored over digest, r and s
 *     odd    a key, a digest and the DER of a signature, as they are
 * Each goes through the door in every way: plain; without a table and by one,
 * alone and several times in one batch; and with tables of OpenSSL's where
 * others would be used on this CPU. */
#include "signature_cases.h"

#include "crypto/key_tables.h"
#include "crypto/signature_batch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Made once: a table costs more than a thousand inputs. */
static struct fuzz_world {
    struct case_world *w;
    struct key_tables *no_tables, *tables, *one_lane;
} world;

static struct key_tables *tables_of_all(bool one_lane)
{
    struct key_tables *kt =
        key_tables_new(&(struct key_tables_config){ .budget_bytes = KEY_TABLES_BUDGET_DEFAULT,
                                                    .threshold = 1,
                                                    .unpaid = true,
                                                    .one_lane = one_lane });
    for (unsigned i = 0; i < CASE_KEYS; i++) {
        struct key_lease lease = key_tables_borrow(kt, world.w->keys[i], 1);
        WEFT_ASSERT(lease.table == NULL);
    }
    return kt;
}

static void world_init(void)
{
    if (world.w != NULL)
        return;
    world.w = case_world_new(1);
    world.no_tables = key_tables_new(&(struct key_tables_config){
        .budget_bytes = KEY_TABLES_BUDGET_DEFAULT, .threshold = UINT32_MAX });
    world.tables = tables_of_all(false);
    world.one_lane = tables_of_all(true);
}

/* The same check so many times in one batch. */
static void check_together(struct key_tables *kt, unsigned key, struct bytes digest,
                           struct bytes raw, size_t count, enum signature_verdict want)
{
    enum {
        MOST = 9
    };
    enum signature_verdict got[MOST];
    WEFT_CLEANUP(signature_batch_free) struct signature_batch *b = signature_batch_new(kt);
    for (size_t i = 0; i < count; i++)
        signature_batch_add(b, world.w->keys[key], digest, raw, &got[i]);
    signature_batch_check(b);
    for (size_t i = 0; i < count; i++)
        WEFT_ASSERT(got[i] == want);
}

static bool oracle_takes(unsigned key, struct bytes digest, const struct ecdsa_signature *sig)
{
    enum {
        MOST = 1000 /* a longer number is out of range, and slow to look at */
    };
    if (sig->r.len > MOST || sig->s.len > MOST)
        return false;
    ECDSA_SIG *theirs = ECDSA_SIG_new();
    WEFT_ASSERT(theirs != NULL);
    WEFT_ASSERT(ECDSA_SIG_set0(theirs, BN_bin2bn(sig->r.data, (int)sig->r.len, NULL),
                               BN_bin2bn(sig->s.data, (int)sig->s.len, NULL)) == 1);
    int said = ECDSA_do_verify(digest.data, (int)digest.len, theirs, world.w->oracle[key]);
    ECDSA_SIG_free(theirs);
    return said == 1;
}

static void check(unsigned key, struct bytes digest, struct bytes raw)
{
    struct ecdsa_signature sig;
    enum signature_verdict want = SIGNATURE_MALFORMED;
    if (ecdsa_signature_parse(raw, &sig, NULL) == WEFT_OK)
        want = oracle_takes(key, digest, &sig) ? SIGNATURE_GOOD : SIGNATURE_BAD;
    struct public_key *k = world.w->keys[key];
    WEFT_ASSERT(signature_check(NULL, k, digest, raw) == want);
    WEFT_ASSERT(signature_check(world.no_tables, k, digest, raw) == want);
    WEFT_ASSERT(signature_check(world.tables, k, digest, raw) == want);
    WEFT_ASSERT(signature_check(world.one_lane, k, digest, raw) == want);
    check_together(world.no_tables, key, digest, raw, 3, want);
    check_together(world.tables, key, digest, raw, 2, want);
    check_together(world.tables, key, digest, raw, 9, want);
}

static void check_case(struct bytes in)
{
    struct signature_case c;
    uint64_t seed = 0;
    enum case_kind kind = (enum case_kind)(in.data[0] % CASE_KIND_NR);
    in = bytes_skip(in, 1);
    size_t n = in.len < sizeof(seed) ? in.len : sizeof(seed);
    if (n > 0)
        memcpy(&seed, in.data, n);
    in = bytes_skip(in, n);
    struct weft_rand rand = weft_rand_of(seed);
    case_make(world.w, &rand, kind, &c);
    uint8_t *parts[] = { c.r, c.s, c.digest };
    for (size_t i = 0; i < in.len && i < 3 * CASE_BYTES; i++)
        parts[i / CASE_BYTES][i % CASE_BYTES] ^= in.data[i];

    uint8_t der[ECDSA_SIGNATURE_MAX];
    struct ecdsa_signature sig = { case_magnitude(c.r), case_magnitude(c.s) };
    if (sig.r.len > 0 && sig.s.len > 0)
        check(c.key, bytes_of(c.digest, CASE_BYTES),
              bytes_of(der, ecdsa_signature_write(&sig, der)));
}

static void check_raw(struct bytes in)
{
    unsigned key = in.data[0] % CASE_KEYS;
    in = bytes_skip(in, 1);
    size_t n = in.len < SHA256_BYTES ? in.len : SHA256_BYTES;
    check(key, bytes_of(in.data, n), bytes_skip(in, n));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    world_init();
    if (size < 2)
        return 0;
    struct bytes in = bytes_of(data + 1, size - 1);
    if (data[0] % 2 == 0)
        check_case(in);
    else
        check_raw(in);
    return 0;
}
