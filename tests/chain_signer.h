/* chain_signer.h - an orderer's key and certificate, made on the spot.
 *
 * Go origin   none
 * Owner       the test
 */
#ifndef WEFT_TESTS_CHAIN_SIGNER_H
#define WEFT_TESTS_CHAIN_SIGNER_H

#include "proto/block.h"

struct chain_signer;

struct chain_signer *chain_signer_new(void);
/* Somebody else's: a SerializedIdentity, and a key that signs a message. */
struct chain_signer *chain_signer_of(struct bytes creator,
                                     void (*sign)(const void *key, struct bytes message,
                                                  struct buf *out),
                                     const void *key);
void chain_signer_free(struct chain_signer *s);

/* Its SerializedIdentity, { "OrdererMSP", certificate as PEM }, and its key. */
struct private_key;
struct bytes chain_signer_creator(const struct chain_signer *s);
struct private_key *chain_signer_key(const struct chain_signer *s);

/* Slot 0 of a block whose number and hashes are set: OrdererBlockMetadata with
 * the last config, signed with the header. */
void chain_signer_put_slot(const struct chain_signer *s, const struct block_view *v,
                           uint64_t last_config, struct bytes nonce, struct buf *out);
/* The same with another value. */
void chain_signer_put_metadata(const struct chain_signer *s, const struct block_view *v,
                               struct bytes value, struct bytes nonce, struct buf *out);

#endif
