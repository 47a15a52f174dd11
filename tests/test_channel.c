#include "test_channel.h"

#include "channel/config_update.h"
#include "msp/msp_config.h"
#include "msp/signing_identity.h"
#include "os/dirs.h"
#include "os/file.h"
#include "proto/envelope.h"
#include "proto/identity.h"
#include "proto/wire.h"

#include <stdio.h>
#include <time.h>

/* ---- bytes ----------------------------------------------------------------------------------- */

static struct bytes keep(struct test_channel *c, struct bytes b)
{
    uint8_t *to = arena_alloc(&c->arena, b.len + 1);
    if (b.len > 0)
        memcpy(to, b.data, b.len);
    return bytes_of(to, b.len);
}

static struct bytes keep_buf(struct test_channel *c, struct buf *b)
{
    struct bytes kept = keep(c, buf_bytes(b));
    buf_done(b);
    return kept;
}

static struct bytes kept_str(struct test_channel *c, const char *s)
{
    return keep(c, bytes_of_str(s));
}

/* ---- the tree ---------------------------------------------------------------------------------- */

static struct config_item *new_item(struct test_channel *c, enum config_item_kind kind,
                                    const char *name)
{
    struct config_item *i = arena_alloc(&c->arena, sizeof(*i));
    i->kind = kind;
    i->name = kept_str(c, name);
    i->mod_policy = bytes_of_str("Admins");
    return i;
}

/* Takes the member of that kind and name away, and puts another there, if any. */
static void put(struct test_channel *c, struct config_item *group, enum config_item_kind kind,
                const char *name, struct config_item *item)
{
    const struct config_item **members =
        arena_alloc(&c->arena, (group->count + 2) * sizeof(*members));
    size_t n = 0;
    for (size_t i = 0; i < group->count; i++)
        if (group->members[i]->kind != kind ||
            !bytes_eq(group->members[i]->name, bytes_of_str(name)))
            members[n++] = group->members[i];
    if (item != NULL)
        members[n++] = item;
    config_group_sort(members, n);
    group->members = members;
    group->count = n;
}

struct config_item *test_channel_group(struct test_channel *c, const char *path)
{
    const struct config_item *at = c->root;
    while (*path != '\0' && at != NULL) {
        size_t n = strcspn(path, "/");
        at = config_group_find(at, CONFIG_ITEM_GROUP, bytes_of(path, n));
        path += n + (path[n] == '/' ? 1 : 0);
    }
    return (struct config_item *)at; /* its arena is ours */
}

void test_channel_set(struct test_channel *c, const char *group, const char *name,
                      struct bytes value)
{
    struct config_item *item = NULL;
    if (value.data != NULL) {
        item = new_item(c, CONFIG_ITEM_VALUE, name);
        item->value = keep(c, value);
    }
    put(c, test_channel_group(c, group), CONFIG_ITEM_VALUE, name, item);
}

void test_channel_set_text(struct test_channel *c, const char *group, const char *name,
                           const char *text)
{
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    wire_put_bytes(&b, 1, bytes_of_str(text));
    test_channel_set(c, group, name, buf_bytes(&b));
}

void test_channel_set_capability(struct test_channel *c, const char *group, const char *name)
{
    WEFT_CLEANUP(buf_done) struct buf entry = { 0 };
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    wire_put_bytes(&entry, 1, bytes_of_str(name));
    wire_put_bytes(&entry, 2, bytes_of_str(""));
    wire_put_bytes(&b, 1, buf_bytes(&entry));
    test_channel_set(c, group, "Capabilities", buf_bytes(&b));
}

struct config_item *test_channel_add_group(struct test_channel *c, const char *group,
                                           const char *name)
{
    struct config_item *g = new_item(c, CONFIG_ITEM_GROUP, name);
    put(c, test_channel_group(c, group), CONFIG_ITEM_GROUP, name, g);
    return g;
}

void test_channel_drop(struct test_channel *c, const char *group, enum config_item_kind kind,
                       const char *name)
{
    put(c, test_channel_group(c, group), kind, name, NULL);
}

