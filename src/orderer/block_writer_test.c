/* Blocks of a Go orderer, made again: everything that it wrote must come out,
 * byte for byte, once its nonce and its signature are given. */
#include "orderer/block_writer.h"

#include "crypto/x509.h"
#include "net/net_msg.h"
#include "orderer/block_cutter.h"
#include "proto/envelope.h"
#include "proto/identity.h"
#include "proto/metadata.h"
#include "weft_test.h"

/* Stands for the orderer that signed `want`. */
struct world {
    struct block_writer writer;
    struct signature_header_view header; /* of the signature on `want` */
    struct bytes signature;
    const struct block_view *want;
    struct public_key *key;
    uint64_t appended;
    enum weft_code append_says;
    struct x509_cert *cert;
};

static enum weft_code world_nonce(void *ctx, uint8_t ret[BLOCK_WRITER_NONCE], struct weft_err *e)
{
    const struct world *w = ctx;
    (void)e;
    EXPECT_EQ(w->header.nonce.len, BLOCK_WRITER_NONCE);
    memcpy(ret, w->header.nonce.data, BLOCK_WRITER_NONCE);
    return WEFT_OK;
}

static enum weft_code world_sign(void *ctx, struct bytes message, struct buf *out,
                                 struct weft_err *e)
{
    const struct world *w = ctx;
    struct digest d = sha256_of(message);
    struct ecdsa_signature signature;
    EXPECT(ecdsa_signature_parse(w->signature, &signature, e) == WEFT_OK);
    EXPECT(ecdsa_verify_plain(w->key, digest_bytes(&d), &signature));
    buf_put(out, w->signature);
    return WEFT_OK;
}

static enum weft_code world_append(void *ctx, const struct block_view *v, struct weft_err *e)
{
    struct world *w = ctx;
    if (w->append_says != WEFT_OK)
        return WEFT_FAIL(e, w->append_says, "no space left on device");
    WEFT_CLEANUP(buf_done) struct buf got = { 0 };
    WEFT_CLEANUP(buf_done) struct buf want = { 0 };
    block_encode(v, &got);
    block_encode(w->want, &want);
    EXPECT_BYTES(buf_bytes(&got), buf_bytes(&want));
    w->appended++;
    return WEFT_OK;
}

static struct block *fixture_block(const char *folder, unsigned number)
{
    struct weft_err e;
    struct block *b = NULL;
    WEFT_FREE char *path = weft_asprintf("%s/%u.block", folder, number);
    WEFT_CLEANUP(buf_done) struct buf wire = weft_test_read(weft_test_fixture(path));
    EXPECT_OK(block_parse(buf_bytes(&wire), &b, &e));
    return b;
}

/* The orderer that wrote `want`, about to write it after `last`. */
static void world_init(struct world *w, const struct block_view *last,
                       const struct block_view *want, uint64_t sequence)
{
    struct weft_err e;
    struct metadata_view m;
    struct bytes item;
    struct serialized_identity id;
    *w = (struct world){ .want = want };
    EXPECT_OK(block_metadata(want, BLOCK_SLOT_SIGNATURES, &m, &e));
    EXPECT(repeated_next(&m.signatures, &item));
    struct metadata_signature s = metadata_signature_of(item);
    w->signature = s.signature;
    EXPECT_OK(signature_header_parse(s.signature_header, &w->header, &e));
    EXPECT_OK(serialized_identity_parse(w->header.creator, &id, &e));
    EXPECT_OK(x509_cert_parse_pem(id.id_bytes, &w->cert, &e));
    w->key = w->cert->key;
    const struct block_writer_deps deps = { .ctx = w,
                                            .creator = w->header.creator,
                                            .nonce = world_nonce,
                                            .sign = world_sign,
                                            .append = world_append };
    EXPECT_OK(block_writer_init(&w->writer, &deps, last, sequence, &e));
}

static void world_done(struct world *w)
{
    block_writer_done(&w->writer);
    x509_cert_unref(w->cert);
}

