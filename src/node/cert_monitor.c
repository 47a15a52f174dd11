#include "node/cert_monitor.h"

#include "base/log.h"
#include "crypto/x509.h"

#include <time.h>

LOG_DEFINE(logger, "certmonitor");

enum {
    HOUR_S = 3600,
    DAY_S = 24 * HOUR_S,
    WEEK_S = 7 * DAY_S,
};

void cert_monitor_add(struct cert_monitor *m, const char *role, struct bytes pem, int64_t now_s)
{
    WEFT_CLEANUP(x509_cert_unref) struct x509_cert *cert = NULL;
    if (x509_cert_parse_pem(pem, &cert, NULL) != WEFT_OK)
        return;
    int64_t end_s = cert->not_after, left_s = end_s - now_s;
    if (left_s < 0) {
        LOG_WARN(&logger, "The %s certificate has expired", role);
        return;
    }
    struct tm tm;
    char text[64] = "";
    time_t end = (time_t)end_s;
    if (gmtime_r(&end, &tm) != NULL)
        (void)strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S +0000 UTC", &tm);
    LOG_INFO(&logger, "The %s certificate will expire on %s", role, text);
    if (left_s < WEEK_S) {
        LOG_WARN(&logger, "The %s certificate expires within %d days and %d hours", role,
                 (int)(left_s / DAY_S), (int)(left_s % DAY_S / HOUR_S));
        return;
    }
    WEFT_ASSERT(m->count < CERT_MONITOR_MAX);
    m->at[m->count].role = role;
    m->at[m->count++].warn_at_s = end_s - WEEK_S;
}

int cert_monitor_check(struct cert_monitor *m, int64_t now_s)
{
    int64_t next_s = DAY_S;
    for (size_t i = m->count; i > 0; i--) {
        int64_t left_s = m->at[i - 1].warn_at_s - now_s;
        if (left_s <= 0) {
            LOG_WARN(&logger, "The %s certificate will expire within one week", m->at[i - 1].role);
            m->at[i - 1] = m->at[--m->count];
        } else if (left_s < next_s) {
            next_s = left_s;
        }
    }
    return m->count == 0 ? -1 : (int)(next_s * 1000);
}
