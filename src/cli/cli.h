/* cli.h - subcommands, their options and their help.
 *
 * A program is a table of commands; a command is a file cmd_<noun>_<verb>.c
 * with one struct cli_cmd.  cli_main finds the command by the first words,
 * reads options (anywhere among the arguments) and positionals, runs it, and
 * prints what it returns: "Error: <why>" on standard error, exit status 1, or
 * the program's own one for a command line that cannot be understood.  The
 * answer goes to standard output alone, so that it can be piped.
 *
 *     weft ledger show DIR mychannel --block 7
 *          `--------'   positionals   `- option with a value
 *
 * --help after any words shows the help of what they name.
 *
 * Go origin   none (cobra)
 * Owner       the main thread
 * Memory      everything points into argv
 */
#ifndef WEFT_CLI_CLI_H
#define WEFT_CLI_CLI_H

#include "base/weft.h"

#include <stdio.h>

struct cli_opt {
    const char *name;      /* "--block" */
    const char *value;     /* what to call its value in the help; NULL: a flag */
    const char *help;      /* one line */
    const char **ret_text; /* for options with a value */
    bool *ret_flag;        /* for flags; "--tls=false" is understood */
    const char *alias;     /* "-c"; NULL: none */
};

struct cli {
    const char *program; /* "weft" */
    FILE *out, *err;
    int status; /* not 0: how the program ends, the command has said why */
};

struct cli_cmd {
    const char *name;    /* "ledger show" */
    const char *args;    /* "DIR [CHANNEL] [--json]" */
    const char *summary; /* one line for the list of commands */
    const char *help;    /* paragraphs and examples */
    enum weft_code (*run)(struct cli *cli, int argc, char **argv, struct weft_err *e);
    /* For the help: the options that `run` reads with cli_parse. */
    void (*options)(struct cli_opt *ret_opts, size_t *ret_count);
};

enum {
    CLI_OPTS_MAX = 32,
    CLI_ARGS_MAX = 16
};

/* What is left when the options are taken out. */
struct cli_args {
    size_t least, most; /* how many there may be */
    const char *at[CLI_ARGS_MAX];
    size_t count;
};

/* Splits the arguments: options into where their table says, the rest into
 * `args`.  WEFT_INVALID for an option that is not in the table, a missing value,
 * or not between `least` and `most` others. */
enum weft_code cli_parse(const struct cli_opt *opts, size_t count, int argc, char **argv,
                         struct cli_args *args, struct weft_err *e) WEFT_MUST_CHECK;

struct cli_program {
    const char *name, *about;
    const struct cli_cmd *const *cmds;
    size_t count;
    int misused; /* exit status for a command line that cannot be understood */
};

int cli_main(const struct cli_program *p, int argc, char **argv);

/* ---- progress --------------------------------------------------------------- */

/* Says on standard error how far a long work is: nothing in the first two
 * seconds, then a line that is written over (on a terminal) or one every ten
 * seconds. */
struct cli_progress {
    FILE *err;
    const char *what; /* "mychannel" */
    uint64_t total;   /* bytes */
    uint64_t started_ms, shown_ms;
    bool shown;
};

void cli_progress_start(struct cli_progress *p, struct cli *cli, const char *what, uint64_t total);
void cli_progress_at(struct cli_progress *p, uint64_t done);
/* Wipes the line. */
void cli_progress_end(struct cli_progress *p);

#endif
