#include "peer/peer_settings.h"

#include "config/core_config.h"
#include "weft_test.h"

/* As a sample's core.yaml. */
static struct core_handler filters[] = { { "", "DefaultAuth", "" }, { "", "ExpirationCheck", "" } };
static struct core_handler endorsers[] = { { "escc", "DefaultEndorsement", "" } };
static struct core_handler validators[] = { { "vscc", "DefaultValidation", "" } };
static struct core_handler decorators[] = { { "", "DefaultDecorator", "" } };

static struct core_config good(void)
{
    return (struct core_config){
        .auth_filters = { filters, WEFT_ARRAY_LEN(filters) },
        .decorators = { decorators, WEFT_ARRAY_LEN(decorators) },
        .endorsers = { endorsers, WEFT_ARRAY_LEN(endorsers) },
        .validators = { validators, WEFT_ARRAY_LEN(validators) },
        .chaincode = { .vm_endpoint = "unix:///var/run/docker.sock", .mode = "net" },
        .ledger = { .state_database = "goleveldb", .snapshots_dir = "/var/snapshots" },
    };
}

static void expect_refused(const struct core_config *c, const char *words)
{
    struct weft_err e = { 0 };
    EXPECT_CODE(peer_settings_check(c, &e), WEFT_INVALID);
    EXPECT_WORDS(e, words);
}

TEST(a_samples_settings_are_fine)
{
    struct weft_err e = { 0 };
    struct core_config c = good();
    EXPECT_OK(peer_settings_check(&c, &e));
    EXPECT(peer_settings_has_filter(&c, "ExpirationCheck"));
    c.auth_filters.count = 1;
    EXPECT_OK(peer_settings_check(&c, &e));
    EXPECT(!peer_settings_has_filter(&c, "ExpirationCheck"));
}

TEST(handlers_that_are_not_there_are_refused)
{
    struct core_handler other = { "", "Mine", "" }, misplaced = { "", "DefaultDecorator", "" };
    struct core_handler absent = { "vscc", "Mine", "/absent.so" }, there = { "", "", "/dev/null" };
    struct core_config c = good();
    c.auth_filters = (struct core_handlers){ &other, 1 };
    expect_refused(&c, "Method Mine isn't a method of HandlerLibrary");
    c.auth_filters = (struct core_handlers){ &misplaced, 1 };
    expect_refused(&c, "Method DefaultDecorator isn't a method of HandlerLibrary");
    c = good();
    c.validators = (struct core_handlers){ &absent, 1 };
    expect_refused(&c, "Could not find plugin at path /absent.so: stat /absent.so: no such file or "
                       "directory");
    c.validators = (struct core_handlers){ &there, 1 };
    expect_refused(&c, "Error opening plugin at path /dev/null: ");
}

TEST(what_would_be_another_peer_is_refused)
{
    struct weft_err e = { 0 };
    struct core_external_builder builder = { "name", "/path", { 0 } };
    struct core_config c = good();
    c.ledger.state_database = "CouchDB";
    expect_refused(&c, "ledger.state.stateDatabase is CouchDB");
    c = good();
    c.ledger.snapshots_dir = "./relative";
    expect_refused(&c, "invalid path: ./relative. The path for the snapshot dir is expected to be "
                       "an absolute path");
    c = good();
    c.chaincode.vm_endpoint = "";
    expect_refused(&c, "VMEndpoint not set and no ExternalBuilders defined");
    c.chaincode.builders = &builder;
    c.chaincode.builder_count = 1;
    EXPECT_OK(peer_settings_check(&c, &e));
}
