#include "ledger/slot_check.h"

#include "crypto/signature_batch.h"
#include "crypto/x509.h"
#include "proto/envelope.h"
#include "proto/identity.h"
#include "proto/metadata.h"
#include "proto/wire.h"

#include <inttypes.h>

enum {
    CERTS_MAX = 16,
    SIGNATURES_MAX = 64, /* of one slot; three slots can have them */
};

/* A creator's bytes and the certificate in them: orderers are few. */
struct known_cert {
    struct buf creator;
    struct x509_cert *cert;
    uint64_t used;
};

struct slot_check {
    enum ledger_layout layout;
    bool any;             /* a block came before */
    uint64_t last_config; /* number of the newest config block */
    uint64_t signatures, not_signed, turn;
    struct known_cert certs[CERTS_MAX];
    bool leaves_signatures; /* those in SIGNATURES are somebody else's to check */
    struct signature_batch *batch;
    enum signature_verdict verdicts[SLOT_CHECK_BATCH + 3 * SIGNATURES_MAX];
    uint64_t numbers[SLOT_CHECK_BATCH + 3 * SIGNATURES_MAX]; /* the block of each */
};

struct slot_check *slot_check_new(enum ledger_layout layout)
{
    struct slot_check *c = weft_alloc(sizeof(*c));
    c->layout = layout;
    c->batch = signature_batch_new(NULL);
    return c;
}

void slot_check_free(struct slot_check *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < CERTS_MAX; i++) {
        buf_done(&c->certs[i].creator);
        x509_cert_unref(c->certs[i].cert);
    }
    signature_batch_free(c->batch);
    free(c);
}

void slot_check_leave_signatures(struct slot_check *c)
{
    c->leaves_signatures = true;
}

uint64_t slot_check_signatures(const struct slot_check *c)
{
    return c->signatures;
}

uint64_t slot_check_unsigned(const struct slot_check *c)
{
    return c->not_signed;
}

/* ---- the messages ----------------------------------------------------------------- */

struct signature_view {
    struct bytes header, signature;
};

/* Metadata { 1 value, 2 repeated MetadataSignature { 1 header, 2 signature } } */
struct slot_view {
    struct bytes value;
    struct signature_view signatures[SIGNATURES_MAX];
    size_t count;
};

static bool parse_signature(struct bytes b, struct signature_view *ret)
{
    struct wire w = wire_of(b);
    struct wire_field f;
    while (wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_LEN))
            ret->header = f.bytes;
        else if (wire_is(&f, 2, WIRE_LEN))
            ret->signature = f.bytes;
    }
    return !w.bad;
}

static void put_if_any(struct buf *out, uint32_t number, struct bytes b)
{
    if (b.len > 0)
        wire_put_bytes(out, number, b);
}

static void encode_metadata(const struct slot_view *m, struct buf *out)
{
    WEFT_CLEANUP(buf_done) struct buf one = { 0 };
    put_if_any(out, 1, m->value);
    for (size_t i = 0; i < m->count; i++) {
        buf_clear(&one);
        put_if_any(&one, 1, m->signatures[i].header);
        put_if_any(&one, 2, m->signatures[i].signature);
        wire_put_bytes(out, 2, buf_bytes(&one));
    }
}

/* Reads a slot; what does not encode to the same bytes again is refused. */
static enum weft_code parse_metadata(struct bytes b, const char *slot, struct slot_view *ret,
                                     struct weft_err *e)
{
    struct slot_view m = { 0 };
    struct wire w = wire_of(b);
    struct wire_field f;
    bool good = true;
    while (good && wire_next(&w, &f)) {
        if (wire_is(&f, 1, WIRE_LEN))
            m.value = f.bytes;
        else if (wire_is(&f, 2, WIRE_LEN) && m.count < SIGNATURES_MAX)
            good = parse_signature(f.bytes, &m.signatures[m.count++]);
        else
            good = false;
    }
    WEFT_CLEANUP(buf_done) struct buf again = { 0 };
    encode_metadata(&m, &again);
    if (!good || w.bad || !bytes_eq(buf_bytes(&again), b))
        return WEFT_FAIL(e, WEFT_CORRUPT, "metadata slot %s is damaged", slot);
    *ret = m;
    return WEFT_OK;
}

/* LastConfig { 1 index }, as bytes of one number. */
static void encode_last_config(uint64_t index, struct buf *out)
{
    if (index != 0)
        wire_put_varint(out, 1, index);
}

/* ---- slot by slot ------------------------------------------------------------------- */

