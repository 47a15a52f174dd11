#include "net/tls13_records.h"

#include "crypto/aes_gcm.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/ssl.h>

enum {
    HEADER = 5,
    LABEL_MAX = 24,
    QUIET_MAX = 32,          /* records without data in a row */
    HANDSHAKE_MAX = 1 << 17, /* bytes of messages in them */
    MESSAGE_HEADER = 4,
};

enum {
    NEW_SESSION_TICKET = 4,
    KEY_UPDATE = 24,
};

/* One direction. */
struct way {
    struct aes_gcm *gcm;
    uint8_t secret[TLS13_SECRET_MAX], iv[AES_GCM_IV];
    size_t secret_len;
    uint64_t records; /* with this key */
};

struct tls13_records {
    struct way sending, receiving;
    struct buf *out;
    bool is_client;
    struct buf part;      /* of a record */
    struct buf handshake; /* of a message */
    size_t handshake_bytes;
    unsigned quiet;
    struct weft_err why; /* it is over: */
    enum weft_code rc;
};

/* ---- keys -------------------------------------------------------------------------- */

/* HKDF-Expand-Label with an empty context, of no more than one hash. */
static void expand(const struct way *w, const char *label, uint8_t *out, size_t n)
{
    const EVP_MD *hash = w->secret_len == 32 ? EVP_sha256() : EVP_sha384();
    uint8_t info[4 + LABEL_MAX + 1], all[EVP_MAX_MD_SIZE];
    size_t label_len = strlen(label), len = 0;
    WEFT_ASSERT(label_len <= LABEL_MAX && n <= w->secret_len);
    info[len++] = 0;
    info[len++] = (uint8_t)n;
    info[len++] = (uint8_t)label_len;
    memcpy(info + len, label, label_len);
    len += label_len;
    info[len++] = 0; /* no context */
    info[len++] = 1; /* the first block of HKDF-Expand */
    WEFT_ASSERT(HMAC(hash, w->secret, (int)w->secret_len, info, len, all, NULL) != NULL);
    memcpy(out, all, n);
    OPENSSL_cleanse(all, sizeof(all));
}

static void make_key(struct way *w, enum aes_gcm_use use)
{
    uint8_t key[32];
    size_t key_len = w->secret_len == 32 ? 16 : 32;
    expand(w, "tls13 key", key, key_len);
    expand(w, "tls13 iv", w->iv, sizeof(w->iv));
    if (w->gcm == NULL)
        w->gcm = aes_gcm_new(key, key_len, use);
    else
        aes_gcm_set_key(w->gcm, key);
    w->records = 0;
    OPENSSL_cleanse(key, sizeof(key));
}

static void way_init(struct way *w, struct bytes secret, enum aes_gcm_use use)
{
    WEFT_ASSERT(secret.len == 32 || secret.len == TLS13_SECRET_MAX);
    memcpy(w->secret, secret.data, secret.len);
    w->secret_len = secret.len;
    make_key(w, use);
}

/* As a KeyUpdate says. */
static void next_key(struct way *w, enum aes_gcm_use use)
{
    uint8_t next[TLS13_SECRET_MAX];
    expand(w, "tls13 traffic upd", next, w->secret_len);
    memcpy(w->secret, next, w->secret_len);
    OPENSSL_cleanse(next, sizeof(next));
    make_key(w, use);
}

/* A record begins, in either direction. */
static void begin(struct way *w, const uint8_t *header)
{
    uint8_t iv[AES_GCM_IV];
    memcpy(iv, w->iv, sizeof(iv));
    for (size_t i = 0; i < sizeof(w->records); i++)
        iv[AES_GCM_IV - 1 - i] ^= (uint8_t)(w->records >> (8 * i));
    w->records++;
    aes_gcm_begin(w->gcm, iv, bytes_of(header, HEADER));
}

/* ---- sending ------------------------------------------------------------------------- */

