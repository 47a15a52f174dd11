#include "adversary_vectors.h"

#include "base/number.h"
#include "weft_test.h"

uint64_t adversary_vectors_number(struct adversary_vectors *v)
{
    char text[32];
    uint64_t n = 0;
    EXPECT(fscanf(v->f, "%31s", text) == 1);
    EXPECT(number_parse_u64(text, &n));
    return n;
}

struct adversary_vectors adversary_vectors_open(const char *path)
{
    struct adversary_vectors v = { .f = fopen(path, "r") };
    EXPECT(v.f != NULL);
    EXPECT(fscanf(v.f, "chain") == 0);
    v.seed = adversary_vectors_number(&v);
    v.kind = adversary_vectors_number(&v);
    v.blocks = adversary_vectors_number(&v);
    return v;
}
