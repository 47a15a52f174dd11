#include "audit/chain_audit.h"

#include "channel_chain.h"
#include "proto/metadata.h"
#include "weft_test.h"

/* What the audit has told. */
struct story {
    struct audit_period periods[8];
    char names[8][32]; /* of each period's first signer */
    size_t count, notes;
};

static void take_period(void *ctx, const struct audit_period *p)
{
    struct story *s = ctx;
    EXPECT(s->count < WEFT_ARRAY_LEN(s->periods));
    s->periods[s->count] = *p;
    (void)snprintf(s->names[s->count], sizeof(s->names[0]), "%.*s",
                   p->signer_count > 0 ? (int)p->signers[0].mspid.len : 0,
                   (const char *)p->signers[0].mspid.data);
    s->count++;
}

static void take_note(void *ctx, const char *text)
{
    EXPECT(strstr(text, "was found invalid and is passed over") != NULL);
    ((struct story *)ctx)->notes++;
}

static enum weft_code audit(const struct chain *c, struct story *s, struct weft_err *e)
{
    WEFT_CLEANUP(chain_audit_free)
    struct chain_audit *a =
        chain_audit_new(&(struct chain_audit_deps){ s, take_period, take_note });
    *s = (struct story){ 0 };
    for (size_t i = 0; i < c->count; i++)
        WEFT_TRY(chain_audit_block(a, &c->blocks[i]->v, e));
    return chain_audit_end(a, e);
}

static void add_blocks(struct channel_chain *c, size_t count)
{
    for (size_t i = 0; i < count; i++)
        (void)chain_next(&c->chain, 1, 10);
}

TEST(tells_who_signed_under_which_configuration)
{
    struct weft_err e = { 0 };
    struct story s;
    WEFT_CLEANUP(channel_chain_free)
    struct channel_chain *c = channel_chain_new("ch", 1, CHAIN_OF_ORDERER);
    add_blocks(c, 200); /* more than wait together */
    (void)chain_next_config(&c->chain, 0);
    (void)chain_next_config(&c->chain, 0);
    EXPECT_OK(audit(&c->chain, &s, &e));
    EXPECT_EQ(s.count, 3);
    EXPECT_EQ(s.periods[0].first, 1);
    EXPECT_EQ(s.periods[0].last, 200); /* a configuration is judged by the one before it */
    EXPECT_EQ(s.periods[0].blocks, 200);
    EXPECT_EQ(s.periods[0].signer_count, 1);
    EXPECT_EQ(s.periods[0].signers[0].blocks, 200);
    EXPECT_STR(s.names[0], "OrdererMSP");
    EXPECT_STR(s.periods[0].policy, "/Channel/Orderer/BlockValidation");
    EXPECT_EQ(s.periods[1].config_block, 200);
    EXPECT_EQ(s.periods[1].sequence, 1);
    EXPECT_EQ(s.periods[1].blocks, 1);
    EXPECT_EQ(s.periods[2].config_block, 201);
    EXPECT_EQ(s.periods[2].blocks, 0); /* nothing came after it */
}

TEST(a_stranger_among_many_is_found_whenever_it_is_looked_at)
{
    static const size_t places[] = { 1, 127, 128, 129, 200 };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(places); i++) {
        struct weft_err e = { 0 };
        struct story s;
        WEFT_CLEANUP(channel_chain_free)
        struct channel_chain *c = channel_chain_new("ch", 2, CHAIN_OF_ORDERER);
        WEFT_FREE char *words = weft_asprintf("block [%zu] is signed by Org2MSP: ", places[i]);
        add_blocks(c, places[i]);
        channel_chain_sign_as(c, "Org2MSP");
        add_blocks(c, 1);
        channel_chain_sign_as(c, "OrdererMSP");
        add_blocks(c, 200 - places[i]);
        EXPECT_CODE(audit(&c->chain, &s, &e), WEFT_CORRUPT);
        EXPECT_WORDS(e, words);
    }
}

TEST(a_chain_that_does_not_begin_with_a_configuration_is_refused)
{
    struct weft_err e = { 0 };
    struct story s;
    struct chain c;
    chain_init(&c, "ch", 3);
    (void)chain_next(&c, 1, 10);
    EXPECT_CODE(audit(&c, &s, &e), WEFT_CORRUPT);
    EXPECT_WORDS(e, "block [0] holds no configuration");
    chain_done(&c);

    chain_init_signed(&c, "ch", 3, CHAIN_OF_ORDERER);
    (void)chain_next(&c, 1, 10);
    EXPECT_CODE(audit(&c, &s, &e), WEFT_CORRUPT);
    EXPECT_WORDS(e, "block [0]: bad configuration: ");
    chain_done(&c);
}

/* A peer goes on with the configuration that it has. */
TEST(what_a_peer_found_invalid_does_not_take_effect)
{
    struct weft_err e = { 0 };
    struct story s;
    struct block *b = NULL;
    WEFT_CLEANUP(channel_chain_free)
    struct channel_chain *c = channel_chain_new("ch", 4, CHAIN_OF_PEER);
    add_blocks(c, 2);
    c->signers = "Org1MSP"; /* who may not */
    b = chain_next_config(&c->chain, 0);
    add_blocks(c, 1);
    EXPECT_CODE(audit(&c->chain, &s, &e), WEFT_CORRUPT);
    EXPECT_WORDS(e, "block [2]: bad configuration: ");

    static const uint8_t invalid[] = { TX_INVALID_CONFIG_TRANSACTION };
    b->v.slots.at[BLOCK_SLOT_FLAGS] = bytes_of(invalid, 1);
    EXPECT_OK(audit(&c->chain, &s, &e));
    EXPECT_EQ(s.notes, 1);
    EXPECT_EQ(s.count, 1);
    EXPECT_EQ(s.periods[0].last, 3);
}
