#include "msp_cases.h"

#include "cert_maker.h"
#include "msp/msp_identity.h"
#include "msp_world.h"
#include "os/dirs.h"
#include "os/file.h"
#include "proto/identity.h"
#include "proto/wire.h"

#include "crypto/sha256.h"

struct msp_world {
    struct made_cert **certs; /* beside msp_world_certs */
};

static const char msp_id[] = "Org1MSP";
static const char message[] = "what is signed";

struct msp_world *msp_world_new(void)
{
    struct msp_world *w = weft_alloc(sizeof(*w));
    w->certs = weft_alloc(msp_world_cert_count * sizeof(struct made_cert *));
    for (size_t i = 0; i < msp_world_cert_count; i++) {
        const struct world_cert *c = &msp_world_certs[i];
        struct cert_order o = c->order;
        if (o.name == NULL)
            o.name = c->name;
        if (c->issuer != NULL)
            o.issuer = msp_world_cert(w, c->issuer);
        if (c->same_key != NULL)
            o.same_key = msp_world_cert(w, c->same_key);
        w->certs[i] = cert_make(&o);
    }
    return w;
}

void msp_world_free(struct msp_world *w)
{
    if (w == NULL)
        return;
    for (size_t i = 0; i < msp_world_cert_count; i++)
        made_cert_free(w->certs[i]);
    free(w->certs);
    free(w);
}

const struct made_cert *msp_world_cert(const struct msp_world *w, const char *name)
{
    for (size_t i = 0; i < msp_world_cert_count && w->certs[i] != NULL; i++)
        if (strcmp(msp_world_certs[i].name, name) == 0)
            return w->certs[i];
    (void)fprintf(stderr, "no certificate %s\n", name);
    WEFT_ASSERT(false);
}

/* ---- configurations ---------------------------------------------------------------------- */

/* The next word of a list, cut off; false at its end. */
static bool next_word(const char **at, char *ret, size_t room)
{
    *at += strspn(*at, " ");
    size_t len = strcspn(*at, " ");
    WEFT_ASSERT(len < room);
    memcpy(ret, *at, len);
    ret[len] = '\0';
    *at += len;
    return len > 0;
}

enum {
    WORD_MAX = 64,
    LIST_MAX = 16
};

static struct bytes keep(struct arena *arena, struct bytes b)
{
    return bytes_of(arena_dup_str(arena, b), b.len);
}

static struct bytes pem_of(const struct msp_world *w, const char *name)
{
    return name[0] == '=' ? bytes_of_str(name + 1) : made_cert_pem(msp_world_cert(w, name));
}

static struct msp_items items_of(const struct msp_world *w, const char *names, struct arena *arena)
{
    struct bytes *at = arena_alloc(arena, LIST_MAX * sizeof(*at));
    char word[WORD_MAX];
    size_t n = 0;
    while (names != NULL && next_word(&names, word, sizeof(word)))
        at[n++] = keep(arena, pem_of(w, word));
    return (struct msp_items){ at, n };
}

/* "ca:signer:revoked[:oddity]" for each CRL. */
static struct bytes crl_of(const struct msp_world *w, char *word, struct arena *arena)
{
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    char *rest = NULL;
    if (word[0] == '=')
        return keep(arena, bytes_of_str(word + 1));
    const char *ca = strtok_r(word, ":", &rest), *signer = strtok_r(NULL, ":", &rest);
    const char *who = strtok_r(NULL, ":", &rest), *odd = strtok_r(NULL, ":", &rest);
    long serials[] = { 77777777, made_cert_serial(msp_world_cert(w, who)), 3 };
    unsigned bits = odd == NULL                 ? 0
                    : strcmp(odd, "noaki") == 0 ? CRL_NO_AKI
                    : strcmp(odd, "high") == 0  ? CRL_HIGH_S
                                                : CRL_DER;
    crl_make(msp_world_cert(w, ca), msp_world_cert(w, signer), serials, WEFT_ARRAY_LEN(serials),
             bits, &b);
    return keep(arena, buf_bytes(&b));
}

