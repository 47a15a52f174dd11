#include "validation/adversary.h"

#include "proto/metadata.h"
#include "validation/adversary_world.h"

/* ---- what came of it ------------------------------------------------------------------------------ */

static struct known_key *known(struct adversary *a, const struct effect *e)
{
    struct known_ns *ns = &a->ns[e->ns];
    return e->collection < 0 ? &ns->keys[e->key] : &ns->private_keys[e->collection][e->key];
}

static void learn_one(struct adversary *a, const struct effect *e, struct made_version version)
{
    struct known_ns *ns = &a->ns[e->ns];
    switch (e->kind) {
    case EFFECT_WRITE:
        *known(a, e) = (struct known_key){ true, version };
        break;
    case EFFECT_DELETE:
        known(a, e)->exists = false;
        break;
    case EFFECT_METADATA:
        known(a, e)->version = version;
        break;
    case EFFECT_DEFINE:
        ns->definition = (enum definition)(e->key & ((1 << DEPLOYED_COLLECTIONS) - 1));
        ns->collections = (unsigned)e->key >> DEPLOYED_COLLECTIONS;
        ns->sequence++;
        break;
    case EFFECT_DEPLOY:
        ns->legacy = DEFINED;
        ns->legacy_version = (unsigned)e->key & ((1U << DEPLOYED_COLLECTIONS) - 1);
        ns->legacy_collections = (unsigned)e->key >> DEPLOYED_COLLECTIONS;
        break;
    }
}

void adversary_learn(struct adversary *a, const uint8_t *codes)
{
    uint64_t block = a->chain->chain.count - 1;
    for (size_t i = 0; i < a->count; i++) {
        for (size_t j = 0; codes[i] == TX_VALID && j < a->intents[i].count; j++)
            learn_one(a, &a->intents[i].effects[j], (struct made_version){ block, i });
        if (a->may_come_again[i] && !a->is_private && chance(a, 20)) {
            buf_clear(&a->old);
            buf_put(&a->old, buf_bytes(&a->envelopes[i]));
        }
        buf_done(&a->envelopes[i]);
        made_private_done(&a->private[i]);
        a->intents[i].count = 0;
    }
    a->count = 0;
}

/* ---- signatures ------------------------------------------------------------------------------------------ */

static void add_signer(struct tx_order *o, const struct tx_person *who, enum tx_signed how)
{
    if (o->signers < TX_SIGNERS_MAX)
        o->signed_by[o->signers++] = (struct tx_signature){ who, how };
}

/* Whoever could be asked. */
static void sign_fully(struct adversary *a, struct tx_order *o)
{
    for (int org = 0; org < ORGS; org++) {
        add_signer(o, a->people[org][ROLE_PEER0], SIGNED_WELL);
        add_signer(o, a->people[org][ROLE_PEER1], SIGNED_WELL);
        add_signer(o, a->people[org][ROLE_ADMIN], SIGNED_WELL);
    }
    add_signer(o, a->people[2][ROLE_CLIENT], SIGNED_WELL);
}

static void sign_usually(struct adversary *a, struct tx_order *o)
{
    for (int org = 0; org < ORGS; org++)
        if (org < 2 || chance(a, 60))
            add_signer(o, a->people[org][ROLE_PEER0], SIGNED_WELL);
}

static void sign_oddly(struct adversary *a, struct tx_order *o)
{
    size_t count = pick(a, 6);
    for (size_t i = 0; i < count; i++) {
        const struct tx_person *who = a->people[pick(a, ORGS)][pick(a, ROLES)];
        enum tx_signed how = SIGNED_WELL;
        if (chance(a, 10))
            who = chance(a, 50) ? a->stranger : chance(a, 50) ? a->impostor : a->orderer;
        if (a->is_wild && chance(a, 15))
            who = a->alias;
        if (chance(a, 15))
            how = (enum tx_signed)pick(a, SIGNED_TRAILING + 1);
        add_signer(o, who, how);
        if (chance(a, 10))
            add_signer(o, who, SIGNED_WELL);
    }
}

static void choose_signers(struct adversary *a, struct tx_order *o)
{
    if (chance(a, 45))
        sign_fully(a, o);
    else if (chance(a, 60))
        sign_usually(a, o);
    else
        sign_oddly(a, o);
}

static const struct tx_person *some_client(struct adversary *a)
{
    if (chance(a, 3))
        return a->is_wild && chance(a, 50) ? a->alias : chance(a, 50) ? a->stranger : a->impostor;
    return a->people[pick(a, 2)][chance(a, 70) ? ROLE_CLIENT : pick(a, ROLES)];
}

static enum tx_signed some_signature(struct adversary *a)
{
    return chance(a, 3) ? (enum tx_signed)pick(a, SIGNED_TRAILING + 1) : SIGNED_WELL;
}