/* OrdererBlockMetadata { 1 last_config, 2 consenter_metadata } */
static enum weft_code check_orderer_metadata(const struct slot_check *c, struct bytes value,
                                             struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf last = { 0 };
    WEFT_CLEANUP(buf_done) struct buf again = { 0 };
    struct bytes consenter = { 0 };
    struct wire w = wire_of(value);
    struct wire_field f;
    while (wire_next(&w, &f))
        if (wire_is(&f, 2, WIRE_LEN))
            consenter = f.bytes;
    encode_last_config(c->last_config, &last);
    wire_put_bytes(&again, 1, buf_bytes(&last));
    put_if_any(&again, 2, consenter);
    if (w.bad || !bytes_eq(buf_bytes(&again), value))
        return WEFT_FAIL(
            e, WEFT_CORRUPT,
            "metadata slot SIGNATURES does not say that the last config block is [%" PRIu64 "]",
            c->last_config);
    return WEFT_OK;
}

static enum weft_code cert_of(struct bytes creator, struct x509_cert **ret, struct weft_err *e)
{
    struct serialized_identity id;
    WEFT_TRY(serialized_identity_parse(creator, &id, e));
    return x509_cert_parse_pem(id.id_bytes, ret, e);
}

static enum weft_code find_cert(struct slot_check *c, struct bytes creator, struct x509_cert **ret,
                                struct weft_err *e)
{
    struct known_cert *oldest = &c->certs[0];
    for (size_t i = 0; i < CERTS_MAX; i++) {
        struct known_cert *k = &c->certs[i];
        if (k->cert != NULL && bytes_eq(buf_bytes(&k->creator), creator)) {
            k->used = ++c->turn;
            *ret = k->cert;
            return WEFT_OK;
        }
        if (k->used < oldest->used)
            oldest = k;
    }
    struct x509_cert *cert = NULL;
    WEFT_TRY(cert_of(creator, &cert, e));
    x509_cert_unref(oldest->cert);
    buf_clear(&oldest->creator);
    buf_put(&oldest->creator, creator);
    oldest->cert = cert;
    oldest->used = ++c->turn;
    *ret = cert;
    return WEFT_OK;
}

/* Signed are the value, the signature header and the header's DER form. */
static enum weft_code add_signature(struct slot_check *c, const struct block_view *v,
                                    struct bytes value, const struct signature_view *s,
                                    struct weft_err *e)
{
    struct signature_header_view header;
    struct x509_cert *cert = NULL;
    WEFT_TRY(signature_header_parse(s->header, &header, e));
    WEFT_TRY(find_cert(c, header.creator, &cert, e));
    if (cert->key == NULL)
        return WEFT_FAIL(e, WEFT_CORRUPT, "the signer's key is no ECDSA key");
    WEFT_CLEANUP(buf_done) struct buf der = { 0 };
    struct sha256 h;
    block_header_der(v, &der);
    sha256_init(&h);
    sha256_add(&h, value);
    sha256_add(&h, s->header);
    sha256_add(&h, buf_bytes(&der));
    struct digest d = sha256_end(&h);
    size_t n = signature_batch_count(c->batch);
    c->numbers[n] = v->number;
    signature_batch_add(c->batch, cert->key, digest_bytes(&d), s->signature, &c->verdicts[n]);
    c->signatures++;
    return WEFT_OK;
}

static enum weft_code add_signatures(struct slot_check *c, const struct block_view *v,
                                     const struct slot_view *m, const char *slot,
                                     struct weft_err *e)
{
    for (size_t i = 0; i < m->count; i++) {
        enum weft_code rc = add_signature(c, v, m->value, &m->signatures[i], e);
        if (rc != WEFT_OK)
            return weft_err_wrap(e, WEFT_CORRUPT, "metadata slot %s is damaged", slot);
    }
    return WEFT_OK;
}

static enum weft_code check_batch(struct slot_check *c, struct weft_err *e)
{
    size_t n = signature_batch_count(c->batch);
    signature_batch_check(c->batch);
    for (size_t i = 0; i < n; i++)
        if (c->verdicts[i] != SIGNATURE_GOOD)
            return WEFT_FAIL(e, WEFT_CORRUPT,
                             "block [%" PRIu64 "]: an orderer's signature in its metadata is "
                             "damaged: it is not by its signer over this block",
                             c->numbers[i]);
    return WEFT_OK;
}

static enum weft_code check_signatures(struct slot_check *c, const struct block_view *v,
                                       struct weft_err *e)
{
    struct bytes slot = block_slot(v, BLOCK_SLOT_SIGNATURES);
    struct slot_view m = { 0 };
    if (slot.len > 0)
        WEFT_TRY(parse_metadata(slot, "SIGNATURES", &m, e));
    if (m.count == 0 && v->number > 0)
        c->not_signed++;
    if (m.value.len > 0)
        WEFT_TRY(check_orderer_metadata(c, m.value, e));
    if (c->leaves_signatures) {
        c->signatures += m.count;
        return WEFT_OK;
    }
    return add_signatures(c, v, &m, "SIGNATURES", e);
}

