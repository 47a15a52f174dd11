#include "net/tls13_records.h"

#include "base/rand.h"
#include "weft_test.h"

#include <openssl/ssl.h>

enum {
    CLIENT,
    SERVER,
    CAP = 3 * TLS13_RECORD_MAX,
};

/* Both ends; what one has sent lies in its `out`. */
struct ends {
    struct tls13_records *r[2];
    struct buf out[2];
};

static uint8_t got[CAP];

static void ends_init(struct ends *w, size_t secret_len)
{
    uint8_t secrets[2][TLS13_SECRET_MAX];
    memset(secrets[CLIENT], 'c', sizeof(secrets[CLIENT]));
    memset(secrets[SERVER], 's', sizeof(secrets[SERVER]));
    *w = (struct ends){ 0 };
    for (int i = CLIENT; i <= SERVER; i++)
        w->r[i] = tls13_records_new(i == CLIENT, bytes_of(secrets[CLIENT], secret_len),
                                    bytes_of(secrets[SERVER], secret_len), &w->out[i]);
}

static void ends_done(struct ends *w)
{
    for (int i = CLIENT; i <= SERVER; i++) {
        tls13_records_free(w->r[i]);
        buf_done(&w->out[i]);
    }
}
WEFT_DEFINE_CLEANUP_IN_PLACE(struct ends, ends_done)

/* All that has come for this end, and nothing is left over. */
static enum weft_code read_all(struct ends *w, int end, size_t *ret_n, struct weft_err *e)
{
    struct bytes in = buf_bytes(&w->out[1 - end]);
    enum weft_code rc = tls13_records_read(w->r[end], &in, got, sizeof(got), ret_n, e);
    EXPECT_EQ(in.len, 0);
    buf_clear(&w->out[1 - end]);
    return rc;
}

static void expect_text(struct ends *w, int end, const char *text)
{
    struct weft_err e;
    size_t n = 0;
    EXPECT_OK(read_all(w, end, &n, &e));
    EXPECT_BYTES(bytes_of(got, n), bytes_of_str(text));
}

/* RFC 8448, 3: the record with the client's 50 bytes. */
TEST(reads_the_record_of_the_rfc)
{
    static const char client[] = "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5";
    static const char server[] = "a11af9f05531f856ad47116b45a950328204b4f44bfd6b3a4b4f1f3fcb631643";
    static const char record[] =
        "1703030043a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f2b9819a8a5b46b395bd54a9a20"
        "441e2b62974e1f5a6292a2977014bd1e3deae63aeebb21694915e4";
    struct weft_err e;
    uint8_t secrets[2][32], bytes[sizeof(record) / 2], want[50];
    struct buf out = { 0 };
    size_t n = 0;
    EXPECT(bytes_from_hex(bytes_of_str(client), secrets[CLIENT]));
    EXPECT(bytes_from_hex(bytes_of_str(server), secrets[SERVER]));
    EXPECT(bytes_from_hex(bytes_of_str(record), bytes));
    for (size_t i = 0; i < sizeof(want); i++)
        want[i] = (uint8_t)i;
    for (int end = CLIENT; end <= SERVER; end++) {
        WEFT_CLEANUP(tls13_records_free)
        struct tls13_records *r = tls13_records_new(end == CLIENT, bytes_of(secrets[CLIENT], 32),
                                                    bytes_of(secrets[SERVER], 32), &out);
        if (end == CLIENT) {
            tls13_records_write(r, bytes_of(want, sizeof(want)));
            EXPECT_BYTES(buf_bytes(&out), bytes_of(bytes, sizeof(bytes)));
        } else {
            struct bytes in = buf_bytes(&out);
            EXPECT_OK(tls13_records_read(r, &in, got, sizeof(got), &n, &e));
            EXPECT_BYTES(bytes_of(got, n), bytes_of(want, sizeof(want)));
        }
    }
    buf_done(&out);
}

