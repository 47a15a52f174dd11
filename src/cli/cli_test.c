/* How a command line is taken apart. */
#include "cli/cli.h"

#include "weft_test.h"

struct world {
    const char *channel, *block;
    bool tls, json;
    struct cli_args args;
    struct weft_err e;
};

/* Words as a shell would give them. */
static enum weft_code parse(struct world *w, const char *line)
{
    static char room[256];
    char *argv[CLI_ARGS_MAX * 2];
    int argc = 0;
    *w = (struct world){ .args = { .least = 1, .most = 2 } };
    (void)snprintf(room, sizeof(room), "%s", line);
    for (char *at = room, *word; (word = strsep(&at, " ")) != NULL;)
        if (word[0] != '\0')
            argv[argc++] = word;
    const struct cli_opt opts[] = {
        { "--channelID", "CHANNEL", "", &w->channel, NULL, "-c" },
        { "--block", "NUMBER", "", &w->block, NULL, NULL },
        { "--tls", NULL, "", NULL, &w->tls, NULL },
        { "--json", NULL, "", NULL, &w->json, "-j" },
    };
    return cli_parse(opts, WEFT_ARRAY_LEN(opts), argc, argv, &w->args, &w->e);
}

static void takes(struct world *w, const char *line)
{
    weft_test_expect_code(parse(w, line), WEFT_OK, &w->e, line, __FILE__, __LINE__);
}

static void refuses(const char *line, const char *words)
{
    struct world w;
    EXPECT_EQ(parse(&w, line), WEFT_INVALID);
    EXPECT_STR(w.e.msg, words);
}

TEST(options_may_stand_anywhere)
{
    struct world w;
    takes(&w, "dir -c mychannel --tls newest --block 7");
    EXPECT_STR(w.channel, "mychannel");
    EXPECT_STR(w.block, "7");
    EXPECT(w.tls && !w.json);
    EXPECT_EQ(w.args.count, 2);
    EXPECT_STR(w.args.at[0], "dir");
    EXPECT_STR(w.args.at[1], "newest");
}

TEST(values_may_follow_an_equals_sign_or_a_short_name)
{
    struct world w;
    takes(&w, "--channelID=a=b x");
    EXPECT_STR(w.channel, "a=b");
    takes(&w, "-c=mychannel x");
    EXPECT_STR(w.channel, "mychannel");
    takes(&w, "-cmychannel x");
    EXPECT_STR(w.channel, "mychannel");
    takes(&w, "--block= x");
    EXPECT_STR(w.block, "");
    takes(&w, "-c --tls x"); /* as the original's: whatever comes next is the value */
    EXPECT_STR(w.channel, "--tls");
    EXPECT(!w.tls);
}

TEST(of_two_the_last_holds)
{
    struct world w;
    takes(&w, "-c a --tls x --channelID b --tls=false");
    EXPECT_STR(w.channel, "b");
    EXPECT(!w.tls);
}

TEST(flags_may_say_true_or_false)
{
    struct world w;
    takes(&w, "--tls=true -j=1 x");
    EXPECT(w.tls && w.json);
    takes(&w, "--tls=0 x");
    EXPECT(!w.tls);
    refuses("--tls=perhaps x", "--tls is true or false, not perhaps");
}

TEST(two_dashes_end_the_options)
{
    struct world w;
    takes(&w, "-- --tls -c");
    EXPECT(!w.tls);
    EXPECT_STR(w.args.at[0], "--tls");
    EXPECT_STR(w.args.at[1], "-c");
    takes(&w, "-"); /* standard input, for who wants it */
    EXPECT_STR(w.args.at[0], "-");
}

TEST(what_is_not_in_the_table_is_refused)
{
    refuses("--blocks 7 x", "unknown option --blocks");
    refuses("-x", "unknown option -x");
    refuses("-jx y", "unknown option -jx");
    refuses("--cmychannel x", "unknown option --cmychannel");
    refuses("x --block", "--block needs a value: --block NUMBER");
    refuses("", "an argument is missing");
    refuses("a b c", "one argument too many: c");
}

/* ---- finding the command ------------------------------------------------------- */

static char ran[64];

static enum weft_code run_show(struct cli *cli, int argc, char **argv, struct weft_err *e)
{
    (void)cli;
    (void)snprintf(ran, sizeof(ran), "show %d %s", argc, argc > 0 ? argv[0] : "");
    return argc > 1 ? WEFT_FAIL(e, WEFT_IO, "no luck") : WEFT_OK;
}

static enum weft_code run_list(struct cli *cli, int argc, char **argv, struct weft_err *e)
{
    (void)cli, (void)argv;
    (void)snprintf(ran, sizeof(ran), "list %d", argc);
    return argc > 0 ? WEFT_FAIL(e, WEFT_INVALID, "too much") : WEFT_OK;
}

static const struct cli_cmd show = {
    .name = "ledger show", .args = "", .run = run_show, .summary = "shows"
};
static const struct cli_cmd list = {
    .name = "list", .args = "", .run = run_list, .summary = "lists"
};
static const struct cli_cmd *const cmds[] = { &show, &list };
static const struct cli_program program = {
    .name = "p", .about = "a program", .cmds = cmds, .count = 2, .misused = 2
};

static int run(const char *line)
{
    static char room[128];
    char *argv[8];
    int argc = 0;
    ran[0] = '\0';
    (void)snprintf(room, sizeof(room), "%s", line);
    for (char *at = room, *word; (word = strsep(&at, " ")) != NULL;)
        argv[argc++] = word;
    argv[argc] = NULL;
    return cli_main(&program, argc, argv);
}

TEST(a_command_is_found_by_its_words_and_its_failure_is_the_exit_status)
{
    EXPECT_EQ(run("p ledger show x"), 0);
    EXPECT_STR(ran, "show 1 x");
    EXPECT_EQ(run("p ledger show x y"), 1);
    EXPECT_EQ(run("p list"), 0);
    EXPECT_STR(ran, "list 0");
    EXPECT_EQ(run("p list x"), 2);
}

TEST(what_is_no_command_runs_nothing)
{
    EXPECT_EQ(run("p"), 2);
    EXPECT_EQ(run("p ledger"), 2);
    EXPECT_EQ(run("p ledger shows"), 2);
    EXPECT_EQ(run("p list --help"), 0);
    EXPECT_EQ(run("p --help"), 0);
    EXPECT_STR(ran, "");
}
