#include "base/log.h"
#include "cli/cmds.h"

int main(int argc, char **argv)
{
    static const struct cli_cmd *const cmds[] = {
        &cmd_ledger_show,   &cmd_ledger_verify,   &cmd_ledger_export, &cmd_ledger_import,
        &cmd_bench_deliver, &cmd_bench_broadcast, &cmd_bench_chain,   &cmd_version,
    };
    struct weft_err e = { 0 };
    /* A node logs what it does; a command answers, and logs what is wrong. */
    if (setenv("FABRIC_LOGGING_SPEC", "warn", 0) != 0 || /* NOLINT(concurrency-mt-unsafe) */
        log_init_from_env(&e) != WEFT_OK) {
        (void)fprintf(stderr, "Error: %s\n", e.msg);
        return 1;
    }
    static const struct cli_program program = {
        .name = "weft",
        .about = "weft looks into, checks and copies Hyperledger Fabric's ledgers, and measures "
                 "its nodes.",
        .cmds = cmds,
        .count = WEFT_ARRAY_LEN(cmds),
        .misused = 2,
    };
    return cli_main(&program, argc, argv);
}
