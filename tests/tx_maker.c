#include "tx_maker.h"

#include "crypto/sha256.h"
#include "proto/envelope.h"
#include "proto/identity.h"
#include "proto/wire.h"

/* ---- people ------------------------------------------------------------------------------------ */

struct tx_person *tx_person_new(const char *mspid, const struct made_cert *ca, const char *name,
                                const char *unit)
{
    struct tx_person *p = weft_alloc(sizeof(*p));
    p->cert = cert_make(
        &(struct cert_order){ .name = name, .issuer = ca, .units = unit, .is_ca = false });
    serialized_identity_encode(
        &(struct serialized_identity){ bytes_of_str(mspid), made_cert_pem(p->cert) }, &p->id);
    return p;
}

struct tx_person *tx_person_alias(const char *mspid, const struct tx_person *p)
{
    struct tx_person *alias = weft_alloc(sizeof(*alias));
    WEFT_CLEANUP(buf_done) struct buf pem = { 0 };
    buf_put_str(&pem, "a word before\n");
    buf_put(&pem, made_cert_pem(p->cert));
    buf_put_str(&pem, "\nand one after");
    serialized_identity_encode(
        &(struct serialized_identity){ bytes_of_str(mspid), buf_bytes(&pem) }, &alias->id);
    alias->cert = p->cert;
    alias->is_alias = true;
    return alias;
}

void tx_person_free(struct tx_person *p)
{
    if (p == NULL)
        return;
    buf_done(&p->id);
    if (!p->is_alias)
        made_cert_free(p->cert);
    free(p);
}

/* ---- layers -------------------------------------------------------------------------------------- */

struct making {
    const struct tx_order *o;
    struct weft_rand *rand;
    struct buf nonce, channel_header, signature_header, proposal;
};

static const char garbage[] = "\xff\xff\xff garbage";

static bool has(const struct making *m, enum tx_flaw flaw)
{
    return m->o->flaw == flaw;
}

/* Makes garbage of a layer, or changes one of its bytes. */
static void spoil(const struct making *m, enum tx_flaw whole, enum tx_flaw byte, struct buf *b)
{
    if (has(m, whole)) {
        buf_clear(b);
        buf_put_str(b, garbage);
    }
    if (has(m, byte) && b->len > 0)
        b->data[weft_rand_below(m->rand, b->len)] ^= (uint8_t)(1 + weft_rand_below(m->rand, 255));
}

static void put_buf(struct buf *out, uint32_t number, struct buf *inner)
{
    wire_put_bytes(out, number, buf_bytes(inner));
    buf_done(inner);
}

static void put_str(struct buf *out, uint32_t number, const char *s)
{
    wire_put_bytes(out, number, bytes_of_str(s));
}

static void sign(const struct tx_person *who, enum tx_signed how, struct bytes message,
                 struct buf *out)
{
    if (how == SIGNED_GARBAGE)
        buf_put_str(out, garbage);
    if (how == SIGNED_GARBAGE || how == SIGNED_EMPTY)
        return;
    if (how == SIGNED_OTHER)
        message = bytes_of_str("something else");
    made_cert_sign(who->cert, message, how == SIGNED_HIGH_S, out);
    if (how == SIGNED_TRAILING)
        buf_put_u8(out, 0);
}

/* ChaincodeID { 2 name, 3 version } */
static struct buf chaincode_id(const char *name, const char *version)
{
    struct buf b = { 0 };
    if (*name != '\0')
        put_str(&b, 2, name);
    if (*version != '\0')
        put_str(&b, 3, version);
    return b;
}

/* ChaincodeAction { 1 results, 2 events, 3 response { 1 status }, 4 chaincode_id } */
static struct buf chaincode_action(struct making *m)
{
    struct buf b = { 0 }, response = { 0 }, results = { 0 };
    const char *version = m->o->version != NULL ? m->o->version : "1.0";
    buf_put(&results, m->o->results);
    spoil(m, FLAW_NR, FLAW_BYTE_OF_RESULTS, &results);
    put_buf(&b, 1, &results);
    if (has(m, FLAW_EVENT))
        put_str(&b, 2, garbage);
    if (has(m, FLAW_EVENT_OTHER) || has(m, FLAW_EVENT_FINE)) {
        struct buf event = { 0 };
        put_str(&event, 1, has(m, FLAW_EVENT_FINE) ? m->o->chaincode : "another");
        put_buf(&b, 2, &event);
    }
    wire_put_varint(&response, 1, has(m, FLAW_STATUS_500) ? 500 : 200);
    put_buf(&b, 3, &response);
    if (!has(m, FLAW_NO_ACTION_ID)) {
        struct buf id = chaincode_id(has(m, FLAW_NAMES_DIFFER) ? "another" : m->o->chaincode,
                                     has(m, FLAW_NO_VERSION) ? "" : version);
        put_buf(&b, 4, &id);
    }
    spoil(m, FLAW_CHAINCODE_ACTION, FLAW_BYTE_OF_CHAINCODE_ACTION, &b);
    return b;
}