/* ---- transactions --------------------------------------------------------------------------------------------- */

static enum definition definition_of(const struct adversary *a, int ns)
{
    if (a->now == ADVERSARY_V20 && a->ns[ns].definition != NOT_DEFINED)
        return a->ns[ns].definition;
    return a->ns[ns].legacy;
}

static bool keys_have_policies(const struct adversary *a)
{
    return a->now <= ADVERSARY_V13;
}

static const char *version_of(struct adversary *a, int ns, bool may_be_wrong, struct buf *room)
{
    buf_clear(room);
    buf_printf(room, "%u.0", may_be_wrong && chance(a, 3) ? 77 : a->ns[ns].legacy_version);
    buf_put_u8(room, 0);
    return a->now == ADVERSARY_V20 ? "1.0" : (const char *)room->data;
}

/* Where the invoked one must not write, or nobody can: with it only, and well endorsed, since
 * which namespace is asked first is left to chance. */
static void touch_closed(struct adversary *a, struct rwset_maker *m)
{
    static const char *const closed[] = { "lscc", "vscc", "cscc", "qscc", "_lifecycle", "nobody" };
    adversary_touch(a, NS_OPEN, false, false, m);
    rwset_namespace(m, closed[pick(a, WEFT_ARRAY_LEN(closed))]);
    rwset_write(m, bytes_of_str("some key"), bytes_of_str("x"));
}

static void touch_some(struct adversary *a, int ns, bool sets_policy, struct rwset_maker *m)
{
    adversary_touch(a, ns, chance(a, 92), sets_policy, m);
    if (sets_policy || definition_of(a, ns) != DEFINED || !chance(a, 20))
        return;
    int other = (int)pick(a, NS_SPARE);
    if (other != ns || chance(a, 5)) /* a namespace twice */
        adversary_touch(a, other, other == ns || definition_of(a, other) == DEFINED, false, m);
}

/* One that may come before others; with a flaw, it is the last that anybody looks into. */
static void make_call(struct adversary *a, enum tx_flaw flaw, struct tx_order *o)
{
    struct rwset_maker m = { .private = &a->private[a->count] };
    struct buf results = { 0 }, version = { 0 };
    int ns = (int)pick(a, chance(a, 90) ? NS_SPARE : NS_NR);
    bool sets_policy =
        flaw == FLAW_NONE && !a->has_deletes && keys_have_policies(a) && chance(a, 25);
    bool is_closed = !sets_policy && ns == NS_OPEN && chance(a, 8);
    if (sets_policy)
        o->creator = a->people[0][ROLE_CLIENT]; /* so that its policies will be asked */
    else
        o->how = some_signature(a);
    a->is_flawed = flaw != FLAW_NONE;
    o->chaincode = ns_names[ns];
    o->version = version_of(a, ns, !sets_policy, &version);
    if (is_closed) {
        sign_fully(a, o);
        touch_closed(a, &m);
    } else {
        choose_signers(a, o);
        touch_some(a, ns, sets_policy, &m);
    }
    rwset_end(&m, &results);
    o->results = buf_bytes(&results);
    o->flaw = flaw;
    a->may_come_again[a->count] = !sets_policy && flaw == FLAW_NONE;
    tx_make(o, &a->rand, &a->envelopes[a->count]);
    buf_done(&results);
    buf_done(&version);
}

static void make_lifecycle(struct adversary *a, struct tx_order *o, int ns)
{
    struct rwset_maker m = { .private = &a->private[a->count] };
    struct buf results = { 0 };
    o->chaincode = "_lifecycle";
    if (ns == NS_OPEN || chance(a, 70))
        sign_fully(a, o);
    else
        choose_signers(a, o);
    if (ns == NS_OPEN || chance(a, 65)) {
        adversary_define(a, ns, &m);
    } else {
        static const char *const orgs[] = { "Org1MSP", "Org2MSP", "Org3MSP", "NobodyMSP" };
        adversary_approve(a, ns, orgs[pick(a, WEFT_ARRAY_LEN(orgs))], &m);
    }
    rwset_end(&m, &results);
    o->results = buf_bytes(&results);
    tx_make(o, &a->rand, &a->envelopes[a->count]);
    buf_done(&results);
}

static void make_deploy(struct adversary *a, struct tx_order *o, int ns)
{
    struct rwset_maker m = { 0 };
    struct buf results = { 0 }, proposal = { 0 };
    o->chaincode = "lscc";
    sign_usually(a, o);
    adversary_deploy(a, ns, &m, &proposal);
    rwset_end(&m, &results);
    o->results = buf_bytes(&results);
    o->proposal = buf_bytes(&proposal);
    tx_make(o, &a->rand, &a->envelopes[a->count]);
    buf_done(&results);
    buf_done(&proposal);
}

static struct tx_order order_of(struct adversary *a)
{
    return (struct tx_order){ .channel = "ch", .creator = some_client(a) };
}

