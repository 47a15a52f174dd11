#include "endorser_world.h"

#include "bundle/bundle.h"
#include "channel/config_envelope.h"
#include "msp/msp_dir.h"
#include "msp/signing_identity.h"
#include "os/dirs.h"
#include "os/file.h"
#include "weft_test.h"

static const char peer_dir[] = "org1.example.com/peers/peer0.org1.example.com";

enum {
    FILE_BYTES_MAX = 64 << 20,
    DIRS_MAX = 64, /* of the ledger */
};

/* ---- a copy of its ledger ------------------------------------------------------------------- */

static void copy_file(const char *from, const char *to)
{
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    struct weft_err e;
    EXPECT_OK(file_read_all(from, FILE_BYTES_MAX, &b, &e));
    EXPECT_OK(file_write_plain(to, buf_bytes(&b), 0600, &e));
}

/* Folders that are still to be copied lie in a list. */
static void copy_tree(const char *from, const char *to)
{
    char *froms[DIRS_MAX] = { weft_strdup(from) }, *tos[DIRS_MAX] = { weft_strdup(to) };
    struct weft_err e;
    for (size_t at = 0, count = 1; at < count; at++) {
        WEFT_CLEANUP(dir_list_done) struct dir_list names = { 0 };
        EXPECT_OK(dir_make(tos[at], &e));
        EXPECT_OK(dir_list(froms[at], &names, &e));
        for (size_t i = 0; i < names.count; i++) {
            char *source = weft_asprintf("%s/%s", froms[at], names.names[i]);
            char *target = weft_asprintf("%s/%s", tos[at], names.names[i]);
            if (path_is_dir(source)) {
                EXPECT(count < DIRS_MAX);
                froms[count] = source;
                tos[count++] = target;
                continue;
            }
            copy_file(source, target);
            free(source);
            free(target);
        }
        free(froms[at]);
        free(tos[at]);
    }
}

/* ---- what the endorser asks of its peer ---------------------------------------------------------- */

static bool find(void *ctx, struct bytes id, struct peer_channel_view *ret)
{
    struct endorser_world *w = ctx;
    if (!bytes_eq(id, bytes_of_str("mychannel")))
        return false;
    *ret = (struct peer_channel_view){ "mychannel", bundle_ref(w->bundle), w->ledger };
    return true;
}

static void list(void *ctx, void (*each)(void *arg, const char *id), void *arg)
{
    (void)ctx;
    each(arg, "mychannel");
}

static enum weft_code join(void *ctx, const char *id, struct block *genesis, struct weft_err *e)
{
    (void)ctx;
    if (strcmp(id, "mychannel") == 0)
        return WEFT_FAIL(e, WEFT_EXISTS,
                         "cannot create ledger from genesis block: LedgerID already exists");
    if (genesis->v.number != 0)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "cannot create ledger from genesis block: Expected block number=0, "
                         "received block number=%" PRIu64,
                         genesis->v.number);
    return WEFT_OK;
}

static bool is_rebuilding(void *ctx)
{
    return ((struct endorser_world *)ctx)->rebuilding;
}

static enum weft_code keep_private(void *ctx, const struct peer_channel_view *channel,
                                   const struct private_set *set, struct weft_err *e)
{
    struct endorser_world *w = ctx;
    (void)e;
    EXPECT_STR(channel->id, "mychannel");
    EXPECT(set->tx_id.len > 0);
    buf_clear(&w->kept_set);
    buf_put(&w->kept_set, set->bytes);
    w->kept++;
    return WEFT_OK;
}

/* ---- the world -------------------------------------------------------------------------------------- */

struct signing_identity *endorser_world_identity(const char *mspid, const char *of)
{
    struct signing_identity *id = NULL;
    struct weft_err e;
    bool orderer = strcmp(mspid, "OrdererMSP") == 0;
    WEFT_FREE char *below =
        weft_asprintf("crypto/%sOrganizations/%s/msp", orderer ? "orderer" : "peer", of);
    EXPECT_OK(signing_identity_load(weft_test_fixture(below), mspid, &id, &e));
    return id;
}

static void open_local_msp(struct endorser_world *w)
{
    WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
    WEFT_FREE char *below = weft_asprintf("crypto/peerOrganizations/%s/msp", peer_dir);
    struct msp_config config;
    struct weft_err e;
    EXPECT_OK(
        msp_dir_read(weft_test_fixture(below), "Org1MSP", MSP_DIR_LOCAL, &arena, &config, &e));
    EXPECT_OK(msp_new(&config, &(struct msp_options){ .version = MSP_1_4_3 }, &w->local, &e));
}

static void open_ledger(struct endorser_world *w)
{
    WEFT_CLEANUP(buf_done) struct buf config = { 0 };
    struct config_envelope_view v;
    struct weft_err e;
    w->dir = weft_test_dir();
    WEFT_FREE char *root = weft_asprintf("%s/ledgersData", w->dir);
    copy_tree(weft_test_fixture("ledger-small/peer0.org1.example.com/ledgersData"), root);
    EXPECT_OK(kv_ledgers_open(
        root, &(struct kv_ledgers_config){ .mspid = "Org1MSP", .history = true }, &w->ledgers, &e));
    EXPECT_OK(kv_ledger_open(w->ledgers, "mychannel", &w->ledger, &e));
    EXPECT_OK(kv_ledger_config(w->ledger, &config, &e));
    EXPECT_OK(config_envelope_parse(buf_bytes(&config), &v, &e));
    EXPECT_OK(bundle_new("mychannel", v.sequence, v.channel_group, &w->bundle, &e));
}

void endorser_world_open(struct endorser_world *w)
{
    *w = (struct endorser_world){ .support = { .ctx = w,
                                               .find = find,
                                               .list = list,
                                               .join = join,
                                               .is_rebuilding = is_rebuilding } };
    open_local_msp(w);
    w->me = endorser_world_identity("Org1MSP", peer_dir);
    open_ledger(w);
    endorser_init(&w->endorser, &(struct endorser_config){ .support = &w->support,
                                                           .local_msp = w->local,
                                                           .me = w->me,
                                                           .mspid = "Org1MSP",
                                                           .enabled = { true, true, true, true },
                                                           .keep_private = keep_private,
                                                           .keep_ctx = w });
}

void endorser_world_done(struct endorser_world *w)
{
    buf_done(&w->kept_set);
    bundle_unref(w->bundle);
    kv_ledger_close(w->ledger);
    kv_ledgers_close(w->ledgers);
    msp_unref(w->local);
    signing_identity_free(w->me);
    free(w->dir);
}
