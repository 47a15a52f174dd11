/* sm.h - a named state with a table of the moves it may make.
 *
 * Every protocol flow in this tree is an enum, a table of struct sm_state
 * and one *_step() function with one switch.  sm_move() is the only way to
 * change a state: it checks the table.
 *
 * Go origin   none
 * Owner       the struct that embeds it
 */
#ifndef WEFT_BASE_SM_H
#define WEFT_BASE_SM_H

#include "base/weft.h"

#define SM_BIT(state) (1U << (unsigned)(state))

struct sm_state {
    const char *name;
    uint32_t next; /* SM_BIT()s of the states this one may move to */
};

struct sm {
    const char *name; /* "deliver_client[mychannel]" */
    const struct sm_state *states;
    int state;
};

static inline void sm_move(struct sm *m, int to)
{
    WEFT_ASSERT(m->states[m->state].next & SM_BIT(to));
    m->state = to;
}

#endif