static struct msp_items crls_of(const struct msp_world *w, const char *list, struct arena *arena)
{
    struct bytes *at = arena_alloc(arena, LIST_MAX * sizeof(*at));
    char word[WORD_MAX];
    size_t n = 0;
    while (list != NULL && next_word(&list, word, sizeof(word)))
        at[n++] = crl_of(w, word, arena);
    return (struct msp_items){ at, n };
}

/* "unit" or "unit@certificate" */
static void put_unit(const struct msp_world *w, const char *word, struct arena *arena,
                     struct msp_unit *u)
{
    const char *at = strchr(word, '@');
    u->present = true;
    u->name = keep(arena, at != NULL ? bytes_of(word, (size_t)(at - word)) : bytes_of_str(word));
    if (at != NULL && at[1] != '\0')
        u->certificate = keep(arena, pem_of(w, at + 1));
}

static void put_units(const struct msp_world *w, const char *list, struct arena *arena,
                      struct msp_config *c)
{
    struct msp_unit *units = arena_alloc(arena, LIST_MAX * sizeof(*units));
    char word[WORD_MAX];
    while (list != NULL && next_word(&list, word, sizeof(word)))
        put_unit(w, word, arena, &units[c->unit_count++]);
    c->units = units;
}

/* "on client=client peer=peer@root ..." */
static void put_node_ous(const struct msp_world *w, const char *list, struct arena *arena,
                         struct msp_config *c)
{
    static const char *const roles[MSP_ROLE_NR] = { "", "admin=", "client=", "peer=", "orderer=" };
    char word[WORD_MAX];
    c->has_node_ous = list != NULL;
    while (list != NULL && next_word(&list, word, sizeof(word))) {
        if (strcmp(word, "on") == 0)
            c->node_ous_enabled = true;
        for (size_t i = 1; i < MSP_ROLE_NR; i++)
            if (strncmp(word, roles[i], strlen(roles[i])) == 0)
                put_unit(w, word + strlen(roles[i]), arena, &c->node_ous[i]);
    }
}

void msp_world_config(const struct msp_world *w, const char *msp, struct arena *arena,
                      struct msp_config *ret, enum msp_version *ret_version)
{
    for (size_t i = 0; i < msp_world_msp_count; i++) {
        const struct world_msp *m = &msp_world_msps[i];
        if (strcmp(m->name, msp) != 0)
            continue;
        struct msp_config c = { .name = bytes_of_str(msp_id) };
        c.roots = items_of(w, m->roots, arena);
        c.intermediates = items_of(w, m->intermediates, arena);
        c.admins = items_of(w, m->admins, arena);
        c.tls_roots = items_of(w, m->tls_roots, arena);
        c.tls_intermediates = items_of(w, m->tls_intermediates, arena);
        c.crls = crls_of(w, m->crls, arena);
        if (m->hash_family != NULL)
            c.hash_family = bytes_of_str(m->hash_family);
        if (m->identity_hash != NULL)
            c.identity_hash = bytes_of_str(m->identity_hash);
        put_units(w, m->units, arena, &c);
        put_node_ous(w, m->node_ous, arena, &c);
        *ret = c;
        *ret_version = m->version;
        return;
    }
    (void)fprintf(stderr, "no MSP %s\n", msp);
    WEFT_ASSERT(false);
}

/* ---- identities, principals, signatures -------------------------------------------------- */

static void put_retyped(struct bytes pem, const char *type, size_t type_len, struct buf *out)
{
    static const char was[] = "CERTIFICATE";
    for (size_t i = 0; i < pem.len; i++) {
        bool here =
            pem.len - i >= sizeof(was) - 1 && memcmp(pem.data + i, was, sizeof(was) - 1) == 0;
        if (here)
            buf_put(out, bytes_of(type, type_len));
        else
            buf_put_u8(out, pem.data[i]);
        i += here ? sizeof(was) - 2 : 0;
    }
}

