/* channel_chain.h - a chain whose configurations are real ones: who may sign is
 * decided by them, and each follows from the one before it.
 *
 *     struct channel_chain *c = channel_chain_new("ch", 42, CHAIN_OF_ORDERER);
 *     chain_next(&c->chain, 3, 100);      block 0: the first configuration
 *     c->signers = "OrdererMSP";                        whose admins allow the next one
 *     chain_next_config(&c->chain, 0);    BatchSize is another afterwards
 *     channel_chain_sign_as(c, "Org1MSP");              the blocks that come
 *
 * What a configuration changes is another batch size, unless `change` does something else.
 *
 * Go origin   none
 * Owner       the test
 */
#ifndef WEFT_TESTS_CHANNEL_CHAIN_H
#define WEFT_TESTS_CHANNEL_CHAIN_H

#include "chain.h"
#include "test_channel.h"

struct channel_chain {
    struct chain chain; /* first: its put_config finds us */
    struct test_channel *now;
    const char *signers;
    uint64_t sequence, batch;
    void (*change)(void *ctx, struct test_channel *next); /* NULL: BatchSize */
    void *ctx;
};

struct channel_chain *channel_chain_new(const char *channel, uint64_t seed, enum chain_form form);
void channel_chain_free(struct channel_chain *c);
WEFT_DEFINE_CLEANUP(struct channel_chain *, channel_chain_free)

void channel_chain_sign_as(struct channel_chain *c, const char *mspid);

#endif
