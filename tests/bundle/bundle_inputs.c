/* bundle_inputs CASES: what each case asks, for the original: a line of
 *
 *     name <tab> question <tab> channel <tab> now <tab> changed <tab> update
 *
 * with the messages as hex; then what Weft answers, and a line end.  The keys are
 * new ones each time: the answers don't depend on them. */
#include "bundle/bundle.h"
#include "bundle_answer.h"
#include "os/file.h"

#include <stdio.h>

static void print_hex(struct bytes b)
{
    WEFT_FREE char *hex = bytes_to_hex(b);
    (void)printf("\t%s", hex);
}

static void print(void *ctx, const struct bundle_case *c)
{
    struct weft_err e = { 0 };
    (void)ctx;
    (void)printf("%s\t%d\t%s", c->name, (int)c->question, c->channel);
    print_hex(buf_bytes(&c->now));
    print_hex(buf_bytes(&c->changed));
    print_hex(buf_bytes(&c->update));
    (void)printf("\t%s\n", bundle_case_answer(c, &e) == WEFT_OK ? "" : e.msg);
}

int main(int argc, char **argv)
{
    struct weft_err e = { 0 };
    WEFT_CLEANUP(buf_done) struct buf text = { 0 };
    if (argc != 2 || file_read_all(argv[1], 1 << 20, &text, &e) != WEFT_OK) {
        (void)fprintf(stderr, "usage: bundle_inputs CASES\n");
        return 2;
    }
    bundle_cases_run(buf_bytes(&text), print, NULL);
    return 0;
}
