/* cert_monitor.h - tells in time that a certificate of this node expires.
 *
 *     cert_monitor_add(m, "enrollment", pem, now_s)
 *         The enrollment certificate will expire on 2036-11-26 13:05:00 +0000 UTC
 *         The server TLS certificate expires within 3 days and 7 hours
 *         The client TLS certificate has expired
 *     cert_monitor_check(m, now_s)       now and then: a week before
 *         The enrollment certificate will expire within one week
 *
 * Go origin   common/crypto/expiration.go TrackExpiration
 * Owner       main
 * Memory      none kept but the roles, which the caller keeps
 * Limits      CERT_MONITOR_MAX certificates; what is no certificate is passed over
 */
#ifndef WEFT_NODE_CERT_MONITOR_H
#define WEFT_NODE_CERT_MONITOR_H

#include "base/bytes.h"

enum {
    CERT_MONITOR_MAX = 3,
};

struct cert_monitor {
    struct {
        const char *role;
        int64_t warn_at_s;
    } at[CERT_MONITOR_MAX];
    size_t count; /* that have not been warned of */
};

void cert_monitor_add(struct cert_monitor *m, const char *role, struct bytes pem, int64_t now_s);
/* After how many ms to check again, at most a day; -1: there is nothing to wait for. */
int cert_monitor_check(struct cert_monitor *m, int64_t now_s);

#endif