void tls13_records_put(struct tls13_records *r, uint8_t type, struct bytes text)
{
    struct way *w = &r->sending;
    size_t inside = text.len + 1 + AES_GCM_TAG;
    WEFT_ASSERT(inside <= TLS13_RECORD_MAX);
    uint8_t *to = buf_reserve(r->out, HEADER + inside);
    const uint8_t header[HEADER] = { SSL3_RT_APPLICATION_DATA, 3, 3, (uint8_t)(inside >> 8),
                                     (uint8_t)inside };
    memcpy(to, header, HEADER);
    begin(w, header);
    aes_gcm_text(w->gcm, text.data, to + HEADER, text.len);
    aes_gcm_text(w->gcm, &type, to + HEADER + text.len, 1);
    aes_gcm_seal(w->gcm, to + HEADER + text.len + 1);
    r->out->len += HEADER + inside;
}

void tls13_records_write(struct tls13_records *r, struct bytes text)
{
    while (text.len > 0) {
        size_t n = text.len < TLS13_TEXT_MAX ? text.len : TLS13_TEXT_MAX;
        tls13_records_put(r, SSL3_RT_APPLICATION_DATA, bytes_of(text.data, n));
        text = bytes_skip(text, n);
    }
}

static void put_alert(struct tls13_records *r, uint8_t level, uint8_t what)
{
    const uint8_t alert[] = { level, what };
    tls13_records_put(r, SSL3_RT_ALERT, bytes_of(alert, sizeof(alert)));
}

void tls13_records_close(struct tls13_records *r)
{
    if (r->rc == WEFT_OK || r->rc == WEFT_CANCELLED)
        put_alert(r, SSL3_AL_WARNING, SSL_AD_CLOSE_NOTIFY);
}

/* ---- receiving ------------------------------------------------------------------------- */

static enum weft_code refuse(struct tls13_records *r, uint8_t alert, struct weft_err *e,
                             const char *why)
{
    put_alert(r, SSL3_AL_FATAL, alert);
    return WEFT_FAIL(e, WEFT_IO, "TLS read: %s", why);
}

static size_t record_len(const uint8_t *header)
{
    return (size_t)header[3] << 8 | header[4];
}

static enum weft_code check_header(struct tls13_records *r, const uint8_t *h, struct weft_err *e)
{
    if (h[0] != SSL3_RT_APPLICATION_DATA)
        return refuse(r, SSL_AD_UNEXPECTED_MESSAGE, e, "unexpected message");
    if (record_len(h) > TLS13_RECORD_MAX)
        return refuse(r, SSL_AD_RECORD_OVERFLOW, e, "packet length too long");
    if (record_len(h) < 1 + AES_GCM_TAG)
        return refuse(r, SSL_AD_BAD_RECORD_MAC, e, "length too short");
    return WEFT_OK;
}

/* Moves bytes from *in to r->part until there are n; false: there are too few. */
static bool gather(struct tls13_records *r, struct bytes *in, size_t n)
{
    size_t wanted = n > r->part.len ? n - r->part.len : 0,
           some = in->len < wanted ? in->len : wanted;
    buf_put(&r->part, bytes_of(in->data, some));
    *in = bytes_skip(*in, some);
    return r->part.len >= n;
}

/* A whole record: from *in, or put together of what came before and what is there now.  Empty:
 * not yet. */
static enum weft_code next_record(struct tls13_records *r, struct bytes *in, struct bytes *ret,
                                  struct weft_err *e)
{
    *ret = bytes_of(NULL, 0);
    if (r->part.len == 0 && in->len >= HEADER) {
        WEFT_TRY(check_header(r, in->data, e));
        size_t whole = HEADER + record_len(in->data);
        if (in->len >= whole) {
            *ret = bytes_of(in->data, whole);
            *in = bytes_skip(*in, whole);
            return WEFT_OK;
        }
    }
    if (!gather(r, in, HEADER))
        return WEFT_OK;
    WEFT_TRY(check_header(r, r->part.data, e));
    if (gather(r, in, HEADER + record_len(r->part.data)))
        *ret = buf_bytes(&r->part);
    return WEFT_OK;
}