static void make_one(struct adversary *a)
{
    struct tx_order o = order_of(a);
    a->may_come_again[a->count] = false;
    if (a->count > 0 && a->may_come_again[a->count - 1] && chance(a, 4)) {
        buf_put(&a->envelopes[a->count], buf_bytes(&a->envelopes[a->count - 1]));
        a->intents[a->count] = a->intents[a->count - 1];
        adversary_private_again(a);
    } else if (a->old.len > 0 && chance(a, 3)) {
        buf_put(&a->envelopes[a->count], buf_bytes(&a->old));
    } else if (chance(a, 8)) {
        int ns = (int)(NS_ASSET + pick(a, NS_GHOST - NS_ASSET));
        if (a->now == ADVERSARY_V20)
            make_lifecycle(a, &o, ns);
        else
            make_deploy(a, &o, ns);
    } else {
        static const enum tx_flaw harmless[] = { FLAW_STATUS_500, FLAW_EVENT_FINE,
                                                 FLAW_UNKNOWN_FIELDS };
        make_call(a, chance(a, 10) ? harmless[pick(a, WEFT_ARRAY_LEN(harmless))] : FLAW_NONE, &o);
    }
    a->count++;
}

/* Some that fail before anybody looks at those before them; the original does not survive what
 * is left out here, or never ends. */
static void make_broken(struct adversary *a)
{
    enum tx_flaw flaw;
    do
        flaw = (enum tx_flaw)(FLAW_NONE + 1 + pick(a, FLAW_EVENT_OTHER));
    while (flaw == FLAW_ENVELOPE_EMPTY || flaw == FLAW_NO_HEADER || flaw == FLAW_NO_ACTION);
    struct tx_order o = order_of(a);
    make_call(a, flaw, &o);
    a->intents[a->count++].count = 0;
}

/* The layers around a response hold certificates and signatures: what a changed byte of
 * them comes to is another thing each time. */
static void make_mutant(struct adversary *a)
{
    size_t layers =
        (a->is_wild ? FLAW_NR : FLAW_BYTE_OF_ACTION_PAYLOAD) - FLAW_BYTE_OF_CHANNEL_HEADER;
    struct tx_order o = order_of(a);
    make_call(a, (enum tx_flaw)(FLAW_BYTE_OF_CHANNEL_HEADER + pick(a, layers)), &o);
    a->count++;
}

/* ---- blocks ------------------------------------------------------------------------------------------------------ */

static struct block *end_block(struct adversary *a)
{
    struct bytes all[TXS_MAX];
    for (size_t i = 0; i < a->count; i++)
        all[i] = buf_bytes(&a->envelopes[i]);
    return chain_next_envelopes(&a->chain->chain, all, a->count);
}

static const char *const capabilities[ADVERSARY_NR] = { "V2_0", "V1_4_2", "V1_3",
                                                        "V1_2", "V1_1",   NULL };

/* Some of the second organisation, or nobody any more. */
static void revoke_some(struct adversary *a, struct test_channel *next)
{
    const struct test_org *org = test_channel_org(a->chain->now, "Org2MSP");
    WEFT_CLEANUP(buf_done) struct buf crl = { 0 };
    long serials[] = { made_cert_serial(a->people[1][ROLE_PEER1]->cert),
                       made_cert_serial(a->people[1][ROLE_CLIENT]->cert) };
    a->some_are_revoked = !a->some_are_revoked;
    if (a->some_are_revoked)
        crl_make(org->ca, org->ca, serials, WEFT_ARRAY_LEN(serials), 0, &crl);
    test_channel_set_msp(next, "Application", org, buf_bytes(&crl));
}

static void change(void *ctx, struct test_channel *next)
{
    struct adversary *a = ctx;
    switch (a->event) {
    case 0:
        test_channel_meta_policy(next, "Application", "Endorsement", "Endorsement",
                                 (int)pick(a, 3));
        break;
    case 1:
        if (a->third_is_in)
            test_channel_drop(next, "Application", CONFIG_ITEM_GROUP, "Org3MSP");
        else
            test_channel_add_org(next, &a->third);
        a->third_is_in = !a->third_is_in;
        break;
    case 2:
        if (a->lifecycle_policy_is_in)
            test_channel_drop(next, "Application", CONFIG_ITEM_POLICY, "LifecycleEndorsement");
        else
            test_channel_meta_policy(next, "Application", "LifecycleEndorsement", "Endorsement", 2);
        a->lifecycle_policy_is_in = !a->lifecycle_policy_is_in;
        break;
    case 3:
        revoke_some(a, next);
        break;
    default:
        a->now = (enum adversary_kind)(a->now - 1);
        test_channel_set_capability(next, "Application", capabilities[a->now]);
        break;
    }
    /* Something that is different in any case. */
    WEFT_FREE char *timeout = weft_asprintf("%zums", 100 + a->chain->chain.count);
    test_channel_set_text(next, "Orderer", "BatchTimeout", timeout);
}

