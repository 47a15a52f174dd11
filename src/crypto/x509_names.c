#include "crypto/x509_names.h"

#include "base/limits.h"
#include "crypto/der.h"

#include <arpa/inet.h>
#include <strings.h>

/* GeneralName's choices, as context tags. */
enum name_kind {
    NAME_EMAIL = DER_CONTEXT + 1,
    NAME_DNS = DER_CONTEXT + 2,
    NAME_URI = DER_CONTEXT + 6,
    NAME_IP = DER_CONTEXT + 7,
};

enum {
    IPV4_BYTES = 4,
    IPV6_BYTES = 16,
    LOCAL_PART_MAX = 256
};

static bool is_ascii(struct bytes b)
{
    for (size_t i = 0; i < b.len; i++)
        if (b.data[i] >= 0x80)
            return false;
    return true;
}

/* ---- domains ----------------------------------------------------------------------------- */

/* Takes the last label off; false at the beginning. */
static bool take_label(struct bytes *domain, struct bytes *ret)
{
    if (domain->len == 0)
        return false;
    size_t at = domain->len;
    while (at > 0 && domain->data[at - 1] != '.')
        at--;
    *ret = bytes_skip(*domain, at);
    domain->len = at > 0 ? at - 1 : 0;
    return true;
}

static size_t count_labels(struct bytes domain)
{
    struct bytes label;
    size_t n = 0;
    while (take_label(&domain, &label))
        n++;
    return n;
}

static bool is_domain(struct bytes domain)
{
    struct bytes label;
    while (take_label(&domain, &label)) {
        if (label.len == 0)
            return false;
        for (size_t i = 0; i < label.len; i++)
            if (label.data[i] < 33 || label.data[i] > 126)
                return false;
    }
    return true;
}

static struct bytes without_dot(struct bytes domain)
{
    return domain.len > 0 && domain.data[0] == '.' ? bytes_skip(domain, 1) : domain;
}

static bool equal_fold(struct bytes a, struct bytes b)
{
    return a.len == b.len &&
           (a.len == 0 || strncasecmp((const char *)a.data, (const char *)b.data, a.len) == 0);
}

static bool match_domain(struct bytes domain, struct bytes constraint)
{
    struct bytes wanted, label;
    bool needs_more = constraint.len > 0 && constraint.data[0] == '.';
    if (constraint.len == 0)
        return true;
    constraint = without_dot(constraint);
    size_t have = count_labels(domain), want = count_labels(constraint);
    if (have < want || (needs_more && have == want))
        return false;
    while (take_label(&constraint, &wanted) && take_label(&domain, &label))
        if (!equal_fold(wanted, label))
            return false;
    return true;
}

/* ---- mail addresses ---------------------------------------------------------------------- */

struct mailbox_name {
    uint8_t local[LOCAL_PART_MAX];
    size_t local_len;
    struct bytes domain;
};

static bool in_range(uint8_t c, uint8_t first, uint8_t last)
{
    return c >= first && c <= last;
}

static bool put_local(struct mailbox_name *m, uint8_t c)
{
    if (m->local_len == sizeof(m->local))
        return false;
    m->local[m->local_len++] = c;
    return true;
}

/* After the opening quote; up to and with the closing one. */
static bool read_quoted(struct bytes *in, struct mailbox_name *m)
{
    while (in->len > 0) {
        uint8_t c = in->data[0];
        *in = bytes_skip(*in, 1);
        if (c == '"')
            return true;
        if (c == '\\') {
            if (in->len == 0)
                return false;
            c = in->data[0];
            *in = bytes_skip(*in, 1);
            if (c != 11 && c != 12 && !in_range(c, 1, 9) && !in_range(c, 14, 127))
                return false;
        } else if (c != 11 && c != 12 && c != 32 && c != 33 && c != 127 && !in_range(c, 1, 8) &&
                   !in_range(c, 14, 31) && !in_range(c, 35, 91) && !in_range(c, 93, 126)) {
            return false;
        }
        if (!put_local(m, c))
            return false;
    }
    return false;
}

