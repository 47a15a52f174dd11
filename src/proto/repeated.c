#include "proto/repeated.h"

/* Takes fields from the front until one of them is `number`. */
static bool take_next(struct bytes *from, uint32_t number, struct bytes *ret)
{
    struct wire w = wire_of(*from);
    struct wire_field f;
    while (wire_next(&w, &f)) {
        if (wire_is(&f, number, WIRE_LEN)) {
            *from = w.rest;
            *ret = f.bytes;
            return true;
        }
    }
    *from = (struct bytes){ 0 };
    return false;
}

bool repeated_next(struct repeated *r, struct bytes *ret_item)
{
    while (!take_next(&r->rest, r->number, ret_item))
        if (!take_next(&r->outer, r->outer_number, &r->rest))
            return false;
    return true;
}

static struct repeated counted(struct repeated r)
{
    struct bytes item;
    for (struct repeated all = r; repeated_next(&all, &item);)
        r.count++;
    return r;
}

struct repeated repeated_of(struct bytes message, uint32_t number)
{
    return counted((struct repeated){ .rest = message, .number = number });
}

struct repeated repeated_within(struct bytes message, uint32_t outer_number, uint32_t number)
{
    return counted((struct repeated){
        .number = number,
        .outer = message,
        .outer_number = outer_number,
    });
}
