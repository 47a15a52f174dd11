/* What the endorser answers, held against what a Fabric peer (2.2.15) answered to the same bytes
 * on the same ledger.
 *
 * tests/vectors/endorser/proposals.txt: a SignedProposal a line, as hex and pieces of the
 * fixtures' files (@file:offset:length).  answers.tsv: what came back.  differs.tsv: ours where
 * the words are not the original's.
 */
#include "endorser/go_words.h"
#include "endorser_world.h"
#include "msp/msp_identity.h"
#include "proto/transaction.h"
#include "weft_test.h"

enum {
    SOURCES_MAX = 16,
    NOW_S = 1796000000, /* within the life of the fixtures' certificates */
};

struct vectors {
    struct buf text, differs;
    struct buf source[SOURCES_MAX];
};

/* ---- reading the lines ----------------------------------------------------------------------- */

static struct bytes next_part(struct bytes *rest, char end)
{
    const uint8_t *at = rest->len > 0 ? memchr(rest->data, end, rest->len) : NULL;
    struct bytes part = *rest;
    if (at == NULL) {
        *rest = bytes_of(NULL, 0);
        return part;
    }
    part.len = (size_t)(at - rest->data);
    *rest = bytes_skip(*rest, part.len + 1);
    return part;
}

static uint64_t number(struct bytes text)
{
    struct weft_err e;
    uint64_t n = 0;
    EXPECT_OK(go_parse_uint(text, &n, &e));
    return n;
}

static void add_source(struct vectors *v, struct bytes name, struct bytes path)
{
    uint64_t i = number(bytes_skip(name, 1));
    WEFT_FREE char *file = bytes_dup_str(path);
    WEFT_FREE char *below = weft_asprintf("%s", file);
    EXPECT(i < SOURCES_MAX);
    v->source[i] = weft_test_read(weft_test_fixture(below));
}

static void put_token(const struct vectors *v, struct bytes token, struct buf *out)
{
    if (token.len == 0)
        return;
    if (token.data[0] != '@') {
        EXPECT(bytes_from_hex(token, buf_reserve(out, token.len / 2)));
        out->len += token.len / 2;
        return;
    }
    struct bytes rest = bytes_skip(token, 1);
    uint64_t i = number(next_part(&rest, ':')), at = number(next_part(&rest, ':'));
    uint64_t len = number(rest);
    EXPECT(i < SOURCES_MAX && at + len <= v->source[i].len);
    buf_put(out, bytes_of(v->source[i].data + at, (size_t)len));
}

static void read_proposal(const struct vectors *v, struct bytes tokens, struct buf *out)
{
    while (tokens.len > 0)
        put_token(v, next_part(&tokens, ' '), out);
}

static void vectors_done(struct vectors *v)
{
    buf_done(&v->text);
    buf_done(&v->differs);
    for (size_t i = 0; i < SOURCES_MAX; i++)
        buf_done(&v->source[i]);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct vectors, vectors_done)

/* ---- an answer as a line -------------------------------------------------------------------------- */

/* Length and the first eight bytes of the hash. */
static void put_sum(struct bytes b, struct buf *out)
{
    struct digest d = sha256_of(b);
    if (b.len == 0) {
        buf_put_str(out, "-");
        return;
    }
    WEFT_FREE char *hex = bytes_to_hex(bytes_of(d.b, 8));
    buf_printf(out, "%zu:%s", b.len, hex);
}

struct reply {
    int32_t version, status;
    struct bytes message, result; /* of the response */
    struct bytes payload, endorser, signature;
    bool is_endorsed;
};

static void take_field(struct reply *r, const struct wire_field *f)
{
    struct wire w = wire_of(f->bytes);
    struct wire_field in;
    if (f->number == 1)
        r->version = (int32_t)f->varint;
    else if (f->number == 5)
        r->payload = f->bytes;
    r->is_endorsed |= f->number == 6;
    while ((f->number == 4 || f->number == 6) && wire_next(&w, &in)) {
        if (f->number == 4 && in.number == 1)
            r->status = (int32_t)in.varint;
        else if (f->number == 4 && in.number == 2)
            r->message = in.bytes;
        else if (f->number == 4)
            r->result = in.bytes;
        else if (in.number == 1)
            r->endorser = in.bytes;
        else
            r->signature = in.bytes;
    }
}