static struct block *make_config(struct adversary *a)
{
    bool goes_up = a->now != ADVERSARY_V20 && chance(a, 25);
    a->event = goes_up ? 4 : (unsigned)pick(a, 4);
    struct block *b = chain_next_config(&a->chain->chain, 0);
    a->count = b->v.txs.count;
    buf_put(&a->envelopes[0], b->v.txs.at[0]);
    a->intents[0].count = 0;
    a->may_come_again[0] = false;
    return b;
}

/* All chaincodes but the last two. */
static void define_all(struct adversary *a)
{
    for (int ns = 0; ns < NS_SPARE; ns++) {
        struct tx_order o = { .channel = "ch", .creator = a->people[0][ROLE_CLIENT] };
        if (a->now == ADVERSARY_V20)
            make_lifecycle(a, &o, ns);
        else
            make_deploy(a, &o, ns);
        a->may_come_again[a->count++] = false;
    }
}

struct block *adversary_next(struct adversary *a)
{
    size_t number = a->chain->chain.count;
    if (number == 0 || (number > 2 && chance(a, 5)))
        return make_config(a);
    if (number == 1) {
        define_all(a);
        return end_block(a);
    }
    size_t count = 1 + pick(a, chance(a, 80) ? 8 : 16);
    a->has_deletes = chance(a, 50);
    for (size_t i = 0; i < count; i++)
        make_one(a);
    if (chance(a, 30) && !a->is_private)
        make_mutant(a);
    for (size_t i = pick(a, 6); i > 3; i--)
        make_broken(a);
    return end_block(a);
}

/* ---- the beginning ------------------------------------------------------------------------------------------------- */

static void make_people(struct adversary *a)
{
    static const char *const mspids[ORGS] = { "Org1MSP", "Org2MSP", "Org3MSP" };
    static const char *const units[ROLES] = { "peer", "peer", "client", "admin" };
    const struct test_channel *c = a->chain->now;
    for (int org = 0; org < ORGS; org++)
        for (int role = 0; role < ROLES; role++) {
            const struct made_cert *ca =
                org < 2 ? test_channel_org(c, mspids[org])->ca : a->third.ca;
            WEFT_FREE char *name = weft_asprintf("%s.%d", mspids[org], role);
            a->people[org][role] = tx_person_new(mspids[org], ca, name, units[role]);
        }
    a->alias = tx_person_alias("Org1MSP", a->people[0][ROLE_PEER0]);
    a->stranger_ca = cert_make(&(struct cert_order){ .name = "ca.nobody", .is_ca = true });
    a->stranger = tx_person_new("NobodyMSP", a->stranger_ca, "stranger", "peer");
    a->impostor = tx_person_new("Org1MSP", a->stranger_ca, "impostor", "peer");
    a->orderer =
        tx_person_new("OrdererMSP", test_channel_org(c, "OrdererMSP")->ca, "orderer0", "orderer");
}

struct adversary *adversary_new(uint64_t seed, enum adversary_kind kind)
{
    struct adversary *a = weft_alloc(sizeof(*a));
    a->rand = weft_rand_of(seed);
    a->private_rand = weft_rand_of(~seed);
    a->kind = a->now = kind;
    a->chain = channel_chain_new("ch", seed, CHAIN_OF_ORDERER);
    a->chain->signers = "OrdererMSP Org1MSP Org2MSP";
    a->chain->change = change;
    a->chain->ctx = a;
    a->third = test_org_make("Org3MSP", "client");
    test_channel_add_org(a->chain->now, &a->third);
    a->third_is_in = a->lifecycle_policy_is_in = true;
    if (capabilities[kind] != NULL)
        test_channel_set_capability(a->chain->now, "Application", capabilities[kind]);
    else
        test_channel_set(a->chain->now, "Application", "Capabilities", (struct bytes){ 0 });
    make_people(a);
    return a;
}

void adversary_go_wild(struct adversary *a)
{
    a->is_wild = true;
}

void adversary_free(struct adversary *a)
{
    if (a == NULL)
        return;
    tx_person_free(a->alias);
    for (int org = 0; org < ORGS; org++)
        for (int role = 0; role < ROLES; role++)
            tx_person_free(a->people[org][role]);
    tx_person_free(a->stranger);
    tx_person_free(a->impostor);
    tx_person_free(a->orderer);
    made_cert_free(a->stranger_ca);
    test_org_done(&a->third);
    channel_chain_free(a->chain);
    for (size_t i = 0; i < TXS_MAX; i++) {
        buf_done(&a->envelopes[i]);
        made_private_done(&a->private[i]);
    }
    buf_done(&a->old);
    free(a);
}
