#include "kvledger/config_history.h"

#include "kvledger/collections.h"
#include "kvledger/pvtdata_store.h"
#include "ledger/kv.h"
#include "proto/proto_check.h"
#include "state/update_batch.h"

#include <peer/collection.pb-c.h>

/* ---- which chaincodes a block defines ------------------------------------------------------ */

/* Names borrow from the updates; each once. */
struct names {
    struct bytes *at;
    size_t count;
    struct byte_map seen;
};

static void names_done(struct names *n)
{
    free(n->at);
    byte_map_done(&n->seen);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct names, names_done)

static void add_name(struct names *n, struct bytes name)
{
    void **at = byte_map_at(&n->seen, name);
    if (*at != NULL)
        return;
    *at = n; /* anything but NULL */
    n->at = weft_realloc(n->at, (n->count + 1) * sizeof(*n->at));
    n->at[n->count++] = name;
}

/* "namespaces/fields/mycc/Sequence" -> "mycc"; no data: another key. */
static struct bytes name_in_lifecycle_key(struct bytes key)
{
    struct bytes prefix = bytes_of_str("namespaces/fields/"), suffix = bytes_of_str("/Sequence");
    if (!bytes_start_with(key, prefix) || key.len <= prefix.len + suffix.len)
        return (struct bytes){ 0 };
    struct bytes name = bytes_of(key.data + prefix.len, key.len - prefix.len - suffix.len);
    struct bytes end = bytes_skip(key, key.len - suffix.len);
    return bytes_eq(end, suffix) && memchr(name.data, '/', name.len) == NULL ? name
                                                                             : (struct bytes){ 0 };
}

/* "mycc" and "mycc~collection" -> "mycc" */
static struct bytes name_in_lscc_key(struct bytes key)
{
    const uint8_t *end = key.len > 0 ? memchr(key.data, '~', key.len) : NULL;
    return end != NULL ? bytes_of(key.data, (size_t)(end - key.data)) : key;
}

static void find_names(struct update_batch *updates, struct names *ret)
{
    struct bytes none = bytes_of_str("");
    const struct update_space *s =
        update_batch_space(updates, STATE_PUBLIC, bytes_of_str("_lifecycle"), none);
    for (size_t i = 0; s != NULL && i < s->count; i++) {
        struct bytes name = name_in_lifecycle_key(s->updates[i]->key);
        if (name.data != NULL)
            add_name(ret, name);
    }
    s = update_batch_space(updates, STATE_PUBLIC, bytes_of_str("lscc"), none);
    for (size_t i = 0; s != NULL && i < s->count; i++)
        if (!s->updates[i]->is_delete)
            add_name(ret, name_in_lscc_key(s->updates[i]->key));
}

/* ---- the history -------------------------------------------------------------------------- */

static void put_key(const struct config_history *h, struct bytes name, uint64_t block,
                    struct buf *out)
{
    buf_put(out, bytes_of(h->channel, strlen(h->channel) + 1));
    buf_put(out, bytes_of("slscc", 6)); /* with its zero */
    buf_put(out, name);
    buf_put_str(out, "~collection");
    for (unsigned i = 8; i-- > 0;)
        buf_put_u8(out, (uint8_t) ~(block >> (8 * i)));
}

/* As the original writes it: read, and written anew. */
static enum weft_code encode_package(struct bytes package, struct buf *out, struct weft_err *e)
{
    WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
    void *unpacked;
    WEFT_TRY(proto_unpack(&protos__collection_config_package__descriptor, package, &arena,
                          &unpacked, e));
    const Protos__CollectionConfigPackage *p = unpacked;
    if (p->n_config == 0)
        return WEFT_OK;
    size_t len = protos__collection_config_package__get_packed_size(p);
    uint8_t *to = buf_reserve(out, len);
    out->len += protos__collection_config_package__pack(p, to);
    return WEFT_OK;
}

