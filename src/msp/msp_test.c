#include "msp/msp.h"

#include "base/limits.h"
#include "msp_cases.h"
#include "weft_test.h"

TEST(answers_as_fabric_does)
{
    WEFT_CLEANUP(msp_world_free) struct msp_world *w = msp_world_new();
    size_t wrong = 0;
    for (size_t i = 0; i < msp_case_count; i++) {
        const struct msp_case *c = &msp_cases[i];
        struct weft_err e = { 0 };
        bool yes = msp_case_ask(w, c, &e) == WEFT_OK;
        if (yes == (c->no == NULL) && (yes || strstr(e.msg, c->no) != NULL))
            continue;
        wrong++;
        print_error("MSP %s, identity %s, question %s: %s\n", c->msp, c->identity, c->question,
                    yes ? "yes" : e.msg);
    }
    EXPECT_EQ(wrong, 0);
    EXPECT(msp_case_count >= 100);
}