/* However the records are cut on their way, and whatever room there is. */
TEST(what_is_written_at_one_end_is_read_at_the_other)
{
    static uint8_t text[100000], all[100000];
    struct weft_err e;
    struct weft_rand rand = weft_rand_of(3);
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (uint8_t)weft_rand_next(&rand);
    for (size_t i = 0; i < 300; i++) {
        WEFT_CLEANUP(ends_done) struct ends w;
        size_t len = weft_rand_below(&rand, i < 100 ? 100 : sizeof(text)), have = 0;
        size_t most = i % 3 == 0 ? 7 : 40000;
        int to = (int)(i % 2);
        ends_init(&w, i % 4 < 2 ? 32 : TLS13_SECRET_MAX);
        tls13_records_write(w.r[1 - to], bytes_of(text, len));
        for (struct bytes sent = buf_bytes(&w.out[1 - to]); sent.len > 0;) {
            size_t n = 1 + weft_rand_below(&rand, most), some = 1;
            struct bytes in = bytes_of(sent.data, n < sent.len ? n : sent.len);
            sent = bytes_skip(sent, in.len);
            for (; some > 0; have += some) {
                EXPECT_OK(tls13_records_read(w.r[to], &in, got, TLS13_RECORD_MAX + i, &some, &e));
                memcpy(all + have, got, some);
            }
            EXPECT_EQ(in.len, 0);
        }
        EXPECT_BYTES(bytes_of(all, have), bytes_of(text, len));
    }
}

struct record {
    uint8_t type;
    const char *text;
    size_t len;
};

#define TEXT(s) bytes_of("" s, sizeof(s) - 1)
#define RECORD(type, s)             \
    {                               \
        (type), "" s, sizeof(s) - 1 \
    }

static void put(struct tls13_records *r, const struct record *what)
{
    tls13_records_put(r, what->type, bytes_of(what->text, what->len));
}

/* What one end can be sent, and what becomes of it. */
struct visit {
    const char *name;
    int to;
    struct record records[3];
    enum weft_code rc;
    const char *words;
    int alert; /* that it answers with; 0: none */
};

static const struct visit visits[] = {
    { "goodbye", CLIENT, { RECORD(21, "\1\0") }, WEFT_CANCELLED, "the peer closed", 0 },
    { "data before goodbye", SERVER, { RECORD(23, "a"), RECORD(21, "\1\0") }, WEFT_OK, "a", 0 },
    { "goodbye announced", CLIENT, { RECORD(21, "\1\132"), RECORD(23, "a") }, WEFT_OK, "a", 0 },
    { "alert", CLIENT, { RECORD(21, "\2\52") }, WEFT_IO, "TLS read: sslv3 alert bad cert", 0 },
    { "alert of 1.3", CLIENT, { RECORD(21, "\2\164") }, WEFT_IO, "certificate required", 0 },
    { "alert nobody knows", CLIENT, { RECORD(21, "\2\1") }, WEFT_IO, "unknown alert", 0 },
    { "half an alert", CLIENT, { RECORD(21, "\2") }, WEFT_IO, "invalid alert", 50 },
    { "ticket", CLIENT, { RECORD(22, "\4\0\0\2ab"), RECORD(23, "a") }, WEFT_OK, "a", 0 },
    { "ticket in pieces",
      CLIENT,
      { RECORD(22, "\4\0"), RECORD(22, "\0\3ab"), RECORD(22, "c") },
      WEFT_OK,
      "",
      0 },
    { "data inside a ticket",
      CLIENT,
      { RECORD(22, "\4\0\0\3ab"), RECORD(23, "a") },
      WEFT_IO,
      "unexpected message",
      10 },
    { "ticket for a server", SERVER, { RECORD(22, "\4\0\0\1a") }, WEFT_IO, "unexpected", 10 },
    { "hello", SERVER, { RECORD(22, "\1\0\0\1a") }, WEFT_IO, "unexpected message", 10 },
    { "empty message", SERVER, { RECORD(22, "") }, WEFT_IO, "unexpected message", 10 },
    { "update that is not last",
      SERVER,
      { RECORD(22, "\30\0\0\1\0\30") },
      WEFT_IO,
      "not on record boundary",
      10 },
    { "long update", SERVER, { RECORD(22, "\30\0\0\2\0\0") }, WEFT_IO, "bad key update", 50 },
    { "strange update", SERVER, { RECORD(22, "\30\0\0\1\2") }, WEFT_IO, "bad key update", 47 },
    { "padding", SERVER, { RECORD(0, "abc\27\0\0\0") }, WEFT_OK, "abc", 0 },
    { "padding alone", SERVER, { RECORD(0, "\0\0\0") }, WEFT_IO, "bad record type", 10 },
    { "nothing at all", SERVER, { RECORD(0, "") }, WEFT_IO, "bad record type", 10 },
    { "change of ciphers", SERVER, { RECORD(20, "\1") }, WEFT_IO, "bad record type", 10 },
    { "empty data", SERVER, { RECORD(23, ""), RECORD(23, "a") }, WEFT_OK, "a", 0 },
};