static void batch_of(const struct block_view *v, struct batch *ret)
{
    *ret = (struct batch){ 0 };
    for (size_t i = 0; i < v->txs.count; i++)
        batch_put(ret, net_msg_copy(v->txs.at[i]));
}

/* Writes the block after the one before it; the sequence grows where it did. */
static void write_again(const struct block *last, const struct block *want)
{
    struct weft_err e;
    struct world w;
    struct bytes consenter;
    uint64_t config = 0;
    WEFT_CLEANUP(batch_done) struct batch batch = { 0 };
    world_init(&w, &last->v, &want->v, 7);
    batch_of(&want->v, &batch);
    EXPECT_OK(block_last_config(&want->v, &config, &e));
    EXPECT_OK(block_consenter_metadata(&want->v, &consenter, &e));
    EXPECT_OK(
        block_writer_write(&w.writer, &batch, consenter, config == want->v.number ? 8 : 7, &e));
    EXPECT_EQ(w.appended, 1);
    world_done(&w);
}

static void write_all_again(const char *folder, unsigned count)
{
    WEFT_CLEANUP(block_unref) struct block *last = fixture_block(folder, 0);
    for (unsigned i = 1; i < count; i++) {
        struct block *next = fixture_block(folder, i);
        write_again(last, next);
        block_unref(last);
        last = next;
    }
}

TEST(writes_an_application_channel_as_a_go_orderer_did)
{
    write_all_again("ledger-small/blocks-orderer", 79);
}

TEST(writes_a_system_channel_as_a_go_orderer_did)
{
    write_all_again("ledger-small/blocks-system", 2);
}

TEST(a_failed_append_changes_nothing)
{
    struct weft_err e;
    struct world w;
    struct bytes consenter;
    WEFT_CLEANUP(batch_done) struct batch batch = { 0 };
    WEFT_CLEANUP(block_unref)
    struct block *last = fixture_block("ledger-small/blocks-orderer", 4);
    WEFT_CLEANUP(block_unref)
    struct block *want = fixture_block("ledger-small/blocks-orderer", 5);
    world_init(&w, &last->v, &want->v, 3);
    batch_of(&want->v, &batch);
    EXPECT_OK(block_consenter_metadata(&want->v, &consenter, &e));
    w.append_says = WEFT_IO;
    EXPECT_CODE(block_writer_write(&w.writer, &batch, consenter, 3, &e), WEFT_IO);
    w.append_says = WEFT_OK;
    EXPECT_OK(block_writer_write(&w.writer, &batch, consenter, 3, &e));
    EXPECT_EQ(w.appended, 1);
    EXPECT_EQ(w.writer.number, 5);
    world_done(&w);
}

static void expect_slot_value(uint64_t last_config, struct bytes consenter, struct bytes want)
{
    WEFT_CLEANUP(buf_done) struct buf b = { 0 };
    block_writer_value(last_config, consenter, &b);
    EXPECT_BYTES(buf_bytes(&b), want);
}

TEST(slot_0_has_the_last_config_and_what_the_consenter_says)
{
    expect_slot_value(0, bytes_of(NULL, 0), bytes_of("\x0a\x00", 2));
    expect_slot_value(5, bytes_of(NULL, 0), bytes_of("\x0a\x02\x08\x05", 4));
    expect_slot_value(5, bytes_of("cc", 2),
                      bytes_of("\x0a\x02\x08\x05\x12\x04\x0a\x02"
                               "cc",
                               10));
}

TEST(a_last_block_without_last_config_is_corrupt)
{
    struct weft_err e;
    struct block_writer w;
    const struct block_view last = { .number = 3, .has_header = true };
    EXPECT_CODE(block_writer_init(&w, &(struct block_writer_deps){ 0 }, &last, 0, &e),
                WEFT_CORRUPT);
    EXPECT_WORDS(e, "Error extracting last config block from block metadata");
}
