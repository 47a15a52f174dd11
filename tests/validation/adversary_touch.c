#include "validation/adversary_world.h"

/* ---- keys, and what is known of them ---------------------------------------------------------------- */

/* In byte order; some with zero bytes or letters of other alphabets. */
struct buf adversary_key(int key)
{
    struct buf b = { 0 };
    if (key == 0)
        buf_put(&b, bytes_of("\0comp\0osite\0", 12));
    else if (key == KEYS - 1)
        buf_put_str(&b, "\xc3\xa4\xe4\xb8\xad");
    else
        buf_printf(&b, "k%02d", key);
    return b;
}

static char *private_name(int collection, int key)
{
    return weft_asprintf("p%d.%d", collection, key);
}

struct digest adversary_private_key(int collection, int key)
{
    WEFT_FREE char *name = private_name(collection, key);
    return sha256_of(bytes_of_str(name));
}

void adversary_effect(struct adversary *a, enum effect_kind kind, int ns, int collection, int key)
{
    struct intent *i = &a->intents[a->count];
    if (i->count < EFFECTS_MAX)
        i->effects[i->count++] = (struct effect){ kind, ns, collection, key };
}

/* ---- what a transaction does to a namespace --------------------------------------------------------------- */

static void read_known(struct adversary *a, const struct known_key *k, struct bytes key,
                       struct rwset_maker *m)
{
    struct made_version version = k->version;
    if (chance(a, 3))
        version.tx++;
    bool says_there = chance(a, 2) ? !k->exists : k->exists;
    rwset_read(m, key, says_there ? &version : NULL);
}

static void read_key(struct adversary *a, int ns, int key, struct rwset_maker *m)
{
    struct buf b = adversary_key(key);
    read_known(a, &a->ns[ns].keys[key], buf_bytes(&b), m);
    buf_done(&b);
}

/* In a block with deletes a transaction writes a key once, and no metadata is written: the
 * original dies of metadata for a key that was deleted in the same block, and a key that is
 * written twice counts as such. */
static bool is_new_here(struct adversary *a, int ns, int collection, int key)
{
    const struct intent *in = &a->intents[a->count];
    for (size_t i = 0; a->has_deletes && i < in->count; i++) {
        const struct effect *e = &in->effects[i];
        if (e->ns == ns && e->collection == collection && e->key == key)
            return false;
    }
    return in->count < EFFECTS_MAX;
}

static void write_key(struct adversary *a, int ns, int key, struct rwset_maker *m)
{
    struct buf b = adversary_key(key), value = { 0 };
    if (!is_new_here(a, ns, -1, key)) {
        buf_done(&b);
        return;
    }
    if (a->has_deletes && chance(a, 12)) {
        rwset_delete(m, buf_bytes(&b));
        adversary_effect(a, EFFECT_DELETE, ns, -1, key);
    } else if (a->has_deletes && chance(a, 4)) {
        rwset_write(m, buf_bytes(&b), bytes_of_str("")); /* counts as one, too */
        adversary_effect(a, EFFECT_DELETE, ns, -1, key);
    } else {
        buf_printf(&value, "value %llu", (unsigned long long)weft_rand_next(&a->rand));
        rwset_write(m, buf_bytes(&b), buf_bytes(&value));
        adversary_effect(a, EFFECT_WRITE, ns, -1, key);
    }
    buf_done(&b);
    buf_done(&value);
}

/* A key's policy, or something else beside it. */
static void write_metadata(struct adversary *a, struct bytes key, struct rwset_maker *m)
{
    struct buf policy = { 0 };
    adversary_signature_policy(a, false, &policy);
    if (chance(a, 15))
        rwset_metadata(m, key, NULL, bytes_of_str(""));
    else if (chance(a, 15))
        rwset_metadata(m, key, "something", bytes_of_str("else"));
    else
        rwset_metadata(m, key, "VALIDATION_PARAMETER", buf_bytes(&policy));
    buf_done(&policy);
}

