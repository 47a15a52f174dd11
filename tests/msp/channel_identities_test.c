/* Everybody who signed something in a real channel, before the MSPs that its
 * configuration had at that block.  The codes in validation.tsv are those of
 * the original peer. */
#include "channel/config_envelope.h"
#include "channel/config_group.h"
#include "msp/identity_cache.h"
#include "proto/envelope.h"
#include "proto/metadata.h"
#include "weft_test.h"

#include <stdio.h>

enum {
    BLOCKS = 79,
    MSPS_MAX = 16,
    TXS_MAX = 64
};

struct world {
    struct msp_manager *msps;
    struct identity_cache *cache;
    int codes[BLOCKS][TXS_MAX];
    size_t creators, bad_creators, orderers;
};

static void read_codes(struct world *w)
{
    WEFT_CLEANUP(buf_done)
    struct buf text = weft_test_read(weft_test_fixture("ledger-small/validation.tsv"));
    buf_put_u8(&text, '\0');
    char *rest = NULL;
    for (char *line = strtok_r((char *)text.data, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        char *end = NULL;
        unsigned long block = strtoul(line, &end, 10), tx = strtoul(end, &end, 10);
        const char *code = end;
        for (int tabs = 0; tabs < 3; tabs++)
            code = strchr(code, '\t') + 1;
        if (line[0] < '0' || line[0] > '9')
            continue;
        EXPECT(block < BLOCKS && tx < TXS_MAX);
        w->codes[block][tx] = (int)strtol(code, NULL, 10);
    }
}

/* Every value "MSP" in the tree. */
static void collect_msps(const struct config_item *group, struct msp **msps, size_t *count)
{
    for (size_t i = 0; i < group->count; i++) {
        const struct config_item *item = group->members[i];
        struct weft_err e = { 0 };
        WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
        struct msp_config config;
        if (item->kind == CONFIG_ITEM_GROUP)
            collect_msps(item, msps, count);
        if (item->kind != CONFIG_ITEM_VALUE || !bytes_eq(item->name, bytes_of_str("MSP")))
            continue;
        EXPECT(*count < MSPS_MAX);
        EXPECT_OK(msp_config_parse(item->value, &arena, &config, &e));
        EXPECT_OK(
            msp_new(&config, &(struct msp_options){ .version = MSP_1_4_3 }, &msps[*count], &e));
        (*count)++;
    }
}

static void configure(struct world *w, const struct block_view *v)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
    struct config_envelope_view config = { 0 };
    const struct config_item *root = NULL;
    struct msp *msps[MSPS_MAX] = { 0 };
    size_t count = 0;
    EXPECT_OK(config_envelope_of_block(v, &config, &e));
    EXPECT_OK(config_group_parse(config.channel_group, &arena, &root, &e));
    collect_msps(root, msps, &count);
    EXPECT(count >= 3);
    identity_cache_free(w->cache);
    msp_manager_unref(w->msps);
    w->msps = msp_manager_new(msps, count);
    w->cache = identity_cache_new(w->msps, IDENTITY_CACHE_DEFAULT);
    for (size_t i = 0; i < count; i++)
        msp_unref(msps[i]);
}

/* Fabric's checkSignatureFromCreator. */
static enum weft_code check_signed(struct world *w, struct bytes creator, struct bytes message,
                                   struct bytes signature, struct weft_err *e)
{
    WEFT_CLEANUP(msp_identity_unref) struct msp_identity *id = NULL;
    enum weft_code rc = identity_cache_get(w->cache, creator, &id, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "MSP error");
    rc = msp_identity_validate(id, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "creator certificate is not valid");
    rc = msp_identity_verify(id, NULL, message, signature, e);
    return rc == WEFT_OK
               ? rc
               : weft_err_wrap(e, rc, "creator's signature over the proposal is not valid");
}

/* What Fabric finds before it looks at the creator is none of ours. */
static void check_tx(struct world *w, const struct block_view *v, size_t i)
{
    struct weft_err e = { 0 };
    struct envelope_headers h = { 0 };
    int code = w->codes[v->number][i];
    if (code == TX_NIL_ENVELOPE || code == TX_BAD_PAYLOAD || code == TX_BAD_COMMON_HEADER)
        return;
    if (v->number == 0)
        return; /* a genesis block is nobody's */
    EXPECT_OK(envelope_headers_parse(v->txs.at[i], &h, &e));
    enum weft_code rc =
        check_signed(w, h.signature.creator, h.envelope.payload, h.envelope.signature, &e);
    if ((rc == WEFT_OK) == (code == TX_BAD_CREATOR_SIGNATURE))
        print_error("block %" PRIu64 " tx %zu code %d: %s\n", v->number, i, code,
                    rc == WEFT_OK ? "good" : e.msg);
    EXPECT_EQ(rc == WEFT_OK, code != TX_BAD_CREATOR_SIGNATURE);
    w->creators++;
    w->bad_creators += rc != WEFT_OK ? 1 : 0;
}

/* Over value, signature header and block header; by an orderer of the channel. */
static void check_orderers(struct world *w, const struct block_view *v)
{
    struct weft_err e = { 0 };
    struct metadata_view m = { 0 };
    struct bytes item;
    EXPECT_OK(block_metadata(v, BLOCK_SLOT_SIGNATURES, &m, &e));
    while (repeated_next(&m.signatures, &item)) {
        struct metadata_signature s = metadata_signature_of(item);
        struct signature_header_view header = { 0 };
        WEFT_CLEANUP(buf_done) struct buf what = { 0 };
        EXPECT_OK(signature_header_parse(s.signature_header, &header, &e));
        buf_put(&what, m.value);
        buf_put(&what, s.signature_header);
        block_header_der(v, &what);
        EXPECT_OK(check_signed(w, header.creator, buf_bytes(&what), s.signature, &e));
        w->orderers++;
    }
}

static bool is_config_block(const struct block_view *v)
{
    struct envelope_headers h = { 0 };
    return v->txs.count == 1 && envelope_headers_parse(v->txs.at[0], &h, NULL) == WEFT_OK &&
           h.channel.type == HEADER_CONFIG;
}

TEST(every_creator_and_orderer_of_a_real_channel_is_judged_as_by_fabric)
{
    static struct world w;
    struct weft_err e = { 0 };
    read_codes(&w);
    for (uint64_t n = 0; n < BLOCKS; n++) {
        WEFT_FREE char *name = weft_asprintf("ledger-small/blocks/%" PRIu64 ".block", n);
        WEFT_CLEANUP(buf_done) struct buf wire = weft_test_read(weft_test_fixture(name));
        WEFT_CLEANUP(block_view_done) struct block_view v = { 0 };
        EXPECT_OK(block_view_parse(&v, buf_bytes(&wire), &e));
        for (size_t i = 0; i < v.txs.count; i++)
            check_tx(&w, &v, i);
        if (n > 0)
            check_orderers(&w, &v);
        if (is_config_block(&v))
            configure(&w, &v);
    }
    print_message("%zu creators, %zu of them bad, %zu orderer signatures\n", w.creators,
                  w.bad_creators, w.orderers);
    EXPECT_EQ(w.bad_creators, 5);
    EXPECT_EQ(w.orderers, BLOCKS - 1);
    identity_cache_free(w.cache);
    msp_manager_unref(w.msps);
}
