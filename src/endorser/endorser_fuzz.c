/* Fuzz: a SignedProposal; or, behind a first byte below 4, the arguments of a system chaincode,
 * signed by somebody who may ask everything of a peer.
 *
 * Arguments are parts with two bytes of length before each.
 */
#include "bundle/bundle.h"
#include "endorser/endorser.h"
#include "endorser/peer_support.h"
#include "msp/signing_identity.h"
#include "proposal_maker.h"
#include "proto/block.h"
#include "test_channel.h"

enum {
    ARGS_MAX = 8,
    NOW_S = 1700000000,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct world {
    struct test_channel *channel;
    struct bundle *bundle;
    struct bytes admin;
    struct peer_support support;
    struct endorser endorser;
} world;

static bool find(void *ctx, struct bytes id, struct peer_channel_view *ret)
{
    (void)ctx, (void)id, (void)ret;
    return false;
}

static void list(void *ctx, void (*each)(void *arg, const char *id), void *arg)
{
    (void)ctx;
    each(arg, "one");
}

static enum weft_code join(void *ctx, const char *id, struct block *genesis, struct weft_err *e)
{
    (void)ctx;
    WEFT_ASSERT(block_slot(&genesis->v, BLOCK_SLOT_FLAGS).len > 0);
    return WEFT_FAIL(e, WEFT_EXISTS, "%.100s is there", id);
}

static bool is_rebuilding(void *ctx)
{
    (void)ctx;
    return false;
}

static void make_world(void)
{
    struct weft_err e = { 0 };
    world.channel = test_channel_new();
    WEFT_ASSERT(bundle_new("ch", 0, test_channel_bytes(world.channel), &world.bundle, &e) ==
                WEFT_OK);
    world.admin = test_identity(world.channel, "Org1MSP", true);
    world.support = (struct peer_support){
        .find = find, .list = list, .join = join, .is_rebuilding = is_rebuilding
    };
    endorser_init(&world.endorser, &(struct endorser_config){
                                       .support = &world.support,
                                       .local_msp = msp_manager_find(bundle_msps(world.bundle),
                                                                     bytes_of_str("Org1MSP")),
                                       .mspid = "Org1MSP",
                                       .enabled = { true, true, true, true },
                                   });
}

static void sign(void *ctx, struct bytes message, struct buf *out)
{
    (void)ctx;
    made_cert_sign(test_channel_org(world.channel, "Org1MSP")->admin, message, false, out);
}

static void put_signed(struct bytes in, struct buf *out)
{
    struct bytes args[ARGS_MAX];
    struct proposal_order o = { .channel = "",
                                .chaincode = scc_name((enum scc)in.data[0]),
                                .args = args,
                                .creator = world.admin,
                                .sign = sign };
    in = bytes_skip(in, 1);
    while (in.len >= 2 && o.arg_count < ARGS_MAX) {
        size_t len = (size_t)in.data[0] << 8 | in.data[1];
        in = bytes_skip(in, 2);
        if (len > in.len)
            len = in.len;
        args[o.arg_count++] = bytes_of(in.data, len);
        in = bytes_skip(in, len);
    }
    proposal_make(&o, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    WEFT_CLEANUP(buf_done) struct buf request = { 0 };
    WEFT_CLEANUP(endorser_answer_done) struct endorser_answer a = { 0 };
    bool is_signed = size > 0 && data[0] < SCC_NR;
    if (world.channel == NULL)
        make_world();
    if (is_signed)
        put_signed(bytes_of(data, size), &request);
    else
        buf_put(&request, bytes_of(data, size));
    endorser_process(&world.endorser, buf_bytes(&request), NOW_S * INT64_C(1000000000), &a);
    WEFT_ASSERT(a.code == GRPC_OK ? a.reply.len > 0 : a.refusal.len > 0);
    WEFT_ASSERT(!is_signed || a.code == GRPC_OK); /* who may ask is not sent away */
    return 0;
}
