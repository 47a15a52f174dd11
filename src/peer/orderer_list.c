#include "peer/orderer_list.h"

#include "base/arena.h"
#include "bundle/bundle.h"

static struct orderer_texts texts_of(const struct bundle_strings *l, struct arena *arena)
{
    struct bytes *at = arena_alloc(arena, (l->count + 1) * sizeof(*at));
    for (size_t i = 0; i < l->count; i++)
        at[i] = bytes_of_str(l->at[i]);
    return (struct orderer_texts){ at, l->count };
}

static struct orderer_texts roots_of(const struct msp *msp, struct arena *arena)
{
    const struct msp_items *lists[] = { msp_tls_roots(msp), msp_tls_intermediates(msp) };
    struct bytes *at = arena_alloc(arena, (lists[0]->count + lists[1]->count + 1) * sizeof(*at));
    size_t count = 0;
    for (size_t l = 0; l < WEFT_ARRAY_LEN(lists); l++)
        for (size_t i = 0; i < lists[l]->count; i++)
            at[count++] = lists[l]->at[i];
    return (struct orderer_texts){ at, count };
}

bool orderer_list_update(struct orderer_source *s, const struct bundle *b)
{
    WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
    const struct bundle_orderer *o = bundle_orderer(b);
    size_t count = o != NULL ? o->org_count : 0;
    struct orderer_org *orgs = arena_alloc(&arena, (count + 1) * sizeof(*orgs));
    for (size_t i = 0; i < count; i++)
        orgs[i] = (struct orderer_org){ .name = bytes_of_str(o->orgs[i].name),
                                        .addresses = texts_of(&o->orgs[i].endpoints, &arena),
                                        .roots = roots_of(o->orgs[i].msp, &arena) };
    return orderer_source_update(
        s, &(struct orderer_config_view){
               .channel_id = bundle_channel_id(b),
               .addresses = texts_of(&bundle_channel(b)->orderer_addresses, &arena),
               .orgs = orgs,
               .org_count = count,
           });
}