/* ProposalResponsePayload { 1 proposal_hash, 2 extension } */
static struct buf response_payload(struct making *m)
{
    struct buf b = { 0 };
    struct sha256 sum;
    sha256_init(&sum);
    sha256_add(&sum, buf_bytes(&m->channel_header));
    if (!has(m, FLAW_NO_ACTION_HEADER))
        sha256_add(&sum, buf_bytes(&m->signature_header));
    sha256_add(&sum, buf_bytes(&m->proposal));
    struct digest d = sha256_end(&sum);
    if (has(m, FLAW_PROPOSAL_HASH))
        d = sha256_of(bytes_of_str("another proposal"));
    wire_put_bytes(&b, 1, digest_bytes(&d));
    if (!has(m, FLAW_NO_CHAINCODE_ACTION)) {
        struct buf action = chaincode_action(m);
        put_buf(&b, 2, &action);
    }
    spoil(m, FLAW_RESPONSE, FLAW_BYTE_OF_RESPONSE, &b);
    return b;
}

/* ChaincodeEndorsedAction { 1 proposal_response_payload, 2 endorsements { 1 endorser, 2 signature } } */
static struct buf endorsed_action(struct making *m)
{
    struct buf b = { 0 }, response = response_payload(m);
    wire_put_bytes(&b, 1, buf_bytes(&response));
    for (size_t i = 0; i < m->o->signers; i++) {
        const struct tx_signature *s = &m->o->signed_by[i];
        struct buf message = { 0 }, signature = { 0 }, one = { 0 };
        buf_put(&message, buf_bytes(&response));
        buf_put(&message, buf_bytes(&s->who->id));
        sign(s->who, s->how, buf_bytes(&message), &signature);
        wire_put_bytes(&one, 1, buf_bytes(&s->who->id));
        put_buf(&one, 2, &signature);
        put_buf(&b, 2, &one);
        buf_done(&message);
    }
    buf_done(&response);
    return b;
}

/* TransactionAction { 1 header, 2 payload = ChaincodeActionPayload { 1 proposal, 2 action } } */
static struct buf transaction_action(struct making *m)
{
    struct buf b = { 0 }, payload = { 0 };
    if (has(m, FLAW_ACTION_HEADER))
        put_str(&b, 1, garbage);
    else if (!has(m, FLAW_NO_ACTION_HEADER))
        wire_put_bytes(&b, 1, buf_bytes(&m->signature_header));
    if (!has(m, FLAW_NO_PROPOSAL_PAYLOAD))
        wire_put_bytes(&payload, 1, buf_bytes(&m->proposal));
    if (!has(m, FLAW_NO_ACTION)) {
        struct buf action = endorsed_action(m);
        put_buf(&payload, 2, &action);
    }
    spoil(m, FLAW_ACTION_PAYLOAD, FLAW_BYTE_OF_ACTION_PAYLOAD, &payload);
    put_buf(&b, 2, &payload);
    return b;
}

/* Transaction { 1 actions } */
static struct buf transaction(struct making *m)
{
    struct buf b = { 0 };
    int actions = has(m, FLAW_NO_ACTIONS) ? 0 : has(m, FLAW_TWO_ACTIONS) ? 2 : 1;
    for (int i = 0; i < actions; i++) {
        struct buf action = transaction_action(m);
        put_buf(&b, 1, &action);
    }
    if (has(m, FLAW_UNKNOWN_FIELDS)) {
        wire_put_varint(&b, 99, 7);
        put_str(&b, 98, "not known");
    }
    spoil(m, FLAW_DATA, FLAW_BYTE_OF_TRANSACTION, &b);
    return b;
}

/* ---- headers --------------------------------------------------------------------------------------- */

