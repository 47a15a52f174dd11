#include "orderer/etcdraft_metadata.h"

#include "base/duration.h"
#include "bundle/bundle.h"
#include "crypto/pem.h"
#include "crypto/x509_chain.h"
#include "proto/proto_check.h"

#include <orderer/etcdraft/configuration.pb-c.h>
#include <orderer/etcdraft/metadata.pb-c.h>

static const char etcdraft[] = "etcdraft";

/* ---- the configuration ------------------------------------------------------------------ */

static struct bytes bytes_of_pb(ProtobufCBinaryData d)
{
    return bytes_of(d.data, d.len);
}

enum weft_code etcdraft_config_parse(struct bytes metadata, struct arena *arena,
                                     struct etcdraft_config *ret, struct weft_err *e)
{
    void *unpacked = NULL;
    WEFT_TRY(proto_unpack(&etcdraft__config_metadata__descriptor, metadata, arena, &unpacked, e));
    const Etcdraft__ConfigMetadata *m = unpacked;
    if (m->n_consenters > LIMIT_CONSENTERS)
        return WEFT_FAIL(e, WEFT_LIMIT, "%zu consenters are more than the %d that are taken",
                         m->n_consenters, (int)LIMIT_CONSENTERS);
    struct etcdraft_consenter *list =
        arena_alloc(arena, (m->n_consenters + 1) * sizeof(struct etcdraft_consenter));
    for (size_t i = 0; i < m->n_consenters; i++)
        list[i] = (struct etcdraft_consenter){
            .host = m->consenters[i]->host,
            .port = m->consenters[i]->port,
            .client_cert = bytes_of_pb(m->consenters[i]->client_tls_cert),
            .server_cert = bytes_of_pb(m->consenters[i]->server_tls_cert),
        };
    struct etcdraft_config c = { .consenters = list, .consenter_count = m->n_consenters };
    if (m->options != NULL) {
        c.has_options = true;
        c.tick_interval = m->options->tick_interval;
        c.election_tick = m->options->election_tick;
        c.heartbeat_tick = m->options->heartbeat_tick;
        c.max_inflight_blocks = m->options->max_inflight_blocks;
        c.snapshot_interval_size = m->options->snapshot_interval_size;
    }
    *ret = c;
    return WEFT_OK;
}

static bool has_key_of(struct bytes pem, const struct x509_cert *cert)
{
    WEFT_CLEANUP(x509_cert_unref) struct x509_cert *theirs = NULL;
    if (x509_cert_parse_pem(pem, &theirs, NULL) != WEFT_OK)
        return false;
    if (theirs->key != NULL && cert->key != NULL)
        return public_key_eq(theirs->key, cert->key);
    return bytes_eq(theirs->der, cert->der); /* no key that we can compare */
}

size_t etcdraft_config_find(const struct etcdraft_config *c, const struct x509_cert *server)
{
    for (size_t i = 0; i < c->consenter_count; i++)
        if (has_key_of(c->consenters[i].server_cert, server))
            return i;
    return SIZE_MAX;
}

/* ---- is it a good one ----------------------------------------------------------------------- */

static enum weft_code check_options(const struct etcdraft_config *c, struct weft_err *e)
{
    int64_t tick;
    if (!c->has_options)
        return WEFT_FAIL(e, WEFT_INVALID, "nil Raft config metadata options");
    if (c->heartbeat_tick == 0 || c->election_tick == 0 || c->max_inflight_blocks == 0)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "none of HeartbeatTick (%u), ElectionTick (%u) and MaxInflightBlocks "
                         "(%u) can be zero",
                         c->heartbeat_tick, c->election_tick, c->max_inflight_blocks);
    if (c->election_tick <= c->heartbeat_tick)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "ElectionTick (%u) must be greater than HeartbeatTick (%u)",
                         c->election_tick, c->heartbeat_tick);
    if (!duration_parse(bytes_of_str(c->tick_interval), &tick))
        return WEFT_FAIL(e, WEFT_INVALID,
                         "failed to parse TickInterval (%.100s) to time duration: time: invalid "
                         "duration %.100s",
                         c->tick_interval, c->tick_interval);
    if (tick == 0)
        return WEFT_FAIL(e, WEFT_INVALID, "TickInterval cannot be zero");
    if (c->consenter_count == 0)
        return WEFT_FAIL(e, WEFT_INVALID, "empty consenter set");
    return WEFT_OK;
}

