#include "peer/backoff.h"

#include <math.h>

static const double base = 1.2;
static const int64_t first_ns = 100000000;
static const int64_t ms_ns = 1000000;

int64_t backoff_ns(unsigned failures, int64_t most_ns)
{
    double steps = trunc(log((double)most_ns / (double)first_ns) / log(base));
    if ((double)failures - 1 > steps)
        return most_ns;
    return (int64_t)(pow(base, (double)failures - 1) * 100) * ms_ns;
}
