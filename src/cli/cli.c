#include "cli/cli.h"

#include "os/clock.h"

#include <inttypes.h>
#include <unistd.h>

/* ---- the command line ---------------------------------------------------------- */

static bool is_name(const char *name, const char *arg, size_t len)
{
    return name != NULL && strlen(name) == len && strncmp(name, arg, len) == 0;
}

static const struct cli_opt *find_opt(const struct cli_opt *opts, size_t count, const char *arg,
                                      size_t len)
{
    for (size_t i = 0; i < count; i++)
        if (is_name(opts[i].name, arg, len) || is_name(opts[i].alias, arg, len))
            return &opts[i];
    return NULL;
}

static enum weft_code set_flag(const struct cli_opt *o, const char *value, struct weft_err *e)
{
    bool yes = value == NULL || strcmp(value, "true") == 0 || strcmp(value, "1") == 0;
    if (!yes && strcmp(value, "false") != 0 && strcmp(value, "0") != 0)
        return WEFT_FAIL(e, WEFT_INVALID, "%s is true or false, not %s", o->name, value);
    *o->ret_flag = yes;
    return WEFT_OK;
}

/* "-cmychannel": a short name with its value behind it; NULL if it is none. */
static const char *stuck_value(const struct cli_opt *o, const char *arg)
{
    size_t n = o->alias != NULL ? strlen(o->alias) : 0;
    return n > 0 && strncmp(arg, o->alias, n) == 0 ? arg + n : NULL;
}

/* One option, as "--block 7", "--block=7", "-b7" or "--json". */
static enum weft_code take_opt(const struct cli_opt *opts, size_t count, int argc, char **argv,
                               int *at, struct weft_err *e)
{
    const char *arg = argv[*at];
    const char *equals = strchr(arg, '=');
    size_t name_len = equals != NULL ? (size_t)(equals - arg) : strlen(arg);
    const struct cli_opt *o = find_opt(opts, count, arg, name_len);
    if (o == NULL && arg[1] != '-') {
        o = find_opt(opts, count, arg, 2);
        if (o != NULL && o->value != NULL) {
            *o->ret_text = stuck_value(o, arg);
            return WEFT_OK;
        }
        o = NULL;
    }
    if (o == NULL)
        return WEFT_FAIL(e, WEFT_INVALID, "unknown option %s", arg);
    if (o->value == NULL)
        return set_flag(o, equals != NULL ? equals + 1 : NULL, e);
    if (equals == NULL && *at + 1 >= argc)
        return WEFT_FAIL(e, WEFT_INVALID, "%s needs a value: %s %s", o->name, o->name, o->value);
    *o->ret_text = equals != NULL ? equals + 1 : argv[++*at];
    return WEFT_OK;
}

enum weft_code cli_parse(const struct cli_opt *opts, size_t count, int argc, char **argv,
                         struct cli_args *args, struct weft_err *e)
{
    bool only_args = false; /* after -- */
    for (int i = 0; i < argc; i++) {
        if (!only_args && strcmp(argv[i], "--") == 0) {
            only_args = true;
        } else if (!only_args && argv[i][0] == '-' && argv[i][1] != '\0') {
            WEFT_TRY(take_opt(opts, count, argc, argv, &i, e));
        } else {
            if (args->count >= args->most)
                return WEFT_FAIL(e, WEFT_INVALID, "one argument too many: %s", argv[i]);
            args->at[args->count++] = argv[i];
        }
    }
    if (args->count < args->least)
        return WEFT_FAIL(e, WEFT_INVALID, "an argument is missing");
    return WEFT_OK;
}

/* ---- help ----------------------------------------------------------------------- */

static void print_options(FILE *out, const struct cli_cmd *c)
{
    struct cli_opt opts[CLI_OPTS_MAX];
    size_t n = 0;
    if (c->options != NULL)
        c->options(opts, &n);
    (void)fprintf(out, "\nOptions:\n");
    for (size_t i = 0; i < n; i++) {
        char head[64];
        (void)snprintf(head, sizeof(head), "%s%s%s %s", opts[i].alias != NULL ? opts[i].alias : "",
                       opts[i].alias != NULL ? ", " : "", opts[i].name,
                       opts[i].value != NULL ? opts[i].value : "");
        (void)fprintf(out, "  %-22s %s\n", head, opts[i].help);
    }
    (void)fprintf(out, "  %-22s %s\n", "--help", "this text");
}

static void print_command(FILE *out, const char *program, const struct cli_cmd *c)
{
    (void)fprintf(out, "%s\n\nUsage:\n  %s %s %s\n", c->summary, program, c->name, c->args);
    if (c->help != NULL)
        (void)fprintf(out, "\n%s", c->help);
    print_options(out, c);
}