void msp_world_identity(const struct msp_world *w, const char *identity, struct buf *out)
{
    WEFT_CLEANUP(buf_done) struct buf pem = { 0 };
    struct serialized_identity s = { .mspid = bytes_of_str(msp_id) };
    const char *name = strchr(identity, ' ');
    switch (identity[0]) {
    case '!':
        buf_put_str(out, identity + 1);
        return;
    case '=':
        buf_put_str(&pem, identity + 1);
        break;
    case '+':
        buf_put(&pem, pem_of(w, identity + 1));
        buf_put_str(&pem, "more\n");
        break;
    case '#':
        put_retyped(pem_of(w, name + 1), identity + 1, (size_t)(name - identity) - 1, &pem);
        break;
    case '@':
        s.mspid = bytes_of(identity + 1, (size_t)(name - identity) - 1);
        buf_put(&pem, pem_of(w, name + 1));
        break;
    default:
        buf_put(&pem, pem_of(w, identity));
        break;
    }
    s.id_bytes = buf_bytes(&pem);
    serialized_identity_encode(&s, out);
}

static void put_principal(const struct msp_world *w, const char *text, struct buf *out);

/* { 1 MSP, 2 number } */
static void put_role(const char *msp, uint64_t role, struct buf *out)
{
    wire_put_bytes(out, 1, bytes_of_str(msp));
    if (role != 0)
        wire_put_varint(out, 2, role);
}

/* "unit dev inter root": certified by the chain of these. */
static void put_unit_principal(const struct msp_world *w, const char *text, struct buf *out)
{
    char word[WORD_MAX], unit[WORD_MAX];
    struct sha256 h;
    sha256_init(&h);
    (void)next_word(&text, unit, sizeof(unit));
    wire_put_bytes(out, 1, bytes_of_str(unit[0] == '*' ? "Org9MSP" : msp_id));
    wire_put_bytes(out, 2, bytes_of_str(unit));
    while (next_word(&text, word, sizeof(word)))
        sha256_add(&h, made_cert_der(msp_world_cert(w, word)));
    struct digest d = sha256_end(&h);
    wire_put_bytes(out, 3, digest_bytes(&d));
}

/* "both admin,client": each one a principal of one word. */
static void put_combined(const struct msp_world *w, const char *text, struct buf *out)
{
    char word[WORD_MAX];
    while (next_word(&text, word, sizeof(word))) {
        WEFT_CLEANUP(buf_done) struct buf inner = { 0 };
        put_principal(w, word, &inner);
        wire_put_bytes(out, 1, buf_bytes(&inner));
    }
}

/* MSPPrincipal of a question's words. */
static void put_principal(const struct msp_world *w, const char *text, struct buf *out)
{
    static const char *const roles[] = { "member", "admin", "client", "peer", "orderer", "role5" };
    WEFT_CLEANUP(buf_done) struct buf what = { 0 };
    uint64_t kind = 0;
    for (uint64_t i = 0; i < WEFT_ARRAY_LEN(roles); i++)
        if (strcmp(text, roles[i]) == 0)
            put_role(msp_id, i, &what);
    if (strcmp(text, "member-of-other") == 0) {
        put_role("Org9MSP", 0, &what);
    } else if (strncmp(text, "unit ", 5) == 0) {
        kind = 1;
        put_unit_principal(w, text + 5, &what);
    } else if (strncmp(text, "is ", 3) == 0) {
        kind = 2;
        msp_world_identity(w, text + 3, &what);
    } else if (strncmp(text, "anonymity", 9) == 0) {
        kind = 3;
        if (text[9] != '0')
            wire_put_varint(&what, 1, (uint64_t)(text[9] - '0'));
    } else if (strncmp(text, "both", 4) == 0) {
        kind = 4;
        put_combined(w, text + 4, &what);
    } else if (strcmp(text, "kind7") == 0) {
        kind = 7;
    } else if (strcmp(text, "malformed") == 0) {
        buf_put_str(&what, "\x0a\x7f");
    }
    WEFT_ASSERT(kind != 0 || what.len > 0);
    if (kind != 0)
        wire_put_varint(out, 1, kind);
    wire_put_bytes(out, 2, buf_bytes(&what));
}

static bool is_principal(const char *question)
{
    static const char *const others[] = { "setup", "parse", "valid", "form" };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(others); i++)
        if (strcmp(question, others[i]) == 0)
            return false;
    return strncmp(question, "verify", 6) != 0;
}

