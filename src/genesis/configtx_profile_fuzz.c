/* configtx.yaml from anywhere: refused in words, or all that an encoder asks of
 * a profile is there.  The folders that it names are not opened. */
#include "base/log.h"
#include "genesis/configtx_profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_policies(const struct configtx_policies *p)
{
    for (size_t i = 0; i < p->count; i++)
        WEFT_ASSERT(p->at[i].name != NULL && p->at[i].type != NULL && p->at[i].rule != NULL);
}

static void check_pairs(const struct configtx_pairs *p)
{
    for (size_t i = 0; i < p->count; i++)
        WEFT_ASSERT(p->at[i].key != NULL && p->at[i].value != NULL);
}

static void check_org(const struct configtx_org *org)
{
    WEFT_ASSERT(org->name != NULL && org->id != NULL && org->msp_dir != NULL);
    WEFT_ASSERT(org->msp_type[0] != '\0');
    check_policies(&org->policies);
    for (size_t i = 0; i < org->anchor_count; i++)
        WEFT_ASSERT(org->anchors[i].host != NULL && org->anchors[i].port >= 0);
    for (size_t i = 0; i < org->endpoints.count; i++)
        WEFT_ASSERT(org->endpoints.at[i] != NULL);
}

static void check_orgs(const struct configtx_orgs *orgs)
{
    for (size_t i = 0; i < orgs->count; i++)
        check_org(&orgs->at[i]);
}

static void check_orderer(const struct configtx_orderer *o)
{
    bool raft = strcmp(o->type, "etcdraft") == 0;
    WEFT_ASSERT(raft || strcmp(o->type, "solo") == 0 || strcmp(o->type, "kafka") == 0);
    WEFT_ASSERT(o->batch_timeout_ns != 0 && o->max_messages != 0 && o->absolute_max_bytes != 0);
    WEFT_ASSERT(o->preferred_max_bytes != 0 && (!raft || o->consenter_count > 0));
    WEFT_ASSERT(!raft || (o->heartbeat_tick > 0 && o->election_tick > o->heartbeat_tick));
    for (size_t i = 0; i < o->consenter_count; i++)
        WEFT_ASSERT(o->consenters[i].host[0] != '\0' && o->consenters[i].port != 0 &&
                    o->consenters[i].client_cert[0] == '/' &&
                    o->consenters[i].server_cert[0] == '/');
    check_orgs(&o->orgs);
    check_pairs(&o->capabilities);
    check_policies(&o->policies);
}

static void check_profile(const struct configtx_profile *p)
{
    WEFT_ASSERT(p->consortium != NULL);
    if (p->orderer != NULL)
        check_orderer(p->orderer);
    if (p->application != NULL) {
        check_orgs(&p->application->orgs);
        check_pairs(&p->application->acls);
        check_policies(&p->application->policies);
    }
    for (size_t i = 0; i < p->consortium_count; i++) {
        WEFT_ASSERT(p->consortiums[i].name != NULL);
        check_orgs(&p->consortiums[i].orgs);
    }
    check_pairs(&p->capabilities);
    check_policies(&p->policies);
}

static void check_refusal(enum weft_code rc, const struct weft_err *e)
{
    WEFT_ASSERT(rc == WEFT_OK || (e->code == rc && e->msg[0] != '\0'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const env[] = { NULL };
    static const char *const names[] = { "A", "SoloGenesis", "RaftGenesis", "TwoOrgsChannel" };
    WEFT_CLEANUP(configtx_free) struct configtx *c = NULL;
    struct weft_err e = { 0 };
    static bool quiet;
    if (!quiet)
        WEFT_ASSERT(log_set_spec("fatal", NULL) == WEFT_OK);
    quiet = true;
    enum weft_code rc = configtx_parse(bytes_of(data, size), "/x/configtx.yaml", env, &c, &e);
    check_refusal(rc, &e);
    for (size_t i = 0; i < WEFT_ARRAY_LEN(names) && c != NULL; i++) {
        const struct configtx_profile *p = NULL;
        rc = configtx_profile(c, names[i], &p, &e);
        check_refusal(rc, &e);
        if (rc == WEFT_OK)
            check_profile(p);
    }
    const struct configtx_org *org = NULL;
    if (c != NULL && configtx_org(c, "O", &org, &e) == WEFT_OK)
        check_org(org);
    return 0;
}