TEST(everything_but_data_has_its_answer)
{
    EXPECT_EQ(OPENSSL_init_ssl(OPENSSL_INIT_LOAD_SSL_STRINGS, NULL), 1);
    for (size_t i = 0; i < WEFT_ARRAY_LEN(visits); i++) {
        const struct visit *v = &visits[i];
        WEFT_CLEANUP(ends_done) struct ends w;
        struct weft_err e = { 0 };
        size_t n = 0;
        ends_init(&w, 32);
        print_message("%s\n", v->name);
        for (size_t k = 0; k < 3 && v->records[k].text != NULL; k++)
            put(w.r[1 - v->to], &v->records[k]);
        EXPECT_CODE(read_all(&w, v->to, &n, &e), v->rc);
        if (v->rc == WEFT_OK)
            EXPECT_BYTES(bytes_of(got, n), bytes_of_str(v->words));
        else
            EXPECT_WORDS(e, v->words);
        EXPECT_EQ(w.out[v->to].len > 0, v->alert != 0);
        if (v->alert == 0)
            continue;
        EXPECT_CODE(read_all(&w, 1 - v->to, &n, &e), WEFT_IO); /* a fatal alert, and it knows */
        WEFT_CLEANUP(ends_done) struct ends same;
        ends_init(&same, 32);
        const uint8_t alert[] = { 2, (uint8_t)v->alert };
        tls13_records_put(same.r[v->to], SSL3_RT_ALERT, bytes_of(alert, 2));
        struct weft_err known = { 0 };
        EXPECT_CODE(read_all(&same, 1 - v->to, &n, &known), WEFT_IO);
        EXPECT_STR(e.msg, known.msg);
    }
}

TEST(after_an_error_it_stays_over)
{
    WEFT_CLEANUP(ends_done) struct ends w;
    struct weft_err e;
    size_t n = 0;
    ends_init(&w, 32);
    tls13_records_write(w.r[CLIENT], TEXT("before"));
    tls13_records_put(w.r[CLIENT], 99, TEXT("x"));
    tls13_records_write(w.r[CLIENT], TEXT("behind"));
    struct bytes in = buf_bytes(&w.out[CLIENT]);
    EXPECT_OK(tls13_records_read(w.r[SERVER], &in, got, sizeof(got), &n, &e));
    EXPECT_BYTES(bytes_of(got, n), TEXT("before"));
    for (int i = 0; i < 2; i++) {
        EXPECT_CODE(tls13_records_read(w.r[SERVER], &in, got, sizeof(got), &n, &e), WEFT_IO);
        EXPECT_EQ(n, 0);
        EXPECT_WORDS(e, "bad record type");
    }
    buf_clear(&w.out[SERVER]);
    tls13_records_close(w.r[SERVER]);
    EXPECT_EQ(w.out[SERVER].len, 0);
}

TEST(both_take_new_keys_when_one_asks)
{
    for (int asks = CLIENT; asks <= SERVER; asks++) {
        WEFT_CLEANUP(ends_done) struct ends w;
        ends_init(&w, asks == CLIENT ? 32 : TLS13_SECRET_MAX);
        /* It does not take its own new key, as only a peer's request makes one do so: the peer's
         * answer, and what is sent behind it, are read all the same. */
        tls13_records_put(w.r[asks], SSL3_RT_HANDSHAKE, TEXT("\30\0\0\1\1"));
        expect_text(&w, 1 - asks, "");
        EXPECT(w.out[1 - asks].len > 0);
        tls13_records_write(w.r[1 - asks], TEXT("with the new key"));
        expect_text(&w, asks, "with the new key");
    }
}

