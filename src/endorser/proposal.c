#include "endorser/proposal.h"

#include "base/limits.h"
#include "endorser/go_words.h"
#include "msp/identity_expiry.h"
#include "proto/repeated.h"

#include <common/common.pb-c.h>
#include <peer/proposal.pb-c.h>

/* Fields of a message that are bytes, into the places for them; the last one counts. */
static void take(struct bytes b, size_t count, struct bytes *const places[])
{
    struct wire w = wire_of(b);
    struct wire_field f;
    while (wire_next(&w, &f))
        if (f.type == WIRE_LEN && f.number <= count)
            *places[f.number - 1] = f.bytes;
}

enum weft_code proposal_open(struct bytes request, struct proposal *ret, struct weft_err *e)
{
    enum weft_code rc = go_proto_check(&protos__signed_proposal__descriptor, request, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "grpc: error unmarshalling request");
    *ret = (struct proposal){ 0 };
    take(request, 2, (struct bytes *[]){ &ret->bytes, &ret->signature });
    return WEFT_OK;
}

struct outer {
    struct bytes header, payload;
    struct bytes channel_header, signature_header;
};

static enum weft_code open_outer(const struct proposal *p, struct outer *ret, const char **ret_what,
                                 struct weft_err *e)
{
    *ret = (struct outer){ 0 };
    *ret_what = "proposal";
    WEFT_TRY(go_unmarshal("Proposal", &protos__proposal__descriptor, p->bytes, e));
    take(p->bytes, 2, (struct bytes *[]){ &ret->header, &ret->payload });
    *ret_what = "header";
    WEFT_TRY(go_unmarshal("Header", &common__header__descriptor, ret->header, e));
    take(ret->header, 2, (struct bytes *[]){ &ret->channel_header, &ret->signature_header });
    *ret_what = "signature header";
    return go_unmarshal("SignatureHeader", &common__signature_header__descriptor,
                        ret->signature_header, e);
}

enum weft_code proposal_check_expiry(struct proposal *p, int64_t now_ns, struct weft_err *e)
{
    struct outer o;
    const char *what = NULL;
    enum weft_code rc = open_outer(p, &o, &what, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "failed parsing %s", what);
    WEFT_TRY(signature_header_parse(o.signature_header, &p->signer, e));
    int64_t expires_s = identity_expires_s(NULL, p->signer.creator);
    if (expires_s != 0 && now_ns > expires_s * INT64_C(1000000000))
        return WEFT_FAIL(e, WEFT_FORBIDDEN, "proposal client identity expired");
    return WEFT_OK;
}

/* ChaincodeHeaderExtension { 2 ChaincodeID { 2 name } } */
static enum weft_code read_extension(struct proposal *p, struct weft_err *e)
{
    struct bytes extension = p->channel.extension, id;
    bool any = false;
    WEFT_TRY(go_unmarshal("ChaincodeHeaderExtension",
                          &protos__chaincode_header_extension__descriptor, extension, e));
    for (struct repeated r = repeated_of(extension, 2); repeated_next(&r, &id); any = true) {
        struct bytes name;
        for (struct repeated n = repeated_of(id, 2); repeated_next(&n, &name);)
            p->chaincode = name;
    }
    if (!any)
        return WEFT_FAIL(e, WEFT_INVALID, "ChaincodeHeaderExtension.ChaincodeId is nil");
    if (p->chaincode.len == 0)
        return WEFT_FAIL(e, WEFT_INVALID, "ChaincodeHeaderExtension.ChaincodeId.Name is empty");
    return WEFT_OK;
}

