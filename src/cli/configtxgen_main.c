/* configtxgen: first blocks and first transactions, from configtx.yaml. */
#include "base/log.h"
#include "cli/cli.h"
#include "genesis/genesis.h"
#include "os/clock.h"
#include "os/dirs.h"
#include "os/file.h"
#include "proto/json.h"

#include <unistd.h>

enum {
    INPUT_MAX = 128 << 20,
    FILE_MODE = 0640,
};

LOG_DEFINE(logger, "common.tools.configtxgen");

static struct {
    const char *profile, *channel_id, *config_path;
    const char *output_block, *output_channel_tx, *base_profile, *output_anchors, *as_org;
    const char *inspect_block, *inspect_channel_tx, *print_org;
    bool version;
} a;

static void options(struct cli_opt *ret, size_t *count)
{
    const struct cli_opt all[] = {
        { "-profile", "NAME", "the profile of configtx.yaml to use", &a.profile, NULL,
          "--profile" },
        { "-channelID", "ID", "the channel's name", &a.channel_id, NULL, "--channelID" },
        { "-configPath", "DIR", "where configtx.yaml is (FABRIC_CFG_PATH)", &a.config_path, NULL,
          "--configPath" },
        { "-outputBlock", "FILE", "write the genesis block", &a.output_block, NULL,
          "--outputBlock" },
        { "-outputCreateChannelTx", "FILE", "write a transaction that creates the channel",
          &a.output_channel_tx, NULL, "--outputCreateChannelTx" },
        { "-channelCreateTxBaseProfile", "NAME",
          "the system channel's profile, to change more than the application's part",
          &a.base_profile, NULL, "--channelCreateTxBaseProfile" },
        { "-outputAnchorPeersUpdate", "FILE", "write an update of -asOrg's anchor peers",
          &a.output_anchors, NULL, "--outputAnchorPeersUpdate" },
        { "-asOrg", "NAME", "whose anchor peers", &a.as_org, NULL, "--asOrg" },
        { "-inspectBlock", "FILE", "print a block as JSON", &a.inspect_block, NULL,
          "--inspectBlock" },
        { "-inspectChannelCreateTx", "FILE", "print a transaction as JSON", &a.inspect_channel_tx,
          NULL, "--inspectChannelCreateTx" },
        { "-printOrg", "NAME", "print an organisation's definition as JSON", &a.print_org, NULL,
          "--printOrg" },
        { "-version", NULL, "show version information", NULL, &a.version, "--version" },
    };
    memcpy(ret, all, sizeof(all));
    *count = WEFT_ARRAY_LEN(all);
}

/* ---- writing ------------------------------------------------------------------------------------- */

static enum weft_code write_file(const char *path, const struct buf *what, struct weft_err *e)
{
    const char *slash = strrchr(path, '/');
    if (slash != NULL && slash != path) {
        WEFT_FREE char *dir = weft_asprintf("%.*s", (int)(slash - path), path);
        WEFT_TRY(dir_make(dir, e));
    }
    return file_write_plain(path, buf_bytes(what), FILE_MODE, e);
}

static enum weft_code output_block(const struct configtx_profile *p, int64_t now_s,
                                   struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf out = { 0 };
    LOG_INFO(&logger, "Generating genesis block");
    enum weft_code rc = genesis_block(p, a.channel_id, now_s, &out, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "Error on outputBlock");
    if (!p->has_consortiums)
        LOG_WARN(&logger, "Genesis block does not contain a consortiums group definition.  This "
                          "block cannot be used for orderer bootstrap.");
    LOG_INFO(&logger, "Writing genesis block");
    rc = write_file(a.output_block, &out, e);
    return rc == WEFT_OK ? rc : weft_err_wrap(e, rc, "Error on outputBlock");
}