TEST(many_records_without_data_end_it)
{
    static const struct record kinds[] = { RECORD(23, ""), RECORD(21, "\1\132"),
                                           RECORD(22, "\4\0\0\1a") };
    for (size_t k = 0; k < WEFT_ARRAY_LEN(kinds); k++) {
        WEFT_CLEANUP(ends_done) struct ends w;
        struct weft_err e;
        size_t n = 0;
        ends_init(&w, 32);
        for (int round = 0; round < 3; round++) {
            for (int i = 0; i < 32; i++)
                put(w.r[SERVER], &kinds[k]);
            tls13_records_write(w.r[SERVER], TEXT("data"));
            expect_text(&w, CLIENT, "data");
        }
        for (int i = 0; i < 33; i++)
            put(w.r[SERVER], &kinds[k]);
        EXPECT_CODE(read_all(&w, CLIENT, &n, &e), WEFT_IO);
        EXPECT_WORDS(e, "record too small");
    }
}

TEST(a_message_without_end_ends_it)
{
    WEFT_CLEANUP(ends_done) struct ends w;
    static uint8_t large[TLS13_TEXT_MAX] = { 4, 0xff, 0xff, 0xff };
    struct weft_err e;
    size_t n = 0, sent = 0;
    ends_init(&w, 32);
    do {
        tls13_records_put(w.r[SERVER], SSL3_RT_HANDSHAKE, bytes_of(large, sizeof(large)));
        sent += sizeof(large);
    } while (read_all(&w, CLIENT, &n, &e) == WEFT_OK);
    EXPECT(sent <= (128 << 10) + sizeof(large));
    EXPECT_WORDS(e, "unexpected message");
}

/* What does not even look like a record, or was changed on its way. */
TEST(no_byte_is_given_out_of_what_is_not_a_record_of_the_peer)
{
    static const struct {
        size_t at;
        uint8_t to;
        const char *words;
    } spoils[] = {
        { 0, 21, "unexpected message" },
        { 0, 22, "unexpected message" },
        { 3, 0xff, "packet length too long" },
        { 4, 16, "length too short" },
        { 1, 2, "bad record mac" },
        { 7, 0xee, "bad record mac" },
        { 300, 0xee, "bad record mac" },
        { 316, 0xee, "bad record mac" },
    };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(spoils); i++) {
        WEFT_CLEANUP(ends_done) struct ends w;
        static const uint8_t text[300];
        struct weft_err e;
        size_t n = 0;
        ends_init(&w, 32);
        tls13_records_write(w.r[CLIENT], bytes_of(text, sizeof(text)));
        if (spoils[i].at == 4)
            w.out[CLIENT].data[3] = 0;
        w.out[CLIENT].data[spoils[i].at] = spoils[i].to;
        memset(got, 'x', sizeof(got));
        struct bytes in = buf_bytes(&w.out[CLIENT]);
        EXPECT_CODE(tls13_records_read(w.r[SERVER], &in, got, sizeof(got), &n, &e), WEFT_IO);
        EXPECT_WORDS(e, spoils[i].words);
        EXPECT_EQ(n, 0);
        for (size_t at = 0; at < sizeof(text); at++)
            EXPECT(got[at] == 'x' || got[at] == 0);
        EXPECT(w.out[SERVER].len > 0);
    }
}

TEST(a_record_that_comes_twice_or_too_late_is_not_the_next_one)
{
    WEFT_CLEANUP(ends_done) struct ends w;
    struct weft_err e;
    size_t n = 0;
    ends_init(&w, 32);
    tls13_records_write(w.r[CLIENT], TEXT("once"));
    struct bytes in = buf_bytes(&w.out[CLIENT]);
    EXPECT_OK(tls13_records_read(w.r[SERVER], &in, got, sizeof(got), &n, &e));
    in = buf_bytes(&w.out[CLIENT]);
    EXPECT_CODE(tls13_records_read(w.r[SERVER], &in, got, sizeof(got), &n, &e), WEFT_IO);
    EXPECT_WORDS(e, "bad record mac");
}
