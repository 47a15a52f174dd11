/* aes_gcm_provider.h - lets OpenSSL, and so TLS, encrypt with aes_gcm.h.
 *
 * OpenSSL 3 looks its ciphers up among providers.  This is one, inside the
 * program, with two ciphers: AES-128-GCM and AES-256-GCM, as far as TLS 1.2 and
 * 1.3 want them.  Whoever asks for them by name gets OpenSSL's own as before;
 * whoever adds the query gets these, and OpenSSL's for all else:
 *
 *     SSL_CTX_new_ex(NULL, aes_gcm_provider_query(), TLS_server_method());
 *
 * How TLS uses a cipher is not the same in its two versions:
 *
 *     1.3   key once; then a record: IV, tag if decrypting, AAD (5 bytes),
 *           text, end, tag if encrypting
 *     1.2   key and 4 bytes of IV once; then a record: AAD (13 bytes), and in
 *           one call   [8 bytes of IV][text][room for the tag]   in its place
 *
 * Go origin   none
 * Owner       any thread; a cipher's context: one
 * Memory      OpenSSL frees the provider when the process ends; contexts are wiped
 * Limits      IVs of 12 bytes, tags of 16, 64 bytes of AAD
 */
#ifndef WEFT_CRYPTO_AES_GCM_PROVIDER_H
#define WEFT_CRYPTO_AES_GCM_PROVIDER_H

/* Loads the provider, once.  NULL: OpenSSL's own is the best there is here. */
const char *aes_gcm_provider_query(void);

#endif