static void set_policy(struct test_channel *c, const char *group, const char *name, int type,
                       struct buf *value)
{
    struct config_item *p = new_item(c, CONFIG_ITEM_POLICY, name);
    p->has_policy = true;
    p->policy_type = type;
    p->value = keep_buf(c, value);
    put(c, test_channel_group(c, group), CONFIG_ITEM_POLICY, name, p);
}

void test_channel_meta_policy(struct test_channel *c, const char *group, const char *name,
                              const char *sub_policy, int rule)
{
    struct buf b = { 0 };
    wire_put_bytes(&b, 1, bytes_of_str(sub_policy));
    if (rule != 0)
        wire_put_varint(&b, 2, (uint64_t)rule);
    set_policy(c, group, name, 3, &b);
}

/* One signature of this role: SignaturePolicyEnvelope { 2 rule n_out_of 1 [signed_by 0],
 * 3 identities [MSPPrincipal { 2 principal MSPRole }] } */
static void role_policy(struct test_channel *c, const char *group, const char *name,
                        const char *mspid, enum msp_role role)
{
    WEFT_CLEANUP(buf_done) struct buf msp_role = { 0 };
    WEFT_CLEANUP(buf_done) struct buf principal = { 0 };
    WEFT_CLEANUP(buf_done) struct buf leaf = { 0 };
    WEFT_CLEANUP(buf_done) struct buf gate = { 0 };
    WEFT_CLEANUP(buf_done) struct buf rule = { 0 };
    struct buf b = { 0 };
    wire_put_bytes(&msp_role, 1, bytes_of_str(mspid));
    if (role != MSP_ROLE_MEMBER)
        wire_put_varint(&msp_role, 2, (uint64_t)role);
    wire_put_bytes(&principal, 2, buf_bytes(&msp_role));
    wire_put_varint(&leaf, 1, 0);
    wire_put_varint(&gate, 1, 1);
    wire_put_bytes(&gate, 2, buf_bytes(&leaf));
    wire_put_bytes(&rule, 2, buf_bytes(&gate));
    wire_put_bytes(&b, 2, buf_bytes(&rule));
    wire_put_bytes(&b, 3, buf_bytes(&principal));
    set_policy(c, group, name, 1, &b);
}

/* ---- organisations ---------------------------------------------------------------------------- */

struct test_org test_org_make(const char *mspid, const char *role)
{
    struct test_org o = { .mspid = mspid };
    WEFT_FREE char *ca = weft_asprintf("ca.%s", mspid);
    WEFT_FREE char *admin = weft_asprintf("admin.%s", mspid);
    WEFT_FREE char *member = weft_asprintf("member.%s", mspid);
    o.ca = cert_make(&(struct cert_order){ .name = ca, .is_ca = true });
    o.admin = cert_make(&(struct cert_order){ .name = admin, .issuer = o.ca, .units = "admin" });
    o.member = cert_make(&(struct cert_order){ .name = member, .issuer = o.ca, .units = role });
    return o;
}

void test_org_done(struct test_org *o)
{
    made_cert_free(o->ca);
    made_cert_free(o->admin);
    made_cert_free(o->member);
    *o = (struct test_org){ 0 };
}

static struct bytes msp_config_of(struct test_channel *c, const struct test_org *o,
                                  struct bytes crl)
{
    struct bytes root = made_cert_pem(o->ca);
    struct buf b = { 0 };
    struct msp_config m = {
        .name = bytes_of_str(o->mspid),
        .roots = { &root, 1 },
        .tls_roots = { &root, 1 },
        .crls = { &crl, crl.len > 0 ? 1 : 0 },
        .has_node_ous = true,
        .node_ous_enabled = true,
        .node_ous = { [MSP_ROLE_ADMIN] = { .present = true, .name = bytes_of_str("admin") },
                      [MSP_ROLE_CLIENT] = { .present = true, .name = bytes_of_str("client") },
                      [MSP_ROLE_PEER] = { .present = true, .name = bytes_of_str("peer") },
                      [MSP_ROLE_ORDERER] = { .present = true, .name = bytes_of_str("orderer") } },
    };
    msp_config_encode(&m, &b);
    return keep_buf(c, &b);
}