static void put_signature(const struct msp_world *w, const struct msp_case *c, struct buf *out)
{
    const char *how = c->question + strlen("verify");
    const struct made_cert *cert = msp_world_cert(w, c->identity);
    if (strcmp(how, " garbage") == 0) {
        buf_put_str(out, "garbage");
        return;
    }
    made_cert_sign(cert, bytes_of_str(strcmp(how, " other") == 0 ? "something else" : message),
                   strcmp(how, " high") == 0, out);
}

/* ---- asking ------------------------------------------------------------------------------ */

static enum weft_code ask_identity(const struct msp_world *w, const struct msp_case *c,
                                   struct msp_identity *id, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    if (strcmp(c->question, "parse") == 0)
        return WEFT_OK;
    if (strcmp(c->question, "valid") == 0)
        return msp_identity_validate(id, e);
    if (is_principal(c->question)) {
        put_principal(w, c->question, &b);
        return msp_identity_satisfies(id, buf_bytes(&b), e);
    }
    put_signature(w, c, &b);
    return msp_identity_verify(id, NULL, bytes_of_str(message), buf_bytes(&b), e);
}

enum weft_code msp_case_ask(const struct msp_world *w, const struct msp_case *c, struct weft_err *e)
{
    WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
    WEFT_CLEANUP(msp_unref) struct msp *msp = NULL;
    WEFT_CLEANUP(msp_identity_unref) struct msp_identity *id = NULL;
    WEFT_CLEANUP(buf_done) struct buf serialized = { 0 };
    struct msp_config config;
    struct msp_options options = { 0 };
    msp_world_config(w, c->msp, &arena, &config, &options.version);
    enum weft_code rc = msp_new(&config, &options, &msp, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "setup");
    if (strcmp(c->question, "setup") == 0)
        return WEFT_OK;
    msp_world_identity(w, c->identity, &serialized);
    if (strcmp(c->question, "form") == 0)
        return msp_identity_check_form(buf_bytes(&serialized), e);
    rc = msp_identity_deserialize(msp, buf_bytes(&serialized), &id, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "parse");
    return ask_identity(w, c, id, e);
}

static enum weft_code put_file(const char *dir, const char *name, struct bytes what,
                               struct weft_err *e)
{
    WEFT_FREE char *path = weft_asprintf("%s/%s", dir, name);
    return file_write_plain(path, what, 0644, e);
}

enum weft_code msp_case_dump(const struct msp_world *w, const struct msp_case *c, const char *dir,
                             struct weft_err *e)
{
    WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
    WEFT_CLEANUP(buf_done) struct buf config_bytes = { 0 };
    WEFT_CLEANUP(buf_done) struct buf id = { 0 };
    WEFT_CLEANUP(buf_done) struct buf extra = { 0 };
    struct msp_config config;
    enum msp_version version;
    const char *question = c->question;
    msp_world_config(w, c->msp, &arena, &config, &version);
    msp_config_encode(&config, &config_bytes);
    WEFT_FREE char *number = weft_asprintf("%d", (int)version);
    WEFT_TRY(dir_make(dir, e));
    WEFT_TRY(put_file(dir, "msp.pb", buf_bytes(&config_bytes), e));
    WEFT_TRY(put_file(dir, "version", bytes_of_str(number), e));
    if (strcmp(question, "setup") != 0) {
        msp_world_identity(w, c->identity, &id);
        WEFT_TRY(put_file(dir, "id.pb", buf_bytes(&id), e));
    }
    if (is_principal(question)) {
        put_principal(w, question, &extra);
        question = "principal";
        WEFT_TRY(put_file(dir, "principal.pb", buf_bytes(&extra), e));
    } else if (strncmp(question, "verify", 6) == 0) {
        put_signature(w, c, &extra);
        question = "verify";
        WEFT_TRY(put_file(dir, "message", bytes_of_str(message), e));
        WEFT_TRY(put_file(dir, "signature", buf_bytes(&extra), e));
    }
    return put_file(dir, "question", bytes_of_str(question), e);
}
