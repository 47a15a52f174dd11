#include "txmaker/tx_script.h"

#include "base/rand.h"
#include "txmaker/rwset_writer.h"

#include <inttypes.h>

enum {
    KEY_BYTES = 48,
    ARGS = 3,
    HUNDRED = 100,
    NEAR = 8, /* half of the conflicts are with one of the last so many */
    MS = 1000000,
    PRINTABLE = '~' - '!' + 1,
};

/* What is wrong with the endorsements. */
enum bad_policy {
    BAD_ONE_MISSING,
    BAD_NONE,
    BAD_OTHER_TEXT,
    BAD_NR,
};

const char *tx_intent_code(enum tx_intent intent)
{
    static const char *const codes[TX_INTENT_NR] = { "VALID", "MVCC_READ_CONFLICT",
                                                     "ENDORSEMENT_POLICY_FAILURE" };
    return codes[intent];
}

void tx_script_nonce(uint64_t seed, const char *name, uint64_t i, uint8_t ret[ENDORSED_TX_NONCE])
{
    struct sha256 h;
    sha256_init(&h);
    sha256_add(&h, bytes_of(&seed, sizeof(seed)));
    sha256_add(&h, bytes_of(&i, sizeof(i)));
    sha256_add(&h, bytes_of_str(name));
    struct digest d = sha256_end(&h);
    memcpy(ret, d.b, ENDORSED_TX_NONCE);
}

/* Chance for transaction i alone. */
static struct weft_rand rand_of(const struct tx_script *s, uint64_t i)
{
    struct weft_rand r = weft_rand_of(s->seed);
    return weft_rand_of(weft_rand_next(&r) ^ (i * 0xd1342543de82ef95U));
}

/* The first draw of a transaction. */
static enum tx_intent draw_intent(const struct tx_script *s, uint64_t i, struct weft_rand *r)
{
    uint64_t draw = weft_rand_below(r, HUNDRED);
    if (i == 0) /* somebody has to be there to be in conflict with */
        return TX_INTENT_VALID;
    if (draw < s->bad_policies)
        return TX_INTENT_BAD_POLICY;
    return draw < s->bad_policies + s->conflicts ? TX_INTENT_CONFLICT : TX_INTENT_VALID;
}

enum tx_intent tx_script_intent(const struct tx_script *s, uint64_t i)
{
    struct weft_rand r = rand_of(s, i);
    return draw_intent(s, i, &r);
}

/* A valid transaction before i that wrote a key of its own. */
static bool wrote_its_key(const struct tx_script *s, uint64_t i)
{
    struct weft_rand r = rand_of(s, i);
    return draw_intent(s, i, &r) == TX_INTENT_VALID &&
           (i == 0 || weft_rand_below(&r, HUNDRED) >= s->overwrites);
}

static uint64_t draw_earlier(const struct tx_script *s, uint64_t i, struct weft_rand *r)
{
    bool near = weft_rand_below(r, 2) == 0;
    uint64_t j = near ? i - 1 - weft_rand_below(r, i < NEAR ? i : NEAR) : weft_rand_below(r, i);
    while (!wrote_its_key(s, j))
        j--; /* 0 did */
    return j;
}

static void put_key(const struct tx_script *s, uint64_t i, char key[KEY_BYTES])
{
    (void)snprintf(key, KEY_BYTES, "%" PRIu64 ".%012" PRIu64, s->seed, i);
}

static void put_value(size_t bytes, struct weft_rand *r, struct buf *out)
{
    uint8_t *to = buf_reserve(out, bytes);
    for (size_t i = 0; i < bytes; i++)
        to[i] = (uint8_t)('!' + weft_rand_below(r, PRINTABLE));
    out->len += bytes;
}

static enum weft_code endorse(const struct tx_script *s, enum tx_intent intent, struct weft_rand *r,
                              struct endorsed_tx *t, struct weft_err *e)
{
    enum bad_policy bad = (enum bad_policy)weft_rand_below(r, BAD_NR);
    uint64_t which = weft_rand_below(r, s->endorsers.count);
    for (size_t i = 0; i < s->endorsers.count; i++) {
        const struct signing_identity *peer = s->endorsers.at[i];
        if (intent == TX_INTENT_BAD_POLICY &&
            (bad == BAD_NONE || (bad == BAD_ONE_MISSING && i == which)))
            continue;
        if (intent == TX_INTENT_BAD_POLICY && bad == BAD_OTHER_TEXT && i == which) {
            WEFT_CLEANUP(buf_done) struct buf signature = { 0 };
            WEFT_TRY(signing_identity_sign(peer, bytes_of_str(t->tx_id), &signature, e));
            endorsed_tx_put_endorsement(t, signing_identity_bytes(peer), buf_bytes(&signature));
        } else {
            WEFT_TRY(endorsed_tx_endorse(t, peer, e));
        }
    }
    return WEFT_OK;
}

enum weft_code tx_script_make(const struct tx_script *s, uint64_t i, struct buf *out,
                              char ret_tx_id[TX_ID_LEN + 1], struct weft_err *e)
{
    WEFT_CLEANUP(rwset_writer_done) struct rwset_writer w = { 0 };
    WEFT_CLEANUP(endorsed_tx_done) struct endorsed_tx t = { 0 };
    WEFT_CLEANUP(buf_done) struct buf value = { 0 };
    WEFT_CLEANUP(buf_done) struct buf results = { 0 };
    struct weft_rand r = rand_of(s, i);
    char key[KEY_BYTES];
    uint8_t nonce[ENDORSED_TX_NONCE];
    enum tx_intent intent = draw_intent(s, i, &r);
    bool overwrites =
        i > 0 && weft_rand_below(&r, HUNDRED) < s->overwrites && intent == TX_INTENT_VALID;
    uint64_t of = intent == TX_INTENT_CONFLICT || overwrites ? draw_earlier(s, i, &r) : i;
    put_key(s, of, key);
    put_value(s->value_bytes, &r, &value);
    if (!overwrites)
        rwset_writer_read(&w, s->chaincode, bytes_of_str(key), (struct kv_version){ 0 });
    rwset_writer_write(&w, s->chaincode, bytes_of_str(key), buf_bytes(&value));
    rwset_writer_encode(&w, &results);
    tx_script_nonce(s->seed, s->chaincode, i, nonce);
    const struct bytes args[ARGS] = { bytes_of_str("put"), bytes_of_str(key), buf_bytes(&value) };
    const struct keys_org *org = channel_keys_org(s->keys, i % channel_keys_org_count(s->keys));
    const struct endorsed_tx_plan plan = {
        .channel = s->channel,
        .chaincode = s->chaincode,
        .version = s->version,
        .chaincode_type = CHAINCODE_TYPE_GOLANG,
        .args = args,
        .arg_count = ARGS,
        .results = buf_bytes(&results),
        .now_ns = s->from_ns + (int64_t)i * MS,
        .nonce = bytes_of(nonce, sizeof(nonce)),
        .client = org->client,
    };
    WEFT_TRY(endorsed_tx_begin(&t, &plan, e));
    WEFT_TRY(endorse(s, intent, &r, &t, e));
    WEFT_TRY(endorsed_tx_finish(&t, org->client, out, e));
    memcpy(ret_tx_id, t.tx_id, sizeof(t.tx_id));
    return WEFT_OK;
}
