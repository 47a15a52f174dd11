/* A block, or what lies deeper in one, through validation and the check of its reads.
 *
 * Bytes that a fuzzer makes up are nobody's signature, so the first byte says what the rest is,
 * and what is around it is well made and signed:
 *
 *     0 the whole block   1 an envelope   2 a read-write set   3 a call of lscc and its writes
 *     4 a definition in the state   5 one of lscc's   6 a key's metadata   7 policies
 *
 * Where it is several things, two bytes before each say how long it is. */
#include "validation/block_validation.h"

#include "base/log.h"
#include "proto/block.h"
#include "proto/metadata.h"
#include "validation/tx_validator.h"
#include "validation_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct vworld worlds[2]; /* by the rules of 2.0, and of 1.4 */

static struct bytes take_part(struct bytes *rest)
{
    if (rest->len < 2)
        return *rest;
    size_t len = (size_t)rest->data[0] << 8 | rest->data[1];
    *rest = bytes_skip(*rest, 2);
    if (len > rest->len)
        len = rest->len;
    struct bytes part = bytes_of(rest->data, len);
    *rest = bytes_skip(*rest, len);
    return part;
}

static enum weft_code no_config(void *ctx, const struct block *b, size_t tx, struct weft_err *e)
{
    (void)ctx, (void)b, (void)tx;
    return WEFT_FAIL(e, WEFT_INVALID, "no such configuration");
}

static void judge(struct vworld *w, struct block *b)
{
    WEFT_CLEANUP(validation_lane_free)
    struct validation_lane *lane = validation_lane_new(NULL, 100);
    WEFT_CLEANUP(block_validation_free)
    struct block_validation *v = block_validation_new(b, w->bundle);
    WEFT_CLEANUP(tx_validator_free)
    struct tx_validator *tv =
        tx_validator_new(&(struct tx_validator_deps){ .apply_config = no_config });
    WEFT_FREE uint8_t *codes = weft_alloc(b->v.txs.count + 1);
    struct digest hash;
    block_validation_run_all(v, lane);
    if (tx_validator_decide(tv, v, map_state_view(w->state), codes, NULL) != WEFT_OK ||
        map_state_commit(w->state, v, codes, &hash, NULL) != WEFT_OK)
        return;
    for (size_t i = 0; i < b->v.txs.count; i++)
        WEFT_ASSERT(codes[i] != TX_NOT_VALIDATED && tx_validation_code_name(codes[i]) != NULL);
}

static void judge_added(struct vworld *w)
{
    WEFT_CLEANUP(block_unref) struct block *b = vworld_block(w);
    judge(w, b);
}

/* A call that touches a key, a collection and a range. */
static void call(struct vworld *w, const char *chaincode)
{
    struct rwset_maker m = { 0 };
    struct made_read read = { bytes_of_str("b"), { 1, 0 } };
    WEFT_CLEANUP(buf_done) struct buf results = { 0 };
    rwset_namespace(&m, chaincode);
    rwset_range(&m, bytes_of_str("a"), bytes_of_str("z"), true, &read, 1, 0);
    rwset_write(&m, bytes_of_str("k"), bytes_of_str("v"));
    rwset_collection(&m, "c1");
    rwset_write(&m, bytes_of_str("h"), bytes_of_str("v"));
    rwset_end(&m, &results);
    vworld_add(w, &(struct tx_order){ .chaincode = chaincode, .results = buf_bytes(&results) });
    judge_added(w);
}

static void put_definition(struct vworld *w, struct bytes rest)
{
    static const char *const keys[] = {
        "namespaces/metadata/odd",
        "namespaces/fields/odd/Sequence",
        "namespaces/fields/odd/EndorsementInfo",
        "namespaces/fields/odd/ValidationInfo",
        "namespaces/fields/odd/Collections",
    };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(keys); i++)
        map_state_put(w->state, "_lifecycle", bytes_of_str(keys[i]), take_part(&rest));
    call(w, "odd");
}

static void use(struct vworld *w, uint8_t what, struct bytes rest)
{
    struct tx_order o = { .chaincode = "asset", .results = rest };
    switch (what) {
    case 1:
        vworld_add_bytes(w, rest);
        judge_added(w);
        break;
    case 2:
        vworld_add(w, &o);
        judge_added(w);
        break;
    case 3:
        o.chaincode = "lscc";
        o.proposal = take_part(&rest);
        o.results = rest;
        vworld_add(w, &o);
        judge_added(w);
        break;
    case 4:
        put_definition(w, rest);
        break;
    case 5:
        map_state_put(w->state, "lscc", bytes_of_str("odd"), take_part(&rest));
        map_state_put(w->state, "lscc", bytes_of_str("odd~collection"), take_part(&rest));
        call(w, "odd");
        break;
    case 6:
        map_state_put_metadata(w->state, "asset", "", bytes_of_str("k"), take_part(&rest));
        map_state_put_metadata(w->state, "asset", "c1", bytes_of_str("h"), take_part(&rest));
        call(w, "asset");
        break;
    default:
        vworld_define_with(w, "odd", bytes_of_str("vscc"), take_part(&rest), (struct bytes){ 0 });
        map_state_put_policy(w->state, "odd", "", bytes_of_str("k"), take_part(&rest));
        call(w, "odd");
        break;
    }
}

/* Two chaincodes, with a collection and a key of its own policy. */
static void fill_state(struct vworld *w)
{
    WEFT_CLEANUP(buf_done) struct buf package = { 0 };
    WEFT_CLEANUP(buf_done) struct buf policy = vworld_policy("OR('Org1MSP.peer')");
    vworld_collection(&package, "c1", NULL);
    map_state_free(w->state);
    w->state = map_state_new();
    w->next_block = 1;
    vworld_define(w, "asset", "AND('Org1MSP.peer','Org2MSP.peer')", &package);
    vworld_deploy(w, "asset", "1.0", "AND('Org1MSP.peer','Org2MSP.peer')");
    map_state_put_policy(w->state, "asset", "", bytes_of_str("own"), buf_bytes(&policy));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool quiet;
    if (!quiet)
        quiet = log_set_spec("fatal", NULL) == WEFT_OK;
    if (size == 0)
        return 0;
    struct bytes rest = bytes_of(data + 1, size - 1);
    for (size_t i = 0; i < WEFT_ARRAY_LEN(worlds); i++) {
        struct block *b = NULL;
        if (worlds[i].channel == NULL)
            vworld_init(&worlds[i], i == 0 ? "V2_0" : "V1_4_2");
        fill_state(&worlds[i]);
        if (data[0] % 8 != 0)
            use(&worlds[i], data[0] % 8, rest);
        else if (block_parse(rest, &b, NULL) == WEFT_OK)
            judge(&worlds[i], b);
        block_unref(b);
    }
    return 0;
}
