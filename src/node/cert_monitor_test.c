#include "node/cert_monitor.h"

#include "cert_maker.h"
#include "weft_test.h"

static const int64_t day_s = INT64_C(24) * 3600;
static const int64_t end_s = 2000000000; /* 2033-05-18 03:33:20 */

/* What was said while `role`'s certificate was added at this time, and checked later. */
struct story {
    struct cert_monitor m;
    struct buf said;
    int wait_ms;
};

static void tell(struct story *s, int64_t added_s, int64_t checked_s)
{
    WEFT_CLEANUP(made_cert_free)
    struct made_cert *c = cert_make(&(struct cert_order){ .name = "peer0", .not_after = end_s });
    *s = (struct story){ 0 };
    weft_test_log_catch("%{message}");
    cert_monitor_add(&s->m, "enrollment", made_cert_pem(c), added_s);
    s->wait_ms = cert_monitor_check(&s->m, checked_s);
    s->said = weft_test_log_taken();
}

static bool says(const struct story *s, const char *words)
{
    return strstr((const char *)s->said.data, words) != NULL;
}

static void forget(struct story *s)
{
    buf_done(&s->said);
}

TEST(says_when_a_certificate_expires_and_warns_a_week_before)
{
    struct story s;
    tell(&s, end_s - 30 * day_s, end_s - 20 * day_s);
    EXPECT(says(&s, "The enrollment certificate will expire on 2033-05-18 03:33:20 +0000 UTC"));
    EXPECT(!says(&s, "one week"));
    EXPECT_EQ(s.wait_ms, day_s * 1000);
    forget(&s);
    tell(&s, end_s - 30 * day_s, end_s - 7 * day_s - 60);
    EXPECT_EQ(s.wait_ms, 60 * 1000);
    forget(&s);
    tell(&s, end_s - 30 * day_s, end_s - 7 * day_s);
    EXPECT(says(&s, "The enrollment certificate will expire within one week"));
    EXPECT(s.wait_ms == -1);
    forget(&s);
}

TEST(warns_at_once_of_one_that_expires_soon_or_has)
{
    struct story s;
    tell(&s, end_s - 3 * day_s - INT64_C(7) * 3600, end_s);
    EXPECT(says(&s, "The enrollment certificate expires within 3 days and 7 hours"));
    EXPECT(s.wait_ms == -1);
    forget(&s);
    tell(&s, end_s + 1, end_s + 2);
    EXPECT(says(&s, "The enrollment certificate has expired"));
    forget(&s);
}

TEST(what_is_no_certificate_is_passed_over)
{
    struct cert_monitor m = { 0 };
    cert_monitor_add(&m, "client TLS", bytes_of(NULL, 0), 0);
    cert_monitor_add(&m, "client TLS", bytes_of_str("no PEM"), 0);
    EXPECT_EQ(m.count, 0);
}
