#include "validation/tx_signers.h"

#include "base/byte_map.h"
#include "base/limits.h"
#include "msp/msp_identity.h"
#include "proto/identity.h"

static bool same_person(const struct msp_identity *a, const struct msp_identity *b)
{
    return a == b || (bytes_eq(msp_identity_id(a), msp_identity_id(b)) &&
                      bytes_eq(msp_identity_mspid(a), msp_identity_mspid(b)));
}

static bool is_there(struct msp_identity *const *at, size_t count, const struct msp_identity *id)
{
    for (size_t i = 0; i < count; i++)
        if (same_person(at[i], id))
            return true;
    return false;
}

/* Which endorsements count at all, by the rules up to 1.2: not those whose MSP and
 * certificate, written one after the other, were there before.  NULL: none does, since
 * one cannot be read. */
static const bool *first_by_bytes(const struct tx_endorser *all, size_t count, struct arena *arena)
{
    WEFT_CLEANUP(byte_map_done) struct byte_map seen = { 0 };
    bool *first = arena_alloc(arena, count + 1);
    for (size_t i = 0; i < count; i++) {
        struct serialized_identity id;
        if (serialized_identity_parse(all[i].serialized, &id, NULL) != WEFT_OK)
            return NULL;
        uint8_t *name = arena_alloc(arena, id.mspid.len + id.id_bytes.len);
        if (id.mspid.len > 0)
            memcpy(name, id.mspid.data, id.mspid.len);
        if (id.id_bytes.len > 0)
            memcpy(name + id.mspid.len, id.id_bytes.data, id.id_bytes.len);
        void **at = byte_map_at(&seen, bytes_of(name, id.mspid.len + id.id_bytes.len));
        first[i] = *at == NULL;
        *at = first;
    }
    return first;
}

static uint8_t *put_part(uint8_t *to, struct bytes part)
{
    uint32_t len = (uint32_t)part.len;
    memcpy(to, &len, sizeof(len));
    if (part.len > 0)
        memcpy(to + sizeof(len), part.data, part.len);
    return to + sizeof(len) + part.len;
}

static struct bytes key_of(struct msp_identity *const *at, size_t count, struct arena *arena)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        n += 2 * sizeof(uint32_t) + msp_identity_mspid(at[i]).len + msp_identity_id(at[i]).len;
    uint8_t *key = arena_alloc(arena, n), *to = key;
    for (size_t i = 0; i < count; i++) {
        to = put_part(to, msp_identity_mspid(at[i]));
        to = put_part(to, msp_identity_id(at[i]));
    }
    return bytes_of(key, n);
}

void tx_signers_of(const struct tx_endorser *all, size_t count, bool by_bytes, struct arena *arena,
                   struct tx_signers *ret)
{
    const bool *counts = by_bytes ? first_by_bytes(all, count, arena) : NULL;
    size_t most = count < LIMIT_POLICY_SIGNERS ? count : LIMIT_POLICY_SIGNERS;
    struct msp_identity **good = arena_alloc(arena, most * sizeof(*good));
    *ret = (struct tx_signers){ .at = good, .is_broken = by_bytes && counts == NULL };
    for (size_t i = 0; i < count && ret->count < most && !ret->is_broken; i++) {
        const struct tx_endorser *e = &all[i];
        if (e->id == NULL || e->verdict != SIGNATURE_GOOD || (counts != NULL && !counts[i]) ||
            is_there(good, ret->count, e->id))
            continue;
        good[ret->count++] = e->id;
    }
    ret->key = key_of(good, ret->count, arena);
}