static enum weft_code check_last_config(struct slot_check *c, const struct block_view *v,
                                        struct weft_err *e)
{
    struct bytes slot = block_slot(v, BLOCK_SLOT_LAST_CONFIG);
    struct slot_view m;
    WEFT_CLEANUP(buf_done) struct buf want = { 0 };
    bool unsigned_block = block_slot(v, BLOCK_SLOT_SIGNATURES).len == 0;
    if (slot.len == 0 && unsigned_block)
        return WEFT_OK;
    WEFT_TRY(parse_metadata(slot, "LAST_CONFIG", &m, e));
    encode_last_config(c->last_config, &want);
    if (!bytes_eq(m.value, buf_bytes(&want)))
        return WEFT_FAIL(
            e, WEFT_CORRUPT,
            "metadata slot LAST_CONFIG does not say that the last config block is [%" PRIu64 "]",
            c->last_config);
    return add_signatures(c, v, &m, "LAST_CONFIG", e);
}

/* What Kafka and Raft orderers before 1.4.1 kept here is theirs. */
static enum weft_code check_orderer(struct slot_check *c, const struct block_view *v,
                                    struct weft_err *e)
{
    struct bytes slot = block_slot(v, BLOCK_SLOT_ORDERER);
    struct slot_view m = { 0 };
    if (slot.len > 0)
        WEFT_TRY(parse_metadata(slot, "ORDERER", &m, e));
    return add_signatures(c, v, &m, "ORDERER", e);
}

static enum weft_code check_flags(const struct slot_check *c, const struct block_view *v,
                                  struct weft_err *e)
{
    struct bytes flags = block_slot(v, BLOCK_SLOT_FLAGS);
    if (flags.len == 0 && c->layout == LEDGER_ORDERER)
        return WEFT_OK;
    if (flags.len != v->txs.count)
        return WEFT_FAIL(e, WEFT_CORRUPT, "%zu transactions but %zu validation flags", v->txs.count,
                         flags.len);
    for (size_t i = 0; i < flags.len; i++) {
        bool known = tx_validation_code_name(flags.data[i]) != NULL;
        bool possible = v->number > 0 || flags.data[i] == TX_VALID; /* a channel's genesis is */
        if (!known || !possible || flags.data[i] == TX_NOT_VALIDATED)
            return WEFT_FAIL(e, WEFT_CORRUPT, "transaction [%zu] has the validation flag %u", i,
                             flags.data[i]);
    }
    return WEFT_OK;
}

static enum weft_code check_commit_hash(const struct block_view *v, struct weft_err *e)
{
    struct bytes slot = block_slot(v, BLOCK_SLOT_COMMIT_HASH);
    struct slot_view m;
    if (slot.len == 0)
        return WEFT_OK;
    WEFT_TRY(parse_metadata(slot, "COMMIT_HASH", &m, e));
    if (m.value.len != SHA256_BYTES || m.count > 0)
        return WEFT_FAIL(e, WEFT_CORRUPT, "metadata slot COMMIT_HASH is no hash");
    return WEFT_OK;
}

static bool is_config(const struct block_view *v)
{
    struct envelope_headers h;
    return v->txs.count == 1 && envelope_headers_parse(v->txs.at[0], &h, NULL) == WEFT_OK &&
           h.channel.type == HEADER_CONFIG;
}

static enum weft_code check_slots(struct slot_check *c, const struct block_view *v,
                                  struct weft_err *e)
{
    if (v->number == 0 || is_config(v))
        c->last_config = v->number;
    else if (!c->any)
        return WEFT_FAIL(e, WEFT_CORRUPT, "is not the first of the chain");
    c->any = true;
    WEFT_TRY(check_flags(c, v, e));
    WEFT_TRY(check_last_config(c, v, e));
    WEFT_TRY(check_commit_hash(v, e));
    WEFT_TRY(check_orderer(c, v, e));
    return check_signatures(c, v, e);
}

enum weft_code slot_check_block(struct slot_check *c, const struct block_view *v,
                                struct weft_err *e)
{
    enum weft_code rc = check_slots(c, v, e);
    return rc == WEFT_OK ? rc : weft_err_wrap(e, rc, "block [%" PRIu64 "]", v->number);
}

enum weft_code slot_check_settle(struct slot_check *c, struct weft_err *e)
{
    return signature_batch_count(c->batch) >= SLOT_CHECK_BATCH ? check_batch(c, e) : WEFT_OK;
}

enum weft_code slot_check_end(struct slot_check *c, struct weft_err *e)
{
    return check_batch(c, e);
}