static void add_org(struct test_channel *c, const char *group, const struct test_org *o)
{
    WEFT_FREE char *path = weft_asprintf("%s/%s", group, o->mspid);
    (void)test_channel_add_group(c, group, o->mspid);
    test_channel_set(c, path, "MSP", msp_config_of(c, o, (struct bytes){ 0 }));
    role_policy(c, path, "Readers", o->mspid, MSP_ROLE_MEMBER);
    role_policy(c, path, "Writers", o->mspid, MSP_ROLE_MEMBER);
    role_policy(c, path, "Admins", o->mspid, MSP_ROLE_ADMIN);
    role_policy(c, path, "Endorsement", o->mspid, MSP_ROLE_MEMBER);
}

void test_channel_set_msp(struct test_channel *c, const char *group, const struct test_org *o,
                          struct bytes crl)
{
    WEFT_FREE char *path = weft_asprintf("%s/%s", group, o->mspid);
    test_channel_set(c, path, "MSP", msp_config_of(c, o, crl));
}

void test_channel_add_org(struct test_channel *c, const struct test_org *o)
{
    add_org(c, "Application", o);
}

static void usual_policies(struct test_channel *c, const char *group)
{
    test_channel_meta_policy(c, group, "Readers", "Readers", 0);
    test_channel_meta_policy(c, group, "Writers", "Writers", 0);
    test_channel_meta_policy(c, group, "Admins", "Admins", 2);
}

static void fill_orderer(struct test_channel *c)
{
    WEFT_CLEANUP(buf_done) struct buf size = { 0 };
    wire_put_varint(&size, 1, 10);
    wire_put_varint(&size, 2, 1 << 20);
    wire_put_varint(&size, 3, 64 << 10);
    (void)test_channel_add_group(c, "", "Orderer");
    test_channel_set_capability(c, "Orderer", "V2_0");
    test_channel_set_text(c, "Orderer", "ConsensusType", "solo");
    test_channel_set(c, "Orderer", "BatchSize", buf_bytes(&size));
    test_channel_set_text(c, "Orderer", "BatchTimeout", "2s");
    usual_policies(c, "Orderer");
    test_channel_meta_policy(c, "Orderer", "BlockValidation", "Writers", 0);
    add_org(c, "Orderer", &c->orgs[0]);
}

struct test_channel *test_channel_new(void)
{
    struct test_channel *c = weft_alloc(sizeof(*c));
    WEFT_CLEANUP(buf_done) struct buf width = { 0 };
    c->orgs[0] = test_org_make("OrdererMSP", "orderer");
    c->orgs[1] = test_org_make("Org1MSP", "client");
    c->orgs[2] = test_org_make("Org2MSP", "client");
    c->root = new_item(c, CONFIG_ITEM_GROUP, "");
    test_channel_set_capability(c, "", "V2_0");
    test_channel_set_text(c, "", "HashingAlgorithm", "SHA256");
    wire_put_varint(&width, 1, UINT32_MAX);
    test_channel_set(c, "", "BlockDataHashingStructure", buf_bytes(&width));
    test_channel_set_text(c, "", "OrdererAddresses", "127.0.0.1:7050");
    test_channel_set_text(c, "", "Consortium", "SampleConsortium");
    usual_policies(c, "");
    fill_orderer(c);
    (void)test_channel_add_group(c, "", "Application");
    test_channel_set_capability(c, "Application", "V2_0");
    usual_policies(c, "Application");
    test_channel_meta_policy(c, "Application", "Endorsement", "Endorsement", 2);
    test_channel_meta_policy(c, "Application", "LifecycleEndorsement", "Endorsement", 2);
    add_org(c, "Application", &c->orgs[1]);
    add_org(c, "Application", &c->orgs[2]);
    return c;
}