static bool is_atom(uint8_t c)
{
    return in_range(c, '0', '9') || in_range(c, 'a', 'z') || in_range(c, 'A', 'Z') ||
           (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~.", c) != NULL);
}

static bool read_atoms(struct bytes *in, struct mailbox_name *m)
{
    while (in->len > 0 && (in->data[0] == '\\' || is_atom(in->data[0]))) {
        if (in->data[0] == '\\')
            *in = bytes_skip(*in, 1);
        if (in->len == 0 || !put_local(m, in->data[0]))
            return false;
        *in = bytes_skip(*in, 1);
    }
    if (m->local_len == 0 || m->local[0] == '.' || m->local[m->local_len - 1] == '.')
        return false;
    for (size_t i = 1; i < m->local_len; i++)
        if (m->local[i] == '.' && m->local[i - 1] == '.')
            return false;
    return true;
}

static bool read_mailbox(struct bytes in, struct mailbox_name *m)
{
    m->local_len = 0;
    if (in.len == 0)
        return false;
    bool quoted = in.data[0] == '"';
    if (quoted)
        in = bytes_skip(in, 1);
    if (!(quoted ? read_quoted(&in, m) : read_atoms(&in, m)) || in.len == 0 || in.data[0] != '@')
        return false;
    m->domain = bytes_skip(in, 1);
    return is_domain(m->domain);
}

static bool match_email(struct bytes name, struct bytes constraint)
{
    struct mailbox_name m, wanted;
    if (!read_mailbox(name, &m))
        return false;
    if (constraint.len == 0 || memchr(constraint.data, '@', constraint.len) == NULL)
        return match_domain(m.domain, constraint);
    return read_mailbox(constraint, &wanted) && m.local_len == wanted.local_len &&
           memcmp(m.local, wanted.local, m.local_len) == 0 && equal_fold(m.domain, wanted.domain);
}

/* ---- URIs and addresses ------------------------------------------------------------------ */

static bool is_ip_text(struct bytes text)
{
    char copy[INET6_ADDRSTRLEN + 1];
    uint8_t room[IPV6_BYTES];
    if (text.len == 0 || text.len >= sizeof(copy))
        return false;
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    return inet_pton(AF_INET, copy, room) == 1 || inet_pton(AF_INET6, copy, room) == 1;
}

/* scheme://user@host:port/path: the host; empty when there is none. */
static struct bytes host_of_uri(struct bytes uri)
{
    size_t at = 0, end, port;
    while (at + 2 < uri.len && memcmp(uri.data + at, "://", 3) != 0)
        at++;
    if (at + 2 >= uri.len)
        return bytes_of(NULL, 0);
    uri = bytes_skip(uri, at + 3);
    for (end = 0; end < uri.len && strchr("/?#", uri.data[end]) == NULL;)
        end++;
    uri.len = end;
    for (at = uri.len; at > 0; at--)
        if (uri.data[at - 1] == '@')
            break;
    uri = bytes_skip(uri, at);
    for (port = uri.len; port > 0 && uri.data[port - 1] != ':' && uri.data[port - 1] != ']';)
        port--;
    if (port > 0 && uri.data[port - 1] == ':')
        uri.len = port - 1;
    return uri;
}

static bool match_ip(struct bytes ip, struct bytes constraint)
{
    if (constraint.len != 2 * ip.len)
        return false;
    for (size_t i = 0; i < ip.len; i++) {
        uint8_t mask = constraint.data[ip.len + i];
        if ((ip.data[i] & mask) != (constraint.data[i] & mask))
            return false;
    }
    return true;
}

static bool is_mask(struct bytes mask)
{
    bool ended = false;
    for (size_t i = 0; i < mask.len; i++) {
        uint8_t c = mask.data[i];
        if (ended ? c != 0 : ((uint8_t)(~c) & ((uint8_t)(~c) + 1)) != 0)
            return false;
        ended = ended || c != 0xff;
    }
    return true;
}

/* ---- the extensions ---------------------------------------------------------------------- */

const char *x509_names_check(struct bytes san, bool *ret_unknown)
{
    struct der_item seq, name;
    *ret_unknown = true;
    if (!der_take(&san, DER_SEQUENCE, &seq))
        return "x509: invalid subject alternative names";
    while (seq.content.len > 0) {
        if (!der_next(&seq.content, &name))
            return "x509: invalid subject alternative name";
        bool text = name.tag == NAME_EMAIL || name.tag == NAME_DNS || name.tag == NAME_URI;
        if (text && !is_ascii(name.content))
            return name.tag == NAME_EMAIL ? "x509: SAN rfc822Name is malformed"
                   : name.tag == NAME_DNS ? "x509: SAN dNSName is malformed"
                                          : "x509: SAN uniformResourceIdentifier is malformed";
        if (name.tag == NAME_URI && !is_domain(host_of_uri(name.content)))
            return "x509: cannot parse URI: invalid domain";
        if (name.tag == NAME_IP && name.content.len != IPV4_BYTES && name.content.len != IPV6_BYTES)
            return "x509: cannot parse IP address";
        *ret_unknown = *ret_unknown && !text && name.tag != NAME_IP;
    }
    return NULL;
}

static const char *check_constraint(const struct der_item *c, bool *ret_unknown)
{
    struct mailbox_name m;
    struct bytes v = c->content;
    switch (c->tag) {
    case NAME_IP:
        if (v.len % 2 != 0 || (v.len / 2 != IPV4_BYTES && v.len / 2 != IPV6_BYTES))
            return "x509: IP constraint of a wrong length";
        return is_mask(bytes_skip(v, v.len / 2)) ? NULL
                                                 : "x509: IP constraint contained invalid mask";
    case NAME_DNS:
        return is_ascii(v) && is_domain(without_dot(v))
                   ? NULL
                   : "x509: failed to parse dnsName constraint";
    case NAME_URI:
        return is_ascii(v) && !is_ip_text(v) && is_domain(without_dot(v))
                   ? NULL
                   : "x509: failed to parse URI constraint";
    case NAME_EMAIL:
        if (v.len > 0 && memchr(v.data, '@', v.len) != NULL)
            return is_ascii(v) && read_mailbox(v, &m)
                       ? NULL
                       : "x509: failed to parse rfc822Name constraint";
        return is_ascii(v) && is_domain(without_dot(v))
                   ? NULL
                   : "x509: failed to parse rfc822Name constraint";
    default:
        *ret_unknown = true;
        return NULL;
    }
}

/* The next GeneralSubtree's base. */
static bool take_base(struct bytes *subtrees, struct der_item *ret)
{
    struct der_item seq;
    return der_take(subtrees, DER_SEQUENCE, &seq) && der_next(&seq.content, ret);
}

static bool split(struct bytes constraints, struct bytes *ret_permitted, struct bytes *ret_excluded)
{
    struct der_item seq, permitted = { 0 }, excluded = { 0 };
    if (!der_take(&constraints, DER_SEQUENCE, &seq) || constraints.len != 0)
        return false;
    if (der_peek(seq.content, DER_CONTEXT_CONSTRUCTED) &&
        !der_take(&seq.content, DER_CONTEXT_CONSTRUCTED, &permitted))
        return false;
    if (der_peek(seq.content, DER_CONTEXT_CONSTRUCTED + 1) &&
        !der_take(&seq.content, DER_CONTEXT_CONSTRUCTED + 1, &excluded))
        return false;
    *ret_permitted = permitted.content;
    *ret_excluded = excluded.content;
    return seq.content.len == 0;
}

const char *x509_name_constraints_check(struct bytes constraints, bool *ret_unknown)
{
    struct bytes list[2];
    struct der_item base;
    *ret_unknown = false;
    if (!split(constraints, &list[0], &list[1]))
        return "x509: invalid NameConstraints extension";
    if (list[0].len == 0 && list[1].len == 0)
        return "x509: empty name constraints extension";
    for (size_t i = 0; i < WEFT_ARRAY_LEN(list); i++)
        while (list[i].len > 0) {
            if (!take_base(&list[i], &base))
                return "x509: invalid NameConstraints extension";
            const char *bad = check_constraint(&base, ret_unknown);
            if (bad != NULL)
                return bad;
        }
    return NULL;
}

static const char *name_of_kind(uint8_t kind)
{
    return kind == NAME_EMAIL ? "email address"
           : kind == NAME_DNS ? "DNS name"
           : kind == NAME_URI ? "URI"
                              : "IP address";
}

static bool matches(const struct der_item *name, struct bytes constraint)
{
    switch (name->tag) {
    case NAME_EMAIL:
        return match_email(name->content, constraint);
    case NAME_DNS:
        return match_domain(name->content, constraint);
    case NAME_URI:
        return match_domain(host_of_uri(name->content), constraint);
    default:
        return match_ip(name->content, constraint);
    }
}

/* Goes over the constraints of the name's kind; says how many there are and
 * whether one matches. */
static size_t look_through(const struct der_item *name, struct bytes list, bool *ret_match)
{
    struct der_item base;
    size_t n = 0;
    *ret_match = false;
    while (take_base(&list, &base)) {
        if (base.tag != name->tag)
            continue;
        n++;
        *ret_match = *ret_match || matches(name, base.content);
    }
    return n;
}

/* Names that Go cannot take apart are refused before they are compared. */
static bool can_be_compared(const struct der_item *name)
{
    struct mailbox_name m;
    struct bytes host = host_of_uri(name->content);
    if (name->tag == NAME_EMAIL)
        return read_mailbox(name->content, &m);
    if (name->tag == NAME_DNS)
        return is_domain(name->content);
    return name->tag != NAME_URI ||
           (host.len > 0 && host.data[0] != '[' && !is_ip_text(host) && is_domain(host));
}

/* The name for people; caller frees. */
static char *name_text(const struct der_item *name)
{
    char ip[INET6_ADDRSTRLEN] = "";
    struct bytes v = name->content;
    if (name->tag != NAME_IP)
        return weft_asprintf("%s \"%.*s\"", name_of_kind(name->tag), (int)v.len,
                             (const char *)v.data);
    (void)inet_ntop(v.len == IPV4_BYTES ? AF_INET : AF_INET6, v.data, ip, sizeof(ip));
    return weft_asprintf("%s \"%s\"", name_of_kind(name->tag), ip);
}

static enum weft_code allow_name(const struct der_item *name, struct bytes permitted,
                                 struct bytes excluded, size_t *count, struct weft_err *e)
{
    static const char words[] =
        "x509: a root or intermediate certificate is not authorized to sign for this name";
    bool is_excluded, is_permitted;
    size_t out = look_through(name, excluded, &is_excluded);
    size_t in = look_through(name, permitted, &is_permitted);
    *count += in + out;
    if (*count > LIMIT_NAME_COMPARISONS)
        return WEFT_FAIL(e, WEFT_FORBIDDEN, "x509: unknown error");
    bool odd = !can_be_compared(name) && (name->tag != NAME_URI || in + out > 0);
    if (!odd && !is_excluded && (in == 0 || is_permitted))
        return WEFT_OK;
    WEFT_FREE char *text = name_text(name);
    if (odd && name->tag != NAME_URI)
        return WEFT_FAIL(e, WEFT_FORBIDDEN, "x509: cannot parse %s", text);
    return WEFT_FAIL(e, WEFT_FORBIDDEN, "%s: %s %s", words, text,
                     odd           ? "cannot be matched against constraints"
                     : is_excluded ? "is excluded by a constraint"
                                   : "is not permitted by any constraint");
}

enum weft_code x509_name_constraints_allow(struct bytes constraints, struct bytes san,
                                           struct weft_err *e)
{
    struct bytes permitted, excluded;
    struct der_item seq, name;
    size_t count = 0;
    if (!split(constraints, &permitted, &excluded) || !der_take(&san, DER_SEQUENCE, &seq))
        return WEFT_FAIL(e, WEFT_FORBIDDEN, "x509: invalid subject alternative names");
    while (der_next(&seq.content, &name))
        if (name.tag == NAME_EMAIL || name.tag == NAME_DNS || name.tag == NAME_URI ||
            name.tag == NAME_IP)
            WEFT_TRY(allow_name(&name, permitted, excluded, &count, e));
    return WEFT_OK;
}

bool x509_is_hostname(const char *name)
{
    size_t len = strlen(name), label = 0;
    if (len > 0 && name[len - 1] == '.')
        len--;
    for (size_t i = 0; i <= len; i++) {
        bool first = i == label, wildcard = label == 0 && i == 0 && name[i] == '*';
        if (i == len || name[i] == '.') {
            if (first)
                return false;
            label = i + 1;
        } else if (!in_range((uint8_t)name[i], 'a', 'z') && !in_range((uint8_t)name[i], 'A', 'Z') &&
                   !in_range((uint8_t)name[i], '0', '9') && name[i] != '_' && name[i] != ':' &&
                   !(name[i] == '-' && !first) && !(wildcard && (len == 1 || name[1] == '.'))) {
            return false;
        }
    }
    return true;
}
