/* configtx_profile.h - configtx.yaml: what a channel is to be.
 *
 *     Profiles:
 *       TwoOrgsGenesis:
 *         Orderer: { OrdererType: solo, Organizations: [...], ... }
 *         Consortiums: { SampleConsortium: { Organizations: [...] } }
 *
 *     configtx_open(NULL, environ, &c, e)               FABRIC_CFG_PATH, ., /etc/hyperledger/fabric
 *     configtx_profile(c, "TwoOrgsGenesis", &profile, e)
 *
 * Anchors and merge keys are followed.  Paths start at the file's folder.
 *
 * Go origin   internal/configtxgen/genesisconfig/config.go
 * Owner       any thread: does not change once read
 * Memory      one arena, until configtx_free
 * Limits      those of config_tree.h
 */
#ifndef WEFT_GENESIS_CONFIGTX_PROFILE_H
#define WEFT_GENESIS_CONFIGTX_PROFILE_H

#include "base/arena.h"

struct configtx_texts {
    const char *const *at;
    size_t count;
};

/* Also capabilities (key alone), ACLs (key and value). */
struct configtx_pair {
    const char *key, *value;
};
struct configtx_pairs {
    const struct configtx_pair *at;
    size_t count;
};

struct configtx_policy {
    const char *name, *type, *rule;
};
struct configtx_policies {
    const struct configtx_policy *at;
    size_t count;
};

struct configtx_anchor {
    const char *host;
    int32_t port;
};

struct configtx_org {
    const char *name, *id, *msp_dir, *msp_type;
    struct configtx_policies policies;
    const struct configtx_anchor *anchors;
    size_t anchor_count;
    struct configtx_texts endpoints;
    bool skip_as_foreign;
};
struct configtx_orgs {
    const struct configtx_org *at;
    size_t count;
};

struct configtx_consenter {
    const char *host;
    uint32_t port;
    const char *client_cert, *server_cert; /* files */
};

struct configtx_orderer {
    const char *type;
    struct configtx_texts addresses;
    int64_t batch_timeout_ns;
    uint32_t max_messages, absolute_max_bytes, preferred_max_bytes;
    uint64_t max_channels;
    struct configtx_texts brokers;
    const struct configtx_consenter *consenters;
    size_t consenter_count;
    const char *tick_interval;
    uint32_t election_tick, heartbeat_tick, max_inflight_blocks, snapshot_interval_size;
    struct configtx_orgs orgs;
    struct configtx_pairs capabilities;
    struct configtx_policies policies;
};

struct configtx_application {
    struct configtx_orgs orgs;
    struct configtx_pairs capabilities, acls;
    struct configtx_policies policies;
};

struct configtx_consortium {
    const char *name;
    struct configtx_orgs orgs;
};

struct configtx_profile {
    const char *consortium;
    const struct configtx_orderer *orderer;         /* NULL: no such section */
    const struct configtx_application *application; /* likewise */
    bool has_consortiums;
    const struct configtx_consortium *consortiums;
    size_t consortium_count;
    struct configtx_pairs capabilities;
    struct configtx_policies policies;
};

struct configtx;

/* dir NULL: where Fabric looks for it.  A key that means nothing is refused. */
enum weft_code configtx_open(const char *dir, const char *const *env, struct configtx **ret,
                             struct weft_err *e) WEFT_MUST_CHECK;
/* The same from a text that came from `path`. */
enum weft_code configtx_parse(struct bytes text, const char *path, const char *const *env,
                              struct configtx **ret, struct weft_err *e) WEFT_MUST_CHECK;
void configtx_free(struct configtx *c);
WEFT_DEFINE_CLEANUP(struct configtx *, configtx_free)
const char *configtx_path(const struct configtx *c);

/* WEFT_NOT_FOUND: "Could not find profile: X". */
enum weft_code configtx_profile(struct configtx *c, const char *name,
                                const struct configtx_profile **ret,
                                struct weft_err *e) WEFT_MUST_CHECK;
/* Of the list Organizations.  WEFT_NOT_FOUND: "organization X not found". */
enum weft_code configtx_org(struct configtx *c, const char *name, const struct configtx_org **ret,
                            struct weft_err *e) WEFT_MUST_CHECK;

#endif