/* Its text, without padding. */
static enum weft_code open_record(struct tls13_records *r, struct bytes record, uint8_t *to,
                                  size_t *ret_n, uint8_t *ret_type, struct weft_err *e)
{
    struct way *w = &r->receiving;
    size_t n = record.len - HEADER - AES_GCM_TAG;
    begin(w, record.data);
    aes_gcm_text(w->gcm, record.data + HEADER, to, n);
    if (!aes_gcm_open(w->gcm, record.data + HEADER + n)) {
        memset(to, 0, n);
        return refuse(r, SSL_AD_BAD_RECORD_MAC, e, "decryption failed or bad record mac");
    }
    while (n > 0 && to[n - 1] == 0)
        n--;
    if (n == 0)
        return refuse(r, SSL_AD_UNEXPECTED_MESSAGE, e, "bad record type");
    *ret_type = to[n - 1];
    *ret_n = n - 1;
    return n - 1 <= TLS13_TEXT_MAX ? WEFT_OK
                                   : refuse(r, SSL_AD_RECORD_OVERFLOW, e, "data length too long");
}

static enum weft_code on_alert(struct tls13_records *r, struct bytes text, struct weft_err *e)
{
    if (text.len != 2)
        return refuse(r, SSL_AD_DECODE_ERROR, e, "invalid alert");
    if (text.data[1] == SSL_AD_CLOSE_NOTIFY)
        return WEFT_FAIL(e, WEFT_CANCELLED, "the peer closed the connection");
    if (text.data[1] == SSL_AD_USER_CANCELLED)
        return WEFT_OK; /* it will say goodbye, too */
    const char *words =
        ERR_reason_error_string(ERR_PACK(ERR_LIB_SSL, 0, SSL_AD_REASON_OFFSET + text.data[1]));
    return WEFT_FAIL(e, WEFT_IO, "TLS read: %s", words != NULL ? words : "unknown alert type");
}

/* The peer has changed its key, behind this message, and perhaps wants us to change ours. */
static enum weft_code on_key_update(struct tls13_records *r, struct bytes body, bool is_last,
                                    struct weft_err *e)
{
    static const uint8_t answer[] = { KEY_UPDATE, 0, 0, 1, SSL_KEY_UPDATE_NOT_REQUESTED };
    if (!is_last)
        return refuse(r, SSL_AD_UNEXPECTED_MESSAGE, e, "not on record boundary");
    if (body.len != 1)
        return refuse(r, SSL_AD_DECODE_ERROR, e, "bad key update");
    if (body.data[0] > SSL_KEY_UPDATE_REQUESTED)
        return refuse(r, SSL_AD_ILLEGAL_PARAMETER, e, "bad key update");
    next_key(&r->receiving, AES_GCM_DECRYPTS);
    if (body.data[0] == SSL_KEY_UPDATE_REQUESTED) {
        tls13_records_put(r, SSL3_RT_HANDSHAKE, bytes_of(answer, sizeof(answer)));
        next_key(&r->sending, AES_GCM_ENCRYPTS);
    }
    return WEFT_OK;
}

static enum weft_code on_handshake(struct tls13_records *r, struct bytes text, struct weft_err *e)
{
    r->handshake_bytes += text.len;
    if (text.len == 0 || r->handshake_bytes > HANDSHAKE_MAX)
        return refuse(r, SSL_AD_UNEXPECTED_MESSAGE, e, "unexpected message");
    buf_put(&r->handshake, text);
    struct bytes left = buf_bytes(&r->handshake);
    while (left.len >= MESSAGE_HEADER) {
        const uint8_t *h = left.data;
        size_t len = (size_t)h[1] << 16 | (size_t)h[2] << 8 | h[3];
        if (h[0] != KEY_UPDATE && !(h[0] == NEW_SESSION_TICKET && r->is_client))
            return refuse(r, SSL_AD_UNEXPECTED_MESSAGE, e, "unexpected message");
        if (left.len - MESSAGE_HEADER < len)
            break;
        struct bytes body = bytes_of(h + MESSAGE_HEADER, len);
        left = bytes_skip(left, MESSAGE_HEADER + len);
        if (h[0] == KEY_UPDATE)
            WEFT_TRY(on_key_update(r, body, left.len == 0, e));
    }
    struct buf rest = { 0 };
    buf_put(&rest, left);
    buf_done(&r->handshake);
    r->handshake = rest;
    return WEFT_OK;
}

