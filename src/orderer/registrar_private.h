/* registrar_private.h - what the registrar's files share.
 *
 * registrar.c opens, starts and stops; channel_creation.c makes channels for the
 * system channel; channel_participation.c joins and removes.
 *
 * Go origin   none
 * Owner       see registrar.h
 */
#ifndef WEFT_ORDERER_REGISTRAR_PRIVATE_H
#define WEFT_ORDERER_REGISTRAR_PRIVATE_H

#include "orderer/registrar.h"

struct block_stores;
struct block_view;

struct registrar {
    struct registrar_config config;
    struct block_stores *stores;
    struct x509_cert *cluster;
    char *journals;
    struct chain_world world;
    struct channel_listener *listeners;
    struct chain_thread **chains;
    size_t count;
    _Atomic size_t shown_count;  /* for other threads */
    struct chain_thread *system; /* NULL: there is none */
    bool is_stopping;
};

void registrar_show_count(struct registrar *r);
struct chain_thread *registrar_find(const struct registrar *r, const char *id);
/* Stores a channel's block 0, and adds the channel; its chain does not run yet.  Nothing
 * stays behind on failure; WEFT_UNAVAILABLE: it could not be stored. */
enum weft_code registrar_add_new(struct registrar *r, struct bundle *b, const struct block_view *v,
                                 struct chain_thread **ret, struct weft_err *e) WEFT_MUST_CHECK;
enum weft_code registrar_check_bundle(const struct bundle *b, struct weft_err *e) WEFT_MUST_CHECK;
void registrar_start_of(const struct chain_thread *t, struct channel_start *ret);
/* Starts a chain that was added, and tells all loops. */
enum weft_code registrar_announce(struct registrar *r, struct chain_thread *t,
                                  struct weft_err *e) WEFT_MUST_CHECK;

/* chain_world's; on the system channel's thread. */
enum weft_code registrar_create_channel(void *ctx, struct bytes config_envelope,
                                        struct weft_err *e) WEFT_MUST_CHECK;

#endif
