#include "txmaker/channel_keys.h"

#include "bundle/bundle.h"
#include "os/dirs.h"
#include "os/file.h"
#include "policy/policy_tree.h"

struct channel_keys {
    struct bundle *bundle;
    struct keys_org *orgs;
    size_t org_count;
    struct signing_identity *orderer;
};

void channel_keys_free(struct channel_keys *k)
{
    if (k == NULL)
        return;
    for (size_t i = 0; i < k->org_count; i++) {
        struct keys_org *o = &k->orgs[i];
        if (o->client != o->admin)
            signing_identity_free(o->client);
        signing_identity_free(o->admin);
        for (size_t p = 0; p < o->peer_count; p++)
            signing_identity_free(o->peers[p]);
    }
    signing_identity_free(k->orderer);
    bundle_unref(k->bundle);
    free(k->orgs);
    free(k);
}

size_t channel_keys_org_count(const struct channel_keys *k)
{
    return k->org_count;
}

const struct keys_org *channel_keys_org(const struct channel_keys *k, size_t i)
{
    return &k->orgs[i];
}

const struct signing_identity *channel_keys_orderer(const struct channel_keys *k)
{
    return k->orderer;
}

/* ---- reading the folder ------------------------------------------------------------- */

/* The identity in an MSP folder, if this organisation takes it for one of its own. */
static struct signing_identity *load_of(const struct bundle_org *org, const char *msp_dir)
{
    WEFT_CLEANUP(signing_identity_free) struct signing_identity *id = NULL;
    struct msp_identity *judged = NULL;
    if (!path_is_dir(msp_dir) || signing_identity_load(msp_dir, org->mspid, &id, NULL) != WEFT_OK ||
        msp_identity_deserialize(org->msp, signing_identity_bytes(id), &judged, NULL) != WEFT_OK)
        return NULL;
    bool good = msp_identity_validate(judged, NULL) == WEFT_OK;
    msp_identity_unref(judged);
    return good ? WEFT_TAKE(id) : NULL;
}

/* Whose MSP takes the identity in DIR/NAME/msp; NULL: nobody's. */
static struct signing_identity *load_of_any(const struct bundle_org *orgs, size_t count,
                                            const char *msp_dir, const struct bundle_org **ret_org)
{
    for (size_t i = 0; i < count; i++) {
        struct signing_identity *id = load_of(&orgs[i], msp_dir);
        if (id != NULL) {
            *ret_org = &orgs[i];
            return id;
        }
    }
    return NULL;
}

static void load_peers(struct keys_org *o, const struct bundle_application *app, const char *dir,
                       const struct bundle_org **org)
{
    WEFT_CLEANUP(dir_list_done) struct dir_list l = { 0 };
    if (dir_list(dir, &l, NULL) != WEFT_OK)
        return;
    for (size_t i = 0; i < l.count && o->peer_count < CHANNEL_KEYS_MAX; i++) {
        WEFT_FREE char *msp = weft_asprintf("%s/%s/msp", dir, l.names[i]);
        struct signing_identity *id =
            *org != NULL ? load_of(*org, msp) : load_of_any(app->orgs, app->org_count, msp, org);
        if (id != NULL)
            o->peers[o->peer_count++] = id;
    }
}

static void load_users(struct keys_org *o, const struct bundle_org *org, const char *dir)
{
    WEFT_CLEANUP(dir_list_done) struct dir_list l = { 0 };
    if (dir_list(dir, &l, NULL) != WEFT_OK)
        return;
    for (size_t i = 0; i < l.count; i++) {
        WEFT_FREE char *msp = weft_asprintf("%s/%s/msp", dir, l.names[i]);
        struct signing_identity **at =
            strncmp(l.names[i], "Admin@", 6) == 0 ? &o->admin : &o->client;
        if (*at == NULL)
            *at = load_of(org, msp);
    }
    if (o->admin == NULL)
        o->admin = o->client;
    if (o->client == NULL)
        o->client = o->admin;
}

static void load_org(struct channel_keys *k, const char *dir)
{
    const struct bundle_application *app = bundle_application(k->bundle);
    const struct bundle_org *org = NULL;
    struct keys_org *o = &k->orgs[k->org_count];
    WEFT_FREE char *peers = weft_asprintf("%s/peers", dir);
    WEFT_FREE char *users = weft_asprintf("%s/users", dir);
    load_peers(o, app, peers, &org);
    if (org == NULL)
        return;
    o->mspid = org->mspid;
    o->name = org->name;
    k->org_count++;
    load_users(o, org, users);
    if (o->client != NULL)
        return;
    while (o->peer_count > 0)
        signing_identity_free(o->peers[--o->peer_count]);
    k->org_count--;
}

/* The first node of an orderer organisation whose signature a block may carry. */
static void load_orderer(struct channel_keys *k, const char *dir)
{
    const struct bundle_orderer *orderer = bundle_orderer(k->bundle);
    WEFT_FREE char *nodes = weft_asprintf("%s/orderers", dir);
    WEFT_CLEANUP(dir_list_done) struct dir_list l = { 0 };
    const struct bundle_org *org = NULL;
    if (orderer == NULL || dir_list(nodes, &l, NULL) != WEFT_OK)
        return;
    for (size_t i = 0; i < l.count && k->orderer == NULL; i++) {
        WEFT_FREE char *msp = weft_asprintf("%s/%s/msp", nodes, l.names[i]);
        k->orderer = load_of_any(orderer->orgs, orderer->org_count, msp, &org);
    }
}