/* One record that is not data, or has none. */
static enum weft_code on_other(struct tls13_records *r, uint8_t type, struct bytes text,
                               struct weft_err *e)
{
    if (++r->quiet > QUIET_MAX)
        return refuse(r, SSL_AD_UNEXPECTED_MESSAGE, e, "record too small");
    switch (type) {
    case SSL3_RT_ALERT:
        return on_alert(r, text, e);
    case SSL3_RT_HANDSHAKE:
        return on_handshake(r, text, e);
    case SSL3_RT_APPLICATION_DATA:
        return WEFT_OK;
    default:
        return refuse(r, SSL_AD_UNEXPECTED_MESSAGE, e, "bad record type");
    }
}

/* One record, if a whole one is there; what of it is data is at `to`. */
static enum weft_code read_record(struct tls13_records *r, struct bytes *in, uint8_t *to,
                                  size_t *ret_n, bool *ret_any, struct weft_err *e)
{
    struct bytes record = { 0 };
    uint8_t type = 0;
    size_t n = 0;
    *ret_n = 0;
    WEFT_TRY(next_record(r, in, &record, e));
    *ret_any = record.len > 0;
    if (record.len == 0)
        return WEFT_OK;
    WEFT_TRY(open_record(r, record, to, &n, &type, e));
    buf_clear(&r->part);
    if (type != SSL3_RT_APPLICATION_DATA || n == 0)
        return on_other(r, type, bytes_of(to, n), e);
    if (r->handshake.len > 0)
        return refuse(r, SSL_AD_UNEXPECTED_MESSAGE, e, "unexpected message");
    r->quiet = 0;
    r->handshake_bytes = 0;
    *ret_n = n;
    return WEFT_OK;
}

enum weft_code tls13_records_read(struct tls13_records *r, struct bytes *in, uint8_t *to,
                                  size_t cap, size_t *ret_n, struct weft_err *e)
{
    size_t have = 0;
    bool any = true;
    WEFT_ASSERT(cap >= TLS13_RECORD_MAX);
    while (r->rc == WEFT_OK && any && cap - have >= TLS13_RECORD_MAX) {
        size_t n = 0;
        r->rc = read_record(r, in, to + have, &n, &any, &r->why);
        have += n;
    }
    if (r->part.len == 0)
        buf_done(&r->part); /* one that waits needs none */
    *ret_n = have;
    if (have > 0 || r->rc == WEFT_OK)
        return WEFT_OK;
    *in = bytes_skip(*in, in->len);
    if (e != NULL)
        *e = r->why;
    return r->rc;
}

/* ---- life --------------------------------------------------------------------------------- */

struct tls13_records *tls13_records_new(bool is_client, struct bytes client_secret,
                                        struct bytes server_secret, struct buf *out)
{
    struct tls13_records *r = weft_alloc(sizeof(*r));
    r->out = out;
    r->is_client = is_client;
    way_init(&r->sending, is_client ? client_secret : server_secret, AES_GCM_ENCRYPTS);
    way_init(&r->receiving, is_client ? server_secret : client_secret, AES_GCM_DECRYPTS);
    return r;
}

void tls13_records_free(struct tls13_records *r)
{
    if (r == NULL)
        return;
    aes_gcm_free(r->sending.gcm);
    aes_gcm_free(r->receiving.gcm);
    buf_done(&r->part);
    buf_done(&r->handshake);
    OPENSSL_cleanse(r, sizeof(*r));
    free(r);
}
