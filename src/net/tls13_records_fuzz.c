/* What a peer can say once hands are shaken: records of any type and text, as they are or changed
 * on their way, in pieces of any size.
 *
 *     input:   [who reads][type][len][len][text...] [type]...    len 0xffff: the bytes as they are
 */
#include "net/tls13_records.h"

#include "base/rand.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct tls13_records *records(bool is_client, struct buf *out)
{
    static const uint8_t secret[32] = "the same for both of the two way";
    return tls13_records_new(is_client, bytes_of(secret, 32), bytes_of(secret, 32), out);
}

/* The peer's records, and bytes that are none, in what it has sent. */
static void say(struct tls13_records *peer, struct bytes input, struct buf *out)
{
    while (input.len >= 3) {
        size_t len = (size_t)input.data[1] << 8 | input.data[2];
        uint8_t type = input.data[0];
        bool raw = len == 0xffff;
        input = bytes_skip(input, 3);
        if (len > input.len)
            len = input.len;
        if (len > TLS13_TEXT_MAX)
            len = TLS13_TEXT_MAX;
        if (raw)
            buf_put(out, bytes_of(input.data, len));
        else
            tls13_records_put(peer, type, bytes_of(input.data, len));
        input = bytes_skip(input, len);
    }
}

/* Everything that is read, and the words in which it ended. */
static void hear(struct tls13_records *r, struct bytes sent, struct weft_rand *cuts,
                 struct buf *all)
{
    static uint8_t to[TLS13_RECORD_MAX];
    struct weft_err e = { 0 };
    enum weft_code rc = WEFT_OK;
    while (sent.len > 0 && rc == WEFT_OK) {
        size_t n = cuts != NULL ? 1 + weft_rand_below(cuts, 40) : sent.len, some = 1;
        struct bytes in = bytes_of(sent.data, n < sent.len ? n : sent.len);
        sent = bytes_skip(sent, in.len);
        while (some > 0 && rc == WEFT_OK) {
            rc = tls13_records_read(r, &in, to, sizeof(to), &some, &e);
            buf_put(all, bytes_of(to, some));
        }
        WEFT_ASSERT(in.len == 0);
    }
    buf_put_str(all, e.msg);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    bool is_client = (data[0] & 1) != 0;
    struct weft_rand cuts = weft_rand_of(size);
    struct buf sent = { 0 }, heard[2] = { 0 }, answers[2] = { 0 };
    struct tls13_records *peer = records(!is_client, &sent);
    say(peer, bytes_of(data + 1, size - 1), &sent);
    for (int i = 0; i < 2; i++) {
        struct tls13_records *r = records(is_client, &answers[i]);
        hear(r, buf_bytes(&sent), i == 0 ? NULL : &cuts, &heard[i]);
        tls13_records_free(r);
    }
    WEFT_ASSERT(bytes_eq(buf_bytes(&heard[0]), buf_bytes(&heard[1])));
    WEFT_ASSERT(bytes_eq(buf_bytes(&answers[0]), buf_bytes(&answers[1])));
    tls13_records_free(peer);
    buf_done(&sent);
    for (int i = 0; i < 2; i++) {
        buf_done(&heard[i]);
        buf_done(&answers[i]);
    }
    return 0;
}