/* Whom consenters' TLS certificates may lead to. */
struct tls_pools {
    struct x509_pool roots, intermediates;
};

static void tls_pools_done(struct tls_pools *p)
{
    x509_pool_done(&p->roots);
    x509_pool_done(&p->intermediates);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct tls_pools, tls_pools_done)

static enum weft_code parse_link(struct bytes pem, struct x509_link **ret, struct weft_err *e)
{
    WEFT_CLEANUP(x509_cert_unref) struct x509_cert *cert = NULL;
    WEFT_TRY(x509_cert_parse_pem(pem, &cert, e));
    return x509_link_parse(cert->der, ret, e);
}

static enum weft_code add_all(struct x509_pool *pool, const struct msp_items *pems,
                              struct weft_err *e)
{
    for (size_t i = 0; i < pems->count; i++) {
        WEFT_CLEANUP(x509_link_unref) struct x509_link *link = NULL;
        WEFT_TRY(parse_link(pems->at[i], &link, e));
        x509_pool_add(pool, link);
    }
    return WEFT_OK;
}

static enum weft_code tls_pools_of(const struct bundle_orderer *o, struct tls_pools *ret,
                                   struct weft_err *e)
{
    for (size_t i = 0; i < o->org_count; i++) {
        enum weft_code rc = add_all(&ret->roots, msp_tls_roots(o->orgs[i].msp), e);
        if (rc != WEFT_OK)
            return weft_err_wrap(e, rc, "parsing tls root certs");
        rc = add_all(&ret->intermediates, msp_tls_intermediates(o->orgs[i].msp), e);
        if (rc != WEFT_OK)
            return weft_err_wrap(e, rc, "parsing tls intermediate certs");
    }
    return WEFT_OK;
}

/* Go looks at the leaf's validity first, and that error is the one passed over:
 * of an expired certificate nothing else is asked. */
static enum weft_code check_cert(const struct x509_link *link, const char *kind,
                                 const struct tls_pools *pools, int64_t now_s,
                                 bool ignore_expiration, struct weft_err *e)
{
    if (ignore_expiration && (now_s < link->cert->not_before || now_s > link->cert->not_after))
        return WEFT_OK;
    enum weft_code rc = x509_chain_check_tls(link, &pools->roots, &pools->intermediates, now_s, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "verifying tls %s cert with serial number %s", kind,
                             link->cert->serial_text);
    return WEFT_OK;
}

static enum weft_code check_consenter(const struct etcdraft_consenter *c,
                                      const struct tls_pools *pools, int64_t now_s,
                                      bool ignore_expiration, struct weft_err *e)
{
    WEFT_CLEANUP(x509_link_unref) struct x509_link *client = NULL;
    WEFT_CLEANUP(x509_link_unref) struct x509_link *server = NULL;
    enum weft_code rc = parse_link(c->client_cert, &client, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, WEFT_INVALID, "parsing tls client cert of %.200s:%u", c->host,
                             c->port);
    rc = parse_link(c->server_cert, &server, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, WEFT_INVALID, "parsing tls server cert of %.200s:%u", c->host,
                             c->port);
    WEFT_TRY(check_cert(client, "client", pools, now_s, ignore_expiration, e));
    return check_cert(server, "server", pools, now_s, ignore_expiration, e);
}

/* No certificate may be found at two consenters, as client's or as server's. */
static enum weft_code check_duplicates(const struct etcdraft_config *c, struct weft_err *e)
{
    for (size_t i = 0; i < c->consenter_count; i++)
        for (size_t k = 0; k < i; k++) {
            const struct etcdraft_consenter *a = &c->consenters[i], *b = &c->consenters[k];
            if (bytes_eq(a->server_cert, b->server_cert) ||
                bytes_eq(a->server_cert, b->client_cert) ||
                bytes_eq(a->client_cert, b->server_cert) ||
                bytes_eq(a->client_cert, b->client_cert))
                return WEFT_FAIL(
                    e, WEFT_INVALID, "duplicate consenter: server cert: %.*s, client cert: %.*s",
                    a->server_cert.len > 200 ? 200 : (int)a->server_cert.len, a->server_cert.data,
                    a->client_cert.len > 200 ? 200 : (int)a->client_cert.len, a->client_cert.data);
        }
    return WEFT_OK;
}

