/* lifecycle_store.h - how _lifecycle keeps structs in the state.
 *
 * A struct lies there field by field, so that only what changes is written:
 *
 *     namespaces/metadata/mycc                  StateMetadata { "ChaincodeDefinition", names }
 *     namespaces/fields/mycc/Sequence           StateData { Int64 2 }
 *     namespaces/fields/mycc/EndorsementInfo    StateData { Bytes of the message }
 *
 * either in public, or in the implicit collection of an organisation, where it says what it
 * approves of: others see hashes only and compare them with those of what they expect.
 *
 *     chaincode-sources/metadata/mycc#2         ChaincodeLocalPackage: which package it runs
 *
 * Go origin   core/chaincode/lifecycle/serializer.go core/chaincode/lifecycle/ledger_shim.go
 * Owner       the simulator's thread
 * Memory      borrows from the simulator
 * Limits      those of proto_check.h
 */
#ifndef WEFT_ENDORSER_LIFECYCLE_STORE_H
#define WEFT_ENDORSER_LIFECYCLE_STORE_H

#include "proto/repeated.h"

struct tx_simulator;

#define LIFECYCLE_NAMESPACES "namespaces"
#define LIFECYCLE_SOURCES    "chaincode-sources"

struct lifecycle_store {
    struct tx_simulator *simulator; /* NULL: there is no ledger to ask */
    struct bytes collection;        /* no data: in public */
    struct bytes tx_id;
};

struct state_metadata {
    struct bytes datatype;
    struct repeated fields;
};

enum weft_code lifecycle_store_metadata(const struct lifecycle_store *s, const char *space,
                                        struct bytes name, bool *ret_found,
                                        struct state_metadata *ret,
                                        struct weft_err *e) WEFT_MUST_CHECK;

/* A field's value; one that is not there is 0 or no data. */
enum weft_code lifecycle_store_int64(const struct lifecycle_store *s, const char *space,
                                     struct bytes name, const char *field, int64_t *ret,
                                     struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code lifecycle_store_bytes(const struct lifecycle_store *s, const char *space,
                                     struct bytes name, const char *field, struct bytes *ret,
                                     struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code lifecycle_store_string(const struct lifecycle_store *s, const char *space,
                                      struct bytes name, const char *field, struct bytes *ret,
                                      struct weft_err *e) WEFT_MUST_CHECK;

/* A struct to be written or compared: its fields as StateData. */
enum {
    STATE_FIELDS_MAX = 4
};
struct state_struct {
    const char *datatype;
    const char *names[STATE_FIELDS_MAX];
    struct buf data[STATE_FIELDS_MAX];
    size_t count;
};
void state_struct_done(struct state_struct *s);
WEFT_DEFINE_CLEANUP_IN_PLACE(struct state_struct, state_struct_done)
void state_struct_add_int64(struct state_struct *s, const char *name, int64_t n);
void state_struct_add_bytes(struct state_struct *s, const char *name, struct bytes b);
void state_struct_add_string(struct state_struct *s, const char *name, struct bytes text);

/* Writes what differs from what is there, and deletes what is not in the struct. */
enum weft_code lifecycle_store_put(const struct lifecycle_store *s, const char *space,
                                   struct bytes name, const struct state_struct *what,
                                   struct weft_err *e) WEFT_MUST_CHECK;
/* Is this what somebody's collection holds?  By the hashes. */
enum weft_code lifecycle_store_is(const struct lifecycle_store *s, const char *space,
                                  struct bytes name, const struct state_struct *what, bool *ret,
                                  struct weft_err *e) WEFT_MUST_CHECK;

#endif
