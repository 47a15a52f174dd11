/* tx_stream.h - a script's transactions in order, signed on all cores ahead of who
 * takes them.
 *
 *     struct tx_stream *t = tx_stream_new(&script, 100000, 0);
 *     while (tx_stream_next(t, &tx, e) == WEFT_OK && tx.envelope.len > 0)
 *         ... tx.envelope, tx.id ...
 *
 * Go origin   none
 * Owner       one thread; workers make, and own nothing
 * Memory      some hundred transactions ahead; what tx_stream_next gives is there until
 *             the next call
 * Limits      none
 */
#ifndef WEFT_TXMAKER_TX_STREAM_H
#define WEFT_TXMAKER_TX_STREAM_H

#include "txmaker/tx_script.h"

struct tx_stream;

/* The script's first `count`; `threads` workers, 0: one per core.  Borrows the script. */
struct tx_stream *tx_stream_new(const struct tx_script *s, uint64_t count, unsigned threads);
void tx_stream_free(struct tx_stream *t);
WEFT_DEFINE_CLEANUP(struct tx_stream *, tx_stream_free)

struct stream_tx {
    uint64_t number;
    struct bytes envelope; /* empty: there is no more */
    const char *id;
};
enum weft_code tx_stream_next(struct tx_stream *t, struct stream_tx *ret,
                              struct weft_err *e) WEFT_MUST_CHECK;

#endif
