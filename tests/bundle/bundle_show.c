/* bundle_show FILE...: each file is a config block; what its bundle holds, as one
 * line of JSON; for the system test that holds it against Fabric's own JSON. */
#include "bundle/bundle.h"
#include "os/file.h"
#include "proto/block.h"

#include <inttypes.h>
#include <stdio.h>

/* Names and addresses of our fixtures need no escapes. */
static void show_strings(const struct bundle_strings *s)
{
    (void)printf("[");
    for (size_t i = 0; i < s->count; i++)
        (void)printf("%s\"%s\"", i > 0 ? "," : "", s->at[i]);
    (void)printf("]");
}

static void show_hex(struct bytes b)
{
    WEFT_FREE char *hex = bytes_to_hex(b);
    (void)printf("\"%s\"", hex);
}

static void show_orgs(const struct bundle_org *orgs, size_t count)
{
    (void)printf("{");
    for (size_t i = 0; i < count; i++) {
        const struct bundle_org *o = &orgs[i];
        (void)printf("%s\"%s\":{\"mspid\":\"%s\",\"endpoints\":", i > 0 ? "," : "", o->name,
                     o->mspid);
        show_strings(&o->endpoints);
        (void)printf(",\"anchors\":[");
        for (size_t k = 0; k < o->anchor_count; k++)
            (void)printf("%s{\"host\":\"%s\",\"port\":%" PRId32 "}", k > 0 ? "," : "",
                         o->anchors[k].host, o->anchors[k].port);
        (void)printf("],\"tls_roots\":%zu}", msp_tls_roots(o->msp)->count);
    }
    (void)printf("}");
}

static void show_orderer(const struct bundle_orderer *o)
{
    (void)printf(",\"orderer\":{\"type\":\"%s\",\"state\":%d,\"metadata\":", o->consensus_type,
                 (int)o->consensus_state);
    show_hex(o->consensus_metadata);
    (void)printf(",\"batch\":[%" PRIu32 ",%" PRIu32 ",%" PRIu32 "],\"timeout_ns\":%" PRId64
                 ",\"max_channels\":%" PRIu64 ",\"v20\":%s,\"orgs\":",
                 o->batch_size.max_messages, o->batch_size.absolute_max_bytes,
                 o->batch_size.preferred_max_bytes, o->batch_timeout_ns, o->max_channels,
                 o->capabilities.use_channel_creation_policy_as_admins ? "true" : "false");
    show_orgs(o->orgs, o->org_count);
    (void)printf("}");
}

static void show_application(const struct bundle_application *a)
{
    (void)printf(",\"application\":{\"v20\":%s,\"acls\":{",
                 a->capabilities.v2_0_validation ? "true" : "false");
    for (size_t i = 0; i < a->acl_count; i++)
        (void)printf("%s\"%s\":\"%s\"", i > 0 ? "," : "", a->acls[i].resource, a->acls[i].policy);
    (void)printf("},\"orgs\":");
    show_orgs(a->orgs, a->org_count);
    (void)printf("}");
}

static void show_consortiums(const struct bundle_consortiums *c)
{
    (void)printf(",\"consortiums\":{");
    for (size_t i = 0; i < c->count; i++) {
        (void)printf("%s\"%s\":{\"creation_policy\":", i > 0 ? "," : "", c->at[i].name);
        show_hex(c->at[i].creation_policy);
        (void)printf(",\"orgs\":");
        show_orgs(c->at[i].orgs, c->at[i].org_count);
        (void)printf("}");
    }
    (void)printf("}");
}

static void show(const struct bundle *b)
{
    const struct bundle_channel *c = bundle_channel(b);
    (void)printf("{\"channel\":\"%s\",\"sequence\":%" PRIu64 ",\"consortium\":\"%s\",\"v143\":%s,"
                 "\"orderer_addresses\":",
                 bundle_channel_id(b), bundle_sequence(b), c->consortium,
                 c->capabilities.msp_version == MSP_1_4_3 ? "true" : "false");
    show_strings(&c->orderer_addresses);
    if (bundle_orderer(b) != NULL)
        show_orderer(bundle_orderer(b));
    if (bundle_application(b) != NULL)
        show_application(bundle_application(b));
    if (bundle_consortiums(b) != NULL)
        show_consortiums(bundle_consortiums(b));
    (void)printf("}\n");
}

static enum weft_code show_file(const char *path, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf wire = { 0 };
    WEFT_CLEANUP(block_unref) struct block *block = NULL;
    WEFT_CLEANUP(bundle_unref) struct bundle *b = NULL;
    WEFT_TRY(file_read_all(path, SIZE_MAX / 8, &wire, e));
    WEFT_TRY(block_parse(buf_bytes(&wire), &block, e));
    WEFT_TRY(bundle_of_block(&block->v, &b, e));
    show(b);
    return WEFT_OK;
}

int main(int argc, char **argv)
{
    struct weft_err e = { 0 };
    for (int i = 1; i < argc; i++) {
        if (show_file(argv[i], &e) != WEFT_OK) {
            (void)fprintf(stderr, "%s: %s\n", argv[i], e.msg);
            return 1;
        }
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
