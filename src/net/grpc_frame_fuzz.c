/* Messages out of a byte stream: however it is cut, the same ones come out. */
#include "net/grpc_frame.h"

#include "base/rand.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    MOST = 1 << 16
};

/* Everything that came out, in one buffer, and how it ended. */
static enum grpc_deframe run(struct bytes all, struct weft_rand *cuts, struct buf *out)
{
    struct grpc_deframer d = { 0 };
    enum grpc_deframe end = GRPC_DEFRAME_MORE;
    while (all.len > 0 && end <= GRPC_DEFRAME_MESSAGE) {
        size_t n = cuts != NULL ? 1 + weft_rand_below(cuts, 9) : all.len;
        struct bytes piece = bytes_of(all.data, n < all.len ? n : all.len);
        all = bytes_skip(all, piece.len);
        while (piece.len > 0 && end <= GRPC_DEFRAME_MESSAGE) {
            struct net_msg *m = NULL;
            end = grpc_deframer_step(&d, &piece, MOST, &m);
            if (m != NULL) {
                WEFT_ASSERT(m->len <= MOST);
                buf_put_len_bytes(out, net_msg_bytes(m));
                net_msg_unref(m);
            }
        }
    }
    if (end <= GRPC_DEFRAME_MESSAGE)
        buf_put_u8(out, grpc_deframer_is_inside(&d));
    grpc_deframer_done(&d);
    return end <= GRPC_DEFRAME_MESSAGE ? GRPC_DEFRAME_MORE : end;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    WEFT_CLEANUP(buf_done) struct buf whole = { 0 };
    WEFT_CLEANUP(buf_done) struct buf cut = { 0 };
    struct weft_rand cuts = weft_rand_of(size);
    enum grpc_deframe a = run(bytes_of(data, size), NULL, &whole);
    enum grpc_deframe b = run(bytes_of(data, size), &cuts, &cut);
    WEFT_ASSERT(a == b && bytes_eq(buf_bytes(&whole), buf_bytes(&cut)));
    return 0;
}