static void query_range(struct adversary *a, int ns, struct rwset_maker *m)
{
    struct made_read results[KEYS];
    struct buf keys[KEYS] = { { 0 } };
    int first = (int)pick(a, KEYS), end = first + (int)pick(a, (size_t)(KEYS - first)), stop = end;
    bool exhausted = chance(a, 80);
    size_t count = 0;
    for (int i = first; i < end; i++) {
        const struct known_key *k = &a->ns[ns].keys[i];
        if (!k->exists || chance(a, 1))
            continue;
        keys[count] = adversary_key(i);
        results[count] = (struct made_read){ buf_bytes(&keys[count]), k->version };
        stop = i;
        count++;
        if (!exhausted && chance(a, 15))
            break;
    }
    struct buf from = adversary_key(first), to = adversary_key(exhausted ? end : stop);
    rwset_range(m, buf_bytes(&from), buf_bytes(&to), exhausted, results, count,
                chance(a, 50) ? 0 : (uint32_t)(2 + pick(a, 4)));
    buf_done(&from);
    buf_done(&to);
    for (size_t i = 0; i < count; i++)
        buf_done(&keys[i]);
}

static void touch_collection(struct adversary *a, int ns, int collection, bool may_set_policy,
                             struct rwset_maker *m)
{
    size_t count = 1 + pick(a, 3);
    rwset_collection(m, collection_names[collection]);
    for (size_t i = 0; i < count; i++) {
        int key = (int)pick(a, PRIVATE_KEYS);
        struct digest hash = adversary_private_key(collection, key);
        WEFT_FREE char *name = private_name(collection, key);
        if (chance(a, 40))
            read_known(a, &a->ns[ns].private_keys[collection][key], digest_bytes(&hash), m);
        if (may_set_policy && chance(a, 40)) {
            write_metadata(a, digest_bytes(&hash), m);
            adversary_effect(a, EFFECT_METADATA, ns, collection, key);
        }
        if (!is_new_here(a, ns, collection, key))
            continue;
        if (a->has_deletes && chance(a, 15)) {
            rwset_delete_private(m, bytes_of_str(name));
            adversary_effect(a, EFFECT_DELETE, ns, collection, key);
        } else if (chance(a, 60)) {
            rwset_write_private(m, bytes_of_str(name), digest_bytes(&hash));
            adversary_effect(a, EFFECT_WRITE, ns, collection, key);
        }
    }
}

static void touch_public(struct adversary *a, int ns, bool writes, bool may_set_policy,
                         struct rwset_maker *m)
{
    size_t reads = pick(a, 3), count = writes ? pick(a, 4) : 0;
    for (size_t i = 0; i < reads; i++)
        read_key(a, ns, (int)pick(a, KEYS), m);
    if (chance(a, 12))
        query_range(a, ns, m);
    for (size_t i = 0; i < count; i++) {
        int key = (int)pick(a, KEYS);
        if (chance(a, 50))
            read_key(a, ns, key, m);
        write_key(a, ns, key, m);
    }
    for (size_t i = 0; may_set_policy && i < 2; i++) {
        int key = (int)pick(a, KEYS);
        struct buf b = adversary_key(key);
        write_metadata(a, buf_bytes(&b), m);
        buf_done(&b);
        if (a->ns[ns].keys[key].exists)
            adversary_effect(a, EFFECT_METADATA, ns, -1, key);
    }
}

static bool private_data_is_on(const struct adversary *a)
{
    return a->now <= ADVERSARY_V12;
}

void adversary_touch(struct adversary *a, int ns, bool writes, bool may_set_policy,
                     struct rwset_maker *m)
{
    unsigned collections = (1U << COLLECTIONS) - 1;
    rwset_namespace(m, ns_names[ns]);
    touch_public(a, ns, writes, may_set_policy, m);
    if (!writes || !private_data_is_on(a) || !chance(a, ns == NS_PDC ? 70 : 10))
        return;
    if (a->is_private && a->is_flawed)
        return;
    /* With the old lifecycle nobody but the ledger asks if there is such a collection. */
    if (a->is_private && a->now == ADVERSARY_V20 && a->ns[ns].definition != NOT_DEFINED)
        collections = a->ns[ns].collections | IMPLICIT;
    else if (a->now != ADVERSARY_V20 || a->ns[ns].definition != DEFINED)
        collections = a->ns[ns].legacy_collections;
    for (int i = 0; i < COLLECTIONS; i++)
        if ((collections & 1U << i) != 0 && chance(a, 40))
            touch_collection(a, ns, i, may_set_policy, m);
}
