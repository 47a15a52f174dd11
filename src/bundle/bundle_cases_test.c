/* Configurations and updates that Fabric 2.2.15 has judged. */
#include "bundle_answer.h"
#include "weft_test.h"

struct count {
    size_t cases, wrong;
};

static void run(void *ctx, const struct bundle_case *c)
{
    struct count *n = ctx;
    struct weft_err e = { 0 };
    bool yes = bundle_case_answer(c, &e) == WEFT_OK;
    n->cases++;
    if (yes == c->yes && (yes || !c->same_words || strcmp(e.msg, c->words) == 0))
        return;
    n->wrong++;
    print_error("%s: %s\n  Fabric: %s\n", c->name, yes ? "yes" : e.msg, c->yes ? "yes" : c->words);
}

TEST(answers_as_fabric_does_in_its_words)
{
    struct count n = { 0 };
    WEFT_CLEANUP(buf_done)
    struct buf text = weft_test_read(weft_test_file("vectors/bundle/cases.txt"));
    bundle_cases_run(buf_bytes(&text), run, &n);
    EXPECT_EQ(n.wrong, 0);
    EXPECT(n.cases >= 100);
}