static enum weft_code check_config(const struct etcdraft_config *c, const struct tls_pools *pools,
                                   int64_t now_s, struct weft_err *e)
{
    WEFT_TRY(check_options(c, e));
    for (size_t i = 0; i < c->consenter_count; i++) {
        enum weft_code rc = check_consenter(&c->consenters[i], pools, now_s, true, e);
        if (rc != WEFT_OK)
            return weft_err_wrap(e, WEFT_INVALID, "consenter %.200s:%u has invalid certificate",
                                 c->consenters[i].host, c->consenters[i].port);
    }
    return check_duplicates(c, e);
}

/* ---- may it become another one ---------------------------------------------------------------- */

static bool has_client_cert(const struct etcdraft_config *c, struct bytes client_cert)
{
    for (size_t i = 0; i < c->consenter_count; i++)
        if (bytes_eq(c->consenters[i].client_cert, client_cert))
            return true;
    return false;
}

static enum weft_code check_subset(const struct etcdraft_config *all,
                                   const struct etcdraft_config *some, struct weft_err *e)
{
    for (size_t i = 0; i < some->consenter_count; i++)
        if (!has_client_cert(all, some->consenters[i].client_cert))
            return WEFT_FAIL(e, WEFT_INVALID,
                             "new channel has consenter that is not part of system consenter set");
    return WEFT_OK;
}

static enum weft_code check_move(const struct etcdraft_config *now,
                                 const struct etcdraft_config *next, const struct tls_pools *pools,
                                 int64_t now_s, struct weft_err *e)
{
    struct etcdraft_block_metadata m;
    WEFT_TRY(etcdraft_block_metadata_of(bytes_of(NULL, 0), now, &m, e));
    WEFT_TRY(etcdraft_block_metadata_move(&m, now, next, e));
    for (size_t i = 0; i < next->consenter_count; i++) {
        const struct etcdraft_consenter *c = &next->consenters[i];
        if (has_client_cert(now, c->client_cert))
            continue;
        enum weft_code rc = check_consenter(c, pools, now_s, false, e);
        if (rc != WEFT_OK)
            return weft_err_wrap(e, WEFT_INVALID, "consenter %.200s:%u has invalid certificates",
                                 c->host, c->port);
    }
    if (now->consenter_count == 1 && next->consenter_count > 1)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "this orderer orders alone: a consenter set of %zu is not supported",
                         next->consenter_count);
    return WEFT_OK;
}