static enum weft_code output_channel_tx(const struct configtx_profile *p,
                                        const struct configtx_profile *base, int64_t now_s,
                                        struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf out = { 0 };
    LOG_INFO(&logger, "Generating new channel configtx");
    enum weft_code rc = genesis_channel_tx(p, base, a.channel_id, now_s, &out, e);
    LOG_INFO(&logger, "Writing new channel tx");
    if (rc == WEFT_OK)
        rc = write_file(a.output_channel_tx, &out, e);
    return rc == WEFT_OK ? rc : weft_err_wrap(e, rc, "Error on outputChannelCreateTx");
}

static enum weft_code output_anchors(const struct configtx_profile *p, int64_t now_s,
                                     struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf out = { 0 };
    LOG_INFO(&logger, "Generating anchor peer update");
    if (a.as_org == NULL)
        return WEFT_FAIL(e, WEFT_INVALID,
                         "Error on outputAnchorPeersUpdate: must specify an organization to update "
                         "the anchor peer for");
    enum weft_code rc = genesis_anchor_update(p, a.as_org, a.channel_id, now_s, &out, e);
    LOG_INFO(&logger, "Writing anchor peer update");
    if (rc == WEFT_OK)
        rc = write_file(a.output_anchors, &out, e);
    return rc == WEFT_OK ? rc : weft_err_wrap(e, rc, "Error on outputAnchorPeersUpdate");
}

static enum weft_code make_outputs(struct configtx *c, struct weft_err *e)
{
    const struct configtx_profile *profile = NULL, *base = NULL;
    int64_t now_s = clock_wall_ns() / 1000000000;
    WEFT_TRY(configtx_profile(c, a.profile, &profile, e));
    if (a.base_profile != NULL && a.output_channel_tx == NULL)
        LOG_WARN(&logger, "Specified 'channelCreateTxBaseProfile', but did not specify "
                          "'outputChannelCreateTx', 'channelCreateTxBaseProfile' will not affect "
                          "output.");
    if (a.base_profile != NULL)
        WEFT_TRY(configtx_profile(c, a.base_profile, &base, e));
    if (a.output_block != NULL)
        WEFT_TRY(output_block(profile, now_s, e));
    if (a.output_channel_tx != NULL)
        WEFT_TRY(output_channel_tx(profile, base, now_s, e));
    return a.output_anchors != NULL ? output_anchors(profile, now_s, e) : WEFT_OK;
}

/* ---- showing --------------------------------------------------------------------------------------- */

static enum weft_code print_json(const char *path, bool block, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf in = { 0 };
    WEFT_CLEANUP(buf_done) struct buf json = { 0 };
    enum weft_code rc = file_read_all(path, INPUT_MAX, &in, e);
    if (rc != WEFT_OK)
        rc = weft_err_wrap(e, rc, "could not read %s", block ? "block" : "channel create tx");
    else
        rc = block ? json_block(buf_bytes(&in), &json, e) : json_envelope(buf_bytes(&in), &json, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "Error on %s",
                             block ? "inspectBlock" : "inspectChannelCreateTx");
    buf_put_u8(&json, '\n');
    return fwrite(json.data, 1, json.len, stdout) == json.len
               ? WEFT_OK
               : WEFT_FAIL(e, WEFT_IO, "can't write the answer");
}

static enum weft_code print_org(struct configtx *c, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf group = { 0 };
    WEFT_CLEANUP(buf_done) struct buf json = { 0 };
    const struct configtx_org *org = NULL;
    enum weft_code rc = configtx_org(c, a.print_org, &org, e);
    if (rc == WEFT_OK)
        rc = genesis_org(org, &group, e);
    if (rc == WEFT_OK)
        rc = json_orderer_org(buf_bytes(&group), &json, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "Error on printOrg");
    (void)printf("%.*s\n", (int)json.len, (const char *)json.data);
    return WEFT_OK;
}