enum weft_code channel_keys_load(const char *dir, const struct bundle *b, struct channel_keys **ret,
                                 struct weft_err *e)
{
    WEFT_CLEANUP(channel_keys_free) struct channel_keys *k = weft_alloc(sizeof(*k));
    WEFT_CLEANUP(dir_list_done) struct dir_list peers = { 0 };
    WEFT_CLEANUP(dir_list_done) struct dir_list orderers = { 0 };
    WEFT_FREE char *peers_dir = weft_asprintf("%s/peerOrganizations", dir);
    WEFT_FREE char *orderers_dir = weft_asprintf("%s/ordererOrganizations", dir);
    if (bundle_application(b) == NULL)
        return WEFT_FAIL(e, WEFT_INVALID, "channel [%s] has no application: it is a system channel",
                         bundle_channel_id(b));
    if (dir_list(peers_dir, &peers, NULL) != WEFT_OK)
        return WEFT_FAIL(e, WEFT_NOT_FOUND,
                         "there is no folder %s: give the folder that cryptogen made", peers_dir);
    k->bundle = bundle_ref((struct bundle *)b);
    k->orgs = weft_alloc((peers.count + 1) * sizeof(*k->orgs));
    for (size_t i = 0; i < peers.count; i++) {
        WEFT_FREE char *org = weft_asprintf("%s/%s", peers_dir, peers.names[i]);
        load_org(k, org);
    }
    if (k->org_count == 0)
        return WEFT_FAIL(e, WEFT_NOT_FOUND,
                         "%s has keys of no organisation of channel [%s]: peers and users of one "
                         "at least are needed",
                         peers_dir, bundle_channel_id(b));
    if (dir_list(orderers_dir, &orderers, NULL) == WEFT_OK)
        for (size_t i = 0; i < orderers.count && k->orderer == NULL; i++) {
            WEFT_FREE char *org = weft_asprintf("%s/%s", orderers_dir, orderers.names[i]);
            load_orderer(k, org);
        }
    *ret = WEFT_TAKE(k);
    return WEFT_OK;
}

/* ---- who has to endorse ----------------------------------------------------------------- */

static bool satisfied(const struct channel_keys *k, const struct endorsement_rule *rule,
                      const struct endorser_set *set)
{
    struct msp_identity *ids[CHANNEL_KEYS_MAX] = { 0 };
    size_t count = 0;
    for (size_t i = 0; i < set->count; i++)
        if (msp_manager_deserialize(bundle_msps(k->bundle), signing_identity_bytes(set->at[i]),
                                    &ids[count], NULL) == WEFT_OK)
            count++;
    const struct policy_signers signers = { ids, count, msp_identities_satisfy };
    bool is = rule->policy != NULL ? signature_policy_satisfied(rule->policy, &signers)
                                   : policy_tree_evaluate(bundle_policies(k->bundle), rule->path,
                                                          &signers, NULL) == WEFT_OK;
    for (size_t i = 0; i < count; i++)
        msp_identity_unref(ids[i]);
    return is;
}

static void put_peers(const struct channel_keys *k, size_t most, struct endorser_set *set)
{
    set->count = 0;
    for (size_t p = 0; p < most; p++)
        for (size_t i = 0; i < k->org_count; i++)
            if (p < k->orgs[i].peer_count && set->count < CHANNEL_KEYS_MAX)
                set->at[set->count++] = k->orgs[i].peers[p];
}

static struct endorser_set without(const struct endorser_set *set, size_t i)
{
    struct endorser_set fewer = *set;
    memmove(fewer.at + i, fewer.at + i + 1, (fewer.count - i - 1) * sizeof(fewer.at[0]));
    fewer.count--;
    return fewer;
}

enum weft_code channel_keys_endorsers(const struct channel_keys *k,
                                      const struct endorsement_rule *rule, struct endorser_set *ret,
                                      struct weft_err *e)
{
    struct endorser_set set;
    if (rule->policy == NULL && !policy_tree_has(bundle_policies(k->bundle), rule->path))
        return WEFT_FAIL(e, WEFT_NOT_FOUND, "channel [%s] has no policy %s",
                         bundle_channel_id(k->bundle), rule->path);
    put_peers(k, 1, &set);
    if (!satisfied(k, rule, &set))
        put_peers(k, CHANNEL_KEYS_MAX, &set);
    if (!satisfied(k, rule, &set))
        return WEFT_FAIL(e, WEFT_FORBIDDEN,
                         "the keys of %zu peers of %zu organisations do not satisfy %s", set.count,
                         k->org_count, rule->policy != NULL ? "the policy" : rule->path);
    for (size_t i = set.count; i > 0; i--) {
        struct endorser_set fewer = without(&set, i - 1);
        if (satisfied(k, rule, &fewer))
            set = fewer;
    }
    *ret = set;
    return WEFT_OK;
}
