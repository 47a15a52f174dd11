/* tls13_records.h - the records of a TLS 1.3 connection, once hands are shaken.
 *
 * OpenSSL agrees on the keys (tls.c) and has nothing more to do from there on:
 *
 *     handshake:     OpenSSL <--> peer, then its two traffic secrets come here
 *     afterwards:    text --[seal]--> record --> peer        out
 *                    text <--[open]-- record <-- peer        what came from the socket
 *
 * A text is encrypted from where it lies into where it is sent from, and decrypted from where it
 * was received to where it is read.  OpenSSL would copy it twice on either way, keep 20 KB a
 * connection for it, and take another tenth of the CPU for its layers in between.
 *
 *     17 03 03 len | AES-GCM of [ text .. type 00 00 ] | tag      nonce = IV xor number of the record
 *
 * Besides data there are alerts, KeyUpdate in both directions, and session tickets, which a client
 * is given and has no use for.  Whatever else comes ends the connection with the alert that
 * RFC 8446 has for it.
 *
 *     r = tls13_records_new(TLS_SERVER, client_secret, server_secret, out);
 *     tls13_records_write(r, bytes_of(p, 40000));          three records in `out`
 *     tls13_records_read(r, &came, to, cap, &n, &e);       as many as are whole and find room
 *
 * Go origin   none (crypto/tls conn.go)
 * Owner       the connection's thread; no I/O, no clock
 * Memory      2.4 KB, wiped when freed; a record that came in part, 17 KB
 * Limits      AES-GCM's suites.  Between two records with data 32 others, which have
 *             HANDSHAKE_MAX bytes of messages at most.  No limit to the records of a key, as with
 *             OpenSSL and Go
 */
#ifndef WEFT_NET_TLS13_RECORDS_H
#define WEFT_NET_TLS13_RECORDS_H

#include "base/bytes.h"

enum {
    TLS13_TEXT_MAX = 16384,
    TLS13_RECORD_MAX = TLS13_TEXT_MAX + 256, /* without its header; padding may fill it */
    TLS13_SECRET_MAX = 48,
};

struct tls13_records;

/* The secrets are both 32 bytes long (AES-128-GCM, SHA-256) or both 48 (AES-256-GCM, SHA-384).
 * Keeps `out`, where whatever is to be sent is appended. */
struct tls13_records *tls13_records_new(bool is_client, struct bytes client_secret,
                                        struct bytes server_secret, struct buf *out);
void tls13_records_free(struct tls13_records *r);
WEFT_DEFINE_CLEANUP(struct tls13_records *, tls13_records_free)

void tls13_records_write(struct tls13_records *r, struct bytes text);
/* One record of any type, with TLS13_TEXT_MAX bytes at most.  It is not looked at. */
void tls13_records_put(struct tls13_records *r, uint8_t type, struct bytes text);
/* Says goodbye. */
void tls13_records_close(struct tls13_records *r);

/* Takes records from the front of *in, and their texts to `to`, which has room for
 * TLS13_RECORD_MAX at least.  0 bytes: *in is used up, more is needed.  WEFT_CANCELLED: the peer
 * said goodbye.  After an error every call says the same. */
enum weft_code tls13_records_read(struct tls13_records *r, struct bytes *in, uint8_t *to,
                                  size_t cap, size_t *ret_n, struct weft_err *e) WEFT_MUST_CHECK;

#endif
