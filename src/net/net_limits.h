/* net_limits.h - how much of anything a stranger may ask of the transport.
 *
 * One struct, filled with NET_LIMITS_DEFAULT and changed by the daemon's
 * configuration; docs/limits.md lists the rows for operators.
 *
 * Go origin   none (core/comm's defaults: 100 MB messages, keepalive 2 h / 20 s / 60 s)
 * Owner       set before the loops start, then read only
 */
#ifndef WEFT_NET_NET_LIMITS_H
#define WEFT_NET_NET_LIMITS_H

#include <stdint.h>

struct net_limits {
    uint32_t connections;        /* accepted ones, a loop */
    uint32_t handshake_ms;       /* TCP accept until TLS and the first SETTINGS are there */
    uint32_t streams;            /* opened by the peer, at once, a connection */
    uint32_t header_bytes;       /* of headers, and again of trailers, unpacked */
    uint32_t header_fields;      /* likewise */
    uint32_t continuations;      /* frames behind one HEADERS */
    uint32_t message_recv_bytes; /* larger: RESOURCE_EXHAUSTED */
    uint32_t message_send_bytes; /* likewise */
    uint32_t partial_bytes;      /* begun, unfinished messages of a connection */
    uint32_t stream_window;      /* bytes in flight towards us, a stream */
    uint32_t conn_window;        /* likewise, a connection */
    uint32_t held_bytes;         /* of paused streams, before the connection pauses too */
    uint32_t outbound_bytes;     /* queued on one stream */
    uint32_t outbound_low_bytes; /* below this a stream is writable */
    uint32_t outbound_acks;      /* PING and SETTINGS answers that the peer does not read */
    uint32_t settings_entries;   /* of one SETTINGS frame */
    uint32_t resets_burst;       /* RST_STREAM frames of the peer: a bucket of so many, */
    uint32_t resets_per_s;       /*   filled so fast */
    uint32_t glitches_burst;     /* empty frames, settings, refused streams ...: likewise */
    uint32_t glitches_per_s;
    uint32_t ping_min_interval_ms; /* the peer may ping so often, */
    uint32_t ping_strikes;         /*   and be early so many times; 0 is no enforcement */
    uint32_t keepalive_ms;         /* our ping after so much silence; 0 is never */
    uint32_t keepalive_timeout_ms; /* and its answer */
    uint32_t linger_ms;            /* the last words of a refused connection */
    uint32_t stranger_percent;     /* of a loop's time, for who was not served yet */
};

#define NET_LIMITS_DEFAULT                                                                      \
    {                                                                                           \
        .connections = 20000, .handshake_ms = 5000, .streams = 1000, .header_bytes = 64 << 10,  \
        .header_fields = 256, .continuations = 8, .message_recv_bytes = 100 << 20,              \
        .message_send_bytes = 100 << 20, .partial_bytes = 256 << 20, .stream_window = 1 << 20,  \
        .conn_window = 4 << 20, .held_bytes = 8 << 20, .outbound_bytes = 256 << 20,             \
        .outbound_low_bytes = 128 << 10, .outbound_acks = 1000, .settings_entries = 32,         \
        .resets_burst = 1000, .resets_per_s = 33, .glitches_burst = 1000, .glitches_per_s = 33, \
        .ping_min_interval_ms = 60000, .ping_strikes = 2, .keepalive_ms = 7200000,              \
        .keepalive_timeout_ms = 20000, .linger_ms = 1000, .stranger_percent = 25,               \
    }

#endif