enum weft_code etcdraft_check_update(const struct bundle *now, const struct bundle *next,
                                     bool new_channel, int64_t now_s, struct weft_err *e)
{
    const struct bundle_orderer *old = bundle_orderer(now), *new = bundle_orderer(next);
    if (strcmp(old->consensus_type, etcdraft) != 0 || new->consensus_metadata.len == 0 ||
        old->consensus_metadata.len == 0)
        return WEFT_OK;
    WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
    WEFT_CLEANUP(tls_pools_done) struct tls_pools pools = { 0 };
    struct etcdraft_config was, will;
    WEFT_TRY(etcdraft_config_parse(old->consensus_metadata, &arena, &was, e));
    enum weft_code rc = etcdraft_config_parse(new->consensus_metadata, &arena, &will, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, WEFT_INVALID,
                             "failed to unmarshal new etcdraft metadata configuration");
    rc = tls_pools_of(new, &pools, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(
            e, WEFT_INVALID,
            "failed to create x509 verify options from old and new orderer config");
    rc = check_config(&will, &pools, now_s, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, WEFT_INVALID, "invalid new config metadata");
    return new_channel ? check_subset(&was, &will, e) : check_move(&was, &will, &pools, now_s, e);
}

/* ---- in a block ---------------------------------------------------------------------------------- */

enum weft_code etcdraft_block_metadata_parse(struct bytes b, struct etcdraft_block_metadata *ret,
                                             struct weft_err *e)
{
    WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
    void *unpacked = NULL;
    WEFT_TRY(proto_unpack(&etcdraft__block_metadata__descriptor, b, &arena, &unpacked, e));
    const Etcdraft__BlockMetadata *m = unpacked;
    if (m->n_consenter_ids > LIMIT_CONSENTERS)
        return WEFT_FAIL(e, WEFT_LIMIT, "%zu consenters are more than the %d that are taken",
                         m->n_consenter_ids, (int)LIMIT_CONSENTERS);
    *ret = (struct etcdraft_block_metadata){ .count = m->n_consenter_ids,
                                             .next_id = m->next_consenter_id,
                                             .raft_index = m->raft_index };
    for (size_t i = 0; i < m->n_consenter_ids; i++)
        ret->ids[i] = m->consenter_ids[i];
    return WEFT_OK;
}

void etcdraft_block_metadata_encode(const struct etcdraft_block_metadata *m, struct buf *out)
{
    WEFT_CLEANUP(buf_done) struct buf ids = { 0 };
    for (size_t i = 0; i < m->count; i++)
        buf_put_uvarint(&ids, m->ids[i]);
    if (ids.len > 0)
        wire_put_bytes(out, 1, buf_bytes(&ids));
    if (m->next_id != 0)
        wire_put_varint(out, 2, m->next_id);
    if (m->raft_index != 0)
        wire_put_varint(out, 3, m->raft_index);
}

enum weft_code etcdraft_block_metadata_of(struct bytes consenter_metadata,
                                          const struct etcdraft_config *c,
                                          struct etcdraft_block_metadata *ret, struct weft_err *e)
{
    if (consenter_metadata.len > 0) {
        enum weft_code rc = etcdraft_block_metadata_parse(consenter_metadata, ret, e);
        if (rc != WEFT_OK)
            return weft_err_wrap(e, WEFT_CORRUPT,
                                 "failed to read Raft metadata: failed to unmarshal block's "
                                 "metadata");
        return WEFT_OK;
    }
    *ret = (struct etcdraft_block_metadata){ .count = c->consenter_count, .next_id = 1 };
    for (size_t i = 0; i < c->consenter_count; i++)
        ret->ids[i] = ret->next_id++;
    return WEFT_OK;
}

/* The place of a consenter, known by its client certificate. */
static size_t place_of(const struct etcdraft_config *c, struct bytes client_cert)
{
    size_t i = 0;
    while (i < c->consenter_count && !bytes_eq(c->consenters[i].client_cert, client_cert))
        i++;
    return i;
}

enum weft_code etcdraft_block_metadata_move(struct etcdraft_block_metadata *m,
                                            const struct etcdraft_config *now,
                                            const struct etcdraft_config *next, struct weft_err *e)
{
    struct etcdraft_block_metadata moved = { .count = next->consenter_count,
                                             .next_id = m->next_id,
                                             .raft_index = m->raft_index };
    size_t added = 0, added_at = 0, removed = 0;
    uint64_t removed_id = 0;
    if (m->count != now->consenter_count)
        return WEFT_FAIL(e, WEFT_CORRUPT, "the block numbers %zu consenters, there are %zu",
                         m->count, now->consenter_count);
    for (size_t i = 0; i < next->consenter_count; i++) {
        size_t was = place_of(now, next->consenters[i].client_cert);
        if (was < now->consenter_count) {
            moved.ids[i] = m->ids[was];
        } else {
            added++;
            added_at = i;
        }
    }
    for (size_t i = 0; i < now->consenter_count; i++)
        if (place_of(next, now->consenters[i].client_cert) == next->consenter_count) {
            removed++;
            removed_id = m->ids[i];
        }
    if (added > 1 || removed > 1)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "update of more than one consenter at a time is not supported, "
                         "requested changes: add %zu node(s), remove %zu node(s)",
                         added, removed);
    if (added == 1)
        moved.ids[added_at] = removed == 1 ? removed_id : moved.next_id++;
    *m = moved;
    return WEFT_OK;
}