static struct buf tx_id_of(const struct making *m)
{
    struct buf b = { 0 };
    char id[TX_ID_LEN + 1];
    tx_id_compute(buf_bytes(&m->nonce), buf_bytes(&m->o->creator->id), id);
    for (char *c = id; has(m, FLAW_TX_ID_UPPER) && *c != '\0'; c++)
        if (*c >= 'a')
            *c = (char)(*c - 'a' + 'A');
    if (has(m, FLAW_TX_ID))
        id[5] = id[5] == '0' ? '1' : '0';
    buf_put_str(&b, id);
    return b;
}

static int type_of(const struct making *m)
{
    if (has(m, FLAW_TYPE_MESSAGE))
        return HEADER_MESSAGE;
    return has(m, FLAW_TYPE_UPDATE) ? HEADER_CONFIG_UPDATE : HEADER_ENDORSER_TRANSACTION;
}

/* ChannelHeader { 1 type, 4 channel_id, 5 tx_id, 6 epoch, 7 extension { 2 chaincode_id } } */
static void make_channel_header(struct making *m)
{
    struct buf *b = &m->channel_header, extension = { 0 };
    if (type_of(m) != 0)
        wire_put_varint(b, 1, (uint64_t)type_of(m));
    put_str(b, 4, has(m, FLAW_OTHER_CHANNEL) ? "another-channel" : m->o->channel);
    if (!has(m, FLAW_NO_TX_ID)) {
        struct buf id = tx_id_of(m);
        put_buf(b, 5, &id);
    }
    if (has(m, FLAW_EPOCH))
        wire_put_varint(b, 6, 1);
    if (!has(m, FLAW_NO_EXTENSION)) {
        struct buf id = chaincode_id(has(m, FLAW_NO_NAME) ? "" : m->o->chaincode, "");
        put_buf(&extension, 2, &id);
        spoil(m, FLAW_EXTENSION, FLAW_BYTE_OF_EXTENSION, &extension);
        put_buf(b, 7, &extension);
    }
    spoil(m, FLAW_CHANNEL_HEADER, FLAW_BYTE_OF_CHANNEL_HEADER, b);
}

/* SignatureHeader { 1 creator, 2 nonce } */
static void make_signature_header(struct making *m)
{
    if (!has(m, FLAW_NO_CREATOR))
        wire_put_bytes(&m->signature_header, 1, buf_bytes(&m->o->creator->id));
    if (!has(m, FLAW_NO_NONCE))
        wire_put_bytes(&m->signature_header, 2, buf_bytes(&m->nonce));
    spoil(m, FLAW_SIGNATURE_HEADER, FLAW_NR, &m->signature_header);
}

/* Payload { 1 header { 1 channel_header, 2 signature_header }, 2 data } */
static struct buf payload(struct making *m)
{
    struct buf b = { 0 }, header = { 0 };
    wire_put_bytes(&header, 1, buf_bytes(&m->channel_header));
    wire_put_bytes(&header, 2, buf_bytes(&m->signature_header));
    if (!has(m, FLAW_NO_HEADER))
        wire_put_bytes(&b, 1, buf_bytes(&header));
    buf_done(&header);
    if (!has(m, FLAW_NO_DATA)) {
        struct buf data = transaction(m);
        put_buf(&b, 2, &data);
    }
    spoil(m, FLAW_PAYLOAD, FLAW_BYTE_OF_PAYLOAD, &b);
    return b;
}

void tx_make(const struct tx_order *o, struct weft_rand *rand, struct buf *out)
{
    struct making m = { .o = o, .rand = rand };
    struct buf signature = { 0 };
    buf_put(&m.nonce, o->nonce);
    for (int i = 0; o->nonce.len == 0 && i < 24; i++)
        buf_put_u8(&m.nonce, (uint8_t)weft_rand_next(rand));
    if (o->proposal.len > 0)
        buf_put(&m.proposal, o->proposal);
    else
        put_str(&m.proposal, 1, "");
    make_channel_header(&m);
    make_signature_header(&m);
    struct buf whole = payload(&m);
    sign(o->creator, o->how, buf_bytes(&whole), &signature);
    if (o->flaw == FLAW_ENVELOPE) {
        buf_put_str(out, garbage);
    } else if (o->flaw != FLAW_ENVELOPE_EMPTY) {
        wire_put_bytes(out, 1, buf_bytes(&whole));
        if (o->flaw != FLAW_NO_SIGNATURE)
            wire_put_bytes(out, 2, buf_bytes(&signature));
    }
    buf_done(&whole);
    buf_done(&signature);
    buf_done(&m.nonce);
    buf_done(&m.channel_header);
    buf_done(&m.signature_header);
    buf_done(&m.proposal);
}
