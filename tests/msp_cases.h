/* msp_cases.h - a world of certificates and MSPs, and questions about them.
 *
 *     case    msp "intermediate", identity "client-of-inter", question "member"  ->  yes
 *             msp "plain", identity "bad-signature", question "parse"  ->  "ECDSA verification failure"
 *
 * The answers are Fabric's: the world was written into files (the program
 * msp_cases), a Go program of ours linked with Fabric 2.2.15's package msp set
 * the same MSPs up and asked the same questions, and each of its answers was
 * held against ours and against the table.
 *
 * Go origin   none
 * Owner       the test
 */
#ifndef WEFT_TESTS_MSP_CASES_H
#define WEFT_TESTS_MSP_CASES_H

#include "base/bytes.h"
#include "msp/msp.h"

struct made_cert;
struct msp_world;

struct msp_case {
    const char *msp;      /* which of the MSPs */
    const char *identity; /* a certificate, or one of the odd things below */
    const char *question;
    const char *no; /* NULL: yes; else what the words contain */
};

/* In msp_cases_table.c. */
extern const struct msp_case msp_cases[];
extern const size_t msp_case_count;

struct msp_world *msp_world_new(void);
void msp_world_free(struct msp_world *w);
WEFT_DEFINE_CLEANUP(struct msp_world *, msp_world_free)

const struct made_cert *msp_world_cert(const struct msp_world *w, const char *name);
/* The configuration of an MSP; lies in the arena. */
void msp_world_config(const struct msp_world *w, const char *msp, struct arena *arena,
                      struct msp_config *ret, enum msp_version *ret_version);
/* "SerializedIdentity" of: a certificate's name; "@Org9MSP name"; "#type name"
 * (another PEM type); "+name" (bytes after it); "=text" (that for a PEM);
 * "!bytes" (no SerializedIdentity at all). */
void msp_world_identity(const struct msp_world *w, const char *identity, struct buf *out);

/* Asks our own MSP. */
enum weft_code msp_case_ask(const struct msp_world *w, const struct msp_case *c,
                            struct weft_err *e);
/* Writes what the case is about into a folder, for another program to ask. */
enum weft_code msp_case_dump(const struct msp_world *w, const struct msp_case *c, const char *dir,
                             struct weft_err *e);

#endif