static void expect_signed(const struct endorser_world *w, const struct reply *r)
{
    WEFT_CLEANUP(msp_identity_unref) struct msp_identity *id = NULL;
    WEFT_CLEANUP(buf_done) struct buf message = { 0 };
    struct weft_err e;
    EXPECT_OK(msp_identity_deserialize(w->local, r->endorser, &id, &e));
    buf_put(&message, r->payload);
    buf_put(&message, r->endorser);
    EXPECT_OK(msp_identity_verify(id, NULL, buf_bytes(&message), r->signature, &e));
}

static void put_reply(const struct endorser_world *w, struct bytes b, struct buf *out)
{
    struct reply r = { 0 };
    struct proposal_response_payload prp = { 0 };
    struct chaincode_action action = { 0 };
    struct wire wire = wire_of(b);
    struct wire_field f;
    while (wire_next(&wire, &f))
        take_field(&r, &f);
    EXPECT(!wire.bad);
    EXPECT(proposal_response_payload_parse(r.payload, &prp, NULL) == WEFT_OK);
    EXPECT(chaincode_action_parse(prp.extension, &action, NULL) == WEFT_OK);
    buf_printf(out, "reply\t%d\t", (int)r.status);
    go_quote(r.message, out);
    buf_put_u8(out, '\t');
    put_sum(r.result, out);
    buf_printf(out, "\t%d\t", (int)r.version);
    put_sum(prp.proposal_hash, out);
    buf_put_u8(out, '\t');
    put_sum(action.results, out);
    buf_put_u8(out, '\t');
    put_sum(prp.extension, out);
    buf_put_str(out, r.is_endorsed ? "\tendorsed" : "\tunendorsed");
    if (r.is_endorsed)
        expect_signed(w, &r);
}

static void put_answer(const struct endorser_world *w, const struct endorser_answer *a,
                       struct buf *out)
{
    if (a->code == GRPC_OK) {
        put_reply(w, buf_bytes(&a->reply), out);
        return;
    }
    buf_printf(out, "grpc\t%d\t", (int)a->code);
    go_quote(buf_bytes(&a->refusal), out);
}

/* ---- the test --------------------------------------------------------------------------------------- */

/* The line of an answer that is on purpose another one; no data: it is as the original's. */
static struct bytes differing(const struct vectors *v, struct bytes name)
{
    for (struct bytes rest = buf_bytes(&v->differs); rest.len > 0;) {
        struct bytes line = next_part(&rest, '\n'), of = line;
        if (bytes_eq(next_part(&of, '\t'), name))
            return line;
    }
    return bytes_of(NULL, 0);
}

/* Asks, and says whether the answer is the original's. */
static bool is_same(const struct endorser_world *w, const struct vectors *v, struct bytes line,
                    struct bytes want)
{
    WEFT_CLEANUP(buf_done) struct buf request = { 0 };
    WEFT_CLEANUP(buf_done) struct buf got = { 0 };
    WEFT_CLEANUP(endorser_answer_done) struct endorser_answer a = { 0 };
    struct bytes name = next_part(&line, '\t');
    read_proposal(v, line, &request);
    endorser_process(&w->endorser, buf_bytes(&request), NOW_S * INT64_C(1000000000), &a);
    buf_put(&got, name);
    buf_put_u8(&got, '\t');
    put_answer(w, &a, &got);
    struct bytes ours = differing(v, name);
    if (ours.data != NULL)
        want = ours;
    if (bytes_eq(buf_bytes(&got), want))
        return true;
    print_message("want %.*s\ngot  %.*s\n", (int)want.len, (const char *)want.data, (int)got.len,
                  (const char *)got.data);
    return false;
}

TEST(answers_byte_for_byte_what_the_original_answered)
{
    WEFT_CLEANUP(endorser_world_done) struct endorser_world w = { 0 };
    WEFT_CLEANUP(vectors_done) struct vectors v = { 0 };
    WEFT_CLEANUP(buf_done)
    struct buf answers = weft_test_read(weft_test_file("vectors/endorser/answers.tsv"));
    struct bytes want = buf_bytes(&answers);
    size_t asked = 0, wrong = 0;
    endorser_world_open(&w);
    v.text = weft_test_read(weft_test_file("vectors/endorser/proposals.txt"));
    v.differs = weft_test_read(weft_test_file("vectors/endorser/differs.tsv"));
    for (struct bytes rest = buf_bytes(&v.text); rest.len > 0;) {
        struct bytes line = next_part(&rest, '\n');
        if (line.data[0] == '=') {
            struct bytes name = next_part(&line, '\t');
            add_source(&v, name, line);
            continue;
        }
        asked++;
        wrong += !is_same(&w, &v, line, next_part(&want, '\n'));
    }
    EXPECT_EQ(want.len, 0);
    EXPECT(asked > 200);
    EXPECT_EQ(wrong, 0);
}
