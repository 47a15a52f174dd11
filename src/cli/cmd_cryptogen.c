/* cryptogen: keys and certificates of a network, from crypto-config.yaml. */
#include "cli/cli.h"
#include "cli/cmds.h"
#include "cryptogen/crypto_org.h"
#include "os/clock.h"
#include "os/file.h"

enum {
    YAML_MAX = 8 << 20
};

static const char *config_file, *dir;

/* ---- generate and extend ------------------------------------------------------------------------- */

static enum weft_code read_spec(struct arena *arena, struct crypto_spec *ret, struct weft_err *e)
{
    WEFT_CLEANUP(buf_done) struct buf text = { 0 };
    if (config_file == NULL)
        return crypto_spec_read(bytes_of_str(crypto_spec_default), "the default template", arena,
                                ret, e);
    enum weft_code rc = file_read_all(config_file, YAML_MAX, &text, e);
    if (rc != WEFT_OK)
        return weft_err_wrap(e, rc, "Error reading config: Error reading configuration");
    return crypto_spec_read(buf_bytes(&text), config_file, arena, ret, e);
}

static enum weft_code make_orgs(struct cli *cli, bool extend, const struct crypto_place *place,
                                const struct crypto_org *orgs, size_t count, struct weft_err *e)
{
    for (size_t i = 0; i < count; i++) {
        bool is_new = true;
        enum weft_code rc = extend ? crypto_org_extend(place, &orgs[i], &is_new, e)
                                   : crypto_org_generate(place, &orgs[i], e);
        if (rc != WEFT_OK)
            return weft_err_wrap(e, rc, "Error generating org %s", orgs[i].domain);
        if (is_new && place->kind == CRYPTO_PEERS)
            (void)fprintf(cli->out, "%s\n", orgs[i].domain);
    }
    return WEFT_OK;
}

static enum weft_code make_all(struct cli *cli, bool extend, struct weft_err *e)
{
    WEFT_CLEANUP(arena_done) struct arena arena = { 0 };
    struct crypto_spec spec = { 0 };
    struct crypto_place place = { .dir = dir,
                                  .kind = CRYPTO_PEERS,
                                  .now_s = clock_wall_ns() / 1000000000 };
    WEFT_TRY(read_spec(&arena, &spec, e));
    WEFT_TRY(make_orgs(cli, extend, &place, spec.peer_orgs, spec.peer_org_count, e));
    place.kind = CRYPTO_ORDERERS;
    return make_orgs(cli, extend, &place, spec.orderer_orgs, spec.orderer_org_count, e);
}

static void generate_options(struct cli_opt *ret, size_t *count)
{
    ret[(*count)++] = (struct cli_opt){ .name = "--output",
                                        .value = "DIR",
                                        .help = "where to put them (crypto-config)",
                                        .ret_text = &dir };
    ret[(*count)++] = (struct cli_opt){ .name = "--config",
                                        .value = "FILE",
                                        .help = "which organisations (see showtemplate)",
                                        .ret_text = &config_file };
}

static void extend_options(struct cli_opt *ret, size_t *count)
{
    generate_options(ret, count);
    ret[0].name = "--input";
    ret[0].help = "the network that is there (crypto-config)";
}

static enum weft_code run_with(struct cli *cli, int argc, char **argv, bool extend,
                               struct weft_err *e)
{
    struct cli_opt opts[CLI_OPTS_MAX];
    struct cli_args args = { 0 };
    size_t count = 0;
    dir = "crypto-config";
    (extend ? extend_options : generate_options)(opts, &count);
    WEFT_TRY(cli_parse(opts, count, argc, argv, &args, e));
    enum weft_code rc = make_all(cli, extend, e);
    return rc == WEFT_INVALID ? WEFT_CORRUPT : rc; /* the file is to blame, not the command line */
}

static enum weft_code run_generate(struct cli *cli, int argc, char **argv, struct weft_err *e)
{
    return run_with(cli, argc, argv, false, e);
}

static enum weft_code run_extend(struct cli *cli, int argc, char **argv, struct weft_err *e)
{
    return run_with(cli, argc, argv, true, e);
}

const struct cli_cmd cmd_cryptogen_generate = {
    .name = "generate",
    .args = "[--config FILE] [--output DIR]",
    .summary = "Generate key material",
    .help = "Makes CAs, nodes and users of every organisation in the file:\n"
            "    cryptogen generate --config crypto-config.yaml --output crypto\n"
            "Keys are P-256; certificates last ten years.  For trying things out: a network\n"
            "that matters has a CA that keeps its keys to itself.\n",
    .run = run_generate,
    .options = generate_options,
};

const struct cli_cmd cmd_cryptogen_extend = {
    .name = "extend",
    .args = "[--config FILE] [--input DIR]",
    .summary = "Extend existing network",
    .help = "Makes the organisations, nodes and users of the file that are not there yet, with\n"
            "the CAs that are.\n",
    .run = run_extend,
    .options = extend_options,
};

/* ---- showtemplate and version ------------------------------------------------------------------------ */

static enum weft_code run_showtemplate(struct cli *cli, int argc, char **argv, struct weft_err *e)
{
    struct cli_args args = { 0 };
    WEFT_TRY(cli_parse(NULL, 0, argc, argv, &args, e));
    (void)fputs(crypto_spec_default, cli->out);
    return WEFT_OK;
}

const struct cli_cmd cmd_cryptogen_showtemplate = {
    .name = "showtemplate",
    .args = "",
    .summary = "Show the default configuration template",
    .run = run_showtemplate,
};

static enum weft_code run_version(struct cli *cli, int argc, char **argv, struct weft_err *e)
{
    struct cli_args args = { 0 };
    WEFT_TRY(cli_parse(NULL, 0, argc, argv, &args, e));
    (void)fprintf(cli->out, "cryptogen:\n Version: " WEFT_VERSION "\n");
    return WEFT_OK;
}

const struct cli_cmd cmd_cryptogen_version = {
    .name = "version",
    .args = "",
    .summary = "Show version information",
    .run = run_version,
};
