/* config_parts.h - what orderer.yaml and core.yaml have in common.
 *
 * Go origin   bccsp/factory/opts.go common/metrics/provider.go
 * Owner       whoever holds the configuration; immutable
 * Memory      texts lie in the configuration's arena
 */
#ifndef WEFT_CONFIG_CONFIG_PARTS_H
#define WEFT_CONFIG_CONFIG_PARTS_H

#include "config/config_table.h"

/* Files of one side of TLS. */
struct config_tls {
    bool enabled, client_auth_required;
    const char *private_key, *certificate;
    struct config_strings root_cas, client_root_cas;
    int64_t handshake_time_shift_ns;
};

struct config_keepalive {
    int64_t min_interval_ns; /* a server's: clients may not ping more often */
    int64_t interval_ns, timeout_ns;
};

/* Where keys and hashes come from; we have the software provider, SW.  hash and
 * security are checked and otherwise mean nothing: an MSP names its own. */
struct config_bccsp {
    const char *provider, *hash;
    const char *key_store; /* "": keystore/ in the MSP's folder */
    uint32_t security;
};

/* Can it be had?  `section` is its key, such as "peer.BCCSP". */
enum weft_code config_bccsp_check(const struct config_bccsp *b, const char *section,
                                  struct weft_err *e) WEFT_MUST_CHECK;

struct config_metrics {
    const char *provider; /* prometheus, statsd, disabled */
    const char *statsd_network, *statsd_address, *statsd_prefix;
    int64_t statsd_write_interval_ns;
};

#endif