static void print_commands(FILE *out, const struct cli_program *p, const char *below)
{
    (void)fprintf(out, "%s\n\nUsage:\n  %s COMMAND ...\n\nCommands:\n", p->about, p->name);
    for (size_t i = 0; i < p->count; i++)
        if (strncmp(p->cmds[i]->name, below, strlen(below)) == 0)
            (void)fprintf(out, "  %-22s %s\n", p->cmds[i]->name, p->cmds[i]->summary);
    (void)fprintf(out, "\n`%s COMMAND --help` says more about a command.\n", p->name);
}

/* ---- running ---------------------------------------------------------------------- */

/* How many arguments the command's name takes up, 0 if it is another command. */
static int name_words(const char *name, int argc, char **argv)
{
    int words = 0;
    while (*name != '\0') {
        size_t n = strcspn(name, " ");
        if (words >= argc || strlen(argv[words]) != n || strncmp(argv[words], name, n) != 0)
            return 0;
        words++;
        name += n + (name[n] == ' ' ? 1 : 0);
    }
    return words;
}

static bool wants_help(int argc, char **argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

static int run(struct cli *cli, const struct cli_program *p, const struct cli_cmd *c, int argc,
               char **argv)
{
    struct weft_err e = { 0 };
    if (wants_help(argc, argv)) {
        print_command(cli->out, cli->program, c);
        return 0;
    }
    enum weft_code rc = c->run(cli, argc, argv, &e);
    if (cli->status != 0)
        return cli->status;
    if (fflush(cli->out) != 0 && rc == WEFT_OK)
        rc = WEFT_FAIL(&e, WEFT_IO, "can't write the answer");
    if (rc == WEFT_OK)
        return 0;
    (void)fprintf(cli->err, "Error: %s\n", e.msg);
    if (rc != WEFT_INVALID)
        return 1;
    (void)fprintf(cli->err, "Usage: %s %s %s\n", cli->program, c->name, c->args);
    return p->misused;
}

/* The first word of commands: "ledger". */
static bool is_group(const struct cli_program *p, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i < p->count; i++)
        if (strncmp(p->cmds[i]->name, word, n) == 0 && p->cmds[i]->name[n] == ' ')
            return true;
    return false;
}

int cli_main(const struct cli_program *p, int argc, char **argv)
{
    struct cli cli = { .program = p->name, .out = stdout, .err = stderr };
    argc--;
    argv++;
    for (size_t i = 0; i < p->count; i++) {
        int words = name_words(p->cmds[i]->name, argc, argv);
        if (words > 0)
            return run(&cli, p, p->cmds[i], argc - words, argv + words);
    }
    if (argc == 0 || wants_help(argc, argv)) {
        print_commands(argc == 0 ? cli.err : cli.out, p,
                       argc > 0 && argv[0][0] != '-' ? argv[0] : "");
        return argc == 0 ? p->misused : 0;
    }
    bool group = is_group(p, argv[0]);
    if (!group || argc > 1)
        (void)fprintf(cli.err, "Error: %s has no command %s%s%s\n", p->name, argv[0],
                      argc > 1 ? " " : "", argc > 1 ? argv[1] : "");
    print_commands(cli.err, p, group ? argv[0] : "");
    return p->misused;
}

/* ---- progress ---------------------------------------------------------------------- */

enum {
    QUIET_MS = 2000,
    TERMINAL_MS = 200,
    FILE_MS = 10000,
};

void cli_progress_start(struct cli_progress *p, struct cli *cli, const char *what, uint64_t total)
{
    *p = (struct cli_progress){
        .err = cli->err, .what = what, .total = total, .started_ms = clock_monotonic_ms()
    };
    p->shown_ms = p->started_ms;
}

void cli_progress_at(struct cli_progress *p, uint64_t done)
{
    bool terminal = isatty(fileno(p->err));
    uint64_t now = clock_monotonic_ms(), ran = now - p->started_ms;
    if (ran < QUIET_MS || now - p->shown_ms < (terminal ? TERMINAL_MS : FILE_MS) || done == 0)
        return;
    uint64_t total = done > p->total ? done : p->total;
    double rate = (double)done / 1e3 / (double)ran; /* MB/s */
    uint64_t left_s = (uint64_t)((double)(total - done) / 1e6 / rate);
    p->shown_ms = now;
    p->shown = true;
    (void)fprintf(p->err,
                  "%s%s: %" PRIu64 " of %" PRIu64 " MB (%" PRIu64 "%%), %.0f MB/s, %" PRIu64
                  ":%02" PRIu64 " left%s",
                  terminal ? "\r" : "", p->what, done / 1000000, total / 1000000,
                  total > 0 ? done * 100 / total : 100, rate, left_s / 60, left_s % 60,
                  terminal ? "   " : "\n");
    (void)fflush(p->err);
}

void cli_progress_end(struct cli_progress *p)
{
    if (p->shown && isatty(fileno(p->err)))
        (void)fprintf(p->err, "\r%79s\r", "");
}