static struct config_item *copy_tree(struct test_channel *to, const struct config_item *from)
{
    struct config_item *item = arena_alloc(&to->arena, sizeof(*item));
    *item = *from;
    const struct config_item **members =
        arena_alloc(&to->arena, (from->count + 1) * sizeof(*members));
    for (size_t i = 0; i < from->count; i++)
        members[i] = copy_tree(to, from->members[i]);
    item->members = members;
    return item;
}

struct test_channel *test_channel_copy(const struct test_channel *c)
{
    struct test_channel *copy = weft_alloc(sizeof(*copy));
    copy->root = copy_tree(copy, c->root);
    return copy;
}

void test_channel_free(struct test_channel *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < TEST_ORGS; i++)
        test_org_done(&c->orgs[i]);
    arena_done(&c->arena);
    free(c);
}

const struct test_org *test_channel_org(const struct test_channel *c, const char *mspid)
{
    for (size_t i = 0; i < TEST_ORGS; i++)
        if (strcmp(c->orgs[i].mspid, mspid) == 0)
            return &c->orgs[i];
    abort();
}

struct bytes test_channel_bytes(struct test_channel *c)
{
    struct buf b = { 0 };
    config_group_encode(c->root, &b);
    return keep_buf(c, &b);
}

/* ---- signing ------------------------------------------------------------------------------------ */

static const struct made_cert *cert_of(const struct test_channel *c, const char *mspid, bool admin)
{
    const struct test_org *o = test_channel_org(c, mspid);
    return admin ? o->admin : o->member;
}

struct bytes test_identity(struct test_channel *c, const char *mspid, bool admin)
{
    struct buf b = { 0 };
    serialized_identity_encode(
        &(struct serialized_identity){ bytes_of_str(mspid),
                                       made_cert_pem(cert_of(c, mspid, admin)) },
        &b);
    return keep_buf(c, &b);
}

struct signing_identity *test_signing_identity(struct test_channel *c, const char *mspid,
                                               bool admin)
{
    WEFT_CLEANUP(buf_done) struct buf key = { 0 };
    const struct made_cert *cert = cert_of(c, mspid, admin);
    struct signing_identity *id = NULL;
    made_cert_key(cert, &key);
    WEFT_ASSERT(signing_identity_of(mspid, made_cert_pem(cert), buf_bytes(&key), &id, NULL) ==
                WEFT_OK);
    return id;
}

/* DIR/PATH, and all folders on the way. */
static char *folder(const char *dir, const char *path)
{
    char *whole = weft_asprintf("%s/%s/", dir, path);
    for (char *at = whole + strlen(dir) + 1; *at != '\0'; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        WEFT_ASSERT(path_is_dir(whole) || dir_make(whole, NULL) == WEFT_OK);
        *at = '/';
    }
    return whole;
}

static void put_file(const char *dir, const char *path, const char *name, struct bytes what)
{
    WEFT_FREE char *in = folder(dir, path);
    WEFT_FREE char *file = weft_asprintf("%s%s", in, name);
    WEFT_ASSERT(file_write_plain(file, what, 0600, NULL) == WEFT_OK);
}

void test_crypto_dir_add(const char *dir, const char *node, const struct made_cert *cert)
{
    WEFT_CLEANUP(buf_done) struct buf key = { 0 };
    WEFT_FREE char *certs = weft_asprintf("%s/msp/signcerts", node);
    WEFT_FREE char *keys = weft_asprintf("%s/msp/keystore", node);
    made_cert_key(cert, &key);
    put_file(dir, certs, "cert.pem", made_cert_pem(cert));
    put_file(dir, keys, "priv_sk", buf_bytes(&key));
}

void test_crypto_dir(const struct test_channel *c, const char *dir)
{
    test_crypto_dir_add(dir, "ordererOrganizations/example.com/orderers/orderer",
                        c->orgs[0].member);
    test_crypto_dir_add(dir, "peerOrganizations/org1/peers/peer0", c->orgs[1].member);
    test_crypto_dir_add(dir, "peerOrganizations/org1/users/User1@org1", c->orgs[1].member);
    test_crypto_dir_add(dir, "peerOrganizations/org1/users/Admin@org1", c->orgs[1].admin);
    test_crypto_dir_add(dir, "peerOrganizations/org2/peers/peer0", c->orgs[2].member);
    test_crypto_dir_add(dir, "peerOrganizations/org2/users/User1@org2", c->orgs[2].member);
    test_crypto_dir_add(dir, "peerOrganizations/org2/users/Admin@org2", c->orgs[2].admin);
}

