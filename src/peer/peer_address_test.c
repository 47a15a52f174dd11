#include "peer/peer_address.h"

#include "weft_test.h"

TEST(an_address_stands_as_it_is_configured)
{
    struct weft_err e = { 0 };
    WEFT_FREE char *address = NULL;
    EXPECT_OK(peer_address("peer0.org1.example.com:7051", false, &address, &e));
    EXPECT_STR(address, "peer0.org1.example.com:7051");
}

TEST(none_and_one_without_port_are_refused)
{
    struct weft_err e = { 0 };
    char *address = NULL;
    EXPECT_CODE(peer_address("", false, &address, &e), WEFT_INVALID);
    EXPECT_STR(e.msg, "peer.address isn't set");
    EXPECT_CODE(peer_address("peer0", false, &address, &e), WEFT_INVALID);
    EXPECT_STR(e.msg, "peer.address isn't in host:port format: peer0");
}

TEST(any_interface_becomes_this_hosts_address_where_it_has_one)
{
    static const char *const rows[] = { "0.0.0.0:7051", "[::]:7051" };
    for (size_t i = 0; i < WEFT_ARRAY_LEN(rows); i++) {
        struct weft_err e = { 0 };
        WEFT_FREE char *address = NULL;
        enum weft_code rc = peer_address(rows[i], false, &address, &e);
        if (rc != WEFT_OK) {
            EXPECT_STR(e.msg, "no non-loopback, IPv4 interface detected");
            continue;
        }
        EXPECT(strstr(address, ":7051") != NULL);
        EXPECT(strncmp(address, "0.0.0.0", 7) != 0 && strncmp(address, "127.", 4) != 0);
    }
}
