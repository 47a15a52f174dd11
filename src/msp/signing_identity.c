#include "msp/signing_identity.h"

#include "crypto/ecdsa.h"
#include "crypto/pem.h"
#include "crypto/x509.h"
#include "os/dirs.h"
#include "os/file.h"
#include "proto/wire.h"

enum {
    FILE_BYTES_MAX = 64 << 10
};

struct signing_identity {
    struct buf bytes;
    struct private_key *key;
};

/* The first file of signcerts, as a certificate; its PEM text beside it. */
static enum weft_code read_cert(const char *msp_dir, struct buf *ret_pem, struct x509_cert **ret,
                                struct weft_err *e)
{
    WEFT_FREE char *dir = weft_asprintf("%s/signcerts", msp_dir);
    WEFT_CLEANUP(dir_list_done) struct dir_list l = { 0 };
    enum weft_code rc = dir_list(dir, &l, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "could not load a valid signer certificate from directory %s",
                             dir);
    if (l.count == 0)
        return WEFT_FAIL(e, WEFT_NOT_FOUND,
                         "could not load a valid signer certificate from directory %s: it is empty",
                         dir);
    WEFT_FREE char *path = weft_asprintf("%s/%s", dir, l.names[0]);
    WEFT_TRY(file_read_all(path, FILE_BYTES_MAX, ret_pem, e));
    rc = x509_cert_parse_pem(buf_bytes(ret_pem), ret, e);
    return rc == WEFT_OK ? rc : weft_err_wrap(e, rc, "%s", path);
}

/* The private key that belongs to the certificate; other files are passed over. */
static enum weft_code find_key(const char *dir, const struct x509_cert *cert,
                               struct private_key **ret, struct weft_err *e)
{
    WEFT_CLEANUP(dir_list_done) struct dir_list l = { 0 };
    WEFT_TRY(dir_list(dir, &l, e));
    for (size_t i = 0; cert->key != NULL && i < l.count; i++) {
        WEFT_FREE char *path = weft_asprintf("%s/%s", dir, l.names[i]);
        WEFT_CLEANUP(buf_done) struct buf text = { 0 };
        WEFT_CLEANUP(private_key_unref) struct private_key *key = NULL;
        if (file_read_all(path, FILE_BYTES_MAX, &text, NULL) != WEFT_OK)
            continue;
        enum weft_code rc = private_key_parse(buf_bytes(&text), &key, NULL);
        explicit_bzero(text.data, text.len);
        if (rc == WEFT_OK && public_key_eq(private_key_public(key), cert->key)) {
            *ret = WEFT_TAKE(key);
            return WEFT_OK;
        }
    }
    return WEFT_FAIL(e, WEFT_NOT_FOUND, "no private key in %s belongs to the certificate of [%s]",
                     dir, cert->subject);
}

/* SerializedIdentity { 1 mspid, 2 id_bytes }: one PEM block, written anew. */
static void serialize(const char *msp_id, const struct x509_cert *cert, struct buf *out)
{
    WEFT_CLEANUP(buf_done) struct buf pem = { 0 };
    pem_encode("CERTIFICATE", cert->der, &pem);
    wire_put_bytes(out, 1, bytes_of_str(msp_id));
    wire_put_bytes(out, 2, buf_bytes(&pem));
}

enum weft_code signing_identity_load_from(const char *msp_dir, const char *msp_id,
                                          const char *key_store, struct signing_identity **ret,
                                          struct weft_err *e)
{
    WEFT_CLEANUP(x509_cert_unref) struct x509_cert *cert = NULL;
    WEFT_CLEANUP(private_key_unref) struct private_key *key = NULL;
    WEFT_CLEANUP(buf_done) struct buf pem = { 0 };
    if (!path_is_dir(msp_dir))
        return WEFT_FAIL(e, WEFT_NOT_FOUND,
                         "cannot init crypto, specified path \"%s\" does not exist or cannot be "
                         "accessed",
                         msp_dir);
    if (msp_id[0] == '\0')
        return WEFT_FAIL(e, WEFT_INVALID, "the local MSP must have an ID");
    WEFT_TRY(read_cert(msp_dir, &pem, &cert, e));
    WEFT_FREE char *usual = weft_asprintf("%s/keystore", msp_dir);
    WEFT_TRY(find_key(key_store[0] != '\0' ? key_store : usual, cert, &key, e));
    struct signing_identity *id = weft_alloc(sizeof(*id));
    serialize(msp_id, cert, &id->bytes);
    id->key = WEFT_TAKE(key);
    *ret = id;
    return WEFT_OK;
}

enum weft_code signing_identity_load(const char *msp_dir, const char *msp_id,
                                     struct signing_identity **ret, struct weft_err *e)
{
    return signing_identity_load_from(msp_dir, msp_id, "", ret, e);
}

enum weft_code signing_identity_of(const char *msp_id, struct bytes cert_pem, struct bytes key,
                                   struct signing_identity **ret, struct weft_err *e)
{
    WEFT_CLEANUP(x509_cert_unref) struct x509_cert *cert = NULL;
    WEFT_CLEANUP(private_key_unref) struct private_key *private = NULL;
    WEFT_TRY(x509_cert_parse_pem(cert_pem, &cert, e));
    WEFT_TRY(private_key_parse(key, &private, e));
    if (cert->key == NULL || !public_key_eq(private_key_public(private), cert->key))
        return WEFT_FAIL(e, WEFT_INVALID, "the private key is not the one of [%s]", cert->subject);
    struct signing_identity *id = weft_alloc(sizeof(*id));
    serialize(msp_id, cert, &id->bytes);
    id->key = WEFT_TAKE(private);
    *ret = id;
    return WEFT_OK;
}

void signing_identity_free(struct signing_identity *id)
{
    if (id == NULL)
        return;
    buf_done(&id->bytes);
    private_key_unref(id->key);
    free(id);
}

struct bytes signing_identity_bytes(const struct signing_identity *id)
{
    return buf_bytes(&id->bytes);
}

enum weft_code signing_identity_sign(const struct signing_identity *id, struct bytes message,
                                     struct buf *out, struct weft_err *e)
{
    struct digest d = sha256_of(message);
    return private_key_sign(id->key, digest_bytes(&d), out, e);
}
