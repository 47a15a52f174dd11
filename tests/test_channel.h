/* test_channel.h - a channel's configuration made to order, with the keys to sign for it.
 *
 *     struct test_channel *c = test_channel_new();
 *     struct config_item *g = test_channel_group(c, "Orderer");     change what you like
 *     test_channel_bundle(c, "ch", 0)                                a bundle of it
 *     test_channel_update(c, bundle, changed root, "Org1MSP", out)   a signed CONFIG_UPDATE envelope
 *
 * It has an orderer organisation OrdererMSP and applications' Org1MSP and
 * Org2MSP, each with a CA, an admin and a member (NodeOUs), capabilities V2_0,
 * solo, and the policies that configtxgen writes.
 *
 * Go origin   internal/configtxgen/encoder/encoder.go
 * Owner       the test
 */
#ifndef WEFT_TESTS_TEST_CHANNEL_H
#define WEFT_TESTS_TEST_CHANNEL_H

#include "base/arena.h"
#include "cert_maker.h"
#include "channel/config_group.h"

struct signing_identity;

struct test_org {
    const char *mspid;
    struct made_cert *ca, *admin, *member;
};

enum {
    TEST_ORGS = 3 /* OrdererMSP, Org1MSP, Org2MSP */
};

struct test_channel {
    struct arena arena;
    struct test_org orgs[TEST_ORGS];
    struct config_item *root;
};

struct test_channel *test_channel_new(void);
void test_channel_free(struct test_channel *c);
WEFT_DEFINE_CLEANUP(struct test_channel *, test_channel_free)

const struct test_org *test_channel_org(const struct test_channel *c, const char *mspid);

/* Another organisation, of its own: whoever made it keeps it. */
struct test_org test_org_make(const char *mspid, const char *role);
void test_org_done(struct test_org *o);
/* An application organisation with the usual policies. */
void test_channel_add_org(struct test_channel *c, const struct test_org *o);
/* Its MSP again, with a CRL or (no data) without. */
void test_channel_set_msp(struct test_channel *c, const char *group, const struct test_org *o,
                          struct bytes crl);

/* "" is the root, "Application/Org1MSP" an organisation's. */
struct config_item *test_channel_group(struct test_channel *c, const char *path);
/* Sets a value, adding it if it is not there; NULL data takes it away. */
void test_channel_set(struct test_channel *c, const char *group, const char *name,
                      struct bytes value);
/* Text, and a number, as field 1 of a message. */
void test_channel_set_text(struct test_channel *c, const char *group, const char *name,
                           const char *text);
void test_channel_set_capability(struct test_channel *c, const char *group, const char *name);
struct config_item *test_channel_add_group(struct test_channel *c, const char *group,
                                           const char *name);
/* Takes a group or a policy away. */
void test_channel_drop(struct test_channel *c, const char *group, enum config_item_kind kind,
                       const char *name);
void test_channel_meta_policy(struct test_channel *c, const char *group, const char *name,
                              const char *sub_policy, int rule);

/* The ConfigGroup's bytes. */
struct bytes test_channel_bytes(struct test_channel *c);
/* A tree of its own with equal contents: to be changed. */
struct test_channel *test_channel_copy(const struct test_channel *c);

/* SerializedIdentity of an organisation's admin or member. */
struct bytes test_identity(struct test_channel *c, const char *mspid, bool admin);
/* The same with its key: the caller frees it. */
struct signing_identity *test_signing_identity(struct test_channel *c, const char *mspid,
                                               bool admin);
/* Everybody's keys in an empty folder, as cryptogen lays them out: a peer, an admin and a
 * user of each organisation (the member is two of them), an orderer. */
void test_crypto_dir(const struct test_channel *c, const char *dir);
/* One more: its certificate and key in DIR/NODE/msp. */
void test_crypto_dir_add(const char *dir, const char *node, const struct made_cert *cert);
/* An Envelope { Payload { header type, channel, data }, signature of that identity }. */
void test_envelope(struct test_channel *c, const char *mspid, bool admin, int type,
                   const char *channel_id, struct bytes data, struct buf *out);
/* The CONFIG_UPDATE envelope that leads from `now` to `next`, its update signed by
 * the admins of these organisations ("Org1MSP Org2MSP"), sent by the first of them. */
void test_update(struct test_channel *now, const struct test_channel *next, const char *channel_id,
                 const char *signers, struct buf *out);
/* The same of any ConfigUpdate's bytes. */
void test_update_envelope(struct test_channel *c, struct bytes update, const char *channel_id,
                          const char *signers, struct buf *out);

#endif
