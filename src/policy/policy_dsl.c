#include "policy/policy_dsl.h"

#include "base/arena.h"
#include "base/limits.h"
#include "proto/wire.h"

#include <inttypes.h>

/* ---- reading ------------------------------------------------------------------------------------- */

/* A gate, or a principal. */
struct term {
    bool is_gate;
    unsigned least;             /* of a gate: how many must hold */
    struct term *first, **last; /* its arguments */
    size_t count;
    struct bytes msp; /* of a principal */
    unsigned role;    /* MSPRole.MSPRoleType */
    unsigned number;
    struct term *next;
};

struct parser {
    const char *text, *at;
    struct arena arena;
    size_t terms;
};

static void parser_done(struct parser *p)
{
    arena_done(&p->arena);
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct parser, parser_done)

static void skip_blanks(struct parser *p)
{
    while (*p->at == ' ' || *p->at == '\t' || *p->at == '\n' || *p->at == '\r')
        p->at++;
}

static bool take(struct parser *p, char c)
{
    skip_blanks(p);
    if (*p->at != c)
        return false;
    p->at++;
    return true;
}

static enum weft_code refuse(const struct parser *p, struct weft_err *e)
{
    return WEFT_FAIL(e, WEFT_INVALID, "invalid policy string '%.200s', near '%.40s'", p->text,
                     p->at);
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static struct bytes take_word(struct parser *p)
{
    const char *from = p->at;
    while (is_word(*p->at))
        p->at++;
    return bytes_of(from, (size_t)(p->at - from));
}

static struct term *new_term(struct parser *p)
{
    struct term *t = arena_alloc(&p->arena, sizeof(*t));
    t->last = &t->first;
    p->terms++;
    return t;
}

static bool is_msp_char(uint8_t c)
{
    return is_word((char)c) ? c != '_' : c == '.' || c == '-';
}

/* "Org1MSP.peer" */
static enum weft_code read_principal(struct parser *p, struct bytes text, struct term **ret,
                                     struct weft_err *e)
{
    static const char *const roles[] = { "member", "admin", "client", "peer", "orderer" };
    struct term *t = new_term(p);
    size_t dot = text.len;
    while (dot > 0 && text.data[dot - 1] != '.')
        dot--;
    struct bytes role = bytes_skip(text, dot);
    unsigned r = 0;
    while (r < WEFT_ARRAY_LEN(roles) && !bytes_eq(role, bytes_of_str(roles[r])))
        r++;
    bool good = dot > 1 && r < WEFT_ARRAY_LEN(roles);
    for (size_t i = 0; good && i + 1 < dot; i++)
        good = is_msp_char(text.data[i]);
    if (!good)
        return WEFT_FAIL(e, WEFT_INVALID, "unrecognized token '%.*s' in policy string",
                         text.len < 100 ? (int)text.len : 100, (const char *)text.data);
    t->msp = bytes_of(text.data, dot - 1);
    t->role = r;
    *ret = t;
    return WEFT_OK;
}

static enum weft_code take_quoted(struct parser *p, struct bytes *ret, struct weft_err *e)
{
    char quote = *p->at++;
    const char *end = strchr(p->at, quote);
    if (end == NULL)
        return WEFT_FAIL(e, WEFT_INVALID, "Unclosed string literal");
    *ret = bytes_of(p->at, (size_t)(end - p->at));
    p->at = end + 1;
    return WEFT_OK;
}

static enum weft_code read_gate(struct parser *p, unsigned depth, struct term **ret,
                                struct weft_err *e);

static enum weft_code read_term(struct parser *p, unsigned depth, struct term **ret,
                                struct weft_err *e)
{
    struct bytes quoted;
    skip_blanks(p);
    if (p->terms >= LIMIT_POLICY_RULES)
        return WEFT_FAIL(e, WEFT_LIMIT, "a policy has at most %d rules", (int)LIMIT_POLICY_RULES);
    if (*p->at != '\'' && *p->at != '"')
        return read_gate(p, depth, ret, e);
    WEFT_TRY(take_quoted(p, &quoted, e));
    return read_principal(p, quoted, ret, e);
}

/* The first argument of OutOf: a number, maybe in quotes. */
static enum weft_code read_least(struct parser *p, unsigned *ret, struct weft_err *e)
{
    skip_blanks(p);
    char quote = '\0';
    if (*p->at == '\'' || *p->at == '"')
        quote = *p->at++;
    struct bytes digits = take_word(p);
    unsigned n = 0;
    bool good = digits.len > 0 && digits.len < 6;
    for (size_t i = 0; good && i < digits.len; i++) {
        good = digits.data[i] >= '0' && digits.data[i] <= '9';
        n = 10 * n + digits.data[i] - '0';
    }
    if (!good || (quote != '\0' && *p->at != quote))
        return refuse(p, e);
    p->at += quote != '\0' ? 1 : 0;
    *ret = n;
    return WEFT_OK;
}

enum gate {
    GATE_AND,
    GATE_OR,
    GATE_OUT_OF,
    GATE_NR,
};

static enum gate gate_of(struct bytes word)
{
    static const char *const names[][3] = { { "And", "and", "AND" },
                                            { "Or", "or", "OR" },
                                            { "OutOf", "outof", "OUTOF" } };
    for (unsigned g = 0; g < GATE_NR; g++)
        for (size_t i = 0; i < WEFT_ARRAY_LEN(names[g]); i++)
            if (bytes_eq(word, bytes_of_str(names[g][i])))
                return (enum gate)g;
    return GATE_NR;
}

static enum weft_code read_arguments(struct parser *p, struct term *gate, unsigned depth, bool more,
                                     struct weft_err *e)
{
    while (more) {
        struct term *argument = NULL;
        WEFT_TRY(read_term(p, depth, &argument, e));
        *gate->last = argument;
        gate->last = &argument->next;
        gate->count++;
        more = take(p, ',');
    }
    return take(p, ')') ? WEFT_OK : refuse(p, e);
}

static enum weft_code read_gate(struct parser *p, unsigned depth, struct term **ret,
                                struct weft_err *e)
{
    struct term *t = new_term(p);
    struct bytes word = take_word(p);
    enum gate gate = gate_of(word);
    if (depth >= LIMIT_POLICY_DEPTH)
        return WEFT_FAIL(e, WEFT_LIMIT, "gates of a policy lie at most %d deep in each other",
                         (int)LIMIT_POLICY_DEPTH);
    if (gate == GATE_NR && word.len > 0)
        return WEFT_FAIL(e, WEFT_INVALID, "unrecognized token '%.*s' in policy string",
                         word.len < 100 ? (int)word.len : 100, (const char *)word.data);
    if (gate == GATE_NR || !take(p, '('))
        return refuse(p, e);
    bool more = true;
    if (gate == GATE_OUT_OF) {
        WEFT_TRY(read_least(p, &t->least, e));
        more = take(p, ',');
    }
    skip_blanks(p);
    if (*p->at == ')' || !more)
        return WEFT_FAIL(e, WEFT_INVALID, "expected at least two arguments to NOutOf. Given 1");
    WEFT_TRY(read_arguments(p, t, depth + 1, true, e));
    t->is_gate = true;
    t->least = gate == GATE_AND ? (unsigned)t->count : gate == GATE_OR ? 1 : t->least;
    if (t->least > t->count + 1)
        return WEFT_FAIL(e, WEFT_INVALID, "invalid t-out-of-n predicate, t %u, n %zu", t->least,
                         t->count);
    *ret = t;
    return WEFT_OK;
}

/* ---- writing --------------------------------------------------------------------------------------- */

/* MSPPrincipal { 2 principal = MSPRole { 1 msp_identifier, 2 role } } */
static void put_principal(const struct term *t, struct buf *out)
{
    WEFT_CLEANUP(buf_done) struct buf role = { 0 };
    WEFT_CLEANUP(buf_done) struct buf principal = { 0 };
    wire_put_bytes(&role, 1, t->msp);
    if (t->role != 0)
        wire_put_varint(&role, 2, t->role);
    wire_put_bytes(&principal, 2, buf_bytes(&role));
    wire_put_bytes(out, 3, buf_bytes(&principal));
}

/* Nested gates come first.  Recursion ends at LIMIT_POLICY_DEPTH. */
static void number(struct term *gate, unsigned *next, struct buf *identities)
{
    for (struct term *t = gate->first; t != NULL; t = t->next)
        if (t->is_gate)
            number(t, next, identities);
    for (struct term *t = gate->first; t != NULL; t = t->next)
        if (!t->is_gate) {
            t->number = (*next)++;
            put_principal(t, identities);
        }
}

/* SignaturePolicy { 1 signed_by | 2 n_out_of { 1 n, 2 rules } } */
static void put_rule(const struct term *t, struct buf *out)
{
    WEFT_CLEANUP(buf_done) struct buf gate = { 0 };
    if (!t->is_gate) {
        wire_put_varint(out, 1, t->number);
        return;
    }
    if (t->least != 0)
        wire_put_varint(&gate, 1, t->least);
    for (const struct term *a = t->first; a != NULL; a = a->next) {
        WEFT_CLEANUP(buf_done) struct buf rule = { 0 };
        put_rule(a, &rule);
        wire_put_bytes(&gate, 2, buf_bytes(&rule));
    }
    wire_put_bytes(out, 2, buf_bytes(&gate));
}

enum weft_code policy_dsl_signature(const char *text, struct buf *ret, struct weft_err *e)
{
    WEFT_CLEANUP(parser_done) struct parser p = { .text = text, .at = text };
    WEFT_CLEANUP(buf_done) struct buf identities = { 0 };
    WEFT_CLEANUP(buf_done) struct buf rule = { 0 };
    struct term *root = NULL;
    unsigned next = 0;
    WEFT_TRY(read_term(&p, 0, &root, e));
    skip_blanks(&p);
    if (*p.at != '\0' || !root->is_gate)
        return refuse(&p, e);
    number(root, &next, &identities);
    put_rule(root, &rule);
    wire_put_bytes(ret, 2, buf_bytes(&rule));
    buf_put(ret, buf_bytes(&identities));
    return WEFT_OK;
}

enum weft_code policy_dsl_implicit_meta(const char *text, struct buf *ret, struct weft_err *e)
{
    static const char *const rules[] = { "ANY", "ALL", "MAJORITY" };
    const char *blank = strchr(text, ' ');
    size_t tokens = 1;
    for (const char *c = text; *c != '\0'; c++)
        tokens += *c == ' ' ? 1 : 0;
    if (tokens != 2)
        return WEFT_FAIL(e, WEFT_INVALID, "expected two space separated tokens, but got %zu",
                         tokens);
    struct bytes rule = bytes_of(text, (size_t)(blank - text));
    unsigned r = 0;
    while (r < WEFT_ARRAY_LEN(rules) && !bytes_eq(rule, bytes_of_str(rules[r])))
        r++;
    if (r == WEFT_ARRAY_LEN(rules))
        return WEFT_FAIL(e, WEFT_INVALID,
                         "unknown rule type '%.*s', expected ALL, ANY, or MAJORITY",
                         rule.len < 100 ? (int)rule.len : 100, (const char *)rule.data);
    wire_put_bytes(ret, 1, bytes_of_str(blank + 1));
    if (r != 0)
        wire_put_varint(ret, 2, r);
    return WEFT_OK;
}