/* What a person can do about it. */
static const char *advice(const struct weft_err *e)
{
    static const char reading[] = "Error reading configuration: ";
    if (strstr(e->msg, "Could not find profile") != NULL)
        return ". Please make sure that FABRIC_CFG_PATH or -configPath is set to a path which "
               "contains configtx.yaml with the specified profile";
    if (strncmp(e->msg, reading, sizeof(reading) - 1) == 0 &&
        strstr(e->msg, "Please make sure") == NULL && e->code != WEFT_INVALID)
        return ". Could not find configtx.yaml. Please make sure that FABRIC_CFG_PATH or "
               "-configPath is set to a path which contains configtx.yaml";
    return "";
}

/* ---- main ---------------------------------------------------------------------------------------------- */

static enum weft_code check_flags(struct weft_err *e)
{
    bool makes = a.output_block != NULL || a.output_channel_tx != NULL || a.output_anchors != NULL;
    if (makes && a.channel_id == NULL)
        return WEFT_FAIL(e, WEFT_INVALID, "Missing channelID, please specify it with '-channelID'");
    if (makes && a.profile == NULL)
        return WEFT_FAIL(
            e, WEFT_INVALID,
            "The '-profile' is required when '-outputBlock', '-outputChannelCreateTx', "
            "or '-outputAnchorPeersUpdate' is specified");
    return WEFT_OK;
}

static enum weft_code run(struct weft_err *e)
{
    WEFT_CLEANUP(configtx_free) struct configtx *c = NULL;
    WEFT_TRY(check_flags(e));
    LOG_INFO(&logger, "Loading configuration");
    if (a.profile != NULL || a.print_org != NULL)
        WEFT_TRY(configtx_open(a.config_path, (const char *const *)environ, &c, e));
    if (a.profile != NULL && a.channel_id != NULL)
        WEFT_TRY(make_outputs(c, e));
    if (a.inspect_block != NULL)
        WEFT_TRY(print_json(a.inspect_block, true, e));
    if (a.inspect_channel_tx != NULL)
        WEFT_TRY(print_json(a.inspect_channel_tx, false, e));
    return a.print_org != NULL ? print_org(c, e) : WEFT_OK;
}

static void print_usage(FILE *to)
{
    struct cli_opt opts[CLI_OPTS_MAX];
    size_t count = 0;
    options(opts, &count);
    (void)fprintf(to, "configtxgen makes first blocks and first transactions of channels, from the "
                      "profiles of configtx.yaml.\n\nUsage of configtxgen:\n");
    for (size_t i = 0; i < count; i++)
        (void)fprintf(to, "  %s %s\n        %s\n", opts[i].name,
                      opts[i].value != NULL ? opts[i].value : "", opts[i].help);
    (void)fprintf(to, "\nFor example:\n"
                      "  configtxgen -profile TwoOrgsGenesis -channelID system-channel "
                      "-outputBlock genesis.block\n");
}

int main(int argc, char **argv)
{
    struct cli_opt opts[CLI_OPTS_MAX];
    struct cli_args args = { 0 };
    struct weft_err e = { 0 };
    size_t count = 0;
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "-help") == 0 || strcmp(argv[i], "--help") == 0 ||
            strcmp(argv[i], "-h") == 0) {
            print_usage(stdout);
            return 0;
        }
    options(opts, &count);
    if (log_init_from_env(&e) != WEFT_OK ||
        cli_parse(opts, count, argc - 1, argv + 1, &args, &e) != WEFT_OK) {
        (void)fprintf(stderr, "%s\n", e.msg);
        print_usage(stderr);
        return 2;
    }
    for (size_t i = 0; i < count; i++) /* an empty value is as none: "$UNSET" in scripts */
        if (opts[i].ret_text != NULL && *opts[i].ret_text != NULL && **opts[i].ret_text == '\0')
            *opts[i].ret_text = NULL;
    if (a.version) {
        (void)printf("configtxgen:\n Version: " WEFT_VERSION "\n");
        return 0;
    }
    enum weft_code rc = run(&e);
    if (rc == WEFT_OK)
        return 0;
    LOG_ERROR(&logger, "%s%s", e.msg, advice(&e));
    return 1;
}