/* SignatureHeader { 1 creator, 2 nonce } */
static struct bytes signature_header(struct test_channel *c, const char *mspid, bool admin)
{
    struct buf b = { 0 };
    wire_put_bytes(&b, 1, test_identity(c, mspid, admin));
    wire_put_bytes(&b, 2, bytes_of_str("a nonce of 24 characters"));
    return keep_buf(c, &b);
}

void test_envelope(struct test_channel *c, const char *mspid, bool admin, int type,
                   const char *channel_id, struct bytes data, struct buf *out)
{
    WEFT_CLEANUP(buf_done) struct buf stamp = { 0 };
    WEFT_CLEANUP(buf_done) struct buf channel = { 0 };
    WEFT_CLEANUP(buf_done) struct buf header = { 0 };
    WEFT_CLEANUP(buf_done) struct buf payload = { 0 };
    WEFT_CLEANUP(buf_done) struct buf signature = { 0 };
    wire_put_varint(&stamp, 1, (uint64_t)time(NULL));
    if (type != 0)
        wire_put_varint(&channel, 1, (uint64_t)type);
    wire_put_bytes(&channel, 3, buf_bytes(&stamp));
    wire_put_bytes(&channel, 4, bytes_of_str(channel_id));
    wire_put_bytes(&header, 1, buf_bytes(&channel));
    wire_put_bytes(&header, 2, signature_header(c, mspid, admin));
    wire_put_bytes(&payload, 1, buf_bytes(&header));
    wire_put_bytes(&payload, 2, data);
    made_cert_sign(cert_of(c, mspid, admin), buf_bytes(&payload), false, &signature);
    wire_put_bytes(out, 1, buf_bytes(&payload));
    wire_put_bytes(out, 2, buf_bytes(&signature));
}

/* ConfigSignature { 1 signature_header, 2 signature } */
static void put_signature(struct test_channel *c, const char *mspid, struct bytes update,
                          struct buf *out)
{
    WEFT_CLEANUP(buf_done) struct buf message = { 0 };
    WEFT_CLEANUP(buf_done) struct buf signature = { 0 };
    WEFT_CLEANUP(buf_done) struct buf one = { 0 };
    struct bytes header = signature_header(c, mspid, true);
    buf_put(&message, header);
    buf_put(&message, update);
    made_cert_sign(cert_of(c, mspid, true), buf_bytes(&message), false, &signature);
    wire_put_bytes(&one, 1, header);
    wire_put_bytes(&one, 2, buf_bytes(&signature));
    wire_put_bytes(out, 2, buf_bytes(&one));
}

void test_update_envelope(struct test_channel *c, struct bytes update, const char *channel_id,
                          const char *signers, struct buf *out)
{
    WEFT_CLEANUP(buf_done) struct buf data = { 0 };
    char first[64] = "Org1MSP", name[64];
    wire_put_bytes(&data, 1, update);
    for (int n = 0; sscanf(signers, "%63s%n", name, &n) == 1; signers += n) {
        put_signature(c, name, update, &data);
        (void)snprintf(first, sizeof(first), "%s", name);
    }
    test_envelope(c, first, true, HEADER_CONFIG_UPDATE, channel_id, buf_bytes(&data), out);
}

void test_update(struct test_channel *now, const struct test_channel *next, const char *channel_id,
                 const char *signers, struct buf *out)
{
    WEFT_CLEANUP(buf_done) struct buf update = { 0 };
    struct config_update_view u = { 0 };
    struct weft_err e;
    if (config_update_compute(now->root, next->root, &now->arena, &u, &e) != WEFT_OK)
        abort();
    u.channel_id = bytes_of_str(channel_id);
    config_update_encode(&u, &update);
    test_update_envelope(now, buf_bytes(&update), channel_id, signers, out);
}
