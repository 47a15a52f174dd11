/* test_options.h - what the test programs of src/net take from the command line.
 *
 * Go origin   none
 * Owner       main, before anything runs
 */
#ifndef WEFT_TESTS_NET_TEST_OPTIONS_H
#define WEFT_TESTS_NET_TEST_OPTIONS_H

#include "net/net_limits.h"
#include "net/tls.h"

struct test_options {
    const char *address, *cert, *key, *roots, *host;
    enum tls_client_auth client_auth;
    unsigned loops;
    int64_t time_shift_s;
    bool verbose;
    struct net_limits limits;
    int rest; /* index of the first argument that is no option */
};

void test_options_parse(struct test_options *o, int argc, char **argv);
/* NULL without --cert (a server) or --roots (a client). */
struct tls_context *test_tls_context(enum tls_side side, const struct test_options *o);
bool test_two_numbers(const char *text, unsigned *ret_a, size_t *ret_b);

#endif