/* ChaincodeInvocationSpec { 1 ChaincodeSpec { 3 ChaincodeInput { 1 args ..., 3 is_init } } } */
static enum weft_code read_input(struct proposal *p, struct bytes spec, struct arena *arena,
                                 struct weft_err *e)
{
    struct bytes part, input, arg;
    bool any_spec = false, any_input = false;
    size_t count = 0;
    WEFT_TRY(go_unmarshal("ChaincodeInvocationSpec", &protos__chaincode_invocation_spec__descriptor,
                          spec, e));
    for (struct repeated r = repeated_of(spec, 1); repeated_next(&r, &part); any_spec = true)
        for (struct repeated i = repeated_of(part, 3); repeated_next(&i, &input); any_input = true)
            count += repeated_of(input, 1).count;
    if (!any_spec)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "chaincode invocation spec did not contain chaincode spec");
    if (!any_input)
        return WEFT_FAIL(e, WEFT_INVALID, "chaincode input did not contain any input");
    if (count > LIMIT_PROPOSAL_ARGS)
        return WEFT_FAIL(e, WEFT_LIMIT, "more than %d arguments", (int)LIMIT_PROPOSAL_ARGS);
    p->args = arena_alloc(arena, (count + 1) * sizeof(*p->args));
    for (struct repeated r = repeated_of(spec, 1); repeated_next(&r, &part);) {
        for (struct repeated i = repeated_of(part, 3); repeated_next(&i, &input);) {
            for (struct repeated a = repeated_of(input, 1); repeated_next(&a, &arg);)
                p->args[p->arg_count++] = arg;
            struct wire w = wire_of(input);
            struct wire_field f;
            while (wire_next(&w, &f))
                if (wire_is(&f, 3, WIRE_VARINT))
                    p->is_init = f.varint != 0;
        }
    }
    return WEFT_OK;
}

static struct digest hash_of(const struct outer *o, struct bytes input)
{
    WEFT_CLEANUP(buf_done) struct buf plain = { 0 };
    if (input.data != NULL && input.len > 0)
        wire_put_bytes(&plain, 1, input);
    struct bytes parts[] = { o->channel_header, o->signature_header, buf_bytes(&plain) };
    struct sha256 h;
    sha256_init(&h);
    for (size_t i = 0; i < WEFT_ARRAY_LEN(parts); i++)
        sha256_add(&h, parts[i]);
    return sha256_end(&h);
}

enum weft_code proposal_unpack(struct proposal *p, struct arena *arena, struct weft_err *e)
{
    struct outer o;
    const char *what = NULL;
    struct bytes input = { 0 }, unused = { 0 };
    WEFT_TRY(open_outer(p, &o, &what, e));
    WEFT_TRY(
        go_unmarshal("ChannelHeader", &common__channel_header__descriptor, o.channel_header, e));
    WEFT_TRY(channel_header_parse(o.channel_header, &p->channel, e));
    WEFT_TRY(signature_header_parse(o.signature_header, &p->signer, e));
    WEFT_TRY(read_extension(p, e));
    WEFT_TRY(go_unmarshal("ChaincodeProposalPayload",
                          &protos__chaincode_proposal_payload__descriptor, o.payload, e));
    take(o.payload, 2, (struct bytes *[]){ &input, &unused });
    WEFT_TRY(read_input(p, input, arena, e));
    p->hash = hash_of(&o, input);
    return WEFT_OK;
}

enum weft_code proposal_check(const struct proposal *p, struct weft_err *e)
{
    char room[HEADER_TYPE_NAME_MAX], tx_id[TX_ID_LEN + 1];
    if (p->channel.type != HEADER_ENDORSER_TRANSACTION && p->channel.type != HEADER_CONFIG)
        return WEFT_FAIL(e, WEFT_INVALID, "invalid header type %s",
                         header_type_name(p->channel.type, room));
    if (p->channel.epoch != 0)
        return WEFT_FAIL(e, WEFT_INVALID, "epoch is non-zero");
    if (p->signer.nonce.len == 0)
        return WEFT_FAIL(e, WEFT_INVALID, "nonce is empty");
    if (p->signer.creator.len == 0)
        return WEFT_FAIL(e, WEFT_INVALID, "creator is empty");
    tx_id_compute(p->signer.nonce, p->signer.creator, tx_id);
    if (!bytes_eq(p->channel.tx_id, bytes_of_str(tx_id)))
        return WEFT_FAIL(e, WEFT_INVALID, "incorrectly computed txid '%.*s' -- expected '%s'",
                         (int)(p->channel.tx_id.len < 300 ? p->channel.tx_id.len : 300),
                         (const char *)p->channel.tx_id.data, tx_id);
    if (p->bytes.data == NULL)
        return WEFT_FAIL(e, WEFT_INVALID, "empty proposal bytes");
    if (p->signature.data == NULL)
        return WEFT_FAIL(e, WEFT_INVALID, "empty signature bytes");
    return WEFT_OK;
}

struct signed_data proposal_signed_data(const struct proposal *p)
{
    return (struct signed_data){ p->bytes, p->signer.creator, p->signature };
}