enum weft_code config_history_commit(const struct config_history *h, uint64_t block,
                                     struct update_batch *updates, const struct state_reader *after,
                                     struct weft_err *e)
{
    WEFT_CLEANUP(names_done) struct names names = { 0 };
    WEFT_CLEANUP(kv_batch_free) struct kv_batch *batch = NULL;
    find_names(updates, &names);
    if (names.count == 0)
        return WEFT_OK;
    WEFT_CLEANUP(collections_free) struct collections *c = collections_new(after, "");
    for (size_t i = 0; i < names.count; i++) {
        WEFT_CLEANUP(buf_done) struct buf key = { 0 };
        WEFT_CLEANUP(buf_done) struct buf value = { 0 };
        struct bytes package;
        WEFT_TRY(collections_package(c, names.at[i], &package, e));
        WEFT_TRY(encode_package(package, &value, e));
        if (value.len == 0)
            continue;
        put_key(h, names.at[i], block, &key);
        if (batch == NULL)
            batch = kv_batch_new();
        kv_batch_put(batch, buf_bytes(&key), buf_bytes(&value));
    }
    return batch != NULL ? kv_write(h->kv, batch, true, e) : WEFT_OK;
}

enum weft_code config_history_below(const struct config_history *h, uint64_t block,
                                    struct bytes name, struct buf *ret, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf start = { 0 };
    WEFT_CLEANUP(kv_iter_free) struct kv_iter *it = NULL;
    struct bytes key, value;
    bool found = false;
    if (block == 0)
        return WEFT_OK;
    put_key(h, name, block - 1, &start); /* older ones lie behind it */
    struct bytes same = bytes_of(start.data, start.len - sizeof(block));
    it = kv_iter_new(h->kv, buf_bytes(&start));
    WEFT_TRY(kv_iter_next(it, &found, &key, &value, e));
    if (found && key.len == start.len && bytes_start_with(key, same))
        buf_put(ret, value);
    return WEFT_OK;
}

/* ---- collections that became ours ------------------------------------------------------------ */

struct eligible {
    struct collections *before, *after;
    struct arena arena;
    struct pvt_collection *at;
    size_t count;
};

static void eligible_done(struct eligible *el)
{
    collections_free(el->before);
    collections_free(el->after);
    arena_done(&el->arena);
    free(el->at);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct eligible, eligible_done)

static enum weft_code note_collection(struct eligible *el, struct bytes ns, struct bytes coll,
                                      struct weft_err *e)
{
    const struct collection_info *then, *now;
    WEFT_TRY(collections_find(el->before, ns, coll, &then, e));
    WEFT_TRY(collections_find(el->after, ns, coll, &now, e));
    if (!then->is_known || then->is_mine || !now->is_mine)
        return WEFT_OK;
    el->at = weft_realloc(el->at, (el->count + 1) * sizeof(*el->at));
    el->at[el->count++] = (struct pvt_collection){ ns, coll };
    return WEFT_OK;
}

static enum weft_code note_chaincode(struct eligible *el, struct bytes ns, struct weft_err *e)
{
    struct bytes package;
    void *unpacked;
    WEFT_TRY(collections_package(el->after, ns, &package, e));
    WEFT_TRY(proto_unpack(&protos__collection_config_package__descriptor, package, &el->arena,
                          &unpacked, e));
    const Protos__CollectionConfigPackage *p = unpacked;
    for (size_t i = 0; i < p->n_config; i++)
        if (p->config[i]->payload_case ==
            PROTOS__COLLECTION_CONFIG__PAYLOAD_STATIC_COLLECTION_CONFIG)
            WEFT_TRY(note_collection(
                el, ns, bytes_of_str(p->config[i]->static_collection_config->name), e));
    return WEFT_OK;
}

enum weft_code config_history_note_eligible(struct pvtdata_store *s, const char *mspid,
                                            uint64_t block, struct update_batch *updates,
                                            const struct state_reader *before,
                                            const struct state_reader *after, struct weft_err *e)
{
    WEFT_CLEANUP(names_done) struct names names = { 0 };
    WEFT_CLEANUP(eligible_done) struct eligible el = { 0 };
    find_names(updates, &names);
    if (names.count == 0)
        return WEFT_OK;
    el.before = collections_new(before, mspid);
    el.after = collections_new(after, mspid);
    for (size_t i = 0; i < names.count; i++)
        WEFT_TRY(note_chaincode(&el, names.at[i], e));
    return pvtdata_store_set_eligible(s, block, el.at, el.count, e);
}
