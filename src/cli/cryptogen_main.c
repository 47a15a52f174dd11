#include "cli/cmds.h"

int main(int argc, char **argv)
{
    static const struct cli_cmd *const cmds[] = {
        &cmd_cryptogen_generate,
        &cmd_cryptogen_extend,
        &cmd_cryptogen_showtemplate,
        &cmd_cryptogen_version,
    };
    static const struct cli_program program = {
        .name = "cryptogen",
        .about = "cryptogen makes the keys and certificates of a Hyperledger Fabric network.",
        .cmds = cmds,
        .count = WEFT_ARRAY_LEN(cmds),
        .misused = 1,
    };
    return cli_main(&program, argc, argv);
}
