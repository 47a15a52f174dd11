#include "validation/config_apply.h"

#include "bundle/bundle.h"
#include "proto/envelope.h"
#include "test_channel.h"
#include "weft_test.h"

/* Of a configuration whose next one asks for a capability that nobody has. */
static enum weft_code apply(const char *group, struct weft_err *ret)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(test_channel_free) struct test_channel *now = test_channel_new();
    WEFT_CLEANUP(test_channel_free) struct test_channel *next = test_channel_copy(now);
    WEFT_CLEANUP(bundle_unref) struct bundle *before = NULL;
    WEFT_CLEANUP(bundle_unref) struct bundle *after = NULL;
    WEFT_CLEANUP(buf_done) struct buf update = { 0 };
    WEFT_CLEANUP(buf_done) struct buf content = { 0 };
    WEFT_CLEANUP(buf_done) struct buf envelope = { 0 };
    EXPECT_OK(bundle_new("ch", 0, test_channel_bytes(now), &before, &e));
    test_channel_set_capability(next, group, "V9_9");
    test_update(now, next, "ch", "OrdererMSP Org1MSP Org2MSP", &update);
    EXPECT_OK(bundle_propose(before, buf_bytes(&update), &content, &e));
    test_envelope(now, "OrdererMSP", false, HEADER_CONFIG, "ch", buf_bytes(&content), &envelope);
    return config_apply(before, buf_bytes(&envelope), &after, ret);
}

TEST(what_the_channel_or_its_applications_ask_for_must_be_known)
{
    struct weft_err e = { 0 };
    EXPECT_CODE(apply("", &e), WEFT_INVALID);
    EXPECT_STR(e.msg, "[channel ch] incompatible: Channel capability V9_9 is required but not "
                      "supported");
    EXPECT_CODE(apply("Application", &e), WEFT_INVALID);
    EXPECT_STR(e.msg, "[channel ch] incompatible: Application capability V9_9 is required but not "
                      "supported");
}

TEST(what_orderers_ask_for_is_the_orderers_matter)
{
    struct weft_err e = { 0 };
    EXPECT_OK(apply("Orderer", &e));
}
